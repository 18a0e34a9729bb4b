"""Kernel: how many reads of each strand show an ALT, and how many REF."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.core.numba_options import kernel

_REVERSE = 0x10
_LEAST_LOG10 = 0.5  # of a read for or against the ALT, so that it counts


@kernel
def count_strands(rows: NDArray[np.int64], entries: Entries, flag: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Int64 (n, 2, 2): by strand (forward, reverse), reads that show REF or the ALT of each of `rows`, int64
    (n,), and those that show the ALT. `flag`: uint16 (R,), SAM FLAG."""
    found = np.zeros((len(rows), 2, 2), np.int64)
    for i in range(len(rows)):
        for e in range(entries.offset[rows[i]], entries.offset[rows[i] + 1]):
            strand = 1 if flag[entries.read[e]] & _REVERSE else 0
            if entries.allele[e] == 1 and entries.ratio[e] >= _LEAST_LOG10:
                found[i, strand, 0] += 1
                found[i, strand, 1] += 1
            elif entries.allele[e] == 0 and entries.ratio[e] <= -_LEAST_LOG10:
                found[i, strand, 0] += 1
    return found
