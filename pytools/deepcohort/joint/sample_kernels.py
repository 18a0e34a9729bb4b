"""Kernels: the FORMAT and the sample column of a gVCF line, checked as they are read, in one pass."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel
from deepcohort.formats.vcf_check_kernels import (
    BAD_GT,
    BAD_VALUE,
    COUNT,
    DROPPED,
    EMPTY,
    NEGATIVE,
    PLOIDY,
    SOUND,
    SURPLUS,
)
from deepcohort.formats.vcf_value_kernels import MAX_INT, genotype_ploidy, is_number, n_genotypes, natural
from deepcohort.joint import columns as c
from deepcohort.joint.line_kernels import read_int

_COLON, _COMMA, _DOT, _ZERO, _MINUS, _SLASH, _BAR = 58, 44, 46, 48, 45, 47, 124
_FILTERED, _N_ALT = c.FILTERED, c.N_ALT
_GT0, _GT1, _GQ, _DP, _PL, _PL_N, _AD, _AD_N, _SB, _PS, _PQ = (
    c.GT0, c.GT1, c.GQ, c.DP, c.PL, c.PL_N, c.AD, c.AD_N, c.SB, c.PS, c.PQ,
)  # fmt: skip
_INT_LIMIT = 1_000_000_000
_MOST_PL = 100_000_000  # beyond it no likelihood, nor depth, lies

# FORMAT keys, by their code in _format_code
_K_GT, _K_GQ, _K_DP, _K_MIN_DP, _K_AD, _K_PL, _K_SB, _K_GQX, _K_OTHER = 0, 1, 2, 3, 4, 5, 6, 7, 8
_K_PS, _K_PQ = 9, 10
MAX_KEYS = 64


@borrowing_kernel
def _value_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Index of the next colon (or `stop`). `text` (n,)."""
    while at < stop and text[at] != _COLON:
        at += 1
    return at


@borrowing_kernel
def _ends(text: NDArray[np.uint8], at: int, stop: int) -> bool:
    """Whether a value ends before `at`. `text` (n,)."""
    return at == stop or text[at] == _COLON


