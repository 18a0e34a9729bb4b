"""Kernels: whether one field of a VCF record is what the specification (VCF 4.3) lets it be.

All take `text`, uint8, and the field's first byte and the one after its last.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel

COMMA, DOT, COLON, SEMICOLON, MINUS, PLUS, SLASH, BAR, STAR, LESS, MORE, EQUALS = (
    44, 46, 58, 59, 45, 43, 47, 124, 42, 60, 62, 61,
)  # fmt: skip
MAX_POS = 2**31 - 2
MAX_INT = 2**31 - 1
_INFINITY: NDArray[np.uint8] = np.frombuffer(b"infinity", dtype=np.uint8).copy()
_NAN: NDArray[np.uint8] = np.frombuffer(b"nan", dtype=np.uint8).copy()

# classes of letters
_BASE, _IUPAC = 1, 2
_LETTERS: NDArray[np.uint8] = np.zeros(256, dtype=np.uint8)
for _letter in b"RYSWKMBDHVryswkmbdhv":
    _LETTERS[_letter] = _IUPAC
for _letter in b"ACGTNacgtn":
    _LETTERS[_letter] = _BASE


@borrowing_kernel
def natural(text: NDArray[np.uint8], start: int, end: int) -> int:
    """Number of the decimal digits text[start:end]; -1 for anything else, or more than ten digits.

    `text` (n,).
    """
    if end - start > 10 or end <= start:
        return -1
    value = 0
    for i in range(start, end):
        digit = text[i]
        if digit < 48 or digit > 57:
            return -1
        value = value * 10 + digit - 48
    return value


@borrowing_kernel
def is_integer(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is a whole number of 32 bits, with a minus sign or without. `text` (n,)."""
    first = start + 1 if start < end and text[start] == MINUS else start
    value = natural(text, first, end)
    return 0 <= value <= MAX_INT


