"""Who is in the cohort, and how copies pass from parents to children."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.simulate.sexes import SexContig
from deepcohort.simulate.types import Person

FAMILIES = ("trio", "quartet", "none")
SEXES = ("XX", "XY")


def make_people(family: str, unrelated: int, sexes: tuple[str, ...] = ()) -> list[Person]:
    """Parents first, then children, then unrelated samples.

    `sexes` gives those of children and unrelated samples in turn; by default they alternate.

    Raises:
        DeepcohortError: unknown family or sex, or nobody at all.
    """
    if family not in FAMILIES:
        raise DeepcohortError(f"family '{family}' is unknown; choose one of {', '.join(FAMILIES)}")
    if bad := [s for s in sexes if s not in SEXES]:
        raise DeepcohortError(f"sex '{bad[0]}' is unknown; choose XX or XY")
    n_children = {"trio": 1, "quartet": 2, "none": 0}[family]
    if not n_children and unrelated < 1:
        raise DeepcohortError("a cohort of nobody; ask for a family, or for at least one sample")
    names = ["child", "sibling"][:n_children] + [f"sample{i + 1}" for i in range(unrelated)]
    choice = sexes or SEXES
    people = []
    if n_children:
        people += [Person("father", "XY", "family1"), Person("mother", "XX", "family1")]
    for i, name in enumerate(names):
        parents = ("family1", "father", "mother") if i < n_children else ()
        people.append(Person(name, choice[i % len(choice)], *parents))
    return people


def inherit(
    gt: NDArray[np.int8],
    pos: NDArray[np.int64],
    people: list[Person],
    contig: SexContig,
    length: int,
    recombination_rate: float,
    rng: np.random.Generator,
) -> None:
    """Fill the children's columns of gt, int8 (S, 2N), from their parents', in place.

    Maternal copies recombine. So do paternal ones of autosomes; daughters get their father's X as
    it is, sons his Y (which on X means the pseudo-autosomal copy).
    """
    column = {p.name: 2 * i for i, p in enumerate(people)}
    for i, child in enumerate(people):
        if child.mother:
            j = column[child.mother]
            gt[:, 2 * i] = gamete(pos, gt[:, j : j + 2], length, recombination_rate, rng)
        if child.father:
            j = column[child.father]
            if contig.role:
                gt[:, 2 * i + 1] = gt[:, j + (1 if child.sex == "XY" else 0)]
            else:
                gt[:, 2 * i + 1] = gamete(pos, gt[:, j : j + 2], length, recombination_rate, rng)


def gamete(
    pos: NDArray[np.int64],
    parent: NDArray[np.int8],
    length: int,
    recombination_rate: float,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Alleles int8 (S,) of one gamete of `parent`, int8 (S, 2), with crossovers along `length` bp."""
    crossings = np.sort(rng.integers(0, length, rng.poisson(length * recombination_rate)))
    copy = (np.searchsorted(crossings, pos, side="right") + rng.integers(0, 2)) % 2
    return parent[np.arange(len(pos)), copy]
