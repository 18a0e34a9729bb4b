"""Haplotypes of a neighbourhood spelled out and compared base by base."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

# columns of a played allele: span on the reference, first base in the pool, bases
START, END, OFFSET, LENGTH = 0, 1, 2, 3
NONE = -1
_MAX_TRIES = 64  # ways to lay groups on haplotypes that are all tried; more are searched one by one
_WORK = 100_000_000  # base comparisons that one neighbourhood may cost
_PASSES = 3


@kernel
def edit_distance(x, nx, y, ny, limit):
    """Fewest substitutions, insertions and deletions of single bases between x[:nx] and y[:ny].

    Furthest-reaching points by diagonal (Ukkonen 1985): the cost grows with the distance, not with the
    product of the lengths. `limit` + 1 if the distance exceeds `limit`.
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
def trim_to_reference(template, alleles, pool, bases):
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
def _spell(out, template, first, last, haplotype, flip, alleles, pool, low, high, order):
    """Sequence of one haplotype between `low` and `high` into `out`; its length.

    Alleles of variants first .. last - 1 by position; one that reaches into the one before it is not
    played.
    """
    n_played = 0
    for v in range(first, last):
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
def _group(first, last, alleles, phase, group, n_groups, fixed):
    """Give every heterozygous variant the group that turns with it: its phase set, or its own. New count."""
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
def _turn(flip, group, which, c0, c1, t0, t1):
    for v in range(c0, c1):
        if group[v] == which:
            flip[v] ^= 1
    for v in range(t0, t1):
        if group[v] == which:
            flip[v] ^= 1


@kernel
def _apart(spelled, other, template, c0, c1, t0, t1, flip, alleles, pool, low, high, order, limit):
    """Edit distance between calls and truth, both haplotypes together."""
    total = 0
    for h in range(2):
        n = _spell(spelled, template, c0, c1, h, flip, alleles, pool, low, high, order)
        m = _spell(other, template, t0, t1, h, flip, alleles, pool, low, high, order)
        total += edit_distance(spelled, n, other, m, limit)
    return total


@kernel
def judge(template, alleles, pool, phase, flip, bases, spans, low, high):
    """What neighbourhoods of calls and truth have in common.

    Parameters:
        template: uint8 (L,). alleles: int64 (V, 2, 4), trimmed, of all variants, by position within a side.
        phase: int64 (V,), phase set, -1 unphased. flip: int8 (V,), 1 = the genotype lies the other way
        round to begin with; changed. bases: float32 (V, 2). spans: int64 (N, 4), first and last + 1
        call, first and last + 1 truth variant of each neighbourhood. low, high: int64 (N,), its bounds.

    Returns:
        float64 (N, 2): the share of the bases of calls and of truth that the other side has too:
        (a + b - c) / 2a and / 2b, where a and b are the edit distances of calls and truth from the
        reference and c that between them, in the arrangement of haplotypes that makes c smallest (written
        phase is kept); -1 where the sequences are too far apart to be compared.
    """
    share = np.empty((len(spans), 2), dtype=np.float64)
    group = np.full(len(flip), NONE, dtype=np.int64)
    asis = np.zeros_like(flip)
    for i in range(len(spans)):
        c0, c1, t0, t1 = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
        size = high[i] - low[i]
        total = 0.0
        for v in range(c0, c1):
            size += alleles[v, 0, LENGTH] + alleles[v, 1, LENGTH]
            total += bases[v, 0] + bases[v, 1]
        for v in range(t0, t1):
            size += alleles[v, 0, LENGTH] + alleles[v, 1, LENGTH]
            total += bases[v, 0] + bases[v, 1]
        limit = int(total) + 1
        cost = size + limit * limit
        n_variants = c1 - c0 + t1 - t0
        share[i] = -1
        if cost > _WORK // 4:
            continue
        spelled = np.empty(size, dtype=np.uint8)
        other = np.empty(size, dtype=np.uint8)
        order = np.empty(n_variants, dtype=np.int64)
        fixed = np.empty(n_variants, dtype=np.int64)
        n_groups = _group(c0, c1, alleles, phase, group, 0, fixed)
        n_groups = _group(t0, t1, alleles, phase, group, n_groups, fixed)
        for v in range(c0, c1):
            if group[v] != NONE:
                flip[v] = flip[fixed[group[v]]]
        for v in range(t0, t1):
            if group[v] != NONE:
                flip[v] = flip[fixed[group[v]]]
        best = _apart(
            spelled, other, template, c0, c1, t0, t1, flip, alleles, pool, low[i], high[i], order, limit
        )
        if best > 0:  # or as both sides are written
            apart = _apart(
                spelled, other, template, c0, c1, t0, t1, asis, alleles, pool, low[i], high[i], order, limit
            )
            if apart < best:
                best = apart
                flip[c0:c1] = 0
                flip[t0:t1] = 0
        tries = _WORK // cost
        if n_groups > 1 and 2 ** min(n_groups - 1, 40) <= min(_MAX_TRIES, tries):
            kept = state = 0
            for way in range(1, 2 ** (n_groups - 1)):
                if best == 0:
                    break
                for g in range(1, n_groups):  # group 0 stays: both sides may be turned together
                    if ((way ^ state) >> (g - 1)) & 1:
                        _turn(flip, group, g, c0, c1, t0, t1)
                state = way
                apart = _apart(
                    spelled,
                    other,
                    template,
                    c0,
                    c1,
                    t0,
                    t1,
                    flip,
                    alleles,
                    pool,
                    low[i],
                    high[i],
                    order,
                    limit,
                )
                if apart < best:
                    best = apart
                    kept = way
            for g in range(1, n_groups):
                if ((kept ^ state) >> (g - 1)) & 1:
                    _turn(flip, group, g, c0, c1, t0, t1)
        elif n_groups > 1:
            for _ in range(_PASSES):
                before = best
                for g in range(1, n_groups):
                    if best == 0 or tries <= 0:
                        break
                    tries -= 1
                    _turn(flip, group, g, c0, c1, t0, t1)
                    apart = _apart(
                        spelled,
                        other,
                        template,
                        c0,
                        c1,
                        t0,
                        t1,
                        flip,
                        alleles,
                        pool,
                        low[i],
                        high[i],
                        order,
                        limit,
                    )
                    if apart < best:
                        best = apart
                    else:
                        _turn(flip, group, g, c0, c1, t0, t1)
                if best == before:
                    break
        a = 0
        b = 0
        reference = template[low[i] : high[i]]
        for h in range(2):
            n = _spell(spelled, template, c0, c1, h, flip, alleles, pool, low[i], high[i], order)
            a += edit_distance(spelled, n, reference, len(reference), limit)
            n = _spell(other, template, t0, t1, h, flip, alleles, pool, low[i], high[i], order)
            b += edit_distance(other, n, reference, len(reference), limit)
        nothing = 1.0 if best == 0 else 0.0  # records that cancel one another change nothing
        both = (a + b - best) / 2.0
        share[i, 0] = both / a if a > 0 else nothing
        share[i, 1] = both / b if b > 0 else nothing
    return share
