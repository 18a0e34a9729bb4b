"""Misfit: is a window like anything that was simulated?

Statistics are standardised and turned to the principal components of the training loci; the distance of a
window is measured in their units, and its misfit is the share of held-out training loci that lie farther out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALARM_P = 0.01  # windows below count as strange
ALARM_SHARE = 0.05  # a genome with more of them raises the alarm
_COMPONENTS = 12
_POINTS = 201


@dataclass(frozen=True, slots=True)
class Familiar:
    """What training loci look like.

    Attributes:
        mean, scale: float32 (F,), of statistics. axes: float32 (F, D), principal components over their
            standard deviations. distances: float32 (201,), quantiles of the distance of held-out loci.
        low, high: float32 (F,), 0.5 and 99.5 % quantiles of each statistic.
        points: float32 (<= 400, 2), training loci on the first two components, for the picture.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    axes: NDArray[np.float32]
    distances: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    points: NDArray[np.float32]

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """By name, for the model file."""
        return {name: np.asarray(getattr(self, name), np.float32) for name in self.__slots__}

    def components(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Windows on the components, (N, D), in units of their standard deviation."""
        z = np.clip((features - self.mean) * self.scale, -50, 50)
        return np.asarray(z.astype(np.float64) @ self.axes.astype(np.float64))

    def distance(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Root mean square over components, and over what no component explains."""
        z = np.clip((features - self.mean) * self.scale, -50, 50).astype(np.float64)
        c = z @ self.axes
        norms = np.maximum((self.axes**2).sum(axis=0), 1e-12)
        rest = z - (c / norms) @ self.axes.T
        inner = (c**2).mean(axis=1) if c.shape[1] else np.zeros(len(z))
        return np.asarray(np.sqrt(inner + (rest**2).mean(axis=1)))

    def strangeness(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Share of held-out training loci that are farther out, at least 1 / 400."""
        if not len(features):
            return np.empty(0)
        at = np.searchsorted(self.distances, self.distance(features)) / (_POINTS - 1)
        return np.asarray(np.maximum(1.0 - at, 0.5 / (_POINTS - 1)))

    def outside(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Share of windows (F,) outside the central 99 % of each statistic."""
        return np.asarray(((features < self.low) | (features > self.high)).mean(axis=0))


def learn_familiar(features: NDArray[np.float32], held_out: NDArray[np.float32]) -> Familiar:
    """Familiar of training statistics (N, F), its distances those of `held_out` (M, F)."""
    mean, sd = features.mean(axis=0), features.std(axis=0)
    scale = np.where(sd > 1e-6, 1.0 / np.maximum(sd, 1e-6), 0.0).astype(np.float32)
    z = (features - mean) * scale
    _, s, vt = np.linalg.svd(z.astype(np.float64), full_matrices=False)
    sds = s / np.sqrt(max(len(z) - 1, 1))
    keep = min(_COMPONENTS, int((sds > 0.1).sum()))
    axes = (vt[:keep].T / sds[:keep]).astype(np.float32)
    low, high = np.quantile(features, [0.005, 0.995], axis=0).astype(np.float32)
    plain = Familiar(
        mean, scale, axes, np.zeros(_POINTS, np.float32), low, high, np.zeros((0, 2), np.float32)
    )
    distances = np.quantile(plain.distance(held_out), np.linspace(0, 1, _POINTS)).astype(np.float32)
    points = plain.components(features[:400])[:, :2].astype(np.float32)
    return Familiar(mean, scale, axes, distances, low, high, points)


def alarm(p: NDArray[np.float64]) -> tuple[float, bool]:
    """Share of strange windows, and whether that raises the alarm."""
    share = float((p < ALARM_P).mean()) if len(p) else 0.0
    return share, share > ALARM_SHARE
