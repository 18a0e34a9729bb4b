"""How a variant may lie on the haplotypes."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

UNPHASED, PHASED, INVERTED, ANY_ALLELE, ANY_ALT, TRANSMITTED = range(6)


@kernel
def _row(first, a_start, allele):
    """Allele row of an allele id, -1 if it is not played."""
    if allele < -1:
        return -1
    row = first + 1 + allele
    return row if a_start[row] >= 0 else -1


@kernel
def _next_permutation(values):
    """Rearrange to the next permutation in lexicographic order; False after the last."""
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
def _put(out, ids, n, first, a_start, alleles):
    for h in range(out.shape[1]):
        out[n, h] = _row(first, a_start, alleles[h])
    ids[n] = alleles[0]
    return n + 1


@kernel
def orientations(mode, n_haps, order, first, a_start, n_alts, gt, ploidy, phased):
    """Ways in which variants may lie on `n_haps` haplotypes.

    Parameters:
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
            bigger = np.empty((capacity, n_haps), dtype=np.int32)
            bigger[:used] = out[:used]
            out = bigger
            bigger_ids = np.empty(capacity, dtype=np.int32)
            bigger_ids[:used] = ids[:used]
            ids = bigger_ids
        if mode == TRANSMITTED and n_haps == 2:
            for m in range(2, 4):
                for f in range(2):
                    if (m == 3 and gt[v, 3] == gt[v, 2]) or (f == 1 and gt[v, 1] == gt[v, 0]):
                        continue
                    alleles[0], alleles[1] = gt[v, f], gt[v, m]
                    used = _put(out, ids, used, first[v], a_start, alleles)
        elif mode in (TRANSMITTED, ANY_ALLELE) or (mode == ANY_ALT and n_haps == 1):
            previous = 0
            while True:  # called ALTs in ascending order, each once
                allele = 2147483647
                if mode == ANY_ALT:
                    allele = previous + 1 if previous < n_alts[v] else allele
                else:
                    for h in range(min(ploidy[v], 4)):
                        if gt[v, h] > previous:
                            allele = min(allele, gt[v, h])
                if allele == 2147483647:
                    break
                previous = allele
                alleles[0] = allele
                if _row(first[v], a_start, allele) >= 0:
                    used = _put(out, ids, used, first[v], a_start, alleles)
        elif mode == ANY_ALT:
            for a in range(1, n_alts[v] + 1):
                if _row(first[v], a_start, a) < 0:
                    continue
                for b in range(-1, a):
                    if b == 0 or (b > 0 and _row(first[v], a_start, b) < 0):
                        continue
                    alleles[0], alleles[1] = a, b
                    used = _put(out, ids, used, first[v], a_start, alleles)
                    alleles[0], alleles[1] = b, a
                    used = _put(out, ids, used, first[v], a_start, alleles)
                alleles[0], alleles[1] = a, a
                used = _put(out, ids, used, first[v], a_start, alleles)
        else:
            for h in range(n_haps):
                alleles[h] = gt[v, 0] if ploidy[v] == 1 else gt[v, h]
            if phased[v] and mode != UNPHASED:
                if mode == INVERTED:
                    alleles[:] = alleles[::-1].copy()
                used = _put(out, ids, used, first[v], a_start, alleles)
            elif n_haps == 2:
                used = _put(out, ids, used, first[v], a_start, alleles)
                if alleles[0] != alleles[1]:
                    alleles[0], alleles[1] = alleles[1], alleles[0]
                    used = _put(out, ids, used, first[v], a_start, alleles)
            else:
                alleles.sort()
                used = _put(out, ids, used, first[v], a_start, alleles)
                while _next_permutation(alleles):
                    used = _put(out, ids, used, first[v], a_start, alleles)
        o_first[i + 1] = used
    return o_first, out[:used].copy(), ids[:used].copy()
