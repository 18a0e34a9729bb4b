"""The picture of a site: reads above, the network's channels below."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import ALLELE_ALT, ALLELE_OTHER, ALLELE_REF
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.sequence import BASES
from deepcohort.pileup.config import CHANNELS

if TYPE_CHECKING:
    from deepcohort.cli.show_run import SitePicture
    from deepcohort.model.explain import Saliency

_BASE_COLOURS = (
    (0.20, 0.63, 0.17),
    (0.12, 0.40, 0.80),
    (0.95, 0.60, 0.10),
    (0.85, 0.15, 0.15),
    (0.5, 0.5, 0.5),
)
_FORWARD, _REVERSE, _GAP_COLOUR = (0.86, 0.86, 0.90), (0.80, 0.84, 0.80), (0.15, 0.15, 0.15)
_GAP, _OUTSIDE = 5, 6
_ALLELE_COLOURS = {ALLELE_ALT: (0.75, 0.1, 0.4), ALLELE_REF: (0.4, 0.4, 0.4), ALLELE_OTHER: (0.9, 0.7, 0.1)}
_ALLELE_NAMES = {ALLELE_ALT: "ALT", ALLELE_REF: "REF", ALLELE_OTHER: "other", -1: "unclear"}
_SUFFIXES = (".png", ".pdf", ".svg")


def read_image(picture: "SitePicture") -> NDArray[np.float64]:
    """Colours of the pileup, float (1 + reads, W + 1, 3): reference on top, allele marks on the left."""
    width = len(picture.reference)
    image = np.ones((1 + len(picture.reads), width + 1, 3))
    image[0, 1:] = np.array(_BASE_COLOURS)[picture.reference]
    for i, read in enumerate(picture.reads, start=1):
        image[i, 0] = _ALLELE_COLOURS.get(read.allele, (1.0, 1.0, 1.0))
        for j, code in enumerate(read.codes):
            if code == _OUTSIDE:
                continue
            if code == _GAP:
                colour = np.array(_GAP_COLOUR)
            elif code == picture.reference[j]:
                colour = np.array(_FORWARD if read.forward else _REVERSE)
            else:
                colour = np.array(_BASE_COLOURS[code])
            # clipped bases and reads of low MAPQ are paler
            pale = 0.6 if read.clipped[j] else (0.35 if read.mapq < 20 else 0.0)
            image[i, j + 1] = colour * (1 - pale) + pale
    return image


def _draw_reads(axis: Any, picture: "SitePicture") -> None:
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


def draw(picture: "SitePicture", output: Path) -> None:
    """Write the picture to `output`.

    Raises:
        DeepcohortError: an unknown kind of picture, or a folder that cannot be written.
    """
    if output.suffix.lower() not in _SUFFIXES:
        raise DeepcohortError(f"picture {output} must end in {', '.join(_SUFFIXES)}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 14 if picture.pixels is not None else 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    if picture.pixels is None or picture.probabilities is None or picture.seen is None:
        figure.suptitle(picture.title, fontsize=11)
        _draw_reads(figure.subplots(), picture)
    else:
        parts: Any = figure.subfigures(4, 1, height_ratios=(5, 4, 3, 1.3))
        parts[0].suptitle(picture.title, fontsize=11)
        _draw_reads(parts[0].subplots(), picture)
        n_channels = len(picture.pixels)
        axes = parts[1].subplots(2, (n_channels + 1) // 2).ravel()[:n_channels]
        _draw_channels(axes, picture.pixels)
        copies = int(picture.probabilities.argmax())
        _draw_saliency(parts[2].subplots(1, 3, width_ratios=(3, 1, 1.3)), picture.seen, copies)
        _draw_bars(parts[3].subplots(), picture.probabilities)
    with atomic_outputs(output) as (temporary,):
        figure.savefig(temporary, dpi=130)
