"""Sites where networks and reads disagree, and samples unlike the training data, by hand."""

import numpy as np
import pytest
from deepcohort.model.guard import disputed_sites, held_back
from deepcohort.model.novelty import BOUNDS, LEAST_SITES, Novelty, novelty
from deepcohort.pileup.features import FEATURE_NAMES, N_FEATURES, F

# tenths: log10 odds of 12 on reads of MAPQ 30, 4 on each strand, 8 ALT reads of a third of all
CLEAR = {
    "lod_mapq30": 1.2,
    "lod_forward": 0.4,
    "lod_reverse": 0.4,
    "n_alt_small": 0.8,
    "vaf": 0.33,
    "lod_hom_het_raw": -0.5,
}
ABSENT = (0.999, 0.0008, 0.0002)


def features_for(*sites):
    """Float32 (N, F) of dicts by name; what is not named is 0."""
    found = np.zeros((len(sites), N_FEATURES), np.float32)
    for row, site in enumerate(sites):
        for name, value in site.items():
            found[row, FEATURE_NAMES.index(name)] = value
    return found


@pytest.mark.parametrize(
    ("change", "probabilities", "disputed"),
    [
        ({}, ABSENT, True),
        ({}, (0.51, 0.48, 0.01), True),
        ({}, (0.5, 0.49, 0.01), False),  # called, or nearly
        ({}, (0.01, 0.98, 0.01), False),
        ({"lod_mapq30": 1.0}, ABSENT, True),  # every bound is inclusive
        ({"lod_mapq30": 0.99}, ABSENT, False),
        ({"lod_forward": 0.3}, ABSENT, True),
        ({"lod_forward": 0.29}, ABSENT, False),  # one strand alone
        ({"lod_reverse": 0.3}, ABSENT, True),
        ({"lod_reverse": 0.29}, ABSENT, False),
        ({"n_alt_small": 0.6}, ABSENT, True),
        ({"n_alt_small": 0.5}, ABSENT, False),
        ({"vaf": 0.25}, ABSENT, True),
        ({"vaf": 0.24}, ABSENT, False),
    ],
)
def test_disputed(change, probabilities, disputed):
    features = features_for({**CLEAR, **change})
    assert disputed_sites(features, np.array([probabilities])).tolist() == [disputed]
    # float32 throughout, as predictors give them
    assert disputed_sites(features, np.array([probabilities], np.float32)).tolist() == [disputed]


def test_what_is_left_at_a_disputed_site():
    """P(0) of .9 is GQ 10: a record of its own in the gVCF; the rest goes to what the reads say."""
    features = features_for(CLEAR, {**CLEAR, "lod_hom_het_raw": 0.5}, {}, CLEAR, CLEAR)
    given = np.array([ABSENT, ABSENT, ABSENT, (0.6, 0.1, 0.3), (0.1, 0.8, 0.1)], np.float32)
    kept = given.copy()
    out, disputed = held_back(features, given)
    assert disputed.tolist() == [True, True, False, True, False]
    expected = [(0.9, 0.09, 0.01), (0.9, 0.01, 0.09), ABSENT, (0.6, 0.36, 0.04), (0.1, 0.8, 0.1)]
    np.testing.assert_allclose(out, expected, atol=1e-6)
    np.testing.assert_array_equal(given, kept)  # the predictor's array stays
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.sum(axis=1), 1.0, atol=1e-6)


def test_nothing_disputed_gives_the_same_array():
    given = np.array([ABSENT], np.float32)
    out, disputed = held_back(features_for({}), given)
    assert out is given
    assert disputed.tolist() == [False]
    out, disputed = held_back(np.empty((0, N_FEATURES), np.float32), np.empty((0, 3), np.float32))
    assert (len(out), len(disputed)) == (0, 0)


LOW, HIGH = np.zeros(N_FEATURES, np.float32), np.ones(N_FEATURES, np.float32)


