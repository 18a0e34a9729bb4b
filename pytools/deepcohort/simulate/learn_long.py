"""Learning a long-read profile from real reads."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels import MAX_COPIES, MAX_UNIT
from deepcohort.simulate.kernels_learn import Tracts
from deepcohort.simulate.kernels_long import Ground, count_long, run_copies
from deepcohort.simulate.learn import Evidence, context_model, smooth_slips, tracts_in
from deepcohort.simulate.long_profile import N_RUN_CLASSES, RUN_CLASS_OF_COPIES, LongProfile
from deepcohort.simulate.profile import cumulative

_N_GROUPS, _N_LEVELS = 4, 14
_N_INDEX = MAX_UNIT * MAX_COPIES


def learn_long(evidence: list[Evidence]) -> LongProfile:
    """Profile of long reads."""
    used = [np.repeat(e.use, np.diff(e.reads.offset)) for e in evidence]
    values = np.bincount(
        np.concatenate([e.reads.qual[u] for e, u in zip(evidence, used, strict=True)]), minlength=94
    )[:94].astype(np.float64)
    level_of = _levels(values)
    n_levels = int(level_of[:94].max()) + 1
    groups = _groups(evidence)
    totals = _count(evidence, level_of, groups, n_levels)
    steps, by_level, by_context, passages, changes, further = totals
    promised = by_level[:, 1].sum() / max(1, by_level[:, 0].sum())
    sub_rate = ((by_level[:, 1] + 20 * promised) / (by_level[:, 0] + 20)).astype(np.float32)
    wrong = by_context.astype(np.float64)
    expected = by_context.sum(axis=1) * promised
    context_factor, sub_cdf = context_model(wrong, expected)
    n, k = passages.sum(axis=1), changes.sum(axis=2)
    loss, gain = (smooth_slips(n, k[:, side], floor=1e-4, growth=1.2) for side in range(2))
    rate = (loss + gain)[:, None]
    slip_factor = (changes.sum(axis=(0, 1)) + 10) / ((passages * rate).sum(axis=0) + 10)
    lengths = np.concatenate([np.diff(e.reads.offset)[e.use] for e in evidence])
    share = np.bincount(np.concatenate([g[e.use] for e, g in zip(evidence, groups, strict=True)]))
    pooled = steps.sum(axis=1, keepdims=True) + 1e-3
    steps = steps + 30 * pooled / pooled.sum(axis=-1, keepdims=True)
    value_cdf = np.zeros((n_levels, 94))
    value_cdf[level_of[:94], np.arange(94)] = values + 1e-9
    return LongProfile(
        np.quantile(lengths, np.linspace(0, 1, 51)).astype(np.float32),
        cumulative(share.astype(np.float64)),
        cumulative(value_cdf),
        cumulative(pooled[:, 0].sum(axis=1)),
        cumulative(steps),
        sub_rate,
        context_factor,
        sub_cdf,
        loss,
        gain,
        slip_factor.astype(np.float32),
        ((further[:, 0] + 2) / (further[:, 1] + 10)).astype(np.float32),
    )


def _levels(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Level of each phred value, int64 (256,): about equally many bases each, ascending."""
    share = np.cumsum(values) / values.sum()
    middle = share - values / values.sum() / 2
    level = np.minimum((middle * _N_LEVELS).astype(np.int64), _N_LEVELS - 1)
    level = np.unique(level, return_inverse=True)[1]
    # the worst qualities, though rare, are where errors are: two levels of their own
    low = np.searchsorted(share, 0.006), np.searchsorted(share, 0.025)
    level = level + 2
    level[: low[0] + 1] = 0
    level[low[0] + 1 : low[1] + 1] = 1
    level = np.unique(level, return_inverse=True)[1]
    return np.concatenate([level, np.full(256 - len(level), level.max())])


def _groups(evidence: list[Evidence]) -> list[NDArray[np.int64]]:
    """Class of each read by the mean error that its qualities promise."""
    means = []
    for e in evidence:
        promised = 10 ** (-e.reads.qual.astype(np.float64) / 10)
        sizes = np.maximum(1, np.diff(e.reads.offset))
        means.append(np.add.reduceat(promised, e.reads.offset[:-1]) / sizes)
    usable = np.concatenate([m[e.use] for m, e in zip(means, evidence, strict=True)])
    edges = np.quantile(usable, np.arange(1, _N_GROUPS) / _N_GROUPS)
    return [np.searchsorted(edges, m) for m in means]


def _count(
    evidence: list[Evidence], level_of: NDArray[np.int64], groups: list[NDArray[np.int64]], n_levels: int
) -> list[NDArray]:
    """Sums of count_long's first six results; tracts whose true length seems to differ are left out."""
    totals: list[NDArray] = []
    for e, group in zip(evidence, groups, strict=True):
        reference = e.reads.reference
        starts, ends, index, blocked = tracts_in(reference, e.reads.truth)
        ground = Ground(reference, run_copies(reference), e.masked, RUN_CLASS_OF_COPIES)
        for _ in range(2):
            level = level_of[e.reads.qual].astype(np.uint8)
            tracts = Tracts(starts, ends, index, blocked)
            sizes = (_N_GROUPS, n_levels, _N_INDEX, N_RUN_CLASSES)
            parts = count_long(ground, tracts, e.aligned, group, level, sizes)
            n, worst = parts[6][:, 0], parts[6][:, 1:].max(axis=1)
            blocked = blocked | ((worst >= 3) & (worst > (0.25 + 0.015 * (index % MAX_COPIES)) * n))
        totals = [a + b for a, b in zip(totals, parts[:6], strict=True)] if totals else list(parts[:6])
    return totals
