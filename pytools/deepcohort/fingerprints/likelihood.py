"""Likelihoods of genotypes, foreign reads, kinship: arrays in, arrays out; natural logarithms."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.fingerprints.types import AlleleReads

Floats = NDArray[np.float64]

SHARES = np.concatenate([np.arange(0, 0.1, 0.001), np.arange(0.1, 0.5001, 0.005)])  # of foreign reads
COARSE = SHARES[::10]
_CHUNK = 1_000  # sites whose grid is held at a time
_DEEP, _BALANCED = 8, (0.25, 0.75)  # reads and share of ALT of sites that tell how heterozygotes look
_CHI2_95 = 3.841
_INBREEDING = (-0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)


def hardy_weinberg(frequency: Floats, inbreeding: float = 0.0) -> Floats:
    """P(0, 1, 2 copies), float64 (N, 3); `inbreeding`: the share of heterozygotes that is missing."""
    other = 1.0 - frequency
    more = inbreeding * frequency * other
    chance = np.stack([other**2 + more, 2 * (frequency * other - more), frequency**2 + more], axis=1)
    return np.asarray(np.maximum(chance, 1e-9))


def log_sum(values: Floats, axis: int = -1) -> Floats:
    """log of the sum of exp along an axis."""
    top = values.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis=axis)) + np.squeeze(top, axis))


def error_of(reads: AlleleReads, least: float) -> float:
    """Of a read at a site to show the other allele: half of what shows neither, `least` at least."""
    total = int(reads.depth.sum() + reads.other.sum())
    return max(int(reads.other.sum()) / (2 * total) if total else least, least)


def het_share_of(reads: AlleleReads) -> float:
    """Share of ALT at heterozygous sites: reads of REF align a little better."""
    depth = reads.depth
    share = reads.alt / np.maximum(depth, 1)
    is_het = (depth >= _DEEP) & (share > _BALANCED[0]) & (share < _BALANCED[1])
    n, alt = int(depth[is_het].sum()), int(reads.alt[is_het].sum())
    return float(np.clip((alt + 500) / (n + 1_000), 0.4, 0.6))


def _alt_chances(error: float, het_share: float, share: Floats) -> Floats:
    """P(a read shows ALT) of own and foreign copies, float64 (len(share), 3, 3)."""
    pure = np.array([error, het_share, 1.0 - error])
    return np.asarray((1 - share)[:, None, None] * pure[:, None] + share[:, None, None] * pure[None, :])


def foreign_curves(
    reads: AlleleReads,
    frequency: Floats,
    error: float,
    het_share: float,
    foreign: Floats | None = None,
    shares: Floats = SHARES,
) -> Floats:
    """log P(reads of a site | share of foreign reads, own copies), float64 (N, len(shares), 3).

    Foreign genotypes are drawn from Hardy-Weinberg at `frequency`, as in Jun et al. 2012 (Am J Hum Genet
    91:839); `foreign`: P of the foreign person's genotypes where they are known, float64 (N, 3).
    """
    chance = _alt_chances(error, het_share, shares)
    yes, no = np.log(chance), np.log1p(-chance)
    prior = np.log(np.maximum(hardy_weinberg(frequency) if foreign is None else foreign, 1e-300))
    curves = np.empty((len(frequency), len(shares), 3))
    for first in range(0, len(frequency), _CHUNK):
        part = slice(first, first + _CHUNK)
        alt, ref = reads.alt[part, None, None, None], reads.ref[part, None, None, None]
        curves[part] = log_sum(np.asarray(alt * yes + ref * no + prior[part, None, None, :], np.float64))
    return curves


def over_genotypes(curves: Floats, frequency: Floats, inbreeding: float) -> Floats:
    """log P(reads of a site | share of foreign reads), float64 (N, shares): own copies summed over."""
    return log_sum(curves + np.log(hardy_weinberg(frequency, inbreeding))[:, None, :])


def share_interval(
    curves: Floats, frequency: Floats, blocks: int, shares: Floats = SHARES
) -> tuple[float, float, float, float]:
    """Share of foreign reads with the most likelihood, the ends of its 95 % interval, and the inbreeding.

    The share of heterozygotes is fitted beside it: parents who are kin, or a short stretch of the genome,
    take heterozygotes away, and foreign reads would be taken for those that are missing. Linked sites tell
    less than as many apart: where stretches of sites (`blocks`) disagree more than independent sites would,
    the interval is widened (composite likelihood, Varin et al. 2011, Stat Sin 21:5).
    """
    fits = [over_genotypes(curves, frequency, f) for f in _INBREEDING]
    totals = np.array([fit.sum(axis=0) for fit in fits])
    which, best = np.unravel_index(int(totals.argmax()), totals.shape)
    profile = totals.max(axis=0)
    widening = _widening(fits[int(which)], shares, min(max(int(best), 1), len(shares) - 2), blocks)
    inside = np.flatnonzero(2 * (profile[best] - profile) <= _CHI2_95 * widening)
    return float(shares[best]), float(shares[inside[0]]), float(shares[inside[-1]]), _INBREEDING[int(which)]


def _widening(curves: Floats, shares: Floats, at: int, blocks: int) -> float:
    """Variance of the blocks' slopes over the curvature, 1 at least."""
    if len(curves) < 10 * blocks:
        return 1.0
    parts = np.stack([part.sum(axis=0) for part in np.array_split(curves, blocks)])
    before, after = shares[at] - shares[at - 1], shares[at + 1] - shares[at]
    slope = (parts[:, at + 1] - parts[:, at - 1]) / (before + after)
    total = parts.sum(axis=0)
    bend = 2 * ((total[at + 1] - total[at]) / after - (total[at] - total[at - 1]) / before) / (before + after)
    if bend >= 0:
        return 1.0
    return float(np.clip(slope.var(ddof=1) * blocks / -bend, 1.0, 10.0))


