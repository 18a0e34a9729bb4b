"""Named demographic histories for msprime, and any history written down in the Demes format."""

from pathlib import Path

import msprime

from deepcohort.core.errors import DeepcohortError

DEMOGRAPHIES = ("out-of-africa", "african", "constant", "bottleneck")


def named_demography(name: str) -> tuple[msprime.Demography, str, list[str]]:
    """A demography, the population to sample, and those that the reference genome is a mosaic of.

    `out-of-africa` and `african` sample Europeans and Africans of the two-population model of
    Tennessen et al. 2012 (Science 337:64; migration left out); the reference is mixed, as GRCh38 is.
    `constant` is 10,000 diploids; `bottleneck` a recent founder population (a breed, an island).
    FILE.yaml or FILE.yaml:DEME is a Demes file (https://popsim-consortium.github.io/demes-spec-docs),
    which stdpopsim and others export for many species; default its last deme alive today.

    Raises:
        DeepcohortError: unknown name, or a file that is no Demes model.
    """
    path, _, deme = name.partition(":")
    if path.endswith((".yaml", ".yml")):
        return _demes_demography(Path(path), deme)
    demography = msprime.Demography()
    if name in ("out-of-africa", "african"):
        demography.add_population(name="EUR", initial_size=501_436, growth_rate=0.0195)
        demography.add_population(name="AFR", initial_size=432_125, growth_rate=0.0166)
        demography.add_population(name="ANC", initial_size=14_474)
        demography.add_population_parameters_change(
            time=204.6, initial_size=9_279, growth_rate=0.00307, population="EUR"
        )
        demography.add_population_parameters_change(
            time=204.6, initial_size=14_474, growth_rate=0, population="AFR"
        )
        demography.add_population_parameters_change(
            time=920, initial_size=1_861, growth_rate=0, population="EUR"
        )
        demography.add_population_split(time=2_040, derived=["EUR", "AFR"], ancestral="ANC")
        demography.add_population_parameters_change(time=5_920, initial_size=7_310, population="ANC")
        sampled = "EUR" if name == "out-of-africa" else "AFR"
        return demography, sampled, ["EUR"] * 4 + ["AFR"]
    if name == "constant":
        demography.add_population(name="POP", initial_size=10_000)
    elif name == "bottleneck":
        demography.add_population(name="POP", initial_size=5_000)
        demography.add_population_parameters_change(time=60, initial_size=120, population="POP")
        demography.add_population_parameters_change(time=100, initial_size=10_000, population="POP")
    else:
        raise DeepcohortError(f"demography '{name}' is unknown; choose one of {', '.join(DEMOGRAPHIES)}")
    return demography, "POP", ["POP"] * 3


def _demes_demography(path: Path, deme: str) -> tuple[msprime.Demography, str, list[str]]:
    import demes

    try:
        graph = demes.load(path)
        demography = msprime.Demography.from_demes(graph)
    except OSError as error:
        raise DeepcohortError(f"demography {path} cannot be read: {error.strerror}") from error
    except Exception as error:  # whatever its parser makes of a file that is no model
        raise DeepcohortError(f"demography {path} is not a Demes model: {error}") from error
    alive = [d.name for d in graph.demes if d.end_time == 0]
    if not alive or (deme and deme not in alive):
        raise DeepcohortError(
            f"demography {path} has no deme '{deme}' today; it has: {', '.join(alive) or 'none'}"
        )
    return demography, deme or alive[-1], [deme or alive[-1]] * 3
