"""What a read says about indels: its bases against the haplotypes that the alleles nearby spell."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Int
from deepcohort.candidates.repeat_stutter import StutterRates
from deepcohort.candidates.site_kernels import Haplotypes, Sites
from deepcohort.core.numba_options import borrowing_kernel, kernel

_FLOOR = -15.0  # log10; a flank this bad is no evidence for anything, so counting stops
_FLANK_BP = 48  # bases compared beyond the repeat


class Scoring(NamedTuple):
    """How bases and lengths of reads weigh.

    Attributes:
        reference: uint8 (L,), of the window. flanks: the same, N where bases are not to count at indels.
        penalty: float64 (256,), log10 odds of a mismatch by phred. slips: how often lengths change.
        min_qual: phred that a base must have to show a SNP.
    """

    reference: NDArray[np.uint8]
    flanks: NDArray[np.uint8]
    penalty: NDArray[np.float64]
    slips: StutterRates
    min_qual: Int


class Crossing(NamedTuple):
    """How the alignment of one read crosses a site's repeat; positions relative to the window.

    Attributes:
        begin: position of the anchor site. anchor: index in seq of the base there, or -1 for a read that
            begins behind it. left_stop: first base of the usable left flank.
        reached, right_index: position and index in seq where the read comes out of the repeat, or reached
            -1. right_stop: stop of the usable right flank.
        net, between: bp inserted minus deleted by the read's own alignment in between, and its log10 score.
        spliced: whether the read skips part of the reference in between, which no haplotype does: then
            its own alignment alone is asked for the length.
    """

    begin: Int
    anchor: Int
    left_stop: Int
    reached: Int
    right_index: Int
    right_stop: Int
    net: Int
    between: float
    spliced: bool


@kernel
def slip_log10(difference: int, period: int, units: float, slips: StutterRates, adjustment: float) -> float:
    """log10 chance that sequencing changed the length by `difference` bp within such a repeat, at most 0.

    Rises with the number of repeat `units`, of `period` bp each. `adjustment`: log10, what the qualities of
    this read add (quality_adjustment).
    """
    size = abs(difference)
    if size == 0:
        return 0.0
    if size % period:
        return slips.other
    if period == 1:
        extra = units - slips.run_from
        first = slips.run_first + slips.run_step * min(max(extra, 0.0), slips.turn)
    else:
        extra = units - slips.repeat_from
        first = (
            slips.repeat_first
            + slips.repeat_step * min(max(extra, 0.0), slips.turn)
            - slips.longer_unit * (min(period, 4) - 2)
        )
    first += slips.late_step * max(extra - slips.turn, 0.0) + adjustment
    further = slips.further * (size // period - 1)
    return max(min(first, slips.most) - further, slips.least)


@kernel
def quality_adjustment(qual: NDArray[np.uint8], first: Int, last: Int, slips: StutterRates) -> float:
    """log10 that the worst of qual[first:last] adds to the chance of slips; 0 where there is none.

    `qual`: uint8 (B,), phred.
    """
    if slips.quality_slope == 0.0 or last <= first:
        return 0.0
    worst = 93
    for k in range(first, last):
        worst = min(worst, qual[k])
    return min(
        max(slips.quality_slope * (slips.quality_middle - worst), -slips.quality_most), slips.quality_most
    )


@kernel
def _right_score(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    start: Int,
    stop: Int,
    inserted: NDArray[np.uint8],
    skip: Int,
    reference: NDArray[np.uint8],
    ref_at: Int,
    penalty: NDArray[np.float64],
) -> float:
    """log10 of read bases [start, stop) against `inserted`, then the reference from ref_at + skip.

    At least the floor where counting stops, at most 0. `seq`, `qual`: uint8 (B,), codes and phred.
    `inserted`: uint8 (n,), `reference`: uint8 (L,), base codes. `penalty`: float64 (256,), log10 by phred.
    """
    score = 0.0
    n = len(inserted)
    for k in range(stop - start):
        if k < n:
            expected = inserted[k]
        else:
            at = ref_at + skip + k - n
            if at >= len(reference):
                break
            expected = reference[at]
        if seq[start + k] != expected and expected < 4:
            score += penalty[qual[start + k]]
            if score < _FLOOR:
                break
    return score


@borrowing_kernel
def cross_repeat(
    reads: AlignedReads,
    op: Int,
    last_op: Int,
    at: Int,
    query: Int,
    begin: Int,
    resync: Int,
    scoring: Scoring,
) -> tuple[Int, Int, Int, float, Int]:
    """Follow a read's alignment from operation `op` past `begin` to the position `resync` or beyond.

    `at`, `query`: position and index in seq where operation `op` begins; `last_op`: stop of the read's.

    Returns (reference position reached or -1, its read index, stop of the read bases usable beyond
    or, where the read ends before, of those usable at all, log10 score of the bases in between, bp
    between `begin` and there that the read skips, -1 where it skips nothing).
    """
    seq, qual, cigar_op, cigar_len = reads.seq, reads.own_qual, reads.cigar_op, reads.cigar_len
    reference, penalty = scoring.flanks, scoring.penalty
    score = 0.0
    skipped: Int = -1
    while op < last_op:
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
        if kind == 0 or kind == 7 or kind == 8:
            reached = max(at, resync)
            for k in range(max(begin + 1, at), min(at + length, reached, len(reference))):
                if seq[query + k - at] != reference[k] and reference[k] < 4:
                    score += penalty[qual[query + k - at]]
            if at + length > resync:
                if reached > len(reference):
                    break  # beyond the window
                stop = query + length
                if op + 1 < last_op and cigar_op[op + 1] == 4:
                    stop += cigar_len[op + 1]
                return reached, query + reached - at, stop, score, skipped
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2:
            at += length
        elif kind == 3:
            skipped = max(skipped, 0) + at + length - max(at, begin + 1)
            at += length
        op += 1
    return -1, query, query, score, skipped


@borrowing_kernel
def _flank_scores(way: Crossing, scoring: Scoring, reads: AlignedReads) -> tuple[Int, Int, float, float]:
    """(first base of the left flank, stop of the right one, log10 score of each) that are compared."""
    empty = scoring.flanks[:0]
    left_stop, right_end = way.left_stop, way.right_stop
    left = right = 0.0
    if way.anchor >= 0:
        left_stop = max(left_stop, way.anchor + 1 - _FLANK_BP)
        left = _left_of_resync(
            reads.seq, reads.own_qual, way.anchor + 1, left_stop, empty, way.begin + 1, way.begin,
            scoring.flanks, way.begin + 1, scoring.penalty,
        )  # fmt: skip
    if way.reached >= 0:
        right_end = min(right_end, way.right_index + _FLANK_BP)
        right = _right_score(
            reads.seq, reads.own_qual, way.right_index, right_end, empty, 0, scoring.flanks, way.reached,
            scoring.penalty,
        )  # fmt: skip
    return left_stop, right_end, left, right


@borrowing_kernel
def _lay_haplotypes(
    first: Int,
    last: Int,
    way: Crossing,
    flanks: tuple[Int, Int, float, float],
    haplotypes: Haplotypes,
    scoring: Scoring,
    reads: AlignedReads,
    raw: NDArray[np.float64],
) -> None:
    """Fill raw, (H,) with H >= last - first, with log10 P(read | haplotype) of the rows first:last.

    Lengths are as they are. Each is laid against the read without gaps, once from its left flank and once
    from its right one (of `_flank_scores`), and the better counts; -15 to 0.
    """
    seq, qual, penalty, reference = reads.seq, reads.own_qual, scoring.penalty, scoring.flanks
    left_stop, right_end, left_common, right_common = flanks
    for h in range(first, last):
        inserted = haplotypes.bases[haplotypes.offset[h] : haplotypes.offset[h + 1]]
        skip = haplotypes.tail[h] - (way.begin + 1)
        score = 2 * _FLOOR
        if way.anchor >= 0:
            score = left_common + _right_score(
                seq, qual, way.anchor + 1, right_end, inserted, skip, reference, way.begin + 1, penalty
            )
        if way.reached >= 0:
            # the same haplotype hung up at its right end
            to_resync = _left_of_resync(
                seq, qual, way.right_index, left_stop, inserted, haplotypes.tail[h], way.begin, reference,
                way.reached, penalty,
            )  # fmt: skip
            score = max(score, right_common + to_resync)
        raw[h - first] = max(score, _FLOOR)


@borrowing_kernel
def _slip_between(
    h: Int,
    j: Int,
    first_candidate: Int,
    haplotypes: Haplotypes,
    sites: Sites,
    slips: StutterRates,
    adjustment: float,
) -> float:
    """log10 chance that a read of haplotype `h` shows the length of haplotype `j`."""
    other, own = haplotypes.candidate[j], haplotypes.candidate[h]
    c = first_candidate + max(other, own, 1) - 1
    low = min(other, own)
    if low > 0 and sites.units[first_candidate + low - 1] > sites.units[c]:
        c = first_candidate + low - 1
    difference = haplotypes.delta[j] - haplotypes.delta[h]
    return slip_log10(difference, max(sites.period[c], 1), sites.units[c], slips, adjustment)


@borrowing_kernel
def _slip_to(
    h: Int,
    net: Int,
    first_candidate: Int,
    haplotypes: Haplotypes,
    sites: Sites,
    slips: StutterRates,
    adjustment: float,
) -> float:
    """log10 chance that a read of haplotype `h` is `net` bp longer than the reference."""
    c = first_candidate + max(haplotypes.candidate[h], 1) - 1
    difference = net - haplotypes.delta[h]
    return slip_log10(difference, max(sites.period[c], 1), sites.units[c], slips, adjustment)


@borrowing_kernel
def judge_indels(
    s: Int,
    way: Crossing,
    sites: Sites,
    haplotypes: Haplotypes,
    scoring: Scoring,
    reads: AlignedReads,
    raw: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> None:
    """Fill scores (H,) with log10 P(read | haplotype) of the haplotypes of site `s`; raw (H,) is work space.

    A length that the read shows by itself costs a slip.
    """
    first, last, first_candidate = haplotypes.first[s], haplotypes.first[s + 1], sites.first[s]
    flanks = _flank_scores(way, scoring, reads)
    own = flanks[2] + way.between + flanks[3]
    crossed = way.anchor >= 0 and way.reached >= 0
    adjustment = 0.0
    if crossed:
        adjustment = quality_adjustment(
            reads.own_qual, way.anchor, min(way.right_index + 1, flanks[1]), scoring.slips
        )
    if way.spliced:
        for h in range(first, last):
            scores[h - first] = own + _slip_to(
                h, way.net, first_candidate, haplotypes, sites, scoring.slips, adjustment
            )
        return
    _lay_haplotypes(first, last, way, flanks, haplotypes, scoring, reads, raw)
    for h in range(first, last):
        best = raw[h - first]
        for j in range(first, last):
            if haplotypes.delta[j] != haplotypes.delta[h]:
                slip = _slip_between(h, j, first_candidate, haplotypes, sites, scoring.slips, adjustment)
                best = max(best, raw[j - first] + slip)
        if crossed and way.net != haplotypes.delta[h]:
            slip = _slip_to(h, way.net, first_candidate, haplotypes, sites, scoring.slips, adjustment)
            best = max(best, own + slip)
        scores[h - first] = best


@kernel
def _left_of_resync(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    stop: Int,
    start: Int,
    inserted: NDArray[np.uint8],
    tail: Int,
    begin: Int,
    reference: NDArray[np.uint8],
    reached: Int,
    penalty: NDArray[np.float64],
) -> float:
    """log10 of read bases [start, stop), hung up so that `stop` meets reference position `reached`.

    Leftwards the read is held against the reference down to `tail`, then `inserted`, then the reference
    from `begin` down. At least the floor where counting stops, at most 0. `seq`, `qual`: uint8 (B,), codes
    and phred. `inserted`: uint8 (n,), `reference`: uint8 (L,), base codes. `penalty`: float64 (256,), log10.
    """
    score = 0.0
    tract = reached - tail  # reference bases between the indel and `reached`
    n = len(inserted)
    for k in range(stop - start):
        if k < tract:
            expected = reference[reached - 1 - k]
        elif k < tract + n:
            expected = inserted[n - 1 - (k - tract)]
        else:
            at = begin - (k - tract - n)
            if at < 0:
                break
            expected = reference[at]
        if seq[stop - 1 - k] != expected and expected < 4:
            score += penalty[qual[stop - 1 - k]]
            if score < _FLOOR:
                break
    return score


@kernel
def tempered(ratio: float, mapq: Int) -> float:
    """`ratio` (log10) no stronger than the chance that the read belongs elsewhere allows; `mapq` phred."""
    cap = max(0.1, mapq / 10.0)
    return min(max(ratio, -cap), cap)


@kernel
def judge_allele(
    scores: NDArray[np.float64], candidate: NDArray[np.int32], i: Int, mapq: Int
) -> tuple[Int, float]:
    """(allele, log10 ratio) for the site's candidate `i` (from 1) under the scored haplotypes.

    `scores`: float64 (>= n,), log10. `candidate`: int32 (n,), see `Haplotypes`. `mapq`: phred.
    """
    own = -1
    rival = -1
    for k in range(len(candidate)):
        if candidate[k] == i:
            if own < 0 or scores[k] > scores[own]:
                own = k
        elif rival < 0 or scores[k] > scores[rival]:
            rival = k
    if own < 0:
        return -1, 0.0
    ratio = tempered(scores[own] - scores[rival], mapq)
    if ratio >= 0.5:
        return 1, ratio
    if ratio <= -0.5:
        return 0 if candidate[rival] == 0 else 2, ratio
    return -1, ratio
