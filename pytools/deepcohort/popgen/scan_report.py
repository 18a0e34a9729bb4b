"""Pictures of a scan: probabilities along the genome, statistics of the data among the simulated."""

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepcohort.model.report import figures_row, note, table, write_page
from deepcohort.model.report_figures import figure
from deepcohort.popgen.archive import PopModel
from deepcohort.popgen.misfit import alarm

if TYPE_CHECKING:
    from deepcohort.popgen.scan import Scan

_TOP = 20
_MOST_LINES = 100  # of MultiQC's plot: more show nobody anything, and take it minutes


def scan_page(path: Path, found: "Scan", model: PopModel) -> None:
    """scan.html: the genome plot, the top windows, and whether the data look like what was simulated."""
    share, raised = alarm(found.judgement.misfit)
    windows = [w for w, ok in zip(found.windows, found.judged, strict=True) if ok]
    n = found.n_snps[found.judged]
    other = 1 - found.judgement.p[:, 0]
    order = np.argsort(-found.extremes.score, kind="stable")[:_TOP]
    rows = [
        [f"{windows[i].contig}:{windows[i].start + 1:,}-{windows[i].end:,}", f"{n[i]:,}",
         *(f"{v:.4f}" for v in found.judgement.p[i]), f"{found.judgement.misfit[i]:.3f}",
         *(f"{v[i]:.2g}" for v in (found.extremes.rank, found.extremes.p, found.extremes.q))]
        for i in order
    ]  # fmt: skip
    outside = model.familiar.outside(found.features)
    strange = sorted(zip(outside, model.about["statistics"], strict=True), reverse=True)[:8]
    parts = [
        f"<h1>Scan with {html.escape(model.about['name'])}</h1>",
        note(
            f"{len(found.windows):,} windows, {int(found.judged.sum()):,} judged. "
            f"Model version {model.about['version']}."
        ),
        *(note(line) for line in found.notes),
        "<h2>Genome</h2>",
        figures_row(
            (
                figure(lambda axes: draw_genome(axes, windows, other, model), "probabilities by place"),
                f"Probability of anything but {html.escape(model.labels[0])}, by window",
            )
        ),
        f"<h2>The {len(order)} first windows</h2>",
        table(
            ["window", "SNPs", *(f"p {k}" for k in model.labels), "misfit p", "rank p", "null p", "q"],
            rows,
        ),
        note(
            f"{found.extremes.told}. rank p: place among all windows; null p: share of simulated neutral "
            "loci that score as much"
            + (", in a genome like this one." if found.extremes.known else ".")
        ),
        "<h2>Do the data look like the simulations?</h2>",
        note(
            f"{100 * share:.1f} % of windows are stranger than 99 % of simulated loci: "
            + ("more than chance and small differences explain." if raised else "no alarm.")
        ),
        figures_row(
            (
                figure(lambda axes: draw_components(axes, found, model), "data among simulated loci"),
                "First two principal components of the statistics",
            )
        ),
        table(
            ["statistic", "windows outside the central 99 % of simulations"],
            [[name, f"{100 * v:.1f} %"] for v, name in strange],
        ),
        "<h2>Samples</h2>",
        figures_row(
            (figure(lambda axes: draw_places(axes, found, 0), "components"), "Principal components"),
            (figure(lambda axes: draw_places(axes, found, 2), "neighbours"), "Neighbour embedding"),
        ),
    ]  # fmt: skip
    write_page(path, f"Scan with {model.about['name']}", parts)


def draw_genome(axes: Any, windows: list[Any], value: Any, model: PopModel) -> None:
    """One dot a window, contigs beside each other in turns of two colours."""
    offset, ticks = 0.0, []
    rows: dict[str, list[int]] = {}
    for i, window in enumerate(windows):
        rows.setdefault(window.contig, []).append(i)
    dots: list[tuple[list[float], list[Any]]] = [([], []), ([], [])]
    for k, (contig, own) in enumerate(rows.items()):
        start = min(windows[i].start for i in own)
        x = [offset + ((windows[i].start + windows[i].end) / 2 - start) / 1e6 for i in own]
        dots[k % 2][0].extend(x)
        dots[k % 2][1].extend(value[i] for i in own)
        ticks.append(((x[0] + x[-1]) / 2, contig))
        offset = max(x) + 0.2
    for (places, values), color in zip(dots, ("#1f4e79", "#c0504d"), strict=True):
        axes.plot(places, values, ".", markersize=3, color=color)  # one line each, however many contigs
    if len(ticks) <= 30:
        axes.set_xticks([t for t, _ in ticks], [c for _, c in ticks], rotation=90 if len(ticks) > 6 else 0)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(f"1 - p {model.labels[0]}")


def draw_components(axes: Any, found: "Scan", model: PopModel) -> None:
    """Windows over training loci."""
    simulated = model.familiar.points
    own = model.familiar.components(found.features)[:, :2]
    axes.plot(simulated[:, 0], simulated[:, 1], ".", color="#bbbbbb", markersize=3, label="simulated")
    axes.plot(own[:, 0], own[:, 1], ".", color="#c0504d", markersize=3, label="data")
    axes.set_xlabel("component 1")
    axes.set_ylabel("component 2")
    axes.legend(frameon=False)


def draw_places(axes: Any, found: "Scan", first: int) -> None:
    """Samples on two columns of `places`."""
    axes.plot(found.places[:, first], found.places[:, first + 1], ".", color="#1f4e79", markersize=4)
    axes.set_xlabel("axis 1")
    axes.set_ylabel("axis 2")


def multiqc_content(found: "Scan", model: PopModel) -> dict[str, Any]:
    """A line graph by contig of the probability of anything but the first class."""
    lines: dict[str, dict[float, float]] = {}
    windows = [w for w, ok in zip(found.windows, found.judged, strict=True) if ok]
    for w, p in zip(windows, 1 - found.judgement.p[:, 0], strict=True):
        lines.setdefault(w.contig, {})[round((w.start + w.end) / 2e6, 4)] = round(float(p), 5)
    told = ""
    if len(lines) > _MOST_LINES:
        told = f" Of {len(lines):,} contigs the {_MOST_LINES} with most windows are drawn."
        longest = sorted(lines, key=lambda contig: -len(lines[contig]))[:_MOST_LINES]
        lines = {contig: line for contig, line in lines.items() if contig in longest}
    share, raised = alarm(found.judgement.misfit)
    warning = " MISFIT: the data do not look like the simulations; do not trust these." if raised else ""
    return {
        "id": "popgen_scan",
        "section_name": "Population genetics: scan",
        "description": f"Probability of anything but {model.labels[0]} by window, model "
        f"{model.about['name']} {model.about['version']}; {found.extremes.told}; {100 * share:.1f} % of "
        f"windows unlike the simulations.{told}{warning}",
        "plot_type": "linegraph",
        "pconfig": {
            "id": "popgen_scan_plot", "title": "deepcohort: population genetics, scan", "xlab": "Mb",
            "ylab": f"1 - p {model.labels[0]}", "ymin": 0, "ymax": 1,
        },
        "data": lines,
    }  # fmt: skip
