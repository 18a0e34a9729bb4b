"""Training, the model file, the classical ways."""

import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.config import read_config
from deepcohort.popgen.archive import Judge, read_pop_model
from deepcohort.popgen.compare import (
    Sample,
    abc_parameters,
    abc_posteriors,
    area_under_curve,
    baselines,
    bayes_factors,
    score,
)
from deepcohort.popgen.compare_run import compare
from deepcohort.popgen.compare_tables import bayes_rows, cross_validation_rows, truth_factors
from deepcohort.popgen.config import Encoding, Observation
from deepcohort.popgen.encode import encode_loci
from deepcohort.popgen.misfit import alarm, learn_familiar
from deepcohort.popgen.network import LocusNet, export_onnx
from deepcohort.popgen.shards import make_loci, open_simulations, simulate
from deepcohort.popgen.tasks import Group, built_in
from deepcohort.popgen.train import Scaling, parameter_coverage, scalings_of, train
from deepcohort.popgen.tune import tune
from deepcohort.popgen.types import Encoded
from popgen_builders import QUICK, small_task


def test_a_small_network_beats_chance_by_far_on_new_loci(small_run):
    made, result, _ = small_run
    model = read_pop_model(result.model)
    fresh = make_loci(made.task, 99, range(200))
    # six individuals without phase tell less than twelve haplotypes; chance is 0.5, its standard error 0.035
    for phased, least in (("yes", 0.75), ("no", 0.62)):
        x = encode_loci(fresh, model.encoding, Observation(phased=phased))
        judgement = Judge(model)(x.pixels, x.features)
        assert (judgement.p.argmax(axis=1) == x.label).mean() > least, phased
        assert judgement.p.sum(axis=1) == pytest.approx(1)
        assert (np.diff(judgement.quantiles, axis=2) >= 0).all()


def test_the_order_of_haplotypes_changes_nothing(small_run):
    made, result, _ = small_run
    model = read_pop_model(result.model)
    x = encode_loci(made.read(), model.encoding, Observation())
    pixels, features = x.pixels[:20], x.features[:20]
    order = np.random.default_rng(1).permutation(pixels.shape[2])
    one, two = (Judge(model)(p, features).p for p in (pixels, pixels[:, :, order]))
    assert one == pytest.approx(two, abs=1e-5)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "gelu"])
def test_onnx_says_what_torch_says(activation):
    import onnxruntime

    torch.manual_seed(1)
    encoding = Encoding(32, (6, 1, 4), False, 1_000)
    network = LocusNet(replace(QUICK, activation=activation), encoding, 5, 3, 2).eval()
    pixels = np.random.default_rng(1).integers(0, 256, (4, 7, 11, 32), dtype=np.uint8)
    pixels[:, :, 4:6] = 0  # rows that are not there
    features = np.random.default_rng(2).normal(size=(4, 5)).astype(np.float32)
    session = onnxruntime.InferenceSession(export_onnx(network, encoding), providers=["CPUExecutionProvider"])
    got = session.run(["logits"], {"pixels": pixels, "features": features})[0]
    with torch.inference_mode():
        wanted = network(torch.from_numpy(pixels), torch.from_numpy(features)).numpy()
    assert got == pytest.approx(wanted, abs=1e-4)


def test_training_again_gives_the_same_model(small_run, tmp_path):
    made, result, _ = small_run
    again = train(made, tmp_path / "again", QUICK, Observation(phased="both"), quiet=True)
    with zipfile.ZipFile(result.model) as a, zipfile.ZipFile(again.model) as b:
        assert a.read("net.onnx") == b.read("net.onnx")
        assert a.read("model.json") == b.read("model.json")
    assert (result.model.parent / "report.html").stat().st_size > 5_000
    assert "Tells apart: neutral, overdominance" in (result.model.parent / "small.md").read_text()


def test_tuning_writes_a_config_that_training_takes(small_run, tmp_path):
    made, _, _ = small_run
    quick = replace(QUICK, epochs=1)
    found = tune(made, tmp_path / "study", 2, quick, Observation(), quiet=True)
    assert np.isfinite(found.loss)
    assert read_config(tmp_path / "study" / "best.toml").optimiser == found.config.optimiser


def test_loci_of_one_class_or_too_few_are_refused(tmp_path):
    made = simulate(small_task(tmp_path), 30, tmp_path / "few", quiet=True)
    with pytest.raises(DeepcohortError, match="too few loci to train"):
        train(made, tmp_path / "run", QUICK, quiet=True)
    one = simulate(small_task(tmp_path), 1, tmp_path / "one", quiet=True)
    with pytest.raises(DeepcohortError, match="one class only"):
        train(one, tmp_path / "run", QUICK, quiet=True)
    with pytest.raises(DeepcohortError, match="holds no simulations"):
        open_simulations(tmp_path)


