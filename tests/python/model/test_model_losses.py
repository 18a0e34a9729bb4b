"""Losses against values worked by hand; calibration; precision and recall."""

import math
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.model.calibrate import (
    Calibration,
    fit_calibration,
    mean_nll,
    reliability,
    settle_threshold,
    softmax,
)
from deepcohort.model.predictions import precision_recall, recall_at_precision
from model_builders import TINY

# two examples: true class has probability .5 and .8
P = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
Y = np.array([0, 1])
A, B = -math.log(0.5), -math.log(0.8)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"loss": "cross_entropy"}, (A + B) / 2),
        ({"loss": "log2"}, (A**2 + B**2) / 2),
        ({"loss": "log3"}, (A**3 + B**3) / 2),
        ({"loss": "focal", "focal_gamma": 2.0}, (0.25 * A + 0.04 * B) / 2),
        ({"loss": "focal", "focal_gamma": 0.0}, (A + B) / 2),
        ({"loss": "class_weighted", "class_weights": (3.0, 1.0, 2.0)}, (3 * A + B) / 4),
        (
            {"loss": "cross_entropy", "label_smoothing": 0.3},
            (0.8 * A - 0.1 * math.log(0.3) - 0.1 * math.log(0.2) + 0.8 * B - 0.2 * math.log(0.1)) / 2,
        ),
    ],
)
def test_losses_by_hand(change, expected):
    import torch
    from deepcohort.model.losses import GenotypeLoss

    loss = GenotypeLoss(replace(TINY, **change))
    value = loss(torch.log(torch.tensor(P, dtype=torch.float64)), torch.tensor(Y))
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_weights_from_class_counts():
    import torch
    from deepcohort.model.losses import GenotypeLoss

    loss = GenotypeLoss(replace(TINY, loss="class_weighted"), (100, 100, 400))
    # inverse square roots of .1667, .1667, .6667: 2 : 2 : 1
    assert torch.allclose(loss.weights / loss.weights[2], torch.tensor([2.0, 2.0, 1.0]))


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(6000, 3)) * 2
    p = softmax(logits)
    y = np.array([rng.choice(3, p=row) for row in p])
    fitted = fit_calibration(logits * 3, y, "temperature")
    assert fitted.temperature == pytest.approx(3.0, rel=0.08)
    assert mean_nll(fitted(logits * 3), y) < mean_nll(softmax(logits * 3), y)


def test_isotonic_follows_a_crooked_curve():
    rng = np.random.default_rng(2)
    p = rng.dirichlet([1, 1, 1], 6000)
    crooked = p**0.3
    crooked /= crooked.sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in p])
    fitted = fit_calibration(np.log(crooked), y, "isotonic")
    q = fitted(np.log(crooked))
    np.testing.assert_allclose(q.sum(axis=1), 1.0)
    assert mean_nll(q, y) < mean_nll(crooked, y)
    assert all((np.diff(v) >= 0).all() for v in fitted.values)


def test_no_probability_is_zero():
    p = Calibration()(np.array([[1000.0, 0.0, 0.0]]))
    assert p.min() > 0
    assert p.sum() == pytest.approx(1.0)


def test_settling_costs_few_errors():
    # the 900 surest are right, of the next 100 (less sure) all are wrong and the CNN knows better
    sure = np.linspace(0.9999, 0.99, 900)
    p = np.concatenate([sure, np.full(100, 0.985)])
    small = np.stack([p, (1 - p) / 2, (1 - p) / 2], axis=1)
    y = np.concatenate([np.zeros(900, int), np.ones(100, int)])
    knows = np.eye(3)[y]
    assert settle_threshold(small, knows, y, 2e-3) == pytest.approx(0.99)
    # errors that the CNN shares are no reason to ask it
    assert settle_threshold(small, small, y, 2e-3) == pytest.approx(0.985)
    assert settle_threshold(small, np.eye(3)[np.ones(1000, int)], np.ones(1000, int), 2e-3) == 2.0


def test_reliability_counts():
    p = np.array([[0.99, 0.005, 0.005]] * 100)
    y = np.array([0] * 99 + [1])
    assert reliability(p, y) == [(pytest.approx(0.01), 100, 1)]


def test_precision_recall_by_hand():
    # ranked: true, true, false, true -> precision 1, 1, 2/3, 3/4 at recall 1/3, 2/3, 2/3, 1
    precision, recall, area = precision_recall(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 1, 0, 1], bool))
    assert precision.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4])
    assert recall.tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1])
    assert area == pytest.approx(1 / 3 + 1 / 3 + 1 / 4)
    assert recall_at_precision(precision, recall, 0.9) == pytest.approx(2 / 3)
    assert recall_at_precision(precision, recall, 0.7) == 1
