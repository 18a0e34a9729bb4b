"""Live paths of the search, in the order in which they are followed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.evaluate.path_state import compare_rows, first_is_better

# Live paths: order[at[LOW]:at[HIGH]] lists rows of `rows` in the order of compare_rows, free[:at[N_FREE]]
# unused rows. Their pasts are linked lists: nodes (variant, orientation, before), syncs (sync point,
# before). best_path sees to it that there is room for one round, so that nothing below it grows: arrays
# that are handed back, or bound up in tuples, cost reference counts that double the time of a search.
N_FREE, LOW, HIGH, N_NODES, N_SYNCS = range(5)


@kernel
def find(
    row: NDArray[np.int32],
    rows: NDArray[np.int32],
    order: NDArray[np.int32],
    low: int,
    high: int,
    n_haps: int,
    width: int,
    alleles: NDArray[np.int32],
    pool: NDArray[np.uint8],
) -> tuple[int, bool]:
    """Binary search: (where `row` is or belongs in order[low:high], whether an equal path is there).

    Args:
        row: int32 (W,), a path. rows: int32 (N, W), paths. order: int32 (K,). alleles: int32 (A, 4).
        pool: uint8 (P,).
    """
    while low < high:
        middle = (low + high) >> 1
        side = compare_rows(rows[order[middle]], row, n_haps, width, alleles, pool)
        if side == 0:
            return middle, True
        if side < 0:
            low = middle + 1
        else:
            high = middle
    return low, False


@kernel
def offer(
    path: NDArray[np.int32],
    rows: NDArray[np.int32],
    free: NDArray[np.int32],
    order: NDArray[np.int32],
    at: NDArray[np.int64],
    n_haps: int,
    width: int,
    alleles: NDArray[np.int32],
    pool: NDArray[np.uint8],
) -> None:
    """Keep `path` among the live ones, or the better of it and the one that has the same future.

    Args:
        path: int32 (W,). rows: int32 (N, W), paths. free: int32 (N,). order: int32 (K,). at: int64 (5,),
        see above. alleles: int32 (A, 4). pool: uint8 (P,).
    """
    where, there = find(path, rows, order, at[LOW], at[HIGH], n_haps, width, alleles, pool)
    if there:
        if first_is_better(path, rows[order[where]], n_haps, width):
            rows[order[where]] = path
        return
    at[N_FREE] -= 1
    slot = free[at[N_FREE]]
    rows[slot] = path
    if where - at[LOW] < at[HIGH] - where:
        for i in range(at[LOW], where):
            order[i - 1] = order[i]
        at[LOW] -= 1
        order[where - 1] = slot
    else:
        for i in range(at[HIGH], where, -1):
            order[i] = order[i - 1]
        at[HIGH] += 1
        order[where] = slot


@kernel
def pop(
    row: NDArray[np.int32],
    rows: NDArray[np.int32],
    free: NDArray[np.int32],
    order: NDArray[np.int32],
    at: NDArray[np.int64],
) -> int:
    """Take the first path out, into `row`; how many are left.

    Args:
        row: int32 (W,), a path. rows: int32 (N, W), paths. free: int32 (N,). order: int32 (K,). at: int64
        (5,), see above.
    """
    head = order[at[LOW]]
    at[LOW] += 1
    row[:] = rows[head]
    free[at[N_FREE]] = head
    at[N_FREE] += 1
    return at[HIGH] - at[LOW]


@kernel
def drop_all(free: NDArray[np.int32], order: NDArray[np.int32], at: NDArray[np.int64]) -> None:
    """Take out every path.

    Args:
        free: int32 (N,). order: int32 (K,). at: int64 (5,), see N_FREE to N_SYNCS.
    """
    while at[LOW] < at[HIGH]:
        free[at[N_FREE]] = order[at[LOW]]
        at[N_FREE] += 1
        at[LOW] += 1


@kernel
def grow_rows(array: NDArray[Any], need: int) -> NDArray[Any]:
    """The rows of `array` (N, W) in an array of room for `need` more, and as many again."""
    bigger = np.empty((2 * array.shape[0] + need, array.shape[1]), dtype=array.dtype)
    bigger[: array.shape[0]] = array
    return bigger


@kernel
def grow_free(free: NDArray[np.int32], size: int, at: NDArray[np.int64]) -> NDArray[np.int32]:
    """List of unused rows after the table of paths has grown to `size`.

    Args:
        free: int32 (N,). at: int64 (5,), see N_FREE to N_SYNCS.
    """
    bigger = np.empty(size, dtype=np.int32)
    bigger[: at[N_FREE]] = free[: at[N_FREE]]
    for slot in range(len(free), size):
        bigger[at[N_FREE]] = slot
        at[N_FREE] += 1
    return bigger


@kernel
def grow_order(order: NDArray[np.int32], need: int, at: NDArray[np.int64]) -> NDArray[np.int32]:
    """The same order in the middle of a longer array.

    Args:
        order: int32 (K,). at: int64 (5,), see N_FREE to N_SYNCS.
    """
    n = at[HIGH] - at[LOW]
    bigger = np.empty(4 * (n + need) + 256, dtype=np.int32)
    low = (len(bigger) - n) // 2
    bigger[low : low + n] = order[at[LOW] : at[HIGH]]
    at[LOW] = low
    at[HIGH] = low + n
    return bigger
