"""What a variant is, and what the reference looks like around it."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.evaluate.variant_kernels import is_symbolic, split_alts

SNP, MNP, INSERTION, DELETION, COMPLEX = range(5)
HET, HOM, MULTI, HEMI = range(4)

_GC_FLANK_BP = 50
_MAX_RUN_BP = 255


@kernel
def classify(
    pool: NDArray[np.uint8],
    pool_offset: NDArray[np.int64],
    ref_len: NDArray[np.int32],
    alt_len: NDArray[np.int32],
    gt: NDArray[np.int16],
    ploidy: NDArray[np.int8],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint8], NDArray[np.int8]]:
    """Kind, length and zygosity of the genotypes of `rows` (int64, N of them).

    Returns:
        kind uint8 (N,): SNP .. COMPLEX over the called ALTs; length int32 (N,): bp gained (+) or lost
        (-) by the called ALT that changes most; zygosity uint8 (N,): HET .. HEMI; transition int8
        (N,): 1 transition, 0 transversion, -1 not a SNP of one ALT.
    """
    n = len(rows)
    kind = np.zeros(n, dtype=np.uint8)
    length = np.zeros(n, dtype=np.int32)
    zygosity = np.zeros(n, dtype=np.uint8)
    transition = np.full(n, -1, dtype=np.int8)
    ends = np.empty(4096, dtype=np.int64)
    for k in range(n):
        i = rows[k]
        if alt_len[i] > len(ends):
            ends = np.empty(2 * alt_len[i], dtype=np.int64)
        first = pool_offset[i] + ref_len[i] + 1
        n_alts = split_alts(pool, first, alt_len[i], ends)
        longer = shorter = same = 0
        for a in range(1, n_alts + 1):
            called = False
            for h in range(4):
                called |= gt[i, h] == a
            start = first if a == 1 else ends[a - 2] + 1
            if not called or is_symbolic(pool, start, ends[a - 1]):
                continue
            change = ends[a - 1] - start - ref_len[i]
            longer += change > 0
            shorter += change < 0
            same += change == 0
            if abs(change) > abs(length[k]):
                length[k] = change
            if ref_len[i] == 1 and change == 0:
                # A<->G and C<->T differ in bit 1 or 2 only after folding case: use letters
                x, y = pool[pool_offset[i]] & 0xDF, pool[start] & 0xDF
                purine_x, purine_y = x == 65 or x == 71, y == 65 or y == 71
                transition[k] = 1 if purine_x == purine_y else 0
        if longer + shorter == 0:
            kind[k] = SNP if ref_len[i] == 1 else MNP
        elif longer and not shorter and not same and ref_len[i] == 1:
            kind[k] = INSERTION
        elif shorter and not longer and not same:
            kind[k] = DELETION
        elif longer and not shorter and not same:
            kind[k] = INSERTION
        else:
            kind[k] = COMPLEX
        if ploidy[i] == 1:
            zygosity[k] = HEMI
        else:
            highest, n_variant, n_other = -1, 0, 0
            for h in range(ploidy[i]):
                if gt[i, h] > 0:
                    n_variant += 1
                    n_other += highest > 0 and gt[i, h] != highest
                    highest = gt[i, h]
            if n_other:
                zygosity[k] = MULTI
            else:
                zygosity[k] = HOM if n_variant == ploidy[i] else HET
    return kind, length, zygosity, transition


@kernel
def _run(template: NDArray[np.uint8], at: int, period: int) -> int:
    """Bases around `at` of `template` (L,) over which the sequence repeats with `period`."""
    left = at
    while (
        left - 1 >= 0
        and at - left < _MAX_RUN_BP
        and template[left - 1] == template[left - 1 + period]
        and template[left - 1] != 0
    ):
        left -= 1
    right = at + period
    while (
        right < len(template)
        and right - at < _MAX_RUN_BP
        and template[right] == template[right - period]
        and template[right] != 0
    ):
        right += 1
    return right - left


@kernel
def reference_context(
    template: NDArray[np.uint8], pos: NDArray[np.int32], ref_len: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Repeats and GC at each variant.

    Parameters:
        template: uint8 (L,), codes 1..4 and 0. pos, ref_len: int32 (N,), 0-based first REF base, bp.

    Returns:
        homopolymer uint8 (N,): longest run of one base that holds or touches the variant, bp;
        tandem uint8 (N,): longest stretch there with a period of 2 to 6 bp, 0 unless it holds two and
        a half periods and 8 bp; gc uint8 (N,): per cent of G and C within 50 bp on both sides.
    """
    n = len(pos)
    size = len(template)
    homopolymer = np.zeros(n, dtype=np.uint8)
    tandem = np.zeros(n, dtype=np.uint8)
    gc = np.zeros(n, dtype=np.uint8)
    for i in range(n):
        best = 0
        for at in range(pos[i] - 1, pos[i] + 2):
            if 0 <= at < size and template[at] != 0:
                best = max(best, _run(template, at, 1))
        homopolymer[i] = min(best, _MAX_RUN_BP)
        stretch = 0
        for period in range(2, 7):
            for at in range(pos[i], pos[i] + 2):
                if at + period >= size or template[at] == 0:
                    continue
                one_base = True
                for k in range(1, period):
                    one_base &= template[at + k] == template[at]
                if one_base:
                    continue
                length = _run(template, at, period)
                if length >= max(8, (5 * period + 1) // 2):
                    stretch = max(stretch, length)
        tandem[i] = min(stretch, _MAX_RUN_BP)
        strong = total = 0
        for at in range(max(0, pos[i] - _GC_FLANK_BP), min(size, pos[i] + ref_len[i] + _GC_FLANK_BP)):
            total += template[at] != 0
            strong += template[at] == 2 or template[at] == 3
        gc[i] = (100 * strong) // total if total else 0
    return homopolymer, tandem, gc
