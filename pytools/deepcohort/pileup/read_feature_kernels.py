"""Site features that are sums over the reads of a candidate; names and scales in features.py."""
# ruff: noqa: SIM109 - chains of == compile to a jump, tuples of constants do not

import math
from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Entries, Int, Window
from deepcohort.core.numba_options import borrowing_kernel, kernel
from deepcohort.pileup.columns import LibraryColumns
from deepcohort.pileup.features import F
from deepcohort.pileup.kernels import OP_D, OP_EQ, OP_I, OP_M, OP_N, OP_S, OP_X, Cursors, advance_cursor

NEAR_BP = 16  # mismatches and indels this near the site count as neighbours
# how far reads are held against the reference; longer ones, NEAR_BP
DIVERGENCE_BP, _MOST_SPAN_BP = 128, 1_000
CLIP_BP, CLIP_NEAR_BP = 5, 300  # soft clips of that many bases that start that near the site count
LIBRARY_READS = 20.0  # the library's share of odd pairs or clips weighs like so many REF reads
REF, ALT, OTHER, NONE = 0, 1, 2, 3

# Rows of the sums, float64 (N_SUMS, 4), whose columns are REF, ALT, OTHER, NONE; a compile-time constant
# inside kernels: sums[S.forward, ALT]. `length` is over all reads, in column 0.
_SUMS = (
    "n", "forward", "quality", "placed", "mapq", "mapq_low", "distance", "clipped", "mismatch", "indel",
    "paired", "odd", "ratio", "diverged", "unaligned", "at_end", "place", "place_squared", "cycle",
    "best_quality", "length",
)  # fmt: skip
N_SUMS = len(_SUMS)
S: Any = namedtuple("_SumRows", _SUMS)(*range(N_SUMS))  # type: ignore[misc]  # names as in _SUMS


class Site(NamedTuple):
    """A candidate, contig positions.

    Attributes:
        pos: POS. stop: behind the bases that are its own (an indel: its anchor).
        indel_at: POS of an indel, else -2.
    """

    pos: int
    stop: int
    indel_at: int


@kernel
def clip(x: Any, low: Any, high: Any) -> Any:
    """`x`, or the bound that it lies beyond."""
    return min(max(x, low), high)


@kernel
def mean(total: float, n: float) -> float:
    """`total` / `n`; 0 where n is 0."""
    return total / n if n > 0 else 0.0


@borrowing_kernel
def _neighbours(r: Int, site: Site, reads: AlignedReads, window: Window, cursors: Cursors) -> tuple[Int, Int]:
    """(mismatches of phred >= 15, indels) of the read `r` within NEAR_BP, besides the site's own."""
    start, end = site.pos - NEAR_BP, site.pos + NEAR_BP + 1
    mismatches: Int = 0
    indels = 0
    ref, query = cursors.ref[r], cursors.query[r]
    for k in range(cursors.op[r], reads.cigar_offset[r + 1]):
        if ref >= end:
            break
        kind = reads.cigar_op[k]
        length = reads.cigar_len[k]
        if kind == OP_M or kind == OP_EQ or kind == OP_X:
            a = max(max(ref, start), window.start)
            b = min(min(ref + length, end), window.start + len(window.reference))
            shift = reads.seq_offset[r] + query - ref
            for p in range(a, b):
                code = reads.seq[shift + p]
                if code == window.reference[p - window.start] or code > 3 or reads.qual[shift + p] < 15:
                    continue
                mismatches += not (site.pos <= p < site.stop)
            ref += length
            query += length
        elif kind == OP_D or kind == OP_N:
            if ref - 1 != site.indel_at and ref + length > start:
                indels += 1
            ref += length
        elif kind == OP_I:
            if ref - 1 != site.indel_at and ref - 1 >= start:
                indels += 1
            query += length
        elif kind == OP_S:
            query += length
    return mismatches, indels


