"""Kernels: what the reads of a site look like beside its alleles: strands, mapping and base qualities, ends.

The numbers go into INFO, where people filter by them; genotypes do not depend on them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import ALLELE_ALT, ALLELE_OTHER, ALLELE_REF
from deepcohort.core.numba_options import kernel

_REVERSE = 0x10
RANKED = ("BaseQRankSum", "MQRankSum", "ReadPosRankSum")
_N_RANKED = len(RANKED)
_MOST_RANKED = 256  # values are cut below this: qualities have fewer, and 255 bp from an end is far
# a table of more reads is scaled down to this many, as GATK's FisherStrand does: with depth every trifle
# becomes significant
_TABLE_READS = 200
_MOST_PHRED = 5_000.0
_SAME = 1.0 + 1e-9


@kernel
def strand_odds_ratio(ref_fwd: int, ref_rev: int, alt_fwd: int, alt_rev: int) -> float:
    """Symmetric odds ratio of the strand table, natural log (GATK's SOR)."""
    a, b, c, d = ref_fwd + 1.0, ref_rev + 1.0, alt_fwd + 1.0, alt_rev + 1.0
    ratio = a * d / (b * c)
    symmetric = ratio + 1.0 / ratio
    return math.log(symmetric) + math.log(min(a, b) / max(a, b)) - math.log(min(c, d) / max(c, d))


@kernel
def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


@kernel
def fisher_strand(ref_fwd: int, ref_rev: int, alt_fwd: int, alt_rev: int) -> float:
    """Phred of the two-sided p-value of Fisher's exact test on the strand table (GATK's FS)."""
    total = ref_fwd + ref_rev + alt_fwd + alt_rev
    if total > 2 * _TABLE_READS:
        scale = total / _TABLE_READS
        ref_fwd, ref_rev = int(ref_fwd / scale), int(ref_rev / scale)
        alt_fwd, alt_rev = int(alt_fwd / scale), int(alt_rev / scale)
        total = ref_fwd + ref_rev + alt_fwd + alt_rev
    n_ref, n_fwd = ref_fwd + ref_rev, ref_fwd + alt_fwd
    low, high = max(0, n_fwd - (total - n_ref)), min(n_ref, n_fwd)
    if low == high:
        return 0.0
    whole = _log_choose(total, n_fwd)
    seen = _log_choose(n_ref, ref_fwd) + _log_choose(total - n_ref, n_fwd - ref_fwd) - whole
    p = 0.0
    for k in range(low, high + 1):
        here = _log_choose(n_ref, k) + _log_choose(total - n_ref, n_fwd - k) - whole
        if here <= seen + 1e-7:
            p += math.exp(here)
    if p * _SAME >= 1.0:
        return 0.0
    return min(_MOST_PHRED, -10.0 * math.log10(max(p, 1e-300)))


@kernel
def rank_sum_z(ref: NDArray[np.int32], alt: NDArray[np.int32]) -> float:
    """z of the Mann-Whitney test, negative where `alt` is lower; NaN without values on a side or in between.

    Args:
        ref, alt: int32 (_MOST_RANKED,), how many reads of each side have each value.
    """
    n_ref, n_alt, below, u, ties = 0, 0, 0, 0.0, 0.0
    for value in range(len(ref)):
        here = float(ref[value] + alt[value])
        u += alt[value] * (below + 0.5 * ref[value])
        below += ref[value]
        n_ref += ref[value]
        n_alt += alt[value]
        ties += here * here * here - here
    n = n_ref + n_alt
    if n_ref == 0 or n_alt == 0 or n < 2:
        return math.nan
    variance = n_ref * n_alt / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)))
    if variance <= 1e-12:
        return 0.0
    return (u - 0.5 * n_ref * n_alt) / math.sqrt(variance)


@kernel
def _mark_reads(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    support_offset: NDArray[np.int64],
    support_read: NDArray[np.int32],
    support_allele: NDArray[np.int8],
    side: NDArray[np.int8],
) -> None:
    """Side of each read at the candidates rows[first:last]: 1 REF, 2 an ALT of theirs; 0 neither.

    `side`: int8 (R,), filled; the others as in `measure_bias`.
    """
    several = last - first > 1
    for i in range(first, last):
        for m in range(support_offset[rows[i]], support_offset[rows[i] + 1]):
            allele, read = support_allele[m], support_read[m]
            if allele == ALLELE_ALT:
                side[read] = 2
            elif allele == ALLELE_REF and side[read] == 0:
                side[read] = 1
            elif allele == ALLELE_OTHER and several and side[read] == 1:
                side[read] = 0  # it shows neither REF nor, unless another row says so, an ALT


@kernel
def measure_bias(
    first_row: NDArray[np.int64],
    rows: NDArray[np.int64],
    support_offset: NDArray[np.int64],
    support_read: NDArray[np.int32],
    support_allele: NDArray[np.int8],
    read_index: NDArray[np.int32],
    flag: NDArray[np.uint16],
    mapq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """What the reads of each site say beside their alleles.

    Args:
        first_row: int64 (S, 2), the rows[a:b] of each site. rows: int64, candidates of the evidence's table.
        support_offset, support_read, support_allele, read_index: as in `ReadSupport`.
        flag, mapq, qual, seq_offset: as in `ReadBatch` (`own_qual`).

    Returns:
        strands int32 (S, 4): reads of REF forward, reverse, of the ALTs forward, reverse;
        mapping int64 (S, 2): sum of squared MAPQ, reads; ranks float64 (S, 3), z by RANKED, NaN: none.
    """
    n = len(first_row)
    strands, mapping = np.zeros((n, 4), np.int32), np.zeros((n, 2), np.int64)
    ranks = np.full((n, _N_RANKED), np.nan)
    side = np.zeros(len(flag), np.int8)
    counts = np.zeros((2, _N_RANKED, _MOST_RANKED), np.int32)
    for s in range(n):
        first, last = first_row[s]
        _mark_reads(first, last, rows, support_offset, support_read, support_allele, side)
        counts[:] = 0
        for i in range(first, last):
            for m in range(support_offset[rows[i]], support_offset[rows[i] + 1]):
                read = support_read[m]
                which = side[read]
                if which == 0:
                    continue
                side[read] = 0
                strands[s, 2 * (which - 1) + (1 if flag[read] & _REVERSE else 0)] += 1
                quality = np.int64(mapq[read])
                mapping[s, 0] += quality * quality
                mapping[s, 1] += 1
                counts[which - 1, 1, quality] += 1
                at = read_index[m]
                if at >= 0:
                    length = seq_offset[read + 1] - seq_offset[read]
                    counts[which - 1, 0, qual[seq_offset[read] + at]] += 1
                    counts[which - 1, 2, min(at, length - 1 - at, _MOST_RANKED - 1)] += 1
        for k in range(_N_RANKED):
            ranks[s, k] = rank_sum_z(counts[0, k], counts[1, k])
    return strands, mapping, ranks
