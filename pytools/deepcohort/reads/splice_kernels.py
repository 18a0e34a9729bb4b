"""Reads that an aligner of RNA spliced, as reads of DNA: short skips are deletions, long ones clips."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.reads.cigar_kernels import Int, push_operation

LONGEST_DELETION_BP = (
    50  # a longer skip (N) joins two places; HISAT2 and STAR write deletions from 20 bp on so
)
_INSERTION, _DELETION, _SKIP, _SOFT, _HARD = 1, 2, 3, 4, 5
_CONSUMES_QUERY, _CONSUMES_REFERENCE = 0b110010011, 0b110001101  # MIS=X, MDN=X


@kernel
def _is_long_skip(op: np.uint8, length: np.int32) -> bool | np.bool_:
    """Whether an operation joins two places."""
    return op == _SKIP and length > LONGEST_DELETION_BP


@kernel
def count_spliced(cigar_op: NDArray[np.uint8], cigar_len: NDArray[np.int32], n_ops: NDArray[np.int64]) -> int:
    """Reads with a skip; `cigar_op` uint8, `cigar_len` int32 (K,), bp; `n_ops` int64 (R,), of each read.

    Short skips too: where many reads have one it is a gap that the instrument leaves, and no deletion.
    """
    first = n = 0
    for row in range(len(n_ops)):
        spliced = False
        for k in range(first, first + n_ops[row]):
            spliced |= cigar_op[k] == _SKIP and cigar_len[k] > 0
        n += spliced
        first += n_ops[row]
    return n


@kernel
def _longest_part(op: NDArray[np.uint8], length: NDArray[np.int32]) -> tuple[int, int]:
    """Operations [from, to) between long skips that align the most bases, without gaps at their ends.

    `op`: uint8 (k,), `length`: int32 (k,), bp, of one read.
    """
    best_from = best_to = first = 0
    most = aligned = 0
    for k in range(len(op) + 1):
        if k == len(op) or _is_long_skip(op[k], length[k]):
            if aligned > most:
                most, best_from, best_to = aligned, first, k
            first, aligned = k + 1, 0
        elif op[k] == 0 or op[k] >= 7:
            aligned += length[k]
    while best_from < best_to and 0 < op[best_from] < 7:
        best_from += 1
    while best_to > best_from and 0 < op[best_to - 1] < 7:
        best_to -= 1
    return best_from, best_to


@kernel
def _write_part(
    own_op: NDArray[np.uint8],
    own_length: NDArray[np.int32],
    low: int,
    high: int,
    op: NDArray[np.uint8],
    length: NDArray[np.int32],
) -> tuple[Int, Int, Int]:
    """Write operations [low, high) of a read's own and clip the rest; (operations, bp before, bp aligned to).

    `own_op`, `op`: uint8, `own_length`, `length`: int32, bp; what is written may lie over the own ones.
    """
    n: Int = 0
    clipped: Int = 0
    before: Int = 0
    span: Int = 0
    for k in range(len(own_op)):
        kind, bp = own_op[k], np.int64(own_length[k])
        reference = bp if (_CONSUMES_REFERENCE >> kind) & 1 else np.int64(0)
        if not low <= k < high and kind != _HARD:
            clipped += bp if (_CONSUMES_QUERY >> kind) & 1 else np.int64(0)
            before += reference if k < low else np.int64(0)
            continue
        n = push_operation(op, length, n, _SOFT, clipped)
        clipped = 0
        span += reference
        n = push_operation(op, length, n, _DELETION if kind == _SKIP else kind, bp)
    return push_operation(op, length, n, _SOFT, clipped), before, span


@kernel
def lay_in_one_place(
    pos: NDArray[np.int64],
    end: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    n_ops: NDArray[np.int64],
    among: NDArray[np.bool_],
) -> int:
    """Write short skips of the reads `among`, bool (R,), as deletions; leave a part of those with long ones.

    What lies beyond a long skip becomes a soft clip. `pos`, `end`, `n_ops` int64 (R,) and `cigar_op`,
    `cigar_len` (K,) are changed in place; returns how many operations are left in all.
    """
    at = out = 0
    for row in range(len(n_ops)):
        stop = at + n_ops[row]
        skips = False
        for k in range(at, stop):
            skips |= cigar_op[k] == _SKIP
        op, length = cigar_op[out:], cigar_len[out:]  # never longer than what was read: written over it
        if skips and among[row]:
            low, high = _longest_part(cigar_op[at:stop], cigar_len[at:stop])
            n, before, span = _write_part(cigar_op[at:stop], cigar_len[at:stop], low, high, op, length)
            pos[row] += before
            end[row] = pos[row] + span
        else:
            n = stop - at
            for k in range(n):
                op[k], length[k] = cigar_op[at + k], cigar_len[at + k]
        at, n_ops[row], out = stop, n, out + n
    return out
