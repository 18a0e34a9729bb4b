"""Best path over haplotype replay: which variants of both sides spell the same haplotypes.

The search walks one contig. Wherever only one path is alive its past is settled and committed, so
memory is bounded by the hardest neighbourhood, not by the contig. A neighbourhood that needs more
than `max_paths` paths or `max_iterations` steps is given up: its variants get STATUS_SKIPPED.
"""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel
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
    compare_rows,
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


@kernel
def _grow_rows(array):
    bigger = np.empty((2 * array.shape[0], array.shape[1]), dtype=array.dtype)
    bigger[: array.shape[0]] = array
    return bigger


@kernel
def _next_variant(row, side, n_haps, width, first, count, v_start, a_len):
    """Variant of `side` to decide on now, NONE if none is near enough."""
    block = 2 * n_haps * width + side * SIDE_WIDTH
    index = row[block + VAR] + 1
    if index >= count:
        return NONE
    start = v_start[first + index]
    if start <= position(row, side, n_haps, width) + 1:
        return index
    if start <= row[block + VAR_END] and wants_future(row, side, n_haps, width, a_len):
        return index
    return NONE


@kernel
def _find(order, low, high, rows, row, n_haps, width, a_start, a_end, a_len, a_off, pool):
    """Binary search: (where `row` is or belongs in order[low:high], whether an equal path is there)."""
    while low < high:
        middle = (low + high) >> 1
        side = compare_rows(rows[order[middle]], row, n_haps, width, a_start, a_end, a_len, a_off, pool)
        if side == 0:
            return middle, True
        if side < 0:
            low = middle + 1
        else:
            high = middle
    return low, False


@kernel
def _offer(path, rows, free, n_free, order, low, high, n_haps, width, a_start, a_end, a_len, a_off, pool):
    """Keep `path` among the live ones, or the better of it and the one that has the same future.

    `order[low:high]` lists the rows of live paths in their order, `free[:n_free]` the unused rows.
    Returns the arrays and counters, grown where needed.
    """
    at, there = _find(order, low, high, rows, path, n_haps, width, a_start, a_end, a_len, a_off, pool)
    if there:
        if first_is_better(path, rows[order[at]], n_haps, width):
            rows[order[at]] = path
        return rows, free, n_free, order, low, high
    if n_free == 0:
        size = rows.shape[0]
        rows = _grow_rows(rows)
        free = np.empty(2 * size, dtype=np.int32)
        for i in range(size):
            free[i] = 2 * size - 1 - i
        n_free = size
    n_free -= 1
    slot = free[n_free]
    rows[slot] = path
    if low == 0 or high == len(order):
        fresh = np.empty(4 * (high - low) + 256, dtype=np.int32)
        shift = (len(fresh) - (high - low)) // 2
        fresh[shift : shift + high - low] = order[low:high]
        at += shift - low
        high += shift - low
        low = shift
        order = fresh
    if at - low < high - at:
        for i in range(low, at):
            order[i - 1] = order[i]
        low -= 1
        order[at - 1] = slot
    else:
        for i in range(high, at, -1):
            order[i] = order[i - 1]
        high += 1
        order[at] = slot
    return rows, free, n_free, order, low, high


@kernel
def _commit(node, nodes, first, status, chosen):
    while node != NONE:
        variant = first + nodes[node, 0]
        status[variant] = STATUS_INCLUDED
        chosen[variant] = nodes[node, 1]
        node = nodes[node, 2]


@kernel
def _commit_syncs(node, sync_nodes, sync_points, n_syncs):
    end = n_syncs
    walk = node
    while walk != NONE:
        end += 1
        walk = sync_nodes[walk, 1]
    at = end
    while node != NONE:
        at -= 1
        sync_points[at] = sync_nodes[node, 0]
        node = sync_nodes[node, 1]
    return end


@kernel
def _skip_variants(row, side, pos, n_haps, width, first, count, v_start):
    """Pass over the variants of `side` that start before `pos`; the range of rows passed over."""
    block = 2 * n_haps * width + side * SIDE_WIDTH
    start = row[block + VAR] + 1
    index = start
    while index < count and v_start[first + index] < pos:
        index += 1
    row[block + VAR] = index - 1
    return first + start, first + index


