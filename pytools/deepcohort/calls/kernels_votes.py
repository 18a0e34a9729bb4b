"""Kernel: variants that one fragment shows, read twice."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Entries
from deepcohort.core.numba_options import kernel

_ALT = 1


@kernel
def shown_by_both_mates(
    rows: NDArray[np.int64], entries: Entries, reads: AlignedReads, least: int
) -> NDArray[np.bool_]:
    """Whether the mate of the one read that shows each SNP of `rows` int64 (n,) reads the same base, bool (n,).

    Both must have `least` phred.
    """
    out = np.zeros(len(rows), np.bool_)
    for k in range(len(rows)):
        first, last = entries.offset[rows[k]], entries.offset[rows[k] + 1]
        shown = -1
        for e in range(first, last):
            if entries.allele[e] == _ALT:
                shown = e
        if shown < 0:
            continue
        own = reads.seq_offset[entries.read[shown]] + entries.read_index[shown]
        for e in range(first, last):
            if entries.read[e] == reads.mate[entries.read[shown]] and entries.read_index[e] >= 0:
                other = reads.seq_offset[entries.read[e]] + entries.read_index[e]
                both = min(reads.own_qual[own], reads.own_qual[other])
                out[k] = reads.seq[own] == reads.seq[other] and both >= least
    return out
