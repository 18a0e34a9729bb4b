"""Sections of the evaluation report as MultiQC content (dictionaries ready for JSON)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from deepcohort.report import evaluation_text as words
from deepcohort.report.evaluation_common import TYPES, Section, by_type, number, percent, plot
from deepcohort.report.evaluation_types import Evaluation, Row

_PALETTE = ("#2f6fb3", "#d1682b", "#3a8f6b", "#a3497c", "#7a6bc2", "#b8952c", "#4a9cb8", "#8c5b3f")
_OK, _GENOTYPE, _MISSED, _EXTRA = "#3a8f6b", "#b8952c", "#d1682b", "#a3497c"
_MAX_HEATMAPS = 4
_LENGTH_BINS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 1 << 30))
_MIN_LENGTH_RECORDS = 10
_TOO_FEW_PHRED = 10
_MIN_STRATUM = 5  # records on each side; below that F1 says nothing


def _colours(evaluations: Sequence[Evaluation]) -> dict[str, str]:
    return {e.name: _PALETTE[k % len(_PALETTE)] for k, e in enumerate(evaluations)}


def _pairs(points: Iterable[tuple[float, float | None]]) -> list[list[float]]:
    """[x, y] of a line in order; equal x are set apart by a hair, else MultiQC keeps one of them."""
    out: list[list[float]] = []
    for x, y in points:
        if y is None or math.isnan(x) or math.isnan(y):
            continue
        out.append([max(x, out[-1][0] + 1e-7) if out else x, y])
    return out


def count_bars(evaluations: Sequence[Evaluation]) -> Section:
    """Stacked counts: right, wrong genotype, missed; and on the call side extra."""
    sets = []
    for kind in TYPES:
        errors: dict[str, dict[str, int]] = {}
        for evaluation in evaluations:
            row = dict(by_type(evaluation))[kind]
            errors[evaluation.name] = {
                "wrong": row["FN_genotype"],
                "missed": row["FN"] - row["FN_genotype"],
                "extra": row["FP"] - row["FP_genotype"],
            }
        sets.append(errors)
    categories = {
        "wrong": {"name": "Wrong genotype", "color": _GENOTYPE},
        "missed": {"name": "Missed", "color": _MISSED},
        "extra": {"name": "Extra", "color": _EXTRA},
    }
    return {
        "section_name": "Errors",
        "description": words.COUNTS,
        "plot_type": "bargraph",
        "pconfig": plot(
            "counts",
            "errors by kind",
            ylab="Records",
            data_labels=[{"name": kind, "ylab": "Records"} for kind in TYPES],
        ),
        "categories": [categories, categories],
        "data": sets,
    }


def _steep(line: Sequence[Sequence[float]]) -> float:
    """Recall from which a curve is worth drawing: its last tenth of errors lies to the right."""
    worst = min(y for _, y in line)
    first = next((x for x, y in line if y <= 100 - 0.1 * (100 - worst)), line[-1][0])
    return max(0.0, 10 * math.floor(0.1 * min(first, line[-1][0] - 10)))


def precision_recall(evaluations: Sequence[Evaluation]) -> Section:
    """Precision-recall curves, one data set per type and score."""
    sets, labels = [], []
    for kind in TYPES:
        for score in ("QUAL", "GQ"):
            lines = {}
            for evaluation in evaluations:
                points = evaluation.rows("curves", type=kind, score=score)
                line = _pairs((100 * number(p["recall"]), percent(number(p["precision"]))) for p in points)
                if len(line) > 1:
                    lines[evaluation.name] = line
            if lines:
                low = min(y for line in lines.values() for _, y in line)
                left = min(_steep(line) for line in lines.values())
                sets.append(lines)
                labels.append(
                    {
                        "name": f"{'SNP' if kind == 'SNP' else 'Indel'}, {score}",
                        "xlab": "Recall (%)",
                        "ylab": "Precision (%)",
                        "xmin": left,
                        "ymin": max(0.0, math.floor(low) - 1),
                        "ymax": 100.2,
                    }
                )
    if not sets:
        return {}
    return {
        "section_name": "Precision and recall",
        "description": words.PRECISION_RECALL,
        "plot_type": "linegraph",
        "pconfig": plot(
            "precision_recall",
            "precision and recall",
            xlab="Recall (%)",
            ylab="Precision (%)",
            xmax=100.5,
            tt_decimals=2,
            style="lines",
            smooth_points=1000,
            colors=_colours(evaluations),
            showlegend=len(evaluations) <= 12,
            data_labels=labels,
        ),
        "data": sets if len(sets) > 1 else sets[0],
    }


def by_depth(evaluations: Sequence[Evaluation]) -> Section:
    """F1 against stated depth, a line per caller (or sample); empty unless two depths are stated."""
    sets: list[dict[str, list[list[float]]]] = [{}, {}]
    depths = set()
    for evaluation in evaluations:
        try:
            depth = float(str(evaluation.info.get("depth", "")).rstrip("xX"))
        except ValueError:
            continue
        depths.add(depth)
        line = " ".join(x for x in (evaluation.info["sample"], evaluation.info.get("caller")) if x)
        for lines, kind in zip(sets, TYPES, strict=True):
            value = percent(dict(by_type(evaluation))[kind]["f1"])
            if value is not None:
                lines.setdefault(line, []).append([depth, value])
    if len(depths) < 2:
        return {}
    return {
        "section_name": "Depth",
        "description": words.DEPTH,
        "plot_type": "linegraph",
        "pconfig": plot(
            "depth",
            "F1 by depth",
            xlab="Depth (x)",
            ylab="F1 (%)",
            style="lines+markers",
            showlegend=True,
            colors={name: _PALETTE[k % len(_PALETTE)] for k, name in enumerate(sets[0])},
            data_labels=[{"name": kind} for kind in TYPES],
        ),
        "data": [{name: sorted(points) for name, points in lines.items()} for lines in sets],
    }


def strata_heatmap(evaluations: Sequence[Evaluation], kind: str) -> Section:
    """F1 by stratum (rows) and call set (columns)."""
    rows: dict[str, dict[str, float]] = {}
    groups: dict[str, str] = {}
    for evaluation in evaluations:
        for row in evaluation.rows("extended", type=kind):
            label = "all" if row["group"] == "all" else f"{row['group']} {row['stratum']}".replace("_", " ")
            value = number(row["f1"])
            n_truth = int(row["TP_truth"]) + int(row["FN"])
            n_calls = int(row["TP_call"]) + int(row["FP"])
            groups[label] = row["group"]
            if min(n_truth, n_calls) >= _MIN_STRATUM:
                rows.setdefault(label, {})[evaluation.name] = round(
                    100 * (0 if math.isnan(value) else value), 2
                )
    if not rows:
        return {}
    order = list(dict.fromkeys(groups.values()))  # strata of one group together, in the order they came
    rows = {label: rows[label] for label in sorted(rows, key=lambda label: order.index(groups[label]))}
    names = [e.name for e in evaluations]
    data = [[rows[label].get(name) for name in names] for label in rows]
    known = sorted(v for line in data for v in line if v is not None)
    title = "SNP" if kind == "SNP" else "indel"
    return {
        "section_name": f"Strata: {title}",
        "description": words.STRATA,
        "plot_type": "heatmap",
        "pconfig": plot(
            f"strata_{kind.lower()}",
            f"F1 by stratum, {title}",
            xlab="Calls",
            ylab="Stratum",
            zlab="F1 (%)",
            square=False,
            min=max(0.0, math.floor(known[len(known) // 10]) - 1),
            max=100,
            height=max(360, 22 * len(rows) + 140),
            cluster_rows=False,
            cluster_cols=False,
            display_values=len(names) <= 12,
            tt_decimals=2,
            ycats_samples=False,
            colstops=[[0, "#c4512d"], [0.5, "#f2dfa9"], [0.85, "#7fb99a"], [1, "#2a7a63"]],
        ),
        "xcats": names,
        "ycats": list(rows),
        "data": data,
    }


def _length_bin(size: int) -> int:
    """Index into _LENGTH_BINS of a length in bp, negative for deletions, from the longest deletion on."""
    rank = next(k for k, (low, high) in enumerate(_LENGTH_BINS) if low <= abs(size) <= high)
    return len(_LENGTH_BINS) + rank if size > 0 else len(_LENGTH_BINS) - 1 - rank


def _length_labels() -> list[str]:
    spans = [str(a) if a == b else (f"{a}-{b}" if b < 1000 else f">{a - 1}") for a, b in _LENGTH_BINS]
    return [f"del {span}" for span in reversed(spans)] + [f"ins {span}" for span in spans]


def indel_lengths(evaluations: Sequence[Evaluation]) -> Section:
    """Error spectrum by indel length: FN, FP and the rate."""
    labels = _length_labels()
    sets: tuple[dict[str, list[list[object]]], ...] = ({}, {}, {})
    for evaluation in evaluations:
        counts = [[0, 0, 0] for _ in labels]  # records, FN, FP
        for row in evaluation.tables.get("indel_lengths", []):
            cell = counts[_length_bin(int(row["length_bp"]))]
            cell[0] += sum(int(row[k]) for k in ("TP_truth", "FN", "TP_call", "FP"))
            cell[1] += int(row["FN"])
            cell[2] += int(row["FP"])
        if not any(n for n, _, _ in counts):
            continue
        rate: list[list[object]] = []
        missed: list[list[object]] = []
        extra: list[list[object]] = []
        for label, (n, fn, fp) in zip(labels, counts, strict=True):
            rate.append([label, round(100 * (fn + fp) / n, 3) if n >= _MIN_LENGTH_RECORDS else None])
            missed.append([label, fn])
            extra.append([label, fp])
        for lines, line in zip(sets, (rate, missed, extra), strict=True):
            lines[evaluation.name] = line
    if not sets[0]:
        return {}
    return {
        "section_name": "Indel lengths",
        "description": words.LENGTHS,
        "plot_type": "linegraph",
        "pconfig": plot(
            "indel_lengths",
            "errors by indel length",
            xlab="Length (bp)",
            ylab="Error rate (%)",
            categories=True,
            style="lines+markers",
            colors=_colours(evaluations),
            showlegend=len(evaluations) <= 12,
            ymin=0,
            data_labels=[
                {"name": "Error rate", "ylab": "Error rate (%)"},
                {"name": "Missed or wrong (FN)", "ylab": "Truth records"},
                {"name": "False (FP)", "ylab": "Called records"},
            ],
        ),
        "data": list(sets),
    }


def _calibration_line(rows: Sequence[Row]) -> list[list[float]]:
    """Mean GQ and observed phred of each bin.

    A bin without errors stands on the diagonal, or at the phred of its interval's upper end where that is
    higher. Where this end lies _TOO_FEW_PHRED below the promise, the bin's calls are too few to say anything.
    """
    points = []
    for row in rows:
        if row["observed_phred"] != "inf":
            phred = round(number(row["observed_phred"]), 2) + 0.0  # never -0
        else:
            high = number(row.get("observed_error_high"))
            if math.isnan(high) or high <= 0:
                continue
            bound, promise = -10 * math.log10(high), number(row["mean_gq"])
            if bound < promise - _TOO_FEW_PHRED:
                continue
            phred = round(max(bound, promise), 2)
        points.append((round(number(row["mean_gq"]), 2), phred))
    return _pairs(points)


def calibration(evaluations: Sequence[Evaluation]) -> Section:
    """Observed phred against the mean GQ of each bin, with the diagonal."""
    sets, labels = [], []
    for kind in TYPES:
        lines = {}
        for evaluation in evaluations:
            line = _calibration_line(evaluation.rows("calibration", type=kind))
            if line:
                lines[evaluation.name] = line
        if lines:
            sets.append(lines)
            labels.append({"name": "SNP" if kind == "SNP" else "Indel"})
    if not sets:
        return {}
    top = max(x for lines in sets for line in lines.values() for x, _ in line)
    diagonal = {
        "name": "as promised",
        "pairs": [[0, 0], [top, top]],
        "dash": "dash",
        "width": 1,
        "color": "#888888",
        "showlegend": False,
    }
    return {
        "section_name": "Calibration of GQ",
        "description": words.CALIBRATION,
        "plot_type": "linegraph",
        "pconfig": plot(
            "calibration",
            "calibration of GQ",
            xlab="Mean GQ of the bin",
            ylab="Observed phred",
            style="lines+markers",
            colors=_colours(evaluations),
            showlegend=len(evaluations) <= 12,
            xmin=0,
            ymin=0,
            extra_series=[[diagonal] for _ in sets] if len(sets) > 1 else [diagonal],
            data_labels=labels,
        ),
        "data": sets if len(sets) > 1 else sets[0],
    }


def confusion(evaluations: Sequence[Evaluation]) -> list[tuple[str, Section]]:
    """Genotype confusion: a heatmap per call set (pooled if there are many), SNP and indel together."""
    groups = [(e.name, [e]) for e in evaluations]
    if len(groups) > _MAX_HEATMAPS:
        groups = [("all call sets", list(evaluations))]
    classes = ("het", "hom_alt", "multi_allelic", "haploid", "absent")
    out = []
    for rank, (name, members) in enumerate(groups):
        rows, labels = [], []
        for kind in TYPES:
            counts = {(a, b): 0 for a in classes for b in classes}
            for member in members:
                for row in member.rows("confusion", type=kind):
                    counts[row["truth"], row["call"]] += int(row["records"])
            for a in classes:
                total = sum(counts[a, b] for b in classes)
                if total:
                    rows.append([round(100 * counts[a, b] / total, 2) for b in classes])
                    labels.append(f"{kind} {a} ({total:,})".replace("_", " "))
        if not rows:
            continue
        section: Section = {
            "section_name": f"Genotypes: {name}",
            "description": words.CONFUSION,
            "plot_type": "heatmap",
            "pconfig": plot(
                f"confusion_{rank}",
                f"genotypes, {name}",
                xlab="Genotype called",
                ylab="Genotype in truth (records)",
                zlab="% of row",
                square=False,
                height=max(300, 34 * len(rows) + 130),
                min=0,
                max=100,
                cluster_rows=False,
                cluster_cols=False,
                display_values=True,
                angled_xticks=False,
                xcats_samples=False,
                ycats_samples=False,
                colstops=[[0, "#f7f5ef"], [0.02, "#f2dfa9"], [0.5, "#7fb0c9"], [1, "#2f6fb3"]],
            ),
            "xcats": [c.replace("_", " ") for c in classes],
            "ycats": labels,
            "data": rows,
        }
        out.append((f"confusion_{rank}", section))
    return out


def roc(evaluations: Sequence[Evaluation]) -> Section:
    """ROC by QUAL over all confident bases, with the reason not to trust it."""
    sets = []
    for kind in TYPES:
        lines = {}
        for evaluation in evaluations:
            negatives = evaluation.info.get("confident_bp") or 0
            line = _pairs(
                (1e6 * number(p["FP"]) / negatives, percent(number(p["recall"])))
                for p in evaluation.rows("curves", type=kind, score="QUAL")
                if negatives
            )
            if line:
                lines[evaluation.name] = line
        if lines:
            sets.append(lines)
    if len(sets) < 2:
        return {}
    return {
        "section_name": "ROC, and why not to use it",
        "description": words.ROC,
        "plot_type": "linegraph",
        "pconfig": plot(
            "roc",
            "ROC",
            xlab="False calls per million confident bases",
            ylab="Recall (%)",
            colors=_colours(evaluations),
            showlegend=len(evaluations) <= 12,
            ymax=100.5,
            xmin=0,
            smooth_points=1000,
            data_labels=[{"name": "SNP"}, {"name": "Indel"}],
        ),
        "data": sets,
    }
