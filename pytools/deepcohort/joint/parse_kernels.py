"""gVCF text to columns, 200-400 MB/s: no objects, no strings; a line is cut eight bytes at a time, then read.

Every field that is read is checked: what breaks VCF ends the pass (docs/joint.md lists what is tolerated).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel, kernel
from deepcohort.formats.vcf_check_kernels import (
    BAD_ALT,
    BAD_END,
    BAD_FORMAT,
    BAD_POS,
    BAD_QUAL,
    BAD_REF,
    BYTE,
    COLUMNS,
    EMPTY,
    SOUND,
)
from deepcohort.formats.vcf_value_kernels import MAX_POS, is_number, is_ref, natural
from deepcohort.joint import columns as c
from deepcohort.joint.line_kernels import (
    count_bytes,
    cut_line,
    filter_bars,
    is_word,
    last_word,
    read_alts,
    read_info,
)
from deepcohort.joint.sample_kernels import MAX_KEYS, read_format, read_sample

_NEWLINE, _RETURN, _HASH, _DOT = 10, 13, 35, 46
_POS, _END, _KIND, _FILTERED, _REF_LEN, _SEQ, _SEQ_LEN = (
    c.POS, c.END, c.KIND, c.FILTERED, c.REF_LEN, c.SEQ, c.SEQ_LEN,
)  # fmt: skip
_PL, _AD, _SB, _MQ_SQ, _MQ_N = c.PL, c.AD, c.SB, c.MQ_SQ, c.MQ_N
_BLOCK, _VARIANT = c.BLOCK, c.VARIANT
_RANKS, _N_RANKS, _NO_RANK = c.RANKS, c.N_RANKS, c.NO_RANK
_N_TABS = 9  # of a line with one sample
# columns, by the TAB behind them
_CHROM, _ID, _REF, _ALT, _QUAL, _FILTER, _INFO, _FORMAT = 0, 2, 3, 4, 5, 6, 7, 8

# why parsing stopped
DONE, NEXT_CONTIG, UNSORTED, GAP, TWICE, OTHER_REF, BEYOND = -1, -2, -3, -4, -5, -6, -7
# or the fault of the line, as in vcf_check_kernels


@borrowing_kernel
def _field_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Index of the next TAB or newline (or `stop`). `text` (n,)."""
    while at < stop and text[at] > _NEWLINE:  # lesser ones are refused before
        at += 1
    return at


@borrowing_kernel
def _same_bytes(text: NDArray[np.uint8], a: int, a_stop: int, b: int, b_stop: int) -> bool:
    """Whether text[a:a_stop] and text[b:b_stop] of `text` (n,) are the same."""
    if a_stop - a != b_stop - b:
        return False
    for i in range(a_stop - a):  # noqa: SIM110 - numba compiles no generators
        if text[a + i] != text[b + i]:
            return False
    return True


@borrowing_kernel
def _known_before(
    text: NDArray[np.uint8], line: int, stop: int, ref_at: int, alt_end: int, line_starts: NDArray[np.int64],
    records: NDArray[np.int32], n: int, pos: int,
) -> int:  # fmt: skip
    """Whether a record before n at `pos` has REF and ALT of the line: 0 no, 1 the same line, 2 another.

    `text` (m,), `line_starts` (n,), `records` (n, N_COLUMNS).
    """
    k = n - 1
    while k >= 0 and records[k, _POS] == pos:
        start = line_starts[k]
        end = start
        while end < len(text) and text[end] != _NEWLINE:
            end += 1
        at = start
        for _ in range(3):
            at = _field_end(text, at, end) + 1
        other_end = _field_end(text, _field_end(text, at, end) + 1, end)
        if _same_bytes(text, at, other_end, ref_at, alt_end):
            return 1 if _same_bytes(text, start, end, line, stop) else 2
        k -= 1
    return 0


