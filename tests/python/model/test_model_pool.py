"""The pool of networks and naive likelihood: terms by hand, the fit against a slow oracle, what it mends."""

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import read_model
from deepcohort.model.calibrate import FLOOR, Calibration, mean_nll, softmax
from deepcohort.model.ensemble import Outputs, combine
from deepcohort.model.likelihood_pool import (
    _RIDGE,
    TERMS,
    Pool,
    _fit_logistic,
    fit_pool,
    pool_from_facts,
    pool_terms,
)
from deepcohort.model.load import load_predictor
from deepcohort.model.train import train
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.types import ExampleBatch
from model_builders import TINY, tiny_examples, write_tiny
from scipy.optimize import minimize

LN10 = np.log(10.0)


def features_for(
    het_log10, hom_het_log10, n_alt, depth=10, is_snp=1.0
) -> np.ndarray:  # arrays of one length or numbers
    het, hom_het, n_alt = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (het_log10, hom_het_log10, n_alt))
    )
    x = np.zeros((het.size, N_FEATURES), np.float32)
    x[:, F.lod_het_phased] = np.sign(het) * np.log1p(np.abs(het))
    x[:, F.lod_hom] = np.sign(hom_het + het) * np.log1p(np.abs(hom_het + het))
    x[:, F.n_alt_small] = np.minimum(n_alt, 10) / 10
    x[:, F.depth_log] = np.log1p(depth) / 4
    x[:, F.is_snp] = is_snp
    return x


def test_terms_by_hand():
    logits = np.array([[1.0, 2.5, -1.0]], np.float32)
    terms = dict(zip(TERMS, pool_terms(logits, features_for(4.0, -20.0, 2, depth=9))[0], strict=True))
    assert terms["one"] == 1
    assert terms["logit_het"] == pytest.approx(1.5)
    assert terms["logit_hom"] == pytest.approx(-2.0)
    assert terms["naive_het_near"] == pytest.approx(4 * LN10, rel=1e-5)
    assert terms["naive_het_far"] == pytest.approx(4 * LN10, rel=1e-5)
    assert terms["naive_hom_het"] == -15  # cut
    assert terms["depth"] == pytest.approx(np.log(10) - 2.5)
    assert terms["substitution"] == 0
    assert [terms[f"alt_reads_{n}"] for n in (1, 2, 3)] == [0, 1, 0]
    assert terms["naive_het_alt_reads_2"] == terms["naive_het_near"]
    assert terms["naive_het_alt_reads_1"] == 0
    many = pool_terms(np.array([[30.0, 0.0, 90.0]], np.float32), features_for(30.0, 1.0, 40, depth=999))[0]
    assert many[1:5].tolist() == [-20, 20, 15, 40]
    assert many[6] == 1.5
    assert many[7:].tolist() == [0] * 7


def test_fit_agrees_with_a_general_optimiser():
    rng = np.random.default_rng(3)
    x = np.concatenate([np.ones((400, 1)), rng.normal(2, 3, (400, 2)), np.full((400, 1), 7.0)], axis=1)
    y = rng.integers(0, 3, 400)
    y[x[:, 1] > 3] = 1
    w = _fit_logistic(x, y)
    assert w[3].tolist() == [0, 0]  # a term that never varies

    mean, sd = x[:, 1:3].mean(axis=0), x[:, 1:3].std(axis=0)
    z = np.concatenate([np.ones((400, 1)), (x[:, 1:3] - mean) / sd], axis=1)

    def loss(flat):
        v = flat.reshape(3, 2)
        p = softmax(np.concatenate([np.zeros((400, 1)), z @ v], axis=1))
        return mean_nll(p, y) + _RIDGE * (v**2).sum()

    best = minimize(loss, np.zeros(6)).x.reshape(3, 2)
    assert w[1:3] == pytest.approx(best[1:] / sd[:, None], abs=2e-3)
    assert w[0] == pytest.approx(best[0] - mean @ (best[1:] / sd[:, None]), abs=5e-3)


def nature(n: int, seed: int) -> Outputs:
    """Sites whose likelihood is honest, judged by a network that believes absence e**3 too much."""
    rng = np.random.default_rng(seed)
    label = rng.choice(3, n, p=[0.5, 0.3, 0.2]).astype(np.int8)
    n_alt = np.where(label == 0, 2, rng.integers(2, 7, n))
    het = np.where(label == 0, rng.normal(0, 2, n), rng.normal(4, 2, n))
    hom_het = np.where(label == 2, rng.normal(3, 2, n), rng.normal(-3, 2, n))
    x = features_for(het, hom_het, n_alt)
    x[:, F.is_snp] = rng.random(n) < 0.8
    logits = np.zeros((n, 3))
    logits[np.arange(n), label] = 2.0
    logits += rng.normal(0, 1.5, (n, 3))
    logits[:, 0] += 3.0
    return Outputs(logits.astype(np.float32), logits.astype(np.float32), x, label)


