"""How well reads fit the haplotypes of a window, beside their own alignment."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Int
from deepcohort.candidates.realign.cigar_edit_kernels import BOTH, LEFT, RIGHT
from deepcohort.candidates.realign.columns import (
    Anchor,
    BaseScores,
    Fits,
    Held,
    LocalHaplotypes,
    MovingReads,
    Span,
)
from deepcohort.candidates.realign.haplotype_kernels import (
    CLIP_COST,
    FLANK_BP,
    GAP_COST,
    choose_pair,
    extend_left,
    extend_right,
    score_stretch,
)
from deepcohort.core.numba_options import borrowing_kernel, kernel

_CLEAR = 3.0  # log10; a read that fits one haplotype this much better speaks clearly for it
_WORST = -10.0  # log10; no read speaks more strongly than this against a haplotype


@borrowing_kernel
def find_anchor(row: Int, reads: MovingReads, window_start: int, target: Int) -> Anchor:
    """The operation of the read `row` that aligns a base to index `target` of the window; op -1 if none."""
    at, query = reads.pos[row] - window_start, reads.seq_offset[row]
    for op in range(reads.op_first[row], reads.op_last[row]):
        kind = reads.cigar_op[op]
        length = np.int64(reads.cigar_len[op])
        if kind == 0 or kind >= 7:
            if at <= target < at + length:
                return Anchor(np.int64(op), at, query)
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            at += length
        if at > target:
            break
    return Anchor(np.int64(-1), at, query)


@borrowing_kernel
def left_flank(
    row: Int, anchor: Anchor, index: Int, target: Int, reads: MovingReads, reference: NDArray[np.uint8],
    scores: BaseScores,
) -> tuple[float, Int, bool]:  # fmt: skip
    """What lies left of the anchor base `index`, aligned to reference[target] (uint8 (L,)).

    Returns (log10 score as aligned, first usable base, whether another gap bounds it).
    """
    op, begin = anchor.op, anchor.query
    start = max(begin, index - FLANK_BP)
    score, _ = score_stretch(
        reads.seq,
        reads.qual,
        start,
        reference,
        start + target - index,
        index - start,
        scores.match,
        scores.mismatch,
    )
    if start > begin:
        return score, start, True
    if op > reads.op_first[row] and reads.cigar_op[op - 1] == 4:
        clipped = reads.cigar_len[op - 1]
        if index - begin + clipped > FLANK_BP:
            return score - CLIP_COST, begin, True
        return score - CLIP_COST, begin - clipped, False
    hard = op > reads.op_first[row] and reads.cigar_op[op - 1] != 5
    return score, begin, hard


@borrowing_kernel
def right_flank(
    row: Int, anchor: Anchor, index: Int, target: Int, reads: MovingReads, reference: NDArray[np.uint8],
    scores: BaseScores,
) -> tuple[float, Int, bool]:  # fmt: skip
    """What lies right of the anchor base `index`: (score as aligned, stop, whether a gap bounds it).

    Arguments as of `left_flank`.
    """
    op = anchor.op
    end = anchor.query + reads.cigar_len[op]
    stop = min(end, index + 1 + FLANK_BP)
    score, _ = score_stretch(
        reads.seq,
        reads.qual,
        index + 1,
        reference,
        target + 1,
        stop - index - 1,
        scores.match,
        scores.mismatch,
    )
    if stop < end:
        return score, stop, True
    if op + 1 < reads.op_last[row] and reads.cigar_op[op + 1] == 4:
        clipped = reads.cigar_len[op + 1]
        if stop - index - 1 + clipped > FLANK_BP:
            return score - CLIP_COST, stop, True
        return score - CLIP_COST, stop + clipped, False
    hard = op + 1 < reads.op_last[row] and reads.cigar_op[op + 1] != 5
    return score, stop, hard


@borrowing_kernel
def score_middle(
    row: Int,
    span: Span,
    reads: MovingReads,
    window_start: int,
    reference: NDArray[np.uint8],
    scores: BaseScores,
) -> tuple[float, bool]:
    """log10 score of the read's own alignment within the window, and whether it has a gap there.

    A clipped end inside costs a clip. `reference`: uint8 (L,), base codes.
    """
    first, last = span.start, span.stop - 1
    score = 0.0
    gaps = False
    at, query = reads.pos[row] - window_start, reads.seq_offset[row]
    for op in range(reads.op_first[row], reads.op_last[row]):
        kind = reads.cigar_op[op]
        length = np.int64(reads.cigar_len[op])
        if kind == 0 or kind >= 7:
            a, b = max(at, first), min(at + length, last + 1)
            if a < b:
                more, _ = score_stretch(
                    reads.seq, reads.qual, query + a - at, reference, a, b - a, scores.match, scores.mismatch
                )
                score += more
            at += length
            query += length
        elif kind == 1 or kind == 2 or kind == 3:
            if first < at <= last:
                gaps = True
                score -= GAP_COST
            if kind == 1:
                query += length
            else:
                at += length
        elif kind == 4:
            if first < at <= last:
                score -= CLIP_COST
            query += length
    return score, gaps


class Flanks(NamedTuple):
    """What of a read lies outside a window, or may lie there.

    Attributes:
        left, right: log10 scores as aligned. first, stop: usable bases, indices in seq.
        left_hard, right_hard: whether a gap bounds them.
        index_first, index_last: of the bases aligned to the window's first and last base.
        holds_first, holds_last: whether there are such.
    """

    left: float
    right: float
    first: Int
    stop: Int
    left_hard: bool | np.bool_
    right_hard: bool | np.bool_
    index_first: Int
    index_last: Int
    holds_first: bool | np.bool_
    holds_last: bool | np.bool_


@borrowing_kernel
def _flanks_of(
    r: Int, held: Held, span: Span, reads: MovingReads, reference: NDArray[np.uint8], scores: BaseScores
) -> Flanks:
    """The flanks of read `r` of the window; `reference` uint8 (L,), base codes."""
    row, a = held.rows[r], held.anchors[r]
    first, last = Anchor(a[0], a[1], a[2]), Anchor(a[3], a[4], a[5])
    left = right = 0.0
    left_hard: bool | np.bool_ = False
    right_hard: bool | np.bool_ = False
    index_a: Int = np.int64(0)
    index_b: Int = np.int64(0)
    left_first: Int = np.int64(0)
    right_stop: Int = np.int64(0)
    if first.op >= 0:
        index_a = first.query + span.start - first.at
        left, left_first, left_hard = left_flank(row, first, index_a, span.start, reads, reference, scores)
    if last.op >= 0:
        index_b = last.query + span.stop - 1 - last.at
        right, right_stop, right_hard = right_flank(
            row, last, index_b, span.stop - 1, reads, reference, scores
        )
    # a read that ends inside: all that follows the anchor is to be laid anew
    most = FLANK_BP + (span.stop - span.start)
    if first.op >= 0 and last.op < 0:
        right_stop = reads.seq_offset[row + 1]
        right_hard = right_stop - index_a > most
    if last.op >= 0 and first.op < 0:
        left_first = reads.seq_offset[row]
        left_hard = index_b + 1 - left_first > most
    return Flanks(
        left,
        right,
        left_first,
        right_stop,
        left_hard,
        right_hard,
        index_a,
        index_b,
        first.op >= 0,
        last.op >= 0,
    )


@borrowing_kernel
def _fit_read(
    r: Int,
    h: Int,
    flanks: Flanks,
    haplotype: NDArray[np.uint8],
    reads: MovingReads,
    scores: BaseScores,
    fits: Fits,
) -> None:
    """Fill scores and details of `fits` for read `r` and haplotype `h`, base codes uint8 (size,)."""
    seq, qual, size = reads.seq, reads.qual, len(haplotype)
    inner = size - 2 * FLANK_BP
    index_a, index_b = flanks.index_first, flanks.index_last
    best = -1e9
    detail = fits.details[r, h]
    detail[0] = -1
    if flanks.holds_first and flanks.holds_last and index_b - index_a + 1 == inner:
        score, wrong = score_stretch(
            seq, qual, index_a, haplotype, FLANK_BP, inner, scores.match, scores.mismatch
        )
        best = flanks.left + score + flanks.right
        detail[0], detail[1], detail[2] = BOTH, inner, wrong
    if flanks.holds_first and not flanks.right_hard:
        score, aligned, wrong = extend_right(
            seq, qual, index_a, flanks.stop, haplotype, FLANK_BP, size, scores.match, scores.mismatch
        )
        if flanks.left + score > best + 1e-6:
            best = flanks.left + score
            detail[0], detail[1], detail[2] = LEFT, aligned, wrong
    if flanks.holds_last and not flanks.left_hard:
        score, aligned, wrong = extend_left(
            seq,
            qual,
            index_b + 1,
            flanks.first,
            haplotype,
            size - FLANK_BP - 1,
            scores.match,
            scores.mismatch,
        )
        if flanks.right + score > best + 1e-6:
            best = flanks.right + score
            detail[0], detail[1], detail[2] = RIGHT, aligned, wrong
    fits.scores[r, h] = best


@kernel
def fit_window(
    held: Held, span: Span, n_haplotypes: Int, haplotypes: LocalHaplotypes, reference: NDArray[np.uint8],
    window_start: int, reads: MovingReads, scores: BaseScores,
) -> Fits:  # fmt: skip
    """How well the reads of a window fit its first `n_haplotypes`; `reference` uint8 (L,), base codes."""
    n = len(held.rows)
    fits = Fits(np.empty((n, n_haplotypes)), np.empty((n, n_haplotypes, 3), np.int64), np.empty((n, 2)))
    for r in range(n):
        middle, gaps = score_middle(held.rows[r], span, reads, window_start, reference, scores)
        flanks = _flanks_of(r, held, span, reads, reference, scores)
        fits.old[r, 0] = flanks.left + middle + flanks.right
        fits.old[r, 1] = 1.0 if gaps else 0.0
        for h in range(n_haplotypes):
            _fit_read(r, h, flanks, haplotypes.bases[h, : haplotypes.sizes[h]], reads, scores, fits)
    return fits


@kernel
def choose_haplotypes(
    scores: NDArray[np.float64],
    prior: NDArray[np.float64],
    table: NDArray[np.float64],
    chosen: NDArray[np.int64],
) -> tuple[Int, Int]:
    """The two haplotypes that explain the window's n reads best.

    Args:
        scores: float64 (n, h), log10. prior: float64 (>= h,), log10. table: float64 (129,), of half_table.
        chosen: int64 (2,), receives the two, -1 for one that fewer than two reads speak clearly for.
    """
    n, n_haplotypes = scores.shape
    relative = np.empty((n, n_haplotypes))
    for r in range(n):
        best = scores[r, 0]
        for h in range(1, n_haplotypes):
            best = max(best, scores[r, h])
        for h in range(n_haplotypes):
            relative[r, h] = max(scores[r, h] - best, _WORST)
    chosen_a, chosen_b = choose_pair(relative, n, n_haplotypes, prior, table)
    rival = 0 if chosen_a == chosen_b else chosen_b
    for_a = for_b = 0
    for r in range(n):
        for_a += relative[r, chosen_a] > relative[r, rival] + _CLEAR
        for_b += relative[r, chosen_b] > relative[r, chosen_a] + _CLEAR
    chosen[0] = chosen_a if for_a >= 2 else -1
    chosen[1] = chosen_b if for_b >= 2 else -1
    return chosen_a, chosen_b
