"""Kernels: candidate rows that stand for a genotype's alleles, and what each fragment says of them."""
# mypy: ignore-errors

import numpy as np

from deepcohort.candidates.phase_kernels import capped_ratio
from deepcohort.core.numba_options import kernel
from deepcohort.phase.config import MAX_LOG10, UNITS_PER_LOG10

_REF, _ALT = 0, 1
_SECOND_OF_PAIR = 0x80
_PAIRED = 0x1
OTHER_FRAGMENT = np.uint64(0x9E3779B97F4A7C15)
FAR_BP = 10_000  # mates farther apart are taken as two fragments: what joins them may be a chimera


@kernel
def _shows(
    row, head, first_base, pos, ref_len, site_ref_len, ref_end, alt, codes, start, alt_seq, alt_offset
):
    """Whether candidate `row`, less `head` bases, makes `alt`; `first_base` >= 0 replaces its first."""
    a, b = alt_offset[row] + head, alt_offset[row + 1]
    tail = site_ref_len - (ref_len[row] - head)
    if tail < 0 or b - a + tail != len(alt):
        return False
    for k in range(b - a):
        base = alt_seq[a + k]
        if k == 0 and first_base >= 0:
            base = first_base
        if base != alt[k]:
            return False
    same = True
    for k in range(tail):
        same &= codes[ref_end - tail + k - start] == alt[b - a + k]
    return same


@kernel
def rows_of_alleles(
    sites, gt, site_pos, site_ref_len, site_offset, site_alt_seq, site_alt_offset, spans, rows, moved, pos,
    ref_len, alt_seq, alt_offset, codes, start,
):  # fmt: skip
    """Candidate rows of both alleles of each heterozygous site, int64 (H, 2, 2); -1: none.

    REF has none, an ALT one, a SNP and an indel on one anchor base two. An ALT that no row makes leaves
    its site without any: -2.

    Args:
        sites: int64 (H,), indices of the sites. spans: int64 (S, 2) into `rows`, which begin at `moved`.
    """
    found = np.full((len(sites), 2, 2), -1, np.int64)
    for i in range(len(sites)):
        s = sites[i]
        ref_end = site_pos[s] + site_ref_len[s]
        for k in range(2):
            allele = gt[s, k]
            if allele == 0:
                continue
            a = site_offset[s] + allele - 1
            alt = site_alt_seq[site_alt_offset[a] : site_alt_offset[a + 1]]
            known = False
            for j in range(spans[s, 0], spans[s, 1]):
                row = rows[j]
                if not known and _shows(
                    row, moved[j] - pos[row], -1, pos, ref_len, site_ref_len[s], ref_end, alt, codes, start,
                    alt_seq, alt_offset,
                ):  # fmt: skip
                    found[i, k, 0] = row
                    known = True
            for j in range(spans[s, 0], spans[s, 1]):
                snp = rows[j]
                if known or ref_len[snp] != 1 or alt_offset[snp + 1] - alt_offset[snp] != 1:
                    continue
                for m in range(spans[s, 0], spans[s, 1]):
                    row = rows[m]
                    if known or row == snp or ref_len[row] == alt_offset[row + 1] - alt_offset[row]:
                        continue
                    if _shows(
                        row, moved[m] - pos[row], alt_seq[alt_offset[snp]], pos, ref_len, site_ref_len[s],
                        ref_end, alt, codes, start, alt_seq, alt_offset,
                    ):  # fmt: skip
                        found[i, k, 0], found[i, k, 1] = row, snp
                        known = True
            if not known:
                found[i, k, 0] = -2
    return found


@kernel
def _own_rows(mine, other):
    """Rows of `mine` that `other` lacks: (first, second), -1 for none."""
    first = second = -1
    for k in range(2):
        row = mine[k]
        if row >= 0 and row != other[0] and row != other[1]:
            if first < 0:
                first = row
            else:
                second = row
    return first, second


