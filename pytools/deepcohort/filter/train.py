"""Training a filter on labelled records of a caller."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.sample import settings_for
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.filter.annotations import Annotations, annotations_of
from deepcohort.filter.apply import judge_segment
from deepcohort.filter.caller_classifier import CallerClassifier, squash
from deepcohort.filter.config import FilterConfig, TrainFilterConfig
from deepcohort.filter.score import Scorer
from deepcohort.formats.vcf_text import VcfTextReader
from deepcohort.pileup.types import LazyPredictor
from deepcohort.reads.load import open_reads

UNKNOWN, WRONG, RIGHT = -1, 0, 1
_TAKEN, _LEFT = 0.75, 0.001  # of the gain in F1; at most this much is left


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """One call set with its truth.

    Attributes:
        labels: of a contig's records in file order, int8 (n,): RIGHT, WRONG, or UNKNOWN.
        n_truth: true records (SNP, indel) that a call set could find.
    """

    vcf: Path
    reads: Sequence[Path]
    reference: Path
    labels: Callable[[str], NDArray[np.int8]]
    n_truth: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Labelled:
    """N labelled records: inputs (N, K), right, is_snp bool (N,), fold int8 (N,)."""

    inputs: NDArray[np.float64]
    right: NDArray[np.bool_]
    is_snp: NDArray[np.bool_]
    fold: NDArray[np.int64]


def collect(
    item: LabelledSet, predictor: LazyPredictor, annotations: Annotations, config: TrainFilterConfig
) -> Labelled:
    """Judge every labelled record of one call set.

    Raises:
        DeepcohortError: unreadable inputs.
    """
    inputs: list[NDArray[Any]] = []
    right: list[NDArray[Any]] = []
    snps: list[NDArray[Any]] = []
    folds: list[NDArray[Any]] = []
    seen: dict[str, int] = {}
    settings = settings_for(item.reads, item.reference, predictor.platform)
    with (
        ReferenceFasta(item.reference) as fasta,
        open_reads(item.reads, item.reference, settings.reads) as source,
    ):
        scorer = Scorer(source, fasta, predictor, FilterConfig(), settings.candidates)
        reader = VcfTextReader(item.vcf)
        try:
            for segment in reader.segments():
                first = seen.get(segment.contig, 0)
                seen[segment.contig] = first + len(segment.lines)
                labels = item.labels(segment.contig)[first : first + len(segment.lines)]
                judged, snp = judge_segment(segment, scorer, annotations)
                use = judged.known & (labels != UNKNOWN)
                inputs.append(judged.inputs[use])
                right.append(labels[use] == RIGHT)
                snps.append(snp[use])
                # neighbours stay together: a fold must not know the other's haplotypes
                folds.append(segment.lines[use, 0] // config.piece_bp * 2654435761 % 2**32 % config.folds)
        finally:
            reader.close()
    if not inputs:
        raise DeepcohortError(f"{item.vcf} holds no record to train on; give a call set")
    return Labelled(*(np.concatenate(x) for x in (inputs, right, snps, folds)))


def train_filter(
    items: Sequence[LabelledSet], predictor: LazyPredictor, config: TrainFilterConfig | None = None
) -> CallerClassifier:
    """Train a filter on labelled call sets of one caller.

    Raises:
        DeepcohortError: too few right or wrong records to learn from; unreadable inputs.
    """
    config = config or TrainFilterConfig()
    annotations = Annotations((), frozenset())
    if config.use_annotations:
        headers = [_header(item.vcf) for item in items]
        names = [name for name in headers[0].names if all(name in h.names for h in headers)]
        annotations = Annotations(tuple(names), headers[0].per_alt)
    parts = [collect(item, predictor, annotations, config) for item in items]
    data = Labelled(*(np.concatenate([getattr(p, n) for p in parts]) for n in Labelled.__slots__))
    n_wrong = int((~data.right).sum())
    if min(n_wrong, len(data.right) - n_wrong) < config.min_records:
        raise DeepcohortError(
            f"{len(data.right) - n_wrong} right and {n_wrong} wrong records inside the confident regions are "
            f"too few to train a filter; give call sets with {config.min_records} of each at least"
        )
    n_truth = (sum(item.n_truth[0] for item in items), sum(item.n_truth[1] for item in items))
    head = fit(data, n_truth, config)
    about = {"records": len(data.right), "wrong": n_wrong, "call_sets": [item.vcf.name for item in items]}
    return replace(
        head, annotations=annotations, about=about, model_name=predictor.name, model_version=predictor.version
    )


def _header(vcf: Path) -> Annotations:
    reader = VcfTextReader(vcf)
    try:
        return annotations_of(reader.header.lines)
    finally:
        reader.close()


def fit(data: Labelled, n_truth: tuple[int, int], config: TrainFilterConfig) -> CallerClassifier:
    """One network per fold (trained on the others), calibration and thresholds on held-out scores."""
    squashed = squash(data.inputs)
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(squashed).all(axis=0)
    fill = np.zeros(squashed.shape[1])
    fill[known] = np.nanmedian(squashed[:, known], axis=0)
    full = np.where(np.isnan(squashed), fill, squashed)
    spread = full.std(axis=0)
    scale = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0)
    fold = _filled_folds(data.fold, config.folds)
    k, h, m = squashed.shape[1], config.hidden, int(fold.max()) + 1
    zeros = np.zeros
    head = CallerClassifier(
        "", "", "", Annotations((), frozenset()), {}, fill, full.mean(axis=0), scale,
        zeros((m, k, h)), zeros((m, h)), zeros((m, h)), zeros(m), 1.0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    x = head.prepared(data.inputs)
    y = data.right.astype(np.float64)
    held_out = np.zeros(len(y))
    for i in range(m):
        mine = fold == i
        weights = _descend(x[~mine], y[~mine], x[mine], y[mine], config, i)
        head.w1[i], head.b1[i], head.w2[i], head.b2[i] = weights
        held_out[mine] = _forward(x[mine], *weights)[1]
    slope, offset = _calibrate(held_out, y)
    score = (slope * held_out + offset) / np.log(10)
    thresholds = [
        best_threshold(score[chosen], data.right[chosen], n)
        for chosen, n in ((data.is_snp, n_truth[0]), (~data.is_snp, n_truth[1]))
    ]
    return replace(
        head, slope=slope, offset=offset, snp_threshold=thresholds[0], indel_threshold=thresholds[1]
    )


def _filled_folds(fold: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """Folds numbered without gaps: short stretches fill few of them, and an empty one stops no training.

    Records of one piece of genome alone are dealt out one by one.
    """
    filled, numbers = np.unique(fold, return_inverse=True)
    return numbers if len(filled) > 1 else np.arange(len(fold)) % folds


def best_threshold(score: NDArray[np.float64], right: NDArray[np.bool_], n_truth: int) -> float:
    """Lowest threshold that brings most of what the best one would add to F1 = 2 TP / (TP + FP + n_truth).

    The best one is a guess from few wrong records, and what it loses is lost for good: three quarters of
    the gain are taken, or all but 0.001. It lies half-way between two scores, and never above 0: a record
    more likely right than wrong costs more when it goes than when it stays. 0 of nothing.
    """
    if not len(score):
        return 0.0
    order = np.argsort(-score, kind="stable")
    s, hit = score[order], right[order]
    last = np.concatenate([s[1:] != s[:-1], [True]])
    tp, n = np.cumsum(hit)[last], np.arange(1, len(s) + 1)[last]
    f1 = 2 * tp / (n + max(n_truth, int(hit.sum())))
    enough = f1.max() - min((1 - _TAKEN) * (f1.max() - f1[-1]), _LEFT)
    at = int(np.flatnonzero(f1 >= enough - 1e-12)[-1])
    levels = s[last]
    below = levels[at + 1] if at + 1 < len(levels) else levels[at] - 1
    return float(min(0.0, (levels[at] + below) / 2))


Weights = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]


def _forward(
    x: NDArray[np.float64],
    w1: NDArray[np.float64],
    b1: NDArray[np.float64],
    w2: NDArray[np.float64],
    b2: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hidden = np.tanh(x @ w1 + b1)
    return hidden, hidden @ w2 + b2


def _log_loss(logit: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(np.mean(np.logaddexp(0, logit) - y * logit)) if len(y) else 0.0


def _descend(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_out: NDArray[np.float64],
    y_out: NDArray[np.float64],
    config: TrainFilterConfig,
    seed: int,
) -> Weights:
    """Adam on log loss with weight decay; the epoch with the least loss on what is held out."""
    rng = np.random.default_rng([config.seed, seed])
    k, h = x.shape[1], config.hidden
    base = np.log((y.sum() + 1) / (len(y) - y.sum() + 1))
    values = [
        rng.normal(0, 1 / np.sqrt(k), (k, h)),
        np.zeros(h),
        rng.normal(0, 0.1 / np.sqrt(h), h),
        np.array(base),
    ]
    moments = [(np.zeros_like(v), np.zeros_like(v)) for v in values]
    best, best_loss, waited, step = [v.copy() for v in values], np.inf, 0, 0
    for _ in range(config.epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), config.batch):
            rows = order[start : start + config.batch]
            step += 1
            gradients = _gradients(x[rows], y[rows], values, config.decay)
            for v, g, (m1, m2) in zip(values, gradients, moments, strict=True):
                m1 += 0.1 * (g - m1)
                m2 += 0.001 * (g * g - m2)
                v -= config.lr * (m1 / (1 - 0.9**step)) / (np.sqrt(m2 / (1 - 0.999**step)) + 1e-8)
        loss = _log_loss(_forward(x_out, *values)[1], y_out)  # type: ignore[arg-type]
        waited += 1
        if loss < best_loss - 1e-5:
            best, best_loss, waited = [v.copy() for v in values], loss, 0
        if waited >= config.patience:
            break
    return best[0], best[1], best[2], float(best[3])


def _gradients(
    x: NDArray[np.float64], y: NDArray[np.float64], values: list[NDArray[np.float64]], decay: float
) -> list[NDArray[np.float64]]:
    w1, b1, w2, b2 = values
    hidden, logit = _forward(x, w1, b1, w2, float(b2))
    error = (1 / (1 + np.exp(-logit)) - y) / len(y)
    back = np.outer(error, w2) * (1 - hidden * hidden)
    return [x.T @ back + decay * w1, back.sum(axis=0), hidden.T @ error + decay * w2, np.array(error.sum())]


def _calibrate(logit: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset of the least log loss (Platt 1999), by Newton's method with a weak prior at (1, 0)."""
    slope, offset = 1.0, 0.0
    design = np.stack([logit, np.ones_like(logit)], axis=1)
    for _ in range(25):
        p = 1 / (1 + np.exp(-(slope * logit + offset)))
        gradient = design.T @ (p - y) + np.array([slope - 1, offset])
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.eye(2)
        change = np.linalg.solve(hessian, gradient)
        slope, offset = slope - float(change[0]), offset - float(change[1])
        if np.abs(change).max() < 1e-9:
            break
    return max(slope, 0.05), offset
