"""Two copies of a stretch, base by base."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_MATCH, _MISMATCH, _GAP = 1, -3, -4
_STOP, _DIAGONAL, _HERE_ONLY, _THERE_ONLY = 0, 1, 2, 3


@kernel
def align_copies(
    primary: NDArray[np.uint8], paralog: NDArray[np.uint8], diagonal: int, band: int
) -> NDArray[np.int64]:
    """Best local alignment near a diagonal (Smith and Waterman 1981).

    Args:
        primary: uint8 (N,), paralog: uint8 (M,), base codes. Index i of `primary` meets i + diagonal of
        `paralog`,
            give or take `band`.

    Returns:
        int64 (N,), index in `paralog` of the base that each base of `primary` is aligned with, or -1.
    """
    n, m, width = len(primary), len(paralog), 2 * band + 1
    score = np.zeros((2, width + 2), np.int32)
    trace = np.zeros((n, width), np.uint8)
    best, best_i, best_w = 0, -1, -1
    for i in range(n):
        now, before = score[i & 1], score[1 - (i & 1)]
        now[:] = 0
        for w in range(width):
            j = i + diagonal - band + w
            if j < 0 or j >= m:
                continue
            same = primary[i] == paralog[j] and primary[i] < 4
            value, step = before[w + 1] + (_MATCH if same else _MISMATCH), _DIAGONAL
            if before[w + 2] + _GAP > value:
                value, step = before[w + 2] + _GAP, _HERE_ONLY
            if now[w] + _GAP > value:
                value, step = now[w] + _GAP, _THERE_ONLY
            if value <= 0:
                continue
            now[w + 1] = value
            trace[i, w] = step
            if value > best:
                best, best_i, best_w = value, i, w
    partner = np.full(n, -1, np.int64)
    i, w = best_i, best_w
    while i >= 0 and 0 <= w < width and trace[i, w] != _STOP:
        if trace[i, w] == _DIAGONAL:
            partner[i] = i + diagonal - band + w
            i -= 1
        elif trace[i, w] == _HERE_ONLY:
            i -= 1
            w += 1
        else:
            w -= 1
    return partner
