"""Kernels of long reads: simulation, and counting what real ones do."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.simulate.kernels import MAX_COPIES, draw, site_scale_of, uniform
from deepcohort.simulate.kernels_learn import Aligned, Tracts, context_at


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
def run_copies(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
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
def simulate_long(
    codes: NDArray[np.uint8],
    ref_pos: NDArray[np.int32],
    tract_left: NDArray[np.uint16],
    tract_right: NDArray[np.uint16],
    copies: NDArray[np.uint8],
    model: LongModel,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    forward: NDArray[np.bool_],
    seeds: NDArray[np.uint64],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
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
        before1, before2 = np.int64(0), np.int64(0)
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
                before2, before1 = before1, np.int64(true)
            seq[out] = base
            qual[out] = draw(state, model.value_cdf[level])
            out += 1
            t += 1
        offset[i + 1] = out
    return seq[:out], qual[:out], offset


@kernel
def _align_to_reference(
    pos: int,
    seq_at: int,
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    first: int,
    last: int,
    query_at: NDArray[np.int64],
    inserted: NDArray[np.int64],
) -> int:
    """Fill query_at (read index aligned to each base of the span, -1 = deleted) and inserted (bases
    put in after it) from the CIGAR rows [first, last); returns the read's end on the reference.

    `cigar_op`, `cigar_len` (K,), `query_at`, `inserted` (span,).
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


class LongCounts(NamedTuple):
    """What long reads do against the reference.

    steps: int64 (G, runs, K, K), quality levels of neighbouring bases. by_level: int64 (K, 2), bases and
    substitutions. by_context: int64 (64, 4). passages: int64 (n_index, K), of tracts. changes: int64
    (n_index,
    2, K), losses and gains. further: int64 (6, 2), further units. per_tract: int64 (T, 3), passages, losses
    and gains.
    """

    steps: NDArray[np.int64]
    by_level: NDArray[np.int64]
    by_context: NDArray[np.int64]
    passages: NDArray[np.int64]
    changes: NDArray[np.int64]
    further: NDArray[np.int64]
    per_tract: NDArray[np.int64]


class _Span(NamedTuple):
    """Read `r` on the reference from `pos` on, `bp` bases.

    query_at: int64 (n,), read index aligned to each base, -1 = deleted. inserted: int64 (n,), bases put in
    after it.
    """

    r: int
    pos: int
    bp: int
    query_at: NDArray[np.int64]
    inserted: NDArray[np.int64]


@kernel
def _longest_span(reads: Aligned) -> int:
    """Bases of the reference that one of the reads (R,) spans at most, at least 1."""
    longest = 1
    for r in range(len(reads.pos)):
        total = 0
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            if reads.cigar_op[k] != 1 and reads.cigar_op[k] != 4 and reads.cigar_op[k] != 5:
                total += reads.cigar_len[k]
        longest = max(longest, total)
    return longest


@kernel
def _count_bases(
    ground: Ground, reads: Aligned, span: _Span, group: int, level: NDArray[np.uint8], counts: LongCounts
) -> None:
    """Add the aligned bases of one read; `level`: uint8 (B,), quality level of each base."""
    reference, reverse = ground.reference, reads.reverse[span.r]
    before = -1
    for step in range(span.bp):
        k = span.bp - 1 - step if reverse else step
        p, q = span.pos + k, span.query_at[k]
        if q < 0:
            continue
        if before >= 0 and abs(q - before) == 1:
            counts.steps[group, ground.run_class[ground.copies[p]], level[before], level[q]] += 1
        before = q
        true, base = reference[p], reads.seq[q]
        if ground.masked[p] or true > 3 or base > 3 or p < 2 or p + 2 >= len(reference):
            continue
        counts.by_level[level[q], 0] += 1
        counts.by_level[level[q], 1] += 1 if base != true else 0
        context = context_at(reference, p, reverse)
        if context >= 0:
            counts.by_context[context, 3 - base if reverse else base] += 1


@kernel
def _first_base(span: _Span, a: int, b: int, reverse: bool) -> int:
    """Index of the first base that a read, of `query_at` (n,), has of the tract a:b of its span."""
    if reverse:
        k = b
        while k < span.bp - 1 and span.query_at[k] < 0:
            k += 1
        return span.query_at[k] - 1
    k = a - 1
    while k > 0 and span.query_at[k] < 0:
        k -= 1
    return span.query_at[k] + 1


@kernel
def _count_tracts(
    tracts: Tracts, reads: Aligned, span: _Span, level: NDArray[np.uint8], counts: LongCounts
) -> None:
    """Add the tracts that one read passes; `level`: uint8 (B,), quality level of each base."""
    r, starts, ends = span.r, tracts.start, tracts.end
    t = np.searchsorted(starts, span.pos + 5)
    while t < len(starts) and ends[t] + 5 <= span.pos + span.bp:
        a, b, index = starts[t] - span.pos, ends[t] - span.pos, tracts.slip[t]
        q = -1 if tracts.blocked[t] else _first_base(span, a, b, reads.reverse[r])
        if q > reads.offset[r] and q < reads.offset[r + 1] - 1:
            net = 0
            for k in range(a, b):
                net += span.inserted[k - 1]
                if span.query_at[k] < 0:
                    net -= 1
            unit = index // MAX_COPIES + 1
            counts.passages[index, level[q]] += 1
            counts.per_tract[t, 0] += 1
            if net != 0 and net % unit == 0:
                units = abs(net) // unit
                side = 1 if net > 0 else 0
                counts.changes[index, side, level[q]] += 1
                counts.per_tract[t, 1 + side] += 1
                counts.further[unit - 1, 0] += min(units, 8) - 1
                counts.further[unit - 1, 1] += min(units, 8)
        t += 1


@kernel
def count_long(
    ground: Ground,
    tracts: Tracts,
    reads: Aligned,
    group: NDArray[np.int64],
    level: NDArray[np.uint8],
    sizes: tuple[int, int, int, int],
) -> LongCounts:
    """What long reads do against the reference.

    Args:
        group: int64 (R,), class of each read. level: uint8 (B,), quality level of each base.
        sizes: (groups G, levels K, slippage indices, classes of runs).
    """
    n_groups, n_levels, n_index, n_runs = sizes
    counts = LongCounts(
        np.zeros((n_groups, n_runs, n_levels, n_levels), np.int64),
        np.zeros((n_levels, 2), np.int64),
        np.zeros((64, 4), np.int64),
        np.zeros((n_index, n_levels), np.int64),
        np.zeros((n_index, 2, n_levels), np.int64),
        np.zeros((6, 2), np.int64),
        np.zeros((len(tracts.start), 3), np.int64),
    )
    longest = _longest_span(reads)
    query_at = np.empty(longest, np.int64)
    inserted = np.empty(longest, np.int64)
    pos, offset, cigar_offset = reads.pos, reads.offset, reads.cigar_offset
    for r in range(len(pos)):
        if not reads.use[r]:
            continue
        end = _align_to_reference(
            pos[r], offset[r], reads.cigar_op, reads.cigar_len, cigar_offset[r], cigar_offset[r + 1],
            query_at, inserted,
        )  # fmt: skip
        span = _Span(r, pos[r], end - pos[r], query_at, inserted)
        _count_bases(ground, reads, span, group[r], level, counts)
        _count_tracts(tracts, reads, span, level, counts)
    return counts
