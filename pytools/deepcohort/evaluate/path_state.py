"""Layout and elementary moves of a replay path, one row of int32 per path.

A path plays chosen alleles of both sides (0 = calls, 1 = truth) onto the reference, base by base,
on each of H haplotypes. It stays alive while both sides spell the same sequence. One row holds

    2 x H haplotype blocks | 2 side blocks | tail

so that copying a path is one contiguous copy. The haplotype block ends in a queue of alleles that
are chosen but not yet begun; its capacity is what is left of the block's width.

`alleles` is int32 (A, 4), columns START .. LENGTH; `pool` uint8, their base codes.

The rules of replay follow Cleary et al. 2015 (bioRxiv 023754) as rtg vcfeval 3.12 behaves.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

CALLS, TRUTH = 0, 1
NONE = -1
NO_SYNC = -2
NO_ALLELE_ID = -99

_UNKNOWN = np.int64(5)  # codes from here on are unknown bases, by position
_UNKNOWN_CODES = np.int64(1009)

# columns of the table of alleles: span on the reference, first base in the pool, bases
START, END, OFFSET, LENGTH = 0, 1, 2, 3
# haplotype block
TPOS, APOS, LAST_END, NEXT, FINISHED, QUEUE_LEN, QUEUE = 0, 1, 2, 3, 4, 5, 6
# side block
VAR, VAR_END, INCLUDED_END, N_INCLUDED, SINCE_SYNC, NODE = 0, 1, 2, 3, 4, 5
SIDE_WIDTH = 6
# tail
SYNC_TOP, SYNC_NODE, LAST_TRUTH_ID = 0, 1, 2
TAIL_WIDTH = 3


@kernel
def row_width(n_haps: int, queue: int) -> int:
    """Number of int32 in a row for `n_haps` haplotypes and queues of `queue` alleles."""
    return 2 * n_haps * (QUEUE + queue) + 2 * SIDE_WIDTH + TAIL_WIDTH


@kernel
def init_row(row: NDArray[np.int32], n_haps: int, queue: int) -> None:
    """The path before the first base.

    Args:
        row: int32 (W,), a path.
    """
    width = QUEUE + queue
    row[:] = 0
    for block in range(2 * n_haps):
        base = block * width
        row[base + TPOS] = -1
        row[base + APOS] = NONE
        row[base + LAST_END] = -1
        row[base + NEXT] = NONE
    side0 = 2 * n_haps * width
    for side in range(2):
        row[side0 + side * SIDE_WIDTH + VAR] = -1
        row[side0 + side * SIDE_WIDTH + NODE] = NONE
    tail = side0 + 2 * SIDE_WIDTH
    row[tail + SYNC_TOP] = NO_SYNC
    row[tail + SYNC_NODE] = NONE
    row[tail + LAST_TRUTH_ID] = NO_ALLELE_ID


@kernel
def advance(row: NDArray[np.int32], base: int, alleles: NDArray[np.int32]) -> bool:
    """Move one haplotype to its next base; False if alleles overlap in a way that cannot be played.

    Args:
        row: int32 (W,), a path. alleles: int32 (A, 4).
    """
    if row[base + APOS] == NONE:
        row[base + TPOS] += 1
        if row[base + NEXT] != NONE and alleles[row[base + NEXT], START] == row[base + TPOS]:
            row[base + APOS] = 0
    else:
        row[base + APOS] += 1
    while row[base + NEXT] != NONE:
        allele = row[base + NEXT]
        if row[base + APOS] != alleles[allele, LENGTH]:
            break
        row[base + TPOS] = alleles[allele, END]
        row[base + APOS] = NONE
        n_queued = row[base + QUEUE_LEN]
        if n_queued == 0:
            row[base + NEXT] = NONE
            break
        row[base + NEXT] = row[base + QUEUE]
        for i in range(1, n_queued):
            row[base + QUEUE + i - 1] = row[base + QUEUE + i]
        row[base + QUEUE_LEN] = n_queued - 1
        start = alleles[row[base + NEXT], START]
        if row[base + TPOS] < start:
            break
        if row[base + TPOS] != start:
            return False
        row[base + APOS] = 0
    return True


@kernel
def step_haplotype(row: NDArray[np.int32], base: int, t_len: int, alleles: NDArray[np.int32]) -> bool:
    """One base forward, or finished at the end of the reference.

    Args:
        row: int32 (W,), a path. alleles: int32 (A, 4).
    """
    if row[base + TPOS] < t_len - 1:
        return advance(row, base, alleles)
    row[base + FINISHED] = 1
    return True


@kernel
def step(row: NDArray[np.int32], n_haps: int, width: int, t_len: int, alleles: NDArray[np.int32]) -> bool:
    """Step every haplotype of both sides, or only the one that trails on the calls' side.

    Args:
        row: int32 (W,), a path. alleles: int32 (A, 4).
    """
    trail = trailing_haplotype(row, CALLS, n_haps, width)
    if trail != NONE:
        calls, truth = trail * width, (n_haps + trail) * width
        if row[calls + FINISHED] and row[truth + FINISHED]:
            trail = NONE  # it trails one that a deletion took beyond the last base
    first = 0 if trail == NONE else trail
    last = n_haps if trail == NONE else trail + 1
    good = True
    for side in range(2):
        for hap in range(first, last):
            good &= step_haplotype(row, (side * n_haps + hap) * width, t_len, alleles)
    return good


@kernel
def trailing_haplotype(row: NDArray[np.int32], side: int, n_haps: int, width: int) -> int:
    """Haplotype with the smallest reference position, NONE if all agree.

    Args:
        row: int32 (W,), a path.
    """
    base = side * n_haps * width
    smallest = row[base + TPOS]
    largest = smallest
    where = 0
    for hap in range(1, n_haps):
        pos = row[base + hap * width + TPOS]
        if pos < smallest:
            smallest = pos
            where = hap
        elif pos > smallest:
            largest = pos
    return NONE if smallest == largest else where


@kernel
def position(row: NDArray[np.int32], side: int, n_haps: int, width: int) -> int:
    """Reference position of the leading haplotype of `side`.

    Args:
        row: int32 (W,), a path.
    """
    base = side * n_haps * width
    largest = row[base + TPOS]
    for hap in range(1, n_haps):
        largest = max(largest, row[base + hap * width + TPOS])
    return largest


@kernel
def in_sync(row: NDArray[np.int32], n_haps: int, width: int) -> bool:
    """Whether all haplotypes of both sides stand on one reference base with nothing left to play.

    Args:
        row: int32 (W,), a path.
    """
    pos = row[TPOS]
    for block in range(2 * n_haps):
        if row[block * width + TPOS] != pos or row[block * width + APOS] != NONE:
            return False
    side0 = 2 * n_haps * width
    return pos >= row[side0 + INCLUDED_END] and pos >= row[side0 + SIDE_WIDTH + INCLUDED_END]


@kernel
def _base_of(
    row: NDArray[np.int32],
    base: int,
    template: NDArray[np.uint8],
    alleles: NDArray[np.int32],
    pool: NDArray[np.uint8],
) -> np.int64:
    """Code of the base that a haplotype of `row` (W,) shows, of `template` (L,) or of its allele (A, 4)
    in `pool` (P,).
    """
    if row[base + APOS] == NONE:
        pos = row[base + TPOS]
        if pos >= len(template):
            return np.int64(0)
        # an unknown base equals itself, and no other: were all N alike, an indel within a masked
        # stretch would match anywhere in it, and the paths that carry it would live to its end
        return np.int64(template[pos]) if template[pos] != 0 else _UNKNOWN + pos % _UNKNOWN_CODES
    return np.int64(pool[alleles[row[base + NEXT], OFFSET] + row[base + APOS]])


@kernel
def matches(
    row: NDArray[np.int32],
    n_haps: int,
    width: int,
    template: NDArray[np.uint8],
    alleles: NDArray[np.int32],
    pool: NDArray[np.uint8],
) -> bool:
    """Whether both sides spell the same base on every haplotype that has not ended.

    Args:
        row: int32 (W,), a path. template: uint8 (L,). alleles: int32 (A, 4). pool: uint8 (P,).
    """
    for hap in range(n_haps):
        calls = hap * width
        truth = (n_haps + hap) * width
        if row[calls + FINISHED] or row[truth + FINISHED]:
            continue
        if _base_of(row, calls, template, alleles, pool) != _base_of(row, truth, template, alleles, pool):
            return False
    return True


@kernel
def finished(row: NDArray[np.int32], n_haps: int, width: int) -> bool:
    """Whether every haplotype has passed the end of the reference.

    Args:
        row: int32 (W,), a path.
    """
    for block in range(2 * n_haps):  # noqa: SIM110 - numba has no all()
        if row[block * width + FINISHED] == 0:
            return False
    return True


@kernel
def wants_future(
    row: NDArray[np.int32], side: int, n_haps: int, width: int, alleles: NDArray[np.int32]
) -> bool:
    """Whether some haplotype of `side` is about to run out of chosen bases.

    Args:
        row: int32 (W,), a path. alleles: int32 (A, 4).
    """
    for hap in range(n_haps):
        base = (side * n_haps + hap) * width
        allele = row[base + NEXT]
        if allele == NONE:
            return True
        if row[base + APOS] != NONE and row[base + APOS] < alleles[allele, LENGTH] - 1:
            continue
        starving = True
        for i in range(row[base + QUEUE_LEN]):
            if alleles[row[base + QUEUE + i], LENGTH] > 0:
                starving = False
                break
        if starving:
            return True
    return False


@kernel
def can_include(
    row: NDArray[np.int32],
    side: int,
    v_start: int,
    played: NDArray[np.int32],
    n_haps: int,
    width: int,
    alleles: NDArray[np.int32],
) -> bool:
    """Whether a variant (`played`: its allele row per haplotype) may follow what `side` plays already.

    Args:
        row: int32 (W,), a path. played: int32 (H + 1,), allele row per haplotype. alleles: int32 (A, 4).
    """
    if v_start >= row[2 * n_haps * width + side * SIDE_WIDTH + INCLUDED_END]:
        return True
    for hap in range(n_haps):
        allele = played[hap]
        if allele != NONE and alleles[allele, START] < row[(side * n_haps + hap) * width + LAST_END]:
            return False
    return True


@kernel
def play(
    row: NDArray[np.int32],
    side: int,
    played: NDArray[np.int32],
    n_haps: int,
    width: int,
    alleles: NDArray[np.int32],
) -> bool:
    """Queue one allele per haplotype; False if a queue is full.

    Args:
        row: int32 (W,), a path. played: int32 (H + 1,), allele row per haplotype. alleles: int32 (A, 4).
    """
    for hap in range(n_haps):
        allele = played[hap]
        if allele == NONE or (
            alleles[allele, START] == alleles[allele, END] and alleles[allele, LENGTH] == 0
        ):
            continue  # nothing to play, or the other side of a pure insertion
        base = (side * n_haps + hap) * width
        row[base + LAST_END] = alleles[allele, END]
        if row[base + NEXT] == NONE:
            row[base + NEXT] = allele
            continue
        if row[base + QUEUE_LEN] == width - QUEUE:
            return False
        row[base + QUEUE + row[base + QUEUE_LEN]] = allele
        row[base + QUEUE_LEN] += 1
    return True


@kernel
def move_forward(
    row: NDArray[np.int32], n_haps: int, width: int, pos: int, alleles: NDArray[np.int32]
) -> None:
    """Jump to reference position `pos` on every haplotype (all of them off any allele).

    Args:
        row: int32 (W,), a path. alleles: int32 (A, 4).
    """
    for block in range(2 * n_haps):
        row[block * width + TPOS] = pos - 1
        advance(row, block * width, alleles)


@kernel
def _compare_alleles(x: int, y: int, alleles: NDArray[np.int32], pool: NDArray[np.uint8]) -> int:
    """Order of two of the alleles (A, 4), of bases in `pool` (P,); 0: they are the same."""
    if x == y:
        return 0
    if alleles[x, START] != alleles[y, START]:
        return -1 if alleles[x, START] < alleles[y, START] else 1
    if alleles[x, END] != alleles[y, END]:
        return -1 if alleles[x, END] < alleles[y, END] else 1
    if alleles[x, LENGTH] != alleles[y, LENGTH]:
        return -1 if alleles[x, LENGTH] < alleles[y, LENGTH] else 1
    for i in range(alleles[x, LENGTH]):
        difference = np.int64(pool[alleles[y, OFFSET] + i]) - np.int64(pool[alleles[x, OFFSET] + i])
        if difference != 0:
            return int(difference)
    return 0


@kernel
def compare_rows(
    p: NDArray[np.int32],
    q: NDArray[np.int32],
    n_haps: int,
    width: int,
    alleles: NDArray[np.int32],
    pool: NDArray[np.uint8],
) -> int:
    """Order of two paths by what they still have to play; 0 if their futures are the same.

    Args:
        p: int32 (W,). q: int32 (W,). alleles: int32 (A, 4). pool: uint8 (P,).
    """
    for block in range(2 * n_haps):
        base = block * width
        if p[base + TPOS] != q[base + TPOS]:
            return p[base + TPOS] - q[base + TPOS]
        x, y = p[base + NEXT], q[base + NEXT]
        if x == NONE or y == NONE:
            if x != y:
                return -1 if x == NONE else 1
            continue
        order = _compare_alleles(x, y, alleles, pool)
        if order != 0:
            return order
        if p[base + APOS] != q[base + APOS]:
            return p[base + APOS] - q[base + APOS]
        n_p, n_q = p[base + QUEUE_LEN], q[base + QUEUE_LEN]
        for i in range(min(n_p, n_q)):
            order = _compare_alleles(p[base + QUEUE + i], q[base + QUEUE + i], alleles, pool)
            if order != 0:
                return order
        if n_p != n_q:
            return n_p - n_q
    return 0


@kernel
def first_is_better(p: NDArray[np.int32], q: NDArray[np.int32], n_haps: int, width: int) -> bool:
    """Of two paths with one future, whether `p` is kept: more variants matched, then tidier ones.

    Ties: smaller difference between the sides since the last sync point, then the later sync
    point, then the smaller allele id of the last truth variant; `q` if all agree.

    Args:
        p: int32 (W,). q: int32 (W,).
    """
    side0 = 2 * n_haps * width
    side1 = side0 + SIDE_WIDTH
    tail = side1 + SIDE_WIDTH
    n_p = p[side0 + N_INCLUDED] + p[side1 + N_INCLUDED]
    n_q = q[side0 + N_INCLUDED] + q[side1 + N_INCLUDED]
    if n_p != n_q:
        return n_p > n_q
    if p[tail + LAST_TRUTH_ID] == NO_ALLELE_ID or q[tail + LAST_TRUTH_ID] == NO_ALLELE_ID:
        return False
    unbalance_p = abs(p[side1 + SINCE_SYNC] - p[side0 + SINCE_SYNC])
    unbalance_q = abs(q[side1 + SINCE_SYNC] - q[side0 + SINCE_SYNC])
    if unbalance_p != unbalance_q:
        return unbalance_p < unbalance_q
    sync_p = 0 if p[tail + SYNC_TOP] == NO_SYNC else p[tail + SYNC_TOP]
    sync_q = 0 if q[tail + SYNC_TOP] == NO_SYNC else q[tail + SYNC_TOP]
    if sync_p != sync_q:
        return sync_p > sync_q
    return p[tail + LAST_TRUTH_ID] < q[tail + LAST_TRUTH_ID]
