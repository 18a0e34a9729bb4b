"""Kernels on observed matrices: pairwise identity, haplotype classes, linkage disequilibrium."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_UNSEEN = 255


@kernel
def shared_lengths(
    matrix: NDArray[np.uint8],
    positions: NDArray[np.float64],
    length_bp: float,
    apart: int,
    mean_out: NDArray[np.float32],
    max_out: NDArray[np.float32],
) -> None:
    """How far around each site a row is identical to others, as shares of `length_bp`.

    matrix: uint8 (S, R), 0 to 200, 255 missing (matches all). apart: least difference that is one.
    mean_out, max_out: float32 (S, R), over the other rows; 0 for those that differ at the site itself.
    """
    n_sites, n_rows = matrix.shape
    mean_out[:] = 0.0
    max_out[:] = 0.0
    begin = np.empty(n_sites)
    for a in range(n_rows):
        for b in range(a):
            start = 0.0
            for s in range(n_sites):
                x, y = int(matrix[s, a]), int(matrix[s, b])
                differs = x != _UNSEEN and y != _UNSEEN and abs(x - y) >= apart
                if differs:
                    begin[s] = -1.0
                    start = positions[s]
                else:
                    begin[s] = start
            end = length_bp
            for s in range(n_sites - 1, -1, -1):
                if begin[s] < 0.0:
                    end = positions[s]
                    continue
                shared = (end - begin[s]) / length_bp
                mean_out[s, a] += shared
                mean_out[s, b] += shared
                if shared > max_out[s, a]:
                    max_out[s, a] = shared
                if shared > max_out[s, b]:
                    max_out[s, b] = shared
    if n_rows > 1:
        for s in range(n_sites):
            for a in range(n_rows):
                mean_out[s, a] /= n_rows - 1


@kernel
def haplotype_classes(
    matrix: NDArray[np.uint8], first: int, last: int, apart: int, sizes: NDArray[np.int64]
) -> int:
    """Sizes of groups of identical rows over sites first to last, descending, into `sizes` (R,); how many.

    A row joins the first class with whose founder it has no difference; missing data match.
    """
    n_rows = matrix.shape[1]
    founder = np.empty(n_rows, np.int64)
    n = 0
    sizes[:] = 0
    for r in range(n_rows):
        home = -1
        for c in range(n):
            same = True
            for s in range(first, last):
                x, y = int(matrix[s, r]), int(matrix[s, founder[c]])
                if x != _UNSEEN and y != _UNSEEN and abs(x - y) >= apart:
                    same = False
                    break
            if same:
                home = c
                break
        if home < 0:
            home = n
            founder[n] = r
            n += 1
        sizes[home] += 1
    sizes[:n] = np.sort(sizes[:n])[::-1]
    return n


@kernel
def mean_r2(matrix: NDArray[np.uint8], rows: NDArray[np.int64]) -> float:
    """Mean squared correlation of alleles over pairs of the sites `rows` (ZnS); 0 where there is no pair.

    `matrix` (S, R), `rows` (k,).
    """
    n = len(rows)
    n_rows = matrix.shape[1]
    total, pairs = 0.0, 0
    for i in range(n):
        for j in range(i):
            sx = sy = sxx = syy = sxy = 0.0
            m = 0
            for r in range(n_rows):
                x, y = matrix[rows[i], r], matrix[rows[j], r]
                if x == _UNSEEN or y == _UNSEEN:
                    continue
                u, v = x / 200.0, y / 200.0
                sx += u
                sy += v
                sxx += u * u
                syy += v * v
                sxy += u * v
                m += 1
            if m < 2:
                continue
            vx, vy = sxx - sx * sx / m, syy - sy * sy / m
            if vx > 1e-12 and vy > 1e-12:
                c = sxy - sx * sy / m
                total += c * c / (vx * vy)
                pairs += 1
    return total / pairs if pairs else 0.0
