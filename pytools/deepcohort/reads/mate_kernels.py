"""The two reads of a fragment: which belong together, and which has the say where they overlap."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel


@kernel
def pair_mates(name_hash: NDArray[np.uint64], flag: NDArray[np.uint16], mate: NDArray[np.int32]) -> None:
    """Fill `mate` int32 (R,): row of the other end of the same template, or -1.

    The two ends differ in their first/last flag bits; a name seen more often pairs its first two.
    """
    n = len(name_hash)
    size = 16
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int32)
    mask = np.uint64(size - 1)
    for i in range(n):
        mate[i] = -1
        if not flag[i] & 1:
            continue
        slot = name_hash[i] & mask
        while slots[slot] >= 0 and name_hash[slots[slot]] != name_hash[i]:
            slot = (slot + np.uint64(1)) & mask
        other = slots[slot]
        if other < 0:
            slots[slot] = i
        elif mate[other] < 0 and (flag[other] ^ flag[i]) & 0xC0:
            mate[other] = i
            mate[i] = other


@kernel
def _next_aligned(
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    op: int,
    stop: int,
    reference: int,
    query: int,
) -> tuple[int, int, int]:
    """Next stretch of M, = or X from operation `op` of `cigar_op`, `cigar_len` (K,) on.

    Returns (operation, reference start, query start); operation == stop when there is none.
    """
    while op < stop:
        kind = cigar_op[op]
        length = cigar_len[op]
        if kind == 0 or kind == 7 or kind == 8:
            return op, reference, query
        if kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            reference += length
        op += 1
    return stop, reference, query


@kernel
def _settle_stretch(
    seq: NDArray[np.uint8], qual: NDArray[np.uint8], a: int, b: int, length: int, clearly_better: int
) -> None:
    """Zero `qual` (B,) of one of two mates, or of both, at `length` bases that begin at `a` and `b` of
    `seq` (B,).
    """
    for k in range(length):
        qa, qb = np.int64(qual[a + k]), np.int64(qual[b + k])
        if seq[a + k] == seq[b + k]:
            if qa >= qb:
                qual[b + k] = 0
            else:
                qual[a + k] = 0
        elif qa > qb + clearly_better:
            qual[b + k] = 0
        elif qb > qa + clearly_better:
            qual[a + k] = 0
        else:
            qual[a + k] = 0
            qual[b + k] = 0


@kernel
def settle_overlaps(
    pos: NDArray[np.int64],
    end: NDArray[np.int64],
    mate: NDArray[np.int32],
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
    clearly_better: int,
) -> None:
    """Let each fragment vote once per reference base: zero `qual` (in place) of one mate or both.

    Where both ends align a base to one position and agree, the better keeps its quality; where
    they disagree, the clearly better one does, else neither. `mate`: int32 (R,); the others as in ReadBatch.
    """
    for row in range(len(pos)):
        other = mate[row]
        if other <= row or pos[other] >= end[row]:
            continue
        op_a, stop_a = cigar_offset[row], cigar_offset[row + 1]
        op_b, stop_b = cigar_offset[other], cigar_offset[other + 1]
        op_a, ref_a, query_a = _next_aligned(cigar_op, cigar_len, op_a, stop_a, pos[row], seq_offset[row])
        op_b, ref_b, query_b = _next_aligned(cigar_op, cigar_len, op_b, stop_b, pos[other], seq_offset[other])
        while op_a < stop_a and op_b < stop_b:
            end_a, end_b = ref_a + cigar_len[op_a], ref_b + cigar_len[op_b]
            first, last = max(ref_a, ref_b), min(end_a, end_b)
            if first < last:
                _settle_stretch(
                    seq, qual, query_a + first - ref_a, query_b + first - ref_b, last - first, clearly_better
                )
            if end_a <= end_b:
                op_a, ref_a, query_a = _next_aligned(
                    cigar_op, cigar_len, op_a + 1, stop_a, end_a, query_a + cigar_len[op_a]
                )
            else:
                op_b, ref_b, query_b = _next_aligned(
                    cigar_op, cigar_len, op_b + 1, stop_b, end_b, query_b + cigar_len[op_b]
                )