def test_pool_mends_a_shifted_network_and_leaves_indels_their_order():
    pool = fit_pool(*(getattr(nature(4000, 1), k) for k in ("cnn", "features", "label")))
    assert pool is not None
    fresh = nature(4000, 2)
    snp = fresh.features[:, F.is_snp] > 0
    p, before = pool(fresh.cnn, fresh.features), softmax(fresh.cnn)
    assert p.sum(axis=1) == pytest.approx(1.0)
    assert p.min() >= FLOOR * 0.99
    assert mean_nll(p[snp], fresh.label[snp]) < 0.5 * mean_nll(before[snp], fresh.label[snp])
    assert (p[~snp].argmax(axis=1) == before[~snp].argmax(axis=1)).all()
    claimed, wrong = 1 - p[snp].max(axis=1), p[snp].argmax(axis=1) != fresh.label[snp]
    assert claimed.mean() == pytest.approx(wrong.mean(), abs=0.015)


def test_facts_go_to_json_and_back_and_other_terms_are_refused():
    pool = Pool(tuple((0.1 * i, -0.2 * i) for i in range(len(TERMS))), Calibration(1.25))
    assert pool_from_facts(pool.facts()) == pool
    with pytest.raises(ValueError, match="other terms"):
        pool_from_facts({**pool.facts(), "terms": ["one"]})


def test_too_few_natural_examples_leave_plain_calibration():
    few, validation = nature(300, 4), nature(1000, 5)
    assert fit_pool(few.cnn, few.features, few.label) is None
    found = combine(validation, "temperature", 5e-4, few)
    assert not found.pools
    assert found.facts().keys() == {"cnn_weight", "settle_confidence", "calibration"}
    plain = found.calibration["both"](validation.cnn)
    assert found.probabilities("both", validation) == pytest.approx(plain)


def test_cascade_takes_sure_sites_from_the_feature_model():
    natural = nature(3000, 6)
    found = combine(nature(1000, 7), "temperature", 5e-4, natural)
    assert set(found.pools) == {"small", "cnn", "both"}
    small, both = found.probabilities("small", natural), found.probabilities("both", natural)
    easy = small.max(axis=1) >= found.settle
    assert found.probabilities("cascade", natural) == pytest.approx(np.where(easy[:, None], small, both))


def test_each_type_has_the_weight_that_natural_examples_choose():
    """The CNN knows SNPs, the feature model indels; validation, where both are the same, cannot tell."""
    natural = nature(6000, 8)
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 4, natural.cnn.shape).astype(np.float32)
    snp = natural.is_snp[:, None]
    told = Outputs(
        np.where(snp, natural.cnn, noise),
        np.where(snp, noise, natural.small),
        natural.features,
        natural.label,
    )
    found = combine(nature(1000, 7), "temperature", 5e-4, told)
    assert found.weights[0] >= 0.75
    assert found.weights[1] <= 0.25
    assert found.facts()["cnn_weight"] == {"snp": found.weights[0], "indel": found.weights[1]}
    mixed = told.blend(found.weights)
    rows = np.flatnonzero(~told.is_snp)
    share = np.float32(found.weights[1])
    np.testing.assert_array_equal(mixed[rows], share * told.cnn[rows] + (1 - share) * told.small[rows])
    # both parts of the pool are of the blends that were chosen
    p = found.probabilities("both", told)
    assert mean_nll(p, told.label) < mean_nll(found.probabilities("cnn", told), told.label)
    assert mean_nll(p, told.label) < mean_nll(found.probabilities("small", told), told.label)


def test_few_natural_indels_choose_no_weight():
    natural = nature(2000, 8)
    rows = natural.is_snp | (np.cumsum(~natural.is_snp) <= 100)
    validation = nature(1000, 7)
    assert (
        combine(validation, "temperature", 5e-4, natural.take(rows)).weights[1]
        == (combine(validation, "temperature", 5e-4).weights[1])
    )


def test_natural_examples_calibrate_a_model_file(tmp_path, tiny_run):
    natural = write_tiny(tmp_path / "natural", n=1500, seed=9)
    run = tmp_path / "run"
    result = train([tiny_run.examples], run, TINY, quiet=True, natural=[natural])
    file, plain = read_model(result.model), read_model(tiny_run.model)
    assert file.small["w0"].tolist() == plain.small["w0"].tolist()  # they train nothing
    assert set(file.about["pool"]) == {"small", "cnn", "both"}
    assert "pool" not in plain.about
    measured = file.about["facts"]["natural"]["both"]
    assert 0 < measured["examples"] < 1500
    examples = tiny_examples(200, seed=11)
    batch = ExampleBatch(examples.pixels, examples.features, np.arange(200, dtype=np.int32))
    p = load_predictor(str(result.model), device="cpu", cascade=False).predict(batch)
    small = load_predictor(str(result.model), device="cpu", mode="small").predict(batch)
    assert p.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (
        np.abs(p - load_predictor(str(tiny_run.model), device="cpu", cascade=False).predict(batch)).max()
        > 0.01
    )
    assert np.abs(p - small).max() > 0.01
    assert (p.argmax(axis=1) == examples.label).mean() > 0.7


def test_natural_examples_of_another_platform_are_refused(tmp_path, tiny_run):
    other = write_tiny(tmp_path / "natural", n=60, platform="ont")
    with pytest.raises(DeepcohortError, match=r"natural examples in .* are ont"):
        train([tiny_run.examples], tmp_path / "run", TINY, quiet=True, natural=[other])
