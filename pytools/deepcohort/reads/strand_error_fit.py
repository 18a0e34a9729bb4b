"""How many sites of a context reads of one strand misread, and how often: a mixture fitted by EM."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)  # of the strand's reads that err at a site
_BEGIN = 0.01  # of the sites err
_PRIOR_SITES = 1_000
_PRIOR_VARIANTS = np.array([1.0, 0.5, 1.0])  # of them heterozygotes, homozygotes, odd ones
_LEAST_ERROR = 1e-4
_ROUNDS = 60
_N_FIXED = 4  # kinds of sites that do not err: plain, heterozygous, homozygous, odd


@dataclass(frozen=True, slots=True)
class Fit:
    """What fits best.

    Attributes:
        more_ln: how much likelier (ln) than that no site errs so.
        by_share: float64 (K,), share of the sites that err in each of SHARES of the strand's reads.
        error: of a base of the other strand. heterozygotes: share of the sites.
    """

    more_ln: float
    by_share: NDArray[np.float64]
    error: float
    heterozygotes: float

    @property
    def sites(self) -> float:
        """Share of the sites that err."""
        return float(self.by_share.sum())


def fit(rows: NDArray[np.int64], times: NDArray[np.int64]) -> Fit:
    """The fit to sites of these counts.

    Args:
        rows: int64 (U, 4), distinct counts: bases and ALT of the strand, bases and ALT of the other.
        times: int64 (U,), how many sites have them.
    """
    without, _, _ = _by_em(rows, times, 0.0)
    likelihood, weights, error = _by_em(rows, times, _BEGIN)
    return Fit(likelihood - without, weights[_N_FIXED:], error, float(weights[1]))


def _by_em(
    rows: NDArray[np.int64], times: NDArray[np.int64], begin: float
) -> tuple[float, NDArray[np.float64], float]:
    """(ln likelihood, weights of the kinds of sites, error of the other strand); `begin`: share that errs."""
    n, wrong, n_other, wrong_other = rows.T
    weights = np.concatenate(
        [[0.0], _PRIOR_VARIANTS / _PRIOR_SITES, np.full(len(SHARES), begin / len(SHARES))]
    )
    weights[0] = 1 - weights.sum()
    bases = max(int((times * (n + n_other)).sum()), 1)
    errors = np.full(2, max(float((times * (wrong + wrong_other)).sum()) / bases, _LEAST_ERROR))
    likelihood = 0.0
    for _ in range(_ROUNDS):
        with np.errstate(divide="ignore"):
            joint = _logs(rows, errors) + np.log(weights)
        total = np.logaddexp.reduce(joint, axis=1)
        likelihood = float((times * total).sum())
        held = np.exp(joint - total[:, None]) * times[:, None]
        weights = held.sum(axis=0)
        # variants are few: of few sites, what is usual
        variants = (weights[1:_N_FIXED] + _PRIOR_VARIANTS) / (times.sum() + _PRIOR_SITES)
        weights[1:_N_FIXED] = 0
        weights *= (1 - variants.sum()) / weights.sum()
        weights[1:_N_FIXED] = variants
        plain, of_other = held[:, 0], held[:, 0] + held[:, _N_FIXED:].sum(axis=1)
        errors[0] = max(float(plain @ wrong) / max(float(plain @ n), 1.0), _LEAST_ERROR)
        errors[1] = max(float(of_other @ wrong_other) / max(float(of_other @ n_other), 1.0), _LEAST_ERROR)
    return likelihood, weights, float(errors[1])


def _logs(rows: NDArray[np.int64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 (U, _N_FIXED + K): ln P(counts | kind of site)."""
    n, wrong, n_other, wrong_other = rows.T
    other = _log_share(wrong_other, n_other, errors[1])
    return np.column_stack(
        [
            _log_share(wrong, n, errors[0]) + other,
            _log_share(wrong, n, 0.5) + _log_share(wrong_other, n_other, 0.5),
            _log_share(wrong, n, 0.99) + _log_share(wrong_other, n_other, 0.99),
            _log_uniform(wrong, n) + _log_uniform(wrong_other, n_other),
            *(_log_share(wrong, n, share) + other for share in SHARES),
        ]
    )


def _log_share(k: NDArray[np.int64], n: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    """ln P of `k` given ones of `n`, each with `p`."""
    return np.asarray(k * np.log(p) + (n - k) * np.log1p(-p))


def _log_uniform(k: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """ln P of `k` given ones of `n`, whose share is anything."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, int(n.max(initial=0)) + 2)))))
    return np.asarray(logs[k] + logs[n - k] - logs[n + 1])
