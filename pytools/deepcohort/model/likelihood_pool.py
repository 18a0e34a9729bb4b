"""What the networks say pooled with what the bases' own qualities say. Numpy alone; runs at call time.

Training maps qualities through random steps, so that no instrument's values are learned; the networks
therefore lean little on them, and shy from sites of two or three good reads, which simulations of many
errors make false. Where qualities are honest, the likelihood of the reads under 0, 1 and 2 copies (the
features lod_*) is worth more than that. The pool is a multinomial logistic regression of the true number
of copies on both (a log-linear pool with weights that depend on the number of ALT reads), fitted on
examples of natural class frequencies and untouched qualities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.calibrate import FLOOR, Calibration, fit_calibration, mean_nll, softmax
from deepcohort.model.types import N_CLASSES
from deepcohort.pileup.features import F

_LN10 = float(np.log(10.0))
_CUT_LOGIT = 20.0
_CUT_NEAR, _CUT_FAR = 15.0, 40.0  # nats of the naive likelihood: past a few reads it says little more
_FEW_READS = (1, 2, 3)  # numbers of ALT reads with terms of their own
_TYPICAL_DEPTH_LOG = 2.5  # ln of 1 + reads
_CUT_DEPTH = 1.5  # around that: natural examples have 2 to 54 reads, more must not be extrapolated
_RIDGE = 1e-5  # per example, on standardised terms; ten times more costs held-out likelihood and all GQ > 36
_STEPS = 60
LEAST_EXAMPLES = 500  # of SNPs; fewer cannot carry the terms' weights

TERMS = (
    "one",
    "logit_het",
    "logit_hom",
    "naive_het_near",
    "naive_het_far",
    "naive_hom_het",
    "depth",
    "substitution",
    *(f"{name}_{n}" for n in _FEW_READS for name in ("alt_reads", "naive_het_alt_reads")),
)


def _unsigned(signed_log: NDArray[np.float32]) -> NDArray[np.float64]:
    """The number whose signed log1p a feature holds."""
    x = signed_log.astype(np.float64)
    return np.asarray(np.sign(x) * np.expm1(np.abs(x)))


def pool_terms(logits: NDArray[np.floating], features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Terms of the regression, float64 (B, len(TERMS)), of logits (B, 3) and site features (B, F)."""
    z = logits.astype(np.float64)
    het = _unsigned(features[:, F.lod_het_phased]) * _LN10
    hom_het = _unsigned(features[:, F.lod_hom]) * _LN10 - het
    near = np.clip(het, -_CUT_NEAR, _CUT_NEAR)
    n_alt = np.rint(features[:, F.n_alt_small] * 10)
    columns = [
        np.ones(len(z)),
        np.clip(z[:, 1] - z[:, 0], -_CUT_LOGIT, _CUT_LOGIT),
        np.clip(z[:, 2] - z[:, 0], -_CUT_LOGIT, _CUT_LOGIT),
        near,
        np.clip(het, -_CUT_NEAR, _CUT_FAR),
        np.clip(hom_het, -_CUT_NEAR, _CUT_NEAR),
        np.clip(
            features[:, F.depth_log].astype(np.float64) * 4 - _TYPICAL_DEPTH_LOG, -_CUT_DEPTH, _CUT_DEPTH
        ),
        features[:, F.substitution].astype(np.float64) * _LN10,
    ]
    for n in _FEW_READS:
        some = (n_alt <= n if n == 1 else n_alt == n).astype(np.float64)
        columns += [some, some * near]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True)
