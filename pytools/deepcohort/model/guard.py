"""Where networks and reads disagree beyond reason: such sites are told, never dropped."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.pileup.features import F

# log10 odds that reads of good MAPQ alone give the variant, and each strand alone; ALT reads, and their share
_LEAST_LOG10, _LEAST_STRAND_LOG10, _LEAST_ALT, _LEAST_VAF = 10.0, 3.0, 6, 0.25
_SURE_LOG10, _SURE_ALT, _SURE_VAF = 6.0, 3, 0.3
_MOST_ABSENT = 0.9  # P(0 copies) that is left at a disputed site: GQ 10, so that it stays a record


def disputed_sites(features: NDArray[np.float32], probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Bool (N,): the network says absent where the reads alone speak overwhelmingly for the variant.

    Args:
        features: float32 (N, F). probabilities: (N, 3), P(0, 1, 2 copies).
    """
    tenths = 0.1
    return np.asarray(
        (probabilities[:, 0] > 0.5)
        & (features[:, F.lod_mapq30] >= _LEAST_LOG10 * tenths)
        & (features[:, F.lod_forward] >= _LEAST_STRAND_LOG10 * tenths)
        & (features[:, F.lod_reverse] >= _LEAST_STRAND_LOG10 * tenths)
        & (features[:, F.n_alt_small] >= _LEAST_ALT * tenths)
        & (features[:, F.vaf] >= _LEAST_VAF)
    )


def surely_there(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Bool (N,): variants that reads of good MAPQ alone leave no doubt of, and that many of them show."""
    tenths = 0.1
    return np.asarray(
        (features[:, F.lod_mapq30] >= _SURE_LOG10 * tenths)
        & (features[:, F.n_alt_small] >= _SURE_ALT * tenths)
        & (features[:, F.vaf] >= _SURE_VAF)
    )


def held_back(
    features: NDArray[np.float32], probabilities: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(probabilities, disputed): at disputed sites no more than `_MOST_ABSENT` says that nothing is there."""
    disputed = disputed_sites(features, probabilities)
    if not disputed.any():
        return probabilities, disputed
    probabilities = probabilities.copy()
    is_hom = features[disputed, F.lod_hom_het_raw] > 0
    absent = np.minimum(probabilities[disputed, 0], _MOST_ABSENT)
    there = 1.0 - absent
    probabilities[disputed, 0] = absent
    probabilities[disputed, 1] = np.where(is_hom, 0.1, 0.9) * there
    probabilities[disputed, 2] = np.where(is_hom, 0.9, 0.1) * there
    return probabilities, disputed
