"""Reads of an instrument that reads a run of one base at once, as Ultima's do.

All rates are those of public reads of NA12878 (UG100, chr1:700-800 kb of GRCh38, 63x, MAPQ 20 and more): how often
runs are read too long or too short, how much that hangs on the place and the strand, which qualities say so, and how
often bases of each quality are wrong.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

QUALITIES = np.array([3, 6, 9, 12, 15, 17, 19, 25, 35], np.uint8)
WRONG = np.array(
    [0.032, 0.030, 0.026, 0.023, 0.016, 0.012, 0.0084, 0.0035, 0.00043]
)  # substitutions, by quality
INVENTED = 0.0003  # runs of one base between two others that nobody has
LENGTH_BP, LENGTH_SD_BP, LEAST_BP = 310, 35, 100
_CONTEXT_BP = 8  # bases read before a run, which with it tell how often that is misread
_PLACES = 1 << 16


class RunErrors(NamedTuple):
    """Of runs of one length: mean share of the reads that read them one base longer, or shorter, and how unlike the
    places are (intra-class correlation of a beta-binomial)."""

    longer: float
    longer_rho: float
    shorter: float
    shorter_rho: float


ERRORS = (  # of runs of 1, 2, ... bases; longer ones are like the last
    RunErrors(0.00126, 0.014, 0.00101, 0.013),
    RunErrors(0.00165, 0.027, 0.00421, 0.016),
    RunErrors(0.00414, 0.020, 0.0073, 0.034),
    RunErrors(0.0076, 0.026, 0.0145, 0.045),
    RunErrors(0.0074, 0.017, 0.0275, 0.046),
    RunErrors(0.0144, 0.021, 0.048, 0.08),
    RunErrors(0.022, 0.05, 0.055, 0.06),
    RunErrors(0.022, 0.05, 0.065, 0.07),
    RunErrors(0.03, 0.06, 0.07, 0.08),
    RunErrors(0.06, 0.08, 0.09, 0.08),
    RunErrors(0.08, 0.08, 0.11, 0.08),
    RunErrors(0.10, 0.10, 0.13, 0.10),
)
RIGHT = (
    np.array(  # share of QUALITIES in runs of 1, 2, ... bases read as they are; longer ones are like the last
        [
            (0.004, 0.005, 0.006, 0.008, 0.006, 0.007, 0.008, 0.069, 0.887),
            (0.000, 0.004, 0.005, 0.009, 0.007, 0.008, 0.010, 0.093, 0.864),
            (0.001, 0.009, 0.013, 0.019, 0.015, 0.017, 0.020, 0.171, 0.735),
            (0.001, 0.018, 0.025, 0.033, 0.025, 0.027, 0.033, 0.263, 0.575),
            (0.004, 0.023, 0.031, 0.049, 0.032, 0.040, 0.042, 0.388, 0.391),
            (0.000, 0.034, 0.039, 0.060, 0.047, 0.049, 0.061, 0.684, 0.026),
            (0.001, 0.040, 0.060, 0.087, 0.075, 0.072, 0.119, 0.546, 0.000),
            (0.000, 0.021, 0.077, 0.184, 0.235, 0.154, 0.209, 0.120, 0.000),
            (0.000, 0.050, 0.211, 0.222, 0.311, 0.162, 0.044, 0.000, 0.000),
            (0.000, 0.146, 0.311, 0.311, 0.184, 0.048, 0.000, 0.000, 0.000),
        ]
    )
)
MISREAD = np.array(  # the same of runs read one base too long or too short
    [
        (0.037, 0.050, 0.099, 0.238, 0.124, 0.090, 0.075, 0.218, 0.069),
        (0.484, 0.105, 0.114, 0.104, 0.055, 0.035, 0.032, 0.062, 0.009),
        (0.097, 0.325, 0.199, 0.150, 0.069, 0.048, 0.036, 0.064, 0.012),
        (0.087, 0.319, 0.222, 0.136, 0.069, 0.050, 0.040, 0.070, 0.007),
        (0.076, 0.478, 0.128, 0.162, 0.056, 0.039, 0.017, 0.044, 0.000),
        (0.101, 0.350, 0.244, 0.166, 0.028, 0.023, 0.014, 0.060, 0.014),
        (0.037, 0.383, 0.160, 0.185, 0.062, 0.086, 0.062, 0.025, 0.000),
        (0.000, 0.429, 0.333, 0.095, 0.095, 0.048, 0.000, 0.000, 0.000),
        (0.000, 0.556, 0.333, 0.111, 0.000, 0.000, 0.000, 0.000, 0.000),
        (0.000, 0.042, 0.250, 0.667, 0.041, 0.000, 0.000, 0.000, 0.000),
    ]
)


def _places() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Float64 (len(ERRORS), _PLACES) twice: share of reads that are too long, and too short, of places."""
    rng = np.random.default_rng(11)

    def shares(mean: float, rho: float) -> NDArray[np.float64]:
        return rng.beta(mean * (1 - rho) / rho, (1 - mean) * (1 - rho) / rho, _PLACES)

    longer = np.stack([shares(errors.longer, errors.longer_rho) for errors in ERRORS])
    return longer, np.stack([shares(errors.shorter, errors.shorter_rho) for errors in ERRORS])


