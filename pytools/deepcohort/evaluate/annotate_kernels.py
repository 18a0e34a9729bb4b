"""Compared records as VCF text."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_FNV_OFFSET = np.uint64(14695981039346656037)
_FNV_PRIME = np.uint64(1099511628211)
TAB, NEWLINE, DOT, COLON = 9, 10, 46, 58


class Words(NamedTuple):
    """A vocabulary. text: uint8 (m,), all words. starts: int64 (W + 1,), where each begins."""

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]


class Side(NamedTuple):
    """Compared records of one side: columns of a RecordTable, R rows, and the rows to write.

    rows: int64 (N,), by position. word, why: uint8 (R,), of BD:BK and BI in the vocabulary. sync: int32 (R,).
    qual: int64 (R,), QUAL x 100, -1: absent.
    """

    rows: NDArray[np.int64]
    pool: NDArray[np.uint8]
    pool_offset: NDArray[np.int64]
    pos: NDArray[np.int32]
    ref_len: NDArray[np.int32]
    alt_len: NDArray[np.int32]
    gt_len: NDArray[np.int32]
    word: NDArray[np.uint8]
    why: NDArray[np.uint8]
    sync: NDArray[np.int32]
    qual: NDArray[np.int64]


@kernel
def allele_keys(
    pool: NDArray[np.uint8],
    pool_offset: NDArray[np.int64],
    pos: NDArray[np.int32],
    ref_len: NDArray[np.int32],
    alt_len: NDArray[np.int32],
    rows: NDArray[np.int64],
) -> NDArray[np.uint64]:
    """64-bit FNV-1a hash of (position, REF, ALT) of `rows`, uint64 (N,)."""
    out = np.empty(len(rows), dtype=np.uint64)
    for k in range(len(rows)):
        i = rows[k]
        value = _FNV_OFFSET
        rest = np.uint64(pos[i])
        for _ in range(4):
            value = (value ^ (rest & np.uint64(255))) * _FNV_PRIME
            rest >>= np.uint64(8)
        for at in range(pool_offset[i], pool_offset[i] + ref_len[i] + 1 + alt_len[i]):
            value = (value ^ np.uint64(pool[at])) * _FNV_PRIME
        out[k] = value
    return out


@kernel
def _put_bytes(out: NDArray[np.uint8], n: int, source: NDArray[np.uint8], start: int, length: int) -> int:
    """source[start:start + length] of `source` (m,) into `out` (B,); the new fill."""
    for k in range(length):
        out[n + k] = source[start + k]
    return n + length


@kernel
def _put_number(out: NDArray[np.uint8], n: int, value: int) -> int:
    """Decimal digits of `value` into `out` (B,); the new fill."""
    if value < 0:
        out[n] = 45
        n += 1
        value = -value
    digits = 1
    rest = value
    while rest >= 10:
        rest //= 10
        digits += 1
    for k in range(digits - 1, -1, -1):
        out[n + k] = 48 + value % 10
        value //= 10
    return n + digits


@kernel
def _put_word(out: NDArray[np.uint8], n: int, words: Words, index: int) -> int:
    """Word number `index` into `out` (B,); the new fill."""
    start = words.starts[index]
    return _put_bytes(out, n, words.text, start, words.starts[index + 1] - start)


@kernel
def _put_sample(out: NDArray[np.uint8], n: int, there: bool, side: Side, i: int, words: Words) -> int:
    """GT:BD:BK:BI:QQ of record `i` of one side into `out` (B,); dots if the record is not there."""
    if not there:
        for k in range(9):
            out[n + k] = DOT if k % 2 == 0 else COLON
        return n + 9
    gt_start = side.pool_offset[i] + side.ref_len[i] + 1 + side.alt_len[i]
    if side.gt_len[i] == 0:
        out[n] = DOT
        n += 1
    else:
        n = _put_bytes(out, n, side.pool, gt_start, side.gt_len[i])
    out[n] = COLON
    n = _put_word(out, n + 1, words, side.word[i])
    out[n] = COLON
    n = _put_word(out, n + 1, words, side.why[i])
    out[n] = COLON
    return _put_quality(out, n + 1, side.qual[i])


@kernel
def _put_quality(out: NDArray[np.uint8], n: int, qual: int) -> int:
    """QUAL, given times 100, with two decimals into `out` (B,); a dot below 0."""
    if qual < 0:
        out[n] = DOT
        return n + 1
    n = _put_number(out, n, qual // 100)
    if qual % 100:
        out[n] = DOT
        out[n + 1] = 48 + (qual % 100) // 10
        out[n + 2] = 48 + qual % 10
        n += 3
    return n


@kernel
def _order(calls: Side, i: int, truth: Side, j: int) -> int:
    """-1: record `i` of the calls (R,) comes first; 1: record `j` of the truth (R,); 0: they share a line."""
    if calls.pos[i] != truth.pos[j]:
        return -1 if calls.pos[i] < truth.pos[j] else 1
    same = calls.ref_len[i] == truth.ref_len[j] and calls.alt_len[i] == truth.alt_len[j]
    k = 0
    while same and k < calls.ref_len[i] + 1 + calls.alt_len[i]:
        same = calls.pool[calls.pool_offset[i] + k] == truth.pool[truth.pool_offset[j] + k]
        k += 1
    if same:
        return 0
    return 1 if truth.ref_len[j] <= calls.ref_len[i] else -1


@kernel
def _put_site(out: NDArray[np.uint8], n: int, contig: NDArray[np.uint8], side: Side, i: int) -> int:
    """CHROM (c,) to INFO of record `i` into `out` (B,), with the tab behind; QUAL and FILTER are of no
    side.
    """
    n = _put_bytes(out, n, contig, 0, len(contig))
    out[n] = TAB
    n = _put_number(out, n + 1, side.pos[i] + 1)
    out[n] = TAB
    out[n + 1] = DOT
    out[n + 2] = TAB
    n = _put_bytes(out, n + 3, side.pool, side.pool_offset[i], side.ref_len[i] + 1 + side.alt_len[i])
    for k in range(3):
        out[n] = TAB
        n += 1
        if k < 2:
            out[n] = DOT
            n += 1
    if side.sync[i] > 0:
        out[n], out[n + 1], out[n + 2] = 66, 83, 61
        n = _put_number(out, n + 3, side.sync[i])
    else:
        out[n] = DOT
        n += 1
    out[n] = TAB
    return n + 1


@kernel
def _capacity(contig_bytes: int, side: Side) -> int:
    """Bytes that suffice for the lines of one side, whose rows are (N,)."""
    size = 32
    for i in side.rows:
        size += contig_bytes + side.ref_len[i] + side.alt_len[i] + side.gt_len[i] + 160
    return size


@kernel
def format_contig(contig: NDArray[np.uint8], words: Words, calls: Side, truth: Side) -> NDArray[np.uint8]:
    """VCF lines of one contig, uint8 (n,); records with equal POS, REF and ALT share a line.

    Args:
        contig: uint8 (c,), its name. words: the last is FORMAT.
    """
    out = np.empty(_capacity(len(contig), calls) + _capacity(len(contig), truth), dtype=np.uint8)
    n = 0
    a = b = 0
    while a < len(calls.rows) or b < len(truth.rows):
        use_c = a < len(calls.rows)
        use_t = b < len(truth.rows)
        i = calls.rows[a] if use_c else 0
        j = truth.rows[b] if use_t else 0
        if use_c and use_t:
            order = _order(calls, i, truth, j)
            use_c, use_t = order <= 0, order >= 0
        n = _put_site(out, n, contig, calls, i) if use_c else _put_site(out, n, contig, truth, j)
        n = _put_word(out, n, words, len(words.starts) - 2)
        out[n] = TAB
        n = _put_sample(out, n + 1, use_t, truth, j, words)
        out[n] = TAB
        n = _put_sample(out, n + 1, use_c, calls, i, words)
        out[n] = NEWLINE
        n += 1
        a += use_c
        b += use_t
    return out[:n]
