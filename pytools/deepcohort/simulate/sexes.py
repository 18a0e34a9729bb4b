"""Sex chromosomes: who has how many copies of what."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.genome import pseudo_autosomal, sex_chromosome
from deepcohort.simulate.types import ABSENT, Person

MADE_UP_PAR_SHARE = 0.05  # of chrX, at its start; chrY is N there, as in analysis sets


@dataclass(frozen=True, slots=True)
class SexContig:
    """Role of a contig, "" (autosome), "X" or "Y", and its pseudo-autosomal stretches."""

    role: str = ""
    par: tuple[tuple[int, int], ...] = ()


def sex_contig(name: str, length: int, made_up: bool) -> SexContig:
    """Role of contig `name` of `length` bp; `made_up` ones have their PAR at the start."""
    role = sex_chromosome(name)
    if not role:
        return SexContig()
    if made_up:
        return SexContig(role, ((0, int(MADE_UP_PAR_SHARE * length)),) if role == "X" else ())
    return SexContig(role, pseudo_autosomal(name, length))


def copies(person: Person, contig: SexContig, length: int) -> list[tuple[int, int, int]]:
    """(copy, start, end) of the stretches that `person` carries; copy 0 is maternal, 1 paternal.

    Pseudo-autosomal sequence counts as diploid on X; on Y it is nobody's.
    """
    whole = [(0, 0, length), (1, 0, length)]
    if not contig.role or (contig.role == "X" and person.sex != "XY"):
        return whole
    if contig.role == "X":
        return [whole[0], *((1, a, b) for a, b in contig.par)]
    if person.sex != "XY":
        return []
    edges = [0, *(x for stretch in contig.par for x in stretch), length]
    return [(1, a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


def presence(
    person: Person, contig: SexContig, length: int, pos: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each copy exists over the whole of each site [pos, end), bool (S, 2)."""
    there = np.zeros((len(pos), 2), bool)
    for copy, a, b in copies(person, contig, length):
        there[:, copy] |= (pos >= a) & (end <= b)
    return there


def mark_absent(gt: NDArray[np.int8], there: NDArray[np.bool_]) -> None:
    """Set alleles of copies that do not exist to ABSENT, in place."""
    gt[~there] = ABSENT