class Pool:
    """Probabilities of copies from logits and site features.

    Attributes:
        weights: per term the logits of 1 and of 2 copies against 0, of SNPs.
        indels: calibration of everything else: repeats have likelihoods of their own, which the
            realignment's ratios carry to the networks already.
    """

    weights: tuple[tuple[float, float], ...]
    indels: Calibration

    def __call__(self, logits: NDArray[np.floating], features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities float64 (B, 3), rows sum to 1, none below FLOOR."""
        p = self.indels(logits)
        snps = np.flatnonzero(features[:, F.is_snp] > 0)
        if len(snps):
            p[snps] = _snp_probabilities(pool_terms(logits[snps], features[snps]), np.array(self.weights))
        return p

    def facts(self) -> dict[str, Any]:
        """As model.json holds it; `pool_from_facts` reads it."""
        return {
            "terms": list(TERMS),
            "weights": [list(w) for w in self.weights],
            "indel_temperature": self.indels.temperature,
        }


def pool_from_facts(facts: Mapping[str, Any]) -> Pool:
    """The pool whose `facts` these are.

    Raises:
        ValueError: made for other terms.
    """
    if tuple(facts["terms"]) != TERMS:
        raise ValueError("pooled from other terms")
    weights = tuple((float(a), float(b)) for a, b in facts["weights"])
    return Pool(weights, Calibration(float(facts["indel_temperature"])))


def _snp_probabilities(terms: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    z = np.zeros((len(terms), N_CLASSES))
    # not by BLAS, whose order of sums depends on the number of sites
    z[:, 1:] = (terms[:, :, None] * weights).sum(axis=1)
    p = np.maximum(softmax(z), FLOOR)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def fit_pool(
    logits: NDArray[np.floating], features: NDArray[np.float32], labels: NDArray[np.integer]
) -> Pool | None:
    """The pool of greatest likelihood; None where there are too few SNPs, or of one class only."""
    snp = features[:, F.is_snp] > 0
    y = labels[snp].astype(np.int64)
    if len(y) < LEAST_EXAMPLES or len(np.unique(y)) < N_CLASSES:
        return None
    weights = _fit_logistic(pool_terms(logits[snp], features[snp]), y)
    return Pool(
        tuple((float(a), float(b)) for a, b in weights),
        fit_calibration(logits[~snp], labels[~snp], "temperature"),
    )


def _fit_logistic(terms: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights float64 (T, 2) by Newton's method with step halving; class 0 is the reference."""
    mean, sd = terms.mean(axis=0), terms.std(axis=0)
    mean[0], sd[0] = 0.0, 1.0
    sd = np.where(sd > 1e-9, sd, np.inf)  # a term that never varies gets weight 0
    x = (terms - mean) / sd
    n, t = x.shape
    one_hot = np.eye(N_CLASSES)[y][:, 1:]
    w = np.zeros((t, 2))
    loss = _ridge_loss(x, y, w)
    for _ in range(_STEPS):
        p = softmax(np.concatenate([np.zeros((n, 1)), x @ w], axis=1))[:, 1:]
        gradient = x.T @ (p - one_hot) / n + 2 * _RIDGE * w
        hessian = np.zeros((2 * t, 2 * t))
        for a in range(2):
            for b in range(2):
                v = p[:, a] * ((a == b) - p[:, b]) / n
                hessian[a * t : (a + 1) * t, b * t : (b + 1) * t] = x.T @ (v[:, None] * x)
        hessian += 2 * _RIDGE * np.eye(2 * t)
        step = np.linalg.solve(hessian, gradient.T.ravel()).reshape(2, t).T
        scale = 1.0
        while scale > 1e-6 and _ridge_loss(x, y, w - scale * step) > loss:
            scale /= 2
        w = w - scale * step
        before, loss = loss, _ridge_loss(x, y, w)
        if before - loss < 1e-10:
            break
    raw = w / sd[:, None]
    raw[0] = w[0] - mean[1:] @ raw[1:]
    return raw


def _ridge_loss(x: NDArray[np.float64], y: NDArray[np.int64], w: NDArray[np.float64]) -> float:
    p = softmax(np.concatenate([np.zeros((len(x), 1)), x @ w], axis=1))
    return mean_nll(p, y) + _RIDGE * float((w * w).sum())
