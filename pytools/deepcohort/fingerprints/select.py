"""Which SNPs of a panel make the fingerprint."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.fingerprints.config import FingerprintConfig


def select_rows(
    contig: NDArray[np.int64],
    pos: NDArray[np.int64],
    frequency: NDArray[np.float64],
    is_x: NDArray[np.bool_],
    config: FingerprintConfig,
) -> NDArray[np.int64]:
    """Rows to take, ascending: frequent in both alleles, spread over the panel, none near another.

    Args:
        contig: number of each row's contig; rows stand in the order of the reference. pos: 0-based.
        frequency: of ALT. is_x: whether on X.
    """
    minor = np.minimum(frequency, 1.0 - frequency)
    taken = []
    for mask, most in ((~is_x, config.max_sites), (is_x, config.max_x_sites)):
        rows = np.flatnonzero(mask & (minor >= config.min_minor))
        taken.append(_apart(_thinned(rows, minor, most), contig, pos, config.min_gap_bp))
    return np.sort(np.concatenate(taken))


def _thinned(rows: NDArray[np.int64], minor: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """The most frequent row of each of `most` stretches of as many rows; the first of equal ones."""
    if len(rows) <= most:
        return rows
    parts = np.array_split(rows, most)
    return np.array([part[np.argmax(minor[part])] for part in parts], np.int64)


def _apart(
    rows: NDArray[np.int64], contig: NDArray[np.int64], pos: NDArray[np.int64], gap_bp: int
) -> NDArray[np.int64]:
    """Without those that begin less than `gap_bp` after the one before."""
    kept: list[int] = []
    for row in rows.tolist():
        near = bool(kept) and contig[row] == contig[kept[-1]] and pos[row] < pos[kept[-1]] + gap_bp
        if not near:
            kept.append(row)
    return np.array(kept, np.int64)
