"""The picture of a site: reads above, the network's channels below."""

import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import ALLELE_ALT, ALLELE_OTHER, ALLELE_REF
from deepcohort.compose.show_types import GAP, OUTSIDE, SitePicture
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.sequence import BASES
from deepcohort.pileup.config import CHANNELS

if TYPE_CHECKING:
    from deepcohort.model.explain import Saliency

_BASE_COLOURS = (
    (0.20, 0.63, 0.17),
    (0.12, 0.40, 0.80),
    (0.95, 0.60, 0.10),
    (0.85, 0.15, 0.15),
    (0.5, 0.5, 0.5),
)
_FORWARD, _REVERSE, _GAP_COLOUR = (0.86, 0.86, 0.90), (0.80, 0.84, 0.80), (0.15, 0.15, 0.15)
_ALLELE_COLOURS = {ALLELE_ALT: (0.75, 0.1, 0.4), ALLELE_REF: (0.4, 0.4, 0.4), ALLELE_OTHER: (0.9, 0.7, 0.1)}
_ALLELE_NAMES = {ALLELE_ALT: "ALT", ALLELE_REF: "REF", ALLELE_OTHER: "other", -1: "unclear"}
_SHOWN_SHARE = 0.2
_SUFFIXES = (".png", ".pdf", ".svg")


def read_image(picture: SitePicture) -> NDArray[np.float64]:
    """Colours of the pileup, float (1 + reads, W + 1, 3): reference on top, allele marks on the left."""
    width = len(picture.reference)
    image = np.ones((1 + len(picture.reads), width + 1, 3))
    image[0, 1:] = np.array(_BASE_COLOURS)[picture.reference]
    for i, read in enumerate(picture.reads, start=1):
        image[i, 0] = _ALLELE_COLOURS.get(read.allele, (1.0, 1.0, 1.0))
        for j, code in enumerate(read.codes):
            if code == OUTSIDE:
                continue
            if code == GAP:
                colour = np.array(_GAP_COLOUR)
            elif code == picture.reference[j]:
                colour = np.array(_FORWARD if read.forward else _REVERSE)
            else:
                colour = np.array(_BASE_COLOURS[code])
            # clipped bases and reads of low MAPQ are paler
            pale = 0.6 if read.clipped[j] else (0.35 if read.mapq < 20 else 0.0)
            image[i, j + 1] = colour * (1 - pale) + pale
    return image


def _draw_reads(axis: Any, picture: SitePicture) -> None:
    image = read_image(picture)
    axis.imshow(image, aspect="auto", interpolation="nearest")
    for j, code in enumerate(picture.reference, start=1):
        axis.text(j, 0, BASES[code], ha="center", va="center", fontsize=5, color="white")
    for i, read in enumerate(picture.reads, start=1):
        for column, length in read.inserted:
            axis.plot([column + 1.5] * 2, [i - 0.5, i + 0.5], color=(0.5, 0, 0.6), linewidth=1.4)
            axis.text(column + 1.6, i, str(length), fontsize=4, va="center", color=(0.5, 0, 0.6))
    centre = picture.pos - picture.start + 1
    axis.axvline(centre - 0.5, color="black", linewidth=0.4)
    axis.axvline(centre + 0.5, color="black", linewidth=0.4)
    ticks = [j for j in range(1, len(picture.reference) + 1) if (picture.start + j) % 10 == 0]
    axis.set_xticks(ticks, [f"{picture.start + j:,}" for j in ticks], fontsize=6)
    groups = {
        name: sum(read.allele == code for read in picture.reads) for code, name in _ALLELE_NAMES.items()
    }
    counts = ", ".join(f"{n} {name}" for name, n in groups.items() if n)
    axis.set_ylabel(f"{len(picture.reads)} of {picture.n_reads} reads\n{counts}", fontsize=7)
    axis.set_yticks([])
    if picture.by_haplotype:
        _draw_haplotypes(axis, picture)


