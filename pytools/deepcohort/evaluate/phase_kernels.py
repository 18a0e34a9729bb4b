"""Alleles of heterozygous records under one spelling, and runs of switches."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_COMMA = 44
_FNV_OFFSET = np.uint64(14695981039346656037)
_FNV_PRIME = np.uint64(1099511628211)
_FARTHEST_SHIFT_BP = 10_000


@kernel
def _allele_bounds(pool: NDArray[np.uint8], start: int, length: int, number: int) -> tuple[int, int]:
    """Where ALT `number` (from 1) of the comma-separated text begins and ends; -1 where there is none.

    `pool` (P,).
    """
    begin, k = start, 1
    for at in range(start, start + length + 1):
        if at == start + length or pool[at] == _COMMA:
            if k == number:
                return begin, at
            begin, k = at + 1, k + 1
    return -1, -1


@kernel
def _spelled(value: np.uint64, number: np.uint64) -> np.uint64:
    for _ in range(8):
        value = (value ^ (number & np.uint64(255))) * _FNV_PRIME
        number >>= np.uint64(8)
    return value


@kernel
def _left_aligned(
    pool: NDArray[np.uint8],
    start: int,
    size: int,
    pos: int,
    template: NDArray[np.uint8],
    code: NDArray[np.uint8],
) -> int:
    """Bases by which an insertion or deletion of pool[start:start+size] at `pos` moves to the left.

    `pool` (P,), `template` (L,), `code` (256,).
    """
    shift = 0
    while shift < _FARTHEST_SHIFT_BP and pos - shift > 0:
        base = template[pos - shift - 1]
        if base == 0 or base != code[pool[start + (size - 1 - shift) % size]]:
            break
        shift += 1
    return shift


@kernel
def _one_allele(
    pool: NDArray[np.uint8],
    ref: int,
    ref_len: int,
    alt: int,
    alt_len: int,
    pos: int,
    template: NDArray[np.uint8],
    code: NDArray[np.uint8],
) -> tuple[int, np.uint64]:
    """(position, key) of an allele trimmed at both ends and left-aligned; key 0: no plain allele."""
    for at in range(alt, alt + alt_len):
        if code[pool[at]] > 4:  # `*`, symbolic
            return pos, np.uint64(0)
    while ref_len and alt_len and code[pool[ref + ref_len - 1]] == code[pool[alt + alt_len - 1]]:
        ref_len, alt_len = ref_len - 1, alt_len - 1
    while ref_len and alt_len and code[pool[ref]] == code[pool[alt]]:
        ref, alt, ref_len, alt_len, pos = ref + 1, alt + 1, ref_len - 1, alt_len - 1, pos + 1
    if ref_len == 0 and alt_len == 0:
        return pos, np.uint64(0)
    shift = 0
    if ref_len == 0:
        shift = _left_aligned(pool, alt, alt_len, pos, template, code)
    elif alt_len == 0:
        shift = _left_aligned(pool, ref, ref_len, pos, template, code)
    pos -= shift
    value = _spelled(_spelled(_FNV_OFFSET, np.uint64(pos)), np.uint64(ref_len))
    for k in range(alt_len):
        base = code[pool[alt + (k + alt_len - shift % alt_len) % alt_len]]
        value = (value ^ np.uint64(base)) * _FNV_PRIME
    return pos, max(value, np.uint64(1))


@kernel
def het_alleles(
    pool: NDArray[np.uint8],
    pool_offset: NDArray[np.int64],
    pos: NDArray[np.int32],
    ref_len: NDArray[np.int32],
    alt_len: NDArray[np.int32],
    gt: NDArray[np.int16],
    rows: NDArray[np.int64],
    template: NDArray[np.uint8],
    code: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """ALT alleles that lie on just one haplotype of `rows`, trimmed and left-aligned.

    Parameters: columns of a RecordTable; rows: int64 (H,), heterozygous diploid records; template:
        uint8 (L,), codes 1..4, 0 unknown; code: ALLELE_CODE.

    Returns:
        int64 (K, 3): row, haplotype (0 or 1) and position of each allele; uint64 (K,): a key that is the
        same for the same change of the reference, however it is written.
    """
    found = np.empty((2 * len(rows), 3), dtype=np.int64)
    keys = np.empty(2 * len(rows), dtype=np.uint64)
    n = 0
    for i in rows:
        for hap in range(2):
            if gt[i, hap] <= 0:
                continue
            alts = pool_offset[i] + ref_len[i] + 1
            start, stop = _allele_bounds(pool, alts, alt_len[i], gt[i, hap])
            if start < 0:
                continue
            place, key = _one_allele(
                pool, pool_offset[i], ref_len[i], start, stop - start, pos[i], template, code
            )
            if key == 0:
                continue
            found[n, 0], found[n, 1], found[n, 2] = i, hap, place
            keys[n] = key
            n += 1
    return found[:n], keys[:n]


@kernel
def count_switches(block: NDArray[np.int64], same: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
    """Add to counts int64 (6,): blocks, variants, pairs, switches, flips and Hamming distance.

    As `whatshap compare` has them: only blocks of two variants and more; of a run of r switches in a row
    r // 2 are flips; the Hamming distance is that of the better of both ways to lay a block.

    Args:
        block: int64 (N,), sorted number of the joint block of each variant, by position within it.
        same: bool (N,), whether calls and truth have the allele on the same haplotype.
    """
    start = 0
    while start < len(block):
        stop = start + 1
        while stop < len(block) and block[stop] == block[start]:
            stop += 1
        if stop - start > 1:
            agreeing = run = 0
            for i in range(start, stop):
                agreeing += same[i]
                if i > start and same[i] != same[i - 1]:
                    run += 1
                    counts[3] += 1
                else:
                    counts[4] += run // 2
                    run = 0
            counts[4] += run // 2
            counts[0] += 1
            counts[1] += stop - start
            counts[2] += stop - start - 1
            counts[5] += min(agreeing, stop - start - agreeing)
        start = stop
