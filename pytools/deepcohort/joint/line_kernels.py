"""Kernels: a line of gVCF text cut into columns, and what ALT, FILTER and INFO say."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel
from deepcohort.formats.vcf_value_kernels import is_alt, natural
from deepcohort.joint import columns as c

_TAB, _NEWLINE, _RETURN = 9, 10, 13
_ZERO, _MINUS, _LESS, _MORE, _STAR, _EQUAL = 48, 45, 60, 62, 42, 61
_COMMA, _DOT, _SEMICOLON = 44, 46, 59
_KIND, _N_ALT, _MQ_SQ, _MQ_N, _X = c.KIND, c.N_ALT, c.MQ_SQ, c.MQ_N, c.X
_BLOCK, _VARIANT = c.BLOCK, c.VARIANT
_RANKS, _NO_RANK = c.RANKS, c.NO_RANK
_INT_LIMIT = 1_000_000_000
_MAX_ALTS = 1_000  # the genotyping kernels hold as many

# eight bytes at a time: the same constant in each
_HIGHS, _LOWS = np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
_ONES, _BLANKS = np.uint64(0x0101010101010101), np.uint64(0x2020202020202020)
_NUMBER_OF_BYTE = np.uint64(0x0001020304050607)  # times 1 << 8 k it has k in its highest byte
_ONE, _SEVEN, _TOP = np.uint64(1), np.uint64(7), np.uint64(56)


@borrowing_kernel
def last_word(text: NDArray[np.uint8]) -> np.uint64:
    """The bytes of `text` behind its last whole word of eight, and blanks. `text` (n,)."""
    first = len(text) // 8 * 8
    word = _BLANKS
    for i in range(first, len(text)):
        shift = np.uint64(8 * (i - first))
        word ^= (np.uint64(text[i]) ^ np.uint64(32)) << shift
    return word


@borrowing_kernel
def _control_bytes(word: np.uint64) -> np.uint64:
    """The high bit of each byte of `word` that is a control character, DEL among them."""
    below = ~((word | _HIGHS) - _BLANKS)
    deletes = (word & _LOWS) + _ONES
    return (below | deletes) & ~word & _HIGHS


@borrowing_kernel
def cut_line(
    text: NDArray[np.uint8], words: NDArray[np.uint64], rest: np.uint64, at: int, tabs: NDArray[np.int64]
) -> tuple[int, int]:
    """Find the TABs of the line that begins at `at`, of which `tabs` gets as many as it has room for.

    Args:
        words: `text` in whole words of eight bytes, lowest byte first; `rest`: `last_word` of it.

    Returns:
        Number of TABs, -1 where the line holds a byte that no VCF has; where the line ends (its newline,
        or the end of `text`).

    `text` (n,), `words` (n / 8,), `tabs` (k,).
    """
    n = 0
    number = at // 8
    word = words[number] if number < len(words) else rest
    found = _control_bytes(word) >> np.uint64(8 * (at % 8)) << np.uint64(8 * (at % 8))
    while True:
        while found != 0:
            lowest = found & (~found + _ONE)
            found ^= lowest
            i = 8 * number + np.int64(((lowest >> _SEVEN) * _NUMBER_OF_BYTE) >> _TOP)
            byte = text[i]
            if byte == _TAB:
                if n < len(tabs):
                    tabs[n] = i
                n += 1
            elif byte == _NEWLINE:
                return n, int(i)
            elif byte != _RETURN:
                return -1, int(i)
        number += 1
        if number >= len(words):
            if number > len(words):
                return n, len(text)
            word = rest
        else:
            word = words[number]
        found = _control_bytes(word)


@borrowing_kernel
def count_bytes(text: NDArray[np.uint8]) -> tuple[int, int]:
    """Newlines and commas of `text`. `text` (n,)."""
    newlines = commas = 0
    for i in range(len(text)):
        newlines += text[i] == _NEWLINE
        commas += text[i] == _COMMA
    return newlines, commas


@borrowing_kernel
def read_int(text: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """Integer at `at` (0 and no progress if none is there) and where it ends; cut at 1e9. `text` (n,)."""
    negative = at < stop and text[at] == _MINUS
    if negative:
        at += 1
    value = 0
    while at < stop:
        digit = text[at] - _ZERO
        if digit < 0 or digit > 9:
            break
        if value < _INT_LIMIT:
            value = value * 10 + digit
        at += 1
    return (-value if negative else value), at


@borrowing_kernel
def is_word(text: NDArray[np.uint8], at: int, stop: int, word: NDArray[np.uint8]) -> bool:
    """Whether text[at:stop] is `word`. `text` (n,), `word` (w,)."""
    if stop - at != len(word):
        return False
    for i in range(len(word)):  # noqa: SIM110 - numba compiles no generators
        if text[at + i] != word[i]:
            return False
    return True


_W_RAW_MQ = np.frombuffer(b"RAW_MQandDP", dtype=np.uint8)
_W_MQ = np.frombuffer(b"MQ", dtype=np.uint8)
_W_BASE_Q = np.frombuffer(b"BaseQRankSum", dtype=np.uint8)
_W_MQ_RANK = np.frombuffer(b"MQRankSum", dtype=np.uint8)
_W_READ_POS = np.frombuffer(b"ReadPosRankSum", dtype=np.uint8)
_W_PASS = np.frombuffer(b"PASS", dtype=np.uint8)
_W_REF_CALL = np.frombuffer(b"RefCall", dtype=np.uint8)
_W_LOW_QUAL = np.frombuffer(b"LowQual", dtype=np.uint8)
_W_DISPUTED = np.frombuffer(b"Disputed", dtype=np.uint8)
_W_NO_CALL = np.frombuffer(b"NoCall", dtype=np.uint8)


@borrowing_kernel
def _read_milli(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Decimal number text[at:stop] in thousandths, cut at 1e6; NO_RANK where it is none. `text` (n,)."""
    negative = at < stop and text[at] == _MINUS
    if negative:
        at += 1
    value, decimals, digits = 0, -1, 0
    while at < stop:
        digit = text[at] - _ZERO
        if text[at] == _DOT and decimals < 0:
            decimals = 0
        elif digit < 0 or digit > 9:
            return _NO_RANK
        else:
            digits += 1
            if decimals < 3 and value < _INT_LIMIT:
                value = value * 10 + digit
                decimals += 1 if decimals >= 0 else 0
        at += 1
    if digits == 0:
        return _NO_RANK
    for _ in range(3 - max(decimals, 0)):
        value *= 10
    value = min(value, _INT_LIMIT)
    return -value if negative else value


