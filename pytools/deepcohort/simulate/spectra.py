"""Figures of human variation: what kinds of indels arise, where, and how long.

Counted in the GIAB HG002 v4.2.1 benchmark on GRCh38 chr20:1-8,000,000 (7.6 Mb confident: 10,911
SNP and 1,760 indel sites, 6.7 % of the latter with two alternates; 1,288 alleles change the length
of a repeat tract by whole units, 585 do not), tracts as kernels.find_tracts finds them.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels import MAX_COPIES, MAX_UNIT

FREE_INDEL_SHARE = 0.31  # of indel mutations, outside repeat tracts
FREE_DELETION_SHARE = 0.39
FREE_DUPLICATION_SHARE = 0.51  # of free insertions, copies of the sequence beside them
TRACT_DELETION_SHARE = 0.53
# chance of each further repeat unit gained or lost, by unit length 1..6
FURTHER_UNITS = np.array([0.22, 0.45, 0.33, 0.36, 0.30, 0.30])
MAX_INDEL_BP = 80
# indel alleles of one genome per tract, by copies from the first number on
_TRACT_RATES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (4, (4e-4, 6e-4, 3.6e-3, 8.7e-3, 0.028, 0.075, 0.12, 0.21, 0.26, 0.30, 0.35, 0.41, 0.47, 0.55, 0.6, 0.7)),
    (3, (3e-4, 2.6e-3, 0.014, 0.033, 0.10, 0.21, 0.33, 0.47, 0.55, 0.62, 0.75, 0.82, 0.9, 1.0, 1.05)),
    (3, (1.5e-3, 0.015, 0.024, 0.073, 0.15, 0.29, 0.4, 0.55, 0.7, 0.9, 1.0)),
    (3, (7e-3, 0.036, 0.10, 0.16, 0.5, 0.6, 0.9, 1.0)),
    (3, (2e-3, 0.06, 0.12, 0.4, 0.6, 0.8)),
    (3, (8e-3, 0.04, 0.2, 0.5)),
)
# free indels by length in bp, then (longest of a bracket, alleles in it)
_FREE_1_TO_12 = (234, 78, 52, 62, 31, 15, 18, 15, 13, 6, 4, 5)
_FREE_BEYOND = ((15, 15), (19, 15), (29, 20), (39, 4), (MAX_INDEL_BP, 6))  # the benchmark ends at 49 bp
# shares of transitions and transversions at a CpG, where a transition makes one, and elsewhere
TRANSITION_CLASSES = np.array([1530, 1475, 4836]) / 7841
TRANSVERSION_CLASSES = np.array([334, 382, 2700]) / 3416
# distance in bp between neighbours of a cluster beyond what chance brings
CLUSTER_GAPS = np.arange(2, 11)
CLUSTER_GAP_WEIGHTS = np.array([47, 44, 30, 30, 27, 27, 27, 27, 26]) / 285


def tract_mutability() -> NDArray[np.float64]:
    """Relative indel mutation rate of a tract, float64 (MAX_UNIT * MAX_COPIES,), by slippage index."""
    rate = np.zeros((MAX_UNIT, MAX_COPIES))
    for unit, (first, values) in enumerate(_TRACT_RATES):
        rate[unit, first : first + len(values)] = values
        rate[unit, first + len(values) :] = values[-1]
    return rate.reshape(-1)


def free_indel_lengths() -> NDArray[np.float64]:
    """Probability of each length 1..MAX_INDEL_BP of an indel outside tracts, float64 (MAX_INDEL_BP,)."""
    weights = list(map(float, _FREE_1_TO_12))
    for longest, count in _FREE_BEYOND:
        weights += [count / (longest - len(weights))] * (longest - len(weights))
    return np.array(weights) / sum(weights)
