"""Kernels: columns of VCF lines; what each ALT comes down to."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.allele_kernels import normalise

_TAB, _NEWLINE, _COMMA, _DOT, _STAR = 9, 10, 44, 46, 42
# kinds of alleles
SNV, MNV, INDEL, SYMBOLIC, SPANNING, NOT_BASES, REF_DIFFERS, SAME, OUTSIDE = range(9)
_PRIME, _BASIS = np.uint64(1099511628211), np.uint64(14695981039346656037)


@kernel
def find_columns(text: NDArray[np.uint8], columns: NDArray[np.int64]) -> int:
    """Where the columns of whole VCF record lines begin.

    Args:
        text: uint8 (n,), ends with a newline. columns: int64 (m, 10), filled: first byte of CHROM to FORMAT,
            then of the newline. Without FORMAT its entry is one behind the newline.

    Returns:
        -1, or the first line of fewer than eight columns.
    """
    row, at, size = 0, 0, len(text)
    while at < size:
        columns[row, 0] = at
        k = 1
        while text[at] != _NEWLINE:
            if text[at] == _TAB and k < 9:
                columns[row, k] = at + 1
                k += 1
            at += 1
        if k < 8:
            return row
        if k == 8:
            columns[row, 8] = at + 1
        columns[row, 9] = at
        at += 1
        row += 1
    return -1


@kernel
def count_alleles(text: NDArray[np.uint8], columns: NDArray[np.int64]) -> int:
    """ALTs of all lines of `text` (n,) with `columns` (m, 10), "." left out."""
    n = 0
    for r in range(len(columns)):
        start, stop = columns[r, 4], columns[r, 5] - 1
        if stop - start == 1 and text[start] == _DOT:
            continue
        n += 1
        for i in range(start, stop):
            n += text[i] == _COMMA
    return n


@kernel
def _upper(byte: int) -> int:
    return byte - 32 if 97 <= byte <= 122 else byte


@kernel
def _is_base(byte: int) -> bool:
    return byte == 65 or byte == 67 or byte == 71 or byte == 84


@kernel
def base_code(byte: int) -> int:
    """0 to 3 of A, C, G, T in any case; 4 else."""
    byte = _upper(byte)
    if byte == 65:
        return 0
    if byte == 67:
        return 1
    if byte == 71:
        return 2
    return 3 if byte == 84 else 4


@kernel
def allele_key(
    pos: int,
    ref_len: int,
    alt: NDArray[np.uint8],
    head: int,
    tail: int,
    reference: NDArray[np.uint8],
    reference_start: int,
) -> np.uint64:
    """64-bit FNV-1a of an allele: position, REF and ALT bases. `alt` (a,), `reference` (L,)."""
    key = _BASIS
    for shift in range(0, 32, 8):
        key = (key ^ np.uint64((pos >> shift) & 255)) * _PRIME
    for i in range(ref_len):
        key = (key ^ np.uint64(reference[pos + i - reference_start])) * _PRIME
    key = (key ^ np.uint64(255)) * _PRIME
    for i in range(head, tail):
        key = (key ^ np.uint64(alt[i])) * _PRIME
    return key


@kernel
def _ref_differs(
    text: NDArray[np.uint8],
    start: int,
    length: int,
    pos: int,
    reference: NDArray[np.uint8],
    reference_start: int,
) -> bool:
    """Whether REF is not the reference's; its N and IUPAC codes agree with everything.

    `text` (n,), `reference` (L,).
    """
    for i in range(length):
        theirs = reference[pos + i - reference_start]
        if _is_base(theirs) and _upper(text[start + i]) != theirs:
            return True
    return False


@kernel
def judge_allele(
    text: NDArray[np.uint8],
    ref_start: int,
    ref_len: int,
    start: int,
    stop: int,
    pos: int,
    reference: NDArray[np.uint8],
    reference_start: int,
    max_shift: int,
    scratch: NDArray[np.uint8],
) -> tuple[int, int, int, int, np.uint64]:
    """Kind, normalised position, REF length, SNV code (REF << 2 | ALT) and key of one ALT.

    Args:
        text: REF at ref_start, ALT at start:stop. pos: 0-based. reference: ASCII, upper case, from
            reference_start on. scratch: uint8, max_shift bytes more than the longest ALT.

    `text` (n,), `reference` (L,), `scratch` (s,).
    """
    none = np.uint64(0)
    first = text[start]
    if first == _STAR and stop - start == 1:
        return SPANNING, pos, ref_len, 0, none
    n = stop - start
    for i in range(n):
        byte = _upper(text[start + i])
        if byte == 60 or byte == 62 or byte == 91 or byte == 93 or byte == _DOT:  # <DEL>, breakends
            return SYMBOLIC, pos, ref_len, 0, none
        if not _is_base(byte):
            return NOT_BASES, pos, ref_len, 0, none
    if pos < reference_start or pos + ref_len > reference_start + len(reference):
        return OUTSIDE, pos, ref_len, 0, none
    if _ref_differs(text, ref_start, ref_len, pos, reference, reference_start):
        return REF_DIFFERS, pos, ref_len, 0, none
    for i in range(n):
        scratch[max_shift + i] = _upper(text[start + i])
    head, tail, pos, ref_len = normalise(
        scratch, max_shift, max_shift + n, pos, ref_len, reference, reference_start, max_shift
    )
    key = allele_key(pos, ref_len, scratch, head, tail, reference, reference_start)
    if tail - head != ref_len:
        return INDEL, pos, ref_len, 0, key
    if ref_len > 1:
        return MNV, pos, ref_len, 0, key
    ref, alt = base_code(reference[pos - reference_start]), base_code(scratch[head])
    if ref == alt:
        return SAME, pos, ref_len, 0, none
    return (SNV if ref < 4 else NOT_BASES), pos, ref_len, ref << 2 | alt, key


@kernel
def list_alleles(
    text: NDArray[np.uint8],
    columns: NDArray[np.int64],
    pos: NDArray[np.int64],
    reference: NDArray[np.uint8],
    reference_start: int,
    max_shift: int,
    scratch: NDArray[np.uint8],
    out: NDArray[np.int64],
    keys: NDArray[np.uint64],
) -> int:
    """Every ALT of the lines, in file order.

    Args:
        pos: int64 (m,), 0-based. out: int64 (a, 7), filled: line, number of the ALT (from 0), kind,
        normalised
            position, REF length, SNV code, first byte of the ALT. keys: uint64 (a,), filled.
    """
    n = 0
    for r in range(len(columns)):
        ref_start, ref_len = columns[r, 3], columns[r, 4] - 1 - columns[r, 3]
        at, stop = columns[r, 4], columns[r, 5] - 1
        if stop - at == 1 and text[at] == _DOT:
            continue
        number = 0
        while at <= stop:
            end = at
            while end < stop and text[end] != _COMMA:
                end += 1
            kind, place, length, code, key = judge_allele(
                text, ref_start, ref_len, at, end, pos[r], reference, reference_start, max_shift, scratch
            )
            out[n, 0], out[n, 1], out[n, 2], out[n, 3] = r, number, kind, place
            out[n, 4], out[n, 5], out[n, 6] = length, code, at
            keys[n] = key
            n += 1
            number += 1
            at = end + 1
    return n


@kernel
def splice(
    text: NDArray[np.uint8],
    columns: NDArray[np.int64],
    id_offset: NDArray[np.int64],
    info_offset: NDArray[np.int64],
    pool: NDArray[np.uint8],
    out: NDArray[np.uint8],
    starts: NDArray[np.int64],
) -> int:
    """The lines with a new ID and more INFO where there is one.

    Args:
        id_offset, info_offset: int64 (m, 2), begin and end within `pool`; empty: leave the column.
            An INFO of "."
            is replaced. pool: uint8. out: uint8, long enough. starts: int64 (m,), first byte of each new
            line.

    Returns:
        bytes of `out` used.
    """
    w = 0
    for r in range(len(columns)):
        starts[r] = w
        at = columns[r, 0]
        if id_offset[r, 1] > id_offset[r, 0]:
            w = _copy(text, at, columns[r, 2], out, w)
            w = _copy(pool, id_offset[r, 0], id_offset[r, 1], out, w)
            at = columns[r, 3] - 1
        if info_offset[r, 1] > info_offset[r, 0]:
            info = columns[r, 7]
            end = min(columns[r, 8] - 1, columns[r, 9])
            if end - info == 1 and text[info] == _DOT:
                w = _copy(text, at, info, out, w)
            else:
                w = _copy(text, at, end, out, w)
                out[w] = 59  # ;
                w += 1
            w = _copy(pool, info_offset[r, 0], info_offset[r, 1], out, w)
            at = end
        w = _copy(text, at, columns[r, 9] + 1, out, w)
    return w


@kernel
def _copy(source: NDArray[np.uint8], start: int, end: int, out: NDArray[np.uint8], w: int) -> int:
    """source[start:end] of `source` (n,) to out[w:] of `out` (m,); the new end."""
    for i in range(start, end):
        out[w] = source[i]
        w += 1
    return w
