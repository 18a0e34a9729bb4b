"""Pixels of candidates: which reads are shown, and what each column says."""
# ruff: noqa: SIM109 - chains of == compile to a jump, tuples of constants do not
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from deepcohort.core.numba_options import kernel

# BAM operation codes
OP_M, OP_I, OP_D, OP_N, OP_S, OP_H, OP_P, OP_EQ, OP_X = range(9)

_GROUPS = 4  # order of rows: ALT, REF, OTHER, NONE


@kernel
def start_cursors(pos, cigar_offset):
    """Cursors at each read's first operation: (op int64, ref int64, query int64), each (R,).

    A cursor remembers where a read's walk stood at the last site, so that a long read with
    thousands of operations is walked once, not once per site. Sites must come in ascending order.
    """
    n = len(pos)
    op_at = cigar_offset[:n].copy()
    return op_at, pos.copy(), np.zeros(n, dtype=np.int64)


@kernel
def advance_cursor(row, start, cigar_op, cigar_len, cigar_offset, op_at, ref_at, query_at):
    """Move the cursor of `row` past the operations that end at or left of reference `start`."""
    k = op_at[row]
    last = cigar_offset[row + 1]
    ref = ref_at[row]
    query = query_at[row]
    while k < last:
        op = cigar_op[k]
        length = cigar_len[k]
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
    op_at[row] = k
    ref_at[row] = ref
    query_at[row] = query


@kernel
def _keep_smallest_hashes(entries, count, read, name_hash, keep):
    """Move the `keep` entries of smallest name hash to the front of entries[:count], in old order."""
    hashes = np.empty(count, dtype=np.uint64)
    for i in range(count):
        hashes[i] = name_hash[read[entries[i]]]
    order = np.argsort(hashes, kind="mergesort")[:keep]
    order.sort()
    for i in range(keep):
        entries[i] = entries[order[i]]


@kernel
def choose_rows(first, last, read, allele, name_hash, max_rows, min_group, chosen, scratch):
    """Entries of one candidate to draw: returns how many were put in `chosen` (max_rows,) int64.

    `first:last` are its entries in the ReadSupport. ALT entries come first, then REF, OTHER, NONE,
    each group in the batch's order. Where they are too many, ALT gets its share of rows but at
    least `min_group` (or all it has), so do the rest; the smallest name hashes stay.
    `scratch`: int64, at least (4, last - first).
    """
    counts = np.zeros(_GROUPS, dtype=np.int64)
    for e in range(first, last):
        a = allele[e]
        group = 0 if a == 1 else (1 if a == 0 else (2 if a == 2 else 3))
        scratch[group, counts[group]] = e
        counts[group] += 1
    total = last - first
    if total > max_rows:
        n_alt = counts[0]
        n_rest = total - n_alt
        share = (max_rows * n_alt + total // 2) // total
        share = max(share, min(n_alt, min_group))
        share = min(share, max_rows - min(n_rest, min_group))
        quota_left = max_rows - share
        rest_left = n_rest
        for group in range(_GROUPS):
            n = counts[group]
            if group == 0:
                keep = share
            else:
                keep = 0 if rest_left == 0 else (quota_left * n + rest_left - 1) // rest_left
                rest_left -= n
                quota_left -= keep
            if keep < n:
                _keep_smallest_hashes(scratch[group], n, read, name_hash, keep)
                counts[group] = keep
    n = 0
    for group in range(_GROUPS):
        for i in range(counts[group]):
            chosen[n] = scratch[group, i]
            n += 1
    return n


@kernel
def _paint_read(
    picture,
    row,
    read,
    start,
    width,
    reference,
    ref_start,
    seq,
    qual,
    seq_offset,
    cigar_op,
    cigar_len,
    op,
    ref,
    query,
    last_op,
):
    """Paint base, quality, mismatch and indel planes of one read; returns its covered columns."""
    base0 = seq_offset[read]
    end = start + width
    low = width
    high = 0
    k = op
    while k < last_op and (ref < end or cigar_op[k] == OP_I):
        kind = cigar_op[k]
        length = cigar_len[k]
        if kind == OP_M or kind == OP_EQ or kind == OP_X or kind == OP_S:
            clipped = kind == OP_S
            origin = ref - length if clipped and query == 0 else ref
            a = max(origin, start)
            b = min(origin + length, end)
            for p in range(a, b):
                c = p - start
                q = base0 + query + (p - origin)
                code = seq[q]
                picture[0, row, c] = 32 if code > 3 else min(64 * (code + 1), 255)
                picture[1, row, c] = 6 * min(qual[q], 42)
                r = p - ref_start
                differs = 0 <= r < len(reference) and code < 4 and reference[r] != code
                if clipped:
                    picture[6, row, c] = 180 if differs else 100
                elif differs:
                    picture[6, row, c] = 255
            if a < b:
                low = min(low, a - start)
                high = max(high, b - start)
            query += length
            if not clipped:
                ref += length
            elif query > length:
                break  # a trailing clip ends the read
        elif kind == OP_D or kind == OP_N:
            a = max(ref, start)
            b = min(ref + length, end)
            for p in range(a, b):
                picture[7, row, p - start] = 120
            if a < b:
                low = min(low, a - start)
                high = max(high, b - start)
            ref += length
        elif kind == OP_I:
            c = ref - 1 - start
            if 0 <= c < width:
                picture[7, row, c] = 150 + 4 * min(length, 26)
                low = min(low, c)
                high = max(high, c + 1)
            query += length
        k += 1
    return low, high


@kernel
def paint_candidates(
    pixels,
    selected,
    flank,
    min_group,
    cand_pos,
    offset,
    read,
    allele,
    ratio,
    name_hash,
    pos,
    mapq,
    flag,
    seq,
    qual,
    seq_offset,
    cigar_op,
    cigar_len,
    cigar_offset,
    reference,
    ref_start,
):
    """Fill `pixels` uint8 (B, channels, rows, columns) with the candidates `selected` (B,), ascending."""
    n_rows = pixels.shape[2]
    width = pixels.shape[3]
    deepest = 1
    for b in range(len(selected)):
        deepest = max(deepest, offset[selected[b] + 1] - offset[selected[b]])
    scratch = np.empty((_GROUPS, deepest), dtype=np.int64)
    chosen = np.empty(n_rows, dtype=np.int64)
    op_at, ref_at, query_at = start_cursors(pos, cigar_offset)
    for b in range(len(selected)):
        i = selected[b]
        picture = pixels[b]
        picture[:] = 0
        start = cand_pos[i] - flank
        n = choose_rows(offset[i], offset[i + 1], read, allele, name_hash, n_rows, min_group, chosen, scratch)
        for row in range(n):
            e = chosen[row]
            r = read[e]
            advance_cursor(r, start, cigar_op, cigar_len, cigar_offset, op_at, ref_at, query_at)
            low, high = _paint_read(
                picture,
                row,
                r,
                start,
                width,
                reference,
                ref_start,
                seq,
                qual,
                seq_offset,
                cigar_op,
                cigar_len,
                op_at[r],
                ref_at[r],
                query_at[r],
                cigar_offset[r + 1],
            )
            a = allele[e]
            support = 255 if a == 1 else (85 if a == 0 else (170 if a == 2 else 40))
            cut = min(max(ratio[e], np.float32(-4.0)), np.float32(4.0))
            if low < high:
                picture[2, row, low:high] = 4 * min(mapq[r], 60)
                picture[3, row, low:high] = 128 if flag[r] & 16 else 255
                picture[4, row, low:high] = support
                picture[5, row, low:high] = np.uint8(128.0 + 30.0 * cut + 0.5)