@borrowing_kernel
def _ref_differs(
    text: NDArray[np.uint8], ref_at: int, ref_end: int, pos: int, bases: NDArray[np.uint8], bases_start: int
) -> bool:
    """Whether REF contradicts the reference, where `bases` (A, C, G, T, N from bases_start on) reach."""
    at = pos - bases_start
    if at < 0:
        return False
    for i in range(ref_at, ref_end):
        if at >= len(bases):
            return False
        base = text[i]
        if base >= 97:
            base -= 32
        # N, and an IUPAC letter (N in `bases`), may be anything
        if base != bases[at] and base != 78 and bases[at] != 78 and _IS_BASE[base]:
            return True
        at += 1
    return False


_IS_BASE: NDArray[np.bool_] = np.zeros(256, dtype=np.bool_)
_IS_BASE[np.frombuffer(b"ACGT", dtype=np.uint8)] = True


@borrowing_kernel
def first_gap(stated: NDArray[np.int64], start: int, stop: int) -> int:
    """First base of [start, stop) inside the sorted intervals `stated`, int64 (n, 2); -1: none."""
    for i in range(len(stated)):
        if stated[i, 1] > start:
            first = max(start, stated[i, 0])
            return first if first < stop else -1
    return -1


@borrowing_kernel
def _read_columns(
    text: NDArray[np.uint8], tabs: NDArray[np.int64], pos: int, contig_length: int, row: NDArray[np.int32]
) -> int:
    """REF to INFO of a line cut at `tabs` to its row; a fault.

    ALT `<NON_REF>` or `.` beside one base, QUAL and FILTER `.` are most lines of most files.

    `text` (n,), `tabs` (_N_TABS,), `row` (N_COLUMNS,).
    """
    ref_at, ref_end, alt_end, filter_at = tabs[_ID] + 1, tabs[_REF], tabs[_ALT], tabs[_QUAL] + 1
    filter_end, info_at, info_end = tabs[_FILTER], tabs[_FILTER] + 1, tabs[_INFO]
    if ref_at == tabs[_ID - 1] + 2 or filter_end == filter_at or info_end == info_at:
        return EMPTY
    if not is_ref(text, ref_at, ref_end):
        return BAD_REF
    if not is_number(text, alt_end + 1, filter_at - 1):
        return BAD_QUAL
    row[_POS] = pos
    row[_REF_LEN] = ref_end - ref_at
    if not read_alts(text, ref_end + 1, alt_end, row):
        return BAD_ALT
    row[_MQ_SQ] = row[_MQ_N] = -1
    for k in range(_N_RANKS):
        row[_RANKS + k] = _NO_RANK
    last = -1
    if info_end - info_at > 1 or text[info_at] != _DOT:
        last = read_info(text, info_at, info_end, row)
        if last == -2 or (last >= 0 and last <= pos):
            return BAD_END
    finish = pos + row[_REF_LEN]
    if row[_KIND] == _BLOCK and last > 0:
        finish = last
    if finish > contig_length or last > contig_length:
        return BEYOND
    row[_END] = finish
    return SOUND


@borrowing_kernel
def _read_alleles(
    text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32], allele_text: NDArray[np.uint8],
    letters: int,
) -> int:  # fmt: skip
    """REF<TAB>ALT text[at:stop] of a variant in capitals to allele_text[letters:]; where it ends.

    `text` (n,), `row` (N_COLUMNS,), `allele_text` flat (m,).
    """
    row[_SEQ] = row[_SEQ_LEN] = 0
    if row[_KIND] == _VARIANT:
        row[_SEQ], row[_SEQ_LEN] = letters, stop - at
        for i in range(at, stop):
            base = text[i]
            allele_text[letters] = base - 32 if base >= 97 and base <= 122 else base
            letters += 1
    return letters


