"""The training report of this room, in the style and with the figures of the caller's."""

import html
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.outputs import atomic_outputs
from deepcohort.model.report import figures_row, loss_curve, note, table, write_page
from deepcohort.model.report_figures import draw_losses, figure


def confusion(p: NDArray[np.float64], label: NDArray[np.integer]) -> NDArray[np.int64]:
    """Counts (K, K), truth by row."""
    k = p.shape[1]
    return np.bincount(label.astype(np.int64) * k + p.argmax(axis=1), minlength=k * k).reshape(k, k)


def training_report(
    output: Path, about: dict[str, Any], p: NDArray[np.float64], label: NDArray[np.integer], cpu_s: float
) -> None:
    """Write report.html and popgen_training_mqc.json."""
    labels = about["labels"]
    curve = loss_curve(output / "logs" / "cnn")
    counts = confusion(p, label)
    metrics = about["facts"]["metrics"]
    coverage = about["facts"]["coverage"]
    rows = [[f"{name} true", *(f"{n:,}" for n in counts[i])] for i, name in enumerate(labels)]
    parts = [
        f"<h1>Training report: {html.escape(about['name'])}</h1>",
        note(
            f"Version {about['version']}; {about['facts']['loci']:,} loci, {metrics['loci']:.0f} of "
            "them held out; "
            f"{cpu_s:.0f} CPU s. Accuracy {metrics['accuracy']:.4f}, mean -ln p of the truth "
            f"{metrics['nll']:.4f}."
        ),
        "<h2>Loss</h2>",
        figures_row((figure(partial(draw_losses, curve=curve), "loss by epoch"), "Loss of the network")),
        "<h2>Confusion on held-out loci</h2>",
        table(["", *(f"{name} called" for name in labels)], rows),
        "<h2>Calibration</h2>",
        figures_row(
            (
                figure(partial(draw_claims, p=p, label=label, labels=labels), "observed by claimed share"),
                "Observed share by claimed probability, tenths",
            )
        ),
    ]  # fmt: skip
    if coverage:
        head = ["parameter", *(k for k in next(iter(coverage.values())))]
        parts += [
            "<h2>Parameters</h2>",
            table(head, [[name, *(f"{v:.3g}" for v in row.values())] for name, row in coverage.items()]),
            note(
                "Share of true values below each claimed quantile: equal to it where the posterior is "
                "calibrated."
            ),
        ]
    write_page(output / "report.html", f"Training report: {about['name']}", parts)
    content = {
        "id": "popgen_training",
        "section_name": "Population genetics: training",
        "description": "Held-out loci by true and called class.",
        "plot_type": "table",
        "pconfig": {"id": "popgen_training_table", "title": "deepcohort: population genetics, training"},
        "data": {
            f"{about['name']}: {name} true": {
                f"{other} called": int(counts[i, j]) for j, other in enumerate(labels)
            }
            for i, name in enumerate(labels)
        },
    }
    with atomic_outputs(output / "popgen_training_mqc.json") as [temporary]:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def draw_claims(axes: Any, p: NDArray[np.float64], label: NDArray[np.integer], labels: list[str]) -> None:
    """Observed share of each class by tenth of its claimed probability."""
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="perfect")
    for k, name in enumerate(labels):
        tenth = np.minimum((p[:, k] * 10).astype(int), 9)
        used = [t for t in range(10) if (tenth == t).sum() >= 5]
        x = [p[tenth == t, k].mean() for t in used]
        y = [(label[tenth == t] == k).mean() for t in used]
        axes.plot(x, y, marker=".", label=name)
    axes.set_xlabel("claimed probability")
    axes.set_ylabel("observed share")
    axes.legend(frameon=False)
