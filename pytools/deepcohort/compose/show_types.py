"""What the picture of a site shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from deepcohort.model.explain import Saliency

# what a drawn column of a read holds, besides base codes 0..4
GAP, OUTSIDE = 5, 6


@dataclass(frozen=True, slots=True)
class DrawnRead:
    """One read over the window of the picture: codes uint8 (W,), GAP = deleted, OUTSIDE = not covered.

    `inserted`: columns after which it inserts, with bp. `clipped`: bool (W,), soft-clipped bases.
    `allele`: of candidates.types. `forward`: strand. `mapq`: phred. `name_hash`: of ReadBatch.
    `haplotype`: its tag HP, 0 without one.
    """

    codes: NDArray[np.uint8]
    clipped: NDArray[np.bool_]
    inserted: tuple[tuple[int, int], ...]
    allele: int
    forward: bool
    mapq: int
    name_hash: int = 0
    haplotype: int = 0


@dataclass(frozen=True, slots=True)
class SitePicture:
    """All that the picture shows; `pixels` uint8 (channels, rows, columns), absent where no candidate is.

    `seen`: what the CNN's answer rests on. `coverage`: int64 (W, 6), reads with each base code or a GAP.
    `sample`: named where there are several. `by_haplotype`: whether reads stand by their haplotype.
    """

    title: str
    contig: str
    start: int
    pos: int
    reference: NDArray[np.uint8]
    reads: tuple[DrawnRead, ...]
    n_reads: int
    pixels: NDArray[np.uint8] | None = None
    probabilities: NDArray[np.float32] | None = None
    seen: Saliency | None = None
    coverage: NDArray[np.int64] | None = None
    sample: str = ""
    by_haplotype: bool = False

    @property
    def line(self) -> str:
        """Title and what the model thinks."""
        p = self.probabilities
        name = f"{self.sample}   " if self.sample else ""
        if p is None:
            return f"{name}{self.title}"
        return f"{name}{self.title}   P(0 copies) {p[0]:.4f}   P(1) {p[1]:.4f}   P(2) {p[2]:.4f}"
