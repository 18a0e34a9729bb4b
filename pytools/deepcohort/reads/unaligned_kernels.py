"""Where a read that its aligner left unaligned fits near its mate: at most one gap, ends clipped."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MOST_OPERATIONS = 5  # clip, match, gap, match, clip
_MATCH, _MISMATCH, _CLIP = 1, -4, 5  # bwa mem's
# near a mate few places compete: a gap costs what chance may give, however long it is
_GAP, _MOST_GAP_BP = 14, 60
_LEAST_SHARE, _LEAST_SCORE = 0.5, 30  # of the read's bases, and in all: what a placed read scores
_RIVAL_SHARE = 0.9  # of the best stretch without a gap; a place elsewhere that reaches it leaves doubt
# only diagonals with so many words in common are looked at
_SEED_BP, _LEAST_SEEDS = 8, 3
_WORDS = 1 << (2 * _SEED_BP)
_INSERTION, _DELETION, _SOFT = 1, 2, 4

Int = int | np.int64  # kernels make the one of the other


class Laid(NamedTuple):
    """How N reads were laid.

    Attributes:
        pos, end: int64 (N,), contig positions. op: uint8, length: int32, each (N, MOST_OPERATIONS).
        n_ops: int64 (N,), 0 where a read fits nowhere.
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    op: NDArray[np.uint8]
    length: NDArray[np.int32]
    n_ops: NDArray[np.int64]


class _Ends(NamedTuple):
    """Best scores of stretches of a read of n bases on one diagonal, each int64 (n + 1,).

    Attributes:
        before, first: of those that end before base j, and where they begin; a clipped start costs _CLIP.
        behind, stop: of those that begin with base j, and where they end.
    """

    before: NDArray[np.int64]
    first: NDArray[np.int64]
    behind: NDArray[np.int64]
    stop: NDArray[np.int64]


