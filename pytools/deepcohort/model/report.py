"""The training report: one HTML page, and the same figures as MultiQC custom content."""

import base64
import csv
import html
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.outputs import atomic_outputs
from deepcohort.model.calibrate import mean_nll, reliability
from deepcohort.pileup.features import F

_PRECISIONS = (0.70, 0.80, 0.90, 0.99)


def precision_recall(
    score: NDArray[np.floating], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """(precision, recall, area): one point per distinct threshold, by average precision."""
    if truth.sum() == 0:
        return np.array([1.0]), np.array([0.0]), float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    distinct = np.append(np.diff(score[order]) != 0, True)
    precision = (hits / np.arange(1, len(order) + 1))[distinct]
    recall = (hits / truth.sum())[distinct]
    area = float(np.sum(np.diff(np.concatenate([[0.0], recall])) * precision))
    return precision, recall, area


def recall_at_precision(precision: NDArray[np.float64], recall: NDArray[np.float64], wanted: float) -> float:
    """Best recall at which precision is at least `wanted`, 0 where it never is."""
    fine = precision >= wanted
    return float(recall[fine].max()) if fine.any() else 0.0


@dataclass(frozen=True, slots=True)
class Predictions:
    """Probabilities (N, 3), labels (N,) and features (N, F) of a test set; `cnn_share` needs the CNN."""

    p: NDArray[np.floating]
    label: NDArray[np.int8]
    features: NDArray[np.float32]
    cnn_share: float = 1.0

    def metrics(self) -> dict[str, float]:
        """The figures of the card."""
        if len(self.label) == 0:
            names = ("examples", "errors", "nll", "pr_area", "recall_at_99", "cnn_share")
            return dict.fromkeys(names, 0.0)
        variant = self.label > 0
        precision, recall, area = precision_recall(1.0 - self.p[:, 0], variant)
        out = {
            "examples": float(len(self.label)),
            "errors": float((self.p.argmax(axis=1) != self.label).sum()),
            "false_negatives": float((variant & (self.p.argmax(axis=1) == 0)).sum()),
            "false_positives": float((~variant & (self.p.argmax(axis=1) > 0)).sum()),
            "nll": mean_nll(self.p, self.label),
            "pr_area": area,
            "cnn_share": self.cnn_share,
        }
        for wanted in _PRECISIONS:
            out[f"recall_at_{round(100 * wanted)}"] = recall_at_precision(precision, recall, wanted)
        return out

    def confusion(self) -> NDArray[np.int64]:
        """Counts (3, 3), truth by call."""
        out = np.zeros((3, 3), dtype=np.int64)
        np.add.at(out, (self.label.astype(int), self.p.argmax(axis=1)), 1)
        return out

    def contexts(self) -> list[tuple[str, int, int]]:
        """(context, examples, errors)."""
        f = self.features
        wrong = self.p.argmax(axis=1) != self.label
        run = np.expm1(3 * f[:, F.homopolymer])
        depth = np.expm1(4 * f[:, F.depth_log])
        snp, ins, deletion = f[:, F.is_snp] > 0, f[:, F.is_insertion] > 0, f[:, F.is_deletion] > 0
        groups = {
            "SNP": snp,
            "insertion": ins,
            "deletion": deletion,
            "indel in homopolymer of 6 bp or more": ~snp & (run >= 5.5),
            "indel of 10 bp or more": ~snp & (np.expm1(4 * f[:, F.indel_length]) >= 9.5),
            "tandem repeat of 12 bp or more": np.expm1(4 * f[:, F.repeat_length]) >= 11.5,
            "several alternates": f[:, F.same_site_alts] > 0,
            "another candidate within 10 bp": f[:, F.near_10] > 0,
            "depth below 8": depth < 7.5,
            "depth 8 to 20": (depth >= 7.5) & (depth < 20.5),
            "depth above 20": depth >= 20.5,
            "ALT reads of low MAPQ": f[:, F.mapq_alt_mean] < 0.5,
        }
        return [(k, int(m.sum()), int((m & wrong).sum())) for k, m in groups.items()]


def _curve(logs: Path) -> dict[str, list[tuple[int, float]]]:
    """Loss by epoch from the metrics.csv of every attempt of a run; later attempts win."""
    found: dict[str, dict[int, float]] = {"train_loss": {}, "val_loss": {}}
    for path in sorted(logs.glob("attempt_*/metrics.csv")):
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                for name, points in found.items():
                    if row.get(name):
                        points[int(float(row["epoch"]))] = float(row[name])
    return {name: sorted(points.items()) for name, points in found.items()}


def _figure(draw: Any) -> str:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5.2, 3.6), dpi=90)
    draw(axes)
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="">'