def read_by_flows(
    codes: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Bases, qualities (n, L) and lengths of the reads, as read, of molecules `codes`, uint8 (n, L)."""
    n, width = codes.shape
    bases, label = np.full_like(codes, 4), np.full_like(codes, 2)
    wanted = np.clip(np.round(rng.normal(LENGTH_BP, LENGTH_SD_BP, n)), LEAST_BP, width).astype(np.int64)
    lengths = np.zeros(n, np.int64)
    longer, shorter = _places()
    right, misread = np.cumsum(RIGHT, axis=1), np.cumsum(MISREAD, axis=1)
    for i in range(n):
        run, size = _runs(codes[i])
        kind = np.minimum(size, len(ERRORS)) - 1
        place = _place_of(codes[i], size)
        drawn = rng.random(len(run))
        is_short = drawn < shorter[kind, place]
        is_long = ~is_short & (drawn < shorter[kind, place] + longer[kind, place])
        told = np.where(
            (is_short | is_long)[:, None], misread[np.minimum(kind, 9)], right[np.minimum(kind, 9)]
        )
        quality = QUALITIES[
            np.minimum((rng.random(len(run))[:, None] > told).sum(axis=1), len(QUALITIES) - 1)
        ]
        read, of_run = _spelled(run, size - is_short + is_long, quality, rng)
        wrong = rng.random(len(read)) < np.interp(of_run, QUALITIES, WRONG)
        read = np.where(wrong, (read + rng.integers(1, 4, len(read), dtype=np.uint8)) % 4, read)
        lengths[i] = min(len(read), wanted[i])
        bases[i, : lengths[i]] = read[: lengths[i]]
        label[i, : lengths[i]] = of_run[: lengths[i]]
    return bases, label, lengths


def _runs(codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Base and length of each run of a read."""
    first = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
    return codes[first], np.diff(np.append(first, len(codes)))


def _place_of(codes: NDArray[np.uint8], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run lies, as a number below _PLACES: by the bases read before it, itself and the base behind."""
    padded = np.concatenate((np.zeros(_CONTEXT_BP, np.int64), codes.astype(np.int64), [0]))
    stop = np.cumsum(size)
    first = stop - size
    key = size.astype(np.uint64)
    for k in range(_CONTEXT_BP + 1):
        key = key * np.uint64(5) + padded[first + k].astype(np.uint64)
    key = key * np.uint64(5) + padded[stop + _CONTEXT_BP].astype(np.uint64)
    return ((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(48)).astype(np.int64)


def _spelled(
    run: NDArray[np.uint8], size: NDArray[np.int64], quality: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bases and qualities of runs of these sizes, at most as many as were asked for.

    The doubt about a run's length stands at both of its ends; bases within have more.
    """
    invented = np.flatnonzero(rng.random(len(run)) < INVENTED) + 1
    run = np.insert(run, invented, rng.integers(0, 4, len(invented), dtype=np.uint8))
    size = np.insert(size, invented, 1)
    quality = np.insert(quality, invented, QUALITIES[3])
    read = np.repeat(run, size)
    at = np.arange(len(read)) - np.repeat(np.cumsum(size) - size, size)
    inward = np.minimum(at, np.repeat(size, size) - 1 - at)
    return read, np.minimum(np.repeat(quality, size) + 10 * inward, QUALITIES[-1]).astype(np.uint8)
