"""The model file: one zip that holds all a caller needs, and nothing that runs code when read.

model.json   name, version, platform, encoder signature, calibrations, cascade, facts of the card
cnn.onnx     the CNN for ONNX Runtime
small.npz    weights of the feature model, arrays without pickle
weights.pt   state dicts of both networks, for CUDA and fine-tuning (torch, weights_only)
train.toml   the training config; card.md the model card
"""

import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import deepcohort
from deepcohort.core.archives import DAMAGED_ARCHIVE, bound_of, read_arrays, read_member
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.model.calibrate import Calibration
from deepcohort.model.likelihood_pool import Pool, pool_from_facts
from deepcohort.model.validate import check_about, check_small, check_weights
from deepcohort.pileup.config import PileupConfig, encoder_signature

SUFFIX = ".dcmodel"
FORMAT = 1
_MEMBERS = ("model.json", "cnn.onnx", "small.npz", "weights.pt")
_MOST_JSON_BYTES = 16 << 20  # the shipped ones have 36 kB


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file in memory; `about` is model.json, `small` the arrays of small.npz."""

    path: str
    about: dict[str, Any]
    onnx: bytes
    small: dict[str, NDArray[np.float32]]
    weights: bytes

    @property
    def pileup(self) -> PileupConfig:
        """Encoder settings that this model was trained with."""
        return PileupConfig(**self.about["pileup"])

    @property
    def cnn_weights(self) -> tuple[float, float]:
        """Shares of the CNN in the mean of logits, at SNPs and at indels; older models have one for both."""
        weight = self.about["cnn_weight"]
        if isinstance(weight, Mapping):
            return float(weight["snp"]), float(weight["indel"])
        return float(weight), float(weight)

    def calibration(self, part: str) -> Calibration:
        """Of `cnn`, `small` or `both` (their mean)."""
        c = self.about["calibration"][part]
        return Calibration(
            c["temperature"],
            tuple(tuple(k) for k in c["knots"]),
            tuple(tuple(v) for v in c["values"]),
        )

    def pool(self, part: str) -> Pool | None:
        """Of `cnn`, `small` or `both`; None in models calibrated without natural examples."""
        pools = self.about.get("pool")
        return pool_from_facts(pools[part]) if pools else None

    def probabilities(
        self, part: str
    ) -> Callable[[NDArray[np.floating], NDArray[np.float32]], NDArray[np.float64]]:
        """What turns logits (B, 3) and site features (B, F) of `part` into P(0, 1, 2 copies), (B, 3)."""
        pool = self.pool(part)
        if pool is not None:
            return pool
        calibration = self.calibration(part)
        return lambda logits, features: calibration(logits)


def write_model(
    path: str | Path,
    about: Mapping[str, Any],
    onnx: bytes,
    small: Mapping[str, NDArray[np.float32]],
    weights: bytes,
    train_toml: str,
    card: str,
) -> None:
    """Write a model file, whole or not at all; equal contents give equal bytes."""
    small_bytes = io.BytesIO()
    with zipfile.ZipFile(small_bytes, "w") as archive:
        for name, array in small.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array, np.float32))
    members = {
        "model.json": json.dumps({"format": FORMAT, **about}, indent=1).encode(),
        "cnn.onnx": onnx,
        "small.npz": small_bytes.getvalue(),
        "weights.pt": weights,
        "train.toml": train_toml.encode(),
        "card.md": card.encode(),
    }
    write_members(path, members)


def write_members(path: str | Path, members: Mapping[str, bytes]) -> None:
    """Write a zip, whole or not at all; equal contents give equal bytes."""
    with (
        atomic_outputs(path) as [temporary],
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        for name, data in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)


def read_model(path: str | Path) -> ModelFile:
    """Read and check a model file.

    Raises:
        DeepcohortError: missing, damaged, of a newer format, made for another encoder, or with numbers
            that are missing, not finite, out of range or of another shape.
    """
    path = Path(path)
    if path.is_dir():
        raise DeepcohortError(f"model {path} is a folder; give the {SUFFIX} file")
    if not path.is_file():
        raise DeepcohortError(f"model {path} does not exist; check --model")
    try:
        parts = _read_members(path)
        about = json.loads(parts["model.json"])
        small = read_arrays(io.BytesIO(parts["small.npz"]), most=bound_of(len(parts["small.npz"])))
        if not isinstance(about, dict):
            raise ValueError("model.json is no object")
    except DAMAGED_ARCHIVE as error:
        raise DeepcohortError(
            f"model {path} is no deepcohort model file or is damaged ({error}); fetch or train it again"
        ) from error
    if about.get("format") != FORMAT:
        raise DeepcohortError(
            f"model {path} has file format {about.get('format')}, this deepcohort "
            f"{deepcohort.__version__} reads {FORMAT}; use a model made for this version"
        )
    try:
        signature = encoder_signature(PileupConfig(**about["pileup"]))
        version = about["encoder"].get("encoder_version")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DeepcohortError(
            f"model {path} does not say what it was trained on ({error}); fetch or train it again"
        ) from error
    if about["encoder"] != signature:
        raise DeepcohortError(
            f"model {path} was trained with encoder version {version}, this "
            f"deepcohort {deepcohort.__version__} encodes version {signature['encoder_version']}; "
            "retrain it or use the deepcohort that made it"
        )
    return _sound_model(path, about, parts, small)


def _read_members(path: Path) -> dict[str, bytes]:
    """The members of a model file, together within `bound_of` its size."""
    most = bound_of(path.stat().st_size)
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for name in _MEMBERS:
            bound = min(most, _MOST_JSON_BYTES) if name == "model.json" else most
            parts[name] = read_member(archive, name, bound)
            most -= len(parts[name])
    return parts


def _sound_model(
    path: Path, about: dict[str, Any], parts: dict[str, bytes], small: dict[str, NDArray[Any]]
) -> ModelFile:
    file = ModelFile(str(path), about, parts["cnn.onnx"], small, parts["weights.pt"])
    try:
        check_about(about)
        check_small(small)
    except DAMAGED_ARCHIVE as error:
        raise DeepcohortError(f"model {path} cannot be used: {error}; fetch or train it again") from error
    try:
        check_weights(file.weights, bound_of(len(file.weights)))
    except DAMAGED_ARCHIVE as error:
        raise DeepcohortError(
            f"model {path}: its weights cannot be read ({error}); fetch or train it again"
        ) from error
    try:
        file.pool("both")
        file.cnn_weights  # noqa: B018 - read here, so that a model without them is told in one line
    except (KeyError, TypeError, ValueError) as error:
        raise DeepcohortError(
            f"model {path} was calibrated by another deepcohort than this {deepcohort.__version__} "
            f"({error}); retrain it or use the deepcohort that made it"
        ) from error
    return file


def assets_folders() -> list[Path]:
    """Where shipped models may lie, first choice first."""
    import sys

    if os.environ.get("DEEPCOHORT_ASSETS"):
        return [Path(os.environ["DEEPCOHORT_ASSETS"])]
    package = Path(deepcohort.__file__).resolve().parent
    return [package.parents[1] / "assets", package / "assets", Path(sys.prefix) / "share/deepcohort/assets"]


def find_model(model: str, platform: str) -> Path:
    """Path of `model`, or of the shipped one for `platform` where it is "auto".

    DEEPCOHORT_ASSETS names the assets folder; otherwise it is looked for in the source tree, in the
    installed package, and under the environment's share/deepcohort.

    Raises:
        DeepcohortError: no shipped model for the platform.
    """
    if model != "auto":
        return Path(model)
    folders = assets_folders()
    for folder in folders:
        path = folder / "models" / f"{platform}{SUFFIX}"
        if path.is_file():
            return path
    shipped = sorted({p.stem for f in folders for p in (f / "models").glob(f"*{SUFFIX}")})
    raise DeepcohortError(
        f"no shipped model for platform {platform} (shipped: {', '.join(shipped) or 'none'}); "
        "train one with: deepcohort train, and give it with --model FILE"
    )