def _table(header: list[str], rows: list[list[object]]) -> str:
    head = "".join(f"<th>{html.escape(h)}</th>" for h in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def training_report(
    output: Path, name: str, predictions: dict[str, Predictions], about: dict[str, Any]
) -> None:
    """Write report.html and training_*_mqc.json into `output`."""
    curves = {label: _curve(output / "logs" / label) for label in ("small", "cnn")}
    parts = [f"<h1>Training report: {html.escape(name)} {html.escape(about['version'])}</h1>"]
    for label, curve in curves.items():
        parts.append(f"<h2>Loss of the {'CNN' if label == 'cnn' else 'feature model'}</h2>")
        parts.append(_figure(lambda axes, curve=curve: _draw_losses(axes, curve)))
    parts.append("<h2>Test set</h2>")
    names = list(next(iter(predictions.values())).metrics())
    rows: list[list[object]] = [
        [k, *[f"{p.metrics().get(n, 0):.5g}" for n in names]] for k, p in predictions.items()
    ]
    parts.append(_table(["predictor", *names], rows))
    parts.append("<h2>Precision and recall (is the allele there?)</h2>")
    parts.append(_figure(lambda axes: _draw_precision_recall(axes, predictions)))
    parts.append("<h2>Calibration</h2>")
    parts.append(_figure(lambda axes: _draw_reliability(axes, predictions)))
    best = predictions["cascade"]
    parts.append("<h2>Confusion (copies: truth down, call across)</h2>")
    parts.append(
        _table(["truth", "0", "1", "2"], [[i, *row] for i, row in enumerate(best.confusion().tolist())])
    )
    parts.append("<h2>Errors by context</h2>")
    parts.append(_table(["context", "examples", "errors"], [list(r) for r in best.contexts()]))
    style = (
        "body{font:15px sans-serif;max-width:60em;margin:2em auto}td,th{padding:.2em .7em;text-align:right}"
    )
    page = f"<!doctype html><meta charset=utf-8><title>{html.escape(name)}</title><style>{style}</style>"
    with atomic_outputs(output / "report.html") as [temporary]:
        temporary.write_text(page + "\n".join(parts) + "\n")
    _write_multiqc(output, name, predictions, curves)


def _draw_losses(axes: Any, curve: dict[str, list[tuple[int, float]]]) -> None:
    for key, points in curve.items():
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=key.replace("_", " "))
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    if any(curve.values()):
        axes.set_yscale("log")
        axes.legend()


def _draw_precision_recall(axes: Any, predictions: dict[str, Predictions]) -> None:
    for key, p in predictions.items():
        if len(p.label):
            precision, recall, area = precision_recall(1.0 - p.p[:, 0], p.label > 0)
            axes.plot(recall, precision, label=f"{key} (area {area:.5f})")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_xlim(0.9, 1.001)
    axes.set_ylim(0.9, 1.001)
    axes.legend()


def _draw_reliability(axes: Any, predictions: dict[str, Predictions]) -> None:
    axes.plot([0, 60], [0, 60], color="grey", linewidth=0.8)
    for key, p in predictions.items():
        points = reliability(p.p, p.label) if len(p.label) else []
        # half an error where none was seen: the point is then a lower bound
        x = [-10 * np.log10(max(c, 1e-9)) for c, _, _ in points]
        y = [-10 * np.log10((max(e, 0.5)) / n) for _, n, e in points]
        axes.plot(x, y, marker="o", label=key)
    axes.set_xlabel("claimed, phred")
    axes.set_ylabel("observed, phred")
    axes.legend()


def _write_multiqc(
    output: Path, name: str, predictions: dict[str, Predictions], curves: dict[str, Any]
) -> None:
    parent = {"parent_id": "deepcohort_training", "parent_name": "deepcohort training"}
    lines = {
        f"{name} {label} {key}": dict(points)
        for label, curve in curves.items()
        for key, points in curve.items()
        if points
    }
    contents = {
        "loss": {
            **parent,
            "id": "training_loss",
            "section_name": "Loss",
            "plot_type": "linegraph",
            "pconfig": {
                "id": "training_loss_plot",
                "title": "deepcohort: loss",
                "xlab": "epoch",
                "ylab": "loss",
            },
            "data": lines,
        },
        "test": {
            **parent,
            "id": "training_test",
            "section_name": "Held-out test set",
            "plot_type": "table",
            "pconfig": {"id": "training_test_table", "title": "deepcohort: test set"},
            "data": {f"{name} {k}": p.metrics() for k, p in predictions.items()},
        },
        "contexts": {
            **parent,
            "id": "training_contexts",
            "section_name": "Errors by context",
            "plot_type": "bargraph",
            "pconfig": {"id": "training_contexts_plot", "title": "deepcohort: errors by context"},
            "data": {c: {"errors": e} for c, _, e in predictions["cascade"].contexts()},
        },
    }
    for key, content in contents.items():
        with atomic_outputs(output / f"training_{key}_mqc.json") as [temporary]:
            temporary.write_text(json.dumps(content, indent=1) + "\n")
