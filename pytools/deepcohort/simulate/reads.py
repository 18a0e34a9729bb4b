"""Short reads of one haplotype."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.sequence import encode_bases
from deepcohort.simulate.hot_sites import place_hot_sites
from deepcohort.simulate.kernels import HOT_RATES, N_SITE_SCALES, ErrorModel, Template, simulate_pairs
from deepcohort.simulate.profile import ADAPTERS, IlluminaProfile
from deepcohort.simulate.types import Haplotype, RawReads

_GC_WINDOWS = 21
COVERAGE_CORRELATION_BP = 500
_SLIP_SITE_SD = 0.6  # of the log; tracts of one length differ in how much they stutter
_MIN_FRAGMENT_BP = 20


@dataclass(frozen=True, slots=True)
class ShortReadRun:
    """One sequencing run as the read simulator takes it."""

    profile: IlluminaProfile
    cycles: int
    model: ErrorModel

    @classmethod
    def of(
        cls, profile: IlluminaProfile, read_length: int, error_multiplier: float, stutter: float = 1.0
    ) -> "ShortReadRun":
        """A run of `profile` with reads of `read_length` bp (0: as learned) and scaled error rates.

        `stutter` scales slippage in repeats besides. Rates of hot sites grow by the root of
        `error_multiplier` only: a noisy instrument is not systematically wrong in as many places.
        """
        slips = error_multiplier * stutter
        cycles = read_length or profile.read_length
        model = ErrorModel(
            profile.quals, profile.class_cdf, profile.mate_class_cdf, profile.start_cdf, profile.trans_cdf,
            _stretch(profile.cycle_bin, cycles),
            np.minimum(0.75, profile.sub_rate * error_multiplier).astype(np.float32),
            np.stack([_stretch(row, cycles) for row in profile.cycle_factor]),
            profile.context_factor, profile.sub_cdf,
            np.minimum(0.3, profile.slip_del * slips).astype(np.float32),
            np.minimum(0.3, profile.slip_ins * slips).astype(np.float32),
            profile.slip_more, site_scales(),
            np.minimum(0.6, HOT_RATES * error_multiplier**0.5).astype(np.float32), profile.error_cdf,
            np.stack([encode_bases(a) for a in ADAPTERS]),
        )  # fmt: skip
        return cls(profile, cycles, model)


@dataclass(frozen=True, slots=True)
class PositionalBias:
    """What a run does at each place of a contig, the same for every sample of a cohort.

    `hot_forward`, `hot_reverse`: uint8 (L,), see hot_sites.place_hot_sites. `wave`: float32, see
    coverage_bias.
    """

    hot_forward: NDArray[np.uint8]
    hot_reverse: NDArray[np.uint8]
    wave: NDArray[np.float32]

    @classmethod
    def of(
        cls, reference: NDArray[np.uint8], profile: IlluminaProfile, seed: int, place: int
    ) -> "PositionalBias":
        """Terrain of contig number `place`."""
        rng = np.random.default_rng([seed, 16, place])
        hot = place_hot_sites(reference, profile, rng)
        return cls(*hot, coverage_bias(len(reference), profile.coverage_sd, rng))

    @classmethod
    def flat(cls, length: int) -> "PositionalBias":
        """No hot sites, even depth."""
        none = np.zeros(length, np.uint8)
        return cls(none, none, np.ones(length // COVERAGE_CORRELATION_BP + 1, np.float32))


def short_reads(
    haplotype: Haplotype,
    terrain: PositionalBias,
    depth: float,
    run: ShortReadRun,
    prefix: str,
    seed: int,
) -> RawReads:
    """Pairs that cover `haplotype` to `depth` (bases per base, duplicates included).

    `terrain` tells what the run does at each place of the reference.
    """
    rng = np.random.default_rng([seed, 21])
    starts, inserts = _fragments(haplotype, terrain.wave, depth, run, rng)
    source = np.arange(len(starts))
    copied = np.flatnonzero(rng.random(len(starts)) < run.profile.duplicate_rate)
    source[rng.permutation(len(starts))[: len(copied)]] = copied  # copies take the place of originals
    forward = (rng.random(len(source)) < 0.5)[source]
    starts, inserts = starts[source], inserts[source]
    template = Template(
        haplotype.codes, haplotype.ref_pos, haplotype.tract_left, haplotype.tract_right,
        terrain.hot_forward[haplotype.ref_pos], terrain.hot_reverse[haplotype.ref_pos],
    )  # fmt: skip
    seeds = rng.integers(0, 2**63, len(source)).astype(np.uint64)
    seq, qual = simulate_pairs(template, run.model, starts, inserts, forward, seeds, run.cycles)
    _make_chimeras(seq, run.profile, rng)
    first = haplotype.ref_pos[starts].astype(np.int64)
    names = [f"{prefix}:{p + 1}:{i}" for i, p in enumerate(first.tolist()) for _ in range(2)]
    offset = np.arange(len(names) + 1, dtype=np.int64) * run.cycles
    again = np.ones(len(source), bool)
    again[np.unique(source, return_index=True)[1]] = False
    return RawReads(
        names, seq.reshape(-1), qual.reshape(-1), offset, np.repeat(again, 2), np.repeat(first, 2)
    )


def site_scales() -> NDArray[np.float32]:
    """Factors on slippage, log-normal with mean 1, float32 (N_SITE_SCALES,); see kernels.site_scale_of."""
    normal = NormalDist(0, _SLIP_SITE_SD)
    scales = np.exp([normal.inv_cdf((i + 0.5) / N_SITE_SCALES) for i in range(N_SITE_SCALES)])
    return (scales / scales.mean()).astype(np.float32)


def _stretch(values: NDArray, cycles: int) -> NDArray:
    """`values` by cycle, resampled to another read length so that the decay keeps its shape."""
    return np.ascontiguousarray(values[np.arange(cycles) * len(values) // cycles])


def _make_chimeras(seq: NDArray[np.uint8], profile: IlluminaProfile, rng: np.random.Generator) -> None:
    """Join unrelated fragments, in place: mates that do not belong, and reads that change in the middle."""
    n_rows, cycles = seq.shape
    swap = rng.permutation(n_rows // 2)[: rng.binomial(n_rows // 2, profile.chimera_rate)]
    seq[2 * swap + 1] = seq[2 * np.roll(swap, 1) + 1]
    splice = rng.permutation(n_rows)[: rng.binomial(n_rows, profile.splice_rate)]
    donors = rng.permutation(n_rows)[: len(splice)]
    cuts = rng.integers(min(20, cycles // 2), max(21, cycles - 10), len(splice))
    for row, donor, cut in zip(splice, donors, cuts, strict=True):
        tail = seq[donor, : cycles - cut].copy()
        if rng.random() < 0.5:
            tail = np.where(tail < 4, 3 - tail, 4).astype(np.uint8)[::-1]
        seq[row, cut:] = tail


def coverage_bias(length_bp: int, sd: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Relative depth of each neighbourhood of a contig, float32 (n,), at most 1, correlated in space."""
    n = length_bp // COVERAGE_CORRELATION_BP + 1
    steps = rng.normal(0, sd, n)
    wave = np.empty(n)
    level = 0.0
    for i, step in enumerate(steps):
        level = 0.6 * level + 0.8 * step
        wave[i] = level
    wave = np.exp(np.clip(wave, -4 * sd, 2.5 * sd))
    return (wave / wave.max()).astype(np.float32)


