"""Randomised quality values, so that models do not learn one instrument's alphabet."""

import numpy as np
from numpy.typing import NDArray

_STRETCH_BP = 50_000
_MAX_PHRED = 60


def random_quality_maps(length_bp: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A monotone map of phred values for each stretch of a contig, uint8 (stretches, 128).

    Each bins qualities 0 to 60 into 2 to 8 values, shifted and jittered; 0 to 2 stay.
    """
    n_stretches = length_bp // _STRETCH_BP + 1
    maps = np.empty((n_stretches, 128), np.uint8)
    for s in range(n_stretches):
        n_bins = int(rng.integers(2, 9))
        edges = np.sort(rng.choice(np.arange(6, 41), n_bins - 1, replace=False))
        centres = (np.concatenate([[2], edges]) + np.concatenate([edges, [42]])) / 2
        centres = np.sort(centres + rng.normal(0, 1.5, n_bins) + rng.normal(0, 2.0))
        values = np.clip(np.round(centres), 3, _MAX_PHRED)
        maps[s] = values[np.searchsorted(edges, np.minimum(np.arange(128), _MAX_PHRED), side="right")]
        maps[s, :3] = np.arange(3)
    return maps


def apply_quality_maps(
    qual: NDArray[np.uint8], offset: NDArray[np.int64], start: NDArray[np.int64], maps: NDArray[np.uint8]
) -> None:
    """Map the qualities of reads, in place, by where each read starts, int64 (R,), on the contig."""
    stretch = np.minimum(start // _STRETCH_BP, len(maps) - 1)
    qual[:] = maps[np.repeat(stretch, np.diff(offset)), qual]
