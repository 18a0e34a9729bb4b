"""Figures that describe human variation: what kinds of indels arise, and where."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels import MAX_COPIES, MAX_UNIT

# share of indel mutations outside repeat tracts
FREE_INDEL_SHARE = 0.30
# of those: deletions, and insertions that copy their neighbourhood
FREE_DELETION_SHARE = 0.55
FREE_DUPLICATION_SHARE = 0.35
TRACT_DELETION_SHARE = 0.52
# chance of each further repeat unit gained or lost, by unit length 1..6
FURTHER_UNITS = np.array([0.22, 0.42, 0.3, 0.35, 0.2, 0.15])
MAX_INDEL_BP = 80


def tract_mutability() -> NDArray[np.float64]:
    """Relative indel mutation rate of a tract, float64 (MAX_UNIT * MAX_COPIES,), by slippage index."""
    copies = np.arange(MAX_COPIES)
    rate = np.zeros((MAX_UNIT, MAX_COPIES))
    rate[0] = np.where(copies >= 4, 1.7 ** (np.minimum(copies, 16) - 4.0), 0)
    for unit in range(1, MAX_UNIT):
        rate[unit] = np.where(copies >= 3, 2.0 * 1.6 ** (np.minimum(copies, 14) - 3.0), 0) / unit
    return rate.reshape(-1)


def free_indel_length(rng: np.random.Generator) -> int:
    """Length in bp of an indel outside tracts: power law up to MAX_INDEL_BP."""
    lengths = np.arange(1, MAX_INDEL_BP + 1)
    weights = lengths**-1.6
    return int(rng.choice(lengths, p=weights / weights.sum()))