@borrowing_kernel
def is_number(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is `.` or a decimal number, with an exponent or not. `text` (n,)."""
    if end - start == 1 and text[start] == DOT:
        return True
    digits, points, exponents = 0, 0, 0
    for i in range(start, end):
        byte = text[i]
        if 48 <= byte <= 57:
            digits += 1
        elif byte == DOT and points == 0 and exponents == 0:
            points = 1
        elif (byte == 69 or byte == 101) and digits > 0 and exponents == 0:
            exponents = 1
            digits = 0
        elif byte in (PLUS, MINUS) and (i == start or text[i - 1] == 69 or text[i - 1] == 101):
            pass
        else:
            return False
    return digits > 0


@borrowing_kernel
def is_no_finite_number(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is NaN, Inf or Infinity in any case, with a sign or not (VCF 4.3).

    `text` (n,).
    """
    at = start + 1 if start < end and (text[start] == MINUS or text[start] == PLUS) else start
    size = end - at
    if size != 3 and size != 8:
        return False
    word = _INFINITY if (text[at] | 32) == 105 else _NAN
    for i in range(size):  # noqa: SIM110 - numba compiles no generators
        if i >= len(word) or (text[at + i] | 32) != word[i]:
            return False
    return True


@borrowing_kernel
def is_key(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is a key of FORMAT: letters, digits, `_` and `.`, no digit or `.` first.

    `text` (n,).
    """
    if end <= start:
        return False
    for i in range(start, end):
        letter = text[i] | 32
        is_letter = (97 <= letter <= 122 and text[i] >= 65) or text[i] == 95
        if not is_letter and (i == start or not (48 <= text[i] <= 57 or text[i] == DOT)):
            return False
    return True


@borrowing_kernel
def is_info_key(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is a key of INFO: as one of FORMAT, or 1000G; `+` and `-` may stand within.

    `text` (n,).
    """
    if end <= start:
        return False
    if is_key(text, start, end):
        return True
    if end - start == 5 and text[start] == 49 and text[end - 1] == 71:  # 1000G
        return text[start + 1] == 48 and text[start + 2] == 48 and text[start + 3] == 48
    if not is_key(text, start, start + 1):
        return False
    for i in range(start + 1, end):
        is_more = 48 <= text[i] <= 57 or text[i] == DOT or text[i] == PLUS or text[i] == MINUS
        if not is_more and not is_key(text, i, i + 1):
            return False
    return True


@borrowing_kernel
def is_ref(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is bases; IUPAC letters count, for references that hold them. `text` (n,)."""
    if end <= start:
        return False
    for i in range(start, end):  # noqa: SIM110 - numba compiles no generators
        if _LETTERS[text[i]] == 0:
            return False
    return True


@borrowing_kernel
def is_alt(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is one ALT: bases, `*`, <symbolic>, or a breakend. `text` (n,)."""
    if end <= start:
        return False
    if text[start] == LESS:
        return end - start > 2 and text[end - 1] == MORE
    if end - start == 1 and text[start] == STAR:
        return True
    is_break = (text[start] == DOT or text[end - 1] == DOT) and end - start > 1
    for i in range(start, end):
        is_break = is_break or text[i] == 91 or text[i] == 93
    if is_break:
        return True
    for i in range(start, end):  # noqa: SIM110 - numba compiles no generators
        if _LETTERS[text[i]] == 0:
            return False
    return True


@borrowing_kernel
def _is_odd_alt(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether text[start:end] is bases, `*` and `-`, as some truth sets write what they cannot say.

    `text` (n,).
    """
    for i in range(start, end):
        if _LETTERS[text[i]] == 0 and text[i] != STAR and text[i] != MINUS:
            return False
    return end > start


@borrowing_kernel
def count_alts(text: NDArray[np.uint8], start: int, end: int, odd: bool) -> int:
    """ALTs of the column text[start:end], 0 for `.`; -1 where one of them is none.

    `odd`: bases mixed with `*` and `-` are taken for one.

    `text` (n,).
    """
    if end - start == 1 and text[start] == DOT:
        return 0
    count = 0
    at = start
    inside = False  # of <...>, which may hold commas
    for i in range(start, end + 1):
        if i == end or (text[i] == COMMA and not inside):
            if not is_alt(text, at, i) and not (odd and _is_odd_alt(text, at, i)):
                return -1
            count += 1
            at = i + 1
        elif text[i] == LESS:
            inside = True
        elif text[i] == MORE:
            inside = False
    return count


@borrowing_kernel
def genotype_ploidy(text: NDArray[np.uint8], start: int, end: int, n_alts: int) -> int:
    """Number of alleles of the GT text[start:end] (0/1, 1|., 0); -1 where it is none of these alleles.

    0 where the whole GT is `.`: the ploidy is not told. A leading separator (VCF 4.4) is passed over.

    `text` (n,).
    """
    if end - start == 1 and text[start] == DOT:
        return 0
    at = start + 1 if start < end and (text[start] == BAR or text[start] == SLASH) else start
    ploidy = 0
    while True:
        stop = at
        while stop < end and text[stop] != SLASH and text[stop] != BAR:
            stop += 1
        if not (stop - at == 1 and text[at] == DOT):
            allele = natural(text, at, stop)
            if allele < 0 or allele > n_alts:
                return -1
        ploidy += 1
        if stop >= end:
            return ploidy
        at = stop + 1


@borrowing_kernel
def info_end(text: NDArray[np.uint8], start: int, end: int) -> int:
    """END of the INFO text[start:end]; -1 where there is none, -2 where its value is no number.

    `text` (n,).
    """
    i = start
    while i + 4 <= end:
        if (
            text[i] == 69 and text[i + 1] == 78 and text[i + 2] == 68 and text[i + 3] == 61
            and (i == start or text[i - 1] == SEMICOLON)
        ):  # fmt: skip
            stop = i + 4
            while stop < end and text[stop] != SEMICOLON:
                stop += 1
            value = natural(text, i + 4, stop)
            return value if value > 0 else -2
        i += 1
    return -1


@borrowing_kernel
def n_genotypes(n_alleles: int, ploidy: int) -> int:
    """Genotypes of `ploidy` copies of `n_alleles` alleles: what Number=G stands for."""
    count = 1
    for k in range(ploidy):
        count = count * (n_alleles + k) // (k + 1)
    return count
