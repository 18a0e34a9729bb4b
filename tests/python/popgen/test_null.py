"""P values that hold in the cohort at hand: background of a genome, null of scores, ranks."""

import numpy as np
import pytest
from deepcohort.popgen.background import (
    UNKNOWN_SHARE,
    background_from_facts,
    learn_background,
    taught_contexts,
)
from deepcohort.popgen.null import (
    extremes_notes,
    extremes_of,
    false_discovery_rates,
    learn_null,
    log_odds,
    null_from_facts,
    rank_p,
)


def probabilities(score: np.ndarray) -> np.ndarray:
    """Two classes of these log odds."""
    first = 1 / (1 + np.exp(score))
    return np.stack([first, 1 - first], axis=1)


def test_scores_are_log_odds_and_finite():
    p = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert log_odds(p)[:2] == pytest.approx([0, np.log(4)])
    assert np.isfinite(log_odds(p)).all()


@pytest.mark.parametrize("context", [-1.5, 0.0, 2.0])
def test_false_positives_are_as_stated_whatever_the_genome(context):
    """Neutral scores that rise and spread with the genome's context: the null follows, a fixed threshold does not."""
    rng = np.random.default_rng(2)
    c = rng.normal(size=(3_000, 1))
    null = learn_null(-4 + 1.5 * c[:, 0] + (1.5 + 0.4 * c[:, 0]) * rng.normal(size=3_000), c)
    back = null_from_facts(null.facts())
    scores = -4 + 1.5 * context + (1.5 + 0.4 * context) * rng.normal(size=5_000)
    p = back.p(scores, np.array([context]))
    assert (p < 0.01).mean() == pytest.approx(0.01, abs=0.008)
    assert (p < 0.1).mean() == pytest.approx(0.1, abs=0.03)
    pooled = learn_null(-4 + 1.5 * c[:, 0] + (1.5 + 0.4 * c[:, 0]) * rng.normal(size=3_000), c[:, :0])
    fixed = (pooled.p(scores, np.empty(0)) < 0.01).mean()
    assert (fixed > 0.1) == (context > 1)


def genomes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Statistics (n, 5) of loci whose means follow two parameters of a history, those, and neutral loci."""
    rng = np.random.default_rng(seed)
    history = np.column_stack([np.exp(rng.uniform(0, 3, n)), rng.uniform(5, 8, n)])
    neutral = np.arange(n) % 2 == 0
    a, b = np.log(history[:, 0]), history[:, 1] - 6.5
    means = np.column_stack([a, b, a * b, a + b, 0 * a])
    features = means + 3 * rng.normal(size=(n, 5)) + 5.0 * ~neutral[:, None]
    return features.astype(np.float32), history, neutral


def test_the_windows_of_a_genome_tell_the_context_of_its_history():
    features, history, neutral = genomes(6_000, 1)
    background, contexts = learn_background(features, history, neutral)
    again = background_from_facts(background.facts())
    assert contexts.std(axis=0)[:2] == pytest.approx(1, abs=0.25)
    rng = np.random.default_rng(7)
    # 300 windows of one history, 2 % of them selected, find the place of loci simulated with it
    for k in (0, 2, 5):
        a, b = np.log(history[k, 0]), history[k, 1] - 6.5
        windows = np.array([a, b, a * b, a + b, 0]) + 3 * rng.normal(size=(300, 5))
        windows[:6] += 5
        assert again.context(windows)[:2] == pytest.approx(contexts[k, :2], abs=0.75)
    assert np.abs(again.context(windows + 1e6)).max() == 3  # however strange, not beyond what was taught
    assert background_from_facts(None) is None


def test_a_share_of_training_contexts_is_unknown_and_no_held_out_one():
    contexts = np.ones((4_000, 3))
    taught = np.arange(4_000) < 2_000
    out = taught_contexts(contexts, taught, 1)
    unknown = (out == 0).all(axis=1)
    assert unknown[:2_000].mean() == pytest.approx(UNKNOWN_SHARE, abs=0.04)
    assert not unknown[2_000:].any()
    assert np.array_equal(out, taught_contexts(contexts, taught, 1))
    assert out[~unknown].std() > 0.1


def test_ranks_and_discoveries_by_hand():
    assert rank_p(np.array([3.0, 1.0, 9.0]), np.array([1.0, 2.0, 3.0])).tolist() == [0.5, 1.0, 0.25]
    # 4 tests: p n / rank is .04, .04, .04, .8
    assert false_discovery_rates(np.array([0.8, 0.01, 0.02, 0.03])) == pytest.approx([0.8, 0.04, 0.04, 0.04])


def test_unknown_backgrounds_and_many_calls_are_told():
    null = learn_null(np.random.default_rng(1).normal(-4, 2, 500), np.zeros((500, 1)))
    p = probabilities(np.linspace(-7, 9, 31))
    found = extremes_of(p, null, np.zeros((31, 1)), False)
    assert found.rank[-1] == pytest.approx(2 / 32)
    assert found.p[-1] == pytest.approx(1 / 501)
    assert found.outliers is not None
    assert 0 < found.outliers < 31
    notes = extremes_notes(found, p, True)
    assert "31 windows do not tell what this genome looks like" in notes[0]
    assert "17 of 31 windows are called" in notes[1]
    assert extremes_notes(found, probabilities(np.full(31, -3.0)), False) == []
    without = extremes_of(p, None, np.zeros((31, 1)), False)
    assert np.isnan(without.q).all()
    assert without.outliers is None
    assert without.told == "the model has no null"
    ranked = extremes_of(p, null, np.zeros((31, 1)), True, np.arange(99) - 200.0)
    assert ranked.rank.max() == pytest.approx(0.01)
