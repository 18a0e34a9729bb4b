"""Measures for rare positives: precision, recall, their curve, its area, and how sure each is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate.counted_records import ScoredRecords
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TOO_HARD, TP

PRECISIONS = (0.70, 0.80, 0.90, 0.95, 0.99, 0.999)
_Z95 = 1.959963984540054
_N_BOOTSTRAP = 200
_MAX_BINS = 400
_BLOCKS = 400
_MIN_BLOCK_BP, _MAX_BLOCK_BP = 10_000, 5_000_000
_SLICE = 1 << 20


def wilson(successes: float, total: float) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927); (NaN, NaN) of nothing."""
    if total <= 0:
        return math.nan, math.nan
    p = successes / total
    centre = p + _Z95**2 / (2 * total)
    spread = _Z95 * math.sqrt(p * (1 - p) / total + _Z95**2 / (4 * total**2))
    scale = 1 + _Z95**2 / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def ratio(part: float, whole: float) -> float:
    """part / whole, NaN of nothing."""
    return part / whole if whole else math.nan


def f1_score(precision: float, recall: float) -> float:
    """Harmonic mean; NaN where either is unknown or both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Counts:
    """Plain counts of a stratum; fp_gt and fn_gt are the part with a shared allele."""

    tp_truth: int
    fn: int
    tp_call: int
    fp: int
    fp_gt: int
    fn_gt: int
    too_hard: int

    @property
    def precision(self) -> float:
        """TP_call / (TP_call + FP)."""
        return ratio(self.tp_call, self.tp_call + self.fp)

    @property
    def recall(self) -> float:
        """TP_truth / (TP_truth + FN)."""
        return ratio(self.tp_truth, self.tp_truth + self.fn)

    def row(self) -> dict[str, float | int]:
        """Columns of a table row, in order."""
        low_p, high_p = wilson(self.tp_call, self.tp_call + self.fp)
        low_r, high_r = wilson(self.tp_truth, self.tp_truth + self.fn)
        return {
            "TP_truth": self.tp_truth,
            "FN": self.fn,
            "TP_call": self.tp_call,
            "FP": self.fp,
            "precision": self.precision,
            "recall": self.recall,
            "f1": f1_score(self.precision, self.recall),
            "precision_low": low_p,
            "precision_high": high_p,
            "recall_low": low_r,
            "recall_high": high_r,
            "FP_genotype": self.fp_gt,
            "FN_genotype": self.fn_gt,
            "too_hard": self.too_hard,
        }


def count(truth: NDArray[np.uint8], calls: NDArray[np.uint8]) -> Counts:
    """Counts of decisions on both sides."""
    return counts_of(np.bincount(truth, minlength=6), np.bincount(calls, minlength=6))


def counts_of(t: NDArray[np.int64], c: NDArray[np.int64]) -> Counts:
    """Counts from numbers of records by decision, int64 (6,), of truth and of calls."""
    return Counts(
        tp_truth=int(t[TP]),
        fn=int(t[MISS] + t[ALLELE_ONLY]),
        tp_call=int(c[TP]),
        fp=int(c[MISS] + c[ALLELE_ONLY]),
        fp_gt=int(c[ALLELE_ONLY]),
        fn_gt=int(t[ALLELE_ONLY]),
        too_hard=int(t[TOO_HARD] + c[TOO_HARD]),
    )


def base_columns(cell: NDArray[np.float64]) -> dict[str, float]:
    """Columns of base pairs: rows truth and calls, columns changed and right."""
    (truth, found), (called, right) = np.round(cell, 3).tolist()  # kept per record as float32
    recall, precision = ratio(found, truth), ratio(right, called)
    return {
        "truth_bp": truth,
        "found_bp": found,
        "call_bp": called,
        "right_bp": right,
        "recall_bp": recall,
        "precision_bp": precision,
        "f1_bp": f1_score(precision, recall),
    }


COUNT_COLUMNS = tuple(Counts(0, 0, 0, 0, 0, 0, 0).row())


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall as the threshold falls, K points, highest threshold first.

    Attributes:
        threshold, tp_truth, tp_call, fp, fn, precision, recall: float64 (K,). tp_truth counts truth
            records through the weights of the calls that stand for them, as vcfeval's ROC does.
        n_unscored: calls without the score (they come last, at threshold -inf).
    """

    threshold: NDArray[np.float64]
    tp_truth: NDArray[np.float64]
    tp_call: NDArray[np.float64]
    fp: NDArray[np.float64]
    fn: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    n_unscored: int


