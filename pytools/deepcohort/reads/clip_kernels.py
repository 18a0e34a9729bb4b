"""Ends of reads that do not fit where an aligner laid them, clipped as one that aligns locally would."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel, kernel

_INSERTION, _DELETION, _SKIP, _SOFT, _HARD = 1, 2, 3, 4, 5
# bwa mem's scores: what it made is left as it is
MATCH, MISMATCH, GAP, _CLIP = 1, -4, 6, 5
_NO_CUT = 1 << 28  # what it would cost to cut an end beside a hard clip
_LONGEST_BP = 500  # longer reads have indels of their own; their aligners clip
_LEAST_BP = 20  # aligned, that a read keeps

Int = int | np.int64  # kernels make the one of the other


class Placed(NamedTuple):
    """R reads of B bases and K operations.

    Attributes:
        pos: int64 (R,), contig positions. seq: uint8 (B,), base codes. seq_offset: int64 (R + 1,).
        cigar_op: uint8 (K,), BAM codes. cigar_len: int32 (K,), bp. cigar_offset: int64 (R + 1,).
    """

    pos: NDArray[np.int64]
    seq: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]


class Operations(NamedTuple):
    """Room for the new alignments of R reads.

    Attributes:
        pos, end: int64 (R,), contig positions. op: uint8, length: int32, each (K + 2 R,). n: int64 (R,),
            operations of each read.
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    op: NDArray[np.uint8]
    length: NDArray[np.int32]
    n: NDArray[np.int64]


@kernel
def worth(code: np.uint8, reference: NDArray[np.uint8], place: int) -> int:
    """Score of a base at `reference` uint8 (L,), codes; beyond it nothing speaks against the base."""
    if not 0 <= place < len(reference):
        return MATCH
    if code > 3 or reference[place] > 3:
        return 0
    return MATCH if code == reference[place] else MISMATCH


@borrowing_kernel
def _soft_ends(row: Int, reads: Placed) -> tuple[np.int64, np.int64]:
    """Bases of a read clipped softly at its left and at its right; a hard clip may stand outside."""
    first, last = reads.cigar_offset[row], reads.cigar_offset[row + 1] - 1
    if first < last and reads.cigar_op[first] == _HARD:
        first += 1
    if first < last and reads.cigar_op[last] == _HARD:
        last -= 1
    left = right = np.int64(0)
    if first < last and reads.cigar_op[first] == _SOFT:
        left = np.int64(reads.cigar_len[first])
    if first < last and reads.cigar_op[last] == _SOFT:
        right = np.int64(reads.cigar_len[last])
    return left, right


@borrowing_kernel
def _best_part(row: int, reads: Placed, reference: NDArray[np.uint8], start: int) -> tuple[Int, Int]:
    """Bases [from, to) of reads.seq that score best along a read's alignment, each cut costing _CLIP.

    An end beside a hard clip stays: the aligner knew what came behind it, and laid the end so.

    `reference`: uint8 (L,), codes from contig position `start` on.
    """
    first, stop = reads.cigar_offset[row], reads.cigar_offset[row + 1]
    begin, finish = reads.seq_offset[row], reads.seq_offset[row + 1]
    query, place = np.int64(begin), reads.pos[row] - start
    cut_left = _NO_CUT if reads.cigar_op[first] == _HARD else _CLIP
    cut_right = _NO_CUT if reads.cigar_op[stop - 1] == _HARD else _CLIP
    left, right = _soft_ends(row, reads)
    if left:
        begin, cut_left = begin + left, 0
    if right:
        finish, cut_right = finish - right, 0
    score: Int = 0
    lowest: Int = 0
    best: Int = -(1 << 30)
    low_at = np.int64(begin)
    best_from, best_to = np.int64(begin), np.int64(finish)
    for k in range(first, stop):
        kind, n = reads.cigar_op[k], np.int64(reads.cigar_len[k])
        if kind == 0 or kind >= 7:
            for _ in range(n):
                cost = cut_left if query > begin else 0
                if score + cost < lowest:
                    lowest, low_at = score + cost, query
                score += worth(reads.seq[query], reference, place)
                query += 1
                place += 1
                value = score - lowest - (cut_right if query < finish else 0)
                if value >= best:
                    best, best_from, best_to = value, low_at, query
        elif kind in (_INSERTION, _DELETION):
            score -= GAP + n
            query += n if kind == _INSERTION else 0
            place += n if kind == _DELETION else 0
        elif kind == _SOFT:
            query += n
        elif kind == _SKIP:  # what lies beside an intron is not judged
            return np.int64(begin), np.int64(finish)
    return best_from, best_to


