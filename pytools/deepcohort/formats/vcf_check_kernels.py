"""Kernel: the first record line that breaks VCF, and how."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.formats.vcf_value_kernels import (
    BAR,
    COLON,
    COMMA,
    DOT,
    EQUALS,
    LESS,
    MAX_POS,
    MINUS,
    MORE,
    SEMICOLON,
    SLASH,
    STAR,
    count_alts,
    genotype_ploidy,
    info_end,
    is_info_key,
    is_integer,
    is_key,
    is_no_finite_number,
    is_number,
    is_ref,
    n_genotypes,
    natural,
)

_TAB, _NEWLINE, _RETURN, _HASH = 9, 10, 13, 35
_MAX_KEYS = 64  # of FORMAT
_MAX_INFO_KEYS = 512
# Number of a FORMAT key beside plain counts
NUMBER_UNKNOWN, NUMBER_A, NUMBER_R, NUMBER_G = -1, -2, -3, -4
# kinds of values
ANY, INTEGER, NOT_NEGATIVE, FLOAT, GENOTYPE = 0, 1, 2, 3, 4
# faults, in the order of vcf_text.FAULTS
(
    SOUND, BYTE, COLUMNS, EMPTY, BAD_POS, BAD_REF, BAD_ALT, BAD_QUAL, BAD_END, BAD_FORMAT, SURPLUS, BAD_GT,
    PLOIDY, BAD_VALUE, NEGATIVE, COUNT, DROPPED, BAD_INFO, REPEATED, COMMENT,
) = range(20)  # fmt: skip


class KeyRules(NamedTuple):
    """Keys that a header declares.

    Attributes:
        codes: uint64 (K,), `key_code` of each. kinds: int8 (K,), kind of value.
        numbers: int64 (K,), how many of them.
    """

    codes: NDArray[np.uint64]
    kinds: NDArray[np.int8]
    numbers: NDArray[np.int64]


class LineRules(NamedTuple):
    """What a header says about its records.

    Attributes:
        n_fields: columns. sample: the only sample column to look into, from 0; -1: all of them.
        max_ploidy: most alleles of a GT; 0: any. utf8: bytes above ASCII may stand in ID and INFO.
        odd_alts: bases mixed with `*` and `-` are taken for an ALT.
        check_info: keys and values of INFO are looked at. Numbers whose count the header leaves open are not:
            published truth sets hold text there.
        repeats: POS, REF and ALT of a record may be those of another.
        keys: of FORMAT. info: of INFO.
    """

    n_fields: int
    sample: int
    max_ploidy: int
    utf8: bool
    odd_alts: bool
    check_info: bool
    repeats: bool
    keys: KeyRules
    info: KeyRules


@kernel
def key_code(text: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """64-bit FNV-1a of a key, text[start:end] of `text` (n,)."""
    value = np.uint64(14695981039346656037)
    for i in range(start, end):
        value = (value ^ np.uint64(text[i])) * np.uint64(1099511628211)
    return value


@kernel
def _row_of(rules: KeyRules, code: np.uint64) -> int:
    """Row of the key of this code in `rules` (K,), -1 where it is not declared."""
    for k in range(len(rules.codes)):
        if rules.codes[k] == code:
            return k
    return -1


@kernel
def _read_format(
    text: NDArray[np.uint8], start: int, end: int, rules: LineRules, codes: NDArray[np.uint64],
    which: NDArray[np.int64],
) -> int:  # fmt: skip
    """Row of `rules` of each key of FORMAT text[start:end] (-1 undeclared) to `which`; number of keys.

    -1 where a key is none or stands twice, where GT is not the first, or there are too many.

    `text` (n,), `codes` and `which` (k,), as many as keys are allowed.
    """
    n = 0
    at = start
    for i in range(start, end + 1):
        if i < end and text[i] != COLON:
            continue
        if n == _MAX_KEYS or not is_key(text, at, i):
            return -1
        code = key_code(text, at, i)
        for k in range(n):
            if codes[k] == code:
                return -1
        if n > 0 and i - at == 2 and text[at] == 71 and text[at + 1] == 84:
            return -1
        codes[n] = code
        which[n] = _row_of(rules.keys, code)
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
    """Fault of the value text[start:end] of one FORMAT key, SOUND if none. `text` (n,)."""
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
            if not is_number(text, at, i) and not is_no_finite_number(text, at, i):
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
    max_ploidy: int, kinds: NDArray[np.int8], numbers: NDArray[np.int64],
) -> int:  # fmt: skip
    """Fault of the sample column text[start:end], SOUND if none; `kinds`, `numbers`: of `KeyRules`.

    `text` (n,), `which` (k,), `kinds` and `numbers` (K,).
    """
    key = 0
    at = start
    ploidy = 0
    for i in range(start, end + 1):
        if i < end and text[i] != COLON:
            continue
        if key >= n_keys:
            return SURPLUS
        k = which[key]
        if k >= 0 and kinds[k] == GENOTYPE:
            ploidy = genotype_ploidy(text, at, i, n_alts)
            if ploidy < 0:
                return BAD_GT
            if 0 < max_ploidy < ploidy:
                return PLOIDY
        elif k >= 0:
            fault = _value_fault(text, at, i, kinds[k], numbers[k], n_alts, ploidy)
            if fault != SOUND:
                return fault
        elif i == at:
            return EMPTY
        key += 1
        at = i + 1
    return SOUND


@kernel
def _is_plain_pair(text: NDArray[np.uint8], start: int, n_alts: int) -> bool:
    """Whether text[start:start+3] is two alleles of one letter each, as most cells of a large cohort.

    `text` (n,).
    """
    first, mark, second = text[start], text[start + 1], text[start + 2]
    return (
        (mark in (BAR, SLASH))
        and (first == DOT or 48 <= first <= min(57, 48 + n_alts))
        and (second == DOT or 48 <= second <= min(57, 48 + n_alts))
    )


@kernel
def _info_value_fits(
    text: NDArray[np.uint8], start: int, end: int, kind: int, number: int, n_alts: int
) -> bool:
    """Whether the value text[start:end] of an INFO key is what its declaration lets it be. `text` (n,)."""
    if end == start:
        return kind == ANY
    if kind not in (INTEGER, NOT_NEGATIVE, FLOAT) or number == NUMBER_UNKNOWN:
        return True
    count = 0
    at = start
    for i in range(start, end + 1):
        if i < end and text[i] != COMMA:
            continue
        is_missing = i - at == 1 and text[at] == DOT
        if kind == FLOAT and not is_number(text, at, i) and not is_no_finite_number(text, at, i):
            return False
        if kind != FLOAT and not is_missing and not is_integer(text, at, i):
            return False
        if kind == NOT_NEGATIVE and text[at] == MINUS:
            return False
        count += 1
        at = i + 1
    if end - start == 1 and text[start] == DOT:
        return True
    return _count_fits(count, number, n_alts, 0)


@kernel
def _info_sound(
    text: NDArray[np.uint8], start: int, end: int, n_alts: int, rules: KeyRules, codes: NDArray[np.uint64]
) -> bool:
    """Whether the INFO text[start:end] has keys, each once, whose values are as declared.

    `codes`: uint64 (_MAX_INFO_KEYS,), room for the keys; those beyond it may stand twice.
    """
    if end - start == 1 and text[start] == DOT:
        return True
    n = 0
    at = start
    for i in range(start, end + 1):
        if i < end and text[i] != SEMICOLON:
            continue
        stop = at
        while stop < i and text[stop] != EQUALS:
            stop += 1
        if not is_info_key(text, at, stop):
            return False
        code = key_code(text, at, stop)
        for k in range(n):
            if codes[k] == code:
                return False
        if n < len(codes):
            codes[n] = code
            n += 1
        k = _row_of(rules, code)
        has_value = stop < i
        if k >= 0 and has_value:
            if not _info_value_fits(text, stop + 1, i, rules.kinds[k], rules.numbers[k], n_alts):
                return False
        elif k >= 0 and rules.kinds[k] != ANY:
            return False
        at = i + 1
    return True


@kernel
def _is_structural(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether every ALT of the column text[start:end] is symbolic and none that of a reference block.

    `text` (n,).
    """
    at = start
    inside = False
    for i in range(start, end + 1):
        if i < end and (text[i] != COMMA or inside):
            inside = text[i] == LESS or (inside and text[i] != MORE)
            continue
        is_star = i - at == 3 and text[at + 1] == STAR
        is_non_ref = i - at == 9 and text[at + 1] == 78 and text[at + 4] == 95  # <NON_REF>
        if text[at] != LESS or is_star or is_non_ref:
            return False
        at = i + 1
    return True