def _curve(
    threshold: NDArray, gained: NDArray, hits: NDArray, misses: NDArray, n_truth: float, n_unscored: int
) -> Curve:
    # a drawn block may hold a call and its neighbour block the truth: no more is found than there is
    tp_truth = np.minimum(np.cumsum(gained), n_truth)
    tp_call, fp = np.cumsum(hits), np.cumsum(misses)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = tp_call / (tp_call + fp)
        recall = tp_truth / n_truth if n_truth else np.full(len(gained), np.nan)
    return Curve(threshold, tp_truth, tp_call, fp, n_truth - tp_truth, precision, recall, n_unscored)


def _scored(calls: ScoredRecords, score: NDArray[np.float32] | None) -> tuple[NDArray, NDArray, NDArray]:
    """Which calls are TP or FP, bool (N,); of those the scores (absent = -inf), and whether each is a TP."""
    assert score is not None
    judged = (calls.decision == TP) | (calls.decision == MISS) | (calls.decision == ALLELE_ONLY)
    values = score[judged]
    values[~np.isfinite(values)] = -np.inf
    return judged, values, calls.decision[judged] == TP


def _scale(weight: NDArray, n_found: int | None) -> float:
    """What makes the weights of the TP calls add up to the truth records found; 1 if they nearly do."""
    total = float(weight.sum(dtype=np.float64))
    if n_found is None or total == 0 or abs(total - n_found) < 1e-3:
        return 1.0
    return n_found / total


def precision_recall_curve(
    calls: ScoredRecords, score: NDArray[np.float32] | None, n_truth: int, n_found: int | None = None
) -> Curve:
    """Curve over every distinct score of the calls; `n_truth` = TP_truth + FN of all.

    Parameters:
        n_found: TP_truth of all. Of one type the weights of the calls may add up to a little more or
            less (a SNP called within a complex record); the curve is scaled to end where the counts do.
    """
    judged, values, hit = _scored(calls, score)
    assert calls.weight is not None
    order = np.argsort(-values, kind="stable")
    values, hit = values[order], hit[order]
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])[: len(values)])
    weight = calls.weight[judged][order].astype(np.float64)
    weight[~hit] = 0
    weight *= _scale(weight, n_found)

    def by_level(column: NDArray) -> NDArray[np.float64]:
        return np.add.reduceat(column, starts, dtype=np.float64) if len(starts) else np.empty(0)

    return _curve(
        values[starts].astype(np.float64),
        by_level(weight),
        by_level(hit),
        by_level(~hit),
        n_truth,
        int(np.count_nonzero(np.isneginf(values))),
    )


def area(curve: Curve) -> float:
    """Area under the precision-recall steps (average precision: no interpolation between points)."""
    if not len(curve.recall) or not np.isfinite(curve.recall[-1]):
        return math.nan
    gained = np.diff(np.concatenate([[0.0], curve.recall]))
    return float(np.sum(np.nan_to_num(gained * curve.precision)))


def recall_at(curve: Curve, precision: float) -> float:
    """Largest recall of a threshold whose precision is at least `precision`; 0 if none reaches it."""
    if not len(curve.recall) or not np.isfinite(curve.recall[-1]):
        return math.nan
    good = curve.precision >= precision
    return float(curve.recall[good].max()) if good.any() else 0.0