@kernel
def best_parts(reads: Placed, reference: NDArray[np.uint8], start: int, parts: NDArray[np.int64]) -> int:
    """Fill `parts` int64 (R, 2) with the bases [from, to) of each read that stay aligned.

    Args:
        reference: uint8 (L,), codes from contig position `start` on.

    Returns:
        Reads that lose aligned bases.
    """
    changed = 0
    for row in range(len(reads.pos)):
        first, last = reads.cigar_offset[row], reads.cigar_offset[row + 1] - 1
        parts[row, 0], parts[row, 1] = reads.seq_offset[row], reads.seq_offset[row + 1]
        if last < first or parts[row, 1] - parts[row, 0] > _LONGEST_BP:
            parts[row] = -1
            continue
        low, high = _best_part(row, reads, reference, start)
        left, right = _soft_ends(row, reads)
        if high - low < _LEAST_BP or (low <= parts[row, 0] + left and high >= parts[row, 1] - right):
            parts[row] = -1
            continue
        parts[row, 0], parts[row, 1] = low, high
        changed += 1
    return changed


@borrowing_kernel
def _put(op: Int, length: Int, at: Int, out: Operations) -> Int:
    """Write an operation of `length` bp, if any, as operation `at`; the next free one."""
    if length <= 0:
        return at
    out.op[at], out.length[at] = op, length
    return at + 1


@borrowing_kernel
def _clip_read(row: Int, low: Int, high: Int, reads: Placed, at: Int, out: Operations) -> Int:
    """Write a read's operations with bases [low, high) aligned from operation `at` on; the next free one."""
    query, place = reads.seq_offset[row], reads.pos[row]
    begun = closed = False
    for k in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
        kind, n = reads.cigar_op[k], np.int64(reads.cigar_len[k])
        if kind == 0 or kind >= 7:
            a, b = max(query, low), min(query + n, high)
            if a < b:
                if not begun:
                    at = _put(_SOFT, low - reads.seq_offset[row], at, out)
                    out.pos[row], begun = place + a - query, True
                at = _put(kind, b - a, at, out)
                out.end[row] = place + b - query
            query += n
            place += n
        elif kind == _INSERTION:
            if low < query < high:
                at = _put(kind, n, at, out)
            query += n
        elif kind == _DELETION:
            if low < query < high:
                at = _put(kind, n, at, out)
            place += n
        elif kind == _SOFT:
            query += n
        elif kind == _HARD:
            if begun and not closed:
                at, closed = _put(_SOFT, reads.seq_offset[row + 1] - high, at, out), True
            at = _put(kind, n, at, out)
    return at if closed else _put(_SOFT, reads.seq_offset[row + 1] - high, at, out)


@kernel
def clip_reads(reads: Placed, parts: NDArray[np.int64], out: Operations) -> Int:
    """Write the alignments of all reads, clipped to `parts` int64 (R, 2) of best_parts; -1: as it was.

    `out.pos` and `out.end` hold those of the reads as they were.

    Returns:
        Operations written.
    """
    at: Int = 0
    for row in range(len(reads.pos)):
        before = at
        if parts[row, 0] >= 0:
            at = _clip_read(row, parts[row, 0], parts[row, 1], reads, at, out)
        else:
            for k in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
                out.op[at], out.length[at] = reads.cigar_op[k], reads.cigar_len[k]
                at += 1
        out.n[row] = at - before
    return at
