"""What a genome looks like as a whole: the context in which a model judges each of its windows.

Whether a window is odd depends on the history of its population, which a window cannot tell and a genome can.
Where histories are drawn at random for every training locus, the statistics that a genome of that history has
on average are estimated by a quadratic regression of neutral loci's statistics on the history's parameters.
Their main components stand beside each training locus; of a cohort they come from its own windows. A share of
training loci has zeros there instead: the background is unknown.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_WINDOWS = 50  # below which the background of a cohort counts as unknown
UNKNOWN_SHARE = 0.2
_NOISE = 0.15  # of contexts in training: a cohort has no infinity of windows
_COMPONENTS = 4
_FARTHEST = 3.0
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Background:
    """From statistics of many windows to a context.

    Attributes:
        low, high: float64 (F,), beyond which a window's statistic counts as if there.
        centre: float64 (F,), mean over histories.
        axes: float64 (F, C), to components with a standard deviation of 1 over histories.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    axes: NDArray[np.float64]

    def context(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Context (C,) of a cohort by the statistics (N, F) of its windows."""
        mean = np.clip(features.astype(np.float64), self.low, self.high).mean(axis=0)
        return self.place(mean)

    def place(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Contexts (..., C) of mean statistics (..., F)."""
        return np.asarray(np.clip((mean - self.centre) @ self.axes, -_FARTHEST, _FARTHEST))

    def facts(self) -> dict[str, Any]:
        """As plain values, for the model file."""
        return {name: np.asarray(getattr(self, name)).tolist() for name in self.__slots__}


def background_from_facts(facts: dict[str, Any] | None) -> Background | None:
    """From `Background.facts()`."""
    if facts is None:
        return None
    return Background(**{name: np.asarray(values, np.float64) for name, values in facts.items()})


def learn_background(
    features: NDArray[np.floating], history: NDArray[np.floating], neutral: NDArray[np.bool_]
) -> tuple[Background, NDArray[np.float64]]:
    """The Background of training loci, and the context (N, C) of each.

    features: (N, F). history: (N, P), parameters that a whole genome shares. neutral: (N,), loci that say
    what genomes of a history look like.
    """
    low, high = np.quantile(features[neutral], [0.01, 0.99], axis=0).astype(np.float64)
    y = np.clip(features.astype(np.float64), low, high)
    design = _quadratic(history, neutral)
    own = design[neutral]
    normal = own.T @ own + _RIDGE * np.eye(own.shape[1])
    expected = design @ np.linalg.solve(normal, own.T @ y[neutral])
    centre, sd = expected[neutral].mean(axis=0), y[neutral].std(axis=0)
    scale = np.where(sd > 1e-9, 1.0 / np.maximum(sd, 1e-9), 0.0)
    _, s, vt = np.linalg.svd((expected[neutral] - centre) * scale, full_matrices=False)
    keep = min(_COMPONENTS, int((s > 1e-6).sum()))
    spread = s[:keep] / np.sqrt(max(int(neutral.sum()) - 1, 1))
    background = Background(low, high, centre, scale[:, None] * vt[:keep].T / spread)
    return background, background.place(expected)


def _quadratic(values: NDArray[np.floating], neutral: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1, standardised values, their squares and products; those that span much as logarithms."""
    v = values.astype(np.float64)
    wide = (v > 0).all(axis=0) & (v.max(axis=0) > 5 * np.maximum(v.min(axis=0), 1e-300))
    v = np.where(wide, np.log(np.maximum(v, 1e-300)), v)
    x = (v - v[neutral].mean(axis=0)) / np.maximum(v[neutral].std(axis=0), 1e-12)
    first, second = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, first] * x[:, second]])


def taught_contexts(
    contexts: NDArray[np.float64], taught: NDArray[np.bool_], seed: int
) -> NDArray[np.float64]:
    """Contexts with the noise of a finite genome; of those `taught` (N,) a share is unknown."""
    rng = np.random.default_rng([seed, 11])
    out = np.clip(contexts + rng.normal(0, _NOISE, contexts.shape), -_FARTHEST, _FARTHEST)
    out[taught & (rng.random(len(out)) < UNKNOWN_SHARE)] = 0.0
    return out
