"""Single fragments whose copies agree, by how seldom such votes are wrong."""

import numpy as np
import pytest
from deepcohort.model.votes import with_votes
from deepcohort.pileup.features import N_FEATURES, F


def site(**changes):
    """Features of a SNP that one read of phred 45 and MAPQ 60 shows, far from its ends."""
    features = np.zeros((1, N_FEATURES), np.float32)
    usual = {"is_snp": 1, "n_alt_small": 0.1, "quality_alt_max": 45 / 40, "mapq_alt_mean": 1}
    for name, value in (usual | changes).items():
        features[0, getattr(F, name)] = value
    return features


BEFORE = np.array([[0.5, 0.4, 0.1]], np.float32)


@pytest.mark.parametrize(
    ("vote_errors", "factor"),
    [(10**-4.5, 1), (1e-4, 1), (0.0, 1), (1e-5, 10**0.5), (1e-6, 10**1.5), (1e-9, 10**1.5)],
)
def test_odds_grow_as_votes_are_better_than_phred_45(vote_errors, factor):
    after = with_votes(site(), BEFORE, vote_errors)[0]
    odds = np.array([0.5, 0.4 * factor, 0.1 * factor])
    assert after == pytest.approx(odds / odds.sum(), abs=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_snp": 0},
        {"n_alt_small": 0.2},
        {"quality_alt_max": 41 / 40},  # of one read, no vote
        {"alt_at_end": 1},
        {"mapq_alt_mean": 30 / 60},
        {"alt_divergence": 0.5, "ref_divergence": 0.1},
    ],
)
def test_other_sites_stay_as_they_are(changes):
    assert with_votes(site(**changes), BEFORE, 1e-6) is BEFORE
    assert BEFORE.tolist() == np.array([[0.5, 0.4, 0.1]], np.float32).tolist()
