"""How the two networks' logits become probabilities: blend, calibration or pool, and cascade threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.calibrate import Calibration, fit_calibration, mean_nll, settle_threshold
from deepcohort.model.pool import Pool, fit_pool

_BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of the CNN in the mean of logits
PARTS = ("small", "cnn", "both")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the networks say of N examples: logits float32 (N, 3), features (N, F), label int8 (N,)."""

    cnn: NDArray[np.float32]
    small: NDArray[np.float32]
    features: NDArray[np.float32]
    label: NDArray[np.int8]

    def blend(self, weight: float) -> NDArray[np.float32]:
        """Mean of the logits with share `weight` of the CNN."""
        return np.asarray(weight * self.cnn + (1 - weight) * self.small, dtype=np.float32)

    def take(self, rows: NDArray[np.bool_]) -> "Outputs":
        """The examples `rows`."""
        return Outputs(self.cnn[rows], self.small[rows], self.features[rows], self.label[rows])


@dataclass(frozen=True, slots=True)
class Combination:
    """What `combine` found.

    Attributes:
        weight: share of the CNN. settle: confidence at which the feature model alone decides.
        calibration: per part (small, cnn, both), from the validation part of training examples.
        pools: per part, from natural examples; empty where there are none. They go before calibration.
    """

    weight: float
    settle: float
    calibration: Mapping[str, Calibration]
    pools: Mapping[str, Pool]

    def probabilities(self, part: str, outputs: Outputs) -> NDArray[np.float64]:
        """P(0, 1, 2 copies) of a part, or of the cascade, float64 (N, 3)."""
        if part == "cascade":
            small = self.probabilities("small", outputs)
            easy = small.max(axis=1) >= self.settle
            return np.where(easy[:, None], small, self.probabilities("both", outputs))
        logits = outputs.blend({"small": 0.0, "cnn": 1.0, "both": self.weight}[part])
        if self.pools:
            return self.pools[part](logits, outputs.features)
        return self.calibration[part](logits)

    def facts(self) -> dict[str, Any]:
        """What model.json says of it."""
        facts: dict[str, Any] = {
            "cnn_weight": self.weight,
            "settle_confidence": self.settle,
            "calibration": {
                k: {"temperature": c.temperature, "knots": c.knots, "values": c.values}
                for k, c in self.calibration.items()
            },
        }
        if self.pools:
            facts["pool"] = {k: p.facts() for k, p in self.pools.items()}
        return facts


def combine(
    validation: Outputs, method: str, settle_error: float, natural: Outputs | None = None
) -> Combination:
    """Blend, calibration and threshold of greatest likelihood.

    Calibration by `method` and the blend come from `validation`. Where `natural` examples are given (and
    enough), pools come from them and the threshold too.
    """
    fits = {w: fit_calibration(validation.blend(w), validation.label, method) for w in _BLENDS}
    losses = {w: mean_nll(fits[w](validation.blend(w)), validation.label) for w in _BLENDS}
    pools: dict[float, Pool] = {}
    if natural is not None:
        for w in _BLENDS:
            pool = fit_pool(natural.blend(w), natural.features, natural.label)
            if pool is None:
                pools = {}
                break
            pools[w] = pool
    weight = min(_BLENDS, key=lambda w: losses[w])
    blend_of = {"small": 0.0, "cnn": 1.0, "both": weight}
    found = Combination(
        weight,
        2.0,
        {part: fits[w] for part, w in blend_of.items()},
        {part: pools[w] for part, w in blend_of.items()} if pools else {},
    )
    judged = natural if pools and natural is not None else validation
    settle = settle_threshold(
        found.probabilities("small", judged), found.probabilities("both", judged), judged.label, settle_error
    )
    return Combination(weight, settle, found.calibration, found.pools)
