"""Places where reads of low MAPQ show another base than the reference."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.paralogs.columns import Alignments

_MIN_QUAL = 10  # phred
_MIN_DEPTH = 4


@kernel
def _low_positions(reads: Alignments, start: int, length: int, doubtful_mapq: int) -> NDArray[np.bool_]:
    """Whether the mean MAPQ of the reads over each base from `start` on is so low, bool (L,)."""
    depth = np.zeros(length + 1, np.int32)
    total = np.zeros(length + 1, np.int32)
    for r in range(len(reads.pos)):
        a = min(max(reads.pos[r] - start, 0), length)
        b = min(max(reads.end[r] - start, 0), length)
        depth[a] += 1
        depth[b] -= 1
        total[a] += reads.mapq[r]
        total[b] -= reads.mapq[r]
    low = np.zeros(length, np.bool_)
    n = m = 0
    for i in range(length):
        n += depth[i]
        m += total[i]
        low[i] = n >= _MIN_DEPTH and m < doubtful_mapq * n
    return low


@kernel
def doubtful_positions(
    reads: Alignments,
    reference: NDArray[np.uint8],
    start: int,
    doubtful_mapq: int,
    min_count: int,
    min_fraction: float,
) -> NDArray[np.bool_]:
    """Positions of low mean MAPQ where reads show the same wrong base, bool (L,).

    Args:
        reads: all that cover the positions. reference: uint8 (L,), codes from `start` on.
        doubtful_mapq: phred, a mean below it is low. min_count: reads that show the base, and min_fraction of
            those that cover it.
    """
    length = len(reference)
    low = _low_positions(reads, start, length, doubtful_mapq)
    if not low.any():
        return low
    before = np.zeros(length + 1, np.int64)
    before[1:] = np.cumsum(low)
    shown = np.zeros((4, length), np.int32)
    covered = np.zeros(length, np.int32)
    seq, qual = reads.seq, reads.qual
    for r in range(len(reads.pos)):
        a = min(max(reads.pos[r] - start, 0), length)
        b = min(max(reads.end[r] - start, 0), length)
        if before[a] == before[b]:
            continue
        at, query = reads.pos[r] - start, reads.seq_offset[r]
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            op, n = reads.cigar_op[k], np.int64(reads.cigar_len[k])
            if op == 0 or op >= 7:
                for j in range(max(0, -at), min(n, length - at)):
                    i = at + j
                    if low[i] and qual[query + j] >= _MIN_QUAL and seq[query + j] < 4:
                        covered[i] += 1
                        if seq[query + j] != reference[i]:
                            shown[seq[query + j], i] += 1
                at += n
                query += n
            elif op == 1 or op == 4:
                query += n
            elif op == 2 or op == 3:
                at += n
    for i in range(length):
        most = max(max(shown[0, i], shown[1, i]), max(shown[2, i], shown[3, i]))
        low[i] = low[i] and reference[i] < 4 and most >= min_count and most >= min_fraction * covered[i]
    return low
