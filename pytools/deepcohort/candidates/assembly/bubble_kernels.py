"""Alleles that reads only hint at by clipped ends: bubbles of a small de Bruijn graph."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly.clip_kernels import ClipRoom, ClipRules, Spelled, put_allele, spell_clips
from deepcohort.candidates.columns import AlignedReads, AlleleColumns, Int, Window
from deepcohort.candidates.kernels import shift_left
from deepcohort.core.numba_options import borrowing_kernel, kernel

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
CLIP_ALLELES = 8  # of one window, that clips may vote on


class AssemblyRules(NamedTuple):
    """min_clips: reads clipped in a window. min_qual: phred of bases in the graph. max_indel: bp."""

    min_clips: int
    min_qual: int
    max_indel: int


class Graph(NamedTuple):
    """A de Bruijn graph in a hash table of S = 32,768 slots.

    Attributes:
        keys: uint64 (S,), 1 + the K bases of a node, 2 bits each, or 0. weight: int32 (S,), reads.
        place: int32 (S,), index of the reference's base that ends the node, or _NO_POSITION, _REPEATED.
        used: int64 (S,), slots in use.
    """

    keys: NDArray[np.uint64]
    weight: NDArray[np.int32]
    place: NDArray[np.int32]
    used: NDArray[np.int64]


@kernel
def _slot_of(keys: NDArray[np.uint64], node: np.uint64) -> Int:
    """Slot that holds `node`, or the free one where it would go; `keys` uint64 (S,), see `Graph`."""
    value = (node + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(value >> np.uint64(49))
    while keys[slot] != 0 and keys[slot] != node + np.uint64(1):
        slot = (slot + 1) & (_SLOTS - 1)
    return slot


@borrowing_kernel
def _add_reads(rows: NDArray[np.int64], reads: AlignedReads, min_qual: int, graph: Graph, n_used: Int) -> Int:
    """Add the nodes of the reads `rows` int64 (r,), bases of `min_qual` phred, to `n_used`; slots now."""
    for row in rows:
        node = np.uint64(0)
        good = 0
        for i in range(reads.seq_offset[row], reads.seq_offset[row + 1]):
            # a base whose vote the mate has (quality 0) still links its neighbours
            if reads.seq[i] > 3 or 0 < reads.qual[i] < min_qual:
                good = 0
                continue
            node = ((node << np.uint64(2)) | np.uint64(reads.seq[i])) & _MASK
            good += 1
            if good < K:
                continue
            slot = _slot_of(graph.keys, node)
            if graph.keys[slot] == 0:
                if n_used >= _FILL:
                    continue
                graph.keys[slot] = node + np.uint64(1)
                graph.weight[slot] = 0
                graph.place[slot] = _NO_POSITION
                graph.used[n_used] = slot
                n_used += 1
            graph.weight[slot] += 1
    return n_used


@borrowing_kernel
def _add_reference(reference: NDArray[np.uint8], first: Int, last: Int, graph: Graph, n_used: Int) -> Int:
    """Add the nodes of reference[first:last], uint8 (L,) codes, to the `n_used` slots; slots used now."""
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
        slot = _slot_of(graph.keys, node)
        if graph.keys[slot] == 0:
            graph.keys[slot] = node + np.uint64(1)
            graph.weight[slot] = 0
            graph.place[slot] = i
            graph.used[n_used] = slot
            n_used += 1
        elif graph.place[slot] == _NO_POSITION:
            graph.place[slot] = i
        else:
            graph.place[slot] = _REPEATED
    return n_used


@borrowing_kernel
def _next_node(graph: Graph, node: np.uint64, reference_too: bool) -> tuple[np.uint64, Int]:
    """Heaviest successor (node, slot) of `node`; slot -1 if none is heavy enough."""
    best_slot: Int = np.int64(-1)
    best = node
    for base in range(4):
        follower = ((node << np.uint64(2)) | np.uint64(base)) & _MASK
        slot = _slot_of(graph.keys, follower)
        if graph.keys[slot] == 0 or graph.weight[slot] < MIN_WEIGHT:
            continue
        if not reference_too and graph.place[slot] != _NO_POSITION:
            continue
        if best_slot < 0 or graph.weight[slot] > graph.weight[best_slot]:
            best_slot, best = slot, follower
    return best, best_slot


@kernel
def _close_bubble(
    reference: NDArray[np.uint8], at: Int, reached: Int, path: NDArray[np.uint8], allele: NDArray[np.uint8]
) -> Spelled:
    """Write the path from behind reference base `at` to that at `reached` as a VCF allele, ALT to `allele`.

    The anchor is -1 if nothing is left, or if lengths are equal (substitutions are found without help).

    Args:
        reference: uint8 (L,), path: uint8 (n,), base codes. allele: uint8 (> n,), receives base codes.
    """
    nothing = Spelled(np.int64(-1), np.int64(0), np.int64(0))
    n_alt = len(path)
    # the path left the reference behind `at` and is back on it with base `reached`
    first = np.int64(at + 1)
    n_ref = np.int64(reached) + 1 - first
    if n_ref < 0:
        # back where it came from: a cycle of a repeat rather than an allele
        return nothing
    while n_ref > 0 and n_alt > 0 and path[n_alt - 1] == reference[first + n_ref - 1]:
        n_ref -= 1
        n_alt -= 1
    skip = 0
    while n_ref > 0 and skip < n_alt and path[skip] == reference[first]:
        first += 1
        n_ref -= 1
        skip += 1
    n_alt -= skip
    if n_ref == n_alt or first < 1:
        return nothing
    inserted = path[skip : skip + n_alt]
    moved: Int = 0
    if n_ref == 0 or n_alt == 0:
        moved = shift_left(reference, first, n_ref, inserted, n_alt)
    for k in range(n_alt):
        allele[1 + k] = inserted[(k - moved) % n_alt]
    anchor = first - 1 - moved
    allele[0] = reference[anchor]
    return Spelled(np.int64(anchor), n_ref + 1, np.int64(n_alt + 1))


@kernel
def _reads_near(
    start: Int, stop: Int, furthest_end: NDArray[np.int64], reads: AlignedReads, rows: NDArray[np.int64]
) -> Int:
    """Write to `rows` int64 (R,) the short reads within or beside [start, stop), contig positions; how many.

    `furthest_end`: int64 (R,), running maximum of the reads' ends.
    """
    n: Int = 0
    row0 = np.searchsorted(furthest_end, start - 1, side="right")
    for row in range(row0, len(reads.pos)):
        if reads.pos[row] > stop + _MOVED_BP:
            break
        near = reads.end[row] >= start and reads.pos[row] <= stop
        if near and reads.seq_offset[row + 1] - reads.seq_offset[row] <= _MAX_READ_BP:
            rows[n] = row
            n += 1
    return n


@borrowing_kernel
def _walk_bubble(graph: Graph, node: np.uint64, path: NDArray[np.uint8]) -> tuple[Int, Int]:
    """(bases, place) of the heaviest path from `node` back to the reference; (0, -1) where none comes back.

    `path`: uint8 (_LONGEST_PATH + 1,), receives its base codes; `place`: see `Graph`.
    """
    at, slot = _next_node(graph, node, False)
    n: Int = 0
    while slot >= 0 and n < _LONGEST_PATH:
        path[n] = np.uint8(at & np.uint64(3))
        n += 1
        if graph.place[slot] != _NO_POSITION:
            break
        at, slot = _next_node(graph, at, True)
    if slot < 0 or n >= _LONGEST_PATH or graph.place[slot] < 0:
        return np.int64(0), np.int64(-1)
    return n, np.int64(graph.place[slot])


@kernel
def _find_bubbles(
    first: Int, last: Int, reference: NDArray[np.uint8], graph: Graph, max_indel: int,
    path: NDArray[np.uint8],
    allele: NDArray[np.uint8], found: AlleleColumns, n: Int,
) -> Int:  # fmt: skip
    """Alleles of the paths that leave the reference's nodes of [first, last) and come back.

    Args:
        reference: uint8 (L,), base codes. max_indel: bp.
        path: uint8 (_LONGEST_PATH + 1,), allele: uint8 (longest ALT,), work space.
        found: receives alleles from row `n` on, as far as there is room.

    Returns:
        Rows of `found` used now.
    """
    node = np.uint64(0)
    good = 0
    for i in range(first, last):
        node = ((node << np.uint64(2)) | np.uint64(reference[i] & 3)) & _MASK
        good = good + 1 if reference[i] < 4 else 0
        if good < K or graph.place[_slot_of(graph.keys, node)] != i:
            continue
        n_path, place = _walk_bubble(graph, node, path)
        if place < 0:
            continue
        spelled = _close_bubble(reference, i, place, path[:n_path], allele)
        if spelled.anchor < 0 or max(spelled.n_ref, spelled.n_alt) - 1 > max_indel:
            continue
        n += put_allele(spelled, allele, found, n)
    return n


@kernel
def _is_clipped(clip_count: NDArray[np.int32], first: Int, last: Int, min_clips: int) -> bool:
    """Whether clip_count int32 (L,) in [first, last) adds up to `min_clips`."""
    clips = 0
    for p in range(first, last):
        clips += clip_count[p]
    return clips >= min_clips


@kernel
def assemble_windows(
    starts: NDArray[np.int64], ends: NDArray[np.int64], clip_count: NDArray[np.int32], rules: AssemblyRules,
    window: Window, furthest_end: NDArray[np.int64], reads: AlignedReads, found: AlleleColumns,
) -> Int:  # fmt: skip
    """Alleles in windows where reads are clipped: from bubbles, and from what the clips read on in.

    Args:
        starts, ends: int64 (W,), indices of the reference. clip_count: int32 (L,), reads.
        furthest_end: int64 (R,), running maximum of the reads' ends.
        found: receives the alleles, window by window, as far as there is room.

    Returns:
        Number of alleles.
    """
    graph = Graph(
        np.zeros(_SLOTS, np.uint64), np.zeros(_SLOTS, np.int32), np.zeros(_SLOTS, np.int32),
        np.empty(_SLOTS, np.int64),
    )  # fmt: skip
    path = np.empty(_LONGEST_PATH + 1, np.uint8)
    room = ClipRoom(
        np.empty(_LONGEST_PATH + 4 * _REACH_BP + 1024 + rules.max_indel, np.uint8),
        np.empty(CLIP_ALLELES, np.int64),
    )  # fmt: skip
    clip_rules = ClipRules(rules.min_clips, rules.max_indel)
    rows = np.empty(len(reads.pos), np.int64)
    reference = window.reference
    n: Int = 0
    found.alt_offset[0] = 0
    for w in range(len(starts)):
        start, stop = starts[w], ends[w]
        if not _is_clipped(clip_count, start, stop, rules.min_clips):
            continue
        n_rows = _reads_near(start + window.start, stop + window.start, furthest_end, reads, rows)
        first, last = max(0, start - _REACH_BP), min(len(reference), stop + _REACH_BP)
        n_used = _add_reads(rows[:n_rows], reads, rules.min_qual, graph, 0)
        n_used = _add_reference(reference, first, last, graph, n_used)
        n = _find_bubbles(first, last, reference, graph, rules.max_indel, path, room.allele, found, n)
        for k in range(n_used):
            graph.keys[graph.used[k]] = 0
        n = spell_clips(rows[:n_rows], start, stop, clip_rules, window, reads, room, found, n)
    return n
