"""Kernel: phase written into lines of a single-sample VCF."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_TAB, _NEWLINE, _COLON, _SLASH, _BAR, _ZERO, _LESS = 9, 10, 58, 47, 124, 48, 60
_KEYS = np.frombuffer(b":PS:PQ", np.uint8).copy()
_FORMAT, _ALT = 8, 4
_MOST_ADDED = 40  # bytes of one line


@kernel
def _put_int(out: NDArray[np.uint8], n: int, value: int) -> int:
    """Decimal digits of `value` to `out` (B,); the new fill."""
    digits, rest = 1, value
    while rest >= 10:
        digits += 1
        rest //= 10
    for i in range(digits):
        out[n + digits - 1 - i] = _ZERO + value % 10
        value //= 10
    return n + digits


@kernel
def _allele_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the digits at `at` of `text` (n,) end."""
    while at < stop and _ZERO <= text[at] < _ZERO + 10:
        at += 1
    return at


@kernel
def phase_lines(
    text: NDArray[np.uint8],
    lines: NDArray[np.int64],
    pos: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    block: NDArray[np.int64],
    quality: NDArray[np.int64],
) -> tuple[NDArray[np.uint8], NDArray[np.int64], int, int]:
    """Lines with GT `a|b` and FORMAT PS, PQ where `pos` says so; blocks of a gVCF stay as they are.

    Args:
        text: uint8, whole lines. lines: int64 (n, 3), see `Segment`. pos, ...: int64 (P,), see `Phases`.

    Returns:
        (text uint8, lines, sites phased, line that should have an unphased heterozygous GT and has none, or
        -1).
    """
    out = np.empty(len(text) + _MOST_ADDED * len(pos), np.uint8)
    new_lines = lines.copy()
    n = p = n_phased = 0
    for i in range(len(lines)):
        begin = lines[i, 2]
        stop = lines[i + 1, 2] if i + 1 < len(lines) else len(text)
        new_lines[i, 2] = n
        while p < len(pos) and pos[p] < lines[i, 0]:
            p += 1
        wanted = p < len(pos) and pos[p] == lines[i, 0]
        at, field = begin, 0
        alt = begin
        while wanted and field < _FORMAT:
            if text[at] == _TAB:
                field += 1
                if field == _ALT:
                    alt = at + 1
            at += 1
        if not wanted or text[alt] == _LESS:
            out[n : n + stop - begin] = text[begin:stop]
            n += stop - begin
            continue
        keys_end = at
        while text[keys_end] != _TAB:
            keys_end += 1
        one = keys_end + 1
        one_end = _allele_end(text, one, stop)
        two = one_end + 1
        two_end = _allele_end(text, two, stop)
        if (
            one_end == one or two_end == two or text[one_end] != _SLASH
            or (text[two_end] != _COLON and text[two_end] != _NEWLINE)
        ):  # fmt: skip
            return out[:n], new_lines, n_phased, i
        for a, b in ((begin, keys_end), (-1, 0), (keys_end, one)):
            if a < 0:
                out[n : n + len(_KEYS)] = _KEYS
                n += len(_KEYS)
            else:
                out[n : n + b - a] = text[a:b]
                n += b - a
        if flipped[p]:
            one, one_end, two, two_end_first = two, two_end, one, one_end
        else:
            two_end_first = two_end
        rest = max(one_end, two_end_first)
        out[n : n + one_end - one] = text[one:one_end]
        n += one_end - one
        out[n] = _BAR
        n += 1
        out[n : n + two_end_first - two] = text[two:two_end_first]
        n += two_end_first - two
        out[n : n + stop - 1 - rest] = text[rest : stop - 1]
        n += stop - 1 - rest
        out[n] = _COLON
        n = _put_int(out, n + 1, block[p] + 1)
        out[n] = _COLON
        n = _put_int(out, n + 1, quality[p])
        out[n] = _NEWLINE
        n += 1
        n_phased += 1
    return out[:n], new_lines, n_phased, -1
