"""Of a site, what the reads of its carriers look like: mapping and base qualities, strands, QUAL by depth."""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_bias import fisher_strand, strand_odds_ratio
from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c

_DP, _SB, _MQ_SQ, _MQ_N, _RANKS, _N_RANKS, _NO_RANK = (
    c.DP, c.SB, c.MQ_SQ, c.MQ_N, c.RANKS, c.N_RANKS, c.NO_RANK,
)  # fmt: skip
# places in a summary
MQ, SOR, FS, QD, RANK_SUMS = 0, 1, 2, 3, 4
N_SUMMARY = RANK_SUMS + _N_RANKS


@kernel
def carries(gt: NDArray[np.int16], star: int) -> bool:
    """Whether the genotype gt (2,) holds an ALT that is not `*`."""
    return (gt[0] > 0 and gt[0] != star) or (gt[1] > 0 and gt[1] != star)


@kernel
def _median(values: NDArray[np.float64], n: int) -> float:
    """Median of values[:n] of `values` (m,), which are sorted in place; NaN of none."""
    if n == 0:
        return math.nan
    values[:n].sort()
    middle = n // 2
    return values[middle] if n % 2 else 0.5 * (values[middle - 1] + values[middle])


@kernel
def site_summary(
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    variant_of: NDArray[np.int32],
    gt: NDArray[np.int16],
    dp: NDArray[np.int32],
    star: int,
    qual: float,
    out: NDArray[np.float64],
) -> None:
    """Fill `out`, float64 (N_SUMMARY,), with NaN where the gVCFs of the carriers say nothing.

    MQ: root of the mean of the squares over all their reads. SOR, FS: of the sum of their strand tables.
    QD: `qual` over the sum of their DP. Rank sums: median of theirs.

    Args:
        records, numbers: record table and its flat integers. variant_of: int32 (N, 3), rows of the site.
        gt: int16 (N, 2). dp: int32 (N,). star: index of `*` or -1.
    """
    square = reads = 0.0
    strands = np.zeros(4, dtype=np.int64)
    has_strands = False
    depth = 0
    ranks = np.empty((_N_RANKS, len(gt)))
    n_ranks = np.zeros(_N_RANKS, dtype=np.int64)
    for s in range(len(variant_of)):
        if not carries(gt[s], star):
            continue
        depth += max(0, dp[s])
        r = variant_of[s, 0]
        if r < 0:
            continue
        row = records[r]
        if row[_MQ_N] > 0:
            square += row[_MQ_SQ]
            reads += row[_MQ_N]
        elif row[_MQ_N] == 0 and row[_DP] > 0:
            square += float(row[_MQ_SQ]) * row[_MQ_SQ] * row[_DP]
            reads += row[_DP]
        if row[_SB] >= 0:
            has_strands = True
            for i in range(4):
                strands[i] += max(0, numbers[row[_SB] + i])
        for k in range(_N_RANKS):
            if row[_RANKS + k] != _NO_RANK:
                ranks[k, n_ranks[k]] = row[_RANKS + k] / 1000.0
                n_ranks[k] += 1
    out[:] = math.nan
    if reads > 0.0:
        out[MQ] = math.sqrt(square / reads)
    if has_strands:
        out[SOR] = strand_odds_ratio(strands[0], strands[1], strands[2], strands[3])
        out[FS] = fisher_strand(strands[0], strands[1], strands[2], strands[3])
    if depth > 0:
        out[QD] = qual / depth
    for k in range(_N_RANKS):
        out[RANK_SUMS + k] = _median(ranks[k], n_ranks[k])