@kernel
def best_path(
    template,
    n_haps,
    queue,
    max_paths,
    max_iterations,
    prune,
    n_calls,
    n_truth,
    v_start,
    v_end,
    o_first,
    o_alleles,
    o_id,
    a_start,
    a_end,
    a_off,
    a_len,
    pool,
):
    """Best path over one contig.

    Parameters:
        template: uint8 (L,), base codes 1..4 for ACGT, 0 for everything else.
        n_haps: haplotypes to replay. queue: alleles that may wait per haplotype.
        max_paths, max_iterations: bounds per neighbourhood. prune: drop paths on which variants of
            one side alone cancel each other.
        n_calls, n_truth: variants per side; the arrays below hold calls, then truth (V rows), each
            side sorted by (start, end).
        v_start, v_end: int32 (V,), bounds of each variant.
        o_first: int32 (V+1,), orientations of variant v are rows o_first[v]:o_first[v+1] of
        o_alleles: int32 (O, n_haps), allele row per haplotype, NONE = nothing to play; o_id: int32
            (O,), allele id on the first haplotype.
        a_start, a_end, a_off, a_len: int32 (A,), alleles; pool: uint8, their base codes.

    Returns:
        result (RESULT_OK or RESULT_QUEUE_FULL: run again with a longer queue); status int8 (V,);
        chosen int32 (V,), orientation row of included variants; sync_points int32, ascending;
        given_up int64 (G, 4): start, end, paths, iterations of neighbourhoods given up.
    """
    t_len = len(template)
    width = QUEUE + queue
    n_all = n_calls + n_truth
    side0 = 2 * n_haps * width
    tail = side0 + 2 * SIDE_WIDTH
    status = np.zeros(n_all, dtype=np.int8)
    chosen = np.full(n_all, NONE, dtype=np.int32)
    sync_points = np.empty(n_all + 2, dtype=np.int32)
    n_syncs = 0
    given_up = np.empty((16, 8), dtype=np.int64)  # columns 4 to 7: rows of calls, of truth passed over
    n_given_up = 0
    n_given_up_best = 0  # of them on the best finished path
    rows = np.empty((64, row_width(n_haps, queue)), dtype=np.int32)
    free = np.arange(63, -1, -1).astype(np.int32)
    n_free = 64
    order = np.empty(256, dtype=np.int32)
    low = high = 128
    nodes = np.empty((1024, 3), dtype=np.int32)
    n_nodes = 0
    sync_nodes = np.empty((1024, 2), dtype=np.int32)
    n_sync_nodes = 0
    last_sync = np.empty(rows.shape[1], dtype=np.int32)
    work = np.empty(rows.shape[1], dtype=np.int32)
    child = np.empty(rows.shape[1], dtype=np.int32)
    best = np.empty(rows.shape[1], dtype=np.int32)
    have_best = False
    counts = (n_calls, n_truth)
    firsts = (0, n_calls)
    max_pos = 0
    last_sync_pos = 0
    iterations = 0

    init_row(work, n_haps, queue)
    n_free -= 1
    rows[free[n_free]] = work
    order[low] = free[n_free]
    high = low + 1

    while high > low:
        iterations += 1
        head = order[low]
        low += 1
        work[:] = rows[head]
        free[n_free] = head
        n_free += 1
        n_left = high - low
        alone = n_left == 0
        if alone:
            iterations = 0
            last_sync_pos = position(work, CALLS, n_haps, width)
            if not have_best:
                for side in range(2):
                    block = side0 + side * SIDE_WIDTH
                    _commit(work[block + NODE], nodes, firsts[side], status, chosen)
                    work[block + NODE] = NONE
                n_nodes = 0
                n_syncs = _commit_syncs(work[tail + SYNC_NODE], sync_nodes, sync_points, n_syncs)
                work[tail + SYNC_NODE] = NONE
                n_sync_nodes = 0
        elif n_left > max_paths or iterations > max_iterations:
            if n_given_up == given_up.shape[0]:
                given_up = _grow_rows(given_up)
            given_up[n_given_up, 0] = last_sync_pos
            given_up[n_given_up, 1] = max_pos + 1
            given_up[n_given_up, 2] = n_left
            given_up[n_given_up, 3] = iterations
            while low < high:
                free[n_free] = order[low]
                n_free += 1
                low += 1
            iterations = 0
            work[:] = last_sync
            for side in range(2):
                first, end = _skip_variants(
                    work, side, max_pos + 1, n_haps, width, firsts[side], counts[side], v_start
                )
                given_up[n_given_up, 4 + 2 * side] = first
                given_up[n_given_up, 5 + 2 * side] = end
            n_given_up += 1
            for block in range(2 * n_haps):  # leave any allele in play: the jump needs open reference
                work[block * width + APOS] = NONE
                work[block * width + NEXT] = NONE
                work[block * width + QUEUE_LEN] = 0
            move_forward(work, n_haps, width, min(max_pos + 1, t_len - 1), a_start, a_end, a_len)
            alone = True

        side = CALLS
        index = _next_variant(work, CALLS, n_haps, width, 0, n_calls, v_start, a_len)
        if index == NONE:
            side = TRUTH
            index = _next_variant(work, TRUTH, n_haps, width, n_calls, n_truth, v_start, a_len)
        if index != NONE:
            if alone:
                last_sync[:] = work
            variant = firsts[side] + index
            max_pos = max(max_pos, v_start[variant])
            block = side0 + side * SIDE_WIDTH
            if in_sync(work, n_haps, width):
                pos = position(work, CALLS, n_haps, width)
                if work[tail + SYNC_TOP] != pos:
                    if n_sync_nodes == sync_nodes.shape[0]:
                        sync_nodes = _grow_rows(sync_nodes)
                    sync_nodes[n_sync_nodes, 0] = pos
                    sync_nodes[n_sync_nodes, 1] = work[tail + SYNC_NODE]
                    work[tail + SYNC_TOP] = pos
                    work[tail + SYNC_NODE] = n_sync_nodes
                    n_sync_nodes += 1
                work[side0 + SINCE_SYNC] = 0
                work[side0 + SIDE_WIDTH + SINCE_SYNC] = 0
            work[block + VAR] = index
            work[block + VAR_END] = max(work[block + VAR_END], v_end[variant])
            for orientation in range(o_first[variant] - 1, o_first[variant + 1]):
                if orientation < o_first[variant]:
                    child[:] = work  # the path that leaves the variant out
                else:
                    alleles = o_alleles[orientation]
                    if not can_include(work, side, v_start[variant], alleles, n_haps, width, a_start):
                        continue
                    child[:] = work
                    child[block + INCLUDED_END] = max(child[block + INCLUDED_END], v_end[variant])
                    child[block + N_INCLUDED] += 1
                    child[block + SINCE_SYNC] += 1
                    if side == TRUTH:
                        child[tail + LAST_TRUTH_ID] = o_id[orientation]
                    if not play(child, side, alleles, n_haps, width, a_start, a_end, a_len):
                        return RESULT_QUEUE_FULL, status, chosen, sync_points[:0], given_up[:0, :4]
                    if n_nodes == nodes.shape[0]:
                        nodes = _grow_rows(nodes)
                    nodes[n_nodes, 0] = index
                    nodes[n_nodes, 1] = orientation
                    nodes[n_nodes, 2] = child[block + NODE]
                    child[block + NODE] = n_nodes
                    n_nodes += 1
                rows, free, n_free, order, low, high = _offer(
                    child,
                    rows,
                    free,
                    n_free,
                    order,
                    low,
                    high,
                    n_haps,
                    width,
                    a_start,
                    a_end,
                    a_len,
                    a_off,
                    pool,
                )
            continue

        if not step(work, n_haps, width, t_len, a_start, a_end, a_len):
            continue
        if in_sync(work, n_haps, width):
            n_c = work[side0 + SINCE_SYNC]
            n_t = work[side0 + SIDE_WIDTH + SINCE_SYNC]
            if prune and ((n_c == 0) != (n_t == 0)):
                continue
            target = t_len - 1
            for side in range(2):
                index = work[side0 + side * SIDE_WIDTH + VAR] + 1
                if index < counts[side]:
                    target = min(target, v_start[firsts[side] + index])
            if target - 1 > work[TPOS]:
                move_forward(work, n_haps, width, target - 1, a_start, a_end, a_len)
        if not matches(work, n_haps, width, template, pool, a_off):
            continue
        if finished(work, n_haps, width):
            n_c = work[side0 + SINCE_SYNC]
            n_t = work[side0 + SIDE_WIDTH + SINCE_SYNC]
            if prune and ((n_c == 0) != (n_t == 0)):
                continue
            if n_sync_nodes == sync_nodes.shape[0]:
                sync_nodes = _grow_rows(sync_nodes)
            sync_nodes[n_sync_nodes, 0] = position(work, CALLS, n_haps, width)
            sync_nodes[n_sync_nodes, 1] = work[tail + SYNC_NODE]
            work[tail + SYNC_TOP] = sync_nodes[n_sync_nodes, 0]
            work[tail + SYNC_NODE] = n_sync_nodes
            n_sync_nodes += 1
            if not have_best or not first_is_better(best, work, n_haps, width):
                best[:] = work
                have_best = True
                n_given_up_best = n_given_up
            continue
        rows, free, n_free, order, low, high = _offer(
            work, rows, free, n_free, order, low, high, n_haps, width, a_start, a_end, a_len, a_off, pool
        )

    if have_best:
        for side in range(2):
            _commit(best[side0 + side * SIDE_WIDTH + NODE], nodes, firsts[side], status, chosen)
        n_syncs = _commit_syncs(best[tail + SYNC_NODE], sync_nodes, sync_points, n_syncs)
    for k in range(n_given_up_best):
        for side in range(2):
            status[given_up[k, 4 + 2 * side] : given_up[k, 5 + 2 * side]] = STATUS_SKIPPED
    return RESULT_OK, status, chosen, sync_points[:n_syncs], given_up[:n_given_up, :4]


@kernel
def call_weights(sync_points, v_start, included, inside, n_calls):
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
