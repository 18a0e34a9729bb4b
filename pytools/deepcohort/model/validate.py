"""What a model file must hold before a read is looked at: every number named, finite and of its shape."""

import io
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.names import name_problem
from deepcohort.model.config import ACTIVATIONS
from deepcohort.model.likelihood_pool import TERMS
from deepcohort.model.types import N_CLASSES
from deepcohort.pileup.features import N_FEATURES

PARTS = ("small", "cnn", "both")
_TEMPERATURES = (1e-3, 1e3)
_MOST_LAYERS = 64
_LIMITS = ("low", "high", "mean", "scale")  # of the features, one number each


def check_about(about: Mapping[str, Any]) -> None:
    """See that model.json names what calling needs, in range.

    Raises:
        ValueError: it does not; the text says what is wrong.
    """
    for key in ("name", "version", "platform"):
        text = about.get(key)
        if not isinstance(text, str) or name_problem(text):
            raise ValueError(f"{key} {text!r:.40} is no plain name")
    if about.get("activation") not in ACTIVATIONS:
        raise ValueError(f"activation {about.get('activation')!r:.40} is unknown")
    weight = about.get("cnn_weight")
    for key in ("snp", "indel") if isinstance(weight, dict) else ("cnn_weight",):
        _number(weight if isinstance(weight, dict) else about, key, 0.0, 1.0)
    _number(about, "settle_confidence", 0.0, 2.0)
    if not isinstance(about.get("train"), dict):
        raise ValueError("its training settings are missing")
    for part in PARTS:
        _check_calibration(_object(_object(about, "calibration"), part))
        if about.get("pool"):
            _check_pool(_object(_object(about, "pool"), part))


def _object(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    if not isinstance(value, dict):
        raise ValueError(f"{key} is missing")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _number(holder: Mapping[str, Any], key: str, low: float, high: float) -> None:
    value = holder.get(key)
    if not _is_number(value) or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise ValueError(f"{key} is {value!r:.40}; it lies in {low:g} to {high:g}")


def _check_calibration(calibration: Mapping[str, Any]) -> None:
    _number(calibration, "temperature", *_TEMPERATURES)
    knots, values = calibration.get("knots"), calibration.get("values")
    if not isinstance(knots, list) or not isinstance(values, list) or len(knots) != len(values):
        raise ValueError("a calibration lacks its knots")
    if len(knots) not in (0, N_CLASSES):
        raise ValueError(f"a calibration has knots for {len(knots)} classes")
    for x, y in zip(knots, values, strict=True):
        if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y) or not x:
            raise ValueError("a calibration's knots and values differ in number")
        if not all(_is_number(number) and 0 <= number <= 1 for number in (*x, *y)):
            raise ValueError("a calibration holds what is no probability")
        if any(b < a for a, b in pairwise(x)):
            raise ValueError("a calibration's knots do not ascend")


def _check_pool(pool: Mapping[str, Any]) -> None:
    _number(pool, "indel_temperature", *_TEMPERATURES)
    weights = pool.get("weights")
    fits = isinstance(weights, list) and len(weights) == len(TERMS)
    if not fits or not all(isinstance(w, list) and len(w) == N_CLASSES - 1 for w in weights):  # type: ignore[union-attr]
        raise ValueError("its pool has weights of another shape")
    if not all(_is_number(number) for pair in weights for number in pair):  # type: ignore[union-attr]
        raise ValueError("its pool holds a weight that is no number")


def check_small(small: Mapping[str, NDArray[np.generic]]) -> None:
    """See that the feature model's arrays are float32, finite, and chain from features to classes.

    Raises:
        ValueError: they do not.
    """
    n_layers = sum(name.startswith("w") for name in small)
    shapes: dict[str, tuple[int, ...]] = {name: (N_FEATURES,) for name in _LIMITS}
    inward = N_FEATURES
    for layer in range(min(n_layers, _MOST_LAYERS)):
        weights = small.get(f"w{layer}")
        outward = len(weights) if weights is not None and weights.ndim else 0
        shapes |= {f"w{layer}": (outward, inward), f"b{layer}": (outward,)}
        inward = outward
    if not n_layers or inward != N_CLASSES or set(small) != set(shapes):
        raise ValueError("its feature model has other layers than such a model has")
    for name, shape in shapes.items():
        array = small[name]
        if array.dtype != np.float32 or array.shape != shape:
            raise ValueError(f"array {name} of its feature model is {array.dtype} {array.shape}, not {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"array {name} of its feature model holds NaN or infinity")


def check_weights(weights: bytes, most: int) -> None:
    """See that the archive of torch's weights unpacks to no more than `most` bytes.

    Raises:
        ValueError, zipfile.BadZipFile: it does, or is no archive.
    """
    with zipfile.ZipFile(io.BytesIO(weights)) as archive:
        if sum(member.file_size for member in archive.infolist()) > most:
            raise ValueError("its weights unpack to more than any such model has")
