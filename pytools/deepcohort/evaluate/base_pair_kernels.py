"""Haplotypes of a neighbourhood spelled out and compared base by base."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

# columns of a played allele: span on the reference, first base in the pool, bases
START, END, OFFSET, LENGTH = 0, 1, 2, 3
NONE = -1
_MAX_TRIES = 64  # ways to lay groups on haplotypes that are all tried; more are searched one by one
_WORK = 100_000_000  # base comparisons that one neighbourhood may cost
_PASSES = 3


class Played(NamedTuple):
    """What haplotypes are spelled from.

    template: uint8 (L,), reference. alleles: int64 (V, 2, 4), of all variants, columns START to LENGTH.
    pool: uint8 (P,), bases of alleles.
    """

    template: NDArray[np.uint8]
    alleles: NDArray[np.int64]
    pool: NDArray[np.uint8]


class Room(NamedTuple):
    """Work space of a neighbourhood: rows: uint8 (2, size), two sequences. order: int64 (v,), variants."""

    rows: NDArray[np.uint8]
    order: NDArray[np.int64]


class Turns(NamedTuple):
    """How variants lie. flip: int8 (V,), 1 = the other way round. group: int64 (V,), what turns together."""

    flip: NDArray[np.int8]
    group: NDArray[np.int64]


@kernel
def edit_distance(x: NDArray[np.uint8], nx: int, y: NDArray[np.uint8], ny: int, limit: int) -> int:
    """Fewest substitutions, insertions and deletions of single bases between x[:nx] and y[:ny].

    Furthest-reaching points by diagonal (Ukkonen 1985): the cost grows with the distance, not with the
    product of the lengths. `limit` + 1 if the distance exceeds `limit`.

    Args:
        x: uint8 (nx,). y: uint8 (ny,).
    """
    low = 0
    while low < nx and low < ny and x[low] == y[low]:
        low += 1
    while nx > low and ny > low and x[nx - 1] == y[ny - 1]:
        nx -= 1
        ny -= 1
    nx -= low
    ny -= low
    if nx == 0 or ny == 0:
        return min(max(nx, ny), limit + 1)
    if nx == 1 and ny == 1:
        return min(1, limit + 1)
    if abs(nx - ny) > limit:
        return limit + 1
    size = min(limit, max(nx, ny))
    middle = size + 1
    before = np.full(2 * size + 3, -2, dtype=np.int64)
    now = np.full(2 * size + 3, -2, dtype=np.int64)
    for distance in range(size + 1):
        for diagonal in range(max(-distance, -ny), min(distance, nx) + 1):
            at = middle + diagonal
            if distance == 0:
                i = 0
            else:
                i = max(before[at] + 1, before[at - 1] + 1, before[at + 1])
            i = min(i, nx, ny + diagonal)
            while i < nx and i - diagonal < ny and x[low + i] == y[low + i - diagonal]:
                i += 1
            now[at] = i
            if diagonal == nx - ny and i == nx:
                return distance
        before, now = now, before
    return limit + 1


@kernel
def trim_to_reference(
    template: NDArray[np.uint8],
    alleles: NDArray[np.int64],
    pool: NDArray[np.uint8],
    bases: NDArray[np.float32],
) -> None:
    """Cut what agrees with the reference off every played allele (V, 2, 4), in place; `bases` float32 (V, 2)
    receives the edit distance between each and the reference in its place."""
    for v in range(alleles.shape[0]):
        for h in range(2):
            a = alleles[v, h]
            bases[v, h] = 0
            if a[START] < 0:
                continue
            while (
                a[LENGTH] > 0
                and a[END] > a[START]
                and pool[a[OFFSET] + a[LENGTH] - 1] == template[a[END] - 1]
            ):
                a[END] -= 1
                a[LENGTH] -= 1
            while a[LENGTH] > 0 and a[END] > a[START] and pool[a[OFFSET]] == template[a[START]]:
                a[START] += 1
                a[OFFSET] += 1
                a[LENGTH] -= 1
            n = a[END] - a[START]
            limit = max(n, a[LENGTH])
            bases[v, h] = edit_distance(pool[a[OFFSET] :], a[LENGTH], template[a[START] :], n, limit)


@kernel
def _spell(
    out: NDArray[np.uint8],
    played: Played,
    side: tuple[int, int],
    haplotype: int,
    flip: NDArray[np.int8],
    bounds: tuple[int, int],
    order: NDArray[np.int64],
) -> int:
    """Sequence of one haplotype between `low` and `high` into `out`; its length.

    Args:
        out: uint8 (size,), filled. played: a `Played`. side: first and last + 1 of its variants.
        flip: int8 (V,). bounds: low and high. order: int64 (v,), work space.

    Alleles go by position; one that reaches into the one before it is not played.
    """
    template, alleles, pool = played.template, played.alleles, played.pool
    low, high = bounds
    n_played = 0
    for v in range(side[0], side[1]):
        a = alleles[v, haplotype ^ flip[v]]
        if a[START] < 0:
            continue
        k = n_played
        while k > 0 and alleles[order[k - 1], haplotype ^ flip[order[k - 1]], START] > a[START]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = v
        n_played += 1
    n = 0
    at = low
    for k in range(n_played):
        a = alleles[order[k], haplotype ^ flip[order[k]]]
        if a[START] < at:
            continue
        for i in range(at, a[START]):
            out[n] = template[i]
            n += 1
        for i in range(a[LENGTH]):
            out[n] = pool[a[OFFSET] + i]
            n += 1
        at = a[END]
    for i in range(at, high):
        out[n] = template[i]
        n += 1
    return n


@kernel
def _group(
    first: int,
    last: int,
    alleles: NDArray[np.int64],
    phase: NDArray[np.int64],
    group: NDArray[np.int64],
    n_groups: int,
    fixed: NDArray[np.int64],
) -> int:
    """Give every heterozygous variant the group that turns with it: its phase set, or its own. New count.

    Args:
        alleles: int64 (V, 2, 4). phase: int64 (V,). group: int64 (V,), filled. fixed: int64 (v,), a
        variant of each group, filled.
    """
    begin = n_groups
    for v in range(first, last):
        group[v] = NONE
        a, b = alleles[v, 0], alleles[v, 1]
        if a[START] == b[START] and a[END] == b[END] and a[LENGTH] == b[LENGTH] and a[OFFSET] == b[OFFSET]:
            continue
        if phase[v] >= 0:
            for w in range(first, v):
                if group[w] >= begin and phase[w] == phase[v]:
                    group[v] = group[w]
                    break
        if group[v] == NONE:
            group[v] = n_groups
            fixed[n_groups] = v
            n_groups += 1
    return n_groups


@kernel
def _turn(turns: Turns, which: int, span: NDArray[np.int64]) -> None:
    """Turn the variants of group `which` in the neighbourhood `span`, int64 (6,)."""
    for side in range(2):
        for v in range(span[2 * side], span[2 * side + 1]):
            if turns.group[v] == which:
                turns.flip[v] ^= 1


@kernel
def _apart(room: Room, played: Played, span: NDArray[np.int64], flip: NDArray[np.int8], limit: int) -> int:
    """Edit distance between calls and truth of a neighbourhood, both haplotypes together.

    Args:
        span: int64 (6,), first and last + 1 call, first and last + 1 truth variant, bounds on the reference.
        flip: int8 (V,). limit: most that is looked for.
    """
    total = 0
    bounds = (span[4], span[5])
    for h in range(2):
        n = _spell(room.rows[0], played, (span[0], span[1]), h, flip, bounds, room.order)
        m = _spell(room.rows[1], played, (span[2], span[3]), h, flip, bounds, room.order)
        total += edit_distance(room.rows[0], n, room.rows[1], m, limit)
    return total


@kernel
def _try_all(
    best: int, n_groups: int, turns: Turns, room: Room, played: Played, span: NDArray[np.int64], limit: int
) -> int:
    """Smallest distance over all ways to turn the groups, which are left so; `best`: as they lie.

    Args:
        turns: a `Turns`. room: a `Room`. played: a `Played`. span: int64 (6,), see `_apart`.
    """
    kept = state = 0
    for way in range(1, 2 ** (n_groups - 1)):
        if best == 0:
            break
        for g in range(1, n_groups):  # group 0 stays: both sides may be turned together
            if ((way ^ state) >> (g - 1)) & 1:
                _turn(turns, g, span)
        state = way
        apart = _apart(room, played, span, turns.flip, limit)
        if apart < best:
            best = apart
            kept = way
    for g in range(1, n_groups):
        if ((kept ^ state) >> (g - 1)) & 1:
            _turn(turns, g, span)
    return best


@kernel
def _turn_one_by_one(
    best: int,
    tries: int,
    n_groups: int,
    turns: Turns,
    room: Room,
    played: Played,
    span: NDArray[np.int64],
    limit: int,
) -> int:
    """The same by turning one group after the other, at most `tries` times.

    Args:
        turns: a `Turns`. room: a `Room`. played: a `Played`. span: int64 (6,), see `_apart`.
    """
    for _ in range(_PASSES):
        before = best
        for g in range(1, n_groups):
            if best == 0 or tries <= 0:
                break
            tries -= 1
            _turn(turns, g, span)
            apart = _apart(room, played, span, turns.flip, limit)
            if apart < best:
                best = apart
            else:
                _turn(turns, g, span)
        if best == before:
            break
    return best


@kernel
def _arrange(
    tries: int,
    turns: Turns,
    room: Room,
    played: Played,
    span: NDArray[np.int64],
    phase: NDArray[np.int64],
    limit: int,
) -> int:
    """Lay both sides on haplotypes so that they differ least, `flip` in place; how much they then differ.

    Args:
        turns: a `Turns`. room: a `Room`. played: a `Played`. span: int64 (6,), see `_apart`. phase: int64
        (V,).
    """
    flip, group = turns.flip, turns.group
    fixed = np.empty(len(room.order), dtype=np.int64)
    n_groups = _group(span[0], span[1], played.alleles, phase, group, 0, fixed)
    n_groups = _group(span[2], span[3], played.alleles, phase, group, n_groups, fixed)
    for side in range(2):
        for v in range(span[2 * side], span[2 * side + 1]):
            if group[v] != NONE:
                flip[v] = flip[fixed[group[v]]]
    best = _apart(room, played, span, flip, limit)
    if best > 0:  # or as both sides are written
        calls, truth = flip[span[0] : span[1]].copy(), flip[span[2] : span[3]].copy()
        flip[span[0] : span[1]] = 0
        flip[span[2] : span[3]] = 0
        apart = _apart(room, played, span, flip, limit)
        if apart < best:
            best = apart
        else:
            flip[span[0] : span[1]] = calls
            flip[span[2] : span[3]] = truth
    if n_groups > 1 and 2 ** min(n_groups - 1, 40) <= min(_MAX_TRIES, tries):
        return _try_all(best, n_groups, turns, room, played, span, limit)
    return _turn_one_by_one(best, tries, n_groups, turns, room, played, span, limit)


@kernel
def _size_of(
    span: NDArray[np.int64], alleles: NDArray[np.int64], bases: NDArray[np.float32]
) -> tuple[int, float]:
    """Longest sequence that a neighbourhood can spell, and the sum of all its edits.

    Args:
        span: int64 (6,), see `_apart`. alleles: int64 (V, 2, 4). bases: float32 (V, 2).
    """
    size = span[5] - span[4]
    edits = 0.0
    for side in range(2):
        for v in range(span[2 * side], span[2 * side + 1]):
            for h in range(2):
                size += alleles[v, h, LENGTH]
                edits += bases[v, h]
    return size, edits


@kernel
def judge(
    template: NDArray[np.uint8],
    alleles: NDArray[np.int64],
    pool: NDArray[np.uint8],
    phase: NDArray[np.int64],
    flip: NDArray[np.int8],
    bases: NDArray[np.float32],
    spans: NDArray[np.int64],
) -> NDArray[np.float64]:
    """What neighbourhoods of calls and truth have in common.

    Parameters:
        template: uint8 (L,). alleles: int64 (V, 2, 4), trimmed, of all variants, by position within a side.
        phase: int64 (V,), phase set, -1 unphased. flip: int8 (V,), 1 = the genotype lies the other way
        round to begin with; changed. bases: float32 (V, 2). spans: int64 (N, 6), first and last + 1
        call, first and last + 1 truth variant of each neighbourhood, its bounds on the reference.

    Returns:
        float64 (N, 2): the share of the bases of calls and of truth that the other side has too:
        (a + b - c) / 2a and / 2b, where a and b are the edit distances of calls and truth from the
        reference and c that between them, in the arrangement of haplotypes that makes c smallest (written
        phase is kept); -1 where the sequences are too far apart to be compared.
    """
    share = np.full((len(spans), 2), -1.0)
    played = Played(template, alleles, pool)
    turns = Turns(flip, np.full(len(flip), NONE, dtype=np.int64))
    for i in range(len(spans)):
        span = spans[i]
        size, edits = _size_of(span, alleles, bases)
        limit = int(edits) + 1
        cost = size + limit * limit
        if cost > _WORK // 4:
            continue
        n_variants = span[1] - span[0] + span[3] - span[2]
        room = Room(np.empty((2, size), dtype=np.uint8), np.empty(n_variants, dtype=np.int64))
        tries = _WORK // cost
        between = _arrange(tries, turns, room, played, span, phase, limit)
        nothing = 1.0 if between == 0 else 0.0  # records that cancel one another change nothing
        reference = template[span[4] : span[5]]
        own = np.zeros(2)
        for side in range(2):
            variants, bounds = (span[2 * side], span[2 * side + 1]), (span[4], span[5])
            for h in range(2):
                n = _spell(room.rows[0], played, variants, h, flip, bounds, room.order)
                own[side] += edit_distance(room.rows[0], n, reference, len(reference), limit)
        both = (own[0] + own[1] - between) / 2.0
        for side in range(2):
            share[i, side] = both / own[side] if own[side] > 0 else nothing
    return share
