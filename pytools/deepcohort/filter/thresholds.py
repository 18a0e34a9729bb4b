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


def default_thresholds(
    score: NDArray[np.float64], is_snp: NDArray[np.bool_], config: FilterConfig
) -> tuple[float, float]:
    """Thresholds (SNP, indel) of the network's own score.

    F1 is largest where records go that are less likely right than half the F1 that is reached (Lipton,
    Elkan, Narayanaswamy 2014, ECML 2:225): from even odds in good call sets to one in three. A record that
    goes wrongly is lost for good, so they must be a little more doubtful; much more in small files.

    Parameters:
        score: float64 (n,), NaN unscored.
    """
    known = ~np.isnan(score)
    n_snp, n_indel = int((is_snp & known).sum()), int((~is_snp & known).sum())
    few, many = config.few_threshold, config.threshold
    return (
        few if n_snp < config.min_records else many,
        few if n_indel < config.min_records else many,
    )


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


def fdr_thresholds(fdr: float, score: NDArray[np.float64], is_snp: NDArray[np.bool_]) -> tuple[float, float]:
    """Thresholds (SNP, indel) above which the scores expect at most a share `fdr` of wrong records.

    A record of log10 odds s is wrong with probability 1 / (1 + 10^s). The lowest threshold is taken at which
    the mean of that, over the records kept, is at most `fdr`; +inf where there is none, -inf where nothing
    was scored. The share of true records is not fitted first, as for a sensitivity: on planted calls the
    scores as they are came nearer to what was asked for.

    Parameters:
        score: float64 (n,), NaN unscored.
    """
    snp, indel = (_below(fdr, score[m & ~np.isnan(score)]) for m in (is_snp, ~is_snp))
    return snp, indel


def _below(fdr: float, score: NDArray[np.float64]) -> float:
    if not len(score):
        return -np.inf
    values, counts = np.unique(score, return_counts=True)
    best_first, n = values[::-1], np.cumsum(counts[::-1])
    wrong = np.cumsum(counts[::-1] / (1 + 10.0**best_first)) / n
    good = np.flatnonzero(wrong <= fdr)
    return float(best_first[good[-1]]) if len(good) else np.inf
