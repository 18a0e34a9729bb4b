"""Kernels that count what real reads do."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.simulate.kernels import MAX_COPIES

MAX_CHANGE = 12  # bp or units; longer changes count as this long


class Aligned(NamedTuple):
    """Reads of one contig: R reads, B bases, K CIGAR operations.

    pos, end: int64 (R,), 0-based half-open. use, reverse: bool (R,). mate: int64 (R,), 0 or 1.
    seq, qual: uint8 (B,), codes and phred. offset: int64 (R + 1,). cigar_op: uint8 (K,), cigar_len: int32
    (K,), cigar_offset: int64 (R + 1,).
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    use: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    mate: NDArray[np.int64]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]


class Tracts(NamedTuple):
    """Repeat tracts, sorted. start, end: int64 (T,), bp in the reference. slip: int64 (T,), slippage index.

    blocked: bool (T,), left out.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    slip: NDArray[np.int64]
    blocked: NDArray[np.bool_]


@kernel
def pile_up(
    pos: NDArray[np.int64],
    use: NDArray[np.bool_],
    reverse: NDArray[np.bool_],
    seq: NDArray[np.uint8],
    offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
    length: int,
) -> NDArray[np.int32]:
    """Counts int32 (length, 2, 6): reads that show A, C, G, T, a deletion, and an insertion after it.

    By reference base and strand (0 forward). A read with an insertion counts for its base as well.
    """
    counts = np.zeros((length, 2, 6), np.int32)
    for r in range(len(pos)):
        if not use[r]:
            continue
        at, q = pos[r], offset[r]
        strand = 1 if reverse[r] else 0
        for k in range(cigar_offset[r], cigar_offset[r + 1]):
            op, n = cigar_op[k], cigar_len[k]
            if op == 0 or op == 7 or op == 8:
                for j in range(n):
                    if seq[q + j] < 4:
                        counts[at + j, strand, seq[q + j]] += 1
                at += n
                q += n
            elif op == 1:
                counts[at - 1, strand, 5] += 1
                q += n
            elif op == 2:
                for j in range(n):
                    counts[at + j, strand, 4] += 1
                at += n
            elif op == 3:
                at += n
            elif op == 4:
                q += n
    return counts


@kernel
def context_at(reference: NDArray[np.uint8], p: int, reverse: bool) -> int:
    """The base at `p` of `reference` (L,) and the two before it in read direction, 0 to 63; -1: one is N."""
    if reverse:
        if reference[p + 2] < 4 and reference[p + 1] < 4:
            return (3 - reference[p + 2]) * 16 + (3 - reference[p + 1]) * 4 + 3 - reference[p]
    elif reference[p - 2] < 4 and reference[p - 1] < 4:
        return reference[p - 2] * 16 + reference[p - 1] * 4 + reference[p]
    return -1


@kernel
def count_bases(
    reference: NDArray[np.uint8], masked: NDArray[np.bool_], reads: Aligned, cycles: int, trim: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Aligned, unmasked bases and substitutions, in read direction.

    Args:
        reference: uint8 (L,), codes. masked: bool (L,), bases that do not count. reads: an `Aligned`.
        cycles: later ones do not count by cycle. trim: bp.

    Returns by_cycle int64 (2, cycles, 128, 2), by mate, cycle and quality as (bases, errors), and
    by_context int64 (64, 128, 4): the base read, after (two reference bases before, reference base).
    Bases within `trim` of either end of an aligned block of reads are left out of by_context.
    """
    by_cycle = np.zeros((2, cycles, 128, 2), np.int64)
    by_context = np.zeros((64, 128, 4), np.int64)
    last = len(reference)
    pos, mate, reverse, seq, qual, offset = (
        reads.pos, reads.mate, reads.reverse, reads.seq, reads.qual, reads.offset,
    )  # fmt: skip
    for r in range(len(pos)):
        if not reads.use[r]:
            continue
        at, q, size = pos[r], 0, offset[r + 1] - offset[r]
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            op, n = reads.cigar_op[k], reads.cigar_len[k]
            if op == 0 or op == 7 or op == 8:
                for j in range(n):
                    p = at + j
                    true, base = reference[p], seq[offset[r] + q + j]
                    if masked[p] or true > 3 or base > 3:
                        continue
                    cycle = size - 1 - q - j if reverse[r] else q + j
                    quality = min(qual[offset[r] + q + j], 127)
                    wrong = 1 if base != true else 0
                    if cycle < cycles:
                        by_cycle[mate[r], cycle, quality, 0] += 1
                        by_cycle[mate[r], cycle, quality, 1] += wrong
                    if j < trim or n - j <= trim or p < 2 or p + 2 >= last:
                        continue
                    context = context_at(reference, p, reverse[r])
                    if context >= 0:
                        by_context[context, quality, 3 - base if reverse[r] else base] += 1
                at += n
                q += n
            elif op == 1 or op == 4:
                q += n
            elif op == 2 or op == 3:
                at += n
    return by_cycle, by_context


