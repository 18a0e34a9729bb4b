"""Several gaps of a short read that make one: by aligners that count edits, where a longer gap costs less."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Int, Window
from deepcohort.core.numba_options import kernel
from deepcohort.reads.cigar_kernels import push_operation
from deepcohort.reads.clip_kernels import GAP, worth
from deepcohort.reads.types import LONG_READS_BP

APART_BP = 20  # aligned between two gaps that may be one
FLANK_BP = 20  # aligned on both sides, where the one gap may lie too
_MATCHES, _INSERTION, _DELETION, _SKIP, _SOFT = 0, 1, 2, 3, 4


@kernel
def _last_gap(ops: NDArray[np.uint8], lengths: NDArray[np.int32], n: Int, first: Int) -> Int:
    """The last gap of the `n` operations, uint8 and int32 (k,), that may be one with the gap `first`."""
    last = first
    for k in range(first + 1, n - 1):
        if ops[k] == _INSERTION or ops[k] == _DELETION:
            last = k if ops[k + 1] == _MATCHES else last
        elif ops[k] != _MATCHES or lengths[k] > APART_BP:
            break
    return last


@kernel
def _score_as_aligned(
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    seq: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    before: Int,
) -> Int:
    """Score of operations and the flanks beside them, `before` bp and what is left behind.

    `ops` uint8, `lengths` int32 (k,); `seq` uint8 (s,) and `codes` uint8 (r,) are what they align.
    """
    score: Int = 0
    for k in range(before):
        score += worth(seq[k], codes, k)
    at: Int = before
    on: Int = before
    for k in range(len(ops)):
        if ops[k] == _MATCHES:
            for j in range(lengths[k]):
                score += worth(seq[at + j], codes, on + j)
        else:
            score -= GAP + lengths[k]
        at += lengths[k] if ops[k] != _DELETION else 0
        on += lengths[k] if ops[k] != _INSERTION else 0
    for k in range(len(seq) - at):
        score += worth(seq[at + k], codes, on + k)
    return score


@kernel
def best_single_gap(seq: NDArray[np.uint8], codes: NDArray[np.uint8]) -> tuple[Int, Int]:
    """(best score of `seq` uint8 (s,) along `codes` uint8 (r,) with one gap or none, bases before the gap).

    Of equal places the leftmost.
    """
    shift, within = len(seq) - len(codes), min(len(seq), len(codes))
    score: Int = 0 if shift == 0 else -GAP - abs(shift)
    for k in range(within):  # the gap before all
        score += worth(seq[k + max(shift, 0)], codes, k + max(-shift, 0))
    best, at = score, 0
    for k in range(within):
        score += worth(seq[k], codes, k) - worth(seq[k + max(shift, 0)], codes, k + max(-shift, 0))
        if score > best:
            best, at = score, k + 1
    return best, at


@kernel
def _join(
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    n: Int,
    seq: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    start: Int,
) -> tuple[Int, bool]:
    """Join gaps of a read in place: (operations now, whether any were joined).

    `ops` uint8 and `lengths` int32 (k,) hold `n` operations, neighbours unlike; `seq`: uint8 (s,), base
    codes; `codes`: uint8 (L,), reference; `start`: the read's POS in it, which may lie outside.
    """
    at: Int = 0
    on: Int = start
    k: Int = 0
    joined = False
    while k < n:
        is_gap = ops[k] == _INSERTION or ops[k] == _DELETION
        last: Int = k
        if is_gap and k > 0 and ops[k - 1] == _MATCHES:
            last = _last_gap(ops, lengths, n, k)
        while last > k:
            more = _join_these(ops, lengths, n, k, last, (at, on), seq, codes)
            if more < n:
                n, joined = more, True
                break
            last -= 1
            while last > k and (ops[last] == _MATCHES or ops[last + 1] != _MATCHES):
                last -= 1  # a gap right before another is none to end with
        if last > k:  # joined: look again from the start, as what lies before may join it now
            at, on, k = np.int64(0), np.int64(start), np.int64(0)
            continue
        at += lengths[k] if ops[k] <= _INSERTION or ops[k] == _SOFT else 0
        on += lengths[k] if ops[k] == _MATCHES or ops[k] == _DELETION or ops[k] == _SKIP else 0
        k += 1
    return n, joined


@kernel
def _join_these(
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    n: Int,
    first: Int,
    last: Int,
    place: tuple[Int, Int],
    seq: NDArray[np.uint8],
    codes: NDArray[np.uint8],
) -> Int:
    """Make one gap of operations [first, last] where that scores better; how many operations are left of `n`.

    `place`: index of the first in `seq` uint8 (s,) and in `codes` uint8 (L,). `ops` uint8 and `lengths`
    int32 (k,) are changed in place.
    """
    before, behind = min(FLANK_BP, lengths[first - 1] - 1), min(FLANK_BP, lengths[last + 1] - 1)
    read_bp: Int = 0
    reference_bp: Int = 0
    for k in range(first, last + 1):
        read_bp += lengths[k] if ops[k] != _DELETION else 0
        reference_bp += lengths[k] if ops[k] != _INSERTION else 0
    at, on = place[0] - before, place[1] - before
    stop, end = place[0] + read_bp + behind, place[1] + reference_bp + behind
    if on < 0 or end > len(codes):
        return n
    bases, reference = seq[at:stop], codes[on:end]
    score, left = best_single_gap(bases, reference)
    if score <= _score_as_aligned(ops[first : last + 1], lengths[first : last + 1], bases, reference, before):
        return n
    shift = read_bp - reference_bp
    right = min(len(bases), len(reference)) - left
    op, length = ops[:n].copy(), lengths[:n].copy()
    now = first - 1
    now = push_operation(ops, lengths, now, _MATCHES, length[first - 1] - before + left)
    now = push_operation(ops, lengths, now, _INSERTION if shift > 0 else _DELETION, abs(shift))
    now = push_operation(ops, lengths, now, _MATCHES, right - behind + length[last + 1])
    for k in range(last + 2, n):
        now = push_operation(ops, lengths, now, op[k], length[k])
    return now


@kernel
def mark_gapped(reads: AlignedReads, gapped: NDArray[np.bool_]) -> int:
    """Mark in `gapped`, bool (R,), short reads with gaps so near that they may be one; how many."""
    found = 0
    for row in range(len(reads.pos)):
        gapped[row] = False
        if reads.seq_offset[row + 1] - reads.seq_offset[row] > LONG_READS_BP:
            continue
        since: Int = APART_BP + 1
        for k in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
            if reads.cigar_op[k] == _INSERTION or reads.cigar_op[k] == _DELETION:
                gapped[row] |= since <= APART_BP
                since = 0
            else:
                since += reads.cigar_len[k]
        found += gapped[row]
    return found


@kernel
def join_gaps(
    reads: AlignedReads,
    gapped: NDArray[np.bool_],
    window: Window,
    op: NDArray[np.uint8],
    length: NDArray[np.int32],
    offset: NDArray[np.int64],
) -> int:
    """Write the operations of all reads, of the `gapped`, bool (R,), with one gap where it scores better.

    `op` uint8, `length` int32 (K,) and `offset` int64 (R + 1,) receive what `reads` has as cigar_op,
    cigar_len and cigar_offset, never more. Returns how many reads have others now.
    """
    changed = 0
    offset[0] = 0
    for row in range(len(reads.pos)):
        first, last = reads.cigar_offset[row], reads.cigar_offset[row + 1]
        at = offset[row]
        for k in range(last - first):
            op[at + k], length[at + k] = reads.cigar_op[first + k], reads.cigar_len[first + k]
        offset[row + 1] = at + last - first
        if not gapped[row]:
            continue
        own_op, own_length = np.empty(last - first, np.uint8), np.empty(last - first, np.int32)
        n: Int = 0
        for k in range(first, last):
            kind = _MATCHES if reads.cigar_op[k] >= 7 else reads.cigar_op[k]  # = and X
            n = push_operation(own_op, own_length, n, kind, reads.cigar_len[k])
        seq = reads.seq[reads.seq_offset[row] : reads.seq_offset[row + 1]]
        n, joined = _join(own_op, own_length, n, seq, window.reference, reads.pos[row] - window.start)
        if joined:
            changed += 1
            op[at : at + n], length[at : at + n] = own_op[:n], own_length[:n]
            offset[row + 1] = at + n
    return changed
