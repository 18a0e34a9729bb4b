"""Tables of one evaluation: counted records in, rows out, files written."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.text import table_cell
from deepcohort.evaluate import metrics
from deepcohort.evaluate.counted_records import CountedRecords, ScoredRecords
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TP
from deepcohort.evaluate.metrics import Curve
from deepcohort.evaluate.strata import ZYGOSITY_NAMES, strata

Row = dict[str, Any]
TYPES = ("SNP", "INDEL")
_ALL = ("", "")  # the stratum of everything
_CURVE_POINTS = 500
_MAX_SPECTRUM_BP = 50


def of_type(side: ScoredRecords, name: str) -> ScoredRecords:
    """Records of one type: "SNP" (every ALT has the length of REF), "INDEL" (the rest) or "ALL"."""
    return side if name == "ALL" else side.only(side.is_snp == (name == "SNP"))


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


class TableBuilder:
    """Counts contig by contig; `tables` then makes every table of the whole."""

    def __init__(self, bed_names: Sequence[str], truth_depth: bool, base_pairs: bool = False) -> None:
        """`bed_names`: the user's strata. `truth_depth`: depth and MAPQ of truth records are known.
        `base_pairs`: they were counted."""
        self._bed_names, self._truth_depth, self._base_pairs = list(bed_names), truth_depth, base_pairs
        # per stratum and type: decisions on the truth's and on the calls' side
        self._strata: dict[tuple[str, str], NDArray[np.int64]] = {}
        # the same of base pairs: by side and type, changed and right
        self._bases: dict[tuple[str, str], NDArray[np.float64]] = {_ALL: np.zeros((2, 2, 2))}
        self._confusion = np.zeros((len(TYPES), 5, 5), dtype=np.int64)
        self._spectrum: dict[int, NDArray[np.int64]] = {}

    def add(self, truth: CountedRecords, calls: CountedRecords) -> None:
        """Count one contig (or any part of the records)."""
        for k, side in enumerate((truth, calls)):
            code = side.decision.astype(np.int64) + 6 * ~side.is_snp
            self._add_bases(_ALL, k, side, slice(None))
            for group, name, chosen in strata(side, self._bed_names):
                cell = self._strata.setdefault((group, name), np.zeros((2, 2, 6), dtype=np.int64))
                if k == 0 and group in ("depth", "mapq") and not self._truth_depth:
                    continue
                cell[k] += np.bincount(code[chosen], minlength=12).reshape(2, 6)
                self._add_bases((group, name), k, side, chosen)
        self._confuse(truth, calls)
        self._count_lengths(truth, calls)

    def _add_bases(self, stratum: tuple[str, str], k: int, side: CountedRecords, chosen: Any) -> None:
        if self._base_pairs:
            kind = (~side.is_snp[chosen]).astype(np.int64)
            cell = self._bases.setdefault(stratum, np.zeros((2, 2, 2)))
            for column, values in enumerate((side.bases, side.bases_right)):
                cell[k, :, column] += np.bincount(kind, values[chosen], 2)

    def _base_columns(self, stratum: tuple[str, str], k: int) -> Row:
        """Columns of base pairs: of one type, or of both together (k = 2)."""
        if not self._base_pairs:
            return {}
        cell = self._bases.get(stratum, np.zeros((2, 2, 2)))
        return metrics.base_columns(cell[:, k] if k < 2 else cell.sum(axis=1))

    def _confuse(self, truth: CountedRecords, calls: CountedRecords) -> None:
        """Genotype of truth records against that of the calls they were paired with."""
        found = np.isin(truth.decision, (TP, ALLELE_ONLY))
        paired = np.where(
            found & (truth.other >= 0), truth.other, np.where(truth.decision == TP, truth.zygosity, 4)
        )
        judged = np.isin(truth.decision, (TP, ALLELE_ONLY, MISS))
        at = ((~truth.is_snp[judged]).astype(int), truth.zygosity[judged], paired[judged])
        np.add.at(self._confusion, at, 1)
        extra = calls.decision == MISS
        at = ((~calls.is_snp[extra]).astype(int), np.full(int(extra.sum()), 4), calls.zygosity[extra])
        np.add.at(self._confusion, at, 1)

    def _count_lengths(self, truth: CountedRecords, calls: CountedRecords) -> None:
        """Indels by length (negative = deletion; lengths beyond 50 bp together)."""
        for side, columns in (
            (truth, {TP: 0, MISS: 1, ALLELE_ONLY: 1}),
            (calls, {TP: 2, MISS: 3, ALLELE_ONLY: 3}),
        ):
            length = np.clip(side.length, -_MAX_SPECTRUM_BP - 1, _MAX_SPECTRUM_BP + 1)
            for decision, column in columns.items():
                chosen = (side.decision == decision) & (side.length != 0)
                for value, number in zip(*np.unique(length[chosen], return_counts=True), strict=True):
                    cell = self._spectrum.setdefault(int(value), np.zeros(4, dtype=np.int64))
                    cell[column] += int(number)

    def tables(self, truth: ScoredRecords, calls: ScoredRecords) -> Tables:
        """Everything, with the curves and intervals of all records together."""
        tables = Tables([], {}, [], [], [], [], [])
        for k, name in enumerate((*TYPES, "ALL")):
            t = c = None  # one type at a time in memory
            t, c = of_type(truth, name), of_type(calls, name)
            row: Row = {"type": name, **metrics.count(t.decision, c.decision).row()}
            for score, label in ((c.qual, "qual"), (c.gq, "gq")):
                curve, measures = metrics.score_measures(t, c, score, label)
                if label == "gq":  # the interval of plain F1 is the same whatever the score
                    measures = {k: v for k, v in measures.items() if k not in ("f1_low", "f1_high")}
                row |= measures
                tables.curves += [{"type": name, "score": label.upper(), **p} for p in _thinned(curve)]
            row |= self._base_columns(_ALL, k)
            if name == "ALL":
                tables.overall = row
            else:
                tables.summary.append(row)
                tables.extended += self._extended(name, k)
            table = self._confusion.sum(axis=0) if name == "ALL" else self._confusion[k]
            tables.confusion += _confusion(name, table)
            tables.calibration += [{"type": name, **bin_} for bin_ in metrics.calibration(c)]
        columns = ("TP_truth", "FN", "TP_call", "FP")
        tables.spectrum = [
            {"length_bp": size, **dict(zip(columns, self._spectrum[size].tolist(), strict=True))}
            for size in sorted(self._spectrum)
        ]
        return tables

    def _extended(self, name: str, k: int) -> list[Row]:
        return [
            {
                "type": name,
                "group": group,
                "stratum": stratum,
                **metrics.counts_of(*cell[:, k]).row(),
                **self._base_columns((group, stratum), k),
            }
            for (group, stratum), cell in self._strata.items()
            if cell[:, k].any()
        ]


def make_tables(
    truth: CountedRecords, calls: CountedRecords, bed_names: Sequence[str], truth_depth: bool
) -> Tables:
    """Tables of records that are all in memory; see TableBuilder."""
    builder = TableBuilder(bed_names, truth_depth)
    builder.add(truth, calls)
    return builder.tables(truth.kept(False), calls.kept(False))


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


def _confusion(name: str, table: NDArray[np.int64]) -> list[Row]:
    labels = (*ZYGOSITY_NAMES, "absent")
    return [
        {"type": name, "truth": labels[a], "call": labels[b], "records": int(table[a, b])}
        for a in range(5)
        for b in range(5)
        if table[a, b]
    ]


def format_value(value: Any) -> str:
    """Text of a table cell: NA for NaN, six decimals at most (three digits of what is smaller)."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NA"
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        if 0 < abs(value) < 1e-4:  # p-values and rare errors: six decimals would say 0
            return f"{value:.3g}"
        return f"{value:.6f}".rstrip("0").rstrip(".") if value != int(value) else f"{value:.1f}"
    return table_cell(str(value))


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
