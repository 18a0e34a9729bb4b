"""Numbers as VCF text, written into a byte buffer."""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_ZERO, _DOT, _MINUS, _COMMA, _SLASH, _E = 48, 46, 45, 44, 47, 101


@kernel
def put_bytes(out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, stop: int) -> int:
    """Copy text[start:stop] of `text` (n,) to `out` (B,); returns the next free index, as all writers here
    do.
    """
    for i in range(start, stop):
        out[at] = text[i]
        at += 1
    return at


@kernel
def put_int(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Decimal integer to `out` (B,)."""
    if value < 0:
        out[at] = _MINUS
        at += 1
        value = -value
    if value < 10:
        out[at] = _ZERO + value
        return at + 1
    size = 1
    limit = 10
    while value >= limit:
        limit *= 10
        size += 1
    for i in range(size - 1, -1, -1):
        out[at + i] = _ZERO + value % 10
        value //= 10
    return at + size


@kernel
def put_float(out: NDArray[np.uint8], at: int, value: float, digits: int) -> int:
    """`digits` significant digits: fixed point from 1e-4 to 1e15, else scientific; no trailing zeros.

    `out` (B,).
    """
    if not math.isfinite(value):
        out[at] = _DOT
        return at + 1
    if value < 0.0:
        out[at] = _MINUS
        at += 1
        value = -value
    if value == 0.0:
        out[at] = _ZERO
        return at + 1
    exponent = math.floor(math.log10(value))
    power = digits - 1 - exponent
    # in two steps where one is beyond what a float holds
    mantissa = round(value * 10.0**power if power < 300 else value * 1e30 * 10.0 ** (power - 30))
    if mantissa >= 10**digits:
        mantissa //= 10
        exponent += 1
    while mantissa % 10 == 0 and digits > 1:
        mantissa //= 10
        digits -= 1
    if exponent < -4:
        lead = mantissa // 10 ** (digits - 1)
        out[at] = _ZERO + lead
        at += 1
        if digits > 1:
            out[at] = _DOT
            at = _put_padded(out, at + 1, mantissa - lead * 10 ** (digits - 1), digits - 1)
        out[at] = _E
        out[at + 1] = _MINUS
        return _put_padded(out, at + 2, -exponent, 2 if exponent > -100 else 3)
    decimals = digits - 1 - exponent
    if decimals <= 0:
        return put_int(out, at, mantissa * 10 ** (-decimals))
    unit = 10**decimals
    at = put_int(out, at, mantissa // unit)
    out[at] = _DOT
    return _put_padded(out, at + 1, mantissa % unit, decimals)


@kernel
def _put_padded(out: NDArray[np.uint8], at: int, value: int, width: int) -> int:
    """Decimal integer of `width` digits, zeros before it, to `out` (B,)."""
    for i in range(width - 1, -1, -1):
        out[at + i] = _ZERO + value % 10
        value //= 10
    return at + width


@kernel
def put_gt(out: NDArray[np.uint8], at: int, first: int, second: int) -> int:
    """Unphased genotype to `out` (B,); -1 is missing, second -2 haploid."""
    if first < 0:
        out[at] = _DOT
        at += 1
    else:
        at = put_int(out, at, first)
    if second == -2:
        return at
    out[at] = _SLASH
    at += 1
    if second < 0:
        out[at] = _DOT
        return at + 1
    return put_int(out, at, second)


@kernel
def put_int_or_dot(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Integer, or `.` if negative, to `out` (B,)."""
    if value < 0:
        out[at] = _DOT
        return at + 1
    return put_int(out, at, value)


@kernel
def put_ints(out: NDArray[np.uint8], at: int, values: NDArray[np.int32], n: int, cap: int) -> int:
    """Comma-separated integers values[:n], each cut at `cap`; `.` if the first is negative.

    `out` (B,), `values` (m,).
    """
    if values[0] < 0:
        out[at] = _DOT
        return at + 1
    for i in range(n):
        if i:
            out[at] = _COMMA
            at += 1
        at = put_int(out, at, min(values[i], cap))
    return at
