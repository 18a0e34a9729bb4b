"""Kernel: bases that reads of one strand misread."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.reads.quality_kernels import PlacedReads


@kernel
def put_right(
    reads: PlacedReads, start: int, misread: NDArray[np.uint8], codes: NDArray[np.uint8], most_quality: int
) -> None:
    """Make the reference's bases of those that are `misread`, of at most that phred (in place).

    Args:
        reads: of one strand. misread: uint8 (L,), base codes by position from `start` on, 4: none.
        codes: uint8 (L,), those of the reference.
    """
    for r in range(len(reads.pos)):
        shift = reads.seq_offset[r] - reads.pos[r]
        for p in range(max(reads.first[r], start), min(reads.stop[r], start + len(codes))):
            if misread[p - start] < 4 and reads.seq[shift + p] == misread[p - start]:
                reads.seq[shift + p] = codes[p - start]
                if reads.qual[shift + p] > most_quality:
                    reads.qual[shift + p] = np.uint8(most_quality)
