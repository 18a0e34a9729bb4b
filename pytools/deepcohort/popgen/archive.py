"""The model file of this room: one zip that says how windows are made, encoded, judged and doubted."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import deepcohort
from deepcohort.core.archives import DAMAGED_ARCHIVE
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import assets_folders, write_members
from deepcohort.model.calibrate import softmax
from deepcohort.popgen.background import Background, background_from_facts
from deepcohort.popgen.config import QUANTILES, Encoding, Observation, observation_from
from deepcohort.popgen.misfit import Familiar
from deepcohort.popgen.null import Null, null_from_facts

SUFFIX = ".dcpop"
FORMAT = 2  # since 2: background of a genome and null of scores; 1 is read, and has neither
_READ = (1, 2)
_MEMBERS = ("model.json", "net.onnx", "familiar.npz")
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED_ARCHIVE, MemoryError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class PopModel:
    """A model in memory; `about` is model.json."""

    path: str
    about: dict[str, Any]
    onnx: bytes
    familiar: Familiar

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.about["labels"])

    @property
    def encoding(self) -> Encoding:
        """How windows are encoded."""
        e = self.about["encoding"]
        return Encoding(
            int(e["sites"]), tuple(int(r) for r in e["rows"]), bool(e["unlinked"]), int(e["locus_bp"])
        )

    @property
    def background(self) -> Background | None:
        """How a genome's windows become the context of each; None of models of one history."""
        return background_from_facts(self.about.get("background"))

    def null(self, known: bool) -> Null | None:
        """The null of scores, with the background of the genome known or not; None of files of format 1."""
        facts = self.about.get("null")
        return None if facts is None else null_from_facts(facts["known" if known else "unknown"])

    @property
    def observation(self) -> Observation:
        """What the training loci were observed through."""
        return observation_from(self.about["observation"])


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says of windows.

    Attributes:
        p: float64 (N, K), class probabilities. quantiles: float64 (N, P, Q), of the parameters, in their
            own units. misfit: float64 (N,), share of training loci that are stranger than the window.
    """

    p: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    misfit: NDArray[np.float64]


def write_pop_model(
    path: Path, about: dict[str, Any], onnx: bytes, familiar: Familiar, weights: bytes, card: str
) -> None:
    """Write a model file, whole or not at all."""
    arrays = io.BytesIO()
    with zipfile.ZipFile(arrays, "w") as archive:
        for name, array in familiar.arrays().items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as file:
                np.lib.format.write_array(file, array)
    write_members(
        path,
        {
            "model.json": json.dumps({"format": FORMAT, **about}, indent=1).encode(),
            "net.onnx": onnx,
            "familiar.npz": arrays.getvalue(),
            "weights.pt": weights,
            "card.md": card.encode(),
        },
    )


def find_pop_model(name: str | Path) -> Path:
    """Path of a model: a file, or the name of a shipped one.

    Raises:
        DeepcohortError: neither.
    """
    path = Path(name)
    if path.suffix == SUFFIX or path.exists():
        return path
    folders = [folder / "models" / "popgen" for folder in assets_folders()]
    for folder in folders:
        shipped = folder / f"{name}{SUFFIX}"
        if shipped.is_file():
            return shipped
    known = ", ".join(sorted({p.stem for f in folders for p in f.glob(f"*{SUFFIX}")})) or "none"
    raise DeepcohortError(f"model {name} is neither a file nor a shipped model ({known}); check --model")


def read_pop_model(name: str | Path) -> PopModel:
    """Read and check a model file.

    Raises:
        DeepcohortError: missing, damaged, of another kind or a newer format.
    """
    path = find_pop_model(name)
    if not path.is_file():
        raise DeepcohortError(f"model {path} does not exist; check --model")
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "cnn.onnx" in names:
                raise DeepcohortError(
                    f"model {path} calls variants; popgen needs one of deepcohort popgen train "
                    "(balancing, sweep)"
                )
            parts = {member: archive.read(member) for member in _MEMBERS}
        about = json.loads(parts["model.json"])
        if about["format"] not in _READ:
            raise DeepcohortError(
                f"model {path} has file format {about['format']}, this deepcohort {deepcohort.__version__} "
                f"reads up to {FORMAT}; use a model made for this version"
            )
        with np.load(io.BytesIO(parts["familiar.npz"]), allow_pickle=False) as arrays:
            familiar = Familiar(**{k: arrays[k] for k in arrays.files})
        model = PopModel(str(path), about, parts["net.onnx"], familiar)
        _ = (model.labels, model.encoding, model.observation, model.background, model.null(True))
        _ = (model.null(False), about["temperature"], about["parameters"])
    except _DAMAGED as error:
        raise DeepcohortError(
            f"model {path} is no popgen model file or is damaged ({error}); fetch or train it again"
        ) from error
    return model


class Judge:
    """A PopModel on ONNX Runtime."""

    def __init__(self, model: PopModel, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.model = model
        background = model.background
        self._width = 0 if background is None else background.axes.shape[1]
        try:
            self._session = onnxruntime.InferenceSession(
                model.onnx, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has no common base class of its own
            reason = str(error).splitlines()[0]
            raise DeepcohortError(f"model {model.path}: its network cannot be loaded ({reason})") from error

    def __call__(
        self,
        pixels: NDArray[np.uint8],
        features: NDArray[np.float32],
        context: NDArray[np.floating] | None = None,
    ) -> Judgement:
        """Judge windows; `context`: (C,) of their genome, None = unknown."""
        about = self.model.about
        whole = features if self._width == 0 else self._with_context(features, context)
        k, parameters = len(about["labels"]), about["parameters"]
        outs = [np.empty((0, k + len(parameters) * len(QUANTILES)), np.float32)]
        for start in range(0, len(pixels), 64):
            part = slice(start, start + 64)
            outs.append(self._session.run(["logits"], {"pixels": pixels[part], "features": whole[part]})[0])
        out = np.concatenate(outs)
        q = np.sort(out[:, k:].reshape(len(out), len(parameters), len(QUANTILES)).astype(np.float64), axis=2)
        for i, p in enumerate(parameters):
            q[:, i] = unscale(q[:, i] * p["sd"] + p["mean"], p["log"])
        return Judgement(
            softmax(out[:, :k] / about["temperature"]), q, self.model.familiar.strangeness(features)
        )

    def _with_context(
        self, features: NDArray[np.float32], context: NDArray[np.floating] | None
    ) -> NDArray[np.float32]:
        values = np.zeros(self._width) if context is None else context
        tail = np.broadcast_to(values.astype(np.float32), (len(features), self._width))
        return np.concatenate([features, tail], axis=1)


def unscale(values: NDArray[np.float64], log: bool) -> NDArray[np.float64]:
    """Parameters in their own units."""
    return np.exp(np.minimum(values, 700.0)) if log else values
