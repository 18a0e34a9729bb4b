"""Sections of the evaluation report as MultiQC content (dictionaries ready for JSON)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from deepcohort.report import evaluation_text as words

if TYPE_CHECKING:
    from deepcohort.report.evaluation import Evaluation, Row

Section = dict[str, Any]
TYPES = ("SNP", "INDEL")
_PALETTE = ("#2f6fb3", "#d1682b", "#3a8f6b", "#a3497c", "#7a6bc2", "#b8952c", "#4a9cb8", "#8c5b3f")
_OK, _GENOTYPE, _MISSED, _EXTRA = "#3a8f6b", "#b8952c", "#d1682b", "#a3497c"
_MAX_HEATMAPS = 4
_MIN_STRATUM = 5  # records on each side; below that F1 says nothing


def _colours(evaluations: Sequence[Evaluation]) -> dict[str, str]:
    return {e.name: _PALETTE[k % len(_PALETTE)] for k, e in enumerate(evaluations)}


def _number(text: str | float | None) -> float:
    if text in (None, "NA", ""):
        return math.nan
    return float(text)  # type: ignore[arg-type]


def _percent(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(100.0 * value, 4)


def _plot(name: str, title: str, **more: Any) -> dict[str, Any]:
    return {"id": f"deepcohort_evaluation_{name}_plot", "title": f"Evaluation: {title}", **more}


def _pairs(points: Iterable[tuple[float, float | None]]) -> list[list[float]]:
    """[x, y] of a line in order; equal x are set apart by a hair, else MultiQC keeps one of them."""
    out: list[list[float]] = []
    for x, y in points:
        if y is None or math.isnan(x) or math.isnan(y):
            continue
        out.append([max(x, out[-1][0] + 1e-7) if out else x, y])
    return out


def _by_type(evaluation: Evaluation) -> list[tuple[str, dict[str, Any]]]:
    rows = evaluation.info["summary"] + [evaluation.info["all"]]
    return [(row["type"], row) for row in rows]


def general_statistics(evaluations: Sequence[Evaluation]) -> Section:
    """The columns of the report's first table."""
    headers, data = [], {}
    for kind, scale in (("SNP", "Blues"), ("INDEL", "Oranges")):
        for key, label in (("f1", "F1"), ("recall", "recall"), ("precision", "precision")):
            headers.append(
                {
                    f"{kind}_{key}": {
                        "title": f"{'indel' if kind == 'INDEL' else kind} {label}",
                        "description": f"{label} of {kind} records inside the confident regions",
                        "suffix": "%",
                        "min": 80,
                        "max": 100,
                        "format": "{:,.2f}",
                        "scale": scale,
                        "namespace": "Evaluation",
                        "hidden": key != "f1",
                    }
                }
            )
    for evaluation in evaluations:
        data[evaluation.name] = {
            f"{kind}_{key}": _percent(row[key])
            for kind, row in _by_type(evaluation)
            if kind != "ALL"
            for key in ("f1", "recall", "precision")
            if row[key] is not None
        }
    return {"plot_type": "generalstats", "headers": headers, "data": data}


def _interval(row: dict[str, Any], key: str) -> str:
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    return "" if low is None or high is None else f"{100 * low:.2f} - {100 * high:.2f}"


def summary_table(evaluations: Sequence[Evaluation]) -> Section:
    """Counts, precision, recall and F1 with intervals, a row per call set and type."""
    rate = {"suffix": "%", "min": 80, "max": 100, "format": "{:,.3f}"}
    headers = {
        "precision": {"title": "Precision", **rate, "scale": "Blues"},
        "precision_ci": {"title": "95 %", "description": "Wilson interval of precision, per cent"},
        "recall": {"title": "Recall", **rate, "scale": "Greens"},
        "recall_ci": {"title": "95 %", "description": "Wilson interval of recall, per cent"},
        "f1": {"title": "F1", **rate, "scale": "Purples"},
        "f1_ci": {"title": "95 %", "description": "Block bootstrap interval of F1, per cent"},
        "TP_truth": {"title": "TP truth", "format": "{:,.0f}", "scale": False},
        "FN": {"title": "FN", "format": "{:,.0f}", "scale": "OrRd"},
        "TP_call": {"title": "TP call", "format": "{:,.0f}", "scale": False},
        "FP": {"title": "FP", "format": "{:,.0f}", "scale": "RdPu"},
    }
    data: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        for kind, row in _by_type(evaluation):
            if kind == "ALL":
                continue
            cells = {key: row[key] for key in ("TP_truth", "FN", "TP_call", "FP")}
            for key in ("precision", "recall", "f1"):
                if row[key] is not None:
                    cells[key] = _percent(row[key])
                    cells[f"{key}_ci"] = _interval(row, key)
            data[f"{evaluation.name} {kind}"] = cells
    return {
        "section_name": "Accuracy",
        "description": words.SUMMARY,
        "plot_type": "table",
        "pconfig": _plot("summary", "accuracy", namespace="Evaluation", col1_header="Calls, type"),
        "headers": headers,
        "data": data,
    }


