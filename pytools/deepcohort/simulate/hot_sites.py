"""Sites where reads of one strand err systematically, the same in every sample of a run."""

import numpy as np
from numpy.typing import NDArray

N_LEVELS = 60  # codes must fit a byte: 1 + 4 * level + base


def hot_rates(quantiles: NDArray[np.float32], multiplier: float) -> NDArray[np.float32]:
    """Error rate of each level, float32 (N_LEVELS,): quantiles of what was learned, cut at 0.6."""
    grid = np.linspace(0, 1, len(quantiles))
    rates = np.interp((np.arange(N_LEVELS) + 0.5) / N_LEVELS, grid, quantiles)
    return np.minimum(0.6, rates * multiplier).astype(np.float32)


def place_hot_sites(
    reference: NDArray[np.uint8],
    density: float,
    context_factor: NDArray[np.float32],
    sub_cdf: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Codes by reference base for forward and for reverse reads, uint8 (L,) each.

    Sites fall where the profile's contexts err most, as the wrong base that they tend to.
    """
    length = len(reference)
    forward, reverse = np.zeros(length, np.uint8), np.zeros(length, np.uint8)
    for codes, strand in ((forward, reference), (reverse, _reverse_complement(reference))):
        n = rng.poisson(4 * density * length)
        if length < 10 or not n:
            continue
        pos = rng.integers(2, length, n)
        triple = np.stack([strand[pos - 2], strand[pos - 1], strand[pos]]).astype(np.int64)
        pos = pos[(triple < 4).all(axis=0)]
        context = triple[:, (triple < 4).all(axis=0)].T @ np.array([16, 4, 1])
        weight = np.minimum(context_factor[context] ** 2, 4) / 4
        keep = rng.random(len(pos)) < weight / max(1e-9, 4 * weight.mean())
        pos, context = pos[keep], context[keep]
        wrong = (rng.random(len(pos))[:, None] >= sub_cdf[context]).sum(axis=1)
        level = rng.integers(0, N_LEVELS, len(pos))
        at = pos if codes is forward else length - 1 - pos
        codes[at] = 1 + 4 * level + wrong
    return forward, reverse


def _reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(codes < 4, 3 - codes, 4).astype(np.uint8)[::-1]