@borrowing_kernel
def _read_info_value(text: NDArray[np.uint8], at: int, equals: int, end: int, row: NDArray[np.int32]) -> None:
    """Take MQ_SQ and MQ_N from RAW_MQandDP=sum,n or from MQ=x (weight 0: the record's DP), and RANKS.

    `text` (n,), `row` (N_COLUMNS,).
    """
    if is_word(text, at, equals, _W_RAW_MQ):
        square, after = read_int(text, equals + 1, end)
        count, _ = read_int(text, after + 1, end)
        row[_MQ_SQ], row[_MQ_N] = square, count
    elif is_word(text, at, equals, _W_MQ) and row[_MQ_N] < 0:
        whole, _ = read_int(text, equals + 1, end)
        row[_MQ_SQ], row[_MQ_N] = whole, 0
    elif is_word(text, at, equals, _W_BASE_Q):
        row[_RANKS] = _read_milli(text, equals + 1, end)
    elif is_word(text, at, equals, _W_MQ_RANK):
        row[_RANKS + 1] = _read_milli(text, equals + 1, end)
    elif is_word(text, at, equals, _W_READ_POS):
        row[_RANKS + 2] = _read_milli(text, equals + 1, end)


@borrowing_kernel
def read_info(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> int:
    """END of the INFO text[at:stop]: -1 where there is none, -2 where it is no number.

    MQ_SQ, MQ_N and RANKS of a variant's `row` are filled from what it says of them.

    `text` (n,), `row` (N_COLUMNS,).
    """
    last = -1
    while at < stop:
        end = equals = at
        while end < stop and text[end] != _SEMICOLON:
            if text[end] == _EQUAL and equals == at:
                equals = end
            end += 1
        if equals == at + 3 and last == -1 and text[at] == 69 and text[at + 1] == 78 and text[at + 2] == 68:
            last = natural(text, equals + 1, end)
            last = last if last > 0 else -2
        elif equals > at and row[_KIND] == _VARIANT:
            _read_info_value(text, at, equals, end, row)
        at = end + 1
    return last


@borrowing_kernel
def filter_bars(text: NDArray[np.uint8], at: int, stop: int) -> bool:
    """Whether FILTER rejects the record; RefCall, Disputed, NoCall, LowQual leave it to the PLs.

    `text` (n,).
    """
    if stop - at == 1 and text[at] == _DOT:
        return False
    while at < stop:
        word_end = at
        while word_end < stop and text[word_end] != _SEMICOLON:
            word_end += 1
        known = (
            is_word(text, at, word_end, _W_PASS)
            or is_word(text, at, word_end, _W_REF_CALL)
            or is_word(text, at, word_end, _W_LOW_QUAL)
            or is_word(text, at, word_end, _W_NO_CALL)
            or is_word(text, at, word_end, _W_DISPUTED)
        )
        if not known:
            return True
        at = word_end + 1
    return False


@borrowing_kernel
def alt_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the ALT at `at` of text[:stop] ends: at a comma, but none within <...>. `text` (n,)."""
    inside = False
    while at < stop and (inside or text[at] != _COMMA):
        inside = (inside or text[at] == _LESS) and text[at] != _MORE
        at += 1
    return at


@borrowing_kernel
def read_alts(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> bool:
    """Count the ALTs of text[at:stop]; set N_ALT, X and KIND. False where one of them is no allele.

    `text` (n,), `row` (N_COLUMNS,).
    """
    row[_X] = -1
    if stop - at == 1 and text[at] == _DOT:
        row[_N_ALT], row[_KIND] = 0, _BLOCK
        return True
    count = 0
    solid = 0
    while True:
        end = alt_end(text, at, stop)
        if not is_alt(text, at, end):
            return False
        count += 1
        if text[at] == _LESS:
            # <NON_REF>, <*> and bcftools 1.2's <X> stand for any allele not seen; others are not genotyped
            is_x = text[at + 1] == 88 and text[at + 2] == _MORE
            if text[at + 1] == _STAR or is_x or (text[at + 1] == 78 and text[at + 2] == 79):
                row[_X] = count
            else:
                solid += 1
        else:
            solid += 1
        at = end + 1
        if end >= stop:
            break
    row[_N_ALT] = count
    row[_KIND] = _VARIANT if solid else _BLOCK
    return count <= _MAX_ALTS
