"""Base pairs of the evaluation report as MultiQC content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deepcohort.report.evaluation_common import Section, by_type, percent, plot
from deepcohort.report.evaluation_types import Evaluation

_BASE_PAIRS = (
    "Partial credit: an insertion of ten bases called as eight is one error above, and eight bases found "
    "here. Where records of a neighbourhood do not match, both haplotypes are spelled out and compared base "
    "by base; phase is kept where it is written. A homozygous change counts on both haplotypes."
)


def base_pairs(evaluations: Sequence[Evaluation]) -> Section:
    """Base pairs changed, found and right, a row per call set and type; nothing if they were not counted."""
    rate = {"suffix": "%", "min": 80, "max": 100, "format": "{:,.3f}"}
    count = {"format": "{:,.0f}", "scale": False}
    data: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        for kind, row in by_type(evaluation):
            if row.get("truth_bp") is None:
                continue
            cells = {key: row[key] for key in ("truth_bp", "found_bp", "call_bp", "right_bp")}
            cells |= {
                key: percent(row[key])
                for key in ("precision_bp", "recall_bp", "f1_bp")
                if row[key] is not None
            }
            data[f"{evaluation.name} {kind}"] = cells
    if not data:
        return {}
    return {
        "section_name": "Base pairs",
        "description": _BASE_PAIRS,
        "plot_type": "table",
        "pconfig": plot("base_pairs", "base pairs", col1_header="Calls, type"),
        "headers": {
            "precision_bp": {"title": "Precision", **rate, "scale": "Blues"},
            "recall_bp": {"title": "Recall", **rate, "scale": "Greens"},
            "f1_bp": {"title": "F1", **rate, "scale": "Purples"},
            "truth_bp": {"title": "Truth, bp", **count},
            "found_bp": {"title": "found", **count},
            "call_bp": {"title": "Calls, bp", **count},
            "right_bp": {"title": "right", **count},
        },
        "data": data,
    }
