"""Alignments carried from one copy of a stretch to the other."""
# ruff: noqa: SIM109 - chains of == compile to a jump, tuples of constants do not
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

_M, _I, _D, _S = 0, 1, 2, 4


@kernel
def carry_read(
    first_base, last_base, pos, first_op, last_op, cigar_op, cigar_len, start, axis, inverted, at_base, ops,
    lengths,
):  # fmt: skip
    """Write the alignment of one read along the axis of the other copy to ops, lengths.

    Args:
        first_base, last_base: the read's place in the flat sequence. start: contig position of axis[0].
        axis: int64 (L,), axis position of each contig position, or -1. inverted: whether the axis runs
            the other way; the read is then written reversed.
        at_base: int64, room for one value per base. ops: uint8, lengths: int32, room for twice as many.

    Returns:
        (axis position of the first aligned base, axis position behind the last, operations); (-1, -1, 0)
        where no base is carried.
    """
    n = last_base - first_base
    at, query = pos - start, 0
    at_base[:n] = -1
    for k in range(first_op, last_op):
        op, length = cigar_op[k], np.int64(cigar_len[k])
        if op == _M or op >= 7:
            for j in range(length):
                if 0 <= at + j < len(axis):
                    at_base[query + j] = axis[at + j]
            at += length
            query += length
        elif op == _I or op == _S:
            query += length
        elif op == _D or op == 3:
            at += length
    if inverted:
        at_base[:n] = at_base[:n][::-1].copy()
    first, last = 0, n - 1
    while first < n and at_base[first] < 0:
        first += 1
    while last >= first and at_base[last] < 0:
        last -= 1
    if first > last:
        return np.int64(-1), np.int64(-1), 0
    used = _push(ops, lengths, 0, _S, first)
    behind = at_base[first]
    for i in range(first, last + 1):
        if at_base[i] < 0:
            used = _push(ops, lengths, used, _I, 1)
            continue
        used = _push(ops, lengths, used, _D, at_base[i] - behind)
        used = _push(ops, lengths, used, _M, 1)
        behind = at_base[i] + 1
    used = _push(ops, lengths, used, _S, n - 1 - last)
    return at_base[first], behind, used


@kernel
def _push(ops, lengths, used, op, length):
    """Add to an operation list, joining equal neighbours; returns operations used."""
    if length <= 0:
        return used
    if used > 0 and ops[used - 1] == op:
        lengths[used - 1] += length
        return used
    ops[used], lengths[used] = op, length
    return used + 1
