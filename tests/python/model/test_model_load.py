"""Model files and predictors: equal to torch, without torch, and refused where they do not fit."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import find_model, read_model
from deepcohort.model.calibrate import Calibration
from deepcohort.model.feature_model_numpy import small_logits
from deepcohort.model.load import CascadePredictor, OnnxRuntime, load_predictor
from deepcohort.model.net import FeatureNet, PileupNet
from deepcohort.model.onnx_export import export_onnx
from deepcohort.model.torch_runtime import networks_of, read_weights
from deepcohort.model.train import small_weights
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.types import ExampleBatch
from model_builders import PILEUP, TINY, random_sites, tiny_examples, write_tiny


def batch_of(n=70, seed=9):
    x = tiny_examples(n, seed)
    return ExampleBatch(x.pixels, x.features, np.arange(n, dtype=np.int32)), x.label


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_onnx_and_numpy_equal_torch(activation, batch_norm):
    import onnxruntime

    torch.manual_seed(2)
    config = replace(
        TINY, activation=activation, batch_norm=batch_norm, site_channels=(8, 6), read_channels=(4, 5, 6)
    )
    cnn, small = PileupNet(config, PILEUP.shape, N_FEATURES), FeatureNet(config, N_FEATURES)
    examples, _ = batch_of()
    pixels, features = torch.from_numpy(examples.pixels), torch.from_numpy(examples.features)
    with torch.no_grad():
        for net in (cnn, small):
            net.standardise.mean.normal_()
            net.standardise.scale.uniform_(0.5, 2)
        cnn.train()
        cnn(pixels, features)  # moves the running statistics
        wanted_cnn, wanted_small = cnn.eval()(pixels, features), small.eval()(None, features)
    session = onnxruntime.InferenceSession(export_onnx(cnn, PILEUP.shape), providers=["CPUExecutionProvider"])
    got = session.run(["logits"], {"pixels": examples.pixels, "features": examples.features})[0]
    np.testing.assert_allclose(got, wanted_cnn, atol=2e-5)
    got = small_logits(examples.features, small_weights(small), activation)
    np.testing.assert_allclose(got, wanted_small, atol=2e-5)


def test_predictor_equals_the_networks(tiny_run):
    file = read_model(tiny_run.model)
    cnn, small = networks_of(file)
    examples, label = batch_of()
    features = torch.from_numpy(examples.features)
    with torch.no_grad():
        logits = {
            "cnn": cnn(torch.from_numpy(examples.pixels), features).numpy(),
            "small": small(None, features).numpy(),
        }
    snp, indel = file.cnn_weights
    w = np.where(examples.features[:, F.is_snp] > 0, snp, indel)[:, None]
    logits["both"] = w * logits["cnn"] + (1 - w) * logits["small"]
    for mode in ("small", "cnn", "both"):
        predictor = load_predictor(str(tiny_run.model), device="cpu", cascade=False, mode=mode)
        p = predictor.predict(examples)
        np.testing.assert_allclose(p, file.calibration(mode)(logits[mode]), atol=2e-5)
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        assert (p.argmax(axis=1) == label).mean() > 0.6


def test_cascade_sends_only_doubtful_sites_to_the_cnn(tiny_run):
    file = read_model(tiny_run.model)
    examples, _ = batch_of(300)
    small = file.calibration("small")(small_logits(examples.features, file.small, file.about["activation"]))
    settle = float(np.median(small.max(axis=1)))
    file.about["settle_confidence"] = settle
    predictor = CascadePredictor(file, OnnxRuntime(file), cascade=True)
    asked = []

    def pixels_of(rows):
        asked.extend(rows.tolist())
        return examples.pixels[rows]

    p = predictor.predict_lazily(examples.features, pixels_of)
    hard = np.nonzero(small.max(axis=1) < settle)[0]
    assert asked == hard.tolist()
    assert (predictor.n_sites, predictor.n_cnn) == (300, len(hard))
    easy = np.setdiff1d(np.arange(300), hard)
    np.testing.assert_allclose(p[easy], small[easy], atol=1e-6)
    everything = CascadePredictor(file, OnnxRuntime(file), cascade=False).predict(examples)
    np.testing.assert_allclose(p[hard], everything[hard], atol=1e-6)


def test_no_examples(tiny_run):
    empty = ExampleBatch(
        np.empty((0, *PILEUP.shape), np.uint8), np.empty((0, N_FEATURES), np.float32), np.empty(0, np.int32)
    )
    assert load_predictor(str(tiny_run.model), device="cpu").predict(empty).shape == (0, 3)


def test_cpu_path_imports_no_torch(tiny_run):
    code = (
        "import sys, numpy as np\n"
        "from deepcohort.model.load import load_predictor\n"
        f"p = load_predictor({str(tiny_run.model)!r}, device='cpu', cascade=False)\n"
        f"out = p.predict_lazily(np.zeros((3, {N_FEATURES}), np.float32), "
        f"lambda rows: np.zeros((len(rows), *{PILEUP.shape}), np.uint8))\n"
        "assert out.shape == (3, 3)\n"
        "heavy = {'torch', 'pytorch_lightning', 'onnx', 'optuna', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def rewritten(source, target, member, change):
    """Copy of a model file with one member changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == member else data)
    return target