@borrowing_kernel
def _format_code(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Code of the FORMAT key text[at:stop]. `text` (n,)."""
    size = stop - at
    if size == 2:
        a, b = text[at], text[at + 1]
        if a == 71:  # G
            return _K_GT if b == 84 else (_K_GQ if b == 81 else _K_OTHER)
        if a == 68 and b == 80:
            return _K_DP
        if a == 65 and b == 68:
            return _K_AD
        if a == 80:  # P
            return _K_PL if b == 76 else (_K_PS if b == 83 else (_K_PQ if b == 81 else _K_OTHER))
        if a == 83 and b == 66:
            return _K_SB
    elif size == 6 and text[at] == 77 and text[at + 3] == 95 and text[at + 4] == 68:  # MIN_DP
        return _K_MIN_DP
    elif size == 3 and text[at] == 71 and text[at + 1] == 81 and text[at + 2] == 88:  # GQX
        return _K_GQX
    return _K_OTHER


@borrowing_kernel
def _read_list(
    text: NDArray[np.uint8], at: int, stop: int, numbers: NDArray[np.int32], used: int
) -> tuple[int, int, int, int]:
    """Comma-separated natural numbers from `at` to the next colon or `stop`, to numbers[used:]; `.` is -1.

    Returns:
        New used, how many are `.`, a fault, and where the list ends.

    `text` (n,), `numbers` flat (m,).
    """
    missing = 0
    while True:
        value = 0
        first = at
        while at < stop:
            digit = text[at] - _ZERO
            if digit < 0 or digit > 9 or value > _MOST_PL:
                break
            value = value * 10 + digit
            at += 1
        if at == first:
            if at == stop or text[at] != _DOT:
                fault = NEGATIVE if at < stop and text[at] == _MINUS else BAD_VALUE
                return used, missing, fault, _value_end(text, at, stop)
            value = -1
            missing += 1
            at += 1
        is_last = _ends(text, at, stop)
        if value > _MOST_PL or not (is_last or text[at] == _COMMA):
            return used, missing, BAD_VALUE, _value_end(text, at, stop)
        numbers[used] = value
        used += 1
        if is_last:
            return used, missing, SOUND, at
        at += 1


@borrowing_kernel
def _read_gt(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> tuple[int, int]:
    """GT from `at` to the next colon or `stop`, to GT0 and GT1; a fault, and where it ends.

    It must be of one or two of these alleles. Beside ALT `.` allele 1 is the unseen one; `read_sample`
    asks for its PLs.

    `text` (n,), `row` (N_COLUMNS,).
    """
    most = max(1, row[_N_ALT])
    end = at + 3
    if end <= stop and _ends(text, end, stop) and (text[at + 1] == _SLASH or text[at + 1] == _BAR):
        a, b = text[at] - _ZERO, text[at + 2] - _ZERO
        if a >= 0 and a <= 9 and a <= most and b >= 0 and b <= 9 and b <= most:
            row[_GT0], row[_GT1] = a, b
            row[_PS] = 0 if text[at + 1] == _BAR else -1
            return SOUND, end
    end = _value_end(text, at, stop)
    ploidy = genotype_ploidy(text, at, end, most)
    if ploidy < 0:
        return BAD_GT, end
    if ploidy > 2:
        return PLOIDY, end
    if text[at] == _SLASH or text[at] == _BAR:
        at += 1
    value, after = read_int(text, at, end)
    if after == at:
        row[_GT0] = -1
        after = at + 1
    else:
        row[_GT0] = value
    row[_GT1] = -2
    if after < end and (text[after] == _SLASH or text[after] == _BAR):
        value, last = read_int(text, after + 1, end)
        row[_GT1] = value if last > after + 1 else -1
        row[_PS] = 0 if text[after] == _BAR else -1
    return SOUND, end


@borrowing_kernel
def _pl_fits(count: int, row: NDArray[np.int32]) -> bool:
    """Whether a record may have `count` PLs: one for each genotype of its alleles.

    Tolerated: those of two copies beside a haploid GT; three where ALT is `.` (the unseen allele counted).

    `row` (N_COLUMNS,).
    """
    n_alleles = row[_N_ALT] + 1
    if count == n_genotypes(n_alleles, 2) or (n_alleles == 1 and count == 3):
        return True
    haploid = row[_GT1] == -2 or (row[_GT0] < 0 and row[_GT1] < 0)
    return haploid and count == n_alleles


@borrowing_kernel
def _read_numbers(
    text: NDArray[np.uint8], code: int, at: int, stop: int, row: NDArray[np.int32],
    numbers: NDArray[np.int32], used: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Read the list of PL, AD or SB (by `code`) from `at`; new used, a fault, and where the list ends.

    `text` (n,), `row` (N_COLUMNS,), `numbers` flat (m,).
    """
    first = used
    used, missing, fault, end = _read_list(text, at, stop, numbers, used)
    count = used - first
    if code == _K_SB:
        if fault != SOUND or count != 4 or missing > 0:  # other callers' SB is another number
            return first, SOUND, end
        row[_SB] = first
        return used, SOUND, end
    if fault == NEGATIVE and row[_FILTERED] and row[_GT0] < 0 and row[_GT1] < 0:
        return first, SOUND, end  # xAtlas fills what it has no data for
    if fault != SOUND:
        return first, fault, end
    if missing == count:
        return first, SOUND, end
    if code == _K_PL:
        if missing > 0 or not _pl_fits(count, row):
            return first, COUNT, end
        row[_PL], row[_PL_N] = first, count
    else:
        if count != row[_N_ALT] + 1 and row[_N_ALT] > 0:
            return first, COUNT, end
        row[_AD], row[_AD_N] = first, count
    return used, SOUND, end


@borrowing_kernel
def _read_scalar(text: NDArray[np.uint8], code: int, at: int, stop: int) -> tuple[int, int, int]:
    """Value of GQ, GQX, DP or MIN_DP from `at`: (-1 for `.`, fault, where it ends). GQ may have decimals.

    `text` (n,).
    """
    value = 0
    end = at
    while end < stop and end < at + 9:  # nine digits need no look at limits
        digit = text[end] - _ZERO
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        end += 1
    if end > at and _ends(text, end, stop):
        return value, SOUND, end
    end = _value_end(text, at, stop)
    if end - at == 1 and text[at] == _DOT:
        return -1, SOUND, end
    if text[at] == _MINUS:
        return -1, NEGATIVE, end
    value = natural(text, at, end)
    if value > MAX_INT:
        return -1, BAD_VALUE, end
    if value < 0:
        if (code != _K_GQ and code != _K_GQX) or not is_number(text, at, end):
            return -1, BAD_VALUE, end
        value, _ = read_int(text, at, end)
    return min(value, _INT_LIMIT), SOUND, end


@borrowing_kernel
def _read_phase(text: NDArray[np.uint8], code: int, at: int, stop: int, row: NDArray[np.int32]) -> None:
    """PS or PQ text[at:stop] of a phased GT, which stands before them; a PS that is no number unphases it.

    `text` (n,), `row` (N_COLUMNS,).
    """
    if row[_PS] < 0 or (stop - at == 1 and text[at] == _DOT):
        return
    value = natural(text, at, stop)
    if code == _K_PQ:
        row[_PQ] = value if value <= _INT_LIMIT else -1
    else:
        row[_PS] = value if value <= MAX_INT else -1


@borrowing_kernel
def read_format(text: NDArray[np.uint8], at: int, stop: int, codes: NDArray[np.int8]) -> int:
    """Codes of the keys of FORMAT text[at:stop]; how many, -1 where one is empty, known and repeated.

    `text` (n,), `codes` (MAX_KEYS,).
    """
    n = 0
    while True:
        end = _value_end(text, at, stop)
        if end == at or n == MAX_KEYS:
            return -1
        codes[n] = _format_code(text, at, end)
        for k in range(n):
            if codes[k] == codes[n] and codes[n] != _K_OTHER:
                return -1
        if n > 0 and codes[n] == _K_GT:
            return -1
        n += 1
        if end >= stop:
            return n
        at = end + 1


@borrowing_kernel
def _read_value(
    text: NDArray[np.uint8], code: int, at: int, stop: int, row: NDArray[np.int32],
    numbers: NDArray[np.int32], used: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Read the value of the key `code` from `at`; new used, a fault, and where the value ends.

    `text` (n,), `row` (N_COLUMNS,), `numbers` flat (m,).
    """
    if code == _K_GT:
        fault, end = _read_gt(text, at, stop, row)
        return used, fault, end
    if code in (_K_PL, _K_AD, _K_SB):
        return _read_numbers(text, code, at, stop, row, numbers, used)
    if code == _K_OTHER:
        return used, SOUND, _value_end(text, at, stop)
    if code in (_K_PS, _K_PQ):
        end = _value_end(text, at, stop)
        _read_phase(text, code, at, end, row)
        return used, SOUND, end
    value, fault, end = _read_scalar(text, code, at, stop)
    if value >= 0:
        if code == _K_GQ or (code == _K_GQX and row[_GQ] < 0):
            row[_GQ] = value
        elif code == _K_MIN_DP or (code == _K_DP and row[_DP] < 0):
            row[_DP] = value
    return used, fault, end


@borrowing_kernel
def read_sample(
    text: NDArray[np.uint8],
    codes: NDArray[np.int8],
    n_keys: int,
    at: int,
    stop: int,
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    used: int,
) -> tuple[int, int]:
    """Read the sample column text[at:stop] by the keys of FORMAT; `used` and a fault.

    `text` (n,), `codes` (MAX_KEYS,), `row` (N_COLUMNS,), `numbers` flat (m,).
    """
    row[_GT0], row[_GT1], row[_GQ], row[_DP] = -1, -1, -1, -1
    row[_PL], row[_PL_N], row[_AD], row[_AD_N], row[_SB] = 0, 0, 0, 0, -1
    row[_PS] = row[_PQ] = -1
    key = 0
    while True:
        if key >= n_keys:
            return used, SURPLUS
        if _ends(text, at, stop):
            return used, EMPTY
        used, fault, at = _read_value(text, codes[key], at, stop, row, numbers, used)
        if fault != SOUND:
            return used, fault
        key += 1
        if at >= stop:
            break
        at += 1
    unseen = row[_N_ALT] == 0 and (row[_GT0] > 0 or row[_GT1] > 0)
    if unseen and row[_PL_N] != 3:
        return used, BAD_GT
    if row[_GT0] >= 0 or row[_GT1] >= 0:
        for k in range(key, n_keys):  # VCF lets trailing values go, but not those of a genotype
            if codes[k] == _K_PL:
                return used, DROPPED
    return used, SOUND
