"""Helpers of the evaluation report's sections."""

from __future__ import annotations

import math
from typing import Any

from deepcohort.report.evaluation_types import Evaluation

Section = dict[str, Any]
TYPES = ("SNP", "INDEL")


def number(text: str | float | None) -> float:
    """Value of a table cell, NaN for NA or nothing."""
    if text in (None, "NA", ""):
        return math.nan
    return float(text)  # type: ignore[arg-type]


def percent(value: float | None) -> float | None:
    """Per cent of a fraction, None if it is unknown."""
    return None if value is None or math.isnan(value) else round(100.0 * value, 4)


def plot(name: str, title: str, **more: Any) -> dict[str, Any]:
    """MultiQC's pconfig of a section."""
    return {"id": f"deepcohort_evaluation_{name}_plot", "title": f"Evaluation: {title}", **more}


def by_type(evaluation: Evaluation) -> list[tuple[str, dict[str, Any]]]:
    """(type, row of the summary) of SNP, INDEL and ALL."""
    rows = evaluation.info["summary"] + [evaluation.info["all"]]
    return [(row["type"], row) for row in rows]
