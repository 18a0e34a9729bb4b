"""Summary statistics of an observed window: the classical ones, by name, from the first group unless said."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from deepcohort.popgen.statistic_kernels import haplotype_classes, mean_r2, shared_lengths
from deepcohort.popgen.types import FULL, MISSING, Observed

_SFS_EDGES = np.array([0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
_JOINT_EDGES = np.array([0.0, 1e-9, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
_LD_SITES = 80  # pairs grow with its square


def harmonic(n: float) -> float:
    """Sum of 1 / i for i below n."""
    return float((1.0 / np.arange(1, max(int(n), 2))).sum())


def tajimas_d(n: int, s: int, pi: float) -> float:
    """Tajima's D (1989) of `s` segregating sites with mean pairwise difference `pi`, n haplotypes."""
    if s == 0 or n < 4:
        return 0.0
    i = np.arange(1, n)
    a1, a2 = float((1 / i).sum()), float((1 / i**2).sum())
    b1, b2 = (n + 1) / (3 * (n - 1)), 2 * (n * n + n + 3) / (9 * n * (n - 1))
    c1 = b1 - 1 / a1
    c2 = b2 - (n + 2) / (a1 * n) + a2 / a1**2
    e1, e2 = c1 / a1, c2 / (a1**2 + a2)
    return float((pi - s / a1) / np.sqrt(e1 * s + e2 * s * (s - 1)))


def statistics(window: Observed) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Names and values float32 (F,) of all statistics of a window, finite whatever it holds."""
    found = _linked(window) if not (window.copies > 2).any() else _unlinked(window)
    values = np.nan_to_num(np.array(list(found.values()), np.float64), nan=0.0, posinf=1e6, neginf=-1e6)
    return tuple(found), values.astype(np.float32)


def _frequencies(
    matrix: NDArray[np.uint8], copies: NDArray[np.int16]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequency (S,) of the counted allele and alleles seen (S,)."""
    seen = (matrix != MISSING) * copies.astype(np.float64)
    n = seen.sum(axis=1)
    total = np.where(matrix == MISSING, 0.0, matrix / FULL) * copies
    return np.divide(total.sum(axis=1), n, out=np.zeros(len(n)), where=n > 0), n


def _linked(window: Observed) -> dict[str, float]:
    own = window.group == 0
    matrix = np.ascontiguousarray(window.matrix[:, own])
    copies = window.copies[own]
    p, n = _frequencies(matrix, copies)
    vary = (p > 0.5 / np.maximum(n, 1)) & (p < 1 - 0.5 / np.maximum(n, 1))
    matrix, positions, p, n = matrix[vary], window.positions[vary], p[vary], n[vary]
    found = {"phased": float(window.phased), **_spectrum(p, n, int(copies.sum()), window.length_bp)}
    found.update(_haplotypes(matrix, positions, window))
    common = np.flatnonzero(np.minimum(p, 1 - p) >= 0.1)
    if len(common) > _LD_SITES:
        common = common[np.linspace(0, len(common) - 1, _LD_SITES).astype(int)]
    found["zns"] = float(mean_r2(matrix, common))
    middle = np.abs(positions - window.length_bp / 2) < window.length_bp / 6
    heterozygosity = 2 * p * (1 - p)
    found["pi_middle"] = float(heterozygosity[middle].sum() / max(heterozygosity.sum(), 1e-9))
    for k in range(1, int(window.group.max(initial=0)) + 1):
        found.update(_between(window, k))
    return found


def _spectrum(
    p: NDArray[np.float64], n: NDArray[np.float64], copies: int, length_bp: float
) -> dict[str, float]:
    s = len(p)
    pi = float((2 * p * (1 - p) * n / np.maximum(n - 1, 1)).sum())
    theta_h = float((2 * p * p * n / np.maximum(n - 1, 1)).sum())
    watterson = s / harmonic(copies)
    maf = np.minimum(p, 1 - p)
    bins = np.histogram(maf, np.append(_SFS_EDGES[:-1], 0.5 + 1e-9))[0] / max(s, 1)
    kb = length_bp / 1000
    return {
        "log_s": float(np.log1p(s)),
        "pi_per_kb": pi / kb,
        "theta_w_per_kb": watterson / kb,
        "tajimas_d": tajimas_d(copies, s, pi),
        "fay_wu_h": (pi - theta_h) / max(pi, 1e-9),
        **{f"sfs_{k}": float(b) for k, b in enumerate(bins)},
    }


