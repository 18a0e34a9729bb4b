"""Alignments carried from one copy of a stretch to the other."""
# ruff: noqa: SIM109 - chains of == compile to a jump, tuples of constants do not

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.paralogs.columns import Alignments, Axis
from deepcohort.reads.cigar_kernels import push_operation

_M, _I, _D, _S = 0, 1, 2, 4


@kernel
def lift_alignment(
    row: int,
    reads: Alignments,
    axis: Axis,
    at_base: NDArray[np.int64],
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32],
) -> tuple[np.int64, np.int64, int]:
    """Write the alignment of one read along the axis of the other copy to ops, lengths.

    Args:
        row: of the read. axis: of the copy that the read was aligned to; an inverted one reverses the read.
        at_base: int64 (n,), room for one value per base. ops: uint8, lengths: int32, (2 * n + 4,): likewise.

    Returns:
        (axis position of the first aligned base, axis position behind the last, operations); (-1, -1, 0)
        where no base is carried.
    """
    n = reads.seq_offset[row + 1] - reads.seq_offset[row]
    at, query = np.int64(reads.pos[row] - axis.start), np.int64(0)
    at_base[:n] = -1
    for k in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
        op, length = reads.cigar_op[k], np.int64(reads.cigar_len[k])
        if op == _M or op >= 7:
            for j in range(length):
                if 0 <= at + j < len(axis.at):
                    at_base[query + j] = axis.at[at + j]
            at += length
            query += length
        elif op == _I or op == _S:
            query += length
        elif op == _D or op == 3:
            at += length
    if axis.inverted:
        at_base[:n] = at_base[:n][::-1].copy()
    first, last = 0, n - 1
    while first < n and at_base[first] < 0:
        first += 1
    while last >= first and at_base[last] < 0:
        last -= 1
    if first > last:
        return np.int64(-1), np.int64(-1), 0
    used = push_operation(ops, lengths, 0, _S, first)
    behind = at_base[first]
    for i in range(first, last + 1):
        if at_base[i] < 0:
            used = push_operation(ops, lengths, used, _I, 1)
            continue
        used = push_operation(ops, lengths, used, _D, at_base[i] - behind)
        used = push_operation(ops, lengths, used, _M, 1)
        behind = at_base[i] + 1
    used = push_operation(ops, lengths, used, _S, n - 1 - last)
    return at_base[first], behind, used