@borrowing_kernel
def _differences(r: Int, site: Site, reads: AlignedReads, window: Window) -> tuple[Int, Int]:
    """(mismatches of phred >= 10 + indels, aligned bp) of the read `r` within DIVERGENCE_BP of the site."""
    start = max(site.pos - DIVERGENCE_BP, window.start)
    end = min(site.pos + DIVERGENCE_BP + 1, window.start + len(window.reference))
    ref = reads.pos[r]
    query = 0
    differences = aligned = 0
    for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
        kind = reads.cigar_op[k]
        length = reads.cigar_len[k]
        if kind == OP_M or kind == OP_EQ or kind == OP_X:
            a = max(ref, start)
            b = min(ref + length, end)
            shift = reads.seq_offset[r] + query - ref
            for p in range(a, b):
                code = reads.seq[shift + p]
                differs = code != window.reference[p - window.start]
                differences += differs and code < 4 and reads.qual[shift + p] >= 10
            aligned += max(0, b - a)
            ref += length
            query += length
        elif kind == OP_D or kind == OP_N:
            differences += start <= ref < end
            ref += length
        elif kind == OP_I:
            differences += start <= ref < end
            query += length
        elif kind == OP_S:
            query += length
    return differences, aligned


@kernel
def _deviation(total: float, squares: float, n: float) -> float:
    """Three times the standard deviation of `n` numbers of that sum and sum of squares."""
    middle = mean(total, n)
    return 3 * math.sqrt(max(0.0, mean(squares, n) - middle * middle))


@kernel
def _excess(count: float, n: float, share: float, known_count: float, known_n: float) -> float:
    """Fifths of the z score of `count` of `n` beside `known_count` of `known_n` and a prior `share`.

    From -1 to 1.
    """
    usual = (share * LIBRARY_READS + known_count) / (LIBRARY_READS + known_n)
    usual = clip(usual, 0.005, 0.995)
    z = (count - n * usual) / math.sqrt(n * usual * (1 - usual) + 0.25)
    return clip(z, -5.0, 5.0) / 5


@kernel
def _clipped_nearby(i: Int, length: Int, left: Int, right: Int) -> Any:
    """Whether a soft clip tells of the site: adapters of long reads, kilobases away, do not.

    `i`: index of the site's base in the read, of `length` bp, `left` and `right` bp clipped; -1 for none.
    """
    if i < 0:  # the read deletes the site: only a short one must be clipped nearby
        return length <= 2 * CLIP_NEAR_BP and max(left, right) >= CLIP_BP
    return (left >= CLIP_BP and i - left < CLIP_NEAR_BP) or (
        right >= CLIP_BP and length - right - i <= CLIP_NEAR_BP
    )


@borrowing_kernel
def _add_neighbours(
    r: Int,
    a: Int,
    site: Site,
    reads: AlignedReads,
    window: Window,
    cursors: Cursors,
    sums: NDArray[np.float64],
) -> None:
    """Add what the read `r`, of allele `a`, differs in near the site to `sums` float64 (N_SUMS, 4)."""
    advance_cursor(r, site.pos - NEAR_BP, reads, cursors)
    mismatches, indels = _neighbours(r, site, reads, window, cursors)
    sums[S.mismatch, a] += mismatches
    sums[S.indel, a] += indels
    if reads.end[r] - reads.pos[r] <= _MOST_SPAN_BP:
        differences, aligned = _differences(r, site, reads, window)
        sums[S.diverged, a] += differences / max(aligned, 1)
    else:
        sums[S.diverged, a] += (mismatches + indels) / (2 * NEAR_BP + 1)


@borrowing_kernel
def _add_place(
    i: Int, a: Int, left: Int, right: Int, reverse: bool, is_indel: bool, qual: NDArray[np.uint8],
    sums: NDArray[np.float64],
) -> None:  # fmt: skip
    """Add quality and place in the read of the site's base, index `i`, to `sums` float64 (N_SUMS, 4).

    `a`: allele. `left`, `right`: bp clipped. `qual`: uint8 (length of the read,), phred.
    """
    length = len(qual)
    q = float(qual[i])
    if is_indel and i + 1 < length:
        q = min(q, float(qual[i + 1]))
    sums[S.quality, a] += q
    sums[S.placed, a] += 1
    d = max(0, min(i - left, length - 1 - right - i))
    sums[S.distance, a] += min(d, 50)
    x = i / length
    sums[S.at_end, a] += d < 5
    sums[S.place, a] += x
    sums[S.place_squared, a] += x * x
    if a == ALT:
        sums[S.best_quality, ALT] = max(sums[S.best_quality, ALT], q)
        sums[S.cycle, ALT] += 1.0 - x if reverse else x


