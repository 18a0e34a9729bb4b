"""How a variant may lie on the haplotypes."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

UNPHASED, PHASED, INVERTED, ANY_ALLELE, ANY_ALT, TRANSMITTED = range(6)


@kernel
def _row(first: int, a_start: NDArray[np.int32], allele: int) -> int:
    """Allele row of an allele id, in `a_start` (A,), -1 if it is not played."""
    if allele < -1:
        return -1
    row = first + 1 + allele
    return row if a_start[row] >= 0 else -1


@kernel
def _next_permutation(values: NDArray[np.int64]) -> bool:
    """Rearrange `values` (n,) to the next permutation in lexicographic order; False after the last."""
    i = len(values) - 2
    while i >= 0 and values[i] >= values[i + 1]:
        i -= 1
    if i < 0:
        return False
    j = len(values) - 1
    while values[j] <= values[i]:
        j -= 1
    values[i], values[j] = values[j], values[i]
    values[i + 1 :] = values[i + 1 :][::-1].copy()
    return True


@kernel
def _put(
    out: NDArray[np.int32],
    ids: NDArray[np.int32],
    n: int,
    first: int,
    a_start: NDArray[np.int32],
    alleles: NDArray[np.int64],
) -> int:
    """Rows of `alleles` (n_haps,) into out[n], the first into ids[n]; the new fill.

    `out` (O, n_haps), `ids` (O,), `a_start` (A,).
    """
    for h in range(out.shape[1]):
        out[n, h] = _row(first, a_start, alleles[h])
    ids[n] = alleles[0]
    return n + 1


@kernel
def _put_transmitted(
    out: NDArray[np.int32],
    ids: NDArray[np.int32],
    n: int,
    first: int,
    a_start: NDArray[np.int32],
    gt: NDArray[np.int16],
    alleles: NDArray[np.int64],
) -> int:
    """One of the father's alleles, gt[:2] of `gt` (4,), and one of the mother's; the new fill (see
    `_put`).
    """
    for m in range(2, 4):
        for f in range(2):
            if (m == 3 and gt[3] == gt[2]) or (f == 1 and gt[1] == gt[0]):
                continue
            alleles[0], alleles[1] = gt[f], gt[m]
            n = _put(out, ids, n, first, a_start, alleles)
    return n


@kernel
def _next_called(gt: NDArray[np.int16], ploidy: int, previous: int) -> int:
    """The smallest allele of `gt` (4,) above `previous`, or 2147483647."""
    allele = 2147483647
    for h in range(min(ploidy, 4)):
        if gt[h] > previous:
            allele = min(allele, gt[h])
    return allele


@kernel
def _put_any_alt(
    out: NDArray[np.int32],
    ids: NDArray[np.int32],
    n: int,
    first: int,
    a_start: NDArray[np.int32],
    n_alts: int,
    alleles: NDArray[np.int64],
) -> int:
    """Every ALT of the record with every other, none, or itself; the new fill (see `_put` (O, 2))."""
    for a in range(1, n_alts + 1):
        if _row(first, a_start, a) < 0:
            continue
        for b in range(-1, a):
            if b == 0 or (b > 0 and _row(first, a_start, b) < 0):
                continue
            alleles[0], alleles[1] = a, b
            n = _put(out, ids, n, first, a_start, alleles)
            alleles[0], alleles[1] = b, a
            n = _put(out, ids, n, first, a_start, alleles)
        alleles[0], alleles[1] = a, a
        n = _put(out, ids, n, first, a_start, alleles)
    return n


@kernel
def _put_arrangements(
    out: NDArray[np.int32],
    ids: NDArray[np.int32],
    n: int,
    first: int,
    a_start: NDArray[np.int32],
    alleles: NDArray[np.int64],
) -> int:
    """All arrangements of `alleles` (n_haps,), for more than two sorted; the new fill (see `_put`)."""
    n = _put(out, ids, n, first, a_start, alleles)
    if len(alleles) == 2:
        if alleles[0] != alleles[1]:
            alleles[0], alleles[1] = alleles[1], alleles[0]
            n = _put(out, ids, n, first, a_start, alleles)
        return n
    while _next_permutation(alleles):
        n = _put(out, ids, n, first, a_start, alleles)
    return n


@kernel
def _longer(rows: NDArray[np.int32], used: int, capacity: int) -> NDArray[np.int32]:
    """rows[:used] of `rows` (O, n_haps), or (O,), in an array of `capacity` rows."""
    bigger = np.empty((capacity,) + rows.shape[1:], dtype=np.int32)  # noqa: RUF005 - numba knows no star
    bigger[:used] = rows[:used]
    return bigger


@kernel
def orientations(
    mode: int,
    n_haps: int,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    a_start: NDArray[np.int32],
    n_alts: NDArray[np.int32],
    gt: NDArray[np.int16],
    ploidy: NDArray[np.int8],
    phased: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Ways in which variants may lie on `n_haps` haplotypes.

    Args:
        mode: UNPHASED (all arrangements of the genotype), PHASED (as written if phased), INVERTED,
            ANY_ALLELE (any called ALT on one haplotype), ANY_ALT (every ALT of the record),
            TRANSMITTED (gt holds father's and mother's alleles: one of each).
        order: int64 (V,), variants in the order wanted. first: int64 (V+1,); a_start as from
            build_alleles; n_alts, gt, ploidy, phased: of each variant.

    Returns:
        o_first int32 (V+1,), o_alleles int32 (O, n_haps), o_id int32 (O,), in `order`.
    """
    n = len(order)
    capacity = 4 * n + 64
    out = np.empty((capacity, n_haps), dtype=np.int32)
    ids = np.empty(capacity, dtype=np.int32)
    o_first = np.zeros(n + 1, dtype=np.int32)
    used = 0
    alleles = np.empty(n_haps, dtype=np.int64)
    for i in range(n):
        v = order[i]
        bound = 24 + (n_alts[v] + 2) ** n_haps
        if used + bound > capacity:
            capacity = 2 * capacity + bound
            out, ids = _longer(out, used, capacity), _longer(ids, used, capacity)
        if mode == TRANSMITTED and n_haps == 2:
            used = _put_transmitted(out, ids, used, first[v], a_start, gt[v], alleles)
        elif mode in (TRANSMITTED, ANY_ALLELE) or (mode == ANY_ALT and n_haps == 1):
            previous = 0
            while True:  # ALTs in ascending order, each once
                if mode == ANY_ALT:
                    previous = previous + 1 if previous < n_alts[v] else 2147483647
                else:
                    previous = _next_called(gt[v], ploidy[v], previous)
                if previous == 2147483647:
                    break
                alleles[0] = previous
                if _row(first[v], a_start, previous) >= 0:
                    used = _put(out, ids, used, first[v], a_start, alleles)
        elif mode == ANY_ALT:
            used = _put_any_alt(out, ids, used, first[v], a_start, n_alts[v], alleles)
        else:
            for h in range(n_haps):
                alleles[h] = gt[v, 0] if ploidy[v] == 1 else gt[v, h]
            if phased[v] and mode != UNPHASED:
                if mode == INVERTED:
                    alleles[:] = alleles[::-1].copy()
                used = _put(out, ids, used, first[v], a_start, alleles)
            else:
                if n_haps != 2:
                    alleles.sort()
                used = _put_arrangements(out, ids, used, first[v], a_start, alleles)
        o_first[i + 1] = used
    return o_first, out[:used].copy(), ids[:used].copy()
