"""Long reads of one haplotype."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels_long import LongModel, run_copies, simulate_long
from deepcohort.simulate.long_profile import RUN_CLASS_OF_COPIES, LongProfile
from deepcohort.simulate.reads import site_scales
from deepcohort.simulate.types import Haplotype, RawReads

_MIN_READ_BP = 500


@dataclass(frozen=True, slots=True)
class LongReadRun:
    """One long-read run as the simulator takes it."""

    profile: LongProfile
    read_length: int
    model: LongModel

    @classmethod
    def of(
        cls, profile: LongProfile, read_length: int, error_multiplier: float, stutter: float = 1.0
    ) -> "LongReadRun":
        """A run of `profile`, its lengths scaled to a median of `read_length` bp (0: as learned)."""
        slips = error_multiplier * stutter
        model = LongModel(
            profile.class_cdf, profile.value_cdf, profile.start_cdf, profile.trans_cdf,
            np.minimum(0.75, profile.sub_rate * error_multiplier).astype(np.float32),
            profile.context_factor, profile.sub_cdf,
            (profile.slip_del * slips).astype(np.float32),
            (profile.slip_ins * slips).astype(np.float32),
            profile.slip_factor, profile.slip_more, RUN_CLASS_OF_COPIES, site_scales(),
        )  # fmt: skip
        return cls(profile, read_length, model)


def long_reads(haplotype: Haplotype, depth: float, run: LongReadRun, prefix: str, seed: int) -> RawReads:
    """Reads that cover `haplotype` to `depth`, from both strands; reads never hold N."""
    rng = np.random.default_rng([seed, 22])
    starts, lengths = _spans(haplotype.codes, depth, run, rng)
    forward = rng.random(len(starts)) < 0.5
    seq, qual, offset = simulate_long(
        haplotype.codes, haplotype.ref_pos, haplotype.tract_left, haplotype.tract_right,
        run_copies(haplotype.codes), run.model, starts, lengths, forward,
        rng.integers(0, 2**63, len(starts)).astype(np.uint64),
    )  # fmt: skip
    first = haplotype.ref_pos[starts].astype(np.int64)
    names = [f"{prefix}:{p + 1}:{i}" for i, p in enumerate(first.tolist())]
    return RawReads(names, seq, qual, offset, np.zeros(len(names), bool), first, paired=False)


def _spans(
    codes: NDArray[np.uint8], depth: float, run: LongReadRun, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of reads, cut at the ends of the contig and at N."""
    quantiles = run.profile.length_quantiles.astype(np.float64)
    if run.read_length:
        quantiles = quantiles * (run.read_length / np.median(quantiles))
    known = np.concatenate([[0], (codes < 4).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(known))
    starts, lengths = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start, length = _spans_of_stretch(last - first, depth, quantiles, rng)
        starts.append(first + start)
        lengths.append(length)
    return np.concatenate(starts), np.concatenate(lengths)


def _spans_of_stretch(
    total: int, depth: float, quantiles: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of reads on `total` bp.

    Starts are as dense before the stretch as in it, from one length before it on, and reads are
    cut at its ends: the depth is even, and a length comes as often as it has starts.
    """
    grid = np.linspace(0, 1, len(quantiles))
    wanted = rng.poisson(depth * (total + quantiles[-1]) / float(quantiles.mean()))
    length = np.maximum(np.interp(rng.random(wanted), grid, quantiles), _MIN_READ_BP).astype(np.int64)
    length = length[rng.random(wanted) * (total + quantiles[-1]) < total + length]
    start = np.floor(rng.random(len(length)) * (total + length)).astype(np.int64) - length
    end = np.minimum(start + length, total)
    start = np.maximum(start, 0)
    keep = end - start >= min(_MIN_READ_BP, total // 2)
    return start[keep], (end - start)[keep]
