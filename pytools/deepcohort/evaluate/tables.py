"""Tables of one evaluation: counted records in, rows out, files written."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepcohort.evaluate import metrics
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TP
from deepcohort.evaluate.metrics import Curve
from deepcohort.evaluate.strata import ZYGOSITY_NAMES, strata
from deepcohort.evaluate.tally import Counted

Row = dict[str, Any]
TYPES = ("SNP", "INDEL")
_CURVE_POINTS = 500
_MAX_SPECTRUM_BP = 50


def of_type(side: Counted, name: str) -> Counted:
    """Records of one type: "SNP" (every ALT has the length of REF), "INDEL" (the rest) or "ALL"."""
    if name == "ALL":
        return side
    keep = side.is_snp == (name == "SNP")
    return Counted(**{field: getattr(side, field)[keep] for field in Counted.__slots__})


@dataclass(slots=True)
class Tables:
    """All tables of one pair of call set and truth."""

    summary: list[Row]
    overall: Row
    extended: list[Row]
    curves: list[Row]
    confusion: list[Row]
    calibration: list[Row]
    spectrum: list[Row]


def make_tables(truth: Counted, calls: Counted, bed_names: list[str], truth_depth: bool) -> Tables:
    """Count everything; `truth_depth`: whether depth and MAPQ of truth records are known."""
    tables = Tables([], {}, [], [], [], [], [])
    for name in (*TYPES, "ALL"):
        t = c = None  # one type at a time in memory
        t, c = of_type(truth, name), of_type(calls, name)
        row: Row = {"type": name, **metrics.count(t.decision, c.decision).row()}
        for score, label in ((c.qual, "qual"), (c.gq, "gq")):
            curve, measures = metrics.score_measures(t, c, score, label)
            if label == "gq":  # the interval of plain F1 is the same whatever the score
                measures = {k: v for k, v in measures.items() if k not in ("f1_low", "f1_high")}
            row |= measures
            tables.curves += [{"type": name, "score": label.upper(), **p} for p in _thinned(curve)]
        if name == "ALL":
            tables.overall = row
        else:
            tables.summary.append(row)
            tables.extended += _extended(name, t, c, bed_names, truth_depth)
        tables.confusion += _confusion(name, t, c)
        tables.calibration += [{"type": name, **bin_} for bin_ in metrics.calibration(c)]
    tables.spectrum = _spectrum(truth, calls)
    return tables


def _thinned(curve: Curve) -> list[Row]:
    """At most about 500 points of a curve, evenly spaced in recall and in rank, ends included."""
    n = len(curve.threshold)
    if n > _CURVE_POINTS:
        by_rank = np.linspace(0, n - 1, _CURVE_POINTS // 2).astype(int)
        targets = np.linspace(0, curve.recall[-1], _CURVE_POINTS // 2)
        keep = np.unique(np.concatenate([by_rank, np.searchsorted(curve.recall, targets).clip(0, n - 1)]))
    else:
        keep = np.arange(n)
    return [
        {
            "threshold": float(curve.threshold[k]),
            "TP_truth": float(curve.tp_truth[k]),
            "FN": float(curve.fn[k]),
            "TP_call": int(curve.tp_call[k]),
            "FP": int(curve.fp[k]),
            "precision": float(curve.precision[k]),
            "recall": float(curve.recall[k]),
            "f1": metrics.f1_score(float(curve.precision[k]), float(curve.recall[k])),
        }
        for k in keep.tolist()
    ]


def _extended(
    name: str, truth: Counted, calls: Counted, bed_names: list[str], truth_depth: bool
) -> list[Row]:
    rows = []
    both = zip(strata(truth, bed_names), strata(calls, bed_names), strict=True)
    for (group, stratum, in_truth), (_, _, in_calls) in both:
        if group in ("depth", "mapq") and not truth_depth:
            in_truth = np.zeros_like(in_truth)
        if not in_truth.any() and not in_calls.any():
            continue
        counts = metrics.count(truth.decision[in_truth], calls.decision[in_calls])
        rows.append({"type": name, "group": group, "stratum": stratum, **counts.row()})
    return rows


def _confusion(name: str, truth: Counted, calls: Counted) -> list[Row]:
    """Genotype of truth records against that of the calls they were paired with."""
    table = np.zeros((5, 5), dtype=np.int64)
    found = np.isin(truth.decision, (TP, ALLELE_ONLY))
    paired = np.where(
        found & (truth.other >= 0), truth.other, np.where(truth.decision == TP, truth.zygosity, 4)
    )
    judged = np.isin(truth.decision, (TP, ALLELE_ONLY, MISS))
    np.add.at(table, (truth.zygosity[judged], paired[judged]), 1)
    extra = calls.decision == MISS
    np.add.at(table, (np.full(int(extra.sum()), 4), calls.zygosity[extra]), 1)
    labels = (*ZYGOSITY_NAMES, "absent")
    return [
        {"type": name, "truth": labels[a], "call": labels[b], "records": int(table[a, b])}
        for a in range(5)
        for b in range(5)
        if table[a, b]
    ]


def _spectrum(truth: Counted, calls: Counted) -> list[Row]:
    """Indels by length (negative = deletion; lengths beyond 50 bp together)."""
    counts: dict[int, list[int]] = {}
    for side, columns in (
        (truth, {TP: 0, MISS: 1, ALLELE_ONLY: 1}),
        (calls, {TP: 2, MISS: 3, ALLELE_ONLY: 3}),
    ):
        length = np.clip(side.length, -_MAX_SPECTRUM_BP - 1, _MAX_SPECTRUM_BP + 1)
        for decision, column in columns.items():
            chosen = (side.decision == decision) & (side.length != 0)
            for value, number in zip(*np.unique(length[chosen], return_counts=True), strict=True):
                counts.setdefault(int(value), [0, 0, 0, 0])[column] += int(number)
    names = ("TP_truth", "FN", "TP_call", "FP")
    return [{"length_bp": size, **dict(zip(names, counts[size], strict=True))} for size in sorted(counts)]


def format_value(value: Any) -> str:
    """Text of a table cell: NA for NaN, six decimals at most."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NA"
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return f"{value:.6f}".rstrip("0").rstrip(".") if value != int(value) else f"{value:.1f}"
    return str(value)


def write_tsv(path: Path, rows: Sequence[Row], columns: Sequence[str] | None = None) -> None:
    """Rows of equal keys as tab-separated text with a header; `columns` names them if there are none."""
    names = list(columns or (rows[0] if rows else ()))
    with open(path, "w", encoding="utf-8") as out:
        out.write("\t".join(names) + "\n")
        for row in rows:
            out.write("\t".join(format_value(row[name]) for name in names) + "\n")


def write_json(path: Path, content: Any) -> None:
    """JSON without NaN or infinity (they become null)."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items()}
        if isinstance(value, list):
            return [clean(v) for v in value]
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value

    with open(path, "w", encoding="utf-8") as out:
        json.dump(clean(content), out, indent=1)
        out.write("\n")
