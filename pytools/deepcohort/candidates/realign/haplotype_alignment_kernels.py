"""How a haplotype is best written: its alignment with the reference, rather than the aligner's of each read.

The aligner sees one read at a time and may write one haplotype as a SNP at one end of a repeat, another
at its far end and a shorter indel, where two indels tell the same. Mates in one representation are
counted together, and no record lies inside a deletion of the other haplotype without need.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Int
from deepcohort.core.numba_options import kernel

# of haplotypes against the reference, as assembling callers and so truth sets write them (GATK's
# parameters for it)
_MATCH, _MISMATCH, _OPEN, _EXTEND = 200, -150, -260, -11
_NEVER = -(1 << 40)
_M, _I, _D = 0, 1, 2


@kernel
def spelling_score(
    haplotype: NDArray[np.uint8], first: Int, reference: NDArray[np.uint8], start: Int,
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32], n_ops: Int,
) -> Int:  # fmt: skip
    """Score of haplotype[first:] written along the operations ops[:n_ops] from reference[start] on.

    Base codes uint8; `ops` uint8 0, 1, 2 (M, I, D) and `lengths` int32, bp. The score is a whole number.
    """
    score: Int = 0
    query, at = first, start
    for k in range(n_ops):
        if ops[k] == 0:
            for _ in range(lengths[k]):
                score += _MATCH if haplotype[query] == reference[at] else _MISMATCH
                query += 1
                at += 1
        else:
            score += _OPEN + _EXTEND * (lengths[k] - 1)
            if ops[k] == 1:
                query += lengths[k]
            else:
                at += lengths[k]
    return score


@kernel
def _best_of(match: Int, insertion: Int, deletion: Int) -> tuple[Int, int]:
    """(largest, its state); a match wins ties."""
    if match >= insertion and match >= deletion:
        return match, _M
    if insertion >= deletion:
        return insertion, _I
    return deletion, _D


@kernel
def _fill_trace(
    haplotype: NDArray[np.uint8], first: Int, reference: NDArray[np.uint8], start: Int,
    trace: NDArray[np.uint8],
) -> tuple[Int, int]:  # fmt: skip
    """(score, last state) of the best global alignment of n bases of the haplotype with m of the reference.

    `trace`: uint8 (n + 1, m + 1), receives the state before M, that before I << 2 and that before D << 4.
    """
    n, m = trace.shape[0] - 1, trace.shape[1] - 1
    above = np.full((3, m + 1), _NEVER, np.int64)
    here = np.full((3, m + 1), _NEVER, np.int64)
    above[_M, 0] = 0
    trace[0, 0] = 0
    for j in range(1, m + 1):
        above[_D, j] = _OPEN + _EXTEND * (j - 1)
        trace[0, j] = (_D if j > 1 else _M) << 4
    for i in range(1, n + 1):
        here[_M, 0] = here[_D, 0] = _NEVER
        here[_I, 0] = _OPEN + _EXTEND * (i - 1)
        trace[i, 0] = (_I if i > 1 else _M) << 2
        base = haplotype[first + i - 1]
        for j in range(1, m + 1):
            same = base == reference[start + j - 1]
            diagonal, from_m = _best_of(above[_M, j - 1], above[_I, j - 1], above[_D, j - 1])
            here[_M, j] = diagonal + (_MATCH if same else _MISMATCH)
            up, from_i = _best_of(above[_M, j] + _OPEN, above[_I, j] + _EXTEND, above[_D, j] + _OPEN)
            here[_I, j] = up
            left, from_d = _best_of(
                here[_M, j - 1] + _OPEN, here[_I, j - 1] + _OPEN, here[_D, j - 1] + _EXTEND
            )
            here[_D, j] = left
            trace[i, j] = from_m | (from_i << 2) | (from_d << 4)
        above, here = here, above
    return _best_of(above[_M, m], above[_I, m], above[_D, m])


@kernel
def align_haplotype(
    haplotype: NDArray[np.uint8], first: Int, n: Int, reference: NDArray[np.uint8], start: Int, m: Int,
    ops: NDArray[np.uint8], lengths: NDArray[np.int32],
) -> tuple[Int, Int]:  # fmt: skip
    """Write the best global alignment of haplotype[first : first + n] with reference[start : start + m].

    Gaps lie as far left as ties allow. Base codes uint8.

    Returns:
        (score, number of operations written to ops uint8 (k,) and lengths int32 (k,), bp, -1 if there is no
        room).
    """
    trace = np.empty((n + 1, m + 1), np.uint8)
    score, state = _fill_trace(haplotype, first, reference, start, trace)
    i, j = n, m
    n_ops: Int = 0
    while i > 0 or j > 0:
        if n_ops > 0 and ops[n_ops - 1] == state:
            lengths[n_ops - 1] += 1
        elif n_ops == len(ops):
            return score, -1
        else:
            ops[n_ops], lengths[n_ops] = state, 1
            n_ops += 1
        before = (trace[i, j] >> (2 * state)) & 3
        if state != _D:
            i -= 1
        if state != _I:
            j -= 1
        state = before
    for k in range(n_ops // 2):
        other = n_ops - 1 - k
        ops[k], ops[other] = ops[other], ops[k]
        lengths[k], lengths[other] = lengths[other], lengths[k]
    return score, n_ops


@kernel
def realign_haplotype_to_reference(
    haplotype: NDArray[np.uint8], flank: Int, size: Int, reference: NDArray[np.uint8], start: Int, stop: Int,
    ops: NDArray[np.uint8], lengths: NDArray[np.int32], n_ops: Int,
) -> Int:  # fmt: skip
    """Operations of a haplotype of the window [start, stop), written anew where that scores better.

    Args:
        haplotype: uint8 (>= size,), base codes, of which `flank` bp lie on either side of the window.
        reference: uint8 (L,), base codes.
        ops, lengths: uint8 and int32 (MAX_OPS,), bp, changed in place; n_ops of them count.

    Returns:
        Number of operations.
    """
    now = spelling_score(haplotype, flank, reference, start, ops, lengths, n_ops)
    new_ops, new_lengths = np.empty_like(ops), np.empty_like(lengths)
    score, n_new = align_haplotype(
        haplotype, flank, size - 2 * flank, reference, start, stop - start, new_ops, new_lengths
    )
    # ends that are gaps would leave reads nothing to hang on by
    if score <= now or n_new < 1 or new_ops[0] != _M or new_ops[n_new - 1] != _M:
        return n_ops
    ops[:n_new] = new_ops[:n_new]
    lengths[:n_new] = new_lengths[:n_new]
    return n_new
