"""Places where reads of low MAPQ show another base than the reference."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

_MIN_QUAL = 10  # phred
_MIN_DEPTH = 4


@kernel
def _low_positions(pos, end, mapq, start, length, doubtful_mapq):
    """Whether the mean MAPQ of the reads is below `doubtful_mapq`, bool (length,)."""
    depth = np.zeros(length + 1, np.int32)
    total = np.zeros(length + 1, np.int32)
    for r in range(len(pos)):
        a = min(max(pos[r] - start, 0), length)
        b = min(max(end[r] - start, 0), length)
        depth[a] += 1
        depth[b] -= 1
        total[a] += mapq[r]
        total[b] -= mapq[r]
    low = np.zeros(length, np.bool_)
    n = m = 0
    for i in range(length):
        n += depth[i]
        m += total[i]
        low[i] = n >= _MIN_DEPTH and m < doubtful_mapq * n
    return low


@kernel
def doubtful_positions(
    pos, end, mapq, seq, qual, seq_offset, cigar_op, cigar_len, cigar_offset, reference, start, doubtful_mapq,
    min_count, min_fraction,
):  # fmt: skip
    """Positions of low mean MAPQ where reads show the same wrong base, bool (L,).

    Args:
        reference: uint8 (L,), codes from `start` on; the rest as in ReadBatch. Positions near the ends are
            right where `pos` holds all reads that cover them.
    """
    length = len(reference)
    low = _low_positions(pos, end, mapq, start, length, doubtful_mapq)
    if not low.any():
        return low
    before = np.zeros(length + 1, np.int64)
    before[1:] = np.cumsum(low)
    shown = np.zeros((4, length), np.int32)
    covered = np.zeros(length, np.int32)
    for r in range(len(pos)):
        a = min(max(pos[r] - start, 0), length)
        b = min(max(end[r] - start, 0), length)
        if before[a] == before[b]:
            continue
        at, query = pos[r] - start, seq_offset[r]
        for k in range(cigar_offset[r], cigar_offset[r + 1]):
            op, n = cigar_op[k], np.int64(cigar_len[k])
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
