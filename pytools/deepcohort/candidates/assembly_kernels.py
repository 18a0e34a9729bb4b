"""Alleles that reads only hint at by clipped ends: bubbles of a small de Bruijn graph."""
# mypy: ignore-errors

import numpy as np

from deepcohort.candidates.clip_kernels import spell_clips
from deepcohort.candidates.kernels import shift_left
from deepcohort.core.numba_options import kernel

K = 25  # bp per node
_MASK = np.uint64((1 << (2 * K)) - 1)
_SLOTS = 1 << 15
_FILL = _SLOTS // 2  # nodes at most; deeper piles add their counts to these
_REACH_BP = 100  # of reference on both sides of the window in the graph
_LONGEST_PATH = 600
_MAX_READ_BP = 1_000  # longer reads (of long-read platforms) are aligned well already
_MOVED_BP = 1_024  # farther than a realigned read moves from where it was sorted
_NO_POSITION = -1
_REPEATED = -2
MIN_WEIGHT = 2
_CLIP_ALLELES = 8  # of one window, that clips may vote on


@kernel
def _slot_of(keys, node):
    """Slot that holds `node`, or the free one where it would go."""
    value = (node + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(value >> np.uint64(49))
    while keys[slot] != 0 and keys[slot] != node + np.uint64(1):
        slot = (slot + 1) & (_SLOTS - 1)
    return slot


@kernel
def _add_reads(rows, n_rows, seq, qual, seq_offset, min_qual, keys, weight, place, used, n_used):
    for r in range(n_rows):
        row = rows[r]
        node = np.uint64(0)
        good = 0
        for i in range(seq_offset[row], seq_offset[row + 1]):
            # a base whose vote the mate has (quality 0) still links its neighbours
            if seq[i] > 3 or 0 < qual[i] < min_qual:
                good = 0
                continue
            node = ((node << np.uint64(2)) | np.uint64(seq[i])) & _MASK
            good += 1
            if good < K:
                continue
            slot = _slot_of(keys, node)
            if keys[slot] == 0:
                if n_used >= _FILL:
                    continue
                keys[slot] = node + np.uint64(1)
                weight[slot] = 0
                place[slot] = _NO_POSITION
                used[n_used] = slot
                n_used += 1
            weight[slot] += 1
    return n_used


@kernel
def _add_reference(reference, first, last, keys, weight, place, used, n_used):
    node = np.uint64(0)
    good = 0
    for i in range(first, last):
        if reference[i] > 3:
            good = 0
            continue
        node = ((node << np.uint64(2)) | np.uint64(reference[i])) & _MASK
        good += 1
        if good < K:
            continue
        slot = _slot_of(keys, node)
        if keys[slot] == 0:
            keys[slot] = node + np.uint64(1)
            weight[slot] = 0
            place[slot] = i
            used[n_used] = slot
            n_used += 1
        elif place[slot] == _NO_POSITION:
            place[slot] = i
        else:
            place[slot] = _REPEATED
    return n_used


@kernel
def _next_node(keys, weight, place, node, reference_too):
    """Heaviest successor (node, slot) of `node`; slot -1 if none is heavy enough."""
    best_slot = np.int64(-1)
    best = node
    for base in range(4):
        follower = ((node << np.uint64(2)) | np.uint64(base)) & _MASK
        slot = _slot_of(keys, follower)
        if keys[slot] == 0 or weight[slot] < MIN_WEIGHT:
            continue
        if not reference_too and place[slot] != _NO_POSITION:
            continue
        if best_slot < 0 or weight[slot] > weight[best_slot]:
            best_slot, best = slot, follower
    return best, best_slot


@kernel
def _close_bubble(reference, at, reached, path, n_path, allele):
    """Write the path from behind reference base `at` to that at `reached` as a VCF allele.

    Returns (anchor, ref_len, alt length), alt bases in `allele`; anchor -1 if nothing is left, or
    if lengths are equal (substitutions are found without help).
    """
    n_alt = 0
    for k in range(n_path):
        allele[n_alt] = path[k]
        n_alt += 1
    # the path left the reference behind `at` and is back on it with base `reached`
    first = at + 1
    last = reached + 1
    if last < first:
        # back where it came from: a cycle of a repeat rather than an allele
        return np.int64(-1), 0, 0
    n_ref = last - first
    while n_ref > 0 and n_alt > 0 and allele[n_alt - 1] == reference[first + n_ref - 1]:
        n_ref -= 1
        n_alt -= 1
    skip = 0
    while n_ref > 0 and skip < n_alt and allele[skip] == reference[first]:
        first += 1
        n_ref -= 1
        skip += 1
    n_alt -= skip
    for k in range(n_alt):
        allele[k] = allele[k + skip]
    if n_ref == n_alt or first < 1:
        return np.int64(-1), 0, 0
    moved = 0
    if n_ref == 0 or n_alt == 0:
        moved = shift_left(reference, first, n_ref, allele, n_alt)
    if n_alt > 0 and moved:
        rotated = allele[:n_alt].copy()
        for k in range(n_alt):
            allele[k] = rotated[(k - moved) % n_alt]
    for k in range(n_alt, 0, -1):
        allele[k] = allele[k - 1]
    anchor = first - 1 - moved
    allele[0] = reference[anchor]
    return np.int64(anchor), n_ref + 1, n_alt + 1


@kernel
def _reads_near(start, stop, furthest_end, pos, end, seq_offset, rows):
    """Write to `rows` the short reads that lie within or touch [start, stop), contig positions; how many."""
    n = 0
    row0 = np.searchsorted(furthest_end, start - 1, side="right")
    for row in range(row0, len(pos)):
        if pos[row] > stop + _MOVED_BP:
            break
        near = end[row] >= start and pos[row] <= stop
        if near and seq_offset[row + 1] - seq_offset[row] <= _MAX_READ_BP:
            rows[n] = row
            n += 1
    return n


@kernel
def _find_bubbles(
    first, last, reference, keys, weight, place, max_indel, path, allele, n_out, out_pos, out_ref_len,
    out_offset, out_seq,
):  # fmt: skip
    """Alleles of the paths that leave the reference's nodes of [first, last) and come back.

    `path` and `allele` are room to work in; the rest as in `assemble_windows`. Returns rows of out_*
    used now.
    """
    node = np.uint64(0)
    good = 0
    for i in range(first, last):
        node = ((node << np.uint64(2)) | np.uint64(reference[i] & 3)) & _MASK
        good = good + 1 if reference[i] < 4 else 0
        if good < K or place[_slot_of(keys, node)] != i:
            continue
        at, slot = _next_node(keys, weight, place, node, False)
        n_path = 0
        while slot >= 0 and n_path < _LONGEST_PATH:
            path[n_path] = np.uint8(at & np.uint64(3))
            n_path += 1
            if place[slot] != _NO_POSITION:
                break
            at, slot = _next_node(keys, weight, place, at, True)
        if slot < 0 or n_path >= _LONGEST_PATH or place[slot] < 0:
            continue
        anchor, n_ref, n_alt = _close_bubble(reference, i, place[slot], path, n_path, allele)
        size = max(n_ref, n_alt) - 1
        full = n_out >= len(out_pos) or out_offset[n_out] + n_alt > len(out_seq)
        if anchor < 0 or size > max_indel or full:
            continue
        out_pos[n_out], out_ref_len[n_out] = anchor, n_ref
        for k in range(n_alt):
            out_seq[out_offset[n_out] + k] = allele[k]
        out_offset[n_out + 1] = out_offset[n_out] + n_alt
        n_out += 1
    return n_out


@kernel
def assemble_windows(
    starts, ends, clip_count, min_clips, reference, window_start, furthest_end, pos, end, seq, qual,
    seq_offset, cigar_op, cigar_len, cigar_offset, min_qual, max_indel, out_pos, out_ref_len, out_offset,
    out_seq,
):  # fmt: skip
    """Alleles in windows where reads are clipped: from bubbles, and from what the clips read on in.

    Args:
        starts, ends: (W,), relative to window_start. clip_count: int32 (L,).
        out_pos int64, out_ref_len int32 (capacity,), out_offset int64 (capacity + 1,), out_seq uint8:
            receive the alleles (anchor relative), window by window.

    Returns:
        Number of alleles.
    """
    keys = np.zeros(_SLOTS, np.uint64)
    weight = np.zeros(_SLOTS, np.int32)
    place = np.zeros(_SLOTS, np.int32)
    used = np.empty(_SLOTS, np.int64)
    path = np.empty(_LONGEST_PATH + 1, np.uint8)
    allele = np.empty(_LONGEST_PATH + 4 * _REACH_BP + 1024 + max_indel, np.uint8)
    votes = np.empty(_CLIP_ALLELES, np.int64)
    rows = np.empty(len(pos), np.int64)
    n_out = 0
    out_offset[0] = 0
    for w in range(len(starts)):
        clips = 0
        for p in range(starts[w], ends[w]):
            clips += clip_count[p]
        if clips < min_clips:
            continue
        n_rows = _reads_near(
            starts[w] + window_start, ends[w] + window_start, furthest_end, pos, end, seq_offset, rows
        )
        first, last = max(0, starts[w] - _REACH_BP), min(len(reference), ends[w] + _REACH_BP)
        n_used = _add_reads(rows, n_rows, seq, qual, seq_offset, min_qual, keys, weight, place, used, 0)
        n_used = _add_reference(reference, first, last, keys, weight, place, used, n_used)
        n_out = _find_bubbles(
            first, last, reference, keys, weight, place, max_indel, path, allele, n_out, out_pos, out_ref_len,
            out_offset, out_seq,
        )  # fmt: skip
        for k in range(n_used):
            keys[used[k]] = 0
        n_out = spell_clips(
            rows[:n_rows], starts[w], ends[w], min_clips, reference, window_start, pos, end, seq, qual,
            seq_offset, cigar_op, cigar_len, cigar_offset, max_indel, allele, votes, n_out, out_pos,
            out_ref_len, out_offset, out_seq,
        )  # fmt: skip
    return n_out
