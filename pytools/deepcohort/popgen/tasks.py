"""Tasks: what is simulated and told apart, as one frozen value, built in or from TOML."""

import math
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.text import text_of

KINDS = ("selection", "history", "cold_stages")
MODES = ("neutral", "overdominance", "sweep")
HISTORIES = Path(__file__).resolve().parent / "histories"
Prior = tuple[float, float, str]  # low, high, "uniform" or "log"


@dataclass(frozen=True, slots=True)
class Group:
    """Haplotypes sampled together: a time point or a population (`deme`; "" = the task's focal one)."""

    name: str
    haplotypes: int
    age_years: float = 0.0
    deme: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One class of a task.

    Attributes:
        label: column name in outputs.
        mode: of kind selection: neutral, overdominance, sweep.
        s: selection coefficients to draw from. dominance: fitness is 1, 1 + dominance s, 1 + s for 0, 1, 2
            copies; 0 means the homozygote's fitness is 1 and the heterozygote's 1 + s.
        onset_years: when the allele arises. frequency: present frequency it must have, low and high.
        demes: of kind history: Demes YAML text, in which $NAME stands for a parameter.
        priors: of those parameters: low, high, uniform or log.
    """

    label: str
    mode: str = "neutral"
    s: tuple[float, ...] = ()
    dominance: float = 0.5
    onset_years: tuple[float, float] = (10_000.0, 10_000.0)
    frequency: tuple[float, float] = (0.0, 1.0)
    demes: str = ""
    priors: tuple[tuple[str, Prior], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What is simulated.

    Attributes:
        kind: selection (a locus under a history, with or without selection at its centre), history (Demes
            histories with priors), cold_stages (the three scenarios of Kirschner et al. 2022).
        scenarios: the classes. groups: who is sampled.
        history: Demes file (or the name of one that is shipped) of kind selection. focal: its deme.
        priors: of the parameters that stand in the history as $NAME; drawn anew for every locus.
        locus_bp: length of a locus; unlinked_snps: SNPs on independent genealogies; 0 = a locus.
        mutation_rate, recombination: per bp and generation, drawn log-uniformly between two rates.
        hotspot_share: of the recombination, within hotspots of 2 kb; of kind selection.
        centre_jitter_bp: the selected site lies within this distance of the centre.
        generation_years: where the history counts in generations; else it says so itself.
    """

    name: str
    kind: str
    scenarios: tuple[Scenario, ...]
    groups: tuple[Group, ...]
    history: str = "european"
    focal: str = "CEU"
    locus_bp: int = 50_000
    unlinked_snps: int = 0
    mutation_rate: tuple[float, float] = (1.44e-8, 1.44e-8)
    recombination: tuple[float, float] = (1.0e-8, 1.0e-8)
    hotspot_share: tuple[float, float] = (0.0, 0.0)
    centre_jitter_bp: int = 2_500
    generation_years: float = 29.0
    priors: tuple[tuple[str, Prior], ...] = ()

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InputProblems([f"task {self.name}: {p}" for p in problems])

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(s.label for s in self.scenarios)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters that simulations record."""
        if self.kind == "selection":
            varied = [n for n in ("mutation_rate", "hotspot_share") if len(set(getattr(self, n))) > 1]
            return (*SELECTION_PARAMETERS, *varied, *(name for name, _ in self.priors))
        if self.kind == "cold_stages":
            return COLD_STAGE_PARAMETERS
        return tuple(dict.fromkeys(name for s in self.scenarios for name, _ in s.priors))


SELECTION_PARAMETERS = ("advantage", "onset_years", "frequency", "recombination")
COLD_STAGES = ("stable", "both_expand", "one_expands")
COLD_STAGE_PARAMETERS = (
    "generation_years", "ne", "size_ratio", "t3", "t2", "t1", "t1_growth",
    "lgm_1", "lgm_2", "pleistocene_1", "pleistocene_2", "m12_lgm", "m21_lgm", "m12", "m21",
)  # fmt: skip


def _problems(task: Task) -> list[str]:
    out = []
    if task.kind not in KINDS:
        out.append(f"kind '{task.kind}' is unknown; choose from {', '.join(KINDS)}")
    if len(task.scenarios) < 2 or len(set(task.labels)) < len(task.scenarios):
        out.append("needs at least two scenarios with different labels")
    if not task.groups or min(g.haplotypes for g in task.groups) < 2:
        out.append("needs groups of at least two haplotypes")
    out += _group_problems(task)
    for name, low, high in (
        ("locus_bp", 100, 10_000_000), ("unlinked_snps", 0, 100_000),
    ):  # fmt: skip
        if not low <= getattr(task, name) <= high:
            out.append(f"{name} is {getattr(task, name)}; it must lie in {low} to {high}")
    for name, floor, top in (
        ("mutation_rate", 1e-12, 1e-3), ("recombination", 0.0, 1e-3), ("hotspot_share", 0.0, 0.95),
    ):  # fmt: skip
        low, high = getattr(task, name)
        if not floor <= low <= high <= top:
            out.append(f"{name} must be two ascending numbers from {floor:g} to {top:g}")
    out += [f"prior of {name} {text}" for name, text in _prior_problems(task.priors)]
    for s in task.scenarios:
        out += _scenario_problems(task, s)
    return out


def _group_problems(task: Task) -> list[str]:
    """What the simulator of a kind would pass over, or trip over."""
    out = []
    ages, demes = ([getattr(g, name) for g in task.groups] for name in ("age_years", "deme"))
    if ages and min(ages) < 0:
        out.append("age_years of a group must not be below 0")
    if task.kind == "selection":
        if ages != sorted(ages):
            out.append("groups must be listed from the youngest to the oldest")
        if set(demes) - {"", task.focal}:
            out.append(
                f"kind selection samples the focal deme ({task.focal}) alone; leave deme out of groups"
            )
        if task.unlinked_snps:
            out.append("kind selection simulates a locus; set unlinked_snps = 0")
    elif task.unlinked_snps:
        if any(ages):
            out.append("unlinked SNPs are sampled in the present; set age_years = 0 in all groups")
        if task.kind == "history" and len({d or task.focal for d in demes}) < len(demes):
            out.append("groups of unlinked SNPs must be of different demes")
    if task.kind != "selection" and task.hotspot_share[1] > 0:
        out.append("hotspot_share is for kind selection alone")
    if task.kind == "cold_stages":
        if len(task.groups) != 2 or not task.unlinked_snps:
            out.append("kind cold_stages needs two groups and unlinked_snps of 1 at least")
        if not set(task.labels) <= set(COLD_STAGES):
            out.append(f"kind cold_stages has the scenarios {', '.join(COLD_STAGES)} alone")
    return out


def _scenario_problems(task: Task, s: Scenario) -> list[str]:
    out = []
    if len(s.onset_years) != 2 or not 0 <= s.onset_years[0] <= s.onset_years[1]:
        out.append(f"scenario {s.label}: onset_years must be two ascending numbers")
    if s.mode not in MODES:
        out.append(f"scenario {s.label}: mode '{s.mode}' is unknown; choose from {', '.join(MODES)}")
    if task.kind == "selection" and s.mode != "neutral" and (not s.s or min(s.s) <= 0):
        out.append(f"scenario {s.label}: s must list positive coefficients")
    if not 0 <= s.frequency[0] < s.frequency[1] <= 1:
        out.append(f"scenario {s.label}: frequency must be two ascending shares")
    if task.kind == "history" and not s.demes:
        out.append(f"scenario {s.label}: demes is missing")
    out += [f"scenario {s.label}: prior of {name} {text}" for name, text in _prior_problems(s.priors)]
    return out


def _prior_problems(priors: tuple[tuple[str, Prior], ...]) -> list[tuple[str, str]]:
    return [
        (name, "must be [low, high, 'uniform' or 'log']")
        for name, (low, high, shape) in priors
        if low > high or shape not in ("uniform", "log") or (shape == "log" and low <= 0)
    ]


def _balancing() -> Task:
    return Task(
        "balancing",
        "selection",
        (
            Scenario("neutral"),
            Scenario("overdominance", "overdominance", s=(0.0025, 0.005), dominance=20.0),
        ),
        (Group("present", 40),),
    )


_ANCIENT = tuple(Group(f"{a}ky", 10, a * 1000.0) for a in (1, 2, 4, 8))
_INCOMPLETE = Scenario("sweep", "sweep", s=(0.03, 0.04, 0.05), dominance=0.5, frequency=(0.2, 0.8))
_PAIR = """
time_units: generations
demes:
  - {name: ancestral, epochs: [{start_size: $size, end_time: $split}]}
  - {name: A, ancestors: [ancestral], epochs: [{start_size: $size}]}
  - {name: B, ancestors: [ancestral], epochs: [{start_size: $size}]}