class Wanted(NamedTuple):
    """What is to be read, and what may not be missing.

    contig: uint8 (k,), the name to read; lines of another contig end the pass. contig_length: bp.
    from_pos, until_pos: 0-based; records with END <= from_pos are left out, the first with
        POS >= until_pos ends the pass.
    stated: int64 (n, 2), sorted: what the file answers for on this contig. Between from_pos and
        tile_end records must leave out nothing of it.
    fresh_at: where lines begin that no pass before has seen; these must not lie before `floor`.
    """

    contig: NDArray[np.uint8]
    contig_length: int
    from_pos: int
    until_pos: int
    stated: NDArray[np.int64]
    tile_end: int
    fresh_at: int
    floor: int


class Bases(NamedTuple):
    """The reference. text: uint8 (L,), ASCII capitals, N for what is not A, C, G, T; from `start` on."""

    text: NDArray[np.uint8]
    start: int


class _Tables(NamedTuple):
    """Room for n lines. records: int32 (n, N_COLUMNS). line_starts: int64 (n,). numbers: int32 flat.
    allele_text: uint8 flat. tabs: int64 (_N_TABS,). codes: int8 (2, MAX_KEYS), formats: int64 (2, 3), first
    byte, end and keys: of blocks and variants, which have a FORMAT each, as a rule.
    """

    records: NDArray[np.int32]
    line_starts: NDArray[np.int64]
    numbers: NDArray[np.int32]
    allele_text: NDArray[np.uint8]
    tabs: NDArray[np.int64]
    codes: NDArray[np.int8]
    formats: NDArray[np.int64]


@borrowing_kernel
def _read_values(
    text: NDArray[np.uint8], stop: int, row: NDArray[np.int32], tables: _Tables, used: int
) -> tuple[int, int]:
    """FORMAT and the sample's column of the line of `text` (m,) that ends at `stop` to its row (N_COLUMNS,).

    Returns:
        Numbers used, a fault.
    """
    tabs, formats = tables.tabs, tables.formats
    kind, format_at = row[_KIND], tabs[_INFO] + 1
    if not _same_bytes(text, format_at, tabs[_FORMAT], formats[kind, 0], formats[kind, 1]):
        n_keys = read_format(text, format_at, tabs[_FORMAT], tables.codes[kind])
        if n_keys < 0:
            return used, BAD_FORMAT
        formats[kind, 0], formats[kind, 1], formats[kind, 2] = format_at, tabs[_FORMAT], n_keys
    sample_end = stop - 1 if text[stop - 1] == _RETURN else stop
    return read_sample(
        text, tables.codes[kind], formats[kind, 2], tabs[_FORMAT] + 1, sample_end, row, tables.numbers, used
    )


@borrowing_kernel
def _place_fault(wanted: Wanted, pos: int, last_pos: int, line: int) -> int:
    """What is wrong with POS of the line at `line`, before its columns; `wanted.stated` is (n, 2)."""
    if pos < 0 or pos > MAX_POS:
        return BAD_POS
    if pos < last_pos or (line >= wanted.fresh_at and pos < wanted.floor):
        return UNSORTED
    return BEYOND if pos >= wanted.contig_length and pos < wanted.until_pos else SOUND


