"""Kernel: how many records of VCF text have which FILTER, and what is called in those that pass."""
# ruff: noqa: SIM109, SIM110 - chains of == and plain loops compile to jumps

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.core.vcf_constants import (
    FILTER_DISPUTED,
    FILTER_LOW_QUAL,
    FILTER_REF_CALL,
    NON_REF,
    PASS,
)

_TAB, _NEWLINE, _COMMA, _COLON, _SEMICOLON = 9, 10, 44, 58, 59
_SPANNING, _SYMBOL = 42, 60  # * and <

COUNTED_FILTERS = (PASS, FILTER_LOW_QUAL, FILTER_REF_CALL, FILTER_DISPUTED)
OTHER = len(COUNTED_FILTERS)
SNP, INDEL = 0, 1

_NON_REF = np.frombuffer(NON_REF.encode(), dtype=np.uint8)
_WORDS = np.frombuffer("".join(COUNTED_FILTERS).encode(), dtype=np.uint8)
_WORD_OFFSET = np.cumsum([0, *map(len, COUNTED_FILTERS)])


@kernel
def _is(text: NDArray[np.uint8], start: int, stop: int, word: NDArray[np.uint8]) -> bool:
    """Whether text[start:stop] of `text` (n,) is `word` (w,)."""
    if stop - start != len(word):
        return False
    for i in range(len(word)):
        if text[start + i] != word[i]:
            return False
    return True


@kernel
def _field_end(text: NDArray[np.uint8], at: int) -> int:
    """Where the field at `at` of `text` (n,) ends."""
    while text[at] != _TAB and text[at] != _NEWLINE:
        at += 1
    return at


@kernel
def _count_words(text: NDArray[np.uint8], start: int, stop: int, filters: NDArray[np.int64]) -> bool:
    """Add each word of FILTER, text[start:stop] of `text` (n,), to `filters` (OTHER + 1,); whether PASS is
    one.
    """
    passes = False
    while start < stop:
        end = start
        while end < stop and text[end] != _SEMICOLON:
            end += 1
        found = OTHER
        for k in range(OTHER):
            if _is(text, start, end, _WORDS[_WORD_OFFSET[k] : _WORD_OFFSET[k + 1]]):
                found = k
        filters[found] += 1
        passes = passes or found == 0
        start = end + 1
    return passes


@kernel
def _alt_bp(text: NDArray[np.uint8], start: int, stop: int, number: int) -> int:
    """Length of the ALT `number` (from 1) of text[start:stop]; -1 for a symbol, `*`, or none such.

    `text` (n,).
    """
    for _ in range(number - 1):
        while start < stop and text[start] != _COMMA:
            start += 1
        start += 1
    if start >= stop or text[start] == _SYMBOL or text[start] == _SPANNING:
        return -1
    end = start
    while end < stop and text[end] != _COMMA:
        end += 1
    return end - start


@kernel
def _kind(text: NDArray[np.uint8], ref_bp: int, alt_start: int, alt_stop: int, at: int) -> int:
    """INDEL where the genotype at `at` has an ALT of another length than REF, else SNP; -1 without ALT.

    `text` (n,).
    """
    kind, allele = -1, 0
    while True:
        byte = text[at]
        if 48 <= byte <= 57:
            allele = 10 * allele + byte - 48
        else:
            if allele:
                n = _alt_bp(text, alt_start, alt_stop, allele)
                if n >= 0:
                    kind = max(kind, SNP if n == ref_bp else INDEL)
            allele = 0
            if byte == _COLON or byte == _TAB or byte == _NEWLINE:
                return kind
        at += 1


@kernel
def count_records(
    text: NDArray[np.uint8], starts: NDArray[np.int64], filters: NDArray[np.int64], called: NDArray[np.int64]
) -> None:
    """Add the records of one sample's VCF lines to `filters` and `called`; reference blocks are left out.

    Args:
        text: uint8 (n,), whole lines of ten fields, GT first of FORMAT. starts: int64 (m,), first bytes.
        filters: int64 (OTHER + 1,), records by word of FILTER, in the order of COUNTED_FILTERS.
        called: int64 (2,), PASS records whose genotype holds SNPs alone (ALT as long as REF), or an indel.
    """
    for at in starts:
        for _ in range(3):
            at = _field_end(text, at) + 1
        ref_stop = _field_end(text, at)
        alt_start = ref_stop + 1
        alt_stop = _field_end(text, alt_start)
        if _is(text, alt_start, alt_stop, _NON_REF):
            continue
        filter_start = _field_end(text, alt_stop + 1) + 1
        filter_stop = _field_end(text, filter_start)
        if not _count_words(text, filter_start, filter_stop, filters):
            continue
        sample = _field_end(text, _field_end(text, filter_stop + 1) + 1) + 1
        kind = _kind(text, ref_stop - at, alt_start, alt_stop, sample)
        if kind >= 0:
            called[kind] += 1
