"""Phred and log10 arithmetic (VCF 4.3 section 1.6: GQ, PL, QUAL)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_GQ = 99
MAX_PL = 9_999


def phred_of_error(error_probability: ArrayLike, cap: float = 999.0) -> NDArray[np.float64]:
    """-10 log10 of `error_probability`, cut to [0, cap]."""
    p = np.asarray(error_probability, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.clip(-10.0 * np.log10(np.maximum(p, 0.0)), 0.0, cap)


def error_of_phred(phred: ArrayLike) -> NDArray[np.float64]:
    """Error probability of a phred-scaled quality."""
    return np.power(10.0, np.asarray(phred, dtype=np.float64) / -10.0)


def n_genotypes(n_alleles: int, ploidy: int = 2) -> int:
    """Number of unordered genotypes of `n_alleles` alleles (ploidy 1 or 2)."""
    return n_alleles if ploidy == 1 else n_alleles * (n_alleles + 1) // 2


def genotype_index(a: int, b: int) -> int:
    """Index of diploid genotype a/b in VCF order: F(j/k) = k(k+1)/2 + j with j <= k."""
    j, k = (a, b) if a <= b else (b, a)
    return k * (k + 1) // 2 + j
