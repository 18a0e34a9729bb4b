"""SNPs that one fragment shows in all its readings: believed as far as such bases are seldom wrong.

The networks learned from reads of which a single one is wrong as often as its phred says. That copies or a
mate read the same base they do not see, and how often even these are wrong together is the library's own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_votes import shown_by_both_mates
from deepcohort.candidates.columns import aligned_reads, support_columns
from deepcohort.candidates.types import CandidateEvidence
from deepcohort.pileup.features import F
from deepcohort.reads.copy_kernels import MOST_PHRED
from deepcohort.reads.vote_kernels import LEAST_AGREED

_MOST_LOG10 = 1.5  # that is added to the odds
# a read of elsewhere is no error of a base: it is placed worse, or differs from REF by more
_LEAST_MAPQ, _MOST_BEYOND = 50.0, 0.02


@dataclass(frozen=True, slots=True)
class ReadErrors:
    """Wrong bases of those that copies (`vote_errors`) or mates agree on, as in `LibraryProfile`."""

    vote_errors: float = 0.0
    mate_errors: float = 0.0


def with_votes(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    features: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    errors: ReadErrors,
) -> NDArray[np.float32]:
    """`probabilities` of SNPs that one fragment shows, with the odds that its readings together are worth.

    Args:
        evidence: of a region that holds the rows. rows: int64 (n,), of its table. features: float32 (n, F).
            probabilities: float32 (n, 3), P(0, 1, 2 copies).

    Returns:
        float32 (n, 3); the same array where nothing changes.
    """
    if errors == ReadErrors():
        return probabilities
    beyond = (features[:, F.alt_divergence] - features[:, F.ref_divergence]) / 10.0
    asked = np.flatnonzero(
        (features[:, F.is_snp] > 0.5)
        & (np.rint(features[:, F.n_alt_small] * 10) == 1)
        & (features[:, F.alt_at_end] == 0)
        & (features[:, F.mapq_alt_mean] * 60 >= _LEAST_MAPQ)
        & (beyond <= _MOST_BEYOND)
    )
    phred = np.minimum(np.rint(features[asked, F.quality_alt_max] * 40), MOST_PHRED)
    wrong = np.where(phred >= MOST_PHRED, errors.vote_errors, 0.0)
    if errors.mate_errors:
        twice = shown_by_both_mates(
            rows[asked], support_columns(evidence.support), aligned_reads(evidence.reads), LEAST_AGREED
        )
        wrong = np.where((wrong == 0) & twice, errors.mate_errors, wrong)
    known = wrong > 0
    asked, phred, wrong = asked[known], phred[known], wrong[known]
    shift = np.clip(-phred / 10 - np.log10(wrong), 0.0, _MOST_LOG10)
    if not (shift > 0).any():
        return probabilities
    odds = probabilities[asked].astype(np.float64)
    odds[:, 1:] *= 10.0 ** shift[:, None]
    made = probabilities.copy()
    made[asked] = odds / odds.sum(axis=1, keepdims=True)
    return made
