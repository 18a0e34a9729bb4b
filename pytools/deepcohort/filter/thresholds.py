"""Thresholds for the records of one call set, by their scores alone."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.filter.config import FilterConfig

_ROUNDS = 500


def true_share(score: NDArray[np.float64], prior: float) -> tuple[float, float]:
    """Share of a call set's records that are true, and the log10 odds to add to each score for it.

    A score is meant for records of which `prior` are true. Expectation-maximisation finds the share
    under which the scores' mean probability is that share (Saerens, Latinne, Decaestecker 2002,
    Neural Computation 14:21), with one true and one false record added.

    Parameters:
        score: float64 (n,), log10 odds, none NaN.
    """
    share = prior
    for _ in range(_ROUNDS):
        shift = _log10_odds(share) - _log10_odds(prior)
        p = 1 / (1 + 10.0 ** -np.clip(score + shift, -12, 12))
        fresh = (float(p.sum()) + 1) / (len(score) + 2)
        if abs(fresh - share) < 1e-9:
            break
        share = fresh
    return share, _log10_odds(share) - _log10_odds(prior)


def _log10_odds(p: float) -> float:
    return float(np.log10(p / (1 - p)))


def fitted_thresholds(
    score: NDArray[np.float64], is_snp: NDArray[np.bool_], config: FilterConfig
) -> tuple[float, float]:
    """Thresholds (SNP, indel) of the network's own score for this call set.

    The more of a caller's records are true, the more doubtful one must be to go; from indels of which
    nearly all are true none goes: the few of low score are as often written in another way than wrong.

    Parameters:
        score: float64 (n,), NaN unscored.
    """
    out = []
    for chosen, margin, clean in (
        (is_snp, config.snp_margin, 1.0),
        (~is_snp, config.indel_margin, config.clean_indels),
    ):
        known = score[chosen & ~np.isnan(score)]
        if len(known) < config.min_fitted:
            out.append(config.few_threshold)
            continue
        share, shift = true_share(known, config.prior)
        out.append(-np.inf if share >= clean else round(margin - shift, 2))
    return out[0], out[1]


def sensitivity_thresholds(
    sensitivity: float, score: NDArray[np.float64], is_snp: NDArray[np.bool_], prior: float | None
) -> tuple[float, float]:
    """Thresholds (SNP, indel) that keep `sensitivity` per cent of the records expected to be true.

    A record of log10 odds s is true with probability 10^s / (1 + 10^s); their sum is how many are.
    -inf where nothing may be lost or nothing was scored.

    Parameters:
        score: float64 (n,), NaN unscored. prior: fit the share of true records first (see `true_share`);
            None: the scores are calibrated for this caller.
    """
    snp, indel = (_kept(sensitivity, score[m & ~np.isnan(score)], prior) for m in (is_snp, ~is_snp))
    return snp, indel


def _kept(sensitivity: float, score: NDArray[np.float64], prior: float | None) -> float:
    if not len(score) or sensitivity >= 100:
        return -np.inf
    shift = 0.0 if prior is None else true_share(score, prior)[1]
    known = np.sort(score)
    expected = 1 / (1 + 10.0 ** -(known + shift))
    lost = np.cumsum(expected) / expected.sum()
    n_lost = int(np.searchsorted(lost, 1 - sensitivity / 100, "right"))  # these may go
    return float(known[min(n_lost, len(known) - 1)])