def _haplotypes(
    matrix: NDArray[np.uint8], positions: NDArray[np.float64], window: Observed
) -> dict[str, float]:
    n_sites, n_rows = matrix.shape
    out = {}
    sizes = np.zeros(n_rows, np.int64)
    # rows differ by one allele; expected dosages differ by more than half of one
    apart = 101 if window.phased else 51
    edges = np.searchsorted(positions, np.array([0.0, 0.25, 0.4, 0.6, 0.75, 1.0]) * window.length_bp)
    for name, first, last in (
        ("", 0, n_sites), ("_half", edges[1], edges[4]), ("_fifth", edges[2], edges[3]),
    ):  # fmt: skip
        classes = haplotype_classes(matrix, first, last, apart, sizes)
        q = sizes / max(n_rows, 1)
        h1 = float((q**2).sum())
        second = float(q[1]) if n_rows > 1 else 0.0
        out[f"h1{name}"] = h1
        out[f"h12{name}"] = h1 + 2 * float(q[0]) * second
        out[f"h2_h1{name}"] = (h1 - float(q[0]) ** 2) / max(h1, 1e-9)
        out[f"classes{name}"] = classes / max(n_rows, 1)
    mean, most = (np.zeros(matrix.shape, np.float32) for _ in range(2))
    shared_lengths(matrix, positions, window.length_bp, 101 if window.phased else 151, mean, most)
    by_site = mean.mean(axis=1) if n_sites else np.zeros(1)
    middle = mean[np.abs(positions - window.length_bp / 2) < window.length_bp / 6]
    middle = middle if middle.size else np.zeros((1, 1), np.float32)
    out["ibs_mean"], out["ibs_most"] = float(by_site.mean()), float(by_site.max())
    out["ibs_middle"] = float(middle.mean())
    out["ibs_row_90"] = float(np.quantile(middle, 0.9))
    out["nsl_like"] = _carrier_contrast(matrix, mean)
    return out


def _carrier_contrast(matrix: NDArray[np.uint8], mean: NDArray[np.float32]) -> float:
    """Largest log ratio over common sites of the sharing of carriers to that of non-carriers (as nSL's)."""
    carrier = (matrix != MISSING) & (matrix > FULL // 2)
    other = (matrix != MISSING) & ~carrier
    n1, n0 = carrier.sum(axis=1), other.sum(axis=1)
    common = (n1 >= 0.15 * matrix.shape[1]) & (n0 >= 0.15 * matrix.shape[1])
    if not common.any():
        return 0.0
    # mean sharing grows with the share of rows alike: divide it out
    with_ = (mean * carrier).sum(axis=1)[common] / np.maximum(n1[common], 1) ** 2
    without = (mean * other).sum(axis=1)[common] / np.maximum(n0[common], 1) ** 2
    return float(np.abs(np.log((with_ + 1e-6) / (without + 1e-6))).max())


def fst(
    p: NDArray[np.float64], n1: NDArray[np.float64], q: NDArray[np.float64], n2: NDArray[np.float64]
) -> float:
    """Hudson's Fst as a ratio of sums (Bhatia et al. 2013), from frequencies and alleles seen."""
    ok = (n1 > 1) & (n2 > 1)
    p, n1, q, n2 = p[ok], n1[ok], q[ok], n2[ok]
    top = (p - q) ** 2 - p * (1 - p) / (n1 - 1) - q * (1 - q) / (n2 - 1)
    return float(top.sum() / max((p * (1 - q) + q * (1 - p)).sum(), 1e-9))


def _between(window: Observed, k: int) -> dict[str, float]:
    """The present against group `k`: Fst, and how far and where frequencies moved."""
    (p, n), (q, m) = (
        _frequencies(
            np.ascontiguousarray(window.matrix[:, window.group == g]), window.copies[window.group == g]
        )
        for g in (0, k)
    )
    gap = np.abs(p - q)
    middle = np.abs(window.positions - window.length_bp / 2) < window.length_bp / 6
    return {
        f"fst_{k}": fst(p, n, q, m),
        f"moved_most_{k}": float(gap.max(initial=0.0)),
        f"moved_middle_{k}": float(gap[middle].mean()) if middle.any() else 0.0,
        f"moved_90_{k}": float(np.quantile(gap, 0.9)) if len(gap) else 0.0,
    }


def _unlinked(window: Observed) -> dict[str, float]:
    matrix = window.matrix
    p = np.where(matrix == MISSING, np.nan, matrix / FULL)
    n = (matrix != MISSING) * window.copies.astype(np.float64)
    k_pop = matrix.shape[1]
    s = max(len(p), 1)
    out = {"missing": float((matrix == MISSING).mean()) if matrix.size else 1.0}
    for k in range(k_pop):
        own = p[:, k][~np.isnan(p[:, k])]
        out[f"pi_{k}"] = float((2 * own * (1 - own)).sum() / s)
        bins = np.histogram(own, [*_JOINT_EDGES, 1.0 - 1e-9, 1.0 + 1e-9])[0] / s
        out.update({f"sfs_{k}_{b}": float(np.sqrt(v)) for b, v in enumerate(bins)})
    for a, b in combinations(range(k_pop), 2):
        x, y = np.nan_to_num(p[:, a]), np.nan_to_num(p[:, b])
        both = ~np.isnan(p[:, a]) & ~np.isnan(p[:, b])
        x, y = x[both], y[both]
        out[f"fst_{a}_{b}"] = fst(x, n[both, a], y, n[both, b])
        out[f"dxy_{a}_{b}"] = float((x * (1 - y) + y * (1 - x)).sum() / s)
        joint = np.histogram2d(x, y, [[*_JOINT_EDGES, 1.0 + 1e-9]] * 2)[0] / s
        out.update(
            {f"joint_{a}_{b}_{i}_{j}": float(np.sqrt(v)) for (i, j), v in np.ndenumerate(joint) if i or j}
        )
    return out
