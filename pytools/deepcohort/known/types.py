"""What the known room hands on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.select import Alleles
from deepcohort.candidates.types import CandidateTable
from deepcohort.core.region import Region


@dataclass(frozen=True, slots=True)
class GivenAlleles:
    """Alleles that a file gives, N of one window, in the form and order of candidates.

    Attributes:
        alleles: positions relative to the window.
        ids: of each allele, "" without one.
        symbolic: POS of ALTs passed over as they are no sequence (symbolic, `*`, N, breakends), or REF
            itself.
        long: POS of those longer than the limit.
        frequency: float64 (N,) of a panel; NaN, or empty where nothing is told.
    """

    alleles: Alleles
    ids: tuple[str, ...]
    symbolic: tuple[int, ...] = ()
    long: tuple[int, ...] = ()
    frequency: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def n_symbolic(self, region: Region) -> int:
        """ALTs in `region` that are no sequence."""
        return sum(map(region.contains, self.symbolic))

    def n_long(self, region: Region) -> int:
        """ALTs in `region` that are too long."""
        return sum(map(region.contains, self.long))


@dataclass(frozen=True, slots=True)
class KnownEvidence:
    """Candidates that the reads show and alleles that were given, N rows in one table.

    Attributes:
        table: both, in the order of candidates.
        shown: int64 (N,), row in the table of what the reads show, -1: given only.
        given: bool (N,). ids: of each row, "" without one.
        log10_odds: float64 (N, 2), log10 P(reads | one copy, two copies) / P(reads | no copy) of rows that
            are given only; 0 elsewhere.
        frequency: float64 (N,), of the panel; NaN where it tells none, or there is no panel.
    """

    table: CandidateTable
    shown: NDArray[np.int64]
    given: NDArray[np.bool_]
    ids: tuple[str, ...]
    log10_odds: NDArray[np.float64]
    frequency: NDArray[np.float64]
