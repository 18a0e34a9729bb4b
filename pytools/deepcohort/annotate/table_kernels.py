"""Kernels: rows of AlphaMissense's tables as columns; rows by allele."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.allele_kernels import base_code
from deepcohort.core.numba_options import kernel

_TAB, _NEWLINE, _RETURN = 9, 10, 13
SCALE = 10_000  # scores have four decimals at most
# faults of a row
FEW_COLUMNS, BAD_POS, BAD_BASE, BAD_VARIANT, BAD_SCORE, BAD_CLASS, UNSORTED = range(1, 8)
# columns, in the order in which kernels are told of them
CHROM, POS, REF, ALT, TRANSCRIPT, VARIANT, SCORE, CLASS, UNIPROT = range(9)


@kernel
def _same(text: NDArray[np.uint8], a: int, a_len: int, b: int, b_len: int) -> bool:
    """Whether `a_len` bytes at `a` of `text` (n,) are the `b_len` ones at `b`."""
    if a_len != b_len:
        return False
    i = 0
    while i < a_len and text[a + i] == text[b + i]:
        i += 1
    return i == a_len


@kernel
def _natural(text: NDArray[np.uint8], start: int, end: int) -> int:
    """Number written in text[start:end] of `text` (n,); -1 where it is none."""
    if end == start or end - start > 10:
        return -1
    value = 0
    for i in range(start, end):
        if not 48 <= text[i] <= 57:
            return -1
        value = value * 10 + text[i] - 48
    return value


@kernel
def score_of(text: NDArray[np.uint8], start: int, end: int) -> int:
    """Score in ten-thousandths; -1 where it is no number from 0 to 1 of at most four decimals.

    `text` (n,).
    """
    value, decimals, seen_dot = 0, 0, False
    if end == start or text[start] == 46:
        return -1
    for i in range(start, end):
        if text[i] == 46 and not seen_dot:
            seen_dot = True
        elif 48 <= text[i] <= 57:
            if seen_dot and decimals == 4:
                if text[i] != 48:
                    return -1
                continue
            value = value * 10 + text[i] - 48
            decimals += seen_dot
            if value > 10 * SCALE:
                return -1
        else:
            return -1
    while decimals < 4:
        value *= 10
        decimals += 1
    return value if value <= SCALE else -1


@kernel
def class_of(text: NDArray[np.uint8], start: int, end: int) -> int:
    """Class in text[start:end] of `text` (n,): 0 benign, 1 ambiguous, 2 pathogenic, with or without
    "likely_"; -1 else.
    """
    if end - start > 7 and text[start + 6] == 95:  # likely_
        start += 7
    n = end - start
    if n == 6 and text[start] == 98 and text[start + 5] == 110:
        return 0
    if n == 9 and text[start] == 97 and text[start + 8] == 115:
        return 1
    return 2 if n == 10 and text[start] == 112 and text[start + 9] == 99 else -1


@kernel
def variant_of(text: NDArray[np.uint8], start: int, end: int) -> tuple[int, int]:
    """(position, REF amino acid - 65 << 5 | ALT - 65) of a protein change like V2L; (-1, 0) where it "
    "is none."""
    if end - start < 3 or not (65 <= text[start] <= 90 and 65 <= text[end - 1] <= 90):
        return -1, 0
    pos = _natural(text, start + 1, end - 1)
    return pos, (text[start] - 65) << 5 | (text[end - 1] - 65)


class ParsedRows(NamedTuple):
    """Columns of rows, (m,) each. pos: 0-based. code: REF << 2 | ALT. aa: see `variant_of`."""

    pos: NDArray[np.int32]
    code: NDArray[np.uint8]
    score: NDArray[np.uint16]
    klass: NDArray[np.uint8]
    aa_pos: NDArray[np.uint16]
    aa: NDArray[np.uint16]


class Breaks(NamedTuple):
    """Where lines differ from the one before: new_contig, new_pair: bool (m,), True for the first.

    places: int64 (m, 6), filled where new: start and end of CHROM, transcript, UniProt id.
    """

    new_contig: NDArray[np.bool_]
    new_pair: NDArray[np.bool_]
    places: NDArray[np.int64]


@kernel
def _cut_line(text: NDArray[np.uint8], at: int, tabs: NDArray[np.int64]) -> tuple[int, int]:
    """Fill `tabs` (64,) with where the fields of the line at `at` of `text` (n,) begin, and one behind its
    end.

    Returns:
        Number of tabs, and where the next line begins.
    """
    k = 0
    tabs[0] = at
    while text[at] != _NEWLINE:
        if text[at] == _TAB and k < 62:
            k += 1
            tabs[k] = at + 1
        at += 1
    tabs[k + 1] = at + 1 - (text[at - 1] == _RETURN)
    return k, at + 1


