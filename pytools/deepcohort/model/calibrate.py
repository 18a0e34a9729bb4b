"""Calibration: probabilities that mean what they say. Numpy alone; runs at call time too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.types import N_CLASSES

_LEAST_SETTLED = 0.98  # below, sites go to the CNN whatever validation says
FLOOR = 1e-7  # no model knows better than this; GQ of about 70


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of logits (B, C), float64."""
    z = logits.astype(np.float64)
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(z / z.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A correction of logits.

    Attributes:
        temperature: logits are divided by it.
        knots, values: per class, isotonic map of probability (ascending, piecewise linear); empty =
            none. Rows are normalised afterwards.
    """

    temperature: float = 1.0
    knots: tuple[tuple[float, ...], ...] = ()
    values: tuple[tuple[float, ...], ...] = ()

    def __call__(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities float64 (B, 3), rows sum to 1, none below FLOOR."""
        p = softmax(logits / self.temperature)
        if self.knots:
            p = np.stack(
                [np.interp(p[:, c], self.knots[c], self.values[c]) for c in range(N_CLASSES)], axis=1
            )
        p = np.maximum(p, FLOOR)
        return np.asarray(p / p.sum(axis=1, keepdims=True))


def mean_nll(p: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean -ln of the probability of the true class."""
    return float(-np.log(np.maximum(p[np.arange(len(labels)), labels], 1e-12)).mean())


def fit_calibration(logits: NDArray[np.floating], labels: NDArray[np.integer], method: str) -> Calibration:
    """Calibration of `method` (none, temperature, isotonic) by the examples' likelihood."""
    if method == "none" or len(labels) == 0:
        return Calibration()
    grid = np.exp(np.linspace(np.log(0.4), np.log(5.0), 61))
    best = min(grid, key=lambda t: mean_nll(softmax(logits / t), labels))
    temperature = float(round(best, 4))
    if method == "temperature":
        return Calibration(temperature)
    p = softmax(logits / temperature)
    knots, values = [], []
    for c in range(N_CLASSES):
        x, y = _isotonic(p[:, c], (labels == c).astype(np.float64))
        knots.append(tuple(x.tolist()))
        values.append(tuple(y.tolist()))
    return Calibration(temperature, tuple(knots), tuple(values))


def _isotonic(
    p: NDArray[np.float64], hit: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool-adjacent-violators means of `hit` ordered by `p`, as (knots, values)."""
    order = np.argsort(p, kind="stable")
    sums: list[float] = []
    sizes: list[int] = []
    places: list[float] = []
    for x, h in zip(p[order], hit[order], strict=True):
        sums.append(float(h))
        sizes.append(1)
        places.append(float(x))
        while len(sums) > 1 and sums[-2] * sizes[-1] >= sums[-1] * sizes[-2]:
            s, n, q = sums.pop(), sizes.pop(), places.pop()
            places[-1] = (places[-1] * sizes[-1] + q * n) / (sizes[-1] + n)
            sums[-1] += s
            sizes[-1] += n
    # half a count on each side: a block of 50 hits does not prove certainty
    means = (np.array(sums) + 0.5) / (np.array(sizes) + 1.0)
    x = np.array(places)
    return np.concatenate([[0.0], x, [1.0]]), np.maximum.accumulate(
        np.concatenate([means[:1], means, means[-1:]])
    )


def reliability(
    p: NDArray[np.floating], labels: NDArray[np.integer], max_phred: int = 60, step: int = 5
) -> list[tuple[float, int, int]]:
    """Claimed against observed: (mean claimed error, examples, errors) by phred bin of the claim."""
    claimed = 1.0 - p.max(axis=1)
    wrong = p.argmax(axis=1) != labels
    bins = np.clip(-10 * np.log10(np.maximum(claimed, 1e-9)), 0, max_phred - 1e-6) // step
    return [
        (float(claimed[bins == b].mean()), int((bins == b).sum()), int(wrong[bins == b].sum()))
        for b in np.unique(bins)
    ]


def settle_threshold(
    small: NDArray[np.floating], both: NDArray[np.floating], labels: NDArray[np.integer], wanted_error: float
) -> float:
    """Least confidence at which the feature model may settle a site without asking the CNN.

    `small` and `both` are probabilities (N, 3) of the feature model alone and of the two together.
    Settling costs an error where `small` is wrong and `both` is right; their share among settled
    sites stays below `wanted_error`. Errors that both make cost nothing: the CNN would not mend them.

    Returns 2.0 (nothing is settled) where no confidence will do.
    """
    confidence = small.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    lost = (small.argmax(axis=1) != labels) & (both.argmax(axis=1) == labels)
    share = np.cumsum(lost[order]) / np.arange(1, len(order) + 1)
    # a small set proves little: one loss more than seen, unless the set could not show it
    doubt = 1.0 / np.arange(1, len(order) + 1)
    fine = share + doubt <= max(wanted_error, 2.0 / max(len(order), 1))
    if not fine.any():
        return 2.0
    return max(float(confidence[order[np.nonzero(fine)[0].max()]]), _LEAST_SETTLED)
