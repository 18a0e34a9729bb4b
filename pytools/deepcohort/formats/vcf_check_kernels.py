"""Kernel: the first record line that breaks VCF, and how."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.formats.vcf_value_kernels import (
    COLON,
    COMMA,
    DOT,
    MAX_POS,
    MINUS,
    count_alts,
    genotype_ploidy,
    info_end,
    is_integer,
    is_number,
    is_ref,
    n_genotypes,
    natural,
)

_TAB, _NEWLINE, _RETURN, _HASH = 9, 10, 13, 35
_MAX_KEYS = 64  # of FORMAT
# Number of a FORMAT key beside plain counts
NUMBER_UNKNOWN, NUMBER_A, NUMBER_R, NUMBER_G = -1, -2, -3, -4
# kinds of values
ANY, INTEGER, NOT_NEGATIVE, FLOAT, GENOTYPE = 0, 1, 2, 3, 4
# faults, in the order of vcf_text.FAULTS
(
    SOUND, BYTE, COLUMNS, EMPTY, BAD_POS, BAD_REF, BAD_ALT, BAD_QUAL, BAD_END, BAD_FORMAT, SURPLUS, BAD_GT,
    PLOIDY, BAD_VALUE, NEGATIVE, COUNT, DROPPED,
) = range(17)  # fmt: skip


class LineRules(NamedTuple):
    """What a header says about its records.

    Attributes:
        n_fields: columns. sample: the only sample column to look into, from 0; -1: all of them.
        max_ploidy: most alleles of a GT; 0: any. utf8: bytes above ASCII may stand in ID and INFO.
        odd_alts: bases mixed with `*` and `-` are taken for an ALT.
        codes: uint64 (K,), `key_code` of the FORMAT keys declared. kinds: int8 (K,), kind of value.
        numbers: int64 (K,), how many of them.
    """

    n_fields: int
    sample: int
    max_ploidy: int
    utf8: bool
    odd_alts: bool
    codes: NDArray[np.uint64]
    kinds: NDArray[np.int8]
    numbers: NDArray[np.int64]


@kernel
def key_code(text: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """64-bit FNV-1a of a FORMAT key."""
    value = np.uint64(14695981039346656037)
    for i in range(start, end):
        value = (value ^ np.uint64(text[i])) * np.uint64(1099511628211)
    return value


@kernel
def _read_format(
    text: NDArray[np.uint8], start: int, end: int, rules: LineRules, codes: NDArray[np.uint64],
    which: NDArray[np.int64],
) -> int:  # fmt: skip
    """Row of `rules` of each key of FORMAT text[start:end] (-1 undeclared) to `which`; number of keys.

    -1 where a key is empty or stands twice, where GT is not the first, or there are too many.
    """
    n = 0
    at = start
    for i in range(start, end + 1):
        if i < end and text[i] != COLON:
            continue
        if i == at or n == _MAX_KEYS:
            return -1
        code = key_code(text, at, i)
        for k in range(n):
            if codes[k] == code:
                return -1
        if n > 0 and i - at == 2 and text[at] == 71 and text[at + 1] == 84:
            return -1
        codes[n] = code
        which[n] = -1
        for k in range(len(rules.codes)):
            if rules.codes[k] == code:
                which[n] = k
        n += 1
        at = i + 1
    return n


@kernel
def _count_fits(count: int, number: int, n_alts: int, ploidy: int) -> bool:
    """Whether `count` values are as many as Number asks for; ploidy 0 = not told (one or two copies)."""
    if number == NUMBER_A:
        return count == n_alts
    if number == NUMBER_R:
        return count == n_alts + 1
    if number == NUMBER_G:
        if ploidy > 0:
            return count == n_genotypes(n_alts + 1, ploidy)
        return count == n_alts + 1 or count == n_genotypes(n_alts + 1, 2)
    return number < 1 or count == number


@kernel
def _value_fault(
    text: NDArray[np.uint8], start: int, end: int, kind: int, number: int, n_alts: int, ploidy: int
) -> int:
    """Fault of the value text[start:end] of one FORMAT key, SOUND if none."""
    if end == start:
        return EMPTY
    if kind == ANY or (end - start == 1 and text[start] == DOT):
        return SOUND
    count = 0
    at = start
    for i in range(start, end + 1):
        if i < end and text[i] != COMMA:
            continue
        is_missing = i - at == 1 and text[at] == DOT
        if kind == FLOAT:
            if not is_number(text, at, i):
                return BAD_VALUE
        elif not is_missing:
            if not is_integer(text, at, i):
                return BAD_VALUE
            if kind == NOT_NEGATIVE and text[at] == MINUS:
                return NEGATIVE
        count += 1
        at = i + 1
    return SOUND if _count_fits(count, number, n_alts, ploidy) else COUNT


@kernel
def _sample_fault(
    text: NDArray[np.uint8], start: int, end: int, which: NDArray[np.int64], n_keys: int, n_alts: int,
    rules: LineRules,
) -> int:  # fmt: skip
    """Fault of the sample column text[start:end], SOUND if none."""
    key = 0
    at = start
    ploidy = 0
    for i in range(start, end + 1):
        if i < end and text[i] != COLON:
            continue
        if key >= n_keys:
            return SURPLUS
        k = which[key]
        if k >= 0 and rules.kinds[k] == GENOTYPE:
            ploidy = genotype_ploidy(text, at, i, n_alts)
            if ploidy < 0:
                return BAD_GT
            if 0 < rules.max_ploidy < ploidy:
                return PLOIDY
        elif k >= 0:
            fault = _value_fault(text, at, i, rules.kinds[k], rules.numbers[k], n_alts, ploidy)
            if fault != SOUND:
                return fault
        elif i == at:
            return EMPTY
        key += 1
        at = i + 1
    return SOUND


@kernel
def _fixed_fault(text: NDArray[np.uint8], field: int, start: int, end: int, pos: int) -> int:
    """Fault of one of the columns CHROM to INFO (field 0 to 7) but ALT, SOUND if none."""
    if field == 1:
        value = natural(text, start, end)
        return SOUND if 1 <= value <= MAX_POS else BAD_POS
    if field == 3:
        return SOUND if is_ref(text, start, end) else BAD_REF
    if field == 5:
        return SOUND if is_number(text, start, end) else BAD_QUAL
    if field == 7:
        last = info_end(text, start, end)
        return BAD_END if last == -2 or 0 <= last < pos else SOUND
    return SOUND


@kernel
def find_fault(text: NDArray[np.uint8], rules: LineRules) -> tuple[int, int]:
    """First line of whole record lines that breaks VCF, and how.

    Args:
        text: uint8 (n,), ends with a newline; lines may end in CR LF.

    Returns:
        (offset of the line, fault); (-1, SOUND) where all is well.
    """
    which = np.full(_MAX_KEYS, -1, dtype=np.int64)
    codes = np.zeros(_MAX_KEYS, dtype=np.uint64)
    n_keys, format_start, format_end = 0, 0, -1
    line, field, start, pos, n_alts = 0, 0, 0, 0, 0
    for at in range(len(text)):
        byte = text[at]
        if byte != _TAB and byte != _NEWLINE:
            is_return = byte == _RETURN and at + 1 < len(text) and text[at + 1] == _NEWLINE
            high = byte > 126 and not (byte > 127 and rules.utf8 and (field == 2 or field == 7))
            if (byte < 32 and not is_return) or high:
                return line, BYTE
            continue
        end = at - 1 if byte == _NEWLINE and at > start and text[at - 1] == _RETURN else at
        if field >= rules.n_fields:
            return line, COLUMNS
        if end == start:
            return line, EMPTY if byte == _TAB or field else COLUMNS
        if field == 4:
            n_alts = count_alts(text, start, end, rules.odd_alts)
            if n_alts < 0:
                return line, BAD_ALT
        elif field < 8:
            fault = _fixed_fault(text, field, start, end, pos)
            if fault != SOUND:
                return line, fault
            if field == 1:
                pos = natural(text, start, end)
        elif field == 8:
            same = end - start == format_end - format_start
            i = 0
            while same and i < end - start:
                same = text[format_start + i] == text[start + i]
                i += 1
            if not same:
                n_keys = _read_format(text, start, end, rules, codes, which)
                if n_keys < 0:
                    return line, BAD_FORMAT
                format_start, format_end = start, end
        elif rules.sample < 0 or field == 9 + rules.sample:
            fault = _sample_fault(text, start, end, which, n_keys, n_alts, rules)
            if fault != SOUND:
                return line, fault
        field += 1
        start = at + 1
        if byte == _NEWLINE:
            if field != rules.n_fields:
                return line, COLUMNS
            line, field = at + 1, 0
    return -1, SOUND
