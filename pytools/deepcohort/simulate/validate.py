"""What a profile must hold before reads are drawn from it: every array of its type, shape and range."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels import HOT_RATES, MAX_COPIES, MAX_UNIT
from deepcohort.simulate.long_profile import N_RUN_CLASSES

_MOST_LEVELS = 256
_TRACTS = MAX_UNIT * MAX_COPIES
_WHOLE = 1e-3  # how far a cumulative distribution may end from 1


@dataclass(frozen=True, slots=True)
class _Rule:
    """An array's kinds of type, shape (a letter stands for a length that must agree), range and order.

    `order`: "" none, "up" the last axis ascends, "cdf" it also ends at 1.
    """

    kinds: str
    shape: tuple[int | str, ...]
    low: float
    high: float
    order: str = ""


_SHARE = (0.0, 1.0 + _WHOLE)
_CONTEXT = {"context_factor": _Rule("f", (64,), 0, 1e4), "sub_cdf": _Rule("f", (64, 4), *_SHARE, "cdf")}
_SLIPS = {"slip_del": _Rule("f", (_TRACTS,), 0, 1), "slip_ins": _Rule("f", (_TRACTS,), 0, 1)}
_RULES: dict[str, dict[str, _Rule]] = {
    "illumina": {
        "quals": _Rule("u", ("K",), 0, 93, "up"),
        "class_cdf": _Rule("f", ("G",), *_SHARE, "cdf"),
        "mate_class_cdf": _Rule("f", ("G", "G"), *_SHARE, "cdf"),
        "start_cdf": _Rule("f", (2, "G", "K"), *_SHARE, "cdf"),
        "trans_cdf": _Rule("u", (2, "G", "B", "K", "K"), 0, 255),
        "cycle_bin": _Rule("i", ("C",), 0, np.inf, "up"),
        "sub_rate": _Rule("f", ("K",), 0, 1),
        "cycle_factor": _Rule("f", (2, "C"), 0, 1e4),
        **_CONTEXT,
        **_SLIPS,
        "slip_more": _Rule("f", (MAX_UNIT,), 0, 1),
        "insert_quantiles": _Rule("f", ("Q",), 1, 1e6, "up"),
        "gc_weight": _Rule("f", (21,), 0, 1e4),
        "hot_cdf": _Rule("f", (len(HOT_RATES),), *_SHARE, "cdf"),
        "hot_context": _Rule("f", (64,), 0, 1e4),
        "error_cdf": _Rule("f", ("K",), *_SHARE, "cdf"),
        "hot_density": _Rule("f", (), 0, 1),
        "duplicate_rate": _Rule("f", (), 0, 1),
        "chimera_rate": _Rule("f", (), 0, 1),
        "splice_rate": _Rule("f", (), 0, 1),
        "coverage_sd": _Rule("f", (), 0, 10),
    },
    "long": {
        "length_quantiles": _Rule("f", ("Q",), 1, 1e7, "up"),
        "class_cdf": _Rule("f", ("G",), *_SHARE, "cdf"),
        "value_cdf": _Rule("f", ("K", 94), *_SHARE, "cdf"),
        "start_cdf": _Rule("f", ("G", "K"), *_SHARE, "cdf"),
        "trans_cdf": _Rule("u", ("G", N_RUN_CLASSES, "K", "K"), 0, 255),
        "sub_rate": _Rule("f", ("K",), 0, 1),
        **_CONTEXT,
        **_SLIPS,
        "slip_factor": _Rule("f", ("K",), 0, 1e4),
        "slip_more": _Rule("f", (MAX_UNIT,), 0, 1),
    },
}


def check_profile(kind: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """See that the arrays of a profile of `kind` (illumina, long), as its file holds them, are sound.

    Raises:
        ValueError: one has another type or shape, NaN, or a value out of range; the text says which.
    """
    lengths: dict[str, int] = {}
    for name, rule in _RULES[kind].items():
        array = arrays[name]
        if array.dtype.kind not in rule.kinds or array.dtype.itemsize > 8:
            raise ValueError(f"{name} is of type {array.dtype}")
        fits = array.ndim == len(rule.shape)
        for wanted, length in zip(rule.shape, array.shape, strict=False):
            if isinstance(wanted, str):
                wanted = lengths.setdefault(wanted, length)
            fits = fits and wanted == length
        if not fits or not array.size:
            raise ValueError(f"{name} has shape {array.shape}")
        values = array.astype(np.float64)
        if not np.isfinite(values).all() or values.min() < rule.low or values.max() > rule.high:
            raise ValueError(f"{name} holds NaN or a value out of range")
        if rule.order and (np.diff(values, axis=-1) < 0).any():
            raise ValueError(f"{name} does not ascend")
        if rule.order == "cdf" and (abs(values[..., -1] - 1) > _WHOLE).any():
            raise ValueError(f"{name} does not end at 1")
    if lengths["K"] > _MOST_LEVELS:
        raise ValueError(f"{lengths['K']} levels of quality")
    if "cycle_bin" in arrays and int(arrays["cycle_bin"].max()) >= lengths["B"]:  # type: ignore[call-overload]
        raise ValueError("cycle_bin names a bin that trans_cdf lacks")
    if "gc_weight" in arrays and not float(arrays["gc_weight"].max()) > 0:  # type: ignore[arg-type]
        raise ValueError("gc_weight is nowhere above 0")
