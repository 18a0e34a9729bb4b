"""Kernels: haplotypes, repeat tracts and reads from arrays."""

import numpy as np

from deepcohort.core.numba_options import kernel

MAX_UNIT = 6  # bp, longest repeat unit that slips
MAX_COPIES = 32  # longer tracts count as this long
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53


@kernel
def uniform(state):
    """Next uniform [0, 1) of the splitmix64 stream held in state, uint64 (1,)."""
    state[0] += _GOLDEN
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return np.float64(z >> _S11) * _TO_UNIT


@kernel
def draw(state, cdf):
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
def apply_variants(reference, start, end, pos, ref_len, alt_seq, alt_start, alt_end):
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
def find_tracts(codes):
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
def walk_read(
    codes, tract_left, tract_right, start, length, forward, adapter, qual, mate, state, out,
    sub_rate, cycle_factor, context_factor, sub_cdf, slip_del, slip_ins, slip_more, error_multiplier,
):  # fmt: skip
    """Fill `out` (cycles,) with the bases read from a template; return nothing.

    The template is codes[start : start+length], read from its left end when `forward`, else from
    its right end, complemented. Past its end comes the adapter, then random bases. Repeat tracts
    lose or gain whole units; each base may be substituted by its quality, cycle and context.
    """
    cycles = len(out)
    t = 0
    rewind_at, rewind_to, slipped = -1, 0, -1
    before1, before2 = 0, 0
    for c in range(cycles):
        if t == rewind_at:
            t, rewind_at = rewind_to, -1
        if t < length:
            at = start + t if forward else start + length - 1 - t
            index = tract_left[at] if forward else tract_right[at]
            if index > 0 and t > slipped and rewind_at < 0 and c > 0:
                unit, copies = index // MAX_COPIES + 1, index % MAX_COPIES
                u = uniform(state)
                p_del = slip_del[index] * error_multiplier
                if u < p_del + slip_ins[index] * error_multiplier:
                    units = 1
                    while units < copies - 1 and uniform(state) < slip_more[unit - 1]:
                        units += 1
                    slipped = t
                    if u < p_del:
                        t += units * unit
                    else:
                        rewind_at, rewind_to = t + units * unit, t
        if t < length:
            at = start + t if forward else start + length - 1 - t
            true = codes[at] if forward or codes[at] > 3 else np.uint8(3 - codes[at])
        elif t - length < len(adapter):
            true = adapter[t - length]
        else:
            true = np.uint8(uniform(state) * 4)
        t += 1
        base = true
        if true < 4:
            context = before2 * 16 + before1 * 4 + true
            rate = sub_rate[qual[c]] * cycle_factor[mate, c] * context_factor[context] * error_multiplier
            if uniform(state) < rate:
                base = np.uint8(draw(state, sub_cdf[context]))
            before2, before1 = before1, true
        out[c] = base


@kernel
def simulate_pairs(
    codes, tract_left, tract_right, starts, inserts, read1_forward, seeds, adapters, quals,
    class_cdf, mate_class_cdf, start_cdf, trans_cdf, cycle_bin,
    sub_rate, cycle_factor, context_factor, sub_cdf, slip_del, slip_ins, slip_more, error_multiplier,
    cycles,
):  # fmt: skip
    """Bases and quality indices of F pairs: uint8 (2F, cycles) twice; rows 2i, 2i+1 are mates.

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
        group = draw(state, class_cdf)
        for mate in range(2):
            if mate == 1:
                group = draw(state, mate_class_cdf[group])
            k = draw(state, start_cdf[mate, group])
            index[0] = k
            for c in range(1, cycles):
                k = draw(state, trans_cdf[mate, group, cycle_bin[c], k])
                index[c] = k
            forward = read1_forward[i] == (mate == 0)
            row = 2 * i + mate
            walk_read(
                codes, tract_left, tract_right, starts[i], inserts[i], forward, adapters[mate], index,
                mate, state, seq[row], sub_rate, cycle_factor, context_factor, sub_cdf,
                slip_del, slip_ins, slip_more, error_multiplier,
            )  # fmt: skip
            for c in range(cycles):
                qual[row, c] = quals[index[c]]
    return seq, qual
