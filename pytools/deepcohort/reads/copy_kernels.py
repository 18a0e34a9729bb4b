"""Reads of a fragment that was sequenced several times: one stands for all, with their vote's bases."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MOST_PHRED = 45  # of a base that several copies agree on: what was wrong before they were made remains
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
def _usual_shape(
    rows: NDArray[np.int64],
    seq_offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
) -> np.int64:
    """The first of `rows` (n,) whose shape most of them have; of as many, the one of fewest operations.

    An insertion, deletion or clip of one copy alone is an error of its read. The others as in ReadBatch.
    """
    best = rows[0]
    most = 0
    for i in range(len(rows)):
        n = 0
        for j in range(len(rows)):
            n += _same_shape(rows[i], rows[j], seq_offset, cigar_op, cigar_len, cigar_offset)
        n_ops = cigar_offset[rows[i] + 1] - cigar_offset[rows[i]]
        if n > most or (n == most and n_ops < cigar_offset[best + 1] - cigar_offset[best]):
            best, most = rows[i], n
    return best


@kernel
def _write_vote(
    rows: NDArray[np.int64],
    head: np.int64,
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
) -> None:
    """Give read `head` the bases and qualities that `rows` (n,), of one length, agree on; the others flat."""
    weight = np.empty(5, np.int64)
    for k in range(seq_offset[head + 1] - seq_offset[head]):
        weight[:] = 0
        for row in rows:
            at = seq_offset[row] + k
            weight[seq[at]] += qual[at]
        winner = np.argmax(weight[:4])
        at = seq_offset[head] + k
        total = weight[:4].sum()
        is_clear = total > 0 and weight[winner] >= _CLEAR_SHARE * total
        if total > 0:
            seq[at] = winner
        against = total - weight[winner]
        qual[at] = min(MOST_PHRED, max(weight[winner] - 2 * against, 0)) if is_clear else 0


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
    chosen: NDArray[np.int64],
) -> None:
    """Give one read of each group of copies the bases and qualities of the vote of those of its shape.

    Args:
        order: int64 (R,), rows with the reads of one group after each other, the one that names it first.
        copied: bool (R,) by row: another read names its group.
        seq, qual: uint8 flat, changed. seq_offset, cigar_*: as in ReadBatch.
        chosen: int64 (R,), filled at the rows that name groups with the rows that have their votes.
    """
    rows = np.empty(len(order), np.int64)
    first = 0
    while first < len(order):
        stop = first + 1
        while stop < len(order) and copied[order[stop]]:
            stop += 1
        head = _usual_shape(order[first:stop], seq_offset, cigar_op, cigar_len, cigar_offset)
        chosen[order[first]] = head
        n = 0
        for i in range(first, stop):
            if _same_shape(head, order[i], seq_offset, cigar_op, cigar_len, cigar_offset):
                rows[n] = order[i]
                n += 1
        first = stop
        if n < 2:
            continue
        _write_vote(rows[:n], head, seq, qual, seq_offset)
