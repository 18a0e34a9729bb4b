"""Samples without labels: principal components and a neighbour embedding, aware of missing genotypes."""

import numpy as np
from numpy.typing import NDArray

LEAST_SAMPLES = 4
LEAST_MAF = 0.05
_BLOCK = 4_096  # sites
_ITERATIONS = 400


def genetic_covariance(share: NDArray[np.floating], least_maf: float = LEAST_MAF) -> NDArray[np.float64]:
    """Covariance of samples (N, N) from ALT shares (S, N), NaN = missing.

    Sites are standardised as Patterson et al. (2006) do; every pair of samples is averaged over the sites at
    which both were seen, so that samples with many holes are not drawn to the middle.
    """
    n_samples = share.shape[1]
    total, both = np.zeros((n_samples, n_samples)), np.zeros((n_samples, n_samples))
    for start in range(0, len(share), _BLOCK):  # a genome of sites would not fit in memory as it is here
        part = share[start : start + _BLOCK].astype(np.float64)
        seen = ~np.isnan(part)
        p = np.where(seen, part, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        use = np.minimum(p, 1 - p) >= least_maf
        seen, p = seen[use], p[use]
        z = np.where(seen, part[use] - p[:, None], 0.0) / np.sqrt(p * (1 - p))[:, None]
        known = seen.astype(np.float64)
        total += z.T @ z
        both += known.T @ known
    return np.asarray(total / np.maximum(both, 1))


def principal_components(
    covariance: NDArray[np.float64], k: int = 4
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Components (N, k), scaled by the square root of their variance, and their shares of variance (k,).

    The sign makes the sum of cubes positive.
    """
    n = len(covariance)
    centre = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(centre @ covariance @ centre)
    order = np.argsort(-values, kind="stable")[: min(k, n)]
    top = np.maximum(values[order], 0.0)
    components = vectors[:, order] * np.sqrt(top)
    components *= np.where((components**3).sum(axis=0) < 0, -1.0, 1.0)
    return components, top / max(np.maximum(values, 0).sum(), 1e-12)


def neighbour_embedding(components: NDArray[np.float64], perplexity: float = 15.0) -> NDArray[np.float64]:
    """Places (N, 2) that keep neighbours together: exact t-SNE (van der Maaten and Hinton 2008).

    It starts from the first two components, not from chance, so that the same data give the same picture.
    """
    n = len(components)
    d = ((components[:, None] - components[None]) ** 2).sum(axis=-1)
    p = _affinities(d, min(perplexity, (n - 1) / 3))
    p = np.maximum((p + p.T) / (2 * n), 1e-12)
    y = components[:, :2] / max(float(components[:, 0].std()), 1e-12) * 1e-2
    step = np.zeros_like(y)
    for iteration in range(_ITERATIONS):
        near = 1.0 / (1.0 + ((y[:, None] - y[None]) ** 2).sum(axis=-1))
        np.fill_diagonal(near, 0.0)
        q = np.maximum(near / near.sum(), 1e-12)
        pull = ((4.0 if iteration < 100 else 1.0) * p - q) * near
        slope = 4 * (pull.sum(axis=1)[:, None] * y - pull @ y)
        step = (0.5 if iteration < 100 else 0.8) * step - max(n / 12.0, 5.0) * slope
        y = y + step
        y = y - y.mean(axis=0)
    return np.asarray(y)


def _affinities(d: NDArray[np.float64], perplexity: float) -> NDArray[np.float64]:
    """Gaussian neighbourhoods (N, N) of that perplexity, rows sum to 1."""
    n = len(d)
    out = np.zeros((n, n))
    for i in range(n):
        own = np.delete(d[i], i)
        own = own - own.min()
        low, high, beta = 0.0, np.inf, 1.0 / max(float(np.median(own)), 1e-12)
        for _ in range(60):
            w = np.exp(-own * beta)
            w /= w.sum()
            entropy = -(w * np.log(np.maximum(w, 1e-300))).sum()
            if entropy > np.log(max(perplexity, 1.1)):
                low = beta
                beta = beta * 2 if high == np.inf else (beta + high) / 2
            else:
                high = beta
                beta = (beta + low) / 2
        out[i, np.arange(n) != i] = w
    return out
