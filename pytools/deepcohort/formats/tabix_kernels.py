"""Kernels: bins and windows of a tabix or CSI index."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MIN_SHIFT = 14


@kernel
def _bin_of(start: int, end: int, depth: int) -> int:
    """Bin of 0-based half-open start:end (reg2bin of the SAM specification, any depth)."""
    end -= 1
    shift = MIN_SHIFT
    offset = ((1 << (3 * depth)) - 1) // 7
    for level in range(depth, 0, -1):
        if start >> shift == end >> shift:
            return offset + (start >> shift)
        shift += 3
        offset -= 1 << (3 * (level - 1))
    return 0


@kernel
def index_lines(
    lines: NDArray[np.int64], stop: int, depth: int, runs: NDArray[np.int64], linear: NDArray[np.int64]
) -> int:
    """Runs of lines in one bin (bin, first byte, last byte), and the first byte by 16 kb window.

    Args:
        lines: int64 (n, 3): start, end, first byte. stop: byte after the last line.
        runs: int64 (n, 3), filled. linear: int64 (W,), -1 = none yet; filled.

    Returns:
        number of runs.
    """
    n_runs = 0
    for i in range(len(lines)):
        start, end = lines[i, 0], max(lines[i, 1], lines[i, 0] + 1)
        after = lines[i + 1, 2] if i + 1 < len(lines) else stop
        number = _bin_of(start, end, depth)
        if n_runs and runs[n_runs - 1, 0] == number:
            runs[n_runs - 1, 2] = after
        else:
            runs[n_runs, 0], runs[n_runs, 1], runs[n_runs, 2] = number, lines[i, 2], after
            n_runs += 1
        for window in range(start >> MIN_SHIFT, min(len(linear), ((end - 1) >> MIN_SHIFT) + 1)):
            if linear[window] < 0:
                linear[window] = lines[i, 2]
    return n_runs
