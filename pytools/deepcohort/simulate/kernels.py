"""Kernels: haplotypes, repeat tracts and reads from arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MAX_UNIT = 6  # bp, longest repeat unit that slips
MAX_COPIES = 32  # longer tracts count as this long
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53
_SITE_MIX = np.uint64(0xD6E8FEB86659FD93)
_SITE_SHIFT = np.uint64(58)
N_SITE_SCALES = 64
HOT_RATES: NDArray[np.float64] = np.geomspace(0.02, 0.45, 10)  # codes fit a byte: 1 + 4 * level + base


class Template(NamedTuple):
    """What reads are copied from; see types.Haplotype for the first four.

    `hot_forward`, `hot_reverse`: uint8 (L,), 0 or 1 + 4 * level + the base that reads of this strand
    show by mistake (in read direction).
    """

    codes: NDArray[np.uint8]
    ref_pos: NDArray[np.int32]
    tract_left: NDArray[np.uint16]
    tract_right: NDArray[np.uint16]
    hot_forward: NDArray[np.uint8]
    hot_reverse: NDArray[np.uint8]


class ErrorModel(NamedTuple):
    """Arrays of profile.IlluminaProfile that the kernels need, with error multipliers applied.

    `site_scale`: float32 (N_SITE_SCALES,), factors on slippage; each tract has one by its position.
    """

    quals: NDArray[np.uint8]
    class_cdf: NDArray[np.float32]
    mate_class_cdf: NDArray[np.float32]
    start_cdf: NDArray[np.float32]
    trans_cdf: NDArray[np.float32]
    cycle_bin: NDArray[np.int16]
    sub_rate: NDArray[np.float32]
    cycle_factor: NDArray[np.float32]
    context_factor: NDArray[np.float32]
    sub_cdf: NDArray[np.float32]
    slip_del: NDArray[np.float32]
    slip_ins: NDArray[np.float32]
    slip_more: NDArray[np.float32]
    site_scale: NDArray[np.float32]
    hot_rate: NDArray[np.float32]
    error_cdf: NDArray[np.float32]
    adapters: NDArray[np.uint8]


@kernel
def uniform(state: NDArray[np.uint64]) -> float:
    """Next uniform [0, 1) of the splitmix64 stream held in state, uint64 (1,)."""
    state[0] += _GOLDEN
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return np.float64(z >> _S11) * _TO_UNIT


@kernel
def draw(state: NDArray[np.uint64], cdf: NDArray[np.float32]) -> int:
    """Index drawn from a cumulative distribution, float32 (K,), whose last value is 1."""
    u = uniform(state)
    low, high = 0, len(cdf) - 1
    while low < high:
        middle = (low + high) // 2
        if u < cdf[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def apply_variants(
    reference: NDArray[np.uint8],
    start: int,
    end: int,
    pos: NDArray[np.int64],
    ref_len: NDArray[np.int64],
    alt_seq: NDArray[np.uint8],
    alt_start: NDArray[np.int64],
    alt_end: NDArray[np.int64],
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Haplotype codes and their reference positions: uint8 (L,), int32 (L,).

    `pos`, `ref_len`, `alt_start`, `alt_end` (V,) describe the disjoint variants that this copy
    carries within [start, end) of `reference`, sorted by pos.
    """
    size = end - start
    for v in range(len(pos)):
        size += alt_end[v] - alt_start[v] - ref_len[v]
    codes = np.empty(size, np.uint8)
    ref_pos = np.empty(size, np.int32)
    out, at = 0, start
    for v in range(len(pos)):
        while at < pos[v]:
            codes[out] = reference[at]
            ref_pos[out] = at
            out += 1
            at += 1
        last = pos[v] + ref_len[v] - 1
        for k in range(alt_end[v] - alt_start[v]):
            codes[out] = alt_seq[alt_start[v] + k]
            ref_pos[out] = min(pos[v] + k, last)
            out += 1
        at = pos[v] + ref_len[v]
    while at < end:
        codes[out] = reference[at]
        ref_pos[out] = at
        out += 1
        at += 1
    return codes, ref_pos


