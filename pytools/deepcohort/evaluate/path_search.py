"""Best path over haplotype replay: which variants of both sides spell the same haplotypes.

The search walks one contig. Wherever only one path is alive its past is settled and committed, so
memory is bounded by the hardest neighbourhood, not by the contig. A neighbourhood that needs more
than `max_paths` paths or `max_iterations` steps is given up: its variants get STATUS_SKIPPED.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.evaluate.path_queue import (
    HIGH,
    LOW,
    N_FREE,
    N_NODES,
    N_SYNCS,
    drop_all,
    grow_free,
    grow_order,
    grow_rows,
    offer,
    pop,
)
from deepcohort.evaluate.path_state import (
    APOS,
    CALLS,
    INCLUDED_END,
    LAST_TRUTH_ID,
    N_INCLUDED,
    NEXT,
    NODE,
    NONE,
    QUEUE,
    QUEUE_LEN,
    SIDE_WIDTH,
    SINCE_SYNC,
    SYNC_NODE,
    SYNC_TOP,
    TPOS,
    TRUTH,
    VAR,
    VAR_END,
    can_include,
    finished,
    first_is_better,
    in_sync,
    init_row,
    matches,
    move_forward,
    play,
    position,
    row_width,
    step,
    wants_future,
)

STATUS_EXCLUDED, STATUS_INCLUDED, STATUS_SKIPPED = 0, 1, 2
RESULT_OK, RESULT_QUEUE_FULL = 0, 1
_DEAD, _ALIVE, _ENDED = 0, 1, 2

# columns of the table of variants: bounds, and the first of their orientations
V_START, V_END, V_ORIENTATION = 0, 1, 2


@kernel
def _next_variant(
    row: NDArray[np.int32],
    side: int,
    n_haps: int,
    width: int,
    first: int,
    count: int,
    variants: NDArray[np.int32],
    alleles: NDArray[np.int32],
) -> int:
    """Variant of `side` to decide on now, NONE if none is near enough.

    Args:
        row: int32 (W,), a path. variants: int32 (V + 1, 3). alleles: int32 (A, 4).
    """
    block = 2 * n_haps * width + side * SIDE_WIDTH
    index = row[block + VAR] + 1
    if index >= count:
        return NONE
    start = variants[first + index, V_START]
    if start <= position(row, side, n_haps, width) + 1:
        return index
    if start <= row[block + VAR_END] and wants_future(row, side, n_haps, width, alleles):
        return index
    return NONE


@kernel
def _commit(
    row: NDArray[np.int32],
    side0: int,
    n_calls: int,
    nodes: NDArray[np.int32],
    syncs: NDArray[np.int32],
    status: NDArray[np.int8],
    chosen: NDArray[np.int32],
    sync_points: NDArray[np.int32],
    n_syncs: int,
) -> int:
    """Write down the past of a path; the number of sync points then known.

    Args:
        row: int32 (W,), a path. nodes: int32 (M, 3). syncs: int32 (S, 2). status: int8 (V,). chosen:
        int32 (V,). sync_points: int32 (V + 2,).
    """
    for side in range(2):
        node = row[side0 + side * SIDE_WIDTH + NODE]
        while node != NONE:
            variant = nodes[node, 0] + side * n_calls
            status[variant] = STATUS_INCLUDED
            chosen[variant] = nodes[node, 1]
            node = nodes[node, 2]
    node = row[side0 + 2 * SIDE_WIDTH + SYNC_NODE]
    end = n_syncs
    walk = node
    while walk != NONE:
        end += 1
        walk = syncs[walk, 1]
    at = end
    while node != NONE:
        at -= 1
        sync_points[at] = syncs[node, 0]
        node = syncs[node, 1]
    return end


@kernel
def _forget_past(row: NDArray[np.int32], side0: int, at: NDArray[np.int64]) -> None:
    """Let go of pasts: `row` is the only path, and its past is written down.

    Args:
        row: int32 (W,), a path. at: int64 (5,), see N_FREE to N_SYNCS.
    """
    for side in range(2):
        row[side0 + side * SIDE_WIDTH + NODE] = NONE
    row[side0 + 2 * SIDE_WIDTH + SYNC_NODE] = NONE
    at[N_NODES] = 0
    at[N_SYNCS] = 0


@kernel
def _jump(
    row: NDArray[np.int32],
    pos: int,
    t_len: int,
    n_haps: int,
    width: int,
    n_calls: int,
    n_truth: int,
    variants: NDArray[np.int32],
    alleles: NDArray[np.int32],
    entry: NDArray[np.int64],
) -> None:
    """Pass over all variants before `pos` and stand there; `entry`: rows passed over, calls then truth.

    Args:
        row: int32 (W,), a path. variants: int32 (V + 1, 3). alleles: int32 (A, 4). entry: int64 (4,),
        filled.
    """
    for side in range(2):
        first, count = (0, n_calls) if side == CALLS else (n_calls, n_truth)
        block = 2 * n_haps * width + side * SIDE_WIDTH
        index = row[block + VAR] + 1
        entry[2 * side] = first + index
        while index < count and variants[first + index, V_START] < pos:
            index += 1
        entry[2 * side + 1] = first + index
        row[block + VAR] = index - 1
    for block in range(2 * n_haps):  # leave any allele in play: the jump needs open reference
        row[block * width + APOS] = NONE
        row[block * width + NEXT] = NONE
        row[block * width + QUEUE_LEN] = 0
    move_forward(row, n_haps, width, min(pos, t_len - 1), alleles)


@kernel
def _mark_sync(
    row: NDArray[np.int32], pos: int, side0: int, syncs: NDArray[np.int32], at: NDArray[np.int64]
) -> None:
    """Note a sync point in the past of a path.

    Args:
        row: int32 (W,), a path. syncs: int32 (S, 2). at: int64 (5,), see N_FREE to N_SYNCS.
    """
    tail = side0 + 2 * SIDE_WIDTH
    syncs[at[N_SYNCS], 0] = pos
    syncs[at[N_SYNCS], 1] = row[tail + SYNC_NODE]
    row[tail + SYNC_TOP] = pos
    row[tail + SYNC_NODE] = at[N_SYNCS]
    at[N_SYNCS] += 1


@kernel
def _leave_out(
    row: NDArray[np.int32],
    side: int,
    index: int,
    v_end: int,
    n_haps: int,
    width: int,
    syncs: NDArray[np.int32],
    at: NDArray[np.int64],
) -> None:
    """Let `row` pass over a variant; where it stands in sync, the variant begins a new stretch.

    Args:
        row: int32 (W,), a path. syncs: int32 (S, 2). at: int64 (5,), see N_FREE to N_SYNCS.
    """
    side0 = 2 * n_haps * width
    if in_sync(row, n_haps, width):
        pos = position(row, CALLS, n_haps, width)
        if row[side0 + 2 * SIDE_WIDTH + SYNC_TOP] != pos:
            _mark_sync(row, pos, side0, syncs, at)
        row[side0 + SINCE_SYNC] = 0
        row[side0 + SIDE_WIDTH + SINCE_SYNC] = 0
    block = side0 + side * SIDE_WIDTH
    row[block + VAR] = index
    row[block + VAR_END] = max(row[block + VAR_END], v_end)


@kernel
def _take(
    row: NDArray[np.int32],
    side: int,
    v_end: int,
    orientation: int,
    played: NDArray[np.int32],
    n_haps: int,
    width: int,
    alleles: NDArray[np.int32],
    nodes: NDArray[np.int32],
    at: NDArray[np.int64],
) -> bool:
    """Let `row` play the variant that it has just passed over; False if its queue is full.

    Args:
        row: int32 (W,), a path. played: int32 (H + 1,), allele row per haplotype. alleles: int32 (A, 4).
        nodes: int32 (M, 3). at: int64 (5,), see N_FREE to N_SYNCS.
    """
    side0 = 2 * n_haps * width
    block = side0 + side * SIDE_WIDTH
    row[block + INCLUDED_END] = max(row[block + INCLUDED_END], v_end)
    row[block + N_INCLUDED] += 1
    row[block + SINCE_SYNC] += 1
    if side == TRUTH:
        row[side0 + 2 * SIDE_WIDTH + LAST_TRUTH_ID] = played[n_haps]
    nodes[at[N_NODES], 0] = row[block + VAR]
    nodes[at[N_NODES], 1] = orientation
    nodes[at[N_NODES], 2] = row[block + NODE]
    row[block + NODE] = at[N_NODES]
    at[N_NODES] += 1
    return play(row, side, played, n_haps, width, alleles)


@kernel
def _one_sided(row: NDArray[np.int32], side0: int) -> bool:
    """Whether only one side played variants since the last sync point: they cancel each other.

    Args:
        row: int32 (W,), a path.
    """
    return (row[side0 + SINCE_SYNC] == 0) != (row[side0 + SIDE_WIDTH + SINCE_SYNC] == 0)


@kernel
def _move_on(
    row: NDArray[np.int32],
    n_haps: int,
    width: int,
    prune: bool,
    template: NDArray[np.uint8],
    n_calls: int,
    n_truth: int,
    variants: NDArray[np.int32],
    alleles: NDArray[np.int32],
    pool: NDArray[np.uint8],
) -> int:
    """Step a path one base, or to the next variant where nothing is in play; _DEAD, _ALIVE or _ENDED.

    Args:
        row: int32 (W,), a path. template: uint8 (L,). variants: int32 (V + 1, 3). alleles: int32 (A, 4).
        pool: uint8 (P,).
    """
    side0 = 2 * n_haps * width
    if not step(row, n_haps, width, len(template), alleles):
        return _DEAD
    if in_sync(row, n_haps, width):
        if prune and _one_sided(row, side0):
            return _DEAD
        target = len(template) - 1
        index = row[side0 + VAR] + 1
        if index < n_calls:
            target = min(target, variants[index, V_START])
        index = row[side0 + SIDE_WIDTH + VAR] + 1
        if index < n_truth:
            target = min(target, variants[n_calls + index, V_START])
        if target - 1 > row[TPOS]:
            move_forward(row, n_haps, width, target - 1, alleles)
    if not matches(row, n_haps, width, template, alleles, pool):
        return _DEAD
    if not finished(row, n_haps, width):
        return _ALIVE
    return _DEAD if prune and _one_sided(row, side0) else _ENDED


class Problem(NamedTuple):
    """Variants of one contig, V of both sides: the calls, then the truth, each sorted by (start, end).

    template: uint8 (L,), base codes 1..4 for ACGT, 0 for everything else.
    variants: int32 (V + 1, 3), columns V_START, V_END, V_ORIENTATION: bounds of each variant and the
        first row of its orientations (the last row ends them).
    orientations: int32 (O, n_haps + 1), allele row per haplotype, NONE = nothing to play; the
        allele id on the first haplotype.
    alleles: int32 (A, 4), pool: uint8 (P,), see path_state.
    """

    template: NDArray[np.uint8]
    n_calls: int
    n_truth: int
    variants: NDArray[np.int32]
    orientations: NDArray[np.int32]
    alleles: NDArray[np.int32]
    pool: NDArray[np.uint8]


class Limits(NamedTuple):
    """n_haps: haplotypes to replay. queue: alleles that may wait per haplotype. max_paths, max_iterations:
    bounds per neighbourhood. prune: drop paths on which variants of one side alone cancel each other."""

    n_haps: int
    queue: int
    max_paths: int
    max_iterations: int
    prune: bool


@kernel
def _most_ways(variants: NDArray[np.int32]) -> int:
    """Paths that one round may add: one without the variant of `variants` (V + 1, 3), one an orientation."""
    most = 2
    for v in range(len(variants) - 1):
        most = max(most, variants[v + 1, V_ORIENTATION] - variants[v, V_ORIENTATION] + 1)
    return most


@kernel
def best_path(
    problem: Problem, limits: Limits
) -> tuple[int, NDArray[np.int8], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Best path over one contig.

    Returns:
        result (RESULT_OK or RESULT_QUEUE_FULL: run again with a longer queue); status int8 (V,);
        chosen int32 (V,), orientation row of included variants; sync_points int32, ascending;
        given_up int64 (G, 4): start, end, paths, iterations of neighbourhoods given up.
    """
    template, n_calls, n_truth = problem.template, problem.n_calls, problem.n_truth
    variants, orientations = problem.variants, problem.orientations
    alleles, pool = problem.alleles, problem.pool
    n_haps, queue, prune = limits.n_haps, limits.queue, limits.prune
    max_paths, max_iterations = limits.max_paths, limits.max_iterations
    width = QUEUE + queue
    side0 = 2 * n_haps * width
    n_all = n_calls + n_truth
    status = np.zeros(n_all, dtype=np.int8)
    chosen = np.full(n_all, NONE, dtype=np.int32)
    sync_points = np.empty(n_all + 2, dtype=np.int32)
    n_syncs = 0
    given_up = np.empty((16, 8), dtype=np.int64)  # columns 4 to 7: rows of calls, of truth passed over
    n_given_up = 0
    n_given_up_best = 0  # of them on the best finished path
    size = row_width(n_haps, queue)
    work = np.empty(size, dtype=np.int32)
    child = np.empty(size, dtype=np.int32)
    best = np.empty(size, dtype=np.int32)
    last_sync = np.empty(size, dtype=np.int32)
    have_best = False
    max_pos = last_sync_pos = iterations = 0
    need = _most_ways(variants)

    rows = np.empty((64, size), dtype=np.int32)
    free = np.arange(64).astype(np.int32)
    order = np.empty(256, dtype=np.int32)
    nodes = np.empty((1024, 3), dtype=np.int32)
    syncs = np.empty((1024, 2), dtype=np.int32)
    at = np.array([64, 128, 128, 0, 0])
    init_row(work, n_haps, queue)
    offer(work, rows, free, order, at, n_haps, width, alleles, pool)

    while at[HIGH] > at[LOW]:
        iterations += 1
        n_left = pop(work, rows, free, order, at)
        alone = n_left == 0
        if alone:
            iterations = 0
            last_sync_pos = position(work, CALLS, n_haps, width)
            if not have_best:
                n_syncs = _commit(work, side0, n_calls, nodes, syncs, status, chosen, sync_points, n_syncs)
                _forget_past(work, side0, at)
        elif n_left > max_paths or iterations > max_iterations:
            if n_given_up == given_up.shape[0]:
                given_up = grow_rows(given_up, 0)
            entry = given_up[n_given_up]
            n_given_up += 1
            entry[0], entry[1], entry[2], entry[3] = last_sync_pos, max_pos + 1, n_left, iterations
            drop_all(free, order, at)
            iterations = 0
            work[:] = last_sync
            t_len = len(template)
            _jump(work, max_pos + 1, t_len, n_haps, width, n_calls, n_truth, variants, alleles, entry[4:])
            alone = True

        if at[N_FREE] < need:
            rows = grow_rows(rows, need)
            free = grow_free(free, rows.shape[0], at)
        if at[LOW] < need or at[HIGH] + need > len(order):
            order = grow_order(order, need, at)
        if at[N_NODES] + need > nodes.shape[0]:
            nodes = grow_rows(nodes, need)
        if at[N_SYNCS] + need > syncs.shape[0]:
            syncs = grow_rows(syncs, need)

        side, first = CALLS, 0
        index = _next_variant(work, CALLS, n_haps, width, 0, n_calls, variants, alleles)
        if index == NONE:
            side, first = TRUTH, n_calls
            index = _next_variant(work, TRUTH, n_haps, width, n_calls, n_truth, variants, alleles)
        if index != NONE:
            if alone:
                last_sync[:] = work
            variant = first + index
            v_start, v_end = variants[variant, V_START], variants[variant, V_END]
            max_pos = max(max_pos, v_start)
            _leave_out(work, side, index, v_end, n_haps, width, syncs, at)
            offer(work, rows, free, order, at, n_haps, width, alleles, pool)
            for k in range(variants[variant, V_ORIENTATION], variants[variant + 1, V_ORIENTATION]):
                played = orientations[k]
                if not can_include(work, side, v_start, played, n_haps, width, alleles):
                    continue
                child[:] = work
                if not _take(child, side, v_end, k, played, n_haps, width, alleles, nodes, at):
                    return RESULT_QUEUE_FULL, status, chosen, sync_points[:0], given_up[:0, :4]
                offer(child, rows, free, order, at, n_haps, width, alleles, pool)
            continue
        fate = _move_on(work, n_haps, width, prune, template, n_calls, n_truth, variants, alleles, pool)
        if fate == _ALIVE:
            offer(work, rows, free, order, at, n_haps, width, alleles, pool)
        elif fate == _ENDED:
            _mark_sync(work, position(work, CALLS, n_haps, width), side0, syncs, at)
            if not have_best or not first_is_better(best, work, n_haps, width):
                best[:] = work
                have_best = True
                n_given_up_best = n_given_up

    if have_best:
        n_syncs = _commit(best, side0, n_calls, nodes, syncs, status, chosen, sync_points, n_syncs)
    for k in range(n_given_up_best):
        for side in range(2):
            status[given_up[k, 4 + 2 * side] : given_up[k, 5 + 2 * side]] = STATUS_SKIPPED
    return RESULT_OK, status, chosen, sync_points[:n_syncs], given_up[:n_given_up, :4]


@kernel
def call_weights(
    sync_points: NDArray[np.int32],
    v_start: NDArray[np.int32],
    included: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    n_calls: int,
) -> NDArray[np.float64]:
    """Truth variants per call in each stretch between sync points, float64 (n_calls,).

    Parameters:
        included: bool (V,), on the best path (calls, then truth). inside: bool (V,), in the
            confident regions. A call matched only by truth outside them weighs 0.
    """
    weight = np.zeros(n_calls, dtype=np.float64)
    truth = n_calls
    call = 0
    for k in range(len(sync_points)):
        # an insertion behind the last base of the contig belongs to the last stretch
        limit = sync_points[k] if k < len(sync_points) - 1 else 2147483647
        n_inside = 0
        while truth < len(v_start) and v_start[truth] <= limit:
            if included[truth] and inside[truth]:
                n_inside += 1
            truth += 1
        first = call
        n_called = 0
        while call < n_calls and v_start[call] <= limit:
            n_called += included[call]
            call += 1
        for i in range(first, call):
            if included[i]:
                weight[i] = n_inside / n_called
    return weight
