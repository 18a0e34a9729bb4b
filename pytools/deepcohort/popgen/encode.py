"""Observed windows to examples: an image with a row per haplotype, and the statistics beside it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deepcohort.popgen.config import Encoding, Observation
from deepcohort.popgen.observe import observe
from deepcohort.popgen.statistic_kernels import shared_lengths
from deepcohort.popgen.statistics import statistics
from deepcohort.popgen.types import FULL, MISSING, Encoded, Loci, Observed

# "shared": how far a row is identical to others around the site; "spacing": to the sites beside it
CHANNELS = ("allele", "seen", "shared", "shared_most", "frequency", "spacing", "from_middle")
UNLINKED_CHANNELS = ("frequency", "seen")


def channels_of(encoding: Encoding) -> tuple[str, ...]:
    """Names of the image's channels."""
    return UNLINKED_CHANNELS if encoding.unlinked else CHANNELS


def image_shape(encoding: Encoding) -> tuple[int, int, int]:
    """(channels, rows, columns)."""
    return len(channels_of(encoding)), sum(encoding.rows), encoding.sites


def image(window: Observed, encoding: Encoding) -> NDArray[np.uint8]:
    """The image of a window, uint8 (C, R, W); rows and columns that are not there are 0."""
    out = np.zeros(image_shape(encoding), np.uint8)
    if encoding.unlinked:
        _paint_counts(out, window)
    elif len(window.positions):
        _paint(out, window, encoding)
    return out


def _paint(out: NDArray[np.uint8], window: Observed, encoding: Encoding) -> None:
    matrix, positions, length = window.matrix, window.positions, window.length_bp
    mean, most = (np.zeros(matrix.shape, np.float32) for _ in range(2))
    shared_lengths(matrix, positions, length, 101 if window.phased else 151, mean, most)
    middle = int(np.searchsorted(positions, length / 2))
    first = max(0, middle - encoding.sites // 2)
    cut = slice(first, min(first + encoding.sites, len(positions)))
    place = encoding.sites // 2 - (middle - first)
    columns = slice(place, place + cut.stop - cut.start)
    if columns.stop > encoding.sites:
        cut = slice(cut.start, cut.stop - (columns.stop - encoding.sites))
        columns = slice(place, encoding.sites)
    seen = matrix != MISSING
    weight = seen * window.copies
    p = np.where(seen, matrix / FULL, 0) * window.copies
    p = p.sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
    edges = np.concatenate([[0.0], positions, [length]])
    spacing = (edges[2:] - edges[:-2]) / 2
    by_site = {
        "frequency": p,
        "spacing": np.log1p(spacing) / np.log1p(length),
        "from_middle": np.abs(positions - length / 2) / (length / 2),
    }
    start = 0
    for k, n in enumerate(encoding.rows):
        rows = np.flatnonzero(window.group == k)[:n]
        for c, name in enumerate(CHANNELS):
            target = out[c, start : start + len(rows), columns]
            if name == "allele":
                value = np.where(seen, matrix * (255.0 / FULL), 0)[cut, rows]
            elif name == "seen":
                value = 255.0 * seen[cut, rows]
            elif name in ("shared", "shared_most"):
                value = 255.0 * np.sqrt((mean if name == "shared" else most)[cut, rows])
            else:
                value = np.repeat(255.0 * by_site[name][cut, None], len(rows), axis=1)
            target[...] = np.clip(np.rint(value), 0, 255).astype(np.uint8).T
        start += n


def _paint_counts(out: NDArray[np.uint8], window: Observed) -> None:
    """Sites sorted by the frequencies in all populations, spread over the columns: order cannot matter."""
    matrix = window.matrix
    if not len(matrix):
        return
    order = np.lexsort(matrix.T[::-1])
    n = out.shape[2]
    if len(order) != n:  # fewer or more SNPs: the same quantiles
        order = order[np.minimum((np.arange(n) + 0.5) * len(order) / n, len(order) - 1).astype(int)]
    own = matrix[order]
    out[0] = np.where(own == MISSING, 0, own * (255.0 / FULL)).astype(np.uint8).T
    out[1] = 255 * (own != MISSING).T


def encode_windows(
    windows: Iterable[Observed], encoding: Encoding
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images uint8 (N, C, R, W) and statistics float32 (N, F) of windows."""
    images, rows = [], []
    for window in windows:
        images.append(image(window, encoding))
        rows.append(statistics(window)[1])
    shape = image_shape(encoding)
    if not images:
        return np.empty((0, *shape), np.uint8), np.empty((0, 0), np.float32)
    return np.stack(images), np.stack(rows)


def encode_loci(loci: Loci, encoding: Encoding, observation: Observation) -> Encoded:
    """Examples of simulated loci, each observed `observation.looks` times; noise comes from the locus's seed.

    Looks of one locus follow each other.
    """
    windows = (
        observe(
            loci.locus(i), loci.rows, observation, float(encoding.locus_bp),
            np.random.default_rng([int(loci.seed[i]), 7, look]),
        )
        for i in range(len(loci))
        for look in range(observation.looks)
    )  # fmt: skip
    pixels, features = encode_windows(windows, encoding)
    return Encoded(
        pixels,
        features,
        np.repeat(loci.label, observation.looks),
        np.repeat(loci.parameters, observation.looks, axis=0),
    )  # fmt: skip


def encoding_for(loci: Loci, unlinked: bool, locus_bp: int, unlinked_snps: int = 0) -> Encoding:
    """The encoding that fits simulations: as many columns as three of four loci need, in steps of 16."""
    if unlinked:
        return Encoding(unlinked_snps, tuple(1 for _ in loci.rows.names), True, locus_bp)
    wanted = float(np.quantile(np.diff(loci.offsets), 0.75)) if len(loci) else 16.0
    sites = int(np.clip(16 * np.ceil(wanted / 16), 32, 128))
    sizes = [s.stop - s.start for s in loci.rows.slices()]
    return Encoding(sites, tuple(sizes), False, locus_bp)
