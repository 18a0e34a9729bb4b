"""How the two networks' logits become probabilities: blend, calibration or pool, and cascade threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.calibrate import Calibration, fit_calibration, mean_nll, settle_threshold
from deepcohort.model.likelihood_pool import Pool, fit_pool
from deepcohort.pileup.features import F

_BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of the CNN in the mean of logits
_LEAST_INDELS = 200  # natural examples that choose a weight for indels; fewer, and validation does
PARTS = ("small", "cnn", "both")
Weights = tuple[float, float]  # shares of the CNN at SNPs and at indels


_SMALL: Weights = (0.0, 0.0)
_CNN: Weights = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the networks say of N examples: logits float32 (N, 3), features (N, F), label int8 (N,)."""

    cnn: NDArray[np.float32]
    small: NDArray[np.float32]
    features: NDArray[np.float32]
    label: NDArray[np.int8]

    @property
    def is_snp(self) -> NDArray[np.bool_]:
        """Bool (N,)."""
        return np.asarray(self.features[:, F.is_snp] > 0)

    def blend(self, weights: Weights) -> NDArray[np.float32]:
        """Mean of the logits with these shares of the CNN."""
        at_snps, at_indels = np.array(weights, np.float32)
        share = np.where(self.is_snp, at_snps, at_indels)[:, None]
        return np.asarray(share * self.cnn + (1 - share) * self.small, dtype=np.float32)

    def take(self, rows: NDArray[np.bool_]) -> "Outputs":
        """The examples `rows`."""
        return Outputs(self.cnn[rows], self.small[rows], self.features[rows], self.label[rows])


@dataclass(frozen=True, slots=True)
class Combination:
    """What `combine` found.

    Attributes:
        weights: shares of the CNN. settle: confidence at which the feature model alone decides.
        calibration: per part (small, cnn, both), from the validation part of training examples.
        pools: per part, from natural examples; empty where there are none. They go before calibration.
    """

    weights: Weights
    settle: float
    calibration: Mapping[str, Calibration]
    pools: Mapping[str, Pool]

    def probabilities(self, part: str, outputs: Outputs) -> NDArray[np.float64]:
        """P(0, 1, 2 copies) of a part, or of the cascade, float64 (N, 3)."""
        if part == "cascade":
            small = self.probabilities("small", outputs)
            easy = small.max(axis=1) >= self.settle
            return np.where(easy[:, None], small, self.probabilities("both", outputs))
        logits = outputs.blend({"small": _SMALL, "cnn": _CNN, "both": self.weights}[part])
        if self.pools:
            return self.pools[part](logits, outputs.features)
        return self.calibration[part](logits)

    def facts(self) -> dict[str, Any]:
        """What model.json says of it."""
        facts: dict[str, Any] = {
            "cnn_weight": {"snp": self.weights[0], "indel": self.weights[1]},
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

    Calibration by `method` comes from `validation`, and one weight for all types. Where `natural` examples
    are given (and enough), pools come from them, a weight for each type, and the threshold.
    """
    fits = {w: fit_calibration(validation.blend((w, w)), validation.label, method) for w in _BLENDS}
    losses = {w: mean_nll(fits[w](validation.blend((w, w))), validation.label) for w in _BLENDS}
    best = min(_BLENDS, key=lambda w: losses[w])
    weights = (best, best)
    pools: dict[str, Pool] = {}
    if natural is not None:
        weights, pools = _pools(natural, weights)
    both = fit_calibration(validation.blend(weights), validation.label, method)
    calibration = {"small": fits[0.0], "cnn": fits[1.0], "both": both}
    found = Combination(weights, 2.0, calibration, pools)
    judged = natural if pools and natural is not None else validation
    settle = settle_threshold(
        found.probabilities("small", judged), found.probabilities("both", judged), judged.label, settle_error
    )
    return Combination(weights, settle, calibration, pools)


def _pools(natural: Outputs, weights: Weights) -> tuple[Weights, dict[str, Pool]]:
    """The weights under which natural examples are likeliest, by type, and the pool of each part.

    `weights` come back, and no pool, where there are too few; a type with too few keeps its own.
    """
    by_weight: dict[float, Pool] = {}
    losses: dict[float, Weights] = {}
    snp = natural.is_snp
    for w in _BLENDS:
        logits = natural.blend((w, w))
        pool = fit_pool(logits, natural.features, natural.label)
        if pool is None:
            return weights, {}
        p = pool(logits, natural.features)
        by_weight[w] = pool
        losses[w] = (
            mean_nll(p[snp], natural.label[snp]),
            mean_nll(p[~snp], natural.label[~snp]) if not snp.all() else 0.0,
        )
    at_snps = min(_BLENDS, key=lambda w: losses[w][0])
    at_indels = weights[1]
    if (~snp).sum() >= _LEAST_INDELS:
        at_indels = min(_BLENDS, key=lambda w: losses[w][1])
    both = Pool(by_weight[at_snps].weights, by_weight[at_indels].indels)
    return (at_snps, at_indels), {"small": by_weight[0.0], "cnn": by_weight[1.0], "both": both}
