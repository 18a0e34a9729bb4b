"""Kinship, pedigree check and principal components from genotypes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.report.cohort_config import CohortStatsConfig

_PARENT_IBS0 = 0.005  # genotyping errors alone; second-degree relatives have some 0.02 and more


@dataclass(frozen=True, slots=True)
class Kinship:
    """All pairs of N samples.

    Attributes:
        phi: float64 (N, N), KING-robust kinship: 0.5 itself or a duplicate, 0.25 first degree.
        ibs0: float64 (N, N), fraction of sites where they share no allele: near 0 for parent and child.
        n_sites: int64 (N, N), sites both are called at.
    """

    phi: NDArray[np.float64]
    ibs0: NDArray[np.float64]
    n_sites: NDArray[np.int64]


def king_kinship(copies: NDArray[np.int8]) -> Kinship:
    """KING-robust, between-family estimator (Manichaikul et al. 2010, Bioinformatics 26:2867, eq. 11).

    Args:
        copies: int8 (sites, N), copies of ALT, -1 missing.
    """
    called = (copies >= 0).astype(np.float32)
    het = (copies == 1).astype(np.float32)
    ref = (copies == 0).astype(np.float32)
    alt = (copies == 2).astype(np.float32)
    both_het = het.T @ het
    opposite = ref.T @ alt
    opposite = opposite + opposite.T
    het_where_called = het.T @ called  # heterozygotes of the row's sample where the column's is called
    smaller = np.minimum(het_where_called, het_where_called.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = (both_het - 2.0 * opposite) / (2.0 * smaller) + 0.5
        phi -= 0.25 * (het_where_called + het_where_called.T) / smaller
        n_sites = called.T @ called
        ibs0 = opposite / n_sites
    return Kinship(phi.astype(np.float64), ibs0.astype(np.float64), n_sites.astype(np.int64))


def is_parent_child(phi: float, ibs0: float, config: CohortStatsConfig) -> bool:
    """Whether a pair said to be parent and child may be: related, an allele shared at nearly every site."""
    return ibs0 < _PARENT_IBS0 and config.second_degree <= phi < config.duplicate


def degree_of(phi: float, ibs0: float, config: CohortStatsConfig) -> str:
    """Relation that a kinship speaks for: duplicate, parent-child, siblings, second degree or unrelated."""
    if phi >= config.duplicate:
        return "duplicate"
    if phi >= config.first_degree:
        return "parent-child" if ibs0 < _PARENT_IBS0 else "siblings"
    return "second degree" if phi >= config.second_degree else "unrelated"
