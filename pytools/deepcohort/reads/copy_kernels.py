"""Reads of a fragment that was sequenced several times: one stands for all, with their vote's bases."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_MOST_PHRED = 45  # of a base that several copies agree on: what was wrong before they were made remains
_CLEAR_SHARE = 0.7  # of the phred sum that the winning base must have, else it says nothing


@kernel
def _same_shape(
    a: int,
    b: int,
    seq_offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
) -> bool:
    """Whether two reads have the same length and CIGAR.

    `seq_offset`, `cigar_offset` (R+1,), `cigar_op`, `cigar_len` (K,).
    """
    if seq_offset[a + 1] - seq_offset[a] != seq_offset[b + 1] - seq_offset[b]:
        return False
    n = cigar_offset[a + 1] - cigar_offset[a]
    if n != cigar_offset[b + 1] - cigar_offset[b]:
        return False
    for k in range(n):
        i = cigar_offset[a] + k
        j = cigar_offset[b] + k
        if cigar_op[i] != cigar_op[j] or cigar_len[i] != cigar_len[j]:
            return False
    return True


@kernel
def vote_of_copies(
    order: NDArray[np.int64],
    copied: NDArray[np.bool_],
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
) -> None:
    """Give each read that stands for copies of it the bases and qualities of their vote, in place.

    Args:
        order: int64 (R,), rows with the reads of one group after each other, the one that stands first.
        copied: bool (R,) by row: another read stands for it.
        seq, qual: uint8 flat, changed. seq_offset, cigar_*: as in ReadBatch.
    """
    rows = np.empty(len(order), np.int64)
    weight = np.empty(5, np.int64)
    first = 0
    while first < len(order):
        stop = first + 1
        while stop < len(order) and copied[order[stop]]:
            stop += 1
        head = order[first]
        n = 0
        for i in range(first, stop):
            if _same_shape(head, order[i], seq_offset, cigar_op, cigar_len, cigar_offset):
                rows[n] = order[i]
                n += 1
        first = stop
        if n < 2:
            continue
        for k in range(seq_offset[head + 1] - seq_offset[head]):
            weight[:] = 0
            for i in range(n):
                at = seq_offset[rows[i]] + k
                weight[seq[at]] += qual[at]
            winner = np.argmax(weight[:4])
            at = seq_offset[head] + k
            total = weight[:4].sum()
            is_clear = total > 0 and weight[winner] >= _CLEAR_SHARE * total
            if total > 0:
                seq[at] = winner
            against = total - weight[winner]
            qual[at] = min(_MOST_PHRED, max(weight[winner] - 2 * against, 0)) if is_clear else 0