@kernel
def parse_rows(
    text: NDArray[np.uint8], which: NDArray[np.int64], rows: ParsedRows, breaks: Breaks
) -> tuple[int, int]:
    """Fill columns from whole lines of AlphaMissense's genomic table.

    Args:
        text: uint8 (n,), ends with a newline. which: int64 (9,), index of each column (CHROM ...), -1: none.
        rows: `ParsedRows`, room for each line. breaks: `Breaks`, likewise.

    Returns:
        (lines, fault): fault 0, or of line number `lines`.
    """
    pos, code, score, klass, aa_pos, aa = rows.pos, rows.code, rows.score, rows.klass, rows.aa_pos, rows.aa
    new_contig, new_pair, places = breaks.new_contig, breaks.new_pair, breaks.places
    n, at, size = 0, 0, len(text)
    tabs = np.zeros(64, dtype=np.int64)
    last = which.max()
    contig, contig_len, pair, pair_len, prot, prot_len = 0, -1, 0, -1, 0, -1
    while at < size:
        k, at = _cut_line(text, at, tabs)
        if k < last:
            return n, FEW_COLUMNS
        p = _natural(text, tabs[which[POS]], tabs[which[POS] + 1] - 1)
        if p < 1 or p > 2**31 - 2:
            return n, BAD_POS
        r, a = tabs[which[REF]], tabs[which[ALT]]
        ref, alt = base_code(text[r]), base_code(text[a])
        if ref > 3 or alt > 3 or tabs[which[REF] + 1] - r != 2 or tabs[which[ALT] + 1] - a != 2:
            return n, BAD_BASE
        place, change = variant_of(text, tabs[which[VARIANT]], tabs[which[VARIANT] + 1] - 1)
        if place < 1 or place > 65535:
            return n, BAD_VARIANT
        value = score_of(text, tabs[which[SCORE]], tabs[which[SCORE] + 1] - 1)
        if value < 0:
            return n, BAD_SCORE
        group = class_of(text, tabs[which[CLASS]], tabs[which[CLASS] + 1] - 1)
        if group < 0:
            return n, BAD_CLASS
        c, c_len = tabs[which[CHROM]], tabs[which[CHROM] + 1] - 1 - tabs[which[CHROM]]
        new_contig[n] = not _same(text, c, c_len, contig, contig_len)
        if not new_contig[n] and p - 1 < pos[n - 1]:
            return n, UNSORTED
        t, t_len = tabs[which[TRANSCRIPT]], tabs[which[TRANSCRIPT] + 1] - 1 - tabs[which[TRANSCRIPT]]
        u, u_len = 0, 0
        if which[UNIPROT] >= 0:
            u, u_len = tabs[which[UNIPROT]], tabs[which[UNIPROT] + 1] - 1 - tabs[which[UNIPROT]]
        new_pair[n] = not (_same(text, t, t_len, pair, pair_len) and _same(text, u, u_len, prot, prot_len))
        if new_contig[n] or new_pair[n]:
            places[n, 0], places[n, 1], places[n, 2], places[n, 3] = c, c + c_len, t, t + t_len
            places[n, 4], places[n, 5] = u, u + u_len
        contig, contig_len, pair, pair_len, prot, prot_len = c, c_len, t, t_len, u, u_len
        pos[n], code[n], score[n], klass[n], aa_pos[n], aa[n] = (
            p - 1,
            ref << 2 | alt,
            value,
            group,
            place,
            change,
        )
        n += 1
    return n, 0


@kernel
def scan_places(
    text: NDArray[np.uint8], starts: NDArray[np.int64], pos: NDArray[np.int32], new_contig: NDArray[np.bool_]
) -> int:
    """Position of every line whose first two columns are contig and position.

    Args:
        text: uint8, whole lines. starts: int64 (n,), first byte of each. pos: int32 (n,), filled, 0-based.
        new_contig: bool (n,), filled: another contig than the line before; True for the first.

    Returns:
        -1, or the first line that has no position.
    """
    contig, contig_len = 0, -1
    for i in range(len(starts)):
        begin = starts[i]
        at = begin
        while text[at] != _TAB and text[at] != _NEWLINE:
            at += 1
        new_contig[i] = not _same(text, begin, at - begin, contig, contig_len)
        contig, contig_len = begin, at - begin
        value, first = 0, at + 1
        at += 1
        while at < len(text) and 48 <= text[at] <= 57 and at - first < 11:
            value = value * 10 + text[at] - 48
            at += 1
        if at == first or at >= len(text) or text[at] != _TAB or value < 1 or value > 2**31 - 2:
            return i
        pos[i] = value - 1
    return -1


