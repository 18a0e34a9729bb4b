"""How many fragments show which base at each position."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.reads.quality_kernels import PlacedReads


@kernel
def tally_alleles(reads: PlacedReads, start: int, length: int, least_quality: int) -> NDArray[np.int32]:
    """Int32 (length, 4): bases A, C, G, T of at least that phred, by position from `start` on."""
    counts = np.zeros((length, 4), np.int32)
    for r in range(len(reads.pos)):
        shift = reads.seq_offset[r] - reads.pos[r]
        for p in range(max(reads.first[r], start), min(reads.stop[r], start + length)):
            base = reads.seq[shift + p]
            if base <= 3 and reads.qual[shift + p] >= least_quality:
                counts[p - start, base] += 1
    return counts