@kernel
def _is_of_bases(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether the ALT column text[start:end] is bases and commas alone. `text` (n,)."""
    for i in range(start, end):
        if text[i] < 65 and text[i] != COMMA:
            return False
        if text[i] == 91 or text[i] == 93:
            return False
    return True


@kernel
def _fixed_fault(text: NDArray[np.uint8], field: int, start: int, end: int, pos: int) -> int:
    """Fault of one of the columns CHROM to INFO (field 0 to 7) but ALT, SOUND if none. `text` (n,)."""
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
def _same(text: NDArray[np.uint8], first: int, second: int, length: int) -> bool:
    """Whether `length` bytes at `first` and at `second` of `text` (n,) are the same."""
    for i in range(length):  # noqa: SIM110 - numba compiles no generators
        if text[first + i] != text[second + i]:
            return False
    return True


@kernel
def _is_bad_byte(byte: int, field: int, utf8: bool) -> bool:
    """Whether a byte may not stand in column `field`; bytes above ASCII may in ID and INFO if `utf8`."""
    return byte < 32 or (byte > 126 and not (byte > 127 and utf8 and (field == 2 or field == 7)))


@kernel
def _cell_fault(byte: int, field: int, n_fields: int, is_empty: bool, is_comment: bool) -> int:
    """Fault of a column as such, which ends with `byte`: one too many, an empty one, a comment; or SOUND."""
    if field >= n_fields:
        return COLUMNS
    if is_empty:
        return EMPTY if byte == _TAB or field else COLUMNS
    return COMMENT if field == 0 and is_comment else SOUND


@kernel
def _with_code(codes: NDArray[np.uint64], n: int, code: np.uint64) -> NDArray[np.uint64]:
    """`codes` (K,), of which `n` are set, with one more; longer where that is needed. (0,): it is there."""
    for k in range(n):
        if codes[k] == code:
            return codes[:0]
    if n == len(codes):
        codes = np.concatenate((codes, np.zeros(n, dtype=np.uint64)))
    codes[n] = code
    return codes


@kernel
def find_fault(text: NDArray[np.uint8], rules: LineRules) -> tuple[int, int, int]:
    """First line of whole record lines that breaks VCF, and how.

    Args:
        text: uint8 (n,), ends with a newline; lines may end in CR LF.

    Returns:
        (offset of the line, fault, offset of the first line of the last POS); the first is -1 and the
        second SOUND where all is well.
    """
    which = np.full(_MAX_KEYS, -1, dtype=np.int64)
    codes = np.zeros(_MAX_KEYS, dtype=np.uint64)
    info_codes = np.zeros(_MAX_INFO_KEYS, dtype=np.uint64)
    alleles = np.zeros(64, dtype=np.uint64)  # codes of REF and ALT of the lines of this POS
    n_alleles, place_at, place_length = 0, 0, -1
    n_keys, format_start, format_end, pairs_alone = 0, 0, -1, False
    sample, n_fields, utf8 = rules.sample, rules.n_fields, rules.utf8
    kinds, numbers = rules.keys.kinds, rules.keys.numbers
    line, field, start, pos, n_alts, ref_start, is_structural = 0, 0, 0, 0, 0, 0, False
    for at in range(len(text)):
        byte = text[at]
        if byte != _TAB and byte != _NEWLINE:
            is_return = byte == _RETURN and at + 1 < len(text) and text[at + 1] == _NEWLINE
            if not is_return and _is_bad_byte(byte, field, utf8):
                return line, BYTE, place_at
            continue
        end = at - 1 if byte == _NEWLINE and at > start and text[at - 1] == _RETURN else at
        fault = _cell_fault(byte, field, n_fields, end == start, text[start] == _HASH)
        if fault != SOUND:
            return line, fault, place_at
        if field == 4:
            n_alts = count_alts(text, start, end, rules.odd_alts)
            if n_alts < 0:
                return line, BAD_ALT, place_at
            is_structural = n_alts > 0 and _is_structural(text, start, end)
            if n_alts > 0 and not rules.repeats and _is_of_bases(text, start, end):
                alleles = _with_code(alleles, n_alleles, key_code(text, ref_start, end))
                if len(alleles) == 0:
                    return line, REPEATED, place_at
                n_alleles += 1
        elif field < 8:
            fault = _fixed_fault(text, field, start, end, 0 if is_structural else pos)
            if fault == SOUND and field == 7 and rules.check_info:
                fault = (
                    BAD_INFO if not _info_sound(text, start, end, n_alts, rules.info, info_codes) else SOUND
                )
            if fault != SOUND:
                return line, fault, place_at
            if field == 1:
                pos = natural(text, start, end)
                if end - line != place_length or not _same(text, place_at, line, place_length):
                    place_at, place_length, n_alleles = line, end - line, 0
            elif field == 3:
                ref_start = start
        elif field == 8:
            length = end - start
            if length != format_end - format_start or not _same(text, format_start, start, length):
                n_keys = _read_format(text, start, end, rules, codes, which)
                if n_keys < 0:
                    return line, BAD_FORMAT, place_at
                format_start, format_end = start, end
                pairs_alone = rules.max_ploidy != 1 and which[0] >= 0 and kinds[which[0]] == GENOTYPE
        elif (sample < 0 or field == 9 + sample) and not (
            pairs_alone and end - start == 3 and _is_plain_pair(text, start, n_alts)
        ):
            fault = _sample_fault(text, start, end, which, n_keys, n_alts, rules.max_ploidy, kinds, numbers)
            if fault != SOUND:
                return line, fault, place_at
        field += 1
        start = at + 1
        if byte == _NEWLINE:
            if field != n_fields:
                return line, COLUMNS, place_at
            line, field, is_structural = at + 1, 0, False
    return -1, SOUND, place_at
