"""Tables of the evaluation report as MultiQC content (dictionaries ready for JSON)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deepcohort.report import evaluation_text as words
from deepcohort.report.evaluation_common import Section, by_type, percent, plot
from deepcohort.report.evaluation_types import Evaluation, Row

_COUNT_HEADERS: dict[str, dict[str, Any]] = {
    "TP_truth": {"title": "TP truth", "format": "{:,.0f}", "scale": False},
    "FN": {"title": "FN", "format": "{:,.0f}", "scale": "OrRd"},
    "TP_call": {"title": "TP call", "format": "{:,.0f}", "scale": False},
    "FP": {"title": "FP", "format": "{:,.0f}", "scale": "RdPu"},
}


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
            f"{kind}_{key}": percent(row[key])
            for kind, row in by_type(evaluation)
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
        **_COUNT_HEADERS,
    }
    data: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        for kind, row in by_type(evaluation):
            if kind == "ALL":
                continue
            cells = {key: row[key] for key in ("TP_truth", "FN", "TP_call", "FP")}
            for key in ("precision", "recall", "f1"):
                if row[key] is not None:
                    cells[key] = percent(row[key])
                    cells[f"{key}_ci"] = _interval(row, key)
            data[f"{evaluation.name} {kind}"] = cells
    return {
        "section_name": "Accuracy",
        "description": words.SUMMARY,
        "plot_type": "table",
        "pconfig": plot("summary", "accuracy", namespace="Evaluation", col1_header="Calls, type"),
        "headers": headers,
        "data": data,
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
        for kind, row in by_type(evaluation):
            if kind == "ALL" or row["auprc_qual"] is None:
                continue
            low, high = row["auprc_qual_low"], row["auprc_qual_high"]
            cells: dict[str, Any] = {"auprc": row["auprc_qual"]}
            if low is not None:
                cells["auprc_ci"] = f"{low:.4f} - {high:.4f}"
            for p in precisions:
                cells[f"r{p}"] = percent(row[f"recall_at_precision_{p}_qual"])
            cells["best_f1"] = percent(row["best_f1_qual"])
            if row["best_f1_threshold_qual"] is not None:
                cells["threshold"] = row["best_f1_threshold_qual"]
            data[f"{evaluation.name} {kind}"] = {k: v for k, v in cells.items() if v is not None}
    if not data:
        return {}
    return {
        "section_name": "Operating points",
        "description": words.OPERATING,
        "plot_type": "table",
        "pconfig": plot("operating", "operating points", col1_header="Calls, type"),
        "headers": headers,
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
        "pconfig": plot(
            "strata_table",
            "counts by stratum",
            col1_header="Type | group | stratum",
            no_violin=True,
            sort_rows=False,
        ),
        "headers": {
            "precision": {"title": "Precision", **rate, "scale": "Blues"},
            "recall": {"title": "Recall", **rate, "scale": "Greens"},
            **_COUNT_HEADERS,
        },
        "data": data,
    }


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
        "pconfig": plot("paired", "paired comparison", col1_header="First vs second, type", no_violin=True),
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
        "pconfig": plot("left_out", "records left out", col1_header="Calls, side", no_violin=True),
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
        # of a row, what is not known is left out: another row may have it
        columns = dict.fromkeys(key for row in data.values() for key in row)
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
            "pconfig": plot(f"untrue_{table}", title, no_violin=True),
            "headers": headers,
            "data": data,
        }
        out.append((f"untrue_{table}", section))
    return out
