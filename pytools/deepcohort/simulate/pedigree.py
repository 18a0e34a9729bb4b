"""Who is in the cohort, and how copies pass from parents to children."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.types import Person


def make_people(family: str, unrelated: int) -> list[Person]:
    """Parents first, then children, then unrelated samples; sexes alternate."""
    people: list[Person] = []
    if family == "trio":
        people = [
            Person("father", "XY", "family1"),
            Person("mother", "XX", "family1"),
            Person("child", "XX", "family1", "father", "mother"),
        ]
    return people + [Person(f"sample{i + 1}", ("XX", "XY")[i % 2]) for i in range(unrelated)]


def drop_gametes(
    positions: NDArray[np.int64],
    parent: NDArray[np.int8],
    length: int,
    recombination_rate: float,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Alleles int8 (S,) of one gamete of `parent` int8 (S, 2), with crossovers along `length` bp."""
    crossings = np.sort(rng.integers(0, length, rng.poisson(length * recombination_rate)))
    copy = (np.searchsorted(crossings, positions, side="right") + rng.integers(0, 2)) % 2
    return parent[np.arange(len(positions)), copy]
