"""Kernels of long reads: simulation, and counting what real ones do."""

# mypy: ignore-errors

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.simulate.kernels import MAX_COPIES, draw, site_scale_of, uniform


class LongModel(NamedTuple):
    """Arrays of long_profile.LongProfile, with error multipliers applied; see there.

    `run_class`: int64 (MAX_COPIES,). `site_scale`: as in kernels.ErrorModel.
    """

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
    run_class: NDArray[np.int64]
    site_scale: NDArray[np.float32]


@kernel
def run_copies(codes):
    """Length of the run of equal bases that each base stands in, cut at MAX_COPIES - 1: uint8 (L,)."""
    n = len(codes)
    copies = np.empty(n, np.uint8)
    i = 0
    while i < n:
        j = i + 1
        while j < n and codes[j] == codes[i]:
            j += 1
        for k in range(i, j):
            copies[k] = min(j - i, MAX_COPIES - 1)
        i = j
    return copies


@kernel
def simulate_long(codes, ref_pos, tract_left, tract_right, copies, model, starts, lengths, forward, seeds):
    """Bases uint8 (M,), phred uint8 (M,) and offsets int64 (R+1,) of R reads of given template spans."""
    capacity = 64
    for i in range(len(lengths)):
        capacity += lengths[i] + lengths[i] // 8 + 64
    seq = np.empty(capacity, np.uint8)
    qual = np.empty(capacity, np.uint8)
    offset = np.zeros(len(starts) + 1, np.int64)
    state = np.empty(1, np.uint64)
    out = 0
    for i in range(len(starts)):
        state[0] = seeds[i]
        limit = out + lengths[i] + lengths[i] // 8 + 63
        tracts = tract_left if forward[i] else tract_right
        group = draw(state, model.class_cdf)
        level = draw(state, model.start_cdf[group])
        t = 0
        rewind_at, rewind_to, slipped = -1, 0, -1
        before1, before2 = 0, 0
        while t < lengths[i] and out < limit:
            if t == rewind_at:
                t, rewind_at = rewind_to, -1
            at = starts[i] + t if forward[i] else starts[i] + lengths[i] - 1 - t
            level = draw(state, model.trans_cdf[group, model.run_class[copies[at]], level])
            index = tracts[at]
            if index > 0 and t > slipped and rewind_at < 0:
                unit, n_copies = index // MAX_COPIES + 1, index % MAX_COPIES
                u = uniform(state)
                scale = model.slip_factor[level]
                if n_copies > 3:
                    scale *= site_scale_of(ref_pos[at], model.site_scale)
                loss = min(0.45, model.slip_del[index] * scale)
                if u < loss + min(0.45, model.slip_ins[index] * scale):
                    units = 1
                    while units < n_copies - 1 and uniform(state) < model.slip_more[unit - 1]:
                        units += 1
                    slipped = t
                    if u < loss:
                        t += units * unit
                    elif n_copies == 1 and uniform(state) < 0.5:
                        seq[out] = np.uint8(uniform(state) * 4)  # a base from nowhere
                        qual[out] = draw(state, model.value_cdf[level])
                        out += 1
                    else:
                        rewind_at, rewind_to = t + units * unit, t
            if t >= lengths[i]:
                break
            at = starts[i] + t if forward[i] else starts[i] + lengths[i] - 1 - t
            base = codes[at]
            true = base if forward[i] or base > 3 else np.uint8(3 - base)
            base = true
            if true < 4:
                context = before2 * 16 + before1 * 4 + true
                if uniform(state) < model.sub_rate[level] * model.context_factor[context]:
                    base = np.uint8(draw(state, model.sub_cdf[context]))
                before2, before1 = before1, true
            seq[out] = base
            qual[out] = draw(state, model.value_cdf[level])
            out += 1
            t += 1
        offset[i + 1] = out
    return seq[:out], qual[:out], offset


@kernel
def _align_to_reference(pos, seq_at, cigar_op, cigar_len, first, last, query_at, inserted):
    """Fill query_at (read index aligned to each base of the span, -1 = deleted) and inserted (bases
    put in after it) from the CIGAR rows [first, last); returns the read's end on the reference.
    """
    at, q = 0, seq_at
    for k in range(first, last):
        op, n = cigar_op[k], cigar_len[k]
        if op == 0 or op == 7 or op == 8:
            for j in range(n):
                query_at[at + j] = q + j
                inserted[at + j] = 0
            at += n
            q += n
        elif op == 1:
            if at > 0:
                inserted[at - 1] += n
            q += n
        elif op == 2 or op == 3:
            for j in range(n):
                query_at[at + j] = -1
                inserted[at + j] = 0
            at += n
        elif op == 4:
            q += n
    return pos + at


