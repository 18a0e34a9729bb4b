"""Models that say nonsense: refused in one line when read, or when their network is first run."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import read_model
from deepcohort.model.load import CascadePredictor, OnnxRuntime, load_predictor
from deepcohort.pileup.features import N_FEATURES

SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "models" / "illumina.dcmodel"
Members = dict[str, bytes]


def altered(folder: Path, edit: Callable[[Members], None]) -> Path:
    """The shipped model after `edit` of its members."""
    with zipfile.ZipFile(SHIPPED) as source:
        members = {name: source.read(name) for name in source.namelist()}
    edit(members)
    path = folder / "x.dcmodel"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DeepcohortError, match=r"x\.dcmodel") as error:
        load_predictor(str(path), device="cpu")
    assert "\n" not in str(error.value)
    return str(error.value)


def say(**changes: object) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        about = json.loads(members["model.json"])
        for place, value in changes.items():
            *holders, key = place.split("__")
            target = about
            for holder in holders:
                target = target[holder]
            if value is ...:
                del target[key]
            else:
                target[key] = value
        members["model.json"] = json.dumps(about).encode()

    return edit


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ...}, {"name": 3}, {"name": "x\n##INFO=<ID=EVIL>"}, {"name": ""}, {"version": ...}, {"version": "a\tb"},
        {"platform": ...}, {"platform": ["illumina"]}, {"activation": ...}, {"activation": "sine"},
        {"cnn_weight": ...}, {"cnn_weight": 1e300}, {"cnn_weight": float("nan")}, {"cnn_weight": "0.5"}, {"cnn_weight": True}, {"cnn_weight": {"snp": 0.5}}, {"cnn_weight": {"snp": 0.5, "indel": 2.0}},
        {"settle_confidence": ...}, {"settle_confidence": float("-inf")}, {"settle_confidence": None},
        {"train": ...}, {"train": []}, {"calibration": ...}, {"calibration__both": ...}, {"calibration__cnn__temperature": 0},
        {"calibration__small__temperature": float("nan")}, {"calibration__both__knots": None},
        {"calibration__both__knots": [[0, 1]]}, {"pool__both": ...}, {"pool__small__weights": [[1, 2]]},
        {"pool__cnn__indel_temperature": -1}, {"pool__both__weights": [[float("inf"), 0.0]] * 14},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_be(changes: dict[str, object], tmp_path: Path):
    refusal(altered(tmp_path, say(**changes)))


def arrays(change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        small = dict(np.load(io.BytesIO(members["small.npz"])))
        change(small)
        out = io.BytesIO()
        np.savez(out, **small)
        members["small.npz"] = out.getvalue()

    return edit


def poke(name: str, value: float) -> Callable[[dict[str, np.ndarray]], None]:
    def change(small: dict[str, np.ndarray]) -> None:
        small[name].flat[-1] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        poke("mean", np.nan), poke("scale", np.inf), poke("w0", np.nan), poke("b2", -np.inf),
        lambda s: s.pop("mean"), lambda s: s.pop("low"), poke("high", np.nan), lambda s: s.pop("b1"), lambda s: s.pop("w2"),
        lambda s: s.update(w1=s["w1"].T), lambda s: s.update(w0=s["w0"].astype(np.float64)), lambda s: s.update(mean=s["mean"][:-1]),
        lambda s: s.update(b0=s["b0"][:, None]), lambda s: s.update(w7=s["w0"]), lambda s: s.update(w2=s["w2"][:2], b2=s["b2"][:2]),
        lambda s: s.update(scale=np.array("text")), lambda s: s.update(extra=s["b0"]),
    ],
)  # fmt: skip
def test_weights_that_cannot_be(change: Callable[[dict[str, np.ndarray]], None], tmp_path: Path):
    refusal(altered(tmp_path, arrays(change)))


def network(shape: tuple[int, ...], value: float) -> bytes:
    """An ONNX graph that gives `value` in `shape`, whatever it is asked."""
    helper = onnx.helper
    inputs = [
        helper.make_tensor_value_info("pixels", onnx.TensorProto.UINT8, [None, None, None, None]),
        helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [None, N_FEATURES]),
    ]
    output = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, list(shape))
    constant = helper.make_tensor("v", onnx.TensorProto.FLOAT, shape, [value] * int(np.prod(shape)))
    node = helper.make_node("Constant", [], ["logits"], value=constant)
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def bring(onnx_bytes: bytes) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        members["cnn.onnx"] = onnx_bytes

    return edit


@pytest.mark.parametrize(
    ("onnx_bytes", "told"),
    [
        (network((1, 3), np.nan), "NaN or infinity"), (network((1, 3), np.inf), "NaN or infinity"),
        (network((1, 4), 0.0), r"\(1, 4\)"), (network((3,), 0.0), r"\(3,\)"), (network((1, 3), 0.0), None), (b"nothing", "cannot be loaded"),
    ],
    ids=["nan", "inf", "classes", "flat", "sound", "no graph"],
)  # fmt: skip
def test_networks_that_cannot_be(onnx_bytes: bytes, told: str | None, tmp_path: Path):
    path = altered(tmp_path, bring(onnx_bytes))
    if told is None:
        load_predictor(str(path), device="cpu")
    else:
        with pytest.raises(DeepcohortError, match=told):
            load_predictor(str(path), device="cpu")


class _Odd:
    """A runtime whose logits are not numbers once real pixels come."""

    device, batch = "cpu", 64

    def __init__(self, value: float) -> None:
        self.value = value

    def start(self, pixels: np.ndarray, features: np.ndarray) -> Callable[[], np.ndarray]:
        return lambda: np.full((len(pixels), 3), self.value, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", ["cnn", "both"])
def test_probabilities_that_are_no_numbers_end_the_run(value: float, mode: str):
    model = read_model(SHIPPED)
    predictor = CascadePredictor(model, _Odd(value), cascade=False, mode=mode)
    features = np.zeros((5, N_FEATURES), np.float32)
    with pytest.raises(DeepcohortError, match="NaN or infinity instead of probabilities"):
        predictor.predict_lazily(features, lambda rows: np.zeros((len(rows), *model.pileup.shape), np.uint8))


def test_a_network_that_overflows_at_run_time(tmp_path: Path):
    def large(small: dict[str, np.ndarray]) -> None:
        for name in ("w0", "w1", "w2"):
            small[name][:] = 3e38

    predictor = load_predictor(str(altered(tmp_path, arrays(large))), device="cpu", mode="small")
    with pytest.raises(DeepcohortError, match="NaN or infinity instead of probabilities"):
        predictor.predict_lazily(np.ones((5, N_FEATURES), np.float32), lambda rows: np.empty(0, np.uint8))


def test_a_model_that_unpacks_without_end(tmp_path: Path):
    def bomb(members: Members) -> None:
        members["cnn.onnx"] = bytes(160 << 20)  # 160 kB deflated

    path = altered(tmp_path, bomb)
    start = time.process_time()
    with pytest.raises(DeepcohortError, match="unpacks to more than"):
        read_model(path)
    assert time.process_time() - start < 5


def test_a_folder_is_no_model(tmp_path: Path):
    (tmp_path / "x.dcmodel").mkdir()
    assert "is a folder" in refusal(tmp_path / "x.dcmodel")


def test_the_first_run_costs_little():
    model = read_model(SHIPPED)
    runtime = OnnxRuntime(model)
    pixels = np.zeros((1, *model.pileup.shape), np.uint8)
    start = time.process_time()
    runtime.start(pixels, np.zeros((1, N_FEATURES), np.float32))
    assert time.process_time() - start < 0.5