def with_about(source, target, **values):
    def change(data):
        about = json.loads(data)
        for key, value in values.items():
            about[key] = {**about[key], **value} if isinstance(value, dict) else value
        return json.dumps(about)

    return rewritten(source, target, "model.json", change)


def test_models_that_do_not_fit_are_refused_in_one_line(tiny_run, tmp_path):
    good = tiny_run.model
    cut = tmp_path / "cut.dcmodel"
    cut.write_bytes(good.read_bytes()[:5000])
    cases = {
        "does not exist": tmp_path / "none.dcmodel",
        "is damaged": cut,
        "encoder version 999": with_about(good, tmp_path / "e.dcmodel", encoder={"encoder_version": 999}),
        "file format 7": with_about(good, tmp_path / "f.dcmodel", format=7),
        "trained for ont": with_about(good, tmp_path / "p.dcmodel", platform="ont"),
        "network cannot be loaded": rewritten(good, tmp_path / "o.dcmodel", "cnn.onnx", lambda d: d[:300]),
    }
    for words, path in cases.items():
        with pytest.raises(DeepcohortError, match=words) as caught:
            load_predictor(str(path), device="cpu")
        assert "\n" not in str(caught.value)
    with pytest.raises(DeepcohortError, match="choose from"):
        load_predictor(str(good), device="tpu")


def test_weights_hold_tensors_alone(tiny_run, tmp_path):
    import io
    import pickle

    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    bad = rewritten(tiny_run.model, tmp_path / "x.dcmodel", "weights.pt", lambda d: pickle.dumps(Evil()))
    with pytest.raises(DeepcohortError, match="weights cannot be read"):
        read_weights(read_model(bad))
    buffer = io.BytesIO()
    torch.save({"cnn": {}, "small": {}}, buffer)
    short = rewritten(tiny_run.model, tmp_path / "y.dcmodel", "weights.pt", lambda d: buffer.getvalue())
    with pytest.raises(DeepcohortError, match="do not fit"):
        networks_of(read_model(short))


def test_auto_finds_the_assets_folder(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPCOHORT_ASSETS", str(tmp_path))
    with pytest.raises(DeepcohortError, match=r"no shipped model for platform illumina \(shipped: none\)"):
        find_model("auto", "illumina")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "illumina.dcmodel").write_bytes(tiny_run.model.read_bytes())
    assert find_model("auto", "illumina") == tmp_path / "models" / "illumina.dcmodel"
    assert load_predictor("auto", "illumina", "cpu").name == "illumina"
    with pytest.raises(DeepcohortError, match="shipped: illumina"):
        find_model("auto", "hifi")


def test_calibration_survives_the_file(tiny_run):
    assert isinstance(read_model(tiny_run.model).calibration("both"), Calibration)


def test_tuning_resumes_and_writes_a_config_that_trains(tmp_path):
    from deepcohort.model.config import read_config
    from deepcohort.model.tune import tune

    path = write_tiny(tmp_path / "a", 200)
    base = replace(TINY, small_epochs=1, epochs=1)
    tune([path], tmp_path / "study", 1, base, "small", quiet=True)
    result = tune([path], tmp_path / "study", 2, base, "small", quiet=True)
    trials = (tmp_path / "study" / "trials.tsv").read_text().splitlines()
    assert len(trials) == 4
    best = read_config(tmp_path / "study" / "best.toml")
    assert best == result.config
    assert (best.small_epochs, best.seed) == (1, TINY.seed)


@pytest.mark.parametrize("cascade", [True, False])
def test_auto_starts_torch_only_where_the_network_has_work(tiny_run, cascade):
    code = (
        "import sys\n"
        "from deepcohort.model import load\n"
        "load._nvidia_driver = lambda: True\n"
        f"p = load.load_predictor({str(tiny_run.model)!r}, device='auto', cascade={cascade})\n"
        f"assert ('torch' in sys.modules) is {not cascade}\n"
        "import torch\n"
        f"assert p.device == ('cuda' if {not cascade} and torch.cuda.is_available() else 'cpu')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cascade", [True, False])
@pytest.mark.parametrize("platform", ["illumina", "hifi", "ont"])
def test_batches_do_not_show(platform, cascade):
    """Not in the last bit: PLs are rounded, and shards must not show in them."""
    pixels, features = random_sites(platform, 400)
    predictor = load_predictor("auto", platform, device="cpu", cascade=cascade)
    whole = predictor.predict_lazily(features, lambda rows: pixels[rows])
    for size in (1, 3, 7, 64):
        parts = [
            predictor.predict_lazily(
                features[a : a + size], lambda rows, a=a, size=size: pixels[a : a + size][rows]
            )
            for a in range(0, 400, size)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