def best_f1(curve: Curve) -> tuple[float, float]:
    """(largest F1, its threshold; the highest such threshold on ties)."""
    total = curve.precision + curve.recall
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(total > 0, 2 * curve.precision * curve.recall / total, np.nan)
    if not len(f1) or np.isnan(f1).all():
        return math.nan, math.nan
    at = int(np.nanargmax(f1))
    return float(f1[at]), float(curve.threshold[at])


def block_ids(truth: ScoredRecords, calls: ScoredRecords) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Genome block of each record of both sides, and the number of blocks.

    Blocks are as long as gives about 400 over the span of the data, between 10 kb and 5 Mb, so that
    neighbouring errors stay together when blocks are drawn.
    """
    if not len(truth) and not len(calls):
        return np.empty(0, np.int32), np.empty(0, np.int32), 0
    sides = (truth, calls)
    n_contigs = max(int(side.contig.max()) for side in sides if len(side)) + 1
    low, high = np.full(n_contigs, np.iinfo(np.int32).max), np.full(n_contigs, -1)
    for side in sides:
        np.minimum.at(low, side.contig, side.pos)
        np.maximum.at(high, side.contig, side.pos)
    span = int((high - low + 1)[high >= 0].sum())
    size = int(np.clip(span // _BLOCKS, _MIN_BLOCK_BP, _MAX_BLOCK_BP))
    first = np.concatenate([[0], np.cumsum(high // size + 1)]).astype(np.int32)
    ids = [first[side.contig] + side.pos // np.int32(size) for side in sides]
    used = np.zeros(int(first[-1]), dtype=bool)
    for block in ids:
        used[block] = True
    rank = (np.cumsum(used) - 1).astype(np.int32)
    return rank[ids[0]], rank[ids[1]], int(used.sum())


def bootstrap(
    truth: ScoredRecords, calls: ScoredRecords, score: NDArray[np.float32] | None, seed: int = 1
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of AUPRC, recall at each precision, best F1 and plain F1.

    Genome blocks are drawn with replacement, 200 times; scores are binned to 400 levels first.
    """
    block_t, block_c, n_blocks = block_ids(truth, calls)
    names = ["auprc", "best_f1", "f1", *(f"recall_at_precision_{p * 100:g}" for p in PRECISIONS)]
    if n_blocks < 5:
        return {name: (math.nan, math.nan) for name in names}
    judged, values, hit = _scored(calls, score)
    levels = np.unique(-values)
    if len(levels) > _MAX_BINS:
        levels = np.unique(np.quantile(-values, np.linspace(0, 1, _MAX_BINS), method="lower"))
    gained, hits, misses = _cells(calls, judged, values, hit, block_c, n_blocks, levels)
    gained *= _scale(gained, int((truth.decision == TP).sum()))
    counted = np.isin(truth.decision, (TP, MISS, ALLELE_ONLY))
    n_truth = np.bincount(block_t[counted], minlength=n_blocks)
    n_found = np.bincount(block_t[truth.decision == TP], minlength=n_blocks)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(_N_BOOTSTRAP):
        times = np.bincount(rng.integers(0, n_blocks, n_blocks), minlength=n_blocks).astype(np.float64)
        total = float(times @ n_truth)
        curve = _curve(-levels, times @ gained, times @ hits, times @ misses, total, 0)
        drawn["auprc"].append(area(curve))
        drawn["best_f1"].append(best_f1(curve)[0])
        for p in PRECISIONS:
            drawn[f"recall_at_precision_{p * 100:g}"].append(recall_at(curve, p))
        precision = ratio(float(times @ hits.sum(1)), float(times @ (hits.sum(1) + misses.sum(1))))
        drawn["f1"].append(f1_score(precision, ratio(float(times @ n_found), total)))
    out = {}
    for name, sample in drawn.items():
        known = np.array(sample)[~np.isnan(sample)]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (math.nan, math.nan)
        out[name] = (float(low), float(high))
    return out


