"""A trained filter: a small network over what the calling network and the caller say of a record."""

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import DAMAGED_ARCHIVE, read_arrays
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.names import name_problem
from deepcohort.core.outputs import atomic_outputs
from deepcohort.filter.annotations import Annotations, plain_annotations
from deepcohort.filter.score import NETWORK_NAMES

FORMAT = "deepcohort filter 2"
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED_ARCHIVE, TypeError, AttributeError)
_CUT = 6.0  # standard deviations
_MAX_SCORE = 10.0


def squash(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """sign(x) log(1 + |x|): annotations span from fractions to millions."""
    return np.sign(values) * np.log1p(np.abs(values))


@dataclass(frozen=True, slots=True)
class CallerClassifier:
    """M small networks over K inputs with one hidden layer of H units, and their calibration.

    Attributes:
        path: where it was read from, for messages. model_name, model_version: the calling network.
        annotations: of the caller. about: what it was trained on, for people.
        fill, mean, scale: float64 (K,), value for what is absent; standardisation.
        w1 (M, K, H), b1 (M, H), w2 (M, H), b2 (M,): float64.
        slope, offset: of the calibration of the mean logit.
        snp_threshold, indel_threshold: log10 odds of the largest F1 on held-out records.
    """

    path: str
    model_name: str
    model_version: str
    annotations: Annotations
    about: dict[str, object]
    fill: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    w1: NDArray[np.float64]
    b1: NDArray[np.float64]
    w2: NDArray[np.float64]
    b2: NDArray[np.float64]
    slope: float
    offset: float
    snp_threshold: float
    indel_threshold: float

    def prepared(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised inputs, float64 (n, K)."""
        x = np.where(np.isnan(inputs), self.fill, squash(inputs))
        return np.clip((x - self.mean) * self.scale, -_CUT, _CUT)

    def logits(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Natural-log odds by each network, float64 (M, n), not calibrated."""
        x = self.prepared(inputs)
        hidden = np.tanh(np.einsum("nk,mkh->mnh", x, self.w1) + self.b1[:, None, :])
        return np.asarray(np.einsum("mnh,mh->mn", hidden, self.w2) + self.b2[:, None])

    def score(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated log10 odds that a record is right, float64 (n,)."""
        logit = self.slope * self.logits(inputs).mean(axis=0) + self.offset
        return np.clip(logit / np.log(10), -_MAX_SCORE, _MAX_SCORE)


_ARRAYS = ("fill", "mean", "scale", "w1", "b1", "w2", "b2")
_NUMBERS = ("slope", "offset", "snp_threshold", "indel_threshold")


def save_head(head: CallerClassifier, path: Path) -> None:
    """Write a filter file: a zip of arrays and JSON; nothing in it runs code."""
    about = {
        "format": FORMAT,
        "model_name": head.model_name,
        "model_version": head.model_version,
        "inputs": list(NETWORK_NAMES),
        "annotations": list(head.annotations.names),
        "per_alt": sorted(head.annotations.per_alt),
        "about": head.about,
        **{name: getattr(head, name) for name in _NUMBERS},
    }
    with atomic_outputs(path) as (temporary,), open(temporary, "wb") as out:
        arrays = {name: getattr(head, name) for name in _ARRAYS}
        np.savez_compressed(out, about=np.array(json.dumps(about)), **arrays)


def load_head(path: Path) -> CallerClassifier:
    """Read a filter file.

    Raises:
        DeepcohortError: missing, damaged, or made by another version of the encoder.
    """
    if not path.exists():
        raise DeepcohortError(f"filter {path} does not exist; train one with: deepcohort filter --train")
    try:
        arrays: dict[str, Any] = read_arrays(path, ("about", *_ARRAYS))
        about = json.loads(str(arrays.pop("about").item()))
        if about.get("format") == FORMAT and about.get("inputs") == list(NETWORK_NAMES):
            _check_head(about, arrays)
    except _DAMAGED as error:
        raise DeepcohortError(f"filter {path} is no trained filter ({error}); train it again") from error
    if about.get("format") != FORMAT or about.get("inputs") != list(NETWORK_NAMES):
        raise DeepcohortError(f"filter {path} was made by another version of deepcohort; train it again")
    return CallerClassifier(
        str(path),
        about["model_name"],
        about["model_version"],
        plain_annotations(about["annotations"], about["per_alt"]),
        about["about"],
        *(arrays[name] for name in _ARRAYS),
        *(float(about[name]) for name in _NUMBERS),
    )


def _check_head(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """See that names, numbers and arrays are there, finite and of shapes that go together.

    Raises:
        ValueError, KeyError, TypeError: they are not.
    """
    for key in ("model_name", "model_version"):
        if not isinstance(about[key], str) or name_problem(about[key]):
            raise ValueError(f"{key} is no plain name")
    for key in ("annotations", "per_alt"):
        if not isinstance(about[key], list) or not all(isinstance(name, str) for name in about[key]):
            raise ValueError(f"{key} is no list of names")
    annotations = plain_annotations(about["annotations"], about["per_alt"])
    if not isinstance(about["about"], dict) or len(set(about["annotations"])) != len(about["annotations"]):
        raise ValueError("an annotation stands there twice, or what it was trained on is missing")
    n_inputs = len(NETWORK_NAMES) + len(annotations.names)
    m, h = arrays["b1"].shape if arrays["b1"].ndim == 2 else (0, 0)
    shapes = ((n_inputs,), (n_inputs,), (n_inputs,), (m, n_inputs, h), (m, h), (m, h), (m,))
    for name, shape in zip(_ARRAYS, shapes, strict=True):
        array = arrays[name]
        if array.dtype != np.float64 or array.shape != shape or not array.size:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity")
    for name in _NUMBERS:
        if isinstance(about[name], bool) or not isfinite(float(about[name])):
            raise ValueError(f"{name} is no number")
