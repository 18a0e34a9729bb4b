"""Phase of the evaluation report as MultiQC content: a table, and a picture of the blocks."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from deepcohort.report.evaluation_common import Section, percent, plot
from deepcohort.report.evaluation_types import Evaluation

_PHASE = (
    "Heterozygous calls against truth that is phased. Phased: calls in blocks of two and more. Near pairs: "
    "neighbouring heterozygotes within 300 bp, and how many of them are in one block. Switches are counted "
    "over neighbours that share a block in calls and truth; a flip is two switches in a row, one variant "
    "laid the other way. Hamming: variants on the wrong haplotype, each block laid the better way. "
    "Blocks: half of what blocks span lies in blocks of N50 and longer."
)
_BLOCKS = (
    "Where the calls are phased: each line is a contig, from its first block to its last; blocks are drawn "
    "in two colours in turn, where they are wide enough to be seen."
)
_MOST_CONTIGS, _WIDTH, _ROW, _LEFT = 30, 900, 14, 110
_COLOURS = ("#2f6fb3", "#d1682b")
_COUNTS = {
    "switches": "Switches",
    "flips": "Flips",
    "pairs": "Pairs",
    "hamming": "Hamming",
    "covered": "Compared",
    "hets": "Heterozygotes",
    "phased": "phased",
    "blocks": "Blocks",
    "block_n50_bp": "N50, bp",
    "phased_truth": "Phased in truth",
}
_RATES = {
    "phased_share": ("Phased", {"scale": "Greens", "min": 0, "max": 100}),
    "near_share": ("Near pairs phased", {"scale": "Greens", "min": 0, "max": 100}),
    "switch_rate": ("Switch rate", {"scale": "OrRd", "min": 0, "max": 5}),
    "hamming_rate": ("Hamming rate", {"scale": "OrRd", "min": 0, "max": 5}),
}


def phase(evaluations: Sequence[Evaluation]) -> Section:
    """Phase of each call set, of SNPs and of all; nothing if no calls and truth are both phased."""
    data: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        for row in evaluation.info.get("phase") or []:
            if row["contig"] != "all" or "type" not in row:
                continue
            cells = {key: row[key] for key in _COUNTS}
            cells |= {key: percent(row[key]) for key in _RATES if row[key] is not None}
            data[f"{evaluation.name} {row['type']}"] = cells
    if not data:
        return {}
    rate = {"suffix": "%", "format": "{:,.3f}"}
    count = {"format": "{:,.0f}", "scale": False}
    return {
        "section_name": "Phase",
        "description": _PHASE,
        "plot_type": "table",
        "pconfig": plot("phase", "phase", col1_header="Calls, type"),
        "headers": {
            **{key: {"title": title, **rate, **more} for key, (title, more) in _RATES.items()},
            **{key: {"title": title, **count} for key, title in _COUNTS.items()},
        },
        "data": data,
    }


def blocks(evaluations: Sequence[Evaluation]) -> Section:
    """A picture of the blocks of each call set; nothing where there is no block."""
    pictures = []
    for evaluation in evaluations:
        by_contig: dict[str, list[tuple[int, int]]] = {}
        for row in evaluation.rows("phase_blocks"):
            by_contig.setdefault(row["contig"], []).append((int(row["start"]), int(row["end"])))
        if by_contig:
            pictures.append(f"<h5>{html.escape(evaluation.name)}</h5>{_picture(by_contig)}")
    if not pictures:
        return {}
    return {
        "section_name": "Phase blocks",
        "description": _BLOCKS,
        "plot_type": "html",
        "data": "".join(pictures),
    }


def _picture(by_contig: dict[str, list[tuple[int, int]]]) -> str:
    """SVG of the longest contigs, one below the other."""
    spans = {name: max(e for _, e in rows) - min(s for s, _ in rows) + 1 for name, rows in by_contig.items()}
    longest = sorted(spans, key=lambda name: -spans[name])[:_MOST_CONTIGS]
    shown = [name for name in by_contig if name in longest]
    widest = max(spans[name] for name in shown)
    height = _ROW * len(shown) + 4
    parts = [f'<svg viewBox="0 0 {_WIDTH + _LEFT} {height}" role="img" aria-label="phase blocks">']
    for k, name in enumerate(shown):
        y = _ROW * k + 2
        label = f"{html.escape(name)} {spans[name] / 1e6:,.2f} Mb"
        parts.append(f'<text x="0" y="{y + 9}" font-size="9">{label}</text>')
        parts += _contig(by_contig[name], _WIDTH / widest, y)
    return "".join(parts) + "</svg>"


def _contig(rows: list[tuple[int, int]], scale: float, y: int) -> list[str]:
    """Rectangles of one contig; blocks that share a pixel are one, of the first one's colour."""
    origin = min(start for start, _ in rows)
    drawn: list[list[float]] = []  # x, end, colour
    for number, (start, end) in enumerate(sorted(rows)):
        x, stop = (start - origin) * scale, (end - origin + 1) * scale
        if drawn and stop - drawn[-1][0] < 1.0:
            drawn[-1][1] = max(drawn[-1][1], stop)
        elif drawn and x < drawn[-1][1] and stop <= drawn[-1][1]:
            continue  # inside the one before
        else:
            drawn.append([x, stop, number % 2])
    return [
        f'<rect x="{_LEFT + x:.1f}" y="{y}" width="{max(0.3, stop - x):.1f}" height="{_ROW - 4}" '
        f'fill="{_COLOURS[int(colour)]}"/>'
        for x, stop, colour in drawn
    ]