class Ground(NamedTuple):
    """The reference below reads: `reference`: uint8 (L,), codes. `copies`: (L,), see `run_copies`.

    `masked`: bool (L,), do not learn here. `run_class`: class of a run by its copies.
    """

    reference: NDArray[np.uint8]
    copies: NDArray[np.uint8]
    masked: NDArray[np.bool_]
    run_class: NDArray[np.int64]


@kernel
def count_long(ground, tracts, reads, group, level, sizes):
    """What long reads do against the reference.

    Args:
        ground: a `Ground`. tracts: kernels_learn.Tracts. reads: kernels_learn.Aligned.
        group: int64 (R,), class of each read. level: uint8 (B,), quality level of each base.
        sizes: (groups G, levels K, slippage indices, classes of runs).

    Returns transitions (G, runs, K, K), by_level int64 (K, 2)
    (bases, substitutions), by_context int64 (64, 4), passages (n_index, K), losses and gains
    (n_index, 2, K), further units (6, 2), per tract passages and changes (T, 3).
    """
    n_groups, n_levels, n_index, n_runs = sizes
    reference, copies, masked, run_class = ground.reference, ground.copies, ground.masked, ground.run_class
    starts, ends, tract_index, blocked = tracts.start, tracts.end, tracts.slip, tracts.blocked
    pos, use, reverse, seq, offset = reads.pos, reads.use, reads.reverse, reads.seq, reads.offset
    cigar_op, cigar_len, cigar_offset = reads.cigar_op, reads.cigar_len, reads.cigar_offset
    steps = np.zeros((n_groups, n_runs, n_levels, n_levels), np.int64)
    by_level = np.zeros((n_levels, 2), np.int64)
    by_context = np.zeros((64, 4), np.int64)
    passages = np.zeros((n_index, n_levels), np.int64)
    changes = np.zeros((n_index, 2, n_levels), np.int64)
    further = np.zeros((6, 2), np.int64)
    per_tract = np.zeros((len(starts), 3), np.int64)
    longest = 1
    for r in range(len(pos)):
        total = 0
        for k in range(cigar_offset[r], cigar_offset[r + 1]):
            if cigar_op[k] != 1 and cigar_op[k] != 4 and cigar_op[k] != 5:
                total += cigar_len[k]
        longest = max(longest, total)
    query_at = np.empty(longest, np.int64)
    inserted = np.empty(longest, np.int64)
    for r in range(len(pos)):
        if not use[r]:
            continue
        end = _align_to_reference(
            pos[r], offset[r], cigar_op, cigar_len, cigar_offset[r], cigar_offset[r + 1], query_at, inserted
        )
        span = end - pos[r]
        before = -1
        for step in range(span):
            k = span - 1 - step if reverse[r] else step
            p, q = pos[r] + k, query_at[k]
            if q < 0:
                continue
            if before >= 0 and abs(q - before) == 1:
                steps[group[r], run_class[copies[p]], level[before], level[q]] += 1
            before = q
            true, base = reference[p], seq[q]
            if masked[p] or true > 3 or base > 3 or p < 2 or p + 2 >= len(reference):
                continue
            by_level[level[q], 0] += 1
            by_level[level[q], 1] += 1 if base != true else 0
            if reverse[r]:
                if reference[p + 2] < 4 and reference[p + 1] < 4:
                    context = (3 - reference[p + 2]) * 16 + (3 - reference[p + 1]) * 4 + 3 - true
                    by_context[context, 3 - base] += 1
            elif reference[p - 2] < 4 and reference[p - 1] < 4:
                by_context[reference[p - 2] * 16 + reference[p - 1] * 4 + true, base] += 1
        t = np.searchsorted(starts, pos[r] + 5)
        while t < len(starts) and ends[t] + 5 <= end:
            if not blocked[t]:
                a, b = starts[t] - pos[r], ends[t] - pos[r]
                net = 0
                for k in range(a, b):
                    net += inserted[k - 1]
                    if query_at[k] < 0:
                        net -= 1
                if reverse[r]:
                    k = b
                    while k < span - 1 and query_at[k] < 0:
                        k += 1
                    q = query_at[k] - 1
                else:
                    k = a - 1
                    while k > 0 and query_at[k] < 0:
                        k -= 1
                    q = query_at[k] + 1
                if q > offset[r] and q < offset[r + 1] - 1:
                    unit = tract_index[t] // MAX_COPIES + 1
                    passages[tract_index[t], level[q]] += 1
                    per_tract[t, 0] += 1
                    if net != 0 and net % unit == 0:
                        units = abs(net) // unit
                        side = 1 if net > 0 else 0
                        changes[tract_index[t], side, level[q]] += 1
                        per_tract[t, 1 + side] += 1
                        further[unit - 1, 0] += min(units, 8) - 1
                        further[unit - 1, 1] += min(units, 8)
            t += 1
    return steps, by_level, by_context, passages, changes, further, per_tract