@borrowing_kernel
def _parse_lines(
    text: NDArray[np.uint8], words: NDArray[np.uint64], wanted: Wanted, bases: Bases, tables: _Tables
) -> tuple[int, int, int, int, int]:
    """`parse_records` of `text` (m,) and `words` (m / 8,) into tables that hold enough.

    Returns:
        Records, numbers used, allele bytes used, where the pass ended, and why.
    """
    records, tabs, stated, size = tables.records, tables.tabs, wanted.stated, len(text)
    n = used = letters = at = 0
    last_pos = -1
    covered = wanted.from_pos
    rest = last_word(text)
    why = DONE
    ended = size
    while at < size:
        line = at
        n_tabs, stop = cut_line(text, words, rest, at, tabs)
        if n_tabs < 0:
            return n, used, letters, line, BYTE
        at = stop + 1
        if text[line] == _HASH:
            continue
        for k in range(n_tabs, _N_TABS):
            tabs[k] = stop
        if not is_word(text, line, tabs[_CHROM], wanted.contig):
            why, ended = NEXT_CONTIG, line
            break
        pos = natural(text, tabs[_CHROM] + 1, tabs[_ID - 1]) - 1
        fault = _place_fault(wanted, pos, last_pos, line)
        if fault != SOUND:
            return n, used, letters, line, fault
        last_pos = pos
        if pos >= wanted.until_pos:
            ended = line
            break
        if pos > covered and len(stated):
            gap = first_gap(stated, covered, min(pos, wanted.tile_end))
            if gap >= 0:
                return n, used, letters, gap, GAP
        if n_tabs != _N_TABS or stop == size:
            return n, used, letters, line, COLUMNS
        row = records[n]
        fault = _read_columns(text, tabs, pos, wanted.contig_length, row)
        if fault != SOUND:
            return n, used, letters, line, fault
        if row[_END] <= wanted.from_pos:
            continue
        ref_at, alt_end = tabs[_ID] + 1, tabs[_ALT]
        if _ref_differs(text, ref_at, tabs[_REF], pos, bases.text, bases.start):
            return n, used, letters, line, OTHER_REF
        if n > 0 and records[n - 1, _POS] == pos:
            known = _known_before(text, line, stop, ref_at, alt_end, tables.line_starts, records, n, pos)
            if known == 2:
                return n, used, letters, line, TWICE
            if known == 1:
                continue
        covered = max(covered, row[_END])
        row[_FILTERED] = 1 if filter_bars(text, tabs[_QUAL] + 1, tabs[_FILTER]) else 0
        letters = _read_alleles(text, ref_at, alt_end, row, tables.allele_text, letters)
        used, fault = _read_values(text, stop, row, tables, used)
        if fault != SOUND:
            return n, used, letters, line, fault
        tables.line_starts[n] = line
        n += 1
    if len(stated) and covered < wanted.tile_end:
        gap = first_gap(stated, covered, wanted.tile_end)
        if gap >= 0:
            return n, used, letters, gap, GAP
    return n, used, letters, ended, why


@kernel
def parse_records(
    text: NDArray[np.uint8], words: NDArray[np.uint64], wanted: Wanted, bases: Bases
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8], int, int]:
    """Parse whole lines of `text` that overlap [from_pos, until_pos) of a contig.

    Args:
        text: uint8 (m,), whole lines, sorted by position. words: uint64 (m / 8,), `text` in whole words,
            lowest byte first.

    Returns:
        Records, int32 (n, N_COLUMNS); int64 (n,), offset of each record's line; int32, PL, AD and SB; uint8,
        REF<TAB>ALT of variants; offset where the pass ended (GAP: the first base left out); why it ended.
    """
    n_lines, n_commas = count_bytes(text)
    n_lines += 1  # the last may lack its newline
    tables = _Tables(
        np.empty((n_lines, c.N_COLUMNS), dtype=np.int32),
        np.empty(n_lines, dtype=np.int64),
        np.empty(n_commas + 3 * n_lines, dtype=np.int32),
        np.empty(len(text), dtype=np.uint8),
        np.empty(_N_TABS, dtype=np.int64),
        np.empty((2, MAX_KEYS), dtype=np.int8),
        np.zeros((2, 3), dtype=np.int64),
    )
    tables.formats[:, 1] = -1
    n, used, n_letters, ended, why = _parse_lines(text, words, wanted, bases, tables)
    return (
        tables.records[:n].copy(),
        tables.line_starts[:n].copy(),
        tables.numbers[:used].copy(),
        tables.allele_text[:n_letters].copy(),
        ended,
        why,
    )


@borrowing_kernel
def shift_offsets(records: NDArray[np.int32], numbers: int, letters: int) -> None:
    """Add to the records' offsets what stands before their numbers and allele text in a longer table.

    `records` (R, N_COLUMNS).
    """
    for i in range(len(records)):
        row = records[i]
        row[_PL] += numbers
        row[_AD] += numbers
        if row[_SB] >= 0:
            row[_SB] += numbers
        row[_SEQ] += letters