@borrowing_kernel
def _add_read(
    e: Int, site: Site, entries: Entries, reads: AlignedReads, library: LibraryColumns, window: Window,
    cursors: Cursors, sums: NDArray[np.float64],
) -> None:  # fmt: skip
    """Add the read of entry `e` to `sums` float64 (N_SUMS, 4)."""
    r = entries.read[e]
    first_base, last_base = reads.seq_offset[r], reads.seq_offset[r + 1]
    length = last_base - first_base
    sums[S.length, 0] += length
    a = entries.allele[e]
    sums[S.n, a if a >= 0 else NONE] += 1
    if a != REF and a != ALT:
        return
    sums[S.ratio, a] += clip(float(entries.ratio[e]), -6.0, 6.0)
    sums[S.mapq, a] += min(reads.mapq[r], 60)
    sums[S.mapq_low, a] += reads.mapq[r] < 20
    reverse = (library.flag[r] & 16) != 0
    sums[S.forward, a] += not reverse
    if library.flag[r] & 1:
        sums[S.paired, a] += 1
        sums[S.odd, a] += library.odd[r]
    c0, c1 = reads.cigar_offset[r], reads.cigar_offset[r + 1]
    left = reads.cigar_len[c0] if c1 > c0 and reads.cigar_op[c0] == OP_S else 0
    right = reads.cigar_len[c1 - 1] if c1 > c0 and reads.cigar_op[c1 - 1] == OP_S else 0
    i = entries.read_index[e]
    if _clipped_nearby(i, length, left, right):
        sums[S.clipped, a] += 1
        sums[S.unaligned, a] += (left + right) / length
    if i >= 0:
        qual = reads.qual[first_base:last_base]
        _add_place(i, a, left, right, reverse, site.indel_at >= 0, qual, sums)
    _add_neighbours(r, a, site, reads, window, cursors, sums)


@kernel
def _balance_features(row: NDArray[np.float32], sums: NDArray[np.float64]) -> float:
    """Depth and share of the alleles, from `sums` float64 (N_SUMS, 4); number of reads."""
    n_ref, n_alt, n_other = sums[S.n, REF], sums[S.n, ALT], sums[S.n, OTHER]
    told = n_ref + n_alt + n_other
    total = told + sums[S.n, NONE]
    row[F.depth_log] = math.log1p(told) / 4
    row[F.n_alt_log] = math.log1p(n_alt) / 4
    row[F.n_alt_small] = min(n_alt, 10.0) / 10
    row[F.n_ref_log] = math.log1p(n_ref) / 4
    row[F.vaf] = mean(n_alt, told)
    row[F.vaf_het_z] = clip((n_alt - told / 2) / math.sqrt(max(told, 1.0) / 4), -5.0, 5.0) / 5
    row[F.other_fraction] = mean(n_other, told)
    row[F.none_fraction] = mean(sums[S.n, NONE], total)
    row[F.read_length_log] = math.log2(max(1.0, mean(sums[S.length, 0], total))) / 10
    return total


@kernel
def _quality_features(row: NDArray[np.float32], sums: NDArray[np.float64]) -> None:
    """Qualities of bases, ratios and places, from `sums` float64 (N_SUMS, 4)."""
    n_ref, n_alt = sums[S.n, REF], sums[S.n, ALT]
    row[F.quality_alt_mean] = mean(sums[S.quality, ALT], sums[S.placed, ALT]) / 40
    row[F.quality_ref_mean] = mean(sums[S.quality, REF], sums[S.placed, REF]) / 40
    row[F.quality_alt_max] = sums[S.best_quality, ALT] / 40
    row[F.quality_alt_sum] = math.log1p(sums[S.quality, ALT]) / 6
    row[F.ratio_alt_mean] = mean(sums[S.ratio, ALT], n_alt) / 4
    row[F.ratio_ref_mean] = mean(sums[S.ratio, REF], n_ref) / 4
    row[F.mapq_alt_mean] = mean(sums[S.mapq, ALT], n_alt) / 60
    row[F.mapq_ref_mean] = mean(sums[S.mapq, REF], n_ref) / 60
    row[F.mapq_alt_low] = mean(sums[S.mapq_low, ALT], n_alt)
    row[F.mapq_ref_low] = mean(sums[S.mapq_low, REF], n_ref)


