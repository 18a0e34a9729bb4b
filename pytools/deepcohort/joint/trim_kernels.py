"""ALTs that no genotype holds leave the line: as GATK's ValidateVariants asks."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.genotype_kernels import SiteGenotypes
from deepcohort.joint.text_kernels import put_bytes, put_int

_TAB, _COMMA, _BAR, _STAR, _ZERO = 9, 44, 124, 42, 48


@kernel
def carried_alleles(gt: NDArray[np.int16], n_alleles: int, kept: NDArray[np.int64]) -> int:
    """Fill `kept` with REF and the ALTs that a genotype of gt (N, 2) holds, ascending; how many they are."""
    held = np.zeros(n_alleles, dtype=np.bool_)
    held[0] = True
    for s in range(len(gt)):
        for h in range(2):
            if gt[s, h] > 0:
                held[gt[s, h]] = True
    n = 0
    for a in range(n_alleles):
        if held[a]:
            kept[n] = a
            n += 1
    return n


@kernel
def keep_alleles(v: SiteGenotypes, n_alleles: int, kept: NDArray[np.int64], n_kept: int) -> None:
    """Cut GT, AD and PL of `v` to the alleles kept[:n_kept]; each sample's least PL becomes 0.

    `kept` (A,), arrays of `v` (N, ...).
    """
    new = np.full(n_alleles, -1, dtype=np.int64)
    for k in range(n_kept):
        new[kept[k]] = k
    for s in range(len(v.gt)):
        for h in range(2):
            if v.gt[s, h] > 0:
                v.gt[s, h] = new[v.gt[s, h]]
        if v.ad[s, 0] >= 0:
            for k in range(n_kept):
                v.ad[s, k] = v.ad[s, kept[k]]
        least = np.int64(1 << 40)
        n = 0
        for b in range(n_kept):
            for a in range(b + 1):
                if v.ploidy[s] == 1 and a < b:
                    continue
                g = kept[b] if v.ploidy[s] == 1 else kept[b] * (kept[b] + 1) // 2 + kept[a]
                v.pl[s, n] = v.pl[s, g]
                least = min(least, np.int64(v.pl[s, n]))
                n += 1
        for g in range(n):
            v.pl[s, g] -= least


@kernel
def _field_stop(text: NDArray[np.uint8], at: int, ends: int) -> int:
    """Where the field at `at` of `text` (n,) ends: at `ends` or a TAB."""
    while text[at] != ends and text[at] != _TAB:
        at += 1
    return at


@kernel
def put_prefix(
    out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, kept: NDArray[np.int64], n_kept: int
) -> int:
    """Columns CHROM to ALT of text[start:] with the ALTs kept[1:n_kept], less the bases all share at the end.

    POS stays where it is.

    `out` (B,), `text` (n,), `kept` (A,).
    """
    field = start
    for _ in range(3):
        field = _field_stop(text, field, _TAB) + 1
    ref_stop = _field_stop(text, field, _TAB)
    begins, stops = np.empty(n_kept, dtype=np.int64), np.empty(n_kept, dtype=np.int64)
    begins[0], stops[0] = field, ref_stop
    alt, n = ref_stop + 1, 1
    allele = 1
    while n < n_kept:
        stop = _field_stop(text, alt, _COMMA)
        if kept[n] == allele:
            begins[n], stops[n] = alt, stop
            n += 1
        allele += 1
        alt = stop + 1
    shared = _shared_end(text, begins, stops)
    at = put_bytes(out, at, text, start, field)
    for k in range(n_kept):
        is_star = stops[k] - begins[k] == 1 and text[begins[k]] == _STAR
        at = put_bytes(out, at, text, begins[k], stops[k] - (0 if is_star else shared))
        out[at] = _TAB if k == 0 or k == n_kept - 1 else _COMMA
        at += 1
    return at


@kernel
def _shared_end(text: NDArray[np.uint8], begins: NDArray[np.int64], stops: NDArray[np.int64]) -> int:
    """Bases that all alleles but `*` share at their ends; one base of each stays.

    `text` (n,), `begins` and `stops` (A,).
    """
    shared = 0
    while True:
        last = text[stops[0] - 1 - shared]
        for k in range(len(begins)):
            length = stops[k] - begins[k]
            if length == 1 and text[begins[k]] == _STAR:
                continue
            if shared + 1 >= length or text[stops[k] - 1 - shared] != last:
                return shared
        shared += 1


@kernel
def put_origin(
    out: NDArray[np.uint8],
    at: int,
    text: NDArray[np.uint8],
    start: int,
    stop: int,
    kept: NDArray[np.int64],
    n_kept: int,
) -> int:
    """Entries "ALT index|..." of text[start:stop] whose ALT is kept, with its new index.

    `out` (B,), `text` (n,), `kept` (A,).
    """
    first = True
    while start < stop:
        end, bar, allele = start, start, 0
        while end < stop and text[end] != _COMMA:
            end += 1
        while text[bar] != _BAR:
            allele = 10 * allele + text[bar] - _ZERO
            bar += 1
        for k in range(1, n_kept):
            if kept[k] == allele:
                if not first:
                    out[at] = _COMMA
                    at += 1
                first = False
                at = put_int(out, at, k)
                at = put_bytes(out, at, text, bar, end)
        start = end + 1
    return at
