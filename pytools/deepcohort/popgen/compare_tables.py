"""Tables of `popgen compare` beyond the scores: Bayes factors of models, and cross-validation of ABC."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.popgen.compare import Sample, abc_posteriors, bayes_factors

STRONG = 10.0  # Bayes factor that Jeffreys calls strong
CROSS_VALIDATED = 200  # training loci, each judged by all others
_LEAST = 1e-6  # posterior probabilities are not told apart below


def bayes_rows(
    ways: dict[str, NDArray[np.floating]], label: NDArray[np.integer], labels: tuple[str, ...]
) -> list[list[str]]:
    """Header and rows by method and true class: mean posterior of each class, and Bayes factors of the truth.

    Priors are equal, so that the factor of the true model against the best other is the ratio of posteriors.
    """
    rows = [
        ["method", "true", "loci", *(f"mean_p_{name}" for name in labels),
         "median_bayes_factor", "strong_for_truth", "strong_against_truth"]
    ]  # fmt: skip
    for way, p in ways.items():
        factor = truth_factors(p, label)
        for k, name in enumerate(labels):
            own = label == k
            if not own.any():
                continue
            shares = [(factor[own] >= STRONG).mean(), (factor[own] <= 1 / STRONG).mean()]
            numbers = [*p[own].mean(axis=0), float(np.median(factor[own])), *shares]
            rows.append([way, name, str(int(own.sum())), *(f"{v:.4g}" for v in numbers)])
    return rows


def truth_factors(p: NDArray[np.floating], label: NDArray[np.integer]) -> NDArray[np.float64]:
    """Bayes factor (N,) of the true model against the best of the others."""
    p = np.maximum(np.asarray(p, np.float64), _LEAST)
    against = bayes_factors(p)  # of the best model against each
    row = np.arange(len(p))
    others = p.copy()
    others[row, label] = 0.0
    return np.asarray(against[row, others.argmax(axis=1)] / against[row, label])


def cross_validation_rows(sample: Sample, labels: tuple[str, ...], seed: int) -> list[list[str]]:
    """Header and rows by method and true class: how training loci are called by ABC from all others."""
    n, k = len(sample.label), len(labels)
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[: min(CROSS_VALIDATED, n)])
    rows = [["method", "true", *(f"called_{name}" for name in labels), "correct"]]
    for way, adjust in (("ABC rejection", False), ("ABC regression", True)):
        p = abc_posteriors(sample, sample.features[chosen], k, adjust, left_out=chosen)
        truth, called = sample.label[chosen].astype(int), p.argmax(axis=1)
        for c, name in enumerate(labels):
            counts = np.bincount(called[truth == c], minlength=k)
            share = counts[c] / max(counts.sum(), 1)
            rows.append([way, name, *(str(int(v)) for v in counts), f"{share:.4f}"])
    return rows


def text_of_rows(rows: list[list[str]]) -> str:
    """As a TSV."""
    return "\n".join("\t".join(row) for row in rows) + "\n"
