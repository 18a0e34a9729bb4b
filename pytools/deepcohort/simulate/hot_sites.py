"""Sites where reads of one strand err systematically, the same in every sample of a run."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels import HOT_RATES
from deepcohort.simulate.profile import IlluminaProfile

_PROPOSALS = 12  # per site kept; contexts differ by about this factor


def place_hot_sites(
    reference: NDArray[np.uint8], profile: IlluminaProfile, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Codes by reference base for forward and for reverse reads, uint8 (L,) each.

    A code is 0, or 1 + 4 * level + the base read by mistake, with HOT_RATES[level]. Sites fall where
    the profile's contexts err most, as the wrong base that they tend to.
    """
    length = len(reference)
    forward, reverse = np.zeros(length, np.uint8), np.zeros(length, np.uint8)
    for codes, strand in ((forward, reference), (reverse, _reverse_complement(reference))):
        n = rng.poisson(_PROPOSALS * profile.hot_density * length)
        if length < 10 or not n:
            continue
        pos = rng.integers(2, length, n)
        triple = np.stack([strand[pos - 2], strand[pos - 1], strand[pos]]).astype(np.int64)
        known = (triple < 4).all(axis=0)
        pos, context = pos[known], triple[:, known].T @ np.array([16, 4, 1])
        weight = profile.hot_context[context]
        keep = rng.random(len(pos)) < weight / max(1e-9, _PROPOSALS * weight.mean())
        pos, context = pos[keep], context[keep]
        wrong = (rng.random(len(pos))[:, None] >= profile.sub_cdf[context]).sum(axis=1)
        level = np.searchsorted(profile.hot_cdf, rng.random(len(pos)), side="right")
        at = pos if codes is forward else length - 1 - pos
        codes[at] = 1 + 4 * np.minimum(level, len(HOT_RATES) - 1) + wrong
    return forward, reverse


def _reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(codes < 4, 3 - codes, 4).astype(np.uint8)[::-1]
