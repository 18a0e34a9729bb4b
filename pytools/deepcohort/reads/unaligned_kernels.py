"""Where a read that its aligner left unaligned fits near its mate, with gaps and clipped ends."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MOST_OPERATIONS = 9  # three gaps between matches and clips
_MATCH, _MISMATCH, _CLIP = 1, -4, 5  # bwa mem's
# near a mate few places compete: a gap costs what chance may give, however long it is
_GAP, _MOST_GAP_BP = 14, 60
_LEAST_SHARE, _LEAST_SCORE = 0.5, 30  # of the read's bases, and in all: what a placed read scores
_RIVAL_SHARE = 0.9  # of the best stretch without a gap; a place elsewhere that reaches it leaves doubt
# only diagonals with so many words in common are looked at
_SEED_BP, _LEAST_SEEDS = 8, 3
_WORDS = 1 << (2 * _SEED_BP)
_INSERTION, _DELETION, _SOFT = 1, 2, 4
_BEGINS, _NEVER = 127, -(1 << 30)

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
    """Score of base `k` of `seq` (n,) at codes[k + diagonal], uint8 (w,); outside of them none can lie."""
    at = k + diagonal
    if at < 0 or at >= len(codes):
        return _NEVER
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
def _fill_origins(
    seq: NDArray[np.uint8], codes: NDArray[np.uint8], lowest: Int, origin: NDArray[np.int8]
) -> tuple[Int, Int, Int]:
    """(best score of `seq` uint8 (n,) in a band of `codes` uint8 (w,), bases before its end, last diagonal).

    `origin`: int8 (n, b), receives how the best alignment that ends with base j on diagonal `lowest` + d came
    there: _BEGINS, 0 from the base before, or by a deletion (bp) or an insertion (-bp) behind it.
    """
    n, band = origin.shape
    now = np.full(band, _NEVER, np.int64)  # scores of what ends with this base, on each diagonal,
    before, earlier = now.copy(), now.copy()  # and with the one and two before it
    inserted, bp = now.copy(), np.zeros(band, np.int64)  # of insertions that end before this base
    best: Int = _NEVER
    stop: Int = 0
    at: Int = 0
    for j in range(n):
        for d in range(band - 1):
            inserted[d], bp[d] = inserted[d + 1], bp[d + 1] + 1
            if earlier[d + 1] - _GAP >= inserted[d]:
                inserted[d], bp[d] = earlier[d + 1] - _GAP, 1
        inserted[band - 1] = _NEVER
        deleted, source = np.int64(_NEVER), 0
        for d in range(band):
            score, origin[j, d] = before[d], 0
            if (0 if j == 0 else -_CLIP) > score:
                score, origin[j, d] = np.int64(0 if j == 0 else -_CLIP), _BEGINS
            if inserted[d] > score:
                score, origin[j, d] = inserted[d], -bp[d]
            if deleted > score:
                score, origin[j, d] = deleted, d - source
            now[d] = score + _worth(seq, codes, j, lowest + d)
            if before[d] - _GAP >= deleted:
                deleted, source = before[d] - _GAP, d
            final = now[d] - (_CLIP if j < n - 1 else 0)
            if final > best:
                best, stop, at = final, j + 1, d
        earlier, before, now = before, now, earlier
    return best, stop, at


@kernel
def _put(laid: Laid, i: Int, op: int, bp: Int) -> bool:
    """Add an operation of `bp`, if any, to those of read `i`; whether there was room."""
    if bp == 0:
        return True
    if laid.n_ops[i] == MOST_OPERATIONS:
        return False
    laid.op[i, laid.n_ops[i]], laid.length[i, laid.n_ops[i]] = op, bp
    laid.n_ops[i] += 1
    return True


@kernel
def _write(laid: Laid, i: Int, origin: NDArray[np.int8], stop: Int, at: Int) -> tuple[Int, Int]:
    """Write the operations of read `i`, whose alignment ends before base `stop` on diagonal `at` of the band.

    `origin`: int8 (n, b), of _fill_origins. Returns (first aligned base, its diagonal of the band); no
    operation is left where they are too many.
    """
    fits = _put(laid, i, _SOFT, len(origin) - stop)
    j, d = stop - 1, at
    matched = 1
    while origin[j, d] != _BEGINS:
        step = np.int64(origin[j, d])
        if step != 0:
            fits = fits and _put(laid, i, 0, matched)
            fits = fits and _put(laid, i, _DELETION if step > 0 else _INSERTION, abs(step))
            matched = 0
        j -= 1 if step >= 0 else 1 - step
        d -= step
        matched += 1
    fits = fits and _put(laid, i, 0, matched) and _put(laid, i, _SOFT, j)
    if not fits:
        laid.n_ops[i] = 0
    n = laid.n_ops[i]
    laid.op[i, :n] = laid.op[i, :n][::-1].copy()
    laid.length[i, :n] = laid.length[i, :n][::-1].copy()
    return j, d


@kernel
def _lay_read(
    i: Int, seq: NDArray[np.uint8], codes: NDArray[np.uint8], start: Int, last: NDArray[np.int32], laid: Laid
) -> None:
    """Lay read `i`, base codes `seq` uint8 (n,), in `codes` uint8 (w,) from contig position `start` on.

    `last`: int32 (_WORDS,), as of _shared_seeds.
    """
    n = len(seq)
    main, score, alone = _best_diagonal(seq, codes, _shared_seeds(seq, codes, last))
    if not alone or 3 * score < max(_LEAST_SCORE, _LEAST_SHARE * n):  # the largest of three parts has a third
        return
    origin = np.empty((n, 2 * _MOST_GAP_BP + 1), np.int8)
    lowest = main - _MOST_GAP_BP
    best, stop, at = _fill_origins(seq, codes, lowest, origin)
    if best < max(_LEAST_SCORE, _LEAST_SHARE * n):
        return
    first, diagonal = _write(laid, i, origin, stop, at)
    laid.pos[i], laid.end[i] = start + first + lowest + diagonal, start + stop + lowest + at


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