def test_novelty_by_hand():
    features = np.full((100, N_FEATURES), 0.5, np.float32)
    features[:40, F.vaf] = 1.5
    features[:10, F.n_alt_small] = -0.5
    found = novelty(features, LOW, HIGH)
    assert found.n_sites == 100
    assert found.outside == pytest.approx(50 / (100 * N_FEATURES))
    assert (found.strangest, found.strangest_share) == ("vaf", pytest.approx(0.4))
    assert found.is_alarming  # one feature at more than 30 % of sites
    line = found.line("illumina")
    assert "\n" not in line
    assert "model illumina" in line
    assert "most of all vaf (at 40 % of sites)" in line


def test_what_varies_between_long_libraries_is_no_alarm():
    features = np.full((100, N_FEATURES), 0.5, np.float32)
    features[:, F.read_length_log] = features[:70, F.depth_log] = 1.5
    features[:20, F.vaf] = 1.5
    found = novelty(features, LOW, HIGH, "ont")
    assert (found.strangest, found.strangest_share) == ("vaf", pytest.approx(0.2))
    assert found.outside == pytest.approx(190 / (100 * N_FEATURES))  # they count as any other there
    assert not found.is_alarming
    features[:70, F.vaf] = 1.5
    assert novelty(features, LOW, HIGH, "hifi").is_alarming
    assert novelty(features, LOW, HIGH).strangest == "read_length_log"


def test_reads_a_little_longer_than_in_training_are_no_alarm():
    features = np.full((100, N_FEATURES), 0.5, np.float32)
    features[:, F.read_length_log] = 1.05
    assert novelty(features, LOW, HIGH).outside == 0.0
    features[:, F.read_length_log] = 1.051
    found = novelty(features, LOW, HIGH)
    assert (found.strangest, found.strangest_share) == ("read_length_log", 1.0)
    assert found.is_alarming


def test_limits_are_inclusive_with_a_little_tolerance():
    features = np.tile(np.array([0.0, 1.0, 1.0001, -0.0001, 1.001, -0.001])[:, None], (1, N_FEATURES))
    assert novelty(features.astype(np.float32), LOW, HIGH, "hifi").outside == pytest.approx(2 / 6)
    wide = novelty(np.full((1, N_FEATURES), 1e6 + 1, np.float32), LOW, HIGH * 1e6)
    assert wide.outside == 0.0


@pytest.mark.parametrize(
    ("n", "outside", "share", "alarm"),
    [
        (LEAST_SITES, BOUNDS[0] + 1e-6, 0.0, True),
        (LEAST_SITES, BOUNDS[0], BOUNDS[1], False),  # the bounds themselves are allowed
        (LEAST_SITES, 0.0, BOUNDS[1] + 1e-6, True),
        (LEAST_SITES - 1, 0.9, 0.9, False),  # too few sites to tell
        (0, 0.0, 0.0, False),
    ],
)
def test_bounds_of_the_alarm(n, outside, share, alarm):
    assert Novelty(n, outside, "vaf", share).is_alarming == alarm


def test_no_sites():
    assert novelty(np.empty((0, N_FEATURES), np.float32), LOW, HIGH) == Novelty()


def test_a_trained_model_knows_its_training_data(tiny_run):
    """Limits come with the model file: of the data it was trained on little lies outside."""
    from deepcohort.model.load import load_predictor
    from model_builders import tiny_examples

    limits = load_predictor(tiny_run.model).limits
    assert [limit.shape for limit in limits] == [(N_FEATURES,)] * 2
    assert (limits[0] <= limits[1]).all()
    like = novelty(tiny_examples(600, 0).features, *limits)
    assert not like.is_alarming
    assert like.outside < BOUNDS[0] / 2  # a good part of these examples was held out
    unlike = tiny_examples(600, 0).features
    unlike[:300, F.gc] += 100
    found = novelty(unlike, *limits)
    assert found.is_alarming
    assert found.strangest == "gc"
