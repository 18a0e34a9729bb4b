"""Short reads of one haplotype."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.sequence import encode_bases
from deepcohort.simulate.config import ReadConfig
from deepcohort.simulate.kernels import simulate_pairs
from deepcohort.simulate.profile import ADAPTERS, IlluminaProfile
from deepcohort.simulate.types import Haplotype, RawReads

_GC_WINDOWS = 21


def short_reads(
    haplotype: Haplotype, depth: float, profile: IlluminaProfile, config: ReadConfig, prefix: str, seed: int
) -> RawReads:
    """Pairs that cover `haplotype` to `depth` (reads per base, before duplicates)."""
    rng = np.random.default_rng([seed, 21])
    cycles = config.read_length or profile.read_length
    starts, inserts = _fragments(haplotype.codes, depth, cycles, profile, rng)
    source = np.arange(len(starts))
    copies = rng.random(len(starts)) < profile.duplicate_rate
    source = np.concatenate([source, source[copies]])
    starts, inserts = starts[source], inserts[source]
    forward = rng.random(len(source)) < 0.5
    forward[len(forward) - int(copies.sum()) :] = forward[: len(copies)][copies]
    seq, qual = simulate_pairs(
        haplotype.codes, haplotype.tract_left, haplotype.tract_right, starts, inserts, forward,
        rng.integers(0, 2**63, len(source)).astype(np.uint64), _adapters(),
        profile.quals, profile.class_cdf, profile.mate_class_cdf, profile.start_cdf, profile.trans_cdf,
        _stretch(profile.cycle_bin, cycles), profile.sub_rate,
        np.stack([_stretch(row, cycles) for row in profile.cycle_factor]),
        profile.context_factor, profile.sub_cdf, profile.slip_del, profile.slip_ins, profile.slip_more,
        config.error_multiplier, cycles,
    )  # fmt: skip
    first = [f"{prefix}:{int(haplotype.ref_pos[s]) + 1}:{i}" for i, s in enumerate(starts)]
    names = [name for name in first for _ in range(2)]
    offset = np.arange(len(names) + 1, dtype=np.int64) * cycles
    duplicate = np.repeat(np.arange(len(source)) >= len(copies), 2)
    return RawReads(names, seq.reshape(-1), qual.reshape(-1), offset, duplicate)


def _adapters() -> NDArray[np.uint8]:
    """Adapter codes by mate, uint8 (2, n); read 1 runs into the adapter of read 2."""
    return np.stack([encode_bases(a) for a in ADAPTERS])


def _stretch(values: NDArray, cycles: int) -> NDArray:
    """`values` by cycle, resampled to another read length so that the decay keeps its shape."""
    return np.ascontiguousarray(values[np.arange(cycles) * len(values) // cycles])


def _fragments(
    codes: NDArray[np.uint8], depth: float, cycles: int, profile: IlluminaProfile, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of fragments without N, accepted by their GC content."""
    length = len(codes)
    gc_sum = np.concatenate([[0], np.cumsum((codes == 1) | (codes == 2))])
    n_sum = np.concatenate([[0], np.cumsum(codes > 3)])
    weight = profile.gc_weight / profile.gc_weight.max()
    wanted = rng.poisson(depth * (length - n_sum[-1]) / (2 * cycles))
    grid = np.linspace(0, 1, len(profile.insert_quantiles))
    starts, inserts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    have = 0
    for _ in range(200):
        if have >= wanted:
            break
        size = np.interp(rng.random(wanted + 100), grid, profile.insert_quantiles).astype(np.int64)
        size = np.clip(size, 20, max(20, length))
        start = rng.integers(0, length, len(size))
        inside = start + size <= length
        start, size = start[inside], size[inside]
        share = (gc_sum[start + size] - gc_sum[start]) / size
        keep = rng.random(len(start)) < weight[(share * (_GC_WINDOWS - 1) + 0.5).astype(int)]
        keep &= n_sum[start + size] == n_sum[start]
        starts.append(start[keep])
        inserts.append(size[keep])
        have += int(keep.sum())
    return np.concatenate(starts)[:wanted], np.concatenate(inserts)[:wanted]
