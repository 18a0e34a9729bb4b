"""Named demographic histories for msprime."""

import msprime

from deepcohort.core.errors import DeepcohortError

DEMOGRAPHIES = ("out-of-africa", "african", "constant", "bottleneck")


def named_demography(name: str) -> tuple[msprime.Demography, str]:
    """A demography and the population to sample from.

    `out-of-africa` and `african` are the European and African branches of Tennessen et al. 2012
    (Science 337:64), as sizes and times in generations; `constant` is 10,000 diploids;
    `bottleneck` is a recent founder population (a breed, an island).

    Raises:
        DeepcohortError: unknown name.
    """
    demography = msprime.Demography()
    if name == "constant":
        demography.add_population(name="POP", initial_size=10_000)
    elif name == "bottleneck":
        demography.add_population(name="POP", initial_size=5_000)
        demography.add_population_parameters_change(time=60, initial_size=120, population="POP")
        demography.add_population_parameters_change(time=100, initial_size=10_000, population="POP")
    elif name == "african":
        demography.add_population(name="POP", initial_size=432_125, growth_rate=0.0166)
        demography.add_population_parameters_change(
            time=204.6, initial_size=14_474, growth_rate=0, population="POP"
        )
        demography.add_population_parameters_change(time=5_920, initial_size=7_310, population="POP")
    elif name == "out-of-africa":
        demography.add_population(name="POP", initial_size=501_436, growth_rate=0.0195)
        demography.add_population_parameters_change(
            time=204.6, initial_size=9_279, growth_rate=0.00307, population="POP"
        )
        demography.add_population_parameters_change(
            time=920, initial_size=1_861, growth_rate=0, population="POP"
        )
        demography.add_population_parameters_change(time=2_040, initial_size=14_474, population="POP")
        demography.add_population_parameters_change(time=5_920, initial_size=7_310, population="POP")
    else:
        raise DeepcohortError(f"demography '{name}' is unknown; choose one of {', '.join(DEMOGRAPHIES)}")
    return demography, "POP"