@kernel
def reverse_complement(seq: NDArray[np.uint8], qual: NDArray[np.uint8]) -> None:
    """Turn base codes `seq` (n,) and their `qual` (n,) to the other strand, in place."""
    n = len(seq)
    for k in range((n + 1) // 2):
        other = n - 1 - k
        a, b = seq[k], seq[other]
        seq[k] = 3 - b if b < 4 else b
        seq[other] = 3 - a if a < 4 else a
        qual[k], qual[other] = qual[other], qual[k]


@kernel
def _worth(seq: NDArray[np.uint8], codes: NDArray[np.uint8], k: int, diagonal: int) -> int:
    """Score of base `k` of `seq` (n,) at codes[k + diagonal], uint8 (w,); a mismatch outside of them."""
    at = k + diagonal
    if at < 0 or at >= len(codes):
        return _MISMATCH
    if seq[k] > 3:
        return 0
    return _MATCH if seq[k] == codes[at] else _MISMATCH


@kernel
def _stretch_score(seq: NDArray[np.uint8], codes: NDArray[np.uint8], diagonal: int) -> int:
    """Score of the best stretch of `seq` (n,) along a diagonal of `codes` (w,)."""
    best = score = 0
    for k in range(max(0, -diagonal), min(len(seq), len(codes) - diagonal)):
        score = max(0, score + (_MATCH if seq[k] == codes[k + diagonal] else _MISMATCH))
        best = max(best, score)
    return best


@kernel
def _seeds(codes: NDArray[np.uint8], out: NDArray[np.int32]) -> None:
    """Fill `out` (w,) with the number of the word that begins at each of `codes` uint8 (w,); -1: none."""
    word = known = 0
    for k in range(len(codes)):
        out[k] = -1
        word = ((word << 2) | (codes[k] & 3)) & (_WORDS - 1)
        known = known + 1 if codes[k] < 4 else 0
        if known >= _SEED_BP:
            out[k + 1 - _SEED_BP] = word


@kernel
def _shared_seeds(
    seq: NDArray[np.uint8], codes: NDArray[np.uint8], last: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Words that `seq` (n,) and `codes` (w,) share on each diagonal from -n / 2 on, int32 (w,).

    `last`: int32 (_WORDS,), all -1 before and after: where in `seq` each word was seen last.
    """
    n, half = len(seq), len(seq) // 2
    own, theirs = np.empty(n, np.int32), np.empty(len(codes), np.int32)
    _seeds(seq, own)
    _seeds(codes, theirs)
    before = np.empty(n, np.int32)  # the same word, earlier in `seq`
    for k in range(n):
        if own[k] >= 0:
            before[k] = last[own[k]]
            last[own[k]] = k
    shared = np.zeros(len(codes), np.int32)
    for at in range(len(codes)):
        own_at: Int = last[theirs[at]] if theirs[at] >= 0 else -1
        while own_at >= 0:
            if 0 <= at - own_at + half < len(shared):
                shared[at - own_at + half] += 1
            own_at = before[own_at]
    for k in range(n):
        if own[k] >= 0:
            last[own[k]] = -1
    return shared


@kernel
def _best_diagonal(
    seq: NDArray[np.uint8], codes: NDArray[np.uint8], shared: NDArray[np.int32]
) -> tuple[Int, Int, bool | np.bool_]:
    """The diagonal of `codes` uint8 (w,) with the best stretch of `seq` uint8 (n,), its score, and whether
    none far off comes near. `shared`: int32 (w,), of _shared_seeds."""
    half = len(seq) // 2
    scores = np.zeros(len(codes), np.int64)
    for d in range(len(codes)):
        if shared[d] >= _LEAST_SEEDS:
            scores[d] = _stretch_score(seq, codes, d - half)
    best = np.argmax(scores)
    alone: bool | np.bool_ = True
    for d in range(len(codes)):
        alone &= abs(d - best) <= _MOST_GAP_BP or scores[d] < _RIVAL_SHARE * scores[best]
    return best - half, scores[best], alone


@kernel
def _fill_ends(seq: NDArray[np.uint8], codes: NDArray[np.uint8], diagonal: int, ends: _Ends) -> None:
    """Fill `ends` for `seq` uint8 (n,) along a diagonal of `codes` uint8 (w,)."""
    n = len(seq)
    ends.before[0] = ends.first[0] = 0
    for j in range(1, n + 1):
        ends.before[j] = ends.before[j - 1] + _worth(seq, codes, j - 1, diagonal)
        ends.first[j] = ends.first[j - 1]
        if ends.before[j] < -_CLIP:
            ends.before[j], ends.first[j] = -_CLIP, j
    ends.behind[n], ends.stop[n] = 0, n
    for j in range(n - 1, -1, -1):
        ends.behind[j] = ends.behind[j + 1] + _worth(seq, codes, j, diagonal)
        ends.stop[j] = ends.stop[j + 1]
        if ends.behind[j] < -_CLIP:
            ends.behind[j], ends.stop[j] = -_CLIP, j


@kernel
def _join(left: _Ends, right: _Ends, inserted: int) -> tuple[int, int]:
    """(best score, bases before the gap) of a read on two diagonals, `inserted` bases between them."""
    best, at = -(1 << 30), 0
    for j in range(1, len(left.before) - 1 - inserted):
        score = left.before[j] + right.behind[j + inserted]
        if score > best:
            best, at = score, j
    return best, at


@kernel
def _no_ends(n: int) -> _Ends:
    """Room for a read of `n` bases."""
    return _Ends(
        np.empty(n + 1, np.int64),
        np.empty(n + 1, np.int64),
        np.empty(n + 1, np.int64),
        np.empty(n + 1, np.int64),
    )


@kernel
def _put(laid: Laid, i: int, op: int, bp: int) -> None:
    """Add an operation of `bp`, if any, to those of read `i`."""
    if bp > 0:
        laid.op[i, laid.n_ops[i]], laid.length[i, laid.n_ops[i]] = op, bp
        laid.n_ops[i] += 1


@kernel
def _write(laid: Laid, i: int, start: int, left: int, right: int, a: int, j: int, b: int, n: int) -> None:
    """Write read `i` of `n` bases: [a, j) on diagonal `left` of the window at `start`, to `b` on `right`."""
    inserted = max(left - right, 0)
    _put(laid, i, _SOFT, a)
    if left == right:
        _put(laid, i, 0, b - a)
    else:
        _put(laid, i, 0, j - a)
        _put(laid, i, _INSERTION, inserted)
        _put(laid, i, _DELETION, max(right - left, 0))
        _put(laid, i, 0, b - j - inserted)
    _put(laid, i, _SOFT, n - b)
    laid.pos[i], laid.end[i] = start + a + left, start + b + right


@kernel
def _lay_read(
    i: int, seq: NDArray[np.uint8], codes: NDArray[np.uint8], start: int, last: NDArray[np.int32], laid: Laid
) -> None:
    """Lay read `i`, base codes `seq` uint8 (n,), in `codes` uint8 (w,) from contig position `start` on.

    `last`: int32 (_WORDS,), as of _shared_seeds.
    """
    n = len(seq)
    shared = _shared_seeds(seq, codes, last)
    main, score, alone = _best_diagonal(seq, codes, shared)
    if not alone or 2 * score < max(_LEAST_SCORE, _LEAST_SHARE * n):  # the larger of two parts has half of it
        return
    own, other = _no_ends(n), _no_ends(n)
    _fill_ends(seq, codes, main, own)
    best, at = _join(own, own, 0)
    left = right = main
    for gap in range(1, _MOST_GAP_BP + 1):
        for diagonal in (main - gap, main + gap):
            at_shared = diagonal + n // 2
            if not 0 <= at_shared < len(shared) or shared[at_shared] == 0:
                continue
            _fill_ends(seq, codes, diagonal, other)
            # an insertion lies before a smaller diagonal, a deletion before a larger one
            score, j = _join(own, other, max(main - diagonal, 0))
            if score - _GAP > best:
                best, at, left, right = score - _GAP, j, main, diagonal
            score, j = _join(other, own, max(diagonal - main, 0))
            if score - _GAP > best:
                best, at, left, right = score - _GAP, j, diagonal, main
    if best < max(_LEAST_SCORE, _LEAST_SHARE * n):
        return
    _fill_ends(seq, codes, left, own)
    _fill_ends(seq, codes, right, other)
    behind = at + max(left - right, 0)
    _write(laid, i, start, left, right, own.first[at], at, other.stop[behind], n)


@kernel
def lay_reads(
    rows: NDArray[np.int64],
    seq: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    reference: NDArray[np.uint8],
    reference_start: int,
    laid: Laid,
) -> None:
    """Lay each of the reads `rows` int64 (N,) between contig positions starts and ends, int64 (N,).

    Args:
        seq: uint8 flat, base codes; seq_offset: int64 (R + 1,). reference: uint8 (L,), codes from
            contig position `reference_start` on. laid: `n_ops` is 0.
    """
    last = np.full(_WORDS, -1, np.int32)
    for i in range(len(rows)):
        first = max(starts[i] - reference_start, 0)
        codes = reference[first : max(first, ends[i] - reference_start)]
        own = seq[seq_offset[rows[i]] : seq_offset[rows[i] + 1]]
        if len(codes) >= len(own) >= 2:
            _lay_read(i, own, codes, first + reference_start, last, laid)
