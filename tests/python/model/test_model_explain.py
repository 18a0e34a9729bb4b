"""What an answer rests on, told of predictors whose reasons are known."""

import numpy as np
import pytest
from deepcohort.model.explain import (
    KINDS,
    feature_contributions,
    kind_contributions,
    kind_of,
    log10_odds,
    saliency,
)
from deepcohort.pileup.config import CHANNELS
from deepcohort.pileup.features import FEATURE_NAMES, N_FEATURES, F
from model_builders import PILEUP

BASE, QUALITY, SUPPORT = (CHANNELS.index(name) for name in ("base", "quality", "support"))
USUAL = np.full(N_FEATURES, 0.5, np.float32)


def answers(odds):
    """P(0, 1, 2) whose log10 odds of 1 copy are `odds`."""
    one = 1 / (1 + 10.0 ** -np.asarray(odds, np.float64))
    return np.stack([1 - one, one, 0 * one], axis=1)


def picture(rows=5):
    pixels = np.zeros(PILEUP.shape, np.uint8)
    pixels[:, :rows] = 100
    pixels[SUPPORT, :rows] = 85
    return pixels


def test_odds_by_hand():
    p = np.array([[0.01, 0.99, 0.0], [1.0, 0.0, 0.0]])
    assert log10_odds(p, 1) == pytest.approx([np.log10(99), -7], abs=1e-6)


def test_the_features_that_count_are_found():
    features = USUAL.copy()
    features[F.vaf], features[F.gc] = 1.0, 0.1
    found = feature_contributions(
        lambda x, pixels: answers(2 * x[:, F.vaf] + x[:, F.gc]), features, picture(), USUAL, 1
    )
    assert [c.name for c in found[:2]] == ["vaf", "gc"]
    assert found[0].log10_odds == pytest.approx(1.0, abs=1e-5)
    assert found[1].log10_odds == pytest.approx(-0.4, abs=1e-5)
    assert (found[0].value, found[0].usual) == (1.0, 0.5)
    assert all(abs(c.log10_odds) < 1e-6 for c in found[2:])
    assert len(found) == N_FEATURES


def test_kinds_hold_what_single_features_hide():
    """Each of two features alone would do: neither is missed, both together are."""
    features = USUAL.copy()
    features[F.lod_het] = features[F.lod_hom] = 2.0

    def predict(x, pixels):
        return answers(np.maximum(x[:, F.lod_het], x[:, F.lod_hom]))

    single = feature_contributions(predict, features, picture(), USUAL, 1)
    assert max(abs(c.log10_odds) for c in single) < 1e-6
    kinds = kind_contributions(predict, features, picture(), USUAL, 1)
    assert kinds["likelihood of the reads"] == pytest.approx(1.5, abs=1e-5)
    assert sum(abs(x) for x in kinds.values()) == pytest.approx(1.5, abs=1e-5)


def test_every_feature_has_a_kind():
    assert {kind_of(name) for name in FEATURE_NAMES} == set(KINDS)


def test_the_bases_reads_and_channels_that_count_are_found():
    pixels = picture()
    pixels[BASE, 2, 4] = 255

    def predict(features, pictures):
        x = pictures.astype(float)
        seen = x[:, BASE, 2, 4] / 255  # one base of one read
        kept = (x[:, SUPPORT, 3] > 0).all(axis=1)  # another read, whatever it shows
        return answers(2 * seen + kept + x[:, QUALITY, :5].mean(axis=(1, 2)) / 100)

    found = saliency(predict, USUAL, pixels, 1)
    assert found.cells.shape == PILEUP.shape[1:]
    assert np.unravel_index(np.abs(found.cells).argmax(), found.cells.shape) == (2, 4)
    assert found.cells[2, 4] == pytest.approx(2 * (255 - 32) / 255 + 1 / 45, abs=1e-6)
    # elsewhere only the quality goes; where no read lies, nothing
    assert found.cells[0, 0] == pytest.approx(1 / 45, abs=1e-6)
    assert (found.cells[5:] == 0).all()
    assert found.reads[2] == pytest.approx(2 + 0.2, abs=1e-6)
    assert found.reads[3] == pytest.approx(1 + 0.2, abs=1e-6)
    assert (found.reads[5:] == 0).all()
    assert np.argmax(np.abs(found.channels)) == BASE
    # qualities are flat already
    assert found.channels[QUALITY] == pytest.approx(0, abs=1e-6)


def test_an_empty_picture_says_nothing():
    found = saliency(lambda f, p: answers(np.zeros(len(p))), USUAL, np.zeros(PILEUP.shape, np.uint8), 1)
    assert not found.cells.any()
    assert not found.reads.any()
    assert not found.channels.any()
