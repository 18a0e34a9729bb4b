"""Profiles of long-read runs (PacBio HiFi, Oxford Nanopore)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# runs of 1, 2, 3, 4, 5-6, 7-9 and 10 or more equal bases have qualities of their own
RUN_CLASS_OF_COPIES: NDArray[np.int64] = np.array([0, 0, 1, 2, 3, 4, 4, 5, 5, 5, *[6] * 22])
N_RUN_CLASSES = 7


@dataclass(frozen=True, slots=True)
class LongProfile:
    """Error, quality and length model of long reads. K quality levels, G read classes.

    Attributes:
        length_quantiles: float32 (Q,), bp, evenly spaced quantiles of read length.
        class_cdf: float32 (G,). value_cdf: float32 (K, 94), the phred values of each level.
        start_cdf: float32 (G, K); trans_cdf: float32 (G, N_RUN_CLASSES, K, K), next level by class of
            the run that the base stands in, and current level.
        sub_rate: float32 (K,), substitutions per base by level; context_factor: float32 (64,) and
            sub_cdf: float32 (64, 4), as in IlluminaProfile.
        slip_del, slip_ins: float32 (MAX_UNIT * MAX_COPIES,), per passage of a tract (every run of
            equal bases is one), multiplied by slip_factor: float32 (K,), by the level of the first base
            read from it. slip_more: float32 (MAX_UNIT,).
    """

    length_quantiles: NDArray[np.float32]
    class_cdf: NDArray[np.float32]
    value_cdf: NDArray[np.float32]
    start_cdf: NDArray[np.float32]
    trans_cdf: NDArray[np.float32]
    sub_rate: NDArray[np.float32]
    context_factor: NDArray[np.float32]
    sub_cdf: NDArray[np.float32]
    slip_del: NDArray[np.float32]
    slip_ins: NDArray[np.float32]
    slip_factor: NDArray[np.float32]
    slip_more: NDArray[np.float32]
