"""Pixels of candidates: which reads are shown, and what each column says."""
# ruff: noqa: SIM109 - chains of == compile to a jump, tuples of constants do not

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Entries, Int, Window
from deepcohort.core.numba_options import borrowing_kernel, kernel

# BAM operation codes
OP_M, OP_I, OP_D, OP_N, OP_S, OP_H, OP_P, OP_EQ, OP_X = range(9)

_GROUPS = 4  # order of rows: ALT, REF, OTHER, NONE


class Cursors(NamedTuple):
    """Where the walk along each of R reads stood at the last site, each int64 (R,).

    So a long read with thousands of operations is walked once, not once per site. Sites must come in
    ascending order.

    Attributes:
        op: row of the CIGAR operation. ref: contig position and query: bases of the read where it begins.
    """

    op: NDArray[np.int64]
    ref: NDArray[np.int64]
    query: NDArray[np.int64]


@kernel
def start_cursors(reads: AlignedReads) -> Cursors:
    """Cursors at each read's first operation."""
    n = len(reads.pos)
    return Cursors(reads.cigar_offset[:n].copy(), reads.pos.copy(), np.zeros(n, dtype=np.int64))


@borrowing_kernel
def advance_cursor(row: Int, start: Int, reads: AlignedReads, cursors: Cursors) -> None:
    """Move the cursor of `row` past the operations that end at or left of contig position `start`."""
    k = cursors.op[row]
    last = reads.cigar_offset[row + 1]
    ref = cursors.ref[row]
    query = cursors.query[row]
    while k < last:
        op = reads.cigar_op[k]
        length = reads.cigar_len[k]
        if op == OP_M or op == OP_EQ or op == OP_X:
            if ref + length > start:
                break
            ref += length
            query += length
        elif op == OP_D or op == OP_N:
            if ref + length > start:
                break
            ref += length
        elif op == OP_I:
            if ref - 1 >= start:
                break
            query += length
        elif op == OP_S:
            # a leading clip reaches left of `ref`, a trailing one right of it
            if query > 0 or ref > start:
                break
            query += length
        k += 1
    cursors.op[row] = k
    cursors.ref[row] = ref
    cursors.query[row] = query


@kernel
def _keep_smallest_hashes(
    rows: NDArray[np.int64], count: Int, read: NDArray[np.int32], name_hash: NDArray[np.uint64], keep: Int
) -> None:
    """Move the `keep` entries of smallest name hash to the front of rows[:count], in old order.

    `rows`: int64, entries. `read`: int32 (M,), of each entry. `name_hash`: uint64 (R,).
    """
    hashes = np.empty(count, dtype=np.uint64)
    for i in range(count):
        hashes[i] = name_hash[read[rows[i]]]
    order = np.argsort(hashes, kind="mergesort")[:keep]
    order.sort()
    for i in range(keep):
        rows[i] = rows[order[i]]