def haplotype_groups(picture: SitePicture) -> list[tuple[int, int, int]]:
    """(HP or 0, first row, row behind the last) of each group of reads, rows of the image."""
    tags = [read.haplotype for read in picture.reads]
    starts = [i for i in range(len(tags)) if i == 0 or tags[i] != tags[i - 1]]
    return [(tags[a], a + 1, b + 1) for a, b in pairwise([*starts, len(tags)])]


def _draw_haplotypes(axis: Any, picture: SitePicture) -> None:
    """Lines between the haplotypes, their names and numbers of reads on the right."""
    right = len(picture.reference) + 0.7
    for haplotype, first, behind in haplotype_groups(picture):
        name = f"HP {haplotype}" if haplotype else "no HP"
        axis.axhline(first - 0.5, color="black", linewidth=0.8)
        axis.text(right, (first + behind - 1) / 2, f"{name}\n{behind - first} reads", fontsize=6, va="center")


def _draw_channels(axes: Any, pixels: NDArray[np.uint8]) -> None:
    n_columns = pixels.shape[2]
    for axis, channel, name in zip(axes, pixels, CHANNELS, strict=True):
        axis.imshow(channel, aspect="auto", interpolation="nearest", cmap="gray", vmin=0, vmax=255)
        axis.set_title(name, fontsize=8)
        axis.set_xticks([n_columns // 2], ["site"], fontsize=6)
        axis.set_yticks([])


def _draw_bars(bars: Any, probabilities: NDArray[np.float32]) -> None:
    bars.barh(range(3), probabilities, color=[(0.6, 0.6, 0.6), (0.2, 0.5, 0.8), (0.75, 0.1, 0.4)])
    bars.set_yticks(range(3), ["0 copies", "1 copy", "2 copies"], fontsize=7)
    for i, p in enumerate(probabilities):
        bars.text(min(float(p), 0.9) + 0.01, i, f"{p:.4f}", va="center", fontsize=7)
    bars.set_xlim(0, 1)
    bars.invert_yaxis()
    bars.set_title("probability of the copies of ALT", fontsize=8)


def _draw_saliency(axes: Any, seen: "Saliency", copies: int) -> None:
    """Which bases, reads and channels the CNN's answer rests on: blue speaks for it, red against."""
    cells, reads, channels = axes
    most = max(float(np.abs(seen.cells).max()), 1e-9)
    image = cells.imshow(
        seen.cells, aspect="auto", interpolation="nearest", cmap="RdBu", vmin=-most, vmax=most
    )
    for edge in (seen.cells.shape[1] // 2 - 0.5, seen.cells.shape[1] // 2 + 0.5):
        cells.axvline(edge, color="black", linewidth=0.4)
    words = "1 copy" if copies == 1 else f"{copies} copies"
    cells.set_title(f"CNN: log10 odds of {words} lost without the base", fontsize=8)
    cells.set_xticks([seen.cells.shape[1] // 2], ["site"], fontsize=6)
    cells.set_yticks([])
    cells.figure.colorbar(image, ax=cells, shrink=0.8).ax.tick_params(labelsize=6)
    for axis, values, title in ((reads, seen.reads, "read"), (channels, seen.channels, "channel")):
        axis.barh(range(len(values)), values, color=["#2166ac" if x > 0 else "#b2182b" for x in values])
        axis.axvline(0, color="black", linewidth=0.5)
        axis.set_ylim(len(values) - 0.5, -0.5)
        axis.set_title(f"without the {title}", fontsize=8)
        axis.tick_params(labelsize=6)
    reads.set_yticks([])
    channels.set_yticks(range(len(CHANNELS)), CHANNELS, fontsize=7)


def _draw_coverage(axis: Any, picture: SitePicture) -> None:
    """Depth by column, grey; bases unlike the reference in at least a fifth of the reads, coloured."""
    counts = picture.coverage
    assert counts is not None
    columns = np.arange(1, len(counts) + 1)
    depth = counts.sum(axis=1)
    axis.bar(columns, depth, width=1.0, color=(0.75, 0.75, 0.78))
    bottom = np.zeros(len(counts))
    for code, colour in enumerate((*_BASE_COLOURS, _GAP_COLOUR)):
        other = np.where(picture.reference == code, 0, counts[:, code])
        shown = np.where(other >= np.maximum(_SHOWN_SHARE * depth, 2), other, 0)
        axis.bar(columns, shown, bottom=bottom, width=1.0, color=colour)
        bottom += shown
    axis.set_xlim(-0.5, len(counts) + 0.5)
    axis.set_xticks([])
    axis.tick_params(labelsize=6)
    axis.set_ylabel("depth", fontsize=7)


def _draw_sample(part: Any, picture: SitePicture) -> None:
    """Coverage above, reads below."""
    if picture.coverage is None:
        _draw_reads(part.subplots(), picture)
        return
    above, below = part.subplots(2, 1, height_ratios=(1, 5))
    _draw_coverage(above, picture)
    _draw_reads(below, picture)


def _draw_legend(part: Any) -> None:
    """What the colours mean, in one line."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys: list[Any] = [Patch(color=_BASE_COLOURS[k], label="ACGTN"[k]) for k in range(5)]
    keys += [
        Patch(color=_FORWARD, label="forward read"),
        Patch(color=_REVERSE, label="reverse read"),
        Patch(color=_GAP_COLOUR, label="deleted"),
        Line2D([], [], color=(0.5, 0, 0.6), label="inserted, bp"),
        *(Patch(color=_ALLELE_COLOURS[k], label=f"left: {_ALLELE_NAMES[k]}") for k in _ALLELE_COLOURS),
        Patch(facecolor="white", edgecolor="grey", label="left white: unclear"),
        Patch(color=(0.93, 0.75, 0.75), label="pale: clipped, or MAPQ < 20"),
    ]
    part.legend(handles=keys, loc="center", ncols=7, fontsize=6, frameon=False)


def check_kind(output: Path) -> None:
    """See that a picture of that name can be drawn.

    Raises:
        DeepcohortError: an unknown kind of picture.
    """
    if output.suffix.lower() not in _SUFFIXES:
        raise DeepcohortError(
            f"picture {output} must end in {', '.join(_SUFFIXES)}, or .html for several sites"
        )


def figure_of(pictures: Sequence[SitePicture]) -> Any:
    """The figure of one site: samples beneath each other; of a single one the network's view as well."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = pictures[0]
    wide = max(12.0, min(30.0, len(first.reference) / 5.5))
    whole = len(pictures) == 1 and first.pixels is not None and first.seen is not None
    rows = [max(2.5, 0.06 * len(picture.reads) + 1.6) for picture in pictures]
    heights = [*rows, *((4.5, 3.5, 1.6) if whole else ()), 0.5]
    figure = Figure(figsize=(wide, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    for part, picture in zip(parts, pictures, strict=False):
        part.suptitle(picture.line if len(pictures) > 1 else picture.title, fontsize=11 if whole else 9)
        _draw_sample(part, picture)
    if whole:
        assert first.pixels is not None
        assert first.probabilities is not None
        assert first.seen is not None
        n_channels = len(first.pixels)
        axes = parts[1].subplots(2, (n_channels + 1) // 2).ravel()[:n_channels]
        _draw_channels(axes, first.pixels)
        copies = int(first.probabilities.argmax())
        _draw_saliency(parts[2].subplots(1, 3, width_ratios=(3, 1, 1.3)), first.seen, copies)
        _draw_bars(parts[3].subplots(), first.probabilities)
    _draw_legend(parts[-1])
    return figure


def draw(pictures: Sequence[SitePicture], output: Path) -> None:
    """Write the picture of one site to `output`.

    Raises:
        DeepcohortError: an unknown kind of picture, or a folder that cannot be written.
    """
    check_kind(output)
    figure = figure_of(pictures)
    with atomic_outputs(output) as (temporary,):
        figure.savefig(temporary, dpi=130)


def png_of(pictures: Sequence[SitePicture]) -> bytes:
    """The picture of one site as PNG."""
    out = io.BytesIO()
    figure_of(pictures).savefig(out, format="png", dpi=90)
    return out.getvalue()
