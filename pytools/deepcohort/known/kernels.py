"""Kernels: what the reads alone say of alleles that were given."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.phase_kernels import capped_ratio
from deepcohort.core.numba_options import kernel


@kernel
def read_odds(
    rows: NDArray[np.int64],
    offset: NDArray[np.int64],
    read: NDArray[np.int32],
    allele: NDArray[np.int8],
    ratio: NDArray[np.float32],
    mapq: NDArray[np.uint8],
    most: NDArray[np.float64],
) -> NDArray[np.float64]:
    """log10 P(reads | one, two copies) / P(reads | none) of the candidates `rows`, float64 (n, 2).

    Args:
        offset, read, allele, ratio: as in `ReadSupport`. mapq: uint8 (R,).
        most: float64 (n,), log10; no read says more.
    """
    odds = np.zeros((len(rows), 2))
    half = np.log10(2.0)
    for i in range(len(rows)):
        cap = most[i]
        for e in range(offset[rows[i]], offset[rows[i] + 1]):
            if allele[e] >= 0:
                x = min(max(capped_ratio(ratio[e], mapq[read[e]]), -cap), cap)
                odds[i, 0] += np.log10(1.0 + 10.0**x) - half
                odds[i, 1] += x
    return odds
