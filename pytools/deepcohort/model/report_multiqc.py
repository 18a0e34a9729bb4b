"""The training report as MultiQC custom content: one file a section."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepcohort.core.escape import escaped
from deepcohort.core.outputs import atomic_outputs
from deepcohort.model.calibrate import reliability
from deepcohort.model.predictions import NaturalFigures, Predictions, precision_recall
from deepcohort.model.report_figures import LOSS_NAMES, PREDICTORS, Curves

_MAX_POINTS = 400


def write_multiqc(
    output: Path,
    name: str,
    predictions: Mapping[str, Predictions],
    curves: Mapping[str, Curves],
    natural: NaturalFigures | None = None,
) -> None:
    """Write training_<section>_mqc.json for every section."""
    sections = {
        "loss": _loss(name, curves),
        "test": _test(name, predictions),
        "precision_recall": _precision_recall(name, predictions),
        "calibration": _calibration(name, predictions),
        "confusion": _confusion(predictions["cascade"]),
        "contexts": _contexts(predictions["cascade"]),
    }
    if natural is not None and natural.by_type:
        sections["natural"] = _natural(name, natural)
    for key, content in sections.items():
        whole = {
            "parent_id": "deepcohort_training",
            "parent_name": "deepcohort training",
            "id": f"training_{key}",
            **escaped(content),
        }
        with atomic_outputs(output / f"training_{key}_mqc.json") as [temporary]:
            temporary.write_text(json.dumps(whole, indent=1) + "\n")


def _plot(key: str, title: str, x: str = "", y: str = "", **more: Any) -> dict[str, Any]:
    axes = {"xlab": x, "ylab": y} if x else {}
    return {"id": f"training_{key}_plot", "title": f"deepcohort: {title}", **axes, **more}


def _loss(name: str, curves: Mapping[str, Curves]) -> dict[str, Any]:
    lines = {
        f"{name} {PREDICTORS[label]}: {LOSS_NAMES[key]}": {epoch + 1: value for epoch, value in points}
        for label, curve in curves.items()
        for key, points in curve.items()
        if points
    }
    return {
        "section_name": "Loss",
        "description": "Mean loss by epoch.",
        "plot_type": "linegraph",
        "pconfig": _plot("loss", "loss", "epoch", "mean loss", ylog=True),
        "data": lines,
    }


def _test(name: str, predictions: Mapping[str, Predictions]) -> dict[str, Any]:
    return {
        "section_name": "Held-out test set",
        "description": "Stretches of genome never seen in training or tuning.",
        "plot_type": "table",
        "pconfig": _plot("test", "test set"),
        "data": {f"{name} {PREDICTORS[key]}": p.metrics() for key, p in predictions.items()},
    }


def _natural(name: str, figures: NaturalFigures) -> dict[str, Any]:
    return {
        "section_name": "At nature's frequencies",
        "description": f"{figures.source}.",
        "plot_type": "table",
        "pconfig": _plot("natural", "at nature's frequencies"),
        "data": {
            f"{name} {PREDICTORS[part]}, {kind}s": m
            for kind, rows in figures.by_type.items()
            for part, m in rows.items()
        },
    }


def _precision_recall(name: str, predictions: Mapping[str, Predictions]) -> dict[str, Any]:
    lines = {}
    for key, p in predictions.items():
        if not (p.label > 0).any():
            continue
        precision, recall, area = precision_recall(1.0 - p.p[:, 0], p.label > 0)
        chosen = np.unique(np.linspace(0, len(recall) - 1, _MAX_POINTS).astype(int))
        lines[f"{name} {PREDICTORS[key]} (area {area:.4f})"] = {
            round(float(recall[i]), 6): round(float(precision[i]), 6) for i in chosen
        }
    return {
        "section_name": "Precision and recall",
        "description": "Is the allele there? By threshold on the probability of no copy.",
        "plot_type": "linegraph",
        "pconfig": _plot("precision_recall", "precision and recall", "recall", "precision", ymax=1, xmax=1),
        "data": lines,
    }


def _calibration(name: str, predictions: Mapping[str, Predictions]) -> dict[str, Any]:
    lines = {
        f"{name} {PREDICTORS[key]}": {
            round(-10 * np.log10(max(claimed, 1e-9)), 2): round(-10 * np.log10(max(errors, 0.5) / n), 2)
            for claimed, n, errors in reliability(p.p, p.label)
        }
        for key, p in predictions.items()
        if len(p.label)
    }
    return {
        "section_name": "Calibration",
        "description": "Observed against claimed error rate; a bin without errors counts half an error.",
        "plot_type": "linegraph",
        "pconfig": _plot("calibration", "calibration", "claimed error, phred", "observed error, phred"),
        "data": {**lines, "perfect": {0: 0, 60: 60}},
    }


def _confusion(best: Predictions) -> dict[str, Any]:
    return {
        "section_name": "Confusion",
        "description": "Copies of the allele: truth down, call of the cascade across.",
        "plot_type": "heatmap",
        "pconfig": _plot("confusion", "confusion", "called copies", "true copies", square=False),
        "xcats": ["0 called", "1 called", "2 called"],
        "ycats": ["0 true", "1 true", "2 true"],
        "data": best.confusion().tolist(),
    }


def _contexts(best: Predictions) -> dict[str, Any]:
    return {
        "section_name": "Errors by context",
        "description": "Of the cascade on the test set; an example may lie in several contexts.",
        "plot_type": "bargraph",
        "pconfig": _plot("contexts", "errors by context"),
        "data": {c: {"errors": e, "right": n - e} for c, n, e in best.contexts() if n},
    }