def _cells(
    calls: ScoredRecords,
    judged: NDArray[np.bool_],
    values: NDArray[np.float32],
    hit: NDArray[np.bool_],
    block: NDArray[np.int32],
    n_blocks: int,
    levels: NDArray,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Truth gained, TP and FP by block and level of score, float64 (n_blocks, n_levels)."""
    assert calls.weight is not None
    shape = (n_blocks, len(levels))
    gained, hits, misses = (np.zeros(n_blocks * len(levels)) for _ in range(3))
    weight, block = calls.weight[judged], block[judged]
    for start in range(0, len(values), _SLICE):  # slices: the float64 temporaries stay small
        part = slice(start, start + _SLICE)
        bins = np.clip(np.searchsorted(levels, -values[part], side="right") - 1, 0, len(levels) - 1)
        cell = block[part].astype(np.int64) * len(levels) + bins
        good = hit[part]
        gained += np.bincount(cell[good], weight[part][good], len(gained))
        hits += np.bincount(cell[good], minlength=len(hits))
        misses += np.bincount(cell[~good], minlength=len(misses))
    return gained.reshape(shape), hits.reshape(shape), misses.reshape(shape)


def score_measures(
    truth: ScoredRecords, calls: ScoredRecords, score: NDArray[np.float32] | None, name: str
) -> tuple[Curve, dict[str, float]]:
    """The curve over one score and its measures with intervals, keys ending in `_name`."""
    n_found = int((truth.decision == TP).sum())
    n_truth = n_found + int(np.isin(truth.decision, (MISS, ALLELE_ONLY)).sum())
    curve = precision_recall_curve(calls, score, n_truth, n_found)
    if not len(calls) or curve.n_unscored == len(calls):
        intervals = {k: (math.nan, math.nan) for k in ("auprc", "best_f1", "f1")}
        intervals |= {f"recall_at_precision_{p * 100:g}": (math.nan, math.nan) for p in PRECISIONS}
        none = np.empty(0)
        curve = _curve(none, none, none, none, n_truth, curve.n_unscored)
    else:
        intervals = bootstrap(truth, calls, score)
    best, threshold = best_f1(curve) if len(curve.recall) else (math.nan, math.nan)
    values = {
        "auprc": area(curve),
        **{f"recall_at_precision_{p * 100:g}": recall_at(curve, p) for p in PRECISIONS},
        "best_f1": best,
    }
    out: dict[str, float] = {}
    for key, value in values.items():
        out[f"{key}_{name}"] = value
        out[f"{key}_{name}_low"], out[f"{key}_{name}_high"] = intervals[key]
    out[f"best_f1_threshold_{name}"] = threshold
    out["f1_low"], out["f1_high"] = intervals["f1"]
    return curve, out


def calibration(calls: ScoredRecords, width: int = 10, top: int = 100) -> list[dict[str, float | int]]:
    """Calls by GQ bin: what GQ promises and what truth says.

    Returns:
        Per bin [low, low + width): calls, TP, mean GQ, the error GQ promises, the observed error with
        its Wilson interval, and the observed phred.
    """
    _, values, hit = _scored(calls, calls.gq)
    out: list[dict[str, float | int]] = []
    for low in range(0, top, width):
        high = low + width if low + width < top else math.inf
        chosen = (values >= low) & (values < high)
        n = int(chosen.sum())
        if not n:
            continue
        good = int(hit[chosen].sum())
        error_low, error_high = wilson(n - good, n)
        error = (n - good) / n
        out.append(
            {
                "gq_low": low,
                "calls": n,
                "TP": good,
                "mean_gq": float(values[chosen].mean()),
                "promised_error": float(np.mean(10.0 ** (-values[chosen] / 10))),
                "observed_error": error,
                "observed_error_low": error_low,
                "observed_error_high": error_high,
                "observed_phred": -10 * math.log10(error) if error > 0 else math.inf,
            }
        )
    return out


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value that two call sets find discordant truth records equally often."""
    from scipy.stats import binomtest

    total = only_a + only_b
    return float(binomtest(only_a, total, 0.5).pvalue) if total else 1.0