@kernel
def _gather(row, k, offset, read, allele, ratio, mapq, said, shown, touched, n_touched):
    """Add what the reads say of `row` to column `k`, where they show REF or its ALT."""
    if row < 0:
        return n_touched
    for e in range(offset[row], offset[row + 1]):
        r = read[e]
        if shown[r, 0] == 0 and shown[r, 1] == 0:
            touched[n_touched] = r
            n_touched += 1
        if allele[e] >= 0:
            shown[r, k] |= 2 if allele[e] == _ALT else (4 if allele[e] == _REF else 8)
            said[r, k] += capped_ratio(ratio[e], mapq[r])
        else:
            shown[r, k] |= 16
    return n_touched


@kernel
def _odds_of_read(has_first, has_second, said, shown):
    """log10 odds for the first allele of one read, 0 where it tells nothing."""
    if not has_first or not has_second:  # one allele is REF, or part of the other
        k = 1 if has_second else 0
        if shown[k] & 8 or shown[k] & 6 == 0:
            return 0.0
        return -said[k] if k == 1 else said[k]
    is_first, is_second = shown[0] & 6 == 2, shown[1] & 6 == 2
    if is_first == is_second:
        return 0.0
    if is_first:
        return -said[1] if shown[1] & 14 else said[0]
    return said[0] if shown[0] & 14 else -said[1]


@kernel
def fragment_id(row, name_hash, flag, insert_size):
    """What tells a read's fragment from others; mates far apart are two."""
    if flag[row] & _PAIRED and abs(insert_size[row]) > FAR_BP and flag[row] & _SECOND_OF_PAIR:
        return name_hash[row] ^ OTHER_FRAGMENT
    return name_hash[row]


@kernel
def list_entries(rows, offset, read, allele, ratio, mapq, name_hash, flag, insert_size, pos, end):
    """Entries of the sites with candidate rows `rows` (H, 2, 2), by site.

    Returns:
        fragment uint64 (M,), site int32 (M,), odds int8 (M,), span int64 (M, 2): what the fragment may
        cover of the reference.
    """
    most = 0
    for i in range(len(rows)):
        for k in range(2):
            for j in range(2):
                if rows[i, k, j] >= 0:
                    most += offset[rows[i, k, j] + 1] - offset[rows[i, k, j]]
    fragment, site = np.empty(most, np.uint64), np.empty(most, np.int32)
    odds, span = np.empty(most, np.int8), np.empty((most, 2), np.int64)
    n_reads = len(mapq)
    said, shown = np.zeros((n_reads, 2)), np.zeros((n_reads, 2), np.int8)
    touched = np.empty(n_reads, np.int64)
    n = 0
    for i in range(len(rows)):
        if rows[i, 0, 0] == -2 or rows[i, 1, 0] == -2:
            continue
        n_touched = 0
        has = np.zeros(2, np.bool_)
        for k in range(2):
            one, two = _own_rows(rows[i, k], rows[i, 1 - k])
            has[k] = one >= 0
            n_touched = _gather(one, k, offset, read, allele, ratio, mapq, said, shown, touched, n_touched)
            n_touched = _gather(two, k, offset, read, allele, ratio, mapq, said, shown, touched, n_touched)
        for t in range(n_touched):
            r = touched[t]
            x = _odds_of_read(has[0], has[1], said[r], shown[r])
            said[r, :] = 0.0
            shown[r, :] = 0
            units = np.int64(np.floor(UNITS_PER_LOG10 * min(max(x, -MAX_LOG10), MAX_LOG10) + 0.5))
            if units == 0:
                continue
            fragment[n], site[n], odds[n] = fragment_id(r, name_hash, flag, insert_size), i, units
            span[n, 0], span[n, 1] = pos[r], end[r]
            if flag[r] & _PAIRED and 0 < abs(insert_size[r]) <= FAR_BP:
                if insert_size[r] > 0:
                    span[n, 1] = max(span[n, 1], pos[r] + insert_size[r])
                else:
                    span[n, 0] = min(span[n, 0], end[r] + insert_size[r])
            n += 1
    return fragment[:n], site[:n], odds[:n], span[:n]