def count_bars(evaluations: Sequence[Evaluation]) -> Section:
    """Stacked counts: right, wrong genotype, missed; and on the call side extra."""
    sets = []
    for kind in TYPES:
        errors: dict[str, dict[str, int]] = {}
        for evaluation in evaluations:
            row = dict(_by_type(evaluation))[kind]
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
        "pconfig": _plot(
            "counts",
            "errors by kind",
            ylab="Records",
            data_labels=[{"name": kind, "ylab": "Records"} for kind in TYPES],
        ),
        "categories": [categories, categories],
        "data": sets,
    }


def precision_recall(evaluations: Sequence[Evaluation]) -> Section:
    """Precision-recall curves, one data set per type and score."""
    sets, labels = [], []
    for kind in TYPES:
        for score in ("QUAL", "GQ"):
            lines = {}
            for evaluation in evaluations:
                points = evaluation.rows("curves", type=kind, score=score)
                line = _pairs((100 * _number(p["recall"]), _percent(_number(p["precision"]))) for p in points)
                if len(line) > 1:
                    lines[evaluation.name] = line
            if lines:
                low = min(y for line in lines.values() for _, y in line)
                sets.append(lines)
                labels.append(
                    {
                        "name": f"{'SNP' if kind == 'SNP' else 'Indel'}, {score}",
                        "xlab": "Recall (%)",
                        "ylab": "Precision (%)",
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
        "pconfig": _plot(
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


def operating_points(evaluations: Sequence[Evaluation]) -> Section:
    """AUPRC, recall at fixed precision, best F1 and its threshold."""
    headers: dict[str, dict[str, Any]] = {
        "auprc": {"title": "AUPRC", "min": 0, "max": 1, "format": "{:,.4f}", "scale": "Blues"},
        "auprc_ci": {"title": "95 %", "description": "Block bootstrap interval"},
    }
    precisions = ("70", "80", "90", "95", "99", "99.9")
    for p in precisions:
        headers[f"r{p}"] = {
            "title": f"R@P{p}",
            "description": f"Largest recall at a precision of at least {p} %",
            "suffix": "%",
            "min": 0,
            "max": 100,
            "format": "{:,.2f}",
            "scale": "Greens",
            "hidden": p in ("70", "80"),
        }
    headers["best_f1"] = {
        "title": "Best F1",
        "suffix": "%",
        "min": 80,
        "max": 100,
        "format": "{:,.2f}",
        "scale": "Purples",
    }
    headers["threshold"] = {"title": "at QUAL", "format": "{:,.1f}", "scale": False}
    data: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        for kind, row in _by_type(evaluation):
            if kind == "ALL" or row["auprc_qual"] is None:
                continue
            low, high = row["auprc_qual_low"], row["auprc_qual_high"]
            cells: dict[str, Any] = {"auprc": row["auprc_qual"]}
            if low is not None:
                cells["auprc_ci"] = f"{low:.4f} - {high:.4f}"
            for p in precisions:
                cells[f"r{p}"] = _percent(row[f"recall_at_precision_{p}_qual"])
            cells["best_f1"] = _percent(row["best_f1_qual"])
            if row["best_f1_threshold_qual"] is not None:
                cells["threshold"] = row["best_f1_threshold_qual"]
            data[f"{evaluation.name} {kind}"] = {k: v for k, v in cells.items() if v is not None}
    if not data:
        return {}
    return {
        "section_name": "Operating points",
        "description": words.OPERATING,
        "plot_type": "table",
        "pconfig": _plot("operating", "operating points", col1_header="Calls, type"),
        "headers": headers,
        "data": data,
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
            value = _percent(dict(_by_type(evaluation))[kind]["f1"])
            if value is not None:
                lines.setdefault(line, []).append([depth, value])
    if len(depths) < 2:
        return {}
    return {
        "section_name": "Depth",
        "description": words.DEPTH,
        "plot_type": "linegraph",
        "pconfig": _plot(
            "depth",
            "F1 by depth",
            xlab="Depth (x)",
            ylab="F1 (%)",
            style="lines+markers",
            data_labels=[{"name": kind} for kind in TYPES],
        ),
        "data": [{name: sorted(points) for name, points in lines.items()} for lines in sets],
    }


def strata_heatmap(evaluations: Sequence[Evaluation], kind: str) -> Section:
    """F1 by stratum (rows) and call set (columns)."""
    rows: dict[str, dict[str, float]] = {}
    for evaluation in evaluations:
        for row in evaluation.rows("extended", type=kind):
            label = "all" if row["group"] == "all" else f"{row['group']} {row['stratum']}".replace("_", " ")
            value = _number(row["f1"])
            n_truth = int(row["TP_truth"]) + int(row["FN"])
            n_calls = int(row["TP_call"]) + int(row["FP"])
            if min(n_truth, n_calls) >= _MIN_STRATUM:
                rows.setdefault(label, {})[evaluation.name] = round(
                    100 * (0 if math.isnan(value) else value), 2
                )
    if not rows:
        return {}
    names = [e.name for e in evaluations]
    data = [[rows[label].get(name) for name in names] for label in rows]
    known = sorted(v for line in data for v in line if v is not None)
    title = "SNP" if kind == "SNP" else "indel"
    return {
        "section_name": f"Strata: {title}",
        "description": words.STRATA,
        "plot_type": "heatmap",
        "pconfig": _plot(
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


def strata_table(evaluations: Sequence[Evaluation]) -> Section:
    """Counts of every stratum, pooled over call sets if there are several."""
    pooled: dict[str, list[int]] = {}
    for evaluation in evaluations:
        for row in evaluation.tables.get("extended", []):
            label = f"{row['type']} | {row['group']} | {row['stratum']}".replace("_", " ")
            cells = pooled.setdefault(label, [0, 0, 0, 0])
            for k, key in enumerate(("TP_truth", "FN", "TP_call", "FP")):
                cells[k] += int(row[key])
    data = {}
    for label, (tp_truth, fn, tp_call, fp) in pooled.items():
        cells_out: dict[str, Any] = {"TP_truth": tp_truth, "FN": fn, "TP_call": tp_call, "FP": fp}
        if tp_call + fp:
            cells_out["precision"] = round(100 * tp_call / (tp_call + fp), 4)
        if tp_truth + fn:
            cells_out["recall"] = round(100 * tp_truth / (tp_truth + fn), 4)
        data[label] = cells_out
    if not data:
        return {}
    rate = {"suffix": "%", "min": 80, "max": 100, "format": "{:,.3f}"}
    return {
        "section_name": "Strata: counts",
        "description": "Counts of every stratum"
        + (", summed over the call sets." if len(evaluations) > 1 else "."),
        "plot_type": "table",
        "pconfig": _plot(
            "strata_table",
            "counts by stratum",
            col1_header="Type | group | stratum",
            no_violin=True,
            sort_rows=False,
        ),
        "headers": {
            "precision": {"title": "Precision", **rate, "scale": "Blues"},
            "recall": {"title": "Recall", **rate, "scale": "Greens"},
            "TP_truth": {"title": "TP truth", "format": "{:,.0f}", "scale": False},
            "FN": {"title": "FN", "format": "{:,.0f}", "scale": "OrRd"},
            "TP_call": {"title": "TP call", "format": "{:,.0f}", "scale": False},
            "FP": {"title": "FP", "format": "{:,.0f}", "scale": "RdPu"},
        },
        "data": data,
    }


def indel_lengths(evaluations: Sequence[Evaluation]) -> Section:
    """Error spectrum by indel length: FN, FP and the rate."""
    missed: dict[str, list[list[float]]] = {}
    extra: dict[str, list[list[float]]] = {}
    rate: dict[str, list[list[float]]] = {}
    for evaluation in evaluations:
        for row in evaluation.tables.get("indel_lengths", []):
            size = int(row["length_bp"])
            tp_truth, fn, tp_call, fp = (int(row[k]) for k in ("TP_truth", "FN", "TP_call", "FP"))
            share = round(100 * (fn + fp) / (tp_truth + fn + tp_call + fp), 3)
            for lines, value in ((missed, fn), (extra, fp), (rate, share)):
                lines.setdefault(evaluation.name, []).append([size, value])
    if not missed:
        return {}
    return {
        "section_name": "Indel lengths",
        "description": words.LENGTHS,
        "plot_type": "linegraph",
        "pconfig": _plot(
            "indel_lengths",
            "errors by indel length",
            xlab="Length (bp; deletions below 0)",
            ylab="Error rate (%)",
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
        "data": [rate, missed, extra],
    }


def calibration(evaluations: Sequence[Evaluation]) -> Section:
    """Observed phred against the mean GQ of each bin, with the diagonal."""
    sets, labels = [], []
    for kind in TYPES:
        lines = {}
        for evaluation in evaluations:
            line = _pairs(
                (round(_number(row["mean_gq"]), 2), round(_number(row["observed_phred"]), 2))
                for row in evaluation.rows("calibration", type=kind)
                if row["observed_phred"] != "inf"
            )
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
        "pconfig": _plot(
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
    for number, (name, members) in enumerate(groups):
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
            "pconfig": _plot(
                f"confusion_{number}",
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
        out.append((f"confusion_{number}", section))
    return out


def paired_tests(tests: Sequence[Row]) -> Section:
    """McNemar tests of every two call sets of one truth."""
    if not tests:
        return {}
    data = {}
    for row in tests:
        data[f"{row['a']} vs {row['b']} {row['type']}"] = {
            "only_a": int(row["only_a_found"]),
            "only_b": int(row["only_b_found"]),
            "p": float(row["mcnemar_p"]),
            "both": int(row["both_found"]),
            "neither": int(row["neither_found"]),
            "fp_a": int(row["fp_only_a"]),
            "fp_b": int(row["fp_only_b"]),
            "fp_both": int(row["fp_both"]),
        }
    whole = {"format": "{:,.0f}", "scale": False}
    return {
        "section_name": "Paired comparison",
        "description": words.PAIRED,
        "plot_type": "table",
        "pconfig": _plot("paired", "paired comparison", col1_header="First vs second, type", no_violin=True),
        "headers": {
            "only_a": {"title": "Only first finds", "format": "{:,.0f}", "scale": "Greens"},
            "only_b": {"title": "Only second finds", "format": "{:,.0f}", "scale": "Greens"},
            "p": {"title": "McNemar p", "format": "{:.3g}", "scale": False},
            "both": {"title": "Both find", **whole},
            "neither": {"title": "Neither", **whole},
            "fp_a": {"title": "FP only first", "format": "{:,.0f}", "scale": "RdPu"},
            "fp_b": {"title": "FP only second", "format": "{:,.0f}", "scale": "RdPu"},
            "fp_both": {"title": "FP both", **whole},
        },
        "data": data,
    }


def roc(evaluations: Sequence[Evaluation]) -> Section:
    """ROC by QUAL over all confident bases, with the reason not to trust it."""
    sets = []
    for kind in TYPES:
        lines = {}
        for evaluation in evaluations:
            negatives = evaluation.info.get("confident_bp") or 0
            line = _pairs(
                (1e6 * _number(p["FP"]) / negatives, _percent(_number(p["recall"])))
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
        "pconfig": _plot(
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


def left_out(evaluations: Sequence[Evaluation]) -> Section:
    """Records that took no part, by side and reason."""
    keys = ("filtered", "symbolic", "ploidy", "too_long", "off_reference", "bad_allele", "outside_regions")
    data = {}
    for evaluation in evaluations:
        for side in ("calls", "truth"):
            counts = evaluation.info["left_out"][side]
            data[f"{evaluation.name} {side}"] = {key: counts.get(key, 0) for key in keys}
        data[f"{evaluation.name} calls"]["too_hard"] = evaluation.info["all"]["too_hard"]
    headers = {
        key: {"title": key.replace("_", " ").capitalize(), "format": "{:,.0f}", "scale": False}
        for key in (*keys, "too_hard")
    }
    return {
        "section_name": "Left out",
        "description": words.LEFT_OUT,
        "plot_type": "table",
        "pconfig": _plot("left_out", "records left out", col1_header="Calls, side", no_violin=True),
        "headers": headers,
        "data": data,
    }


def without_truth(descriptions: Sequence[dict[str, Any]]) -> list[tuple[str, Section]]:
    """Tables of call sets that were described without truth."""
    labels = {
        "samples": ("Samples without truth", ("sample",)),
        "mendelian": ("Mendelian inheritance", ("child",)),
        "replicates": ("Replicates", ("a", "b")),
        "novelty": ("Novelty", ("sample",)),
    }
    out = []
    for table, (title, key_columns) in labels.items():
        data: dict[str, dict[str, Any]] = {}
        for description in descriptions:
            for row in description.get(table, []):
                name = " / ".join(str(row[c]) for c in key_columns)
                data[name] = {k: v for k, v in row.items() if k not in key_columns and v is not None}
        if not data:
            continue
        columns = next(iter(data.values()))
        headers = {
            key: {
                "title": key.replace("_", " "),
                "format": "{:,.4f}"
                if any(isinstance(r.get(key), float) for r in data.values())
                else "{:,.0f}",
                "scale": False,
            }
            for key in columns
        }
        section: Section = {
            "section_name": title,
            "description": words.WITHOUT_TRUTH,
            "plot_type": "table",
            "pconfig": _plot(f"untrue_{table}", title, no_violin=True),
            "headers": headers,
            "data": data,
        }
        out.append((f"untrue_{table}", section))
    return out
