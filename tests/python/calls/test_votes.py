"""Single fragments whose copies or mates agree, by how seldom these are wrong together."""

import numpy as np
import pytest
from deepcohort.calls.votes import ReadErrors, with_votes
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.pileup.features import N_FEATURES, F
from read_builders import make_batch, random_text

GENOME = random_text(5, 400)
SITE = 200
ALT = {"A": "C", "C": "A", "G": "T", "T": "G"}[GENOME[SITE]]
BEFORE = np.array([[0.5, 0.4, 0.1]], np.float32)


def evidence_of(mate: str | None = None, quals=(40, 40)):
    """One read of ALT and two of REF at SITE; `mate`: what the mate of the first reads there."""
    reads = []
    for start, base, name, flag in (
        (120, ALT, "p", 99),
        (150, mate, "p", 147),
        (130, "", "x", 0),
        (140, "", "y", 0),
    ):
        if base is None:
            continue
        seq = list(GENOME[start : start + 100])
        seq[SITE - start] = base or GENOME[SITE]
        qual = [40] * 100
        if name == "p":
            qual[SITE - start] = quals[flag == 147]
        reads.append((start, "100M", "".join(seq), qual, 60, name, flag))
    window = Region("c", 0, 400)
    evidence = find_candidates(make_batch(reads), encode_bases(GENOME), window, window, CandidatesConfig())
    (row,) = np.flatnonzero(evidence.table.pos == SITE)
    return evidence, np.array([row])


def site(**changes):
    """Features of a SNP that one read of phred 45 and MAPQ 60 shows, far from its ends."""
    features = np.zeros((1, N_FEATURES), np.float32)
    usual = {"is_snp": 1, "n_alt_small": 0.1, "quality_alt_max": 45 / 40, "mapq_alt_mean": 1}
    for name, value in (usual | changes).items():
        features[0, getattr(F, name)] = value
    return features


def grown(factor: float):
    odds = np.array([0.5, 0.4 * factor, 0.1 * factor])
    return pytest.approx(odds / odds.sum(), abs=1e-6)


@pytest.mark.parametrize(
    ("vote_errors", "factor"),
    [(10**-4.5, 1), (1e-4, 1), (0.0, 1), (1e-5, 10**0.5), (1e-6, 10**1.5), (1e-9, 10**1.5)],
)
def test_odds_grow_as_votes_are_better_than_phred_45(vote_errors, factor):
    after = with_votes(*evidence_of(), site(), BEFORE, ReadErrors(vote_errors))
    assert after[0] == grown(factor)


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
    assert with_votes(*evidence_of(), site(**changes), BEFORE, ReadErrors(1e-6)) is BEFORE
    assert BEFORE.tolist() == np.array([[0.5, 0.4, 0.1]], np.float32).tolist()


@pytest.mark.parametrize(
    ("mate", "quals", "errors", "factor"),
    [
        (ALT, (40, 40), 1e-5, 10),  # of phred 40 to the networks
        (ALT, (40, 19), 1e-5, 1),
        (ALT, (40, 20), 1e-4, 1),
        (None, (40, 40), 1e-5, 1),
        (GENOME[SITE], (40, 20), 1e-5, 1),  # clearly worse: the better one keeps its say
    ],
)
def test_mates_that_agree_are_worth_what_the_library_measured(mate, quals, errors, factor):
    features = site(quality_alt_max=1.0)
    after = with_votes(*evidence_of(mate, quals), features, BEFORE, ReadErrors(0.0, errors))
    assert after[0] == grown(factor)
