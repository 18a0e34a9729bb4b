"""Kernel: what bases too poor to count say of SNPs together."""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.core.numba_options import kernel

_NONE = -1
_LOG10_2 = 0.3010299956639812


@kernel
def sum_poor_bases(
    rows: NDArray[np.int64], entries: Entries
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log10 likelihoods of the bases that no allele is counted for, and their share.

    Args:
        rows: int64 (n,), SNP candidates. entries: of all candidates; `ratio` 0 where a read says nothing.

    Returns:
        L(1) - L(0) and L(2) - L(0) copies by these bases, float64 (n, 2), log10; their share of the reads
        that say something, float64 (n,).
    """
    logs, share = np.zeros((len(rows), 2)), np.zeros(len(rows))
    for i in range(len(rows)):
        n_poor = n_counted = 0
        for e in range(entries.offset[rows[i]], entries.offset[rows[i] + 1]):
            ratio = float(entries.ratio[e])
            if entries.allele[e] != _NONE:
                n_counted += 1
            elif ratio != 0.0:
                n_poor += 1
                logs[i, 0] += math.log10(1.0 + 10.0**ratio) - _LOG10_2
                logs[i, 1] += ratio
        share[i] = n_poor / max(1, n_poor + n_counted)
    return logs, share