def _fragments(
    haplotype: Haplotype,
    wave: NDArray[np.float32],
    depth: float,
    run: ShortReadRun,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of fragments without N, accepted by their GC content and place."""
    codes = haplotype.codes
    length = len(codes)
    gc_sum = np.concatenate([[0], np.cumsum((codes == 1) | (codes == 2))])
    n_sum = np.concatenate([[0], np.cumsum(codes > 3)])
    weight = run.profile.gc_weight / run.profile.gc_weight.max()
    wanted = rng.poisson(depth * (length - n_sum[-1]) / (2 * run.cycles))
    quantiles = run.profile.insert_quantiles
    grid = np.linspace(0, 1, len(quantiles))
    starts, inserts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    have = 0
    for _ in range(200):  # a contig all of N, or shorter than any fragment, yields none
        if have >= wanted:
            break
        size = np.interp(rng.random(wanted + 100), grid, quantiles).astype(np.int64)
        size = np.maximum(size, _MIN_FRAGMENT_BP)
        start = rng.integers(0, length, len(size))
        inside = start + size <= length
        start, size = start[inside], size[inside]
        share = (gc_sum[start + size] - gc_sum[start]) / size
        odds = weight[(share * (_GC_WINDOWS - 1) + 0.5).astype(int)]
        odds = odds * wave[haplotype.ref_pos[start] // COVERAGE_CORRELATION_BP]
        keep = rng.random(len(start)) < odds
        keep &= n_sum[start + size] == n_sum[start]
        starts.append(start[keep])
        inserts.append(size[keep])
        have += int(keep.sum())
    return np.concatenate(starts)[:wanted], np.concatenate(inserts)[:wanted]