@kernel
def copy_lines(
    text: NDArray[np.uint8], starts: NDArray[np.int64], keep: NDArray[np.bool_], out: NDArray[np.uint8]
) -> int:
    """Copy the lines i with keep[i], from starts[i] to starts[i + 1], to `out`; bytes used.

    `text` (n,), `starts` (m + 1,), `keep` (m,), `out` (n,) at most.
    """
    w = 0
    for i in range(len(keep)):
        if keep[i]:
            for j in range(starts[i], starts[i + 1]):
                out[w] = text[j]
                w += 1
    return w


@kernel
def lookup(
    pos: NDArray[np.int32],
    code: NDArray[np.uint8],
    query_pos: NDArray[np.int64],
    query_code: NDArray[np.int64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
) -> None:
    """Rows of each queried allele.

    Args:
        pos: int32 (n,), ascending. code: uint8 (n,). query_pos: int64 (q,). query_code: int64 (q,).
        first: int64 (q,), first row of the allele's position. count: int64 (q,), rows of the allele.
    """
    n, at = len(pos), 0
    for q in range(len(query_pos)):
        want = query_pos[q]
        # queries mostly ascend: gallop from where the last one ended
        low = at if at < n and pos[at] <= want and (at == 0 or pos[at - 1] < want) else 0
        step, high = 1, low
        while high < n and pos[high] < want:
            low = high + 1
            high += step
            step *= 2
        high = min(high, n)
        while low < high:
            middle = (low + high) >> 1
            if pos[middle] < want:
                low = middle + 1
            else:
                high = middle
        at = low
        first[q] = low
        found = 0
        while low < n and pos[low] == want:
            found += code[low] == query_code[q]
            low += 1
        count[q] = found


@kernel
def gather(
    code: NDArray[np.uint8],
    query_code: NDArray[np.int64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Fill `out`, int64 (sum of count,), with the rows of the alleles that `lookup` found."""
    w = 0
    for q in range(len(query_code)):
        row, left = first[q], count[q]
        while left > 0:
            if code[row] == query_code[q]:
                out[w] = row
                w += 1
                left -= 1
            row += 1


@kernel
def keep_positions(pos: NDArray[np.int32], wanted: NDArray[np.int64], keep: NDArray[np.bool_]) -> None:
    """Set keep[i] where pos[i], int32 (n,) ascending, is one of `wanted`, int64 (w,) ascending."""
    j = 0
    if len(pos) and len(wanted):
        j = np.searchsorted(wanted, pos[0])
    for i in range(len(pos)):
        while j < len(wanted) and wanted[j] < pos[i]:
            j += 1
        keep[i] = j < len(wanted) and wanted[j] == pos[i]


@kernel
def find_substitutions(
    text: NDArray[np.uint8], which: NDArray[np.int64], wanted: NDArray[np.uint64], out: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Lines of AlphaMissense's protein table whose (UniProt id, change) is wanted.

    Args:
        text: uint8, whole lines. which: int64 (4,), columns of uniprot_id, protein_variant, score, class.
        wanted: uint64 (w,), ascending hashes of "id<TAB>change". out: int64 (lines, 4), filled: index within
            wanted, score, class, start of the line.

    Returns:
        (rows of `out`, lines, fault): fault 0, or of line number `lines`.
    """
    n, found, at, size = 0, 0, 0, len(text)
    tabs = np.zeros(64, dtype=np.int64)
    last = which.max()
    while at < size:
        k, at = _cut_line(text, at, tabs)
        if k < last:
            return found, n, FEW_COLUMNS
        key = np.uint64(14695981039346656037)
        for i in range(tabs[which[0]], tabs[which[0] + 1] - 1):
            key = (key ^ np.uint64(text[i])) * np.uint64(1099511628211)
        key = (key ^ np.uint64(_TAB)) * np.uint64(1099511628211)
        for i in range(tabs[which[1]], tabs[which[1] + 1] - 1):
            key = (key ^ np.uint64(text[i])) * np.uint64(1099511628211)
        w = np.searchsorted(wanted, key)
        if w < len(wanted) and wanted[w] == key:
            value = score_of(text, tabs[which[2]], tabs[which[2] + 1] - 1)
            group = class_of(text, tabs[which[3]], tabs[which[3] + 1] - 1)
            if value < 0 or group < 0:
                return found, n, BAD_SCORE if value < 0 else BAD_CLASS
            out[found, 0], out[found, 1], out[found, 2], out[found, 3] = w, value, group, tabs[0]
            found += 1
        n += 1
    return found, n, 0