migrations: [{demes: [A, B], rate: $migration}]
"""
_SIZE: tuple[str, Prior] = ("size", (2_000.0, 20_000.0, "log"))


def _one_deme(*epochs: str) -> str:
    return "time_units: generations\ndemes:\n  - name: A\n    epochs:\n" + "".join(
        f"      - {{{e}}}\n" for e in epochs
    )


# wide around what has been inferred for Europe and East Asia: sizes of diploids, times in generations;
# `bottle` lasts until the founding, `expansion` until the exodus
NON_AFRICAN: tuple[tuple[str, Prior], ...] = (
    ("ancestral", (8_000.0, 20_000.0, "log")),
    ("expansion", (500.0, 8_000.0, "log")),
    ("expanded", (12_000.0, 40_000.0, "log")),
    ("bottle", (200.0, 3_600.0, "log")),
    ("bottleneck", (1_000.0, 8_000.0, "log")),
    ("founding", (600.0, 1_400.0, "uniform")),
    ("founders", (500.0, 6_000.0, "log")),
    ("present", (6_000.0, 300_000.0, "log")),
)


def any_history(task: Task, name: str) -> Task:
    """A task under non-African histories, rates and recombination maps at random."""
    return replace(
        task, name=name, history="non_african", focal="focal", priors=NON_AFRICAN,
        mutation_rate=(1.0e-8, 2.0e-8), recombination=(0.25e-8, 3.0e-8), hotspot_share=(0.0, 0.8),
    )  # fmt: skip


def _histories() -> Task:
    change: tuple[tuple[str, Prior], ...] = (
        _SIZE,
        ("factor", (5.0, 50.0, "log")),
        ("time", (100.0, 2_000.0, "log")),
    )
    return Task(
        "demography",
        "history",
        (
            Scenario("constant", demes=_one_deme("start_size: $size"), priors=(_SIZE,)),
            Scenario(
                "bottleneck",
                demes=_one_deme(
                    "start_size: $size, end_time: $time_and_200",
                    "start_size: $size_by_factor, end_time: $time",
                    "start_size: $size",
                ),
                priors=change,
            ),
            Scenario(
                "growth",
                demes=_one_deme(
                    "start_size: $size_by_factor, end_time: $time",
                    "start_size: $size_by_factor, end_size: $size",
                ),
                priors=change,
            ),
            Scenario(
                "split",
                demes=_PAIR,
                priors=(_SIZE, ("split", (500.0, 5_000.0, "log")), ("migration", (1e-5, 1e-3, "log"))),
            ),
        ),
        (Group("A", 40, deme="A"),),
        unlinked_snps=1_000,
        focal="A",
    )  # fmt: skip


def _cold_stages(first: int, second: int) -> Task:
    return Task(
        "cold_stages",
        "cold_stages",
        tuple(Scenario(label) for label in COLD_STAGES),
        (Group("extrazonal", first), Group("zonal", second)),
        unlinked_snps=1_000,
        locus_bp=100,
    )


def built_in() -> dict[str, Task]:
    """Tasks by name."""
    balancing = _balancing()
    three = (*balancing.scenarios, _INCOMPLETE)
    partial = replace(
        _INCOMPLETE, onset_years=(4_000.0, 15_000.0), frequency=(0.3, 0.95), s=(0.03, 0.05, 0.08, 0.12)
    )
    sweep = Task(
        "sweep", "selection", (Scenario("neutral"), partial), (Group("present", 60),),
        locus_bp=200_000, recombination=(0.3e-8, 2.0e-8), centre_jitter_bp=20_000,
    )  # fmt: skip
    return {
        "balancing": balancing,
        "balancing_any": any_history(balancing, "balancing_any"),
        "balancing_ancient": replace(
            balancing, name="balancing_ancient", groups=(*balancing.groups, *_ANCIENT)
        ),
        "balancing_or_sweep": replace(balancing, name="balancing_or_sweep", scenarios=three),
        "overdominance_or_sweep": replace(balancing, name="overdominance_or_sweep", scenarios=three[1:]),
        "old_balancing": replace(
            balancing,
            name="old_balancing",
            scenarios=(
                balancing.scenarios[0],
                replace(balancing.scenarios[1], onset_years=(20_000.0, 40_000.0), s=(0.001,)),
            ),
        ),
        "sweep": sweep,
        "sweep_any": any_history(sweep, "sweep_any"),
        "demography": _histories(),
        "cold_stages": _cold_stages(28, 12),
        "cold_stages_270": replace(_cold_stages(160, 110), name="cold_stages_270"),
    }  # fmt: skip


def find_task(name: str | Path) -> Task:
    """The built-in task of that name, or the one that a TOML file describes.

    Raises:
        DeepcohortError: no such task or file, or settings that do not fit.
    """
    tasks = built_in()
    if str(name) in tasks:
        return tasks[str(name)]
    path = Path(name)
    if path.suffix != ".toml" or not path.exists():
        raise DeepcohortError(
            f"task {name} is neither a TOML file nor one of: {', '.join(tasks)}; check --task"
        )
    try:
        values = tomllib.loads(text_of(path))
    except ValueError as error:
        raise DeepcohortError(f"task {path} cannot be read as TOML: {error}") from error
    base = values.pop("base", None)
    if base is not None and base not in tasks:
        raise DeepcohortError(f"task {path}: base '{base}' is unknown; choose from {', '.join(tasks)}")
    known = {} if base is None else task_facts(tasks[base])
    demes = [s["demes"] for s in values.get("scenarios", []) if isinstance(s, dict) and s.get("demes")]
    task = task_from_facts({**known, **values, "name": values.get("name", path.stem)}, path)
    if demes:
        task = replace(task, scenarios=tuple(_with_file(s, path.parent) for s in task.scenarios))
    if task.history.endswith((".yaml", ".yml")) and not Path(task.history).is_absolute():
        task = replace(task, history=str(path.parent / task.history))
    return task


def _with_file(s: Scenario, folder: Path) -> Scenario:
    """A scenario whose `demes` may name a file."""
    if "\n" in s.demes or not s.demes.strip().endswith((".yaml", ".yml")):
        return s
    file = folder / s.demes.strip()
    if not file.exists():
        raise DeepcohortError(f"scenario {s.label}: Demes file {file} does not exist")
    return replace(s, demes=text_of(file))


def task_facts(task: Task) -> dict[str, Any]:
    """A task as plain values."""
    return asdict(task)


def task_from_facts(facts: dict[str, Any], where: str | Path = "task") -> Task:
    """A task from plain values.

    Raises:
        DeepcohortError: unknown names, wrong types, values that do not fit.
    """
    _known(facts, Task, where)
    try:
        scenarios = []
        for raw in facts.get("scenarios", ()):
            _known(raw, Scenario, where)
            s = dict(raw)
            s["priors"] = _priors_from(s.pop("priors", ()))
            for key in ("s", "onset_years", "frequency"):
                if key in s:
                    s[key] = tuple(float(v) for v in s[key])
            scenarios.append(Scenario(**s))
        groups = []
        for raw in facts.get("groups", ()):
            _known(raw, Group, where)
            groups.append(Group(**raw))
        rest = {k: v for k, v in facts.items() if k not in ("scenarios", "groups")}
        for key in ("mutation_rate", "recombination", "hotspot_share"):
            if key in rest:
                rest[key] = _pair(rest[key])
        rest["priors"] = _priors_from(rest.pop("priors", ()))
        return Task(scenarios=tuple(scenarios), groups=tuple(groups), **rest)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise DeepcohortError(
            f"{where}: a setting has the wrong form ({error}); see docs/popgen.md"
        ) from error


def _pair(value: Any) -> tuple[float, float]:
    """Two rates, or one that is both."""
    low, high = (value, value) if isinstance(value, int | float) else value
    return float(low), float(high)


def _priors_from(priors: Any) -> tuple[tuple[str, Prior], ...]:
    pairs = priors.items() if isinstance(priors, dict) else priors
    return tuple((str(n), (float(p[0]), float(p[1]), str(p[2]))) for n, p in pairs)


def _known(values: Any, kind: type, where: str | Path) -> None:
    if not isinstance(values, dict):
        raise DeepcohortError(f"{where}: {kind.__name__.lower()} must be a table of settings")
    names = {f.name for f in fields(kind)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise DeepcohortError(
            f"{where}: unknown {kind.__name__.lower()} settings {', '.join(unknown)}; known: "
            f"{', '.join(sorted(names))}"
        )


def draw_rate(pair: tuple[float, float], rng: np.random.Generator) -> float:
    """A rate between two, log-uniformly; without a draw where both are the same."""
    if pair[0] == pair[1]:
        return pair[0]
    return float(np.exp(rng.uniform(*np.log(np.maximum(pair, 1e-30)))))


def draw_prior(prior: Prior, rng: np.random.Generator) -> float:
    """A value of a prior."""
    low, high, shape = prior
    if shape == "log":
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return float(rng.uniform(low, high))