@kernel
def _share_rows(
    counts: NDArray[np.int64], total: Int, max_rows: Int, min_group: Int, quota: NDArray[np.int64]
) -> None:
    """How many of each group's `counts` int64 (4,), of `total` entries, are shown: to `quota` int64 (4,).

    ALT gets its share of `max_rows` but at least `min_group` (or all it has), so do the rest.
    """
    n_alt = counts[0]
    n_rest = total - n_alt
    share = (max_rows * n_alt + total // 2) // total
    share = max(share, min(n_alt, min_group))
    share = min(share, max_rows - min(n_rest, min_group))
    quota[0] = share
    quota_left = max_rows - share
    rest_left = n_rest
    for group in range(1, _GROUPS):
        n = counts[group]
        quota[group] = 0 if rest_left == 0 else (quota_left * n + rest_left - 1) // rest_left
        rest_left -= n
        quota_left -= quota[group]


@kernel
def choose_rows(
    first: Int,
    last: Int,
    entries: Entries,
    name_hash: NDArray[np.uint64],
    max_rows: Int,
    min_group: Int,
    chosen: NDArray[np.int64],
    scratch: NDArray[np.int64],
) -> Int:
    """Entries of one candidate to draw: returns how many were put in `chosen` (max_rows,) int64.

    `first:last` are its entries. ALT entries come first, then REF, OTHER, NONE, each group in the batch's
    order. Where they are too many, ALT gets its share of rows but at least `min_group` (or all it has), so
    do the rest; the smallest name hashes (uint64 (R,)) stay. `scratch`: int64, at least (4, last - first).
    """
    counts = np.zeros(_GROUPS, dtype=np.int64)
    for e in range(first, last):
        a = entries.allele[e]
        group = 0 if a == 1 else (1 if a == 0 else (2 if a == 2 else 3))
        scratch[group, counts[group]] = e
        counts[group] += 1
    if last - first > max_rows:
        quota = np.empty(_GROUPS, dtype=np.int64)
        _share_rows(counts, last - first, max_rows, min_group, quota)
        for group in range(_GROUPS):
            if quota[group] < counts[group]:
                _keep_smallest_hashes(scratch[group], counts[group], entries.read, name_hash, quota[group])
                counts[group] = quota[group]
    n = 0
    for group in range(_GROUPS):
        for i in range(counts[group]):
            chosen[n] = scratch[group, i]
            n += 1
    return n


@borrowing_kernel
def _paint_bases(
    picture: NDArray[np.uint8],
    row: Int,
    first_base: Int,
    origin: Int,
    a: Int,
    b: Int,
    start: Int,
    clipped: bool,
    reads: AlignedReads,
    window: Window,
) -> None:
    """Paint base, quality and mismatch of the contig positions [a, b).

    `picture`: uint8 (channels, rows, columns) from contig position `start` on. reads.seq[first_base] lies
    at `origin`.
    """
    for p in range(a, b):
        c = p - start
        q = first_base + (p - origin)
        code = reads.seq[q]
        picture[0, row, c] = 32 if code > 3 else min(64 * (code + 1), 255)
        picture[1, row, c] = 6 * min(reads.qual[q], 42)
        r = p - window.start
        differs = 0 <= r < len(window.reference) and code < 4 and window.reference[r] != code
        if clipped:
            picture[6, row, c] = 180 if differs else 100
        elif differs:
            picture[6, row, c] = 255


@borrowing_kernel
def _paint_read(
    picture: NDArray[np.uint8],
    row: Int,
    read: Int,
    start: Int,
    reads: AlignedReads,
    window: Window,
    cursors: Cursors,
) -> tuple[Int, Int]:
    """Paint base, quality, mismatch and indel planes of one read; covered columns, first and stop.

    `picture`: uint8 (channels, rows, columns), whose columns begin at contig position `start`.
    """
    width = picture.shape[2]
    end = start + width
    low: Int = width
    high: Int = 0
    k, ref, query = cursors.op[read], cursors.ref[read], cursors.query[read]
    while k < reads.cigar_offset[read + 1] and (ref < end or reads.cigar_op[k] == OP_I):
        kind = reads.cigar_op[k]
        length = reads.cigar_len[k]
        clipped = kind == OP_S
        a = b = start
        if clipped or kind == OP_M or kind == OP_EQ or kind == OP_X:
            origin = ref - length if clipped and query == 0 else ref
            a, b = max(origin, start), min(origin + length, end)
            _paint_bases(
                picture, row, reads.seq_offset[read] + query, origin, a, b, start, clipped, reads, window
            )
            query += length
            if not clipped:
                ref += length
        elif kind == OP_D or kind == OP_N:
            a, b = max(ref, start), min(ref + length, end)
            for p in range(a, b):
                picture[7, row, p - start] = 120
            ref += length
        elif kind == OP_I:
            if start < ref <= end:
                a, b = ref - 1, ref
                picture[7, row, a - start] = 150 + 4 * min(length, 26)
            query += length
        if a < b:
            low, high = min(low, a - start), max(high, b - start)
        if clipped and query > length:
            break  # a trailing clip ends the read
        k += 1
    return low, high


@kernel
def _paint_site(
    picture: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    start: Int,
    reads: AlignedReads,
    flag: NDArray[np.uint16],
    entries: Entries,
    window: Window,
    cursors: Cursors,
) -> None:
    """Fill `picture` uint8 (channels, rows, columns) with the entries `chosen` int64 (n,), one row each.

    `start`: contig position of the first column. `flag`: uint16 (R,), SAM FLAG.
    """
    picture[:] = 0
    for row in range(len(chosen)):
        e = chosen[row]
        r = entries.read[e]
        advance_cursor(r, start, reads, cursors)
        low, high = _paint_read(picture, row, r, start, reads, window, cursors)
        a = entries.allele[e]
        support = 255 if a == 1 else (85 if a == 0 else (170 if a == 2 else 40))
        cut = min(max(entries.ratio[e], np.float32(-4.0)), np.float32(4.0))
        if low < high:
            picture[2, row, low:high] = 4 * min(reads.mapq[r], 60)
            picture[3, row, low:high] = 128 if flag[r] & 16 else 255
            picture[4, row, low:high] = support
            picture[5, row, low:high] = np.uint8(128.0 + 30.0 * cut + 0.5)


@kernel
def paint_candidates(
    pixels: NDArray[np.uint8],
    selected: NDArray[np.int64],
    flank_bp: int,
    min_group: int,
    cand_pos: NDArray[np.int64],
    entries: Entries,
    reads: AlignedReads,
    name_hash: NDArray[np.uint64],
    flag: NDArray[np.uint16],
    window: Window,
) -> None:
    """Fill `pixels` uint8 (B, channels, rows, columns) with the candidates `selected` int64 (B,), ascending.

    Args:
        flank_bp: columns on each side of POS. min_group: see `choose_rows`.
        cand_pos: int64 (N,), contig positions. name_hash: uint64 (R,). flag: uint16 (R,), SAM FLAG.
    """
    n_rows = pixels.shape[2]
    deepest = 1
    for i in selected:
        deepest = max(deepest, entries.offset[i + 1] - entries.offset[i])
    scratch = np.empty((_GROUPS, deepest), dtype=np.int64)
    chosen = np.empty(n_rows, dtype=np.int64)
    cursors = start_cursors(reads)
    for b in range(len(selected)):
        i = selected[b]
        n = choose_rows(
            entries.offset[i], entries.offset[i + 1], entries, name_hash, n_rows, min_group, chosen, scratch
        )
        _paint_site(pixels[b], chosen[:n], cand_pos[i] - flank_bp, reads, flag, entries, window, cursors)
