"""Kernels: candidate rows that stand for a genotype's alleles, and what each fragment says of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import PlacedReads, SiteColumns
from deepcohort.candidates.columns import AlleleColumns, Entries, Window
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
    row: int,
    head: int,
    first_base: np.int64,
    alleles: AlleleColumns,
    window: Window,
    ref_end: int,
    alt: NDArray[np.uint8],
) -> bool:
    """Whether candidate `row`, less `head` bases, makes `alt` (n,) over a REF that ends at `ref_end`.

    `first_base` >= 0 replaces its first base.
    """
    a, b = alleles.alt_offset[row] + head, alleles.alt_offset[row + 1]
    tail = ref_end - (alleles.pos[row] + alleles.ref_len[row])
    if tail < 0 or b - a + tail != len(alt):
        return False
    for k in range(b - a):
        base = np.int64(alleles.alt_seq[a + k])
        if k == 0 and first_base >= 0:
            base = first_base
        if base != alt[k]:
            return False
    same = True
    for k in range(tail):
        same &= window.reference[ref_end - tail + k - window.start] == alt[b - a + k]
    return same


@kernel
def _rows_of_alt(
    alt: NDArray[np.uint8],
    ref_end: int,
    rows: NDArray[np.int64],
    moved: NDArray[np.int64],
    alleles: AlleleColumns,
    window: Window,
) -> tuple[int, int]:
    """Candidates of `rows` (n,), which begin at `moved` (n,), that make `alt` (b,); -1: none, -2: none do."""
    pos, ref_len, offset = alleles.pos, alleles.ref_len, alleles.alt_offset
    for j in range(len(rows)):
        if _shows(rows[j], moved[j] - pos[rows[j]], np.int64(-1), alleles, window, ref_end, alt):
            return rows[j], -1
    for j in range(len(rows)):
        snp = rows[j]
        if ref_len[snp] != 1 or offset[snp + 1] - offset[snp] != 1:
            continue
        base = np.int64(alleles.alt_seq[offset[snp]])
        for m in range(len(rows)):
            row = rows[m]
            if row == snp or ref_len[row] == offset[row + 1] - offset[row]:
                continue
            if _shows(row, moved[m] - pos[row], base, alleles, window, ref_end, alt):
                return row, snp
    return -2, -1


@kernel
def rows_of_alleles(
    chosen: NDArray[np.int64],
    sites: SiteColumns,
    spans: NDArray[np.int64],
    rows: NDArray[np.int64],
    moved: NDArray[np.int64],
    alleles: AlleleColumns,
    window: Window,
) -> NDArray[np.int64]:
    """Candidate rows of both alleles of each heterozygous site, int64 (H, 2, 2); -1: none.

    REF has none, an ALT one, a SNP and an indel on one anchor base two. An ALT that no row makes leaves
    its site without any: -2.

    Args:
        chosen: int64 (H,), indices of the sites. spans: int64 (S, 2) into `rows` (N,), which begin at `moved`
            (N,). alleles: of all candidates.
    """
    found = np.full((len(chosen), 2, 2), -1, np.int64)
    for i in range(len(chosen)):
        s = chosen[i]
        ref_end = sites.pos[s] + sites.ref_len[s]
        first, last = spans[s, 0], spans[s, 1]
        for k in range(2):
            allele = sites.gt[s, k]
            if allele == 0:
                continue
            a = sites.site_offset[s] + allele - 1
            alt = sites.alt_seq[sites.alt_offset[a] : sites.alt_offset[a + 1]]
            found[i, k, 0], found[i, k, 1] = _rows_of_alt(
                alt, ref_end, rows[first:last], moved[first:last], alleles, window
            )
    return found


@kernel
def _own_rows(mine: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[int, int]:
    """Rows of `mine` (2,) that `other` (2,) lacks: (first, second), -1 for none."""
    first = second = -1
    for k in range(2):
        row = mine[k]
        if row >= 0 and row != other[0] and row != other[1]:
            if first < 0:
                first = row
            else:
                second = row
    return first, second


class _Said(NamedTuple):
    """What R reads say of a site's two alleles. log10: float64 (R, 2). shown: int8 (R, 2), bits. touched:
    int64 (R,), reads that say anything."""

    log10: NDArray[np.float64]
    shown: NDArray[np.int8]
    touched: NDArray[np.int64]


@kernel
def _gather(row: int, k: int, entries: Entries, mapq: NDArray[np.uint8], said: _Said, n_touched: int) -> int:
    """Add what the reads, of `mapq` (R,), say of `row` to column `k`, where they show REF or its ALT.

    Returns how many reads are touched.
    """
    if row < 0:
        return n_touched
    allele, shown, touched = entries.allele, said.shown, said.touched
    for e in range(entries.offset[row], entries.offset[row + 1]):
        r = entries.read[e]
        if shown[r, 0] == 0 and shown[r, 1] == 0:
            touched[n_touched] = r
            n_touched += 1
        if allele[e] >= 0:
            shown[r, k] |= 2 if allele[e] == _ALT else (4 if allele[e] == _REF else 8)
            said.log10[r, k] += capped_ratio(entries.ratio[e], mapq[r])
        else:
            shown[r, k] |= 16
    return n_touched


@kernel
def _odds_of_read(
    has_first: bool, has_second: bool, said: NDArray[np.float64], shown: NDArray[np.int8]
) -> float:
    """log10 odds for the first allele of one read, 0 where it tells nothing; `said` (2,), `shown` (2,)."""
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
def fragment_id(row: int, reads: PlacedReads) -> np.uint64:
    """What tells the fragment of one of the reads (R,) from others; mates far apart are two."""
    name_hash, flag, insert_size = reads.name_hash, reads.flag, reads.insert_size
    if flag[row] & _PAIRED and abs(insert_size[row]) > FAR_BP and flag[row] & _SECOND_OF_PAIR:
        return name_hash[row] ^ OTHER_FRAGMENT
    return name_hash[row]


@kernel
def list_entries(
    rows: NDArray[np.int64], entries: Entries, reads: PlacedReads
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int8], NDArray[np.int64]]:
    """Entries of the sites with candidate rows `rows` (H, 2, 2), by site.

    Returns:
        fragment uint64 (M,), site int32 (M,), odds int8 (M,), span int64 (M, 2): what the fragment may
        cover of the reference.
    """
    offset, mapq, flag, insert_size = entries.offset, reads.mapq, reads.flag, reads.insert_size
    pos, end = reads.pos, reads.end
    most = 0
    for i in range(len(rows)):
        for k in range(2):
            for j in range(2):
                if rows[i, k, j] >= 0:
                    most += offset[rows[i, k, j] + 1] - offset[rows[i, k, j]]
    fragment, site = np.empty(most, np.uint64), np.empty(most, np.int32)
    odds, span = np.empty(most, np.int8), np.empty((most, 2), np.int64)
    n_reads = len(mapq)
    said = _Said(np.zeros((n_reads, 2)), np.zeros((n_reads, 2), np.int8), np.empty(n_reads, np.int64))
    n = 0
    for i in range(len(rows)):
        if rows[i, 0, 0] == -2 or rows[i, 1, 0] == -2:
            continue
        n_touched = 0
        has = np.zeros(2, np.bool_)
        for k in range(2):
            one, two = _own_rows(rows[i, k], rows[i, 1 - k])
            has[k] = one >= 0
            n_touched = _gather(one, k, entries, mapq, said, n_touched)
            n_touched = _gather(two, k, entries, mapq, said, n_touched)
        for t in range(n_touched):
            r = said.touched[t]
            x = _odds_of_read(has[0], has[1], said.log10[r], said.shown[r])
            said.log10[r, :] = 0.0
            said.shown[r, :] = 0
            units = np.int64(np.floor(UNITS_PER_LOG10 * min(max(x, -MAX_LOG10), MAX_LOG10) + 0.5))
            if units == 0:
                continue
            fragment[n], site[n], odds[n] = fragment_id(r, reads), i, units
            span[n, 0], span[n, 1] = pos[r], end[r]
            if flag[r] & _PAIRED and 0 < abs(insert_size[r]) <= FAR_BP:
                if insert_size[r] > 0:
                    span[n, 1] = max(span[n, 1], pos[r] + insert_size[r])
                else:
                    span[n, 0] = min(span[n, 0], end[r] + insert_size[r])
            n += 1
    return fragment[:n], site[:n], odds[:n], span[:n]