def test_training_without_torch_is_told_in_one_line(tmp_path):
    simulate(small_task(tmp_path), 4, tmp_path / "sims", quiet=True)
    code = (
        "import sys; sys.modules['torch'] = None; from deepcohort.cli import main; "
        f"sys.argv = ['deepcohort', 'popgen', 'train', '--simulations', {str(tmp_path / 'sims')!r}, "
        f"'--output', {str(tmp_path / 'run')!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "deepcohort: error: this command needs torch, which is not installed here; run: make setup TRAIN=1, or: "
        "pip install 'deepcohort[train]'\n"
    )
    assert not (tmp_path / "run").exists()


def test_bad_model_files(tmp_path):
    with pytest.raises(DeepcohortError, match="neither a file nor a shipped model"):
        read_pop_model("no_such_model")
    (tmp_path / "x.dcpop").write_bytes(b"PK nothing")
    with pytest.raises(DeepcohortError, match="no popgen model file or is damaged"):
        read_pop_model(tmp_path / "x.dcpop")
    with zipfile.ZipFile(tmp_path / "c.dcpop", "w") as archive:
        archive.writestr("cnn.onnx", b"")
    with pytest.raises(DeepcohortError, match="calls variants"):
        read_pop_model(tmp_path / "c.dcpop")


def test_area_under_curve_by_hand():
    assert area_under_curve(np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1], bool)) == 1
    assert area_under_curve(np.array([1.0, 1, 1, 1]), np.array([0, 1, 0, 1], bool)) == 0.5
    assert area_under_curve(np.array([1.0, 3, 2, 4]), np.array([0, 0, 1, 1], bool)) == 0.75


