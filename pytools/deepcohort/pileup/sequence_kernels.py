"""Site features of the allele and the sequence around it; names and scales in features.py."""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Int
from deepcohort.candidates.substitution_kernels import cpg_class, substitution_log10
from deepcohort.core.numba_options import kernel
from deepcohort.pileup.features import F
from deepcohort.pileup.read_feature_kernels import mean

CONTEXT_BP = 50  # longest repeat looked at, and half window of GC


@kernel
def _run(reference: NDArray[np.uint8], at: Int, step: int, code: int, limit: int) -> int:
    """Bases equal to `code` from index `at` on in direction `step`, at most `limit`; reference uint8 (L,)."""
    n = 0
    while n < limit and 0 <= at < len(reference) and reference[at] == code:
        n += 1
        at += step
    return n


@kernel
def _tandem_repeat(reference: NDArray[np.uint8], at: Int) -> tuple[Int, Int]:
    """(unit, length) in bp of the longest tandem repeat of at least two copies through index `at`.

    The unit has 1 to 6 bp, 0 where there is none. `reference`: uint8 (L,), base codes.
    """
    best_unit: Int = 0
    best_length: Int = 0
    size = len(reference)
    for unit in range(1, 7):
        right = at
        while right + unit < size and right - at < CONTEXT_BP and reference[right] == reference[right + unit]:
            if reference[right] > 3:
                break
            right += 1
        left = at
        while (
            left - 1 >= 0
            and left - 1 + unit < size
            and at - left < CONTEXT_BP
            and (reference[left - 1] == reference[left - 1 + unit])
        ):
            if reference[left - 1] > 3:
                break
            left -= 1
        length = right - left + unit
        if length >= 2 * unit and length > best_length + unit - 1:
            best_unit = unit
            best_length = length
    return best_unit, best_length


@kernel
def _snp_features(
    row: NDArray[np.float32], at: Int, snp: bool, alt: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> None:
    """Fill `row` float32 (F,) with what only SNPs have; 0 for others. Arguments as of `sequence_features`."""
    row[F.is_transition] = 0
    row[F.homopolymer_alt] = 0
    row[F.substitution] = 0
    row[F.is_cpg] = 0
    if not snp:
        return
    code = reference[at]
    # with A=0 C=1 G=2 T=3, transitions differ in the second bit alone
    row[F.is_transition] = code < 4 and alt[0] < 4 and (code ^ alt[0]) == 2
    left = _run(reference, at - 1, -1, alt[0], CONTEXT_BP)
    right = _run(reference, at + 1, 1, alt[0], CONTEXT_BP)
    row[F.homopolymer_alt] = math.log1p(left + right) / 3
    if code < 4 and alt[0] < 4:
        row[F.substitution] = substitution_log10(reference, at, alt[0])
        row[F.is_cpg] = cpg_class(reference, at) == 0


@kernel
def _context_features(row: NDArray[np.float32], at: Int, reference: NDArray[np.uint8]) -> None:
    """Fill `row` float32 (F,) with GC and complexity around index `at` of `reference`.

    `reference`: uint8 (L,), base codes.
    """
    size = len(reference)
    gc = known = 0
    for j in range(max(0, at - CONTEXT_BP), min(size, at + CONTEXT_BP + 1)):
        known += reference[j] < 4
        gc += reference[j] == 1 or reference[j] == 2
    row[F.gc] = mean(float(gc), known)
    seen = 0
    for j in range(max(0, at - 15), min(size - 1, at + 15)):
        if reference[j] < 4 and reference[j + 1] < 4:
            seen |= 1 << (4 * int(reference[j]) + int(reference[j + 1]))
    distinct = 0
    while seen:
        distinct += seen & 1
        seen >>= 1
    row[F.complexity] = distinct / 16


@kernel
def sequence_features(
    row: NDArray[np.float32], at: Int, ref_len: Int, alt: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> None:
    """Fill `row` float32 (F,) with the kind of allele and the sequence around index `at` of `reference`.

    `ref_len`: bp of REF. `alt`: uint8 (n,), `reference`: uint8 (L,), base codes.
    """
    alt_len = len(alt)
    change = alt_len - ref_len if alt_len > ref_len else ref_len - alt_len
    snp = ref_len == 1 and alt_len == 1
    row[F.is_snp] = snp
    row[F.is_insertion] = alt_len > ref_len
    row[F.is_deletion] = alt_len < ref_len
    row[F.indel_length] = math.log1p(change) / 4
    here = at if change == 0 or at + 1 >= len(reference) else at + 1
    code = reference[here]
    run = _run(reference, here, 1, code, CONTEXT_BP) + _run(reference, here - 1, -1, code, CONTEXT_BP)
    row[F.homopolymer] = math.log1p(run) / 3
    _snp_features(row, at, snp, alt, reference)
    unit, length = _tandem_repeat(reference, here)
    row[F.repeat_unit] = unit / 6
    row[F.repeat_length] = math.log1p(length) / 4
    row[F.repeat_step] = change > 0 and unit > 0 and change % max(unit, 1) == 0
    _context_features(row, at, reference)
