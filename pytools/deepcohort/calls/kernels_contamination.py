"""Kernel: how many fragments show an ALT, and how many something else."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.candidates.phase_kernels import fragment
from deepcohort.core.numba_options import kernel

_SURE_LOG10 = 1.0  # of a read for or against the ALT, so that it counts


@kernel
def count_fragments(rows: NDArray[np.int64], entries: Entries, mate: NDArray[np.int32]) -> NDArray[np.int64]:
    """Int64 (n, 3): fragments that surely show the ALT of each of `rows`, int64 (n,), REF, and another ALT.

    Where mates say different things, what is not the ALT counts. `mate`: int32 (R,), row of the mate or -1.
    """
    found = np.zeros((len(rows), 3), np.int64)
    shown = np.zeros(len(mate), np.int8)
    for i in range(len(rows)):
        first, last = entries.offset[rows[i]], entries.offset[rows[i] + 1]
        for e in range(first, last):
            f = fragment(entries.read[e], mate)
            if entries.allele[e] == 1 and entries.ratio[e] >= _SURE_LOG10:
                shown[f] = max(shown[f], 1)
            elif entries.allele[e] != 1 and entries.ratio[e] <= -_SURE_LOG10:
                shown[f] = 2 if entries.allele[e] <= 0 else 3
        for e in range(first, last):
            f = fragment(entries.read[e], mate)
            if shown[f] != 0:
                found[i, shown[f] - 1] += 1
                shown[f] = 0
    return found