def two_gaussians(n: int, seed: int) -> Sample:
    """Two classes, 1.5 apart in the first of three features."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    x = rng.normal(size=(n, 3))
    x[:, 0] += 1.5 * label
    return Sample(x, label)


def test_abc_posteriors_approach_the_exact_ones():
    sample, test = two_gaussians(4_000, 1), two_gaussians(200, 2)
    exact = 1 / (1 + np.exp(-(1.5 * test.features[:, 0] - 1.125)))
    rejection, regression = (abc_posteriors(sample, test.features, 2, a)[:, 1] for a in (False, True))
    assert np.abs(regression - exact).mean() < 0.06
    assert np.abs(rejection - exact).mean() < 0.12
    assert bayes_factors(np.array([[0.8, 0.2]])).tolist() == [[1.0, 4.0]]


def test_abc_regression_finds_a_parameter():
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 10, 2_000)
    features = np.column_stack([truth + rng.normal(size=2_000), rng.normal(size=2_000)])
    found = abc_parameters(features[:1_900], truth[:1_900], features[1_900:])
    assert np.abs(found - truth[1_900:]).mean() < 1.2


def test_all_classical_ways_run_and_are_scored():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    sample, test = two_gaussians(400, 1), two_gaussians(150, 2)
    found = baselines(sample, test.features, ("first", "second", "third"), 2)
    assert next(iter(found)) == "best statistic (first)"
    best = found["MLP on statistics"]
    for p in found.values():
        s = score(p, test.label, best)
        assert s.accuracy[1] <= s.accuracy[0] <= s.accuracy[2]
        assert s.auc[0] > 0.75
        assert s.behind is not None
        assert abs(s.behind[0]) < 0.15


def _rows(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_bayes_factors_of_the_truth_by_hand():
    p = np.array([[0.8, 0.15, 0.05], [0.8, 0.15, 0.05], [0.0, 1.0, 0.0]])
    label = np.array([0, 1, 0])
    assert truth_factors(p, label) == pytest.approx([0.8 / 0.15, 0.15 / 0.8, 1e-6])
    head, *rows = bayes_rows({"way": p}, label, ("a", "b", "c"))
    assert [len(r) for r in rows] == [len(head)] * 2  # no locus of c
    assert rows[0][:4] == ["way", "a", "2", "0.4"]
    assert rows[0][-2:] == ["0", "0.5"]


def test_cross_validation_leaves_each_locus_out():
    sample = two_gaussians(300, 3)
    rng = np.random.default_rng(1)
    nothing = Sample(rng.normal(size=(300, 3)), sample.label)
    for one, low, high in ((sample, 0.65, 0.9), (nothing, 0.35, 0.65)):
        rows = cross_validation_rows(one, ("a", "b"), 1)[1:]
        counts = np.array([[int(v) for v in row[2:4]] for row in rows]).reshape(2, 2, 2)
        assert (counts.sum(axis=(1, 2)) == 200).all()
        right = np.trace(counts, axis1=1, axis2=2) / 200
        assert ((right > low) & (right < high)).all()
    # a locus that saw itself would be called by itself alone
    p = abc_posteriors(nothing, nothing.features[:5], 2, False, 1 / 300, left_out=np.arange(5))
    assert p.shape == (5, 2)
    few = Sample(nothing.features[:30], nothing.label[:30])  # fewer than are accepted at least
    with np.errstate(invalid="raise"):
        p = abc_posteriors(few, few.features[:5], 2, False, left_out=np.arange(5))
    counts = np.array([np.bincount(np.delete(few.label, i), minlength=2) + 0.5 for i in range(5)])
    assert p == pytest.approx(counts / 30)


def test_comparison_of_a_run(small_run, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    made, result, _ = small_run
    test = simulate(made.task, 60, tmp_path / "test", seed=8, quiet=True)
    scores = compare(read_pop_model(result.model), made, test, tmp_path / "out", limit=200)
    assert {"network", "ABC regression", "random forest", "ABC on the network"} <= set(scores)
    tables = {name: _rows(tmp_path / "out" / f"{name}.tsv") for name in ("bayes_factors", "cross_validation")}
    assert len(tables["bayes_factors"]) == 1 + 2 * len(scores)
    counts = np.array([[int(v) for v in row[2:4]] for row in tables["cross_validation"][1:]])
    assert counts.sum() == 2 * 200
    table = (tmp_path / "out" / "comparison.tsv").read_text().splitlines()
    assert len(table) == len(scores) + 1
    for name, change in (("groups", (Group("present", 8),)), ("locus_bp", 10_000)):
        strange = simulate(replace(made.task, **{name: change}), 3, tmp_path / name, quiet=True)
        with pytest.raises(DeepcohortError, match="other samples or loci of another length"):
            compare(read_pop_model(result.model), made, strange, tmp_path / "x")
    model = read_pop_model(result.model)
    about = {**model.about, "observation": {**model.about["observation"], "looks": 2}}
    compare(replace(model, about=about), made, test, tmp_path / "looks", limit=60)
    with np.load(tmp_path / "looks" / "probabilities.npz") as arrays:
        assert len(arrays["label"]) == 60  # each unseen locus counts once
    validated = _rows(tmp_path / "looks" / "cross_validation.tsv")[1:]
    assert sum(int(v) for row in validated for v in row[2:4]) == 2 * 60
    other = simulate(replace(built_in()["cold_stages"], unlinked_snps=20), 3, tmp_path / "other", quiet=True)
    with pytest.raises(DeepcohortError, match="give a model of the same task"):
        compare(read_pop_model(result.model), made, other, tmp_path / "x")


def test_misfit_knows_its_own_and_flags_strangers():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2_000, 6)).astype(np.float32)
    familiar = learn_familiar(x[:1_500], x[1_500:])
    own = familiar.strangeness(rng.normal(size=(1_000, 6)).astype(np.float32))
    assert not alarm(own)[1]
    assert own.mean() == pytest.approx(0.5, abs=0.05)
    strange = familiar.strangeness((rng.normal(size=(100, 6)) * 4).astype(np.float32))
    assert alarm(strange)[1]


def test_scalings_and_coverage():
    values = np.column_stack([np.full(100, 3.0), np.linspace(1, 100, 100), np.linspace(1, 2, 100)]).astype(
        np.float32
    )
    columns, found = scalings_of(("constant", "wide", "narrow"), values)
    assert columns == [1, 2]
    assert [s.log for s in found] == [True, False]
    truth = np.random.default_rng(1).normal(size=(4_000, 1)).astype(np.float32)
    q = np.tile(np.array([-1.96, -1.645, -0.674, 0, 0.674, 1.645, 1.96], np.float32), (4_000, 1))
    empty = np.zeros((4_000, 0, 0, 0), np.uint8)
    examples = Encoded(empty, np.zeros((4_000, 0), np.float32), np.zeros(4_000, np.int16), truth)
    row = parameter_coverage(q, examples, [Scaling("x", 0.0, 1.0, False)])["x"]
    assert [row[k] for k in ("0.025", "0.25", "0.5", "0.95")] == pytest.approx(
        [0.025, 0.25, 0.5, 0.95], abs=0.03
    )
