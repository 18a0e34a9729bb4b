"""SNPs that one fragment shows in all its copies: believed as far as the vote of copies is seldom wrong.

The networks learned from reads that were not copied. A single base of phred 40 is to them what single bases
are, wrong as often as chemistry makes them so; where the library's votes are better, they cannot know.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.pileup.features import F
from deepcohort.reads.copy_kernels import MOST_PHRED

_MOST_LOG10 = 1.5  # that is added to the odds; the networks take votes for bases of MOST_PHRED
# a read of elsewhere is no error of a base: it is placed worse, or differs from REF by more
_LEAST_MAPQ, _MOST_BEYOND = 50.0, 0.02


def with_votes(
    features: NDArray[np.float32], probabilities: NDArray[np.float32], vote_errors: float
) -> NDArray[np.float32]:
    """`probabilities` of SNPs that a single fragment's vote shows, with the odds that the vote is worth.

    Args:
        features: float32 (N, F). probabilities: float32 (N, 3), P(0, 1, 2 copies). vote_errors: see
            `LibraryProfile`; 0 changes nothing.

    Returns:
        float32 (N, 3); the same array where nothing changes.
    """
    shift = min(-MOST_PHRED / 10 - np.log10(vote_errors), _MOST_LOG10) if vote_errors > 0 else 0.0
    if shift <= 0:
        return probabilities
    beyond = (features[:, F.alt_divergence] - features[:, F.ref_divergence]) / 10.0
    asked = (
        (features[:, F.is_snp] > 0.5)
        & (np.rint(features[:, F.n_alt_small] * 10) == 1)
        & (np.rint(features[:, F.quality_alt_max] * 40) >= MOST_PHRED)
        & (features[:, F.alt_at_end] == 0)
        & (features[:, F.mapq_alt_mean] * 60 >= _LEAST_MAPQ)
        & (beyond <= _MOST_BEYOND)
    )
    if not asked.any():
        return probabilities
    odds = probabilities[asked].astype(np.float64)
    odds[:, 1:] *= 10.0**shift
    made = probabilities.copy()
    made[asked] = odds / odds.sum(axis=1, keepdims=True)
    return made
