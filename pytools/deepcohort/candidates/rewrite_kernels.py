"""The CIGAR of a realigned read: its own operations outside the window, its haplotype's inside."""
# mypy: ignore-errors

from deepcohort.core.numba_options import kernel


@kernel
def _push(ops, lengths, n, op, length):
    if length <= 0:
        return n
    if n > 0 and ops[n - 1] == op:
        lengths[n - 1] += length
        return n
    ops[n], lengths[n] = op, length
    return n + 1


@kernel
def push_prefix(ops, lengths, n, cigar_op, cigar_len, first_op, op, inside):
    """The read's operations before the anchor base: whole ones, then `inside` bp of `op`."""
    for k in range(first_op, op):
        n = _push(ops, lengths, n, cigar_op[k], cigar_len[k])
    return _push(ops, lengths, n, 0, inside)


@kernel
def push_suffix(ops, lengths, n, cigar_op, cigar_len, op, inside, last_op):
    """The read's operations after the anchor base: `inside` bp of `op`, then whole ones."""
    n = _push(ops, lengths, n, 0, inside)
    for k in range(op + 1, last_op):
        n = _push(ops, lengths, n, cigar_op[k], cigar_len[k])
    return n


@kernel
def push_aligned(ops, lengths, n, window_ops, window_lengths, n_window, backwards, bases):
    """`bases` read bases along the window's operations, then matches. Returns (n, reference bp, clipped).

    Bases that would end inside an insertion are left over: clipped.
    """
    reference = 0
    left = bases
    for j in range(n_window):
        k = n_window - 1 - j if backwards else j
        kind, length = window_ops[k], window_lengths[k]
        if left == 0:
            break
        if kind == 0:
            step = min(length, left)
            n = _push(ops, lengths, n, 0, step)
            reference += step
            left -= step
        elif kind == 1:
            if left <= length:
                return n, reference, left
            n = _push(ops, lengths, n, 1, length)
            left -= length
        else:
            n = _push(ops, lengths, n, 2, length)
            reference += length
    n = _push(ops, lengths, n, 0, left)
    return n, reference + left, 0


@kernel
def _trim_gaps(ops, lengths, n):
    """Drop a gap at the end of operations [0, n): (n, inserted bp dropped, deleted bp dropped)."""
    inserted = deleted = 0
    while n > 0 and (ops[n - 1] == 1 or ops[n - 1] == 2):
        if ops[n - 1] == 1:
            inserted += lengths[n - 1]
        else:
            deleted += lengths[n - 1]
        n -= 1
    return n, inserted, deleted


@kernel
def rewrite_left(
    ops, lengths, cigar_op, cigar_len, first_op, last_op, op, inside, window_ops, window_lengths, n_window,
    aligned, rest,
):  # fmt: skip
    """CIGAR of a read that hangs on by its left: `aligned` bases from the anchor on, `rest` clipped.

    Returns number of operations.
    """
    n = push_prefix(ops, lengths, 0, cigar_op, cigar_len, first_op, op, inside)
    n, _, clipped = push_aligned(ops, lengths, n, window_ops, window_lengths, n_window, False, aligned)
    n, inserted, _ = _trim_gaps(ops, lengths, n)
    n = _push(ops, lengths, n, 4, rest + clipped + inserted)
    if cigar_op[last_op - 1] == 5:
        n = _push(ops, lengths, n, 5, cigar_len[last_op - 1])
    return n


@kernel
def rewrite_right(
    ops, lengths, cigar_op, cigar_len, first_op, last_op, op, inside, window_ops, window_lengths, n_window,
    aligned, rest, back_ops, back_lengths,
):  # fmt: skip
    """CIGAR of a read that hangs on by its right: `aligned` bases up to the anchor, `rest` clipped.

    `inside` is the bp of operation `op` after the anchor base.

    Returns (number of operations, reference bp from the new start to behind the anchor).
    """
    m, reference, clipped = push_aligned(
        back_ops, back_lengths, 0, window_ops, window_lengths, n_window, True, aligned
    )
    m, inserted, deleted = _trim_gaps(back_ops, back_lengths, m)
    n = 0
    if cigar_op[first_op] == 5:
        n = _push(ops, lengths, n, 5, cigar_len[first_op])
    n = _push(ops, lengths, n, 4, rest + clipped + inserted)
    for k in range(m):
        n = _push(ops, lengths, n, back_ops[m - 1 - k], back_lengths[m - 1 - k])
    n = push_suffix(ops, lengths, n, cigar_op, cigar_len, op, inside, last_op)
    return n, reference - deleted


@kernel
def reference_span(ops, lengths, first, last):
    """Reference bp that operations [first, last) take."""
    span = 0
    for k in range(first, last):
        if ops[k] == 0 or ops[k] == 2 or ops[k] == 3 or ops[k] >= 7:
            span += lengths[k]
    return span
