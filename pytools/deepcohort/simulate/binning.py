"""A profile with fewer quality values: how newer instruments report the same reads."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.simulate.profile import IlluminaProfile, cumulative

NOVASEQ_VALUES = (2, 12, 23, 37)


def bin_qualities(profile: IlluminaProfile, values: tuple[int, ...] = NOVASEQ_VALUES) -> IlluminaProfile:
    """`profile` with every quality replaced by the nearest of `values`; error rates follow.

    Raises:
        DeepcohortError: values are not at least two distinct phred values.
    """
    if len(set(values)) < 2 or min(values) < 0 or max(values) > 93:
        raise DeepcohortError(f"quality bins {values} are no alphabet; give two or more values of 0 to 93")
    bins = np.array(sorted(set(values)), np.int64)
    to = np.abs(profile.quals.astype(np.int64)[:, None] - bins).argmin(axis=1)
    used = np.flatnonzero(np.bincount(to, minlength=len(bins)))
    to = np.searchsorted(used, to)
    start, trans = _probabilities(profile.start_cdf), _probabilities(profile.trans_cdf)
    weight = _occupancy(start, trans, profile.cycle_bin)  # (2, G, B, K)
    merge = np.eye(len(used))[to]  # (K, k)
    joint = np.einsum("mgbi,mgbij,ia,jc->mgbac", weight, trans, merge, merge)
    joint += 1e-9 * np.eye(len(used))
    share = weight.sum(axis=(0, 1, 2))
    rate = (share * profile.sub_rate) @ merge / np.maximum(share @ merge, 1e-12)
    return replace(
        profile,
        quals=bins[used].astype(np.uint8),
        start_cdf=cumulative(start @ merge),
        trans_cdf=cumulative(joint),
        sub_rate=rate.astype(np.float32),
        error_cdf=cumulative(_probabilities(profile.error_cdf) @ merge),
    )


def _probabilities(cdf: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.maximum(0, np.diff(cdf.astype(np.float64), axis=-1, prepend=0.0))


def _occupancy(
    start: NDArray[np.float64], trans: NDArray[np.float64], cycle_bin: NDArray[np.int16]
) -> NDArray[np.float64]:
    """How often each quality is the current one, by mate, class and cycle bin: (2, G, B, K)."""
    total = np.zeros(trans.shape[:-1])
    now = start
    for b in cycle_bin.tolist():
        total[:, :, b] += now
        now = np.einsum("mgi,mgij->mgj", now, trans[:, :, b])
    return total + 1e-12


def stretch_cycles(profile: IlluminaProfile, cycles: int) -> IlluminaProfile:
    """`profile` for reads of `cycles` bases; what changes along the read keeps its shape."""
    at = np.arange(cycles) * profile.read_length // cycles
    return replace(
        profile,
        cycle_bin=np.ascontiguousarray(profile.cycle_bin[at]),
        cycle_factor=np.ascontiguousarray(profile.cycle_factor[:, at]),
    )
