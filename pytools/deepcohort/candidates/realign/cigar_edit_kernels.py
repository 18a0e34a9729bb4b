"""The CIGAR of a realigned read: its own operations outside the window, its haplotype's inside."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Int
from deepcohort.candidates.realign.columns import (
    Anchor,
    CigarRoom,
    Fits,
    Held,
    LocalHaplotypes,
    MovingReads,
    Operations,
    Span,
)
from deepcohort.core.numba_options import borrowing_kernel, kernel
from deepcohort.reads.cigar_kernels import push_operation

BOTH, LEFT, RIGHT = 0, 1, 2  # by which ends a read hangs on to the window
_MARGIN = 1.5  # log10; a new alignment must be this much better


@borrowing_kernel
def push_prefix(
    ops: NDArray[np.uint8], lengths: NDArray[np.int32], n: Int, own: Operations, op: Int, inside: Int
) -> Int:
    """The read's operations before the anchor base: whole ones, then `inside` bp of `op`.

    `ops` uint8 (k,) and `lengths` int32 (k,) hold `n` operations; how many they are now.
    """
    for k in range(own.first, op):
        n = push_operation(ops, lengths, n, own.op[k], own.length[k])
    return push_operation(ops, lengths, n, 0, inside)


@borrowing_kernel
def push_suffix(
    ops: NDArray[np.uint8], lengths: NDArray[np.int32], n: Int, own: Operations, op: Int, inside: Int
) -> Int:
    """The read's operations after the anchor base: `inside` bp of `op`, then whole ones.

    `ops` uint8 (k,), `lengths` int32 (k,): as in push_prefix.
    """
    n = push_operation(ops, lengths, n, 0, inside)
    for k in range(op + 1, own.last):
        n = push_operation(ops, lengths, n, own.op[k], own.length[k])
    return n


@borrowing_kernel
def push_aligned(
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    n: Int,
    window: Operations,
    backwards: bool,
    bases: Int,
) -> tuple[Int, Int, Int]:
    """`bases` read bases along the window's operations, then matches. Returns (n, reference bp, clipped).

    Bases that would end inside an insertion are left over: clipped. `ops` uint8 and `lengths` int32 hold
    `n` operations before.
    """
    reference: Int = 0
    left = bases
    for j in range(window.first, window.last):
        k = window.last - 1 - j + window.first if backwards else j
        kind, length = window.op[k], window.length[k]
        if left == 0:
            break
        if kind == 0:
            step = min(length, left)
            n = push_operation(ops, lengths, n, 0, step)
            reference += step
            left -= step
        elif kind == 1:
            if left <= length:
                return n, reference, left
            n = push_operation(ops, lengths, n, 1, length)
            left -= length
        else:
            n = push_operation(ops, lengths, n, 2, length)
            reference += length
    n = push_operation(ops, lengths, n, 0, left)
    return n, reference + left, 0


@borrowing_kernel
def _trim_gaps(ops: NDArray[np.uint8], lengths: NDArray[np.int32], n: Int) -> tuple[Int, Int, Int]:
    """Drop a gap at the end of operations [0, n): (n, inserted bp dropped, deleted bp dropped).

    `ops`: uint8, `lengths`: int32, bp.
    """
    inserted: Int = 0
    deleted: Int = 0
    while n > 0 and (ops[n - 1] == 1 or ops[n - 1] == 2):
        if ops[n - 1] == 1:
            inserted += lengths[n - 1]
        else:
            deleted += lengths[n - 1]
        n -= 1
    return n, inserted, deleted


@borrowing_kernel
def rewrite_both(
    room: CigarRoom,
    own: Operations,
    first: Anchor,
    last: Anchor,
    span: Span,
    window: Operations,
    aligned: Int,
) -> Int:
    """CIGAR of a read that hangs on by both ends: `aligned` bases in between. Number of operations."""
    n = push_prefix(room.op, room.length, 0, own, first.op, span.start - first.at)
    n, _, _ = push_aligned(room.op, room.length, n, window, False, aligned)
    inside = last.at + own.length[last.op] - span.stop
    return push_suffix(room.op, room.length, n, own, last.op, inside)


@borrowing_kernel
def rewrite_left(
    room: CigarRoom, own: Operations, op: Int, inside: Int, window: Operations, aligned: Int, rest: Int
) -> Int:
    """CIGAR of a read that hangs on by its left: `aligned` bases from the anchor on, `rest` clipped.

    `inside` is the bp of operation `op` before the anchor base. Returns number of operations.
    """
    n = push_prefix(room.op, room.length, 0, own, op, inside)
    n, _, clipped = push_aligned(room.op, room.length, n, window, False, aligned)
    n, inserted, _ = _trim_gaps(room.op, room.length, n)
    n = push_operation(room.op, room.length, n, 4, rest + clipped + inserted)
    if own.op[own.last - 1] == 5:
        n = push_operation(room.op, room.length, n, 5, own.length[own.last - 1])
    return n


@borrowing_kernel
def rewrite_right(
    room: CigarRoom, own: Operations, op: Int, inside: Int, window: Operations, aligned: Int, rest: Int
) -> tuple[Int, Int]:
    """CIGAR of a read that hangs on by its right: `aligned` bases up to the anchor, `rest` clipped.

    `inside` is the bp of operation `op` after the anchor base.

    Returns (number of operations, reference bp from the new start to behind the anchor).
    """
    m, reference, clipped = push_aligned(room.back_op, room.back_length, 0, window, True, aligned)
    m, inserted, deleted = _trim_gaps(room.back_op, room.back_length, m)
    n = 0
    if own.op[own.first] == 5:
        n = push_operation(room.op, room.length, n, 5, own.length[own.first])
    n = push_operation(room.op, room.length, n, 4, rest + clipped + inserted)
    for k in range(m):
        n = push_operation(room.op, room.length, n, room.back_op[m - 1 - k], room.back_length[m - 1 - k])
    n = push_suffix(room.op, room.length, n, own, op, inside)
    return n, reference - deleted


@borrowing_kernel
def reference_span(ops: NDArray[np.uint8], lengths: NDArray[np.int32], n: Int) -> Int:
    """Reference bp that the first `n` operations of ops uint8 (k,), lengths int32 (k,) take."""
    span: Int = 0
    for k in range(n):
        if ops[k] == 0 or ops[k] == 2 or ops[k] == 3 or ops[k] >= 7:
            span += lengths[k]
    return span


@borrowing_kernel
def _is_better(r: Int, h: Int, haplotypes: LocalHaplotypes, fits: Fits) -> bool:
    """Whether read `r` of the window fits haplotype `h` clearly better than its own alignment."""
    if fits.details[r, h, 0] < 0 or fits.scores[r, h] < fits.old[r, 0] + _MARGIN:
        return False
    gapless = haplotypes.n_ops[h] == 1 and haplotypes.ops[h, 0] == 0
    if gapless and fits.old[r, 1] == 0.0:
        return False  # no gap before or after: only an end would be unclipped
    return fits.details[r, h, 2] <= 1 + fits.details[r, h, 1] // 25


@borrowing_kernel
def _new_cigar(
    r: Int, h: Int, held: Held, span: Span, haplotypes: LocalHaplotypes, fits: Fits, window_start: int,
    reads: MovingReads, room: CigarRoom,
) -> tuple[Int, Int]:  # fmt: skip
    """Write the CIGAR of read `r` of the window along haplotype `h`: (operations, its pos, relative)."""
    row = held.rows[r]
    a, first_base = held.anchors[r], reads.seq_offset[row]
    first, last = Anchor(a[0], a[1], a[2]), Anchor(a[3], a[4], a[5])
    own = Operations(reads.cigar_op, reads.cigar_len, reads.op_first[row], reads.op_last[row])
    window = Operations(haplotypes.ops[h], haplotypes.lengths[h], np.int64(0), haplotypes.n_ops[h])
    aligned = fits.details[r, h, 1]
    pos = reads.pos[row] - window_start
    if fits.details[r, h, 0] == BOTH:
        return rewrite_both(room, own, first, last, span, window, aligned), pos
    if fits.details[r, h, 0] == LEFT:
        inside = span.start - first.at
        rest = reads.seq_offset[row + 1] - (first.query + inside) - aligned
        return rewrite_left(room, own, first.op, inside, window, aligned, rest), pos
    index = last.query + span.stop - 1 - last.at
    inside = last.at + own.length[last.op] - span.stop
    n, taken = rewrite_right(room, own, last.op, inside, window, aligned, index + 1 - aligned - first_base)
    return n, span.stop - taken


@borrowing_kernel
def _is_same(row: Int, pos: Int, n: Int, reads: MovingReads, room: CigarRoom) -> bool:
    """Whether the read `row` already has `pos`, contig position, and the `n` operations in `room`."""
    first = reads.op_first[row]
    if n != reads.op_last[row] - first or pos != reads.pos[row]:
        return False
    for j in range(n):
        if room.op[j] != reads.cigar_op[first + j] or room.length[j] != reads.cigar_len[first + j]:
            return False
    return True


@kernel
def rewrite_reads(
    held: Held, span: Span, pair: tuple[Int, Int], haplotypes: LocalHaplotypes, fits: Fits, window_start: int,
    reads: MovingReads, room: CigarRoom, n_used: Int,
) -> Int:  # fmt: skip
    """Write anew the reads that fit one of the two haplotypes clearly better than their own alignment.

    `pair`: rows of `haplotypes`, (2,). `n_used`: CIGAR operations in use; how many they are now, -1 where
    there is no room.
    """
    for r in range(len(held.rows)):
        row = held.rows[r]
        h = pair[0] if fits.scores[r, pair[0]] >= fits.scores[r, pair[1]] else pair[1]
        if not _is_better(r, h, haplotypes, fits):
            continue
        n, start = _new_cigar(r, h, held, span, haplotypes, fits, window_start, reads, room)
        pos = start + window_start
        taken = reference_span(room.op, room.length, n)
        if taken <= 0 or pos < 0 or _is_same(row, pos, n, reads, room):
            continue
        if n_used + n > len(reads.cigar_op):
            return -1
        for j in range(n):
            reads.cigar_op[n_used + j] = room.op[j]
            reads.cigar_len[n_used + j] = room.length[j]
        reads.op_first[row], reads.op_last[row] = n_used, n_used + n
        n_used += n
        reads.pos[row] = pos
        reads.end[row] = pos + taken
        reads.changed[row] = True
    return n_used
