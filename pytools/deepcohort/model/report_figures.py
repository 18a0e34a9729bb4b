"""The drawings of the training report: losses, precision and recall, calibration."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deepcohort.model.calibrate import reliability
from deepcohort.model.predictions import PRECISIONS, Predictions, precision_recall, recall_at_precision

Curves = Mapping[str, Sequence[tuple[int, float]]]
LOSS_NAMES = {"train_loss": "training (the loss that is minimised)", "val_loss": "validation (cross-entropy)"}
PREDICTORS = {
    "naive": "naive likelihood, no network",
    "small": "feature model",
    "cnn": "CNN",
    "both": "both, averaged",
    "cascade": "cascade, as in calling",
}
_MAX_PHRED = 60


def figure(draw: Callable[[Any], None], what: str) -> str:
    """An HTML image, the same bytes for the same data; `what` it shows is said to who cannot see it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # text stays text, and the names of parts do not change from run to run
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "deepcohort", "font.size": 10}):
        picture, axes = pyplot.subplots(figsize=(5.2, 3.8), dpi=90)
        draw(axes)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        buffer = io.BytesIO()
        picture.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        pyplot.close(picture)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{what}">'


def draw_losses(axes: Any, curve: Curves) -> None:
    """Loss by epoch, epochs counted from 1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    for key, points in curve.items():
        if points:
            epochs, losses = zip(*points, strict=True)
            axes.plot([e + 1 for e in epochs], losses, marker=".", label=LOSS_NAMES[key])
    axes.set_xlabel("epoch")
    axes.set_ylabel("mean loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if any(curve.values()):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)


def draw_precision_recall(axes: Any, predictions: Mapping[str, Predictions]) -> None:
    """Precision by recall of "the allele is there", with the area; the corner that matters is shown."""
    low_recall = low_precision = 0.9
    for key, p in predictions.items():
        if not (p.label > 0).any():
            continue
        precision, recall, area = precision_recall(1.0 - p.p[:, 0], p.label > 0)
        axes.step(recall, precision, where="pre", label=f"{key}, area {area:.4f}")
        # how far recall comes at a precision of 90 %, and what precision is left at nearly all of it
        low_recall = min(low_recall, recall_at_precision(precision, recall, 0.9))
        low_precision = min(low_precision, float(precision[recall >= 0.95].max()))
    low_recall, low_precision = (np.floor(10 * low) / 10 for low in (low_recall, low_precision))
    for wanted in PRECISIONS:
        if wanted > low_precision:
            axes.axhline(wanted, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_xlim(low_recall, 1 + 0.01 * (1 - low_recall))
    axes.set_ylim(low_precision, 1 + 0.01 * (1 - low_precision))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left")


def draw_reliability(axes: Any, predictions: Mapping[str, Predictions]) -> None:
    """Observed against claimed error rate by bin of the claim, both as phred."""
    axes.plot([0, _MAX_PHRED], [0, _MAX_PHRED], color="grey", linewidth=0.8, label="perfect")
    for key, p in predictions.items():
        points = reliability(p.p, p.label) if len(p.label) else []
        # half an error where none was seen: a lower bound, which no line joins
        at = [
            (-10 * np.log10(max(claimed, 1e-9)), -10 * np.log10(max(errors, 0.5) / n), errors > 0)
            for claimed, n, errors in points
        ]
        (line,) = axes.plot(*_columns(at, True), marker="o", markersize=4, label=key)
        colour = line.get_color()
        axes.plot(*_columns(at, False), "^", color=colour, markersize=5, markerfacecolor="none")
    axes.set_xlabel("claimed error, phred")
    axes.set_ylabel("observed error, phred")
    axes.legend()


def _columns(at: Sequence[tuple[float, float, bool]], seen: bool) -> tuple[list[float], list[float]]:
    """x and y of the points with (`seen`) or without errors."""
    return [x for x, _, s in at if s == seen], [y for _, y, s in at if s == seen]
