"""The training report: one HTML page, and the same figures as MultiQC custom content."""

import html
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deepcohort.core.outputs import atomic_outputs
from deepcohort.formats.table import read_table
from deepcohort.model.predictions import (
    NATURAL_PRECISIONS,
    PRECISIONS,
    NaturalFigures,
    Predictions,
    recall_key,
)
from deepcohort.model.report_figures import (
    PREDICTORS,
    Curves,
    draw_losses,
    draw_precision_recall,
    draw_reliability,
    figure,
)
from deepcohort.model.report_multiqc import write_multiqc
from deepcohort.pileup.features import F

_STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 66em; margin: 2em auto; padding: 0 1em; color: #222 }
h2 { margin-top: 1.8em; border-bottom: 1px solid #ccc }
td, th { padding: .2em .8em; text-align: right; font-variant-numeric: tabular-nums }
td:first-child, th:first-child { text-align: left }
tr:nth-child(odd) td { background: #f5f5f5 }
th { border-bottom: 1px solid #888 }
.row { display: flex; flex-wrap: wrap; gap: 1.5em }
.row img, .row figure { max-width: 100%; margin: 0 }
figcaption, p.note { color: #555; max-width: 46em }
"""
_METRICS = {
    "examples": ("examples", "{:,.0f}"),
    "errors": ("wrong number of copies", "{:,.0f}"),
    "false_negatives": ("allele there, called absent", "{:,.0f}"),
    "false_positives": ("allele absent, called there", "{:,.0f}"),
    "nll": ("mean -ln p of the truth", "{:.5f}"),
    "pr_area": ("area under precision and recall", "{:.5f}"),
    **{recall_key(p): (f"recall at precision {round(100 * p)} %", "{:.4f}") for p in PRECISIONS},
    "cnn_share": ("share of sites that the cascade sends to the CNN", "{:.3f}"),
}


def training_report(
    output: Path,
    name: str,
    predictions: dict[str, Predictions],
    about: dict[str, Any],
    natural: NaturalFigures | None = None,
) -> None:
    """Write report.html and training_*_mqc.json into `output`."""
    curves = {label: loss_curve(output / "logs" / label) for label in ("small", "cnn")}
    best = predictions["cascade"]
    parts = [
        *_head(name, about, best),
        *_losses(curves),
        *_test_set(predictions),
        *_natural(natural),
        *_precision_recall(predictions),
        *_calibration(predictions),
        *_confusion(best),
        *_contexts(best),
    ]
    write_page(output / "report.html", f"Training report: {name}", parts)
    write_multiqc(output, name, predictions, curves, natural)


def write_page(path: Path, title: str, parts: Sequence[str]) -> None:
    """Write one HTML page of the reports' style."""
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
    with atomic_outputs(path) as [temporary]:
        body = "\n".join(parts)
        temporary.write_text(f"{page}<style>{_STYLE}</style>\n{body}\n</html>\n")


def loss_curve(logs: Path) -> dict[str, list[tuple[int, float]]]:
    """Loss by epoch from the metrics.csv of every attempt of a run; later attempts win."""
    found: dict[str, dict[int, float]] = {"train_loss": {}, "val_loss": {}}
    for path in sorted(logs.glob("attempt_*/metrics.csv")):
        for row in read_table(path, "log", ("epoch",), delimiter=",", unfinished=True):
            for name, points in found.items():
                if row.get(name):
                    points[row.whole("epoch")] = row.real(name)
    return {name: sorted(points.items()) for name, points in found.items()}


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An HTML table."""
    head = "".join(f"<th>{html.escape(h)}</th>" for h in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def note(text: str) -> str:
    """A paragraph of explanation."""
    return f'<p class="note">{html.escape(text)}</p>'


def figures_row(*figures: tuple[str, str]) -> str:
    """Figures beside each other, each with its caption."""
    inner = "".join(
        f"<figure>{image}<figcaption>{html.escape(text)}</figcaption></figure>" for image, text in figures
    )
    return f'<div class="row">{inner}</div>'


def _head(name: str, about: dict[str, Any], best: Predictions) -> list[str]:
    facts = about["facts"]
    labels = " / ".join(f"{n:,}" for n in facts["labels"])
    return [
        f"<h1>Training report: {html.escape(name)}</h1>",
        note(
            f"Version {about['version']}, platform {about['platform']}. "
            f"Examples of 0 / 1 / 2 copies: {labels}; {facts['training_examples']:,} train, "
            f"{len(best.label):,} test, the others validate. "
            f"Settings: train.toml; the model card ({name}.md) says what else is to be known."
        ),
    ]


def _losses(curves: Mapping[str, Curves]) -> list[str]:
    figures = [
        (figure(partial(draw_losses, curve=curves[label]), f"{words} by epoch"), words)
        for label, words in (("small", "Loss of the feature model"), ("cnn", "Loss of the CNN"))
    ]
    return [
        "<h2>Loss</h2>",
        figures_row(*figures),
        note("Validation is measured with averaged weights where EMA is on, always by plain cross-entropy."),
    ]


def _test_set(predictions: Mapping[str, Predictions]) -> list[str]:
    metrics = {key: p.metrics() for key, p in predictions.items()}
    rows = [
        [words, *(form.format(m.get(key, 0.0)) for m in metrics.values())]
        for key, (words, form) in _METRICS.items()
    ]
    return [
        "<h2>Test set</h2>",
        note("Stretches of genome that neither training, tuning nor calibration saw."),
        table(["", *(PREDICTORS[key] for key in predictions)], rows),
    ]


def _natural(figures: NaturalFigures | None) -> list[str]:
    if figures is None or not figures.by_type:
        return []
    parts = ["<h2>At nature's frequencies</h2>", note(f"{figures.source}.")]
    for kind, rows in figures.by_type.items():
        header = [f"{kind}s", "examples", "wrong number of copies", "mean -ln p", "area under PR"]
        header += [f"recall at precision {100 * p:g} %" for p in NATURAL_PRECISIONS]
        body = [
            [
                PREDICTORS[part], f"{m['examples']:,.0f}", f"{100 * m['error_rate']:.3f} %",
                f"{m['nll']:.5f}", f"{m['pr_area']:.5f}",
                *(f"{m[recall_key(p)]:.4f}" for p in NATURAL_PRECISIONS),
            ]
            for part, m in rows.items()
        ]  # fmt: skip
        parts.append(table(header, body))
    return parts


def _precision_recall(predictions: Mapping[str, Predictions]) -> list[str]:
    best = predictions["cascade"]
    snp = best.features[:, F.is_snp] > 0
    by_type = {"SNPs": best.subset(snp), "indels": best.subset(~snp)}
    named = {PREDICTORS[key]: p for key, p in predictions.items()}
    return [
        "<h2>Precision and recall: is the allele there?</h2>",
        figures_row(
            (
                figure(
                    lambda axes: draw_precision_recall(axes, named), "precision by recall of each predictor"
                ),
                "Each predictor, by threshold on the probability of no copy",
            ),
            (
                figure(
                    lambda axes: draw_precision_recall(axes, by_type),
                    "precision by recall of SNPs and indels",
                ),
                "The cascade by type of variant",
            ),
        ),
    ]


def _calibration(predictions: Mapping[str, Predictions]) -> list[str]:
    named = {PREDICTORS[key]: p for key, p in predictions.items()}
    image = figure(lambda axes: draw_reliability(axes, named), "observed by claimed error rate")
    caption = "Triangles are bins without errors: half an error is counted, so the truth lies there or above"
    return ["<h2>Calibration</h2>", figures_row((image, caption))]


def _confusion(best: Predictions) -> list[str]:
    counts = best.confusion()
    rows = [
        [f"{truth} true", *(f"{n:,}" for n in row), f"{row[truth] / row.sum():.4f}" if row.sum() else "-"]
        for truth, row in enumerate(counts)
    ]
    return [
        "<h2>Confusion of the cascade, by copies of the allele</h2>",
        table(["", "0 called", "1 called", "2 called", "right"], rows),
    ]


def _contexts(best: Predictions) -> list[str]:
    rows = [[c, f"{n:,}", f"{e:,}", f"{100 * e / n:.2f} %" if n else "-"] for c, n, e in best.contexts()]
    return [
        "<h2>Errors of the cascade by context</h2>",
        table(["", "examples", "errors", "errors of examples"], rows),
        note("An example may lie in several contexts."),
    ]
