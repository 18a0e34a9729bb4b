"""The pool of networks and haplotypes: fitted, applied to unsure indels alone, written and read."""

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.haplotypes import (
    TERMS,
    HaplotypePool,
    fit_haplotypes,
    haplotype_pool,
    pooled_terms,
    unsure_indels,
)
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.haplotypes import TERM_NAMES


def examples(n, seed=1):
    """(probabilities, haplotype terms, labels): the networks know little, the first two terms nearly all."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    p = np.full((n, 3), 0.2) + 0.4 * np.eye(3)[random.integers(0, 3, n)]
    terms = random.normal(0, 1, (n, len(TERM_NAMES)))
    terms[:, 0] += 4.0 * (labels == 1)
    terms[:, 1] += 4.0 * (labels == 2)
    return p, terms, labels


def test_the_fit_learns_from_haplotypes_and_calls_by_them():
    p, terms, labels = examples(1_500)
    pool = fit_haplotypes(pooled_terms(p, terms), labels)
    p, terms, labels = examples(400, seed=2)
    features = np.zeros((400, N_FEATURES), np.float32)
    judged = pool(features, p.astype(np.float32), lambda rows: terms[rows])
    assert (judged.argmax(axis=1) == labels).mean() > 0.9
    assert (p.argmax(axis=1) == labels).mean() < 0.5
    alone = np.concatenate(
        [
            pool(features[:1], p[i : i + 1].astype(np.float32), lambda rows, i=i: terms[rows + i])
            for i in range(400)
        ]
    )
    assert np.array_equal(alone, judged)  # whatever is judged together


def test_snps_and_sure_indels_are_left_alone():
    features = np.zeros((3, N_FEATURES), np.float32)
    features[1, F.is_snp] = 1
    p = np.array([[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0005, 0.9994, 0.0001]], np.float32)
    assert unsure_indels(features, p).tolist() == [0]
    weights = np.zeros((len(TERMS), 2))
    weights[0] = (5.0, 0.0)  # says "heterozygous" of everything
    judged = HaplotypePool(weights)(features, p, lambda rows: np.zeros((len(rows), len(TERM_NAMES))))
    assert judged[0].argmax() == 1
    assert np.array_equal(judged[1:], p[1:])
    assert p[0].argmax() == 0  # the input stays


def test_facts_go_there_and_back():
    pool = HaplotypePool(np.arange(2.0 * len(TERMS)).reshape(-1, 2), 900, 7)
    back = haplotype_pool(pool.facts())
    assert np.array_equal(back.weights, pool.weights)
    assert (back.reach_bp, back.max_markers) == (900, 7)


@pytest.mark.parametrize(
    "change",
    [{"terms": ["one"]}, {"weights": [[0.0, 0.0]]}, {"reach_bp": 10**9}, {"max_markers": "8"},
     {"weights": [[float("nan"), 0.0]] * len(TERMS)}],
)  # fmt: skip
def test_facts_of_another_kind_are_refused(change):
    with pytest.raises(ValueError, match="haplotypes"):
        haplotype_pool({**HaplotypePool(np.zeros((len(TERMS), 2))).facts(), **change})


def test_too_little_to_fit_is_told():
    p, terms, labels = examples(40)
    with pytest.raises(DeepcohortError, match=r"40 unsure indels .* too few to fit"):
        fit_haplotypes(pooled_terms(p, terms), labels)