def genotype_likelihoods(
    reads: AlleleReads, frequency: Floats, error: float, het_share: float, share: float
) -> Floats:
    """P(reads | own copies 0, 1, 2) up to a factor a site, float64 (N, 3), `share` of them being foreign."""
    chance = _alt_chances(error, het_share, np.array([share]))[0]
    prior = np.log(hardy_weinberg(frequency))[:, None, :]
    alt, ref = reads.alt[:, None, None], reads.ref[:, None, None]
    log = log_sum(alt * np.log(chance) + ref * np.log1p(-chance) + prior)
    return np.asarray(np.exp(log - log.max(axis=1, keepdims=True)))


def same_person_odds(one: Floats, other: Floats, frequency: Floats) -> float:
    """log10 odds that two sets of reads are of one person, not of two unrelated ones."""
    prior = hardy_weinberg(frequency)
    together = (prior * one * other).sum(axis=1)
    apart = (prior * one).sum(axis=1) * (prior * other).sum(axis=1)
    return float(np.log10(together / apart).sum())


def population_odds(likelihood: Floats, frequency: Floats) -> Floats:
    """log10 P(reads | frequencies of each population), float64 (P,); frequency: (N, P)."""
    parts = [
        np.log10((hardy_weinberg(frequency[:, k]) * likelihood).sum(axis=1)).sum()
        for k in range(frequency.shape[1])
    ]
    return np.array(parts, np.float64)


def two_x_odds(likelihood: Floats, frequency: Floats) -> float:
    """log10 odds of two copies of X against one."""
    two = (hardy_weinberg(frequency) * likelihood).sum(axis=1)
    one = (1 - frequency) * likelihood[:, 0] + frequency * likelihood[:, 2]
    return float(np.log10(two / one).sum())


def descent_shares(one: Floats, other: Floats, frequency: Floats) -> tuple[float, float, float]:
    """Shares of the genome at which two have 0, 1 and 2 alleles in common by descent: the most likely ones.

    Expectation maximisation over sites (Milligan 2003, Genetics 163:1153; Korneliussen and Moltke 2015).
    """
    p, q = frequency, 1.0 - frequency
    prior = hardy_weinberg(frequency)
    none = (prior * one).sum(axis=1) * (prior * other).sum(axis=1)
    both = (prior * one * other).sum(axis=1)
    single = (
        q**3 * one[:, 0] * other[:, 0]
        + q**2 * p * (one[:, 0] * other[:, 1] + one[:, 1] * other[:, 0])
        + p * q * one[:, 1] * other[:, 1]
        + q * p**2 * (one[:, 1] * other[:, 2] + one[:, 2] * other[:, 1])
        + p**3 * one[:, 2] * other[:, 2]
    )
    chance = np.stack([none, single, both], axis=1)
    k = np.array([0.5, 0.3, 0.2])
    for _ in range(300):
        weight = chance * k
        weight /= weight.sum(axis=1, keepdims=True)
        new = weight.mean(axis=0)
        done = float(np.abs(new - k).max()) < 1e-5
        k = new
        if done:
            break
    return float(k[0]), float(k[1]), float(k[2])