@kernel
def _strand_features(row: NDArray[np.float32], sums: NDArray[np.float64]) -> None:
    """Strands and places in the reads, from `sums` float64 (N_SUMS, 4)."""
    n_ref, n_alt = sums[S.n, REF], sums[S.n, ALT]
    forward_ref, forward_alt = sums[S.forward, REF], sums[S.forward, ALT]
    placed_ref, placed_alt = sums[S.placed, REF], sums[S.placed, ALT]
    row[F.alt_forward] = mean(forward_alt, n_alt)
    row[F.ref_forward] = mean(forward_ref, n_ref)
    odds = math.log((forward_alt + 0.5) / (n_alt - forward_alt + 0.5)) - math.log(
        (forward_ref + 0.5) / (n_ref - forward_ref + 0.5)
    )
    row[F.strand_log_odds] = clip(odds, -4.0, 4.0) / 4
    row[F.alt_minor_strand] = mean(min(forward_alt, n_alt - forward_alt), n_alt)
    row[F.alt_end_distance] = mean(sums[S.distance, ALT], placed_alt) / 50
    row[F.ref_end_distance] = mean(sums[S.distance, REF], placed_ref) / 50
    row[F.alt_at_end] = mean(sums[S.at_end, ALT], placed_alt)
    row[F.ref_at_end] = mean(sums[S.at_end, REF], placed_ref)
    row[F.alt_place_sd] = _deviation(sums[S.place, ALT], sums[S.place_squared, ALT], placed_alt)
    row[F.ref_place_sd] = _deviation(sums[S.place, REF], sums[S.place_squared, REF], placed_ref)
    row[F.alt_cycle] = mean(sums[S.cycle, ALT], placed_alt)


@kernel
def _alignment_features(
    row: NDArray[np.float32], sums: NDArray[np.float64], clipped_share: float, odd_share: float
) -> None:
    """Clips, differences and pairs, from `sums` float64 (N_SUMS, 4) and the library's shares, 0 to 1."""
    n_ref, n_alt = sums[S.n, REF], sums[S.n, ALT]
    clipped_ref, odd_ref, paired_ref = sums[S.clipped, REF], sums[S.odd, REF], sums[S.paired, REF]
    row[F.alt_clipped] = _excess(sums[S.clipped, ALT], n_alt, clipped_share, clipped_ref, n_ref)
    row[F.ref_clipped] = _excess(clipped_ref, n_ref, clipped_share, 0.0, 0.0)
    row[F.alt_unaligned] = mean(sums[S.unaligned, ALT], n_alt)
    row[F.ref_unaligned] = mean(sums[S.unaligned, REF], n_ref)
    row[F.alt_divergence] = min(10 * mean(sums[S.diverged, ALT], n_alt), 2.0)
    row[F.ref_divergence] = min(10 * mean(sums[S.diverged, REF], n_ref), 2.0)
    row[F.alt_mismatches] = math.log1p(mean(sums[S.mismatch, ALT], n_alt))
    row[F.ref_mismatches] = math.log1p(mean(sums[S.mismatch, REF], n_ref))
    row[F.alt_indels] = math.log1p(mean(sums[S.indel, ALT], n_alt))
    row[F.ref_indels] = math.log1p(mean(sums[S.indel, REF], n_ref))
    row[F.alt_odd_pair] = _excess(sums[S.odd, ALT], sums[S.paired, ALT], odd_share, odd_ref, paired_ref)
    row[F.ref_odd_pair] = _excess(odd_ref, paired_ref, odd_share, 0.0, 0.0)


@kernel
def read_features(
    row: NDArray[np.float32], site: Site, first: Int, last: Int, entries: Entries, reads: AlignedReads,
    library: LibraryColumns, window: Window, cursors: Cursors, sums: NDArray[np.float64],
) -> float:  # fmt: skip
    """Fill `row` float32 (F,) from the entries first:last of one candidate; number of its reads.

    `sums`: float64 (N_SUMS, 4), work space.
    """
    sums[:] = 0.0
    for e in range(first, last):
        _add_read(e, site, entries, reads, library, window, cursors, sums)
    total = _balance_features(row, sums)
    _quality_features(row, sums)
    _strand_features(row, sums)
    _alignment_features(row, sums, library.clipped_share, library.odd_share)
    return total
