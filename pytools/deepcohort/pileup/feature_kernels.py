"""Site features, one pass over the candidates; names and scales in features.py."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Entries, Int, Window
from deepcohort.candidates.phase_kernels import (
    HET,
    HOM,
    MAX_MARKERS,
    capped_ratio,
    clear_odds,
    fragment,
    markers_near,
    phase_fragments,
    phased_het_log10,
    sure_genotypes,
)
from deepcohort.core.numba_options import kernel
from deepcohort.pileup.columns import CountColumns, LibraryColumns, TableColumns
from deepcohort.pileup.features import F
from deepcohort.pileup.kernels import start_cursors
from deepcohort.pileup.read_feature_kernels import N_SUMS, Site, clip, mean, read_features
from deepcohort.pileup.sequence_kernels import sequence_features

DEPTH_BP = 100  # local mean depth is over POS +- this
WIDE_BP = 2_000  # how variable the neighbourhood is, looked at that far
_LOG10_2 = math.log10(2.0)


class Phasing(NamedTuple):
    """What tells the haplotypes of fragments.

    Attributes:
        copies: int8 (N,), of `sure_genotypes`. feature_context_bp: how far off markers may lie.
        near: int64 (MAX_MARKERS,), odds: float64 (R,) zero, touched: int64 (R,), work space.
    """

    copies: NDArray[np.int8]
    feature_context_bp: int
    near: NDArray[np.int64]
    odds: NDArray[np.float64]
    touched: NDArray[np.int64]


@kernel
def _signed_log(x: float) -> float:
    """log1p of |x| with the sign of x."""
    return math.log1p(x) if x >= 0 else -math.log1p(-x)


@kernel
def depth_prefix(reads: AlignedReads, start: Int, length: Int) -> NDArray[np.int64]:
    """Prefix sums of read depth over `length` bp from contig position `start` on: int64 (length + 1,)."""
    change = np.zeros(length + 1, dtype=np.int64)
    for r in range(len(reads.pos)):
        a = clip(reads.pos[r] - start, 0, length)
        b = clip(reads.end[r] - start, 0, length)
        change[a] += 1
        change[b] -= 1
    prefix = np.zeros(length + 1, dtype=np.int64)
    depth = 0
    for i in range(length):
        depth += change[i]
        prefix[i + 1] = prefix[i] + depth
    return prefix


@kernel
def likelihood_features(
    row: NDArray[np.float32],
    first: Int,
    last: Int,
    entries: Entries,
    mapq: NDArray[np.uint8],
    flag: NDArray[np.uint16],
) -> tuple[float, float]:
    """Naive log10 likelihoods of 0/1 and 1/1 over 0/0; P(read | 0/1) is the mean of P under both alleles.

    Args:
        row: float32 (F,), receives the features. first, last: entries of the candidate.
        mapq: uint8 (R,), phred. flag: uint16 (R,), SAM FLAG.
    """
    het = hom = 0.0
    fwd_het = fwd_hom = rev_het = rev_hom = 0.0
    high_het = 0.0
    top = 0.0
    for e in range(first, last):
        if entries.allele[e] < 0:
            continue
        r = entries.read[e]
        # a mismapped read can argue for nothing: MAPQ bounds what it says
        x = capped_ratio(entries.ratio[e], mapq[r])
        h = math.log10(1.0 + 10.0**x) - _LOG10_2
        het += h
        hom += x
        top = max(top, h)
        if mapq[r] >= 30:
            high_het += h
        if flag[r] & 16:
            rev_het += h
            rev_hom += x
        else:
            fwd_het += h
            fwd_hom += x
    row[F.lod_het] = _signed_log(het)
    row[F.lod_hom] = _signed_log(hom)
    row[F.lod_hom_het] = _signed_log(hom - het)
    row[F.lod_het_raw] = clip(het, -10.0, 20.0) / 10
    row[F.lod_hom_het_raw] = clip(hom - het, -10.0, 10.0) / 10
    row[F.lod_forward] = clip(max(fwd_het, fwd_hom), -10.0, 20.0) / 10
    row[F.lod_reverse] = clip(max(rev_het, rev_hom), -10.0, 20.0) / 10
    row[F.lod_mapq30] = clip(high_het, -10.0, 20.0) / 10
    row[F.lod_without_top] = clip(het - top, -10.0, 20.0) / 10
    return het, hom


@kernel
def phase_features(
    row: NDArray[np.float32],
    het: float,
    hom: float,
    phased_het: float,
    first: Int,
    last: Int,
    entries: Entries,
    mate: NDArray[np.int32],
    odds: NDArray[np.float64],
) -> None:
    """What the fragments' haplotypes say of one candidate, whose entries are first:last.

    Args:
        row: float32 (F,), receives the features. het, hom, phased_het: log10 likelihood ratios to 0/0.
        mate: int32 (R,), or -1. odds: float64 (R,), log10, of `phase_fragments`.
    """
    row[F.lod_het_phased] = _signed_log(phased_het)
    row[F.lod_het_phased_raw] = clip(phased_het, -10.0, 20.0) / 10
    row[F.lod_hom_het_phased_raw] = clip(hom - phased_het, -10.0, 10.0) / 10
    row[F.phase_gain] = clip(phased_het - het, -3.0, 3.0) / 3
    n_informative = 0
    known = np.zeros((2, 2))  # (REF, ALT) x haplotype
    for e in range(first, last):
        allele = entries.allele[e]
        if allele < 0:
            continue
        n_informative += 1
        x = odds[fragment(entries.read[e], mate)]
        if allele <= 1 and abs(x) >= 1.0:
            known[allele, 0 if x > 0 else 1] += 1
    n_alt = known[1, 0] + known[1, 1]
    major = 0 if known[1, 0] >= known[1, 1] else 1
    row[F.phased_fraction] = mean(known.sum(), n_informative)
    row[F.phased_alt_balance] = known[1, 1 - major] / (n_alt + 1.0)
    row[F.phased_ref_with_alt] = known[0, major] / (known[0, major] + known[1, major] + 1.0) if n_alt else 0.0


@kernel
def _count_near(
    i: Int, cand_pos: NDArray[np.int64], copies: NDArray[np.int8], feature_context_bp: int, wanted: int
) -> int:
    """Candidates with `wanted` sure copies at other positions within `feature_context_bp` of candidate `i`.

    `cand_pos`: int64 (N,), ascending. `copies`: int8 (N,), of `sure_genotypes`.
    """
    n = 0
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(cand_pos) and abs(cand_pos[j] - cand_pos[i]) <= feature_context_bp:
            n += cand_pos[j] != cand_pos[i] and copies[j] == wanted
            j += step
    return n


@kernel
def neighbour_features(row: NDArray[np.float32], i: Int, table: TableColumns) -> None:
    """Fill `row` float32 (F,) with what other candidates of the table lie near candidate `i`."""
    cand_pos = table.pos
    near_10 = near_50 = same = 0
    left: Int = 50
    right: Int = 50
    near_vaf = same_vaf = 0.0
    p = cand_pos[i]
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(cand_pos) and abs(cand_pos[j] - p) <= 50:
            d = abs(cand_pos[j] - p)
            vaf = table.ad[j, 1] / max(table.dp[j], 1)
            if d == 0:
                same += 1
                same_vaf = max(same_vaf, vaf)
            else:
                near_50 += 1
                if d <= 10:
                    near_10 += 1
                    near_vaf = max(near_vaf, vaf)
                if step < 0:
                    left = min(left, d)
                else:
                    right = min(right, d)
            j += step
    row[F.near_10] = math.log1p(near_10)
    row[F.near_50] = math.log1p(near_50)
    row[F.nearest_left] = left / 50
    row[F.nearest_right] = right / 50
    row[F.near_vaf] = min(near_vaf, 1.0)
    row[F.same_site_alts] = min(same, 4) / 4
    row[F.same_site_vaf] = min(same_vaf, 1.0)
    row[F.realigned] = table.realigned[i]


@kernel
def _haplotype_features(
    row: NDArray[np.float32], i: Int, het: float, hom: float, table: TableColumns, entries: Entries,
    reads: AlignedReads, phasing: Phasing,
) -> None:  # fmt: skip
    """Fill `row` float32 (F,) with what phase says of candidate `i`.

    `het`, `hom`: log10 likelihood ratios to 0/0.
    """
    near, odds, touched = phasing.near, phasing.odds, phasing.touched
    reach_bp = phasing.feature_context_bp
    first, last = entries.offset[i], entries.offset[i + 1]
    n_near = markers_near(i, table.pos, phasing.copies, reach_bp, near)
    n_touched = phase_fragments(near, n_near, entries, reads.mapq, reads.mate, odds, touched)
    phased = het
    if n_touched:
        phased = phased_het_log10(first, last, entries, reads.mapq, reads.mate, odds)
    phase_features(row, het, hom, phased, first, last, entries, reads.mate, odds)
    clear_odds(odds, touched, n_touched)
    row[F.near_hets] = math.log1p(_count_near(i, table.pos, phasing.copies, reach_bp, HET)) / 2
    row[F.near_homs] = math.log1p(_count_near(i, table.pos, phasing.copies, reach_bp, HOM)) / 2
    row[F.wide_hets] = math.log1p(_count_near(i, table.pos, phasing.copies, WIDE_BP, HET)) / 3
    row[F.wide_homs] = math.log1p(_count_near(i, table.pos, phasing.copies, WIDE_BP, HOM)) / 3


@kernel
def _depth_features(
    row: NDArray[np.float32], at: Int, total: float, prefix: NDArray[np.int64], counts: CountColumns, pos: Int
) -> None:
    """Fill `row` float32 (F,) with depth and MAPQ 0 at contig position `pos`, index `at` of the window.

    `total`: reads at the site. `prefix`: int64 (L + 1,), of `depth_prefix`.
    """
    a = max(0, at - DEPTH_BP)
    z = min(len(prefix) - 1, at + DEPTH_BP + 1)
    local = (prefix[z] - prefix[a]) / max(z - a, 1)
    row[F.depth_ratio] = min(total / max(local, 1.0), 3.0)
    c = pos - counts.start
    row[F.mapq0_fraction] = 0.0
    if 0 <= c < len(counts.n_total):
        row[F.mapq0_fraction] = counts.mapq0[c] / max(counts.mapq0[c] + counts.n_total[c], 1)


@kernel
def _site_of(i: Int, table: TableColumns) -> Site:
    """Where the bases of candidate `i` lie."""
    pos, ref_len = table.pos[i], table.ref_len[i]
    if ref_len != table.alt_offset[i + 1] - table.alt_offset[i]:
        return Site(pos, pos + 1, pos)
    return Site(pos, pos + ref_len, pos - pos - 2)


@kernel
def candidate_features(
    out: NDArray[np.float32],
    selected: NDArray[np.int64],
    table: TableColumns,
    entries: Entries,
    reads: AlignedReads,
    library: LibraryColumns,
    counts: CountColumns,
    window: Window,
    phase_bp: int,
) -> None:
    """Fill `out` float32 (B, F) with the features of the candidates `selected` int64 (B,), ascending."""
    prefix = depth_prefix(reads, window.start, len(window.reference))
    cursors = start_cursors(reads)
    is_snp = (table.ref_len == 1) & (table.alt_offset[1:] - table.alt_offset[:-1] == 1)
    phasing = Phasing(
        sure_genotypes(is_snp, entries, reads.mapq),
        phase_bp,
        np.empty(MAX_MARKERS, np.int64),
        np.zeros(len(reads.pos)),
        np.empty(len(reads.pos), np.int64),
    )
    sums = np.empty((N_SUMS, 4))
    for b in range(len(selected)):
        i = selected[b]
        row = out[b]
        first, last = entries.offset[i], entries.offset[i + 1]
        at = table.pos[i] - window.start
        het, hom = likelihood_features(row, first, last, entries, reads.mapq, library.flag)
        _haplotype_features(row, i, het, hom, table, entries, reads, phasing)
        site = _site_of(i, table)
        total = read_features(row, site, first, last, entries, reads, library, window, cursors, sums)
        _depth_features(row, at, total, prefix, counts, table.pos[i])
        neighbour_features(row, i, table)
        alt = table.alt_seq[table.alt_offset[i] : table.alt_offset[i + 1]]
        sequence_features(row, at, table.ref_len[i], alt, window.reference)
