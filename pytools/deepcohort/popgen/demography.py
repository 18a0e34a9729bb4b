"""Demes histories, as msprime takes them and as epochs for the kernels."""

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.tasks import HISTORIES, Scenario

if TYPE_CHECKING:
    import msprime


@dataclass(frozen=True, slots=True)
class Epochs:
    """Piecewise history for `coalescent_kernels.unlinked_snps`, whose docstring says what each array is."""

    starts: NDArray[np.float64]
    sizes: NDArray[np.float64]
    growths: NDArray[np.float64]
    migration: NDArray[np.float64]
    moves: NDArray[np.int64]


def read_history(text: str, where: str) -> Any:
    """A Demes graph from YAML text.

    Raises:
        DeepcohortError: text that the Demes specification refuses.
    """
    import demes

    try:
        _refuse_zero_proportions(demes.loads_asdict(text))
        return demes.loads(text)
    except Exception as error:  # the parser raises YAML's, its own and plain Python's kinds
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DeepcohortError(f"{where}: not a valid Demes history ({reason})") from error


def _refuse_zero_proportions(raw: Any) -> None:
    """Proportions of 0, which the specification forbids and the parser lets pass, in unused defaults too."""
    defaults = raw.get("defaults") or {}
    named = [*(raw.get("pulses") or []), defaults.get("pulse") or {}, defaults.get("deme") or {}]
    if any(float(p) <= 0 for item in named for p in item.get("proportions") or []):
        raise ValueError("proportions must be above 0")


def history_text(name: str) -> tuple[str, str]:
    """Text of a Demes file, or of a shipped history, and what to call it.

    Raises:
        DeepcohortError: no such file, or one that cannot be read.
    """
    path = Path(name)
    shipped = HISTORIES / f"{name}.yaml"
    if not path.exists() and shipped.exists():
        path = shipped
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in HISTORIES.glob("*.yaml")))
        raise DeepcohortError(f"history {name} does not exist; give a Demes file or one of: {known}")
    try:
        return path.read_text(encoding="utf-8"), f"history {path}"
    except (OSError, UnicodeDecodeError) as error:
        raise DeepcohortError(f"history {path} cannot be read: {error}") from error


def history_of(name: str) -> Any:
    """The Demes graph of a file, or of a shipped history.

    Raises:
        DeepcohortError: no such file, or an invalid one.
    """
    return read_history(*history_text(name))


def template_of(text: str, where: str) -> Any:
    """A history with $NAME in place of numbers, as plain values.

    Raises:
        DeepcohortError: text that is no YAML.
    """
    import demes

    try:
        return demes.loads_asdict(text)
    except Exception as error:  # YAML's kinds
        reason = " ".join(str(error).split())[:200]
        raise DeepcohortError(f"{where}: not a valid Demes history ({reason})") from error


def graph_of_template(template: Any, values: dict[str, float], where: str) -> Any:
    """The Demes graph of a template with its parameters.

    Raises:
        DeepcohortError: a parameter without a value, or a history that is not valid with them.
    """
    import demes

    derived = _Derived(values)

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: fill(v) for k, v in node.items()}
        if isinstance(node, list):
            return [fill(v) for v in node]
        return float(Template(node).substitute(derived)) if isinstance(node, str) and "$" in node else node

    try:
        return demes.Graph.fromdict(fill(template))
    except KeyError as error:
        raise DeepcohortError(f"{where}: names {error}, which has no prior in the task") from error
    except Exception as error:  # the parser raises its own and plain Python's kinds
        reason = " ".join(str(error).split())[:200]
        raise DeepcohortError(
            f"{where}: not a valid Demes history with the values drawn ({reason})"
        ) from error


def to_demography(graph: Any, where: str) -> "msprime.Demography":
    """As msprime takes it.

    Raises:
        DeepcohortError: what Demes can say and msprime cannot simulate.
    """
    import msprime

    try:
        return msprime.Demography.from_demes(graph)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise DeepcohortError(f"{where}: cannot be simulated ({reason})") from error


def years_of_generation(graph: Any, otherwise: float) -> float:
    """Years of a generation as the history states them; `otherwise` where it counts in generations."""
    years = graph.generation_time if graph.time_units != "generations" else otherwise
    return float(years or otherwise)


def fill_in(scenario: Scenario, values: dict[str, float]) -> str:
    """Demes text of a scenario with its parameters; NAME_and_X adds, NAME_by_OTHER divides."""
    return Template(scenario.demes).substitute(_Derived(values))


class _Derived(dict[str, float]):
    def __missing__(self, key: str) -> float:
        for sign in ("_and_", "_by_"):
            left, found, right = key.partition(sign)
            if found and left in self:
                other = float(right) if right[:1].isdigit() else self[right]
                return self[left] + other if sign == "_and_" else self[left] / other
        raise KeyError(key)


def epochs_of(demography: "msprime.Demography") -> tuple[Epochs, dict[str, int]]:
    """Epochs in units of generations (a pair coalesces at rate 1 / 2N), and populations by name.

    Raises:
        DeepcohortError: admixture or pulses, which move only some lineages.
    """
    import msprime

    index = {p.name: i for i, p in enumerate(demography.populations)}
    k = len(index)
    starts, sizes, growths, migration, moves = [], [], [], [], []
    for epoch in demography.debug().epochs:
        move = np.arange(k)
        for event in epoch.events:
            if isinstance(event, msprime.demography.PopulationSplit):
                for derived in event.derived:
                    move[index[derived]] = index[event.ancestral]
            elif isinstance(event, msprime.demography.Admixture | msprime.demography.MassMigration):
                raise DeepcohortError(
                    "admixture and pulses need linked loci; set unlinked_snps = 0 in the task"
                )
        starts.append(epoch.start_time)
        sizes.append([2.0 * max(p.start_size, 1e-9) for p in epoch.populations])
        growths.append([p.growth_rate for p in epoch.populations])
        migration.append(np.asarray(epoch.migration_matrix, dtype=np.float64))
        moves.append(move)
    return (
        Epochs(
            np.array(starts, np.float64),
            np.array(sizes, np.float64),
            np.array(growths, np.float64),
            np.array(migration, np.float64),
            np.array(moves, np.int64),
        ),
        index,
    )


def size_by_generation(graph: Any, deme: str, generations: int, where: str) -> NDArray[np.float64]:
    """Diploid size of `deme` at generations 0 to `generations`, float64 (generations + 1,).

    Raises:
        DeepcohortError: no such deme, or one that is younger than that.
    """
    graph = graph.in_generations()
    found = [d for d in graph.demes if d.name == deme]
    if not found:
        raise DeepcohortError(f"{where}: no deme {deme}; it has {', '.join(d.name for d in graph.demes)}")
    if found[0].start_time <= generations or found[0].end_time > 0:
        raise DeepcohortError(
            f"{where}: deme {deme} lives from {found[0].start_time:.0f} to {found[0].end_time:.0f} "
            "generations "
            f"ago, selection from {generations}; choose another deme or a later onset"
        )
    # the size at 0 is that of the youngest epoch's end
    return np.array([found[0].size_at(max(float(t), 1e-9)) for t in range(generations + 1)])