@kernel
def find_tracts(codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Repeat tracts as slippage indices at their first and last base: two uint16 (L,).

    Every homopolymer run counts, of 1 bp too (index = copies); units of 2 to MAX_UNIT bp count
    from three whole copies on (index = (unit - 1) * MAX_COPIES + copies) and win over runs.
    """
    n = len(codes)
    left = np.zeros(n, np.uint16)
    right = np.zeros(n, np.uint16)
    i = 0
    while i < n:
        j = i + 1
        while j < n and codes[j] == codes[i]:
            j += 1
        if codes[i] < 4:
            index = min(j - i, MAX_COPIES - 1)
            left[i] = index
            right[j - 1] = index
        i = j
    for unit in range(2, MAX_UNIT + 1):
        i = 0
        while i + unit < n:
            j = i
            while j + unit < n and codes[j] == codes[j + unit] and codes[j] < 4:
                j += 1
            copies = (j - i) // unit + 1
            if copies >= 3:
                single = True  # a homopolymer is no tract of longer units
                for k in range(1, unit):
                    if codes[i + k] != codes[i]:
                        single = False
                if not single and left[i] < MAX_COPIES:
                    index = (unit - 1) * MAX_COPIES + min(copies, MAX_COPIES - 1)
                    left[i] = index
                    right[i + copies * unit - 1] = index
            i = j + 1 if j > i else i + 1
    return left, right


@kernel
def site_scale_of(ref_pos: int, scales: NDArray[np.float64]) -> float:
    """The slippage factor, of `scales` (n,), of the tract at reference position `ref_pos`."""
    return scales[(np.uint64(ref_pos) * _SITE_MIX) >> _SITE_SHIFT]


@kernel
def walk_read(
    template: Template,
    model: ErrorModel,
    start: int,
    length: int,
    forward: bool,
    mate: int,
    state: NDArray[np.uint64],
    quality: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Fill `out` (cycles,) with the bases read from a fragment; `quality` (cycles,) holds indices.

    The fragment is codes[start : start+length], read from its left end when `forward`, else from
    its right end, complemented. Past its end comes the adapter, then random bases. Repeat tracts
    lose or gain whole units; each base may be substituted by its quality, cycle and context; at a
    hot site of its strand it may be read as the site's wrong base, with a quality typical of errors.
    """
    tracts = template.tract_left if forward else template.tract_right
    hot = template.hot_forward if forward else template.hot_reverse
    adapter = model.adapters[mate]
    t = 0
    rewind_at, rewind_to, slipped = -1, 0, -1
    before1, before2 = np.int64(0), np.int64(0)
    for c in range(len(out)):
        if t == rewind_at:
            t, rewind_at = rewind_to, -1
        if t < length:
            at = start + t if forward else start + length - 1 - t
            index = tracts[at]
            if index > 0 and t > slipped and rewind_at < 0 and c > 0:
                unit, copies = index // MAX_COPIES + 1, index % MAX_COPIES
                u = uniform(state)
                if u < 0.5:  # rates are never above
                    u /= site_scale_of(template.ref_pos[at], model.site_scale)
                    if u < model.slip_del[index] + model.slip_ins[index]:
                        units = 1
                        while units < copies - 1 and uniform(state) < model.slip_more[unit - 1]:
                            units += 1
                        slipped = t
                        if u < model.slip_del[index]:
                            t += units * unit
                        else:
                            rewind_at, rewind_to = t + units * unit, t
        special = 0
        if t < length:
            at = start + t if forward else start + length - 1 - t
            base = template.codes[at]
            true = base if forward or base > 3 else np.uint8(3 - base)
            special = hot[at]
        elif t - length < len(adapter):
            true = adapter[t - length]
        else:
            true = np.uint8(uniform(state) * 4)
        t += 1
        base = true
        if true < 4:
            context = before2 * 16 + before1 * 4 + true
            rate = model.sub_rate[quality[c]] * model.cycle_factor[mate, c] * model.context_factor[context]
            if uniform(state) < rate:
                base = np.uint8(draw(state, model.sub_cdf[context]))
            before2, before1 = before1, np.int64(true)
            if special > 0 and uniform(state) < model.hot_rate[(special - 1) // 4]:
                base = np.uint8((special - 1) % 4)
                quality[c] = draw(state, model.error_cdf)
        out[c] = base


@kernel
def simulate_pairs(
    template: Template,
    model: ErrorModel,
    starts: NDArray[np.int64],
    inserts: NDArray[np.int64],
    read1_forward: NDArray[np.bool_],
    seeds: NDArray[np.uint64],
    cycles: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bases and phred qualities of F pairs: uint8 (2F, cycles) twice; rows 2i, 2i+1 are mates.

    `seeds` uint64 (F,) start one random stream per fragment, so results do not depend on how
    fragments are batched.
    """
    n = len(starts)
    seq = np.empty((2 * n, cycles), np.uint8)
    qual = np.empty((2 * n, cycles), np.uint8)
    index = np.empty(cycles, np.uint8)
    state = np.empty(1, np.uint64)
    for i in range(n):
        state[0] = seeds[i]
        group = draw(state, model.class_cdf)
        for mate in range(2):
            if mate == 1:
                group = draw(state, model.mate_class_cdf[group])
            k = draw(state, model.start_cdf[mate, group])
            index[0] = k
            for c in range(1, cycles):
                k = draw(state, model.trans_cdf[mate, group, model.cycle_bin[c], k])
                index[c] = k
            forward = read1_forward[i] == (mate == 0)
            row = 2 * i + mate
            walk_read(template, model, starts[i], inserts[i], forward, mate, state, index, seq[row])
            for c in range(cycles):
                qual[row, c] = model.quals[index[c]]
    return seq, qual
