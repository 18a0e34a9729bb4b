"""The classical ways beside the network: the same loci to learn from, the same to be judged on.

ABC by rejection and by regression adjustment on the summary statistics (Beaumont et al. 2002; multinomial
regression of the model index among the loci accepted), ABC on the network's outputs (as Kirschner et al.
2022), a random forest, an MLP and a logistic regression on the statistics, and the best single statistic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.calibrate import mean_nll, softmax

TOLERANCE = 0.05
_LEAST_ACCEPTED = 50
_BOOTSTRAPS = 1_000
_NEED = (
    "scikit-learn is missing, which the random forest and the MLP need; install deepcohort with its popgen "
    "extra: pip install 'deepcohort[popgen]'"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Loci as the classical ways see them: features float (N, F) and labels int (N,)."""

    features: NDArray[np.floating]
    label: NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one method with 95 % bootstrap intervals over test loci.

    Attributes:
        accuracy, auc: value, low, high; auc is the mean over classes of one against the rest.
        nll: mean -ln p of the true class. behind: accuracy of the network less this one's, paired.
    """

    accuracy: tuple[float, float, float]
    auc: tuple[float, float, float]
    nll: float
    behind: tuple[float, float, float] | None = None


def area_under_curve(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Chance that a positive scores higher than a negative, ties half (Mann and Whitney 1947)."""
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not n1 or not n0:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((rank[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def mean_auc(p: NDArray[np.floating], label: NDArray[np.integer]) -> float:
    """Mean over classes of one against the rest; of two classes simply that."""
    classes = range(1, 2) if p.shape[1] == 2 else range(p.shape[1])
    return float(np.mean([area_under_curve(p[:, k], label == k) for k in classes]))


def standardised(train: NDArray[np.floating], *others: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """All by the median absolute deviation of `train`; columns that do not vary are left out."""
    middle = np.median(train, axis=0)
    mad = np.median(np.abs(train - middle), axis=0) * 1.4826
    sd = train.std(axis=0)
    scale = np.where(mad > 1e-9, mad, sd)
    keep = scale > 1e-9
    return [
        np.clip((x[:, keep] - middle[keep]) / scale[keep], -10, 10).astype(np.float64)
        for x in (train, *others)
    ]


def abc_posteriors(
    train: Sample,
    features: NDArray[np.floating],
    n_classes: int,
    adjust: bool,
    tolerance: float = TOLERANCE,
    left_out: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """Posterior model probabilities float64 (N, K) by ABC; `left_out`: training locus hidden from each row.

    The nearest `tolerance` of training loci are accepted. Rejection: their shares of each class. `adjust`:
    ridge multinomial regression of the class on the statistics, Epanechnikov weights, evaluated at the
    observed statistics.
    """
    x, y = standardised(train.features, features)
    others = len(x) - (left_out is not None)
    n = max(min(_LEAST_ACCEPTED, others), round(tolerance * others))
    out = np.empty((len(y), n_classes))
    for i, row in enumerate(y):
        d = np.sqrt(((x - row) ** 2).sum(axis=1))
        if left_out is not None:
            d[left_out[i]] = np.inf
        near = np.argpartition(d, n - 1)[:n]
        near = near[np.argsort(d[near], kind="stable")]
        weight = 1.0 - (d[near] / max(d[near].max() * 1.0001, 1e-12)) ** 2
        label = train.label[near]
        if adjust:
            out[i] = _local_regression(x[near] - row, label, weight, n_classes)
        else:
            share = np.bincount(label, minlength=n_classes) + 1.0 / n_classes
            out[i] = share / share.sum()
    return out


def _local_regression(
    z: NDArray[np.float64], label: NDArray[np.integer], weight: NDArray[np.float64], n_classes: int
) -> NDArray[np.float64]:
    """Class probabilities at the origin of a weighted ridge multinomial regression."""
    from scipy.optimize import minimize

    share = np.bincount(label, minlength=n_classes) + 1.0 / n_classes
    if len(set(label.tolist())) < 2:
        return np.asarray(share / share.sum())
    design = np.column_stack([np.ones(len(z)), z])
    onehot = np.eye(n_classes)[label] * weight[:, None]
    f = design.shape[1]

    def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        b = flat.reshape(f, n_classes)
        p = softmax(design @ b)
        value = (
            -(onehot * np.log(np.maximum(p, 1e-300))).sum()
            + 0.5 * (b[1:] ** 2).sum()
            + 1e-3 * (b[0] ** 2).sum()
        )
        slope = design.T @ (p * weight[:, None] - onehot)
        slope[1:] += b[1:]
        slope[0] += 2e-3 * b[0]
        return float(value), slope.ravel()

    found = minimize(cost, np.zeros(f * n_classes), jac=True, method="L-BFGS-B", options={"maxiter": 60})
    return softmax(found.x.reshape(f, n_classes)[:1])[0]


def abc_parameters(
    train: NDArray[np.floating],
    values: NDArray[np.floating],
    features: NDArray[np.floating],
    tolerance: float = TOLERANCE,
) -> NDArray[np.float64]:
    """Posterior medians float64 (N,) of a parameter, adjusted by local-linear regression."""
    there = np.isfinite(values)
    x, y = standardised(train[there], features)
    v = values[there].astype(np.float64)
    n = max(min(_LEAST_ACCEPTED, len(x)), round(tolerance * len(x)))
    out = np.empty(len(y))
    for i, row in enumerate(y):
        d = np.sqrt(((x - row) ** 2).sum(axis=1))
        near = np.argpartition(d, n - 1)[:n]
        w = 1.0 - (d[near] / max(d[near].max() * 1.0001, 1e-12)) ** 2
        design = np.column_stack([np.ones(n), x[near] - row])
        normal = design.T @ (design * w[:, None]) + np.diag([0.0, *np.ones(design.shape[1] - 1)])
        slope = np.linalg.solve(normal, design.T @ (w * v[near]))
        adjusted = v[near] - (x[near] - row) @ slope[1:]
        order = np.argsort(adjusted)
        out[i] = adjusted[order][np.searchsorted(np.cumsum(w[order]), w.sum() / 2)]
    return out


def best_statistic(
    train: Sample, features: NDArray[np.floating], names: tuple[str, ...], n_classes: int
) -> tuple[str, NDArray[np.float64]]:
    """The statistic that tells classes apart best in training, and class probabilities by its histogram."""
    areas = [
        np.mean(
            [abs(area_under_curve(train.features[:, k], train.label == c) - 0.5) for c in range(n_classes)]
        )
        for k in range(train.features.shape[1])
    ]
    best = int(np.argmax(areas))
    # a smooth likelihood ratio: a logistic curve of the statistic's rank
    edges = np.unique(np.quantile(train.features[:, best], np.linspace(0, 1, 41)[1:-1]))
    own = np.searchsorted(edges, train.features[:, best])
    new = np.searchsorted(edges, features[:, best])
    counts = np.stack(
        [np.bincount(own[train.label == c], minlength=len(edges) + 1) for c in range(n_classes)]
    )
    density = (counts + 0.5) / (counts.sum(axis=1, keepdims=True) + 0.5 * counts.shape[1])
    p = (density / density.sum(axis=0)).T[new]
    if n_classes == 2:  # ties within bins broken by the statistic itself, for the area
        sign = 1.0 if area_under_curve(train.features[:, best], train.label == 1) > 0.5 else -1.0
        rank = np.searchsorted(np.sort(train.features[:, best]), features[:, best]) / len(own)
        p = np.clip(p + 1e-6 * sign * np.column_stack([-rank, rank]), 1e-9, 1)
    return names[best], p


def random_forest(
    train: Sample, features: NDArray[np.floating], n_classes: int, seed: int
) -> NDArray[np.float64]:
    """Class probabilities of 500 trees on the statistics."""
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ImportError as error:
        raise DeepcohortError(_NEED) from error
    forest = RandomForestClassifier(500, min_samples_leaf=2, random_state=seed).fit(
        train.features, train.label
    )
    return _spread(forest.predict_proba(features), forest.classes_, n_classes)


def mlp(train: Sample, features: NDArray[np.floating], n_classes: int, seed: int) -> NDArray[np.float64]:
    """Class probabilities of five MLPs on the statistics, stopped early, averaged."""
    try:
        from sklearn.neural_network import MLPClassifier
    except ImportError as error:
        raise DeepcohortError(_NEED) from error
    x, y = standardised(train.features, features)
    total = np.zeros((len(y), n_classes))
    for k in range(5):
        net = MLPClassifier(
            (64, 32), alpha=1e-2, learning_rate_init=2e-3, early_stopping=True, n_iter_no_change=20,
            max_iter=300, random_state=seed + k,
        ).fit(x, train.label)  # fmt: skip
        total += _spread(net.predict_proba(y), net.classes_, n_classes)
    return total / 5


def _spread(p: NDArray[np.float64], classes: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    out = np.zeros((len(p), n_classes))
    out[:, classes] = p
    return out


def baselines(
    train: Sample, features: NDArray[np.floating], names: tuple[str, ...], n_classes: int, seed: int = 1
) -> dict[str, NDArray[np.float64]]:
    """Class probabilities (N, K) of every classical way for `features`, by name."""
    best, p = best_statistic(train, features, names, n_classes)
    ways: dict[str, Callable[[], NDArray[np.float64]]] = {
        "ABC rejection": lambda: abc_posteriors(train, features, n_classes, adjust=False),
        "ABC regression": lambda: abc_posteriors(train, features, n_classes, adjust=True),
        "random forest": lambda: random_forest(train, features, n_classes, seed),
        "MLP on statistics": lambda: mlp(train, features, n_classes, seed),
    }
    return {f"best statistic ({best})": p, **{name: way() for name, way in ways.items()}}


def score(
    p: NDArray[np.floating],
    label: NDArray[np.integer],
    network: NDArray[np.floating] | None = None,
    seed: int = 1,
) -> Score:
    """Figures of probabilities (N, K), with bootstrap intervals; `network`: what to be compared with."""
    rng = np.random.default_rng(seed)
    hit = p.argmax(axis=1) == label
    gap = (network.argmax(axis=1) == label).astype(float) - hit if network is not None else None
    draws = rng.integers(0, len(label), (_BOOTSTRAPS, len(label)))
    accuracy = hit[draws].mean(axis=1)
    auc = [mean_auc(p[d], label[d]) for d in draws[:200]]
    behind = None
    if gap is not None:
        behind = (float(gap.mean()), *_interval(gap[draws].mean(axis=1)))
    return Score(
        (float(hit.mean()), *_interval(accuracy)), (mean_auc(p, label), *_interval(np.array(auc))),
        mean_nll(np.maximum(p, 1e-6), label), behind,
    )  # fmt: skip


def _interval(values: NDArray[np.floating]) -> tuple[float, float]:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def bayes_factors(p: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of the best model against each (N, K), equal priors: ratios of posterior probabilities."""
    return np.asarray(p.max(axis=1, keepdims=True) / np.maximum(p, 1e-12))
