"""Named demographic histories for msprime."""

import msprime

from deepcohort.core.errors import DeepcohortError

DEMOGRAPHIES = ("out-of-africa", "african", "constant", "bottleneck")


def named_demography(name: str) -> tuple[msprime.Demography, str, list[str]]:
    """A demography, the population to sample, and those that the reference genome is a mosaic of.

    `out-of-africa` and `african` sample Europeans and Africans of the two-population model of
    Tennessen et al. 2012 (Science 337:64; migration left out); the reference is mixed, as GRCh38 is.
    `constant` is 10,000 diploids; `bottleneck` a recent founder population (a breed, an island).

    Raises:
        DeepcohortError: unknown name.
    """
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
