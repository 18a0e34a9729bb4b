"""What a model's answer rests on: inputs are changed and put to it again. No gradients, so no torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.pileup.config import CHANNELS
from deepcohort.pileup.features import FEATURE_MEANINGS, FEATURE_NAMES
from deepcohort.pileup.types import LazyPredictor

# features float32 (B, F) and pixels uint8 (B, channels, rows, columns) to P(0, 1, 2 copies), (B, 3)
Predict = Callable[[NDArray[np.float32], NDArray[np.uint8]], NDArray[np.floating]]

_FLOOR = 1e-7
_BATCH = 256
# channels of one base that are forgotten when the base is: it reads N of quality 0, as if not seen
_UNSEEN = {"base": 32, "quality": 0, "mismatch": 0, "indel": 0}
# kinds of evidence by how features' names begin; the first that fits counts, the last takes the rest
KINDS: dict[str, tuple[str, ...]] = {
    "likelihood of the reads": ("lod_", "phase"),
    "numbers of reads": ("depth", "n_alt", "n_ref", "vaf", "other_fraction", "none_fraction"),
    "qualities": ("quality", "ratio", "mapq"),
    "strand and place in the read": (
        "alt_forward", "ref_forward", "strand", "alt_minor_strand", "alt_end", "ref_end", "alt_at_end",
        "alt_place", "alt_cycle", "read_length",
    ),
    "sequence around": (
        "is_", "indel_length", "homopolymer", "repeat", "gc", "complexity", "substitution",
    ),
    "company: clips, mismatches, pairs, neighbours": ("",),
}  # fmt: skip
_SUPPORT = CHANNELS.index("support")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one site feature adds to the log10 odds of an answer, beside its usual value in training."""

    name: str
    meaning: str
    value: float
    usual: float
    log10_odds: float


@dataclass(frozen=True, slots=True)
class Saliency:
    """What the CNN's log10 odds of an answer lose without a part of the picture (positive: it speaks for it).

    Attributes:
        cells: float64 (rows, columns), without the base; 0 where no read lies.
        reads: float64 (rows,), without the read.
        channels: float64 (channels,), with the channel flattened to its mean over what reads cover.
    """

    cells: NDArray[np.float64]
    reads: NDArray[np.float64]
    channels: NDArray[np.float64]


def predict_of(predictor: LazyPredictor) -> Predict:
    """A predictor as a function of features and pixels."""
    return lambda features, pixels: predictor.predict_lazily(features, lambda rows: pixels[rows])


def log10_odds(p: NDArray[np.floating], copies: int) -> NDArray[np.float64]:
    """log10 odds of `copies`, float64 (B,), of probabilities (B, 3)."""
    own = np.clip(p[:, copies].astype(np.float64), _FLOOR, 1 - _FLOOR)
    return np.asarray(np.log10(own / (1 - own)))


def feature_contributions(
    predict: Predict,
    features: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    usual: NDArray[np.float32],
    copies: int,
) -> list[Contribution]:
    """Every feature's share in the odds of `copies`, the weightiest first.

    Args:
        features: float32 (F,). pixels: uint8 (channels, rows, columns). usual: float32 (F,), as in training.

    Features overlap: what one says others often say too, so shares do not add up to the odds.
    """
    n = len(features)
    changed = np.repeat(features[None], n + 1, axis=0)
    changed[np.arange(n), np.arange(n)] = usual
    odds = log10_odds(predict(changed, np.repeat(pixels[None], n + 1, axis=0)), copies)
    shares = odds[n] - odds[:n]
    order = np.argsort(-np.abs(shares), kind="stable")
    return [
        Contribution(
            FEATURE_NAMES[k], FEATURE_MEANINGS[k], float(features[k]), float(usual[k]), float(shares[k])
        )
        for k in order
    ]


def kind_of(name: str) -> str:
    """The kind of evidence that a feature is."""
    return next(kind for kind, starts in KINDS.items() if name.startswith(starts))


def kind_contributions(
    predict: Predict,
    features: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    usual: NDArray[np.float32],
    copies: int,
) -> dict[str, float]:
    """log10 odds of `copies` that each kind of features adds, all of the kind beside their usual values."""
    kinds = list(KINDS)
    of_feature = np.array([kinds.index(kind_of(name)) for name in FEATURE_NAMES])
    changed = np.repeat(features[None], len(kinds) + 1, axis=0)
    for k in range(len(kinds)):
        changed[k, of_feature == k] = usual[of_feature == k]
    odds = log10_odds(predict(changed, np.repeat(pixels[None], len(changed), axis=0)), copies)
    return {kind: float(odds[-1] - odds[k]) for k, kind in enumerate(kinds)}


def saliency(
    predict: Predict, features: NDArray[np.float32], pixels: NDArray[np.uint8], copies: int
) -> Saliency:
    """Which bases, reads and channels of a picture the CNN's answer `copies` rests on; `predict`: the CNN."""
    n_channels, n_rows, n_columns = pixels.shape
    there = pixels[_SUPPORT] > 0  # (rows, columns)
    rows = np.flatnonzero(there.any(axis=1))
    cells = np.argwhere(there)
    pictures = np.concatenate(
        [
            pixels[None],
            np.stack([_without_read(pixels, int(row)) for row in rows]) if len(rows) else pixels[None][:0],
            np.stack([_flattened(pixels, there, channel) for channel in range(n_channels)]),
        ]
    )
    odds = _odds(predict, features, pictures, copies)
    reads = np.zeros(n_rows)
    reads[rows] = odds[0] - odds[1 : 1 + len(rows)]
    found = np.zeros((n_rows, n_columns))
    for start in range(0, len(cells), _BATCH):
        part = cells[start : start + _BATCH]
        changed = np.repeat(pixels[None], len(part), axis=0)
        for name, value in _UNSEEN.items():
            changed[np.arange(len(part)), CHANNELS.index(name), part[:, 0], part[:, 1]] = value
        found[part[:, 0], part[:, 1]] = odds[0] - _odds(predict, features, changed, copies)
    return Saliency(found, reads, odds[0] - odds[1 + len(rows) :])


def _without_read(pixels: NDArray[np.uint8], row: int) -> NDArray[np.uint8]:
    changed = pixels.copy()
    changed[:, row] = 0
    return changed


def _flattened(pixels: NDArray[np.uint8], there: NDArray[np.bool_], channel: int) -> NDArray[np.uint8]:
    changed = pixels.copy()
    if there.any():
        changed[channel][there] = np.rint(pixels[channel][there].mean()).astype(np.uint8)
    return changed


def _odds(
    predict: Predict, features: NDArray[np.float32], pictures: NDArray[np.uint8], copies: int
) -> NDArray[np.float64]:
    return log10_odds(predict(np.repeat(features[None], len(pictures), axis=0), pictures), copies)