@kernel
def count_slips(
    tracts: Tracts, reads: Aligned, n_index: int, flank: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Passages of repeat tracts by reads (an `Aligned`) and the net length change each shows.

    A read passes one of the T `tracts` when it is aligned from `flank` before to `flank` after. Returns
    passages int64 (T,), changes int64 (n_index, 2, MAX_CHANGE + 1): losses and gains by whole units, and
    per tract (T, 2).
    """
    starts, ends, tract_index = tracts.start, tracts.end, tracts.slip
    pos, end = reads.pos, reads.end
    passages = np.zeros(len(starts), np.int64)
    per_tract = np.zeros((len(starts), 2), np.int64)
    changes = np.zeros((n_index, 2, MAX_CHANGE + 1), np.int64)
    indel_at = np.empty(4096, np.int64)
    indel_by = np.empty(4096, np.int64)
    for r in range(len(pos)):
        if not reads.use[r]:
            continue
        at, n_indels = pos[r], 0
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            op, n = reads.cigar_op[k], reads.cigar_len[k]
            if op == 0 or op == 7 or op == 8 or op == 3:
                at += n
            elif (op == 1 or op == 2) and n_indels < 4096:
                indel_at[n_indels] = at
                indel_by[n_indels] = n if op == 1 else -n
                n_indels += 1
                if op == 2:
                    at += n
        t = np.searchsorted(starts, pos[r] + flank)
        i = 0
        while t < len(starts) and starts[t] < end[r]:
            if ends[t] + flank <= end[r] and not tracts.blocked[t]:
                unit = tract_index[t] // MAX_COPIES + 1
                net = 0
                while i > 0 and indel_at[i - 1] >= starts[t]:
                    i -= 1
                while i < n_indels and indel_at[i] < starts[t]:
                    i += 1
                j = i
                while j < n_indels and indel_at[j] < ends[t]:
                    net += indel_by[j]
                    j += 1
                passages[t] += 1
                if net != 0 and net % unit == 0:
                    units = min(abs(net) // unit, MAX_CHANGE)
                    side = 1 if net > 0 else 0
                    changes[tract_index[t], side, units] += 1
                    per_tract[t, side] += 1
            t += 1
    return passages, changes, per_tract


@kernel
def count_transitions(
    use: NDArray[np.bool_],
    mate: NDArray[np.int64],
    group: NDArray[np.int64],
    reverse: NDArray[np.bool_],
    qual: NDArray[np.uint8],
    offset: NDArray[np.int64],
    quality_index: NDArray[np.int64],
    cycle_bin: NDArray[np.int64],
    n_groups: int,
    n_quals: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First qualities int64 (2, G, K) and steps int64 (2, G, B, K, K) along reads of full length."""
    n_bins = cycle_bin[-1] + 1
    first = np.zeros((2, n_groups, n_quals), np.int64)
    steps = np.zeros((2, n_groups, n_bins, n_quals, n_quals), np.int64)
    cycles = len(cycle_bin)
    for r in range(len(mate)):
        a, b = offset[r], offset[r + 1]
        if not use[r] or b - a != cycles:
            continue
        before = 0
        for c in range(cycles):
            k = quality_index[qual[b - 1 - c] if reverse[r] else qual[a + c]]
            if c == 0:
                first[mate[r], group[r], k] += 1
            else:
                steps[mate[r], group[r], cycle_bin[c], before, k] += 1
            before = k
    return first, steps
