"""Compared records as VCF text."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

_FNV_OFFSET = np.uint64(14695981039346656037)
_FNV_PRIME = np.uint64(1099511628211)
TAB, NEWLINE, DOT, COLON, SEMICOLON = 9, 10, 46, 58, 59


@kernel
def allele_keys(pool, pool_offset, pos, ref_len, alt_len, rows):
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
def _put_bytes(out, n, source, start, length):
    for k in range(length):
        out[n + k] = source[start + k]
    return n + length


@kernel
def _put_number(out, n, value):
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
def _put_word(out, n, words, starts, index):
    return _put_bytes(out, n, words, starts[index], starts[index + 1] - starts[index])


@kernel
def _put_sample(out, n, there, i, pool, pool_offset, ref_len, alt_len, gt_len, words, starts, word, why, qq):
    """GT:BD:BK:BI:QQ of one side; dots if the record is not there."""
    if not there:
        for k in range(9):
            out[n + k] = DOT if k % 2 == 0 else COLON
        return n + 9
    gt_start = pool_offset[i] + ref_len[i] + 1 + alt_len[i]
    if gt_len[i] == 0:
        out[n] = DOT
        n += 1
    else:
        n = _put_bytes(out, n, pool, gt_start, gt_len[i])
    out[n] = COLON
    n = _put_word(out, n + 1, words, starts, word)
    out[n] = COLON
    n = _put_word(out, n + 1, words, starts, why)
    out[n] = COLON
    n += 1
    if qq < 0:
        out[n] = DOT
        return n + 1
    n = _put_number(out, n, qq // 100)
    if qq % 100:
        out[n] = DOT
        out[n + 1] = 48 + (qq % 100) // 10
        out[n + 2] = 48 + qq % 10
        n += 3
    return n


@kernel
def format_contig(
    contig,
    words,
    starts,
    c_rows,
    c_pool,
    c_offset,
    c_pos,
    c_ref,
    c_alt,
    c_gt,
    c_word,
    c_why,
    c_sync,
    c_qq,
    t_rows,
    t_pool,
    t_offset,
    t_pos,
    t_ref,
    t_alt,
    t_gt,
    t_word,
    t_why,
    t_sync,
):
    """VCF lines of one contig, uint8; records with equal POS, REF and ALT share a line.

    Parameters: contig: its name. words, starts: the vocabulary of c_word.. (BD:BK) and c_why (BI).
        *_rows: int64, records to write, by position; the other columns are those of the table;
        *_word, *_why uint8 and *_sync int32 per record; c_qq int64, QUAL x 100, -1 absent.
    """
    size = 64
    for k in range(len(c_rows)):
        i = c_rows[k]
        size += len(contig) + c_ref[i] + c_alt[i] + c_gt[i] + 160
    for k in range(len(t_rows)):
        i = t_rows[k]
        size += len(contig) + t_ref[i] + t_alt[i] + t_gt[i] + 160
    out = np.empty(size, dtype=np.uint8)
    n = 0
    a = b = 0
    while a < len(c_rows) or b < len(t_rows):
        use_c = a < len(c_rows)
        use_t = b < len(t_rows)
        i = c_rows[a] if use_c else 0
        j = t_rows[b] if use_t else 0
        if use_c and use_t:
            if c_pos[i] != t_pos[j]:
                use_c = c_pos[i] < t_pos[j]
                use_t = not use_c
            else:
                same = c_ref[i] == t_ref[j] and c_alt[i] == t_alt[j]
                k = 0
                while same and k < c_ref[i] + 1 + c_alt[i]:
                    same = c_pool[c_offset[i] + k] == t_pool[t_offset[j] + k]
                    k += 1
                if not same:
                    use_t = t_ref[j] <= c_ref[i]
                    use_c = not use_t
        n = _put_bytes(out, n, contig, 0, len(contig))
        out[n] = TAB
        n = _put_number(out, n + 1, (c_pos[i] if use_c else t_pos[j]) + 1)
        out[n] = TAB
        out[n + 1] = DOT
        out[n + 2] = TAB
        n += 3
        if use_c:
            n = _put_bytes(out, n, c_pool, c_offset[i], c_ref[i] + 1 + c_alt[i])
        else:
            n = _put_bytes(out, n, t_pool, t_offset[j], t_ref[j] + 1 + t_alt[j])
        for k in range(3):  # QUAL and FILTER are of no side
            out[n] = TAB
            n += 1
            if k < 2:
                out[n] = DOT
                n += 1
        sync = c_sync[i] if use_c else t_sync[j]
        if sync > 0:
            out[n], out[n + 1], out[n + 2] = 66, 83, 61
            n = _put_number(out, n + 3, sync)
        else:
            out[n] = DOT
            n += 1
        out[n] = TAB
        n = _put_word(out, n + 1, words, starts, len(starts) - 2)  # FORMAT
        out[n] = TAB
        word, why, qq = (t_word[j], t_why[j], -1) if use_t else (0, 0, -1)
        n = _put_sample(
            out, n + 1, use_t, j, t_pool, t_offset, t_ref, t_alt, t_gt, words, starts, word, why, qq
        )
        out[n] = TAB
        word, why, qq = (c_word[i], c_why[i], c_qq[i]) if use_c else (0, 0, -1)
        n = _put_sample(
            out, n + 1, use_c, i, c_pool, c_offset, c_ref, c_alt, c_gt, words, starts, word, why, qq
        )
        out[n] = NEWLINE
        n += 1
        a += use_c
        b += use_t
    return out[:n]
