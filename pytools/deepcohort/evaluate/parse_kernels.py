"""VCF text to columns: one pass over the bytes, nothing kept but what evaluation needs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MAX_PLOIDY = 4
TAB, NEWLINE, COLON, SEMICOLON = 9, 10, 58, 59
DOT, SLASH, PIPE, EQUALS, MINUS, PLUS = 46, 47, 124, 61, 45, 43

# columns of `ints`
POS, REF_LEN, ALT_LEN, GT_LEN, PLOIDY, PHASED, PASSED, DP, POOL_OFFSET, LINE, PHASE_SET = range(11)
N_INTS = 11
# columns of `floats`
QUAL, GQ, MAPQ = range(3)
N_FLOATS = 3

PARSE_OK, PARSE_UNSORTED, PARSE_MALFORMED, PARSE_OTHER_CONTIG = 0, 1, 2, 3


@kernel
def _number(text: NDArray[np.uint8], start: int, end: int) -> float:
    """Float of text[start:end] of `text` (n,), NaN for '.', empty or anything that is no number."""
    if end <= start or (end == start + 1 and text[start] == DOT):
        return np.nan
    sign = 1.0
    i = start
    if text[i] == MINUS:
        sign = -1.0
        i += 1
    elif text[i] == PLUS:
        i += 1
    value = 0.0
    scale = 0.0
    digits = 0
    while i < end:
        c = text[i]
        if 48 <= c <= 57:
            digits += 1
            value = value * 10.0 + (c - 48)
            if scale > 0.0:
                scale *= 10.0
        elif c == DOT and scale == 0.0:
            scale = 1.0
        elif (c == 101 or c == 69) and digits > 0:
            exponent = _number(text, i + 1, end)
            return sign * value / max(scale, 1.0) * 10.0**exponent
        else:
            return np.nan
        i += 1
    return sign * value / max(scale, 1.0) if digits > 0 else np.nan


@kernel
def _field_end(text: NDArray[np.uint8], start: int, end: int, separator: int) -> int:
    """Where the field at `start` of `text` (n,) ends: at `separator`, or at `end`."""
    while start < end and text[start] != separator:
        start += 1
    return start


@kernel
def _is_pass(text: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether a FILTER or FT value says PASS or nothing; several values must all do so. `text` (n,)."""
    at = start
    while at < end:
        stop = _field_end(text, at, end, SEMICOLON)
        is_dot = stop == at + 1 and text[at] == DOT
        is_pass = (
            stop == at + 4
            and text[at] == 80
            and text[at + 1] == 65
            and text[at + 2] == 83
            and text[at + 3] == 83
        )
        if not (is_dot or is_pass):
            return False
        at = stop + 1
    return True


@kernel
def _info_number(text: NDArray[np.uint8], start: int, end: int, a: int, b: int) -> float:
    """Number of the two-letter INFO key `ab` in `text` (n,), NaN if absent."""
    at = start
    while at < end:
        stop = _field_end(text, at, end, SEMICOLON)
        if stop - at > 3 and text[at] == a and text[at + 1] == b and text[at + 2] == EQUALS:
            return _number(text, at + 3, stop)
        at = stop + 1
    return np.nan


@kernel
def _is_key(text: NDArray[np.uint8], start: int, end: int, a: int, b: int) -> bool:
    """Whether text[start:end] of `text` (n,) is the two-letter key `ab`."""
    return end - start == 2 and text[start] == a and text[start + 1] == b


@kernel
def _parse_gt(text: NDArray[np.uint8], start: int, end: int, gt: NDArray[np.int16]) -> tuple[int, int]:
    """Allele ids of a GT into `gt` (missing = -1, absent = -2); (ploidy, phased), ploidy -1 if malformed."""
    for i in range(MAX_PLOIDY):
        gt[i] = -2
    ploidy = 0
    phased = 0
    at = start
    while at <= end and start < end:
        stop = at
        value = 0
        missing = False
        while stop < end and text[stop] != SLASH and text[stop] != PIPE:
            c = text[stop]
            if c == DOT:
                missing = True
            elif 48 <= c <= 57:
                value = value * 10 + (c - 48)
            else:
                return -1, 0
            stop += 1
        if stop == at and at != start:  # an empty allele
            return -1, 0
        if stop < end and text[stop] == PIPE:
            phased = 1
        if not (stop == at and at == start):  # VCF 4.4 allows a leading phase mark
            if ploidy < MAX_PLOIDY:
                gt[ploidy] = -1 if missing else value
            ploidy += 1
        at = stop + 1
    return ploidy, phased


class Columns(NamedTuple):
    """What lines are read to, room for n records; columns as named above.

    ints: int64 (n, N_INTS). floats: float64 (n, N_FLOATS). gts: int16 (n, MAX_PLOIDY). pool: uint8 flat, REF,
    ALT and GT of each record.
    """

    ints: NDArray[np.int64]
    floats: NDArray[np.float64]
    gts: NDArray[np.int16]
    pool: NDArray[np.uint8]


@kernel
def _cut_fields(text: NDArray[np.uint8], at: int, end: int, starts: NDArray[np.int64]) -> int:
    """Fill `starts` (12,) with where the first ten fields of text[at:end] of `text` (n,) begin; how many."""
    n_fields = 1
    starts[0] = at
    while at < end and n_fields < 10:
        if text[at] == TAB:
            starts[n_fields] = at + 1
            n_fields += 1
        at += 1
    return n_fields


@kernel
def _is_word(text: NDArray[np.uint8], start: int, end: int, word: NDArray[np.uint8]) -> bool:
    """Whether text[start:end] of `text` (n,) is `word` (w,)."""
    if end - start != len(word):
        return False
    for k in range(len(word)):  # noqa: SIM110 - numba compiles no generators
        if text[start + k] != word[k]:
            return False
    return True


@kernel
def _put_text(text: NDArray[np.uint8], start: int, end: int, pool: NDArray[np.uint8], used: int) -> int:
    """Copy text[start:end] of `text` (n,) to pool[used:] of `pool` (m,); the new end."""
    for k in range(end - start):
        pool[used + k] = text[start + k]
    return used + end - start


@kernel
def _info_depth(text: NDArray[np.uint8], starts: NDArray[np.int64], info_end: int) -> int:
    """INFO DP of a line of `text` (n,) cut at `starts` (12,), or -1."""
    depth = _info_number(text, starts[7], info_end, 68, 80)
    return -1 if np.isnan(depth) else int(depth)


@kernel
def _read_fixed(
    text: NDArray[np.uint8], starts: NDArray[np.int64], info_end: int, n: int, used: int, columns: Columns
) -> int:
    """REF to INFO of a line of `text` (m,) cut at `starts` (12,) to record `n`; pool used."""
    row = columns.ints[n]
    row[REF_LEN] = starts[4] - 1 - starts[3]
    row[ALT_LEN] = starts[5] - 1 - starts[4]
    row[PASSED] = _is_pass(text, starts[6], starts[7] - 1)
    row[POOL_OFFSET] = used
    row[DP] = -1
    row[PLOIDY] = 0
    row[PHASED] = 0
    row[PHASE_SET] = -1
    row[GT_LEN] = 0
    columns.floats[n, QUAL] = _number(text, starts[5], starts[6] - 1)
    columns.floats[n, GQ] = np.nan
    columns.floats[n, MAPQ] = _info_number(text, starts[7], info_end, 77, 81)
    for k in range(MAX_PLOIDY):
        columns.gts[n, k] = -2
    return _put_text(text, starts[3], starts[5] - 1, columns.pool, used)  # with the tab between


@kernel
def _sample_start(text: NDArray[np.uint8], at: int, end: int, sample: int) -> int:
    """Where column `sample` (0 first) of text[at:end] of `text` (n,) begins; -1 where there is none."""
    while sample > 0 and at < end:
        if text[at] == TAB:
            sample -= 1
        at += 1
    return -1 if sample > 0 else at


@kernel
def _read_sample(
    text: NDArray[np.uint8], key: int, key_end: int, value: int, end: int, n: int, used: int, columns: Columns
) -> int:
    """FORMAT text[key:key_end] and the column text[value:end] of `text` (m,) to record `n`; pool used."""
    row = columns.ints[n]
    while key < key_end and value <= end:
        key_stop = _field_end(text, key, key_end, COLON)
        value_stop = _field_end(text, value, end, COLON)
        if _is_key(text, key, key_stop, 71, 84):  # GT
            row[PLOIDY], row[PHASED] = _parse_gt(text, value, value_stop, columns.gts[n])
            row[GT_LEN] = value_stop - value
            used = _put_text(text, value, value_stop, columns.pool, used)
        elif _is_key(text, key, key_stop, 71, 81):  # GQ
            columns.floats[n, GQ] = _number(text, value, value_stop)
        elif _is_key(text, key, key_stop, 68, 80):  # DP
            depth = _number(text, value, value_stop)
            if not np.isnan(depth):
                row[DP] = int(depth)
        elif _is_key(text, key, key_stop, 80, 83):  # PS
            phase_set = _number(text, value, value_stop)
            if not np.isnan(phase_set):
                row[PHASE_SET] = int(phase_set)
        elif _is_key(text, key, key_stop, 70, 84):  # FT
            row[PASSED] = row[PASSED] and _is_pass(text, value, value_stop)
        key = key_stop + 1
        value = value_stop + 1
    return used


@kernel
def parse_lines(
    text: NDArray[np.uint8],
    contig: NDArray[np.uint8],
    sample: int,
    previous_pos: int,
    line: int,
    columns: Columns,
) -> tuple[int, int, int, int, int]:
    """Records of `contig` in whole VCF lines.

    Args:
        text: uint8 (n,), lines that end in a newline. contig: uint8 (c,), its name. sample: sample column, 0
            first; -1 reads no genotype. previous_pos: last position before this text. line: records of
            the contig before this text.
        columns: outputs, long enough for every line and byte of `text`.

    Returns:
        n records, bytes of pool used, last position, result (PARSE_*), where in text it failed.
    """
    n = used = at = 0
    size = len(text)
    starts = np.empty(12, dtype=np.int64)
    while at < size:
        end = _field_end(text, at, size, NEWLINE)
        line_start = at
        at = end + 1
        if end > line_start and text[end - 1] == 13:
            end -= 1
        if end == line_start or text[line_start] == 35:
            continue
        n_fields = _cut_fields(text, line_start, end, starts)
        if n_fields < 8:
            return n, used, previous_pos, PARSE_MALFORMED, line_start
        if not _is_word(text, line_start, starts[1] - 1, contig):
            return n, used, previous_pos, PARSE_OTHER_CONTIG, line_start
        pos_number = _number(text, starts[1], starts[2] - 1)
        if np.isnan(pos_number) or starts[4] - 1 <= starts[3] or starts[5] - 1 <= starts[4]:
            return n, used, previous_pos, PARSE_MALFORMED, line_start
        pos = int(pos_number) - 1
        if pos < previous_pos:
            return n, used, previous_pos, PARSE_UNSORTED, line_start
        previous_pos = pos
        info_end = starts[8] - 1 if n_fields > 8 else end
        row = columns.ints[n]
        row[POS], row[LINE] = pos, line + n
        used = _read_fixed(text, starts, info_end, n, used, columns)
        if n_fields == 10 and sample >= 0:
            value = _sample_start(text, starts[9], end, sample)
            if value < 0:
                return n, used, previous_pos, PARSE_MALFORMED, line_start
            sample_end = _field_end(text, value, end, TAB)
            used = _read_sample(text, starts[8], starts[9] - 1, value, sample_end, n, used, columns)
        if row[DP] < 0:
            row[DP] = _info_depth(text, starts, info_end)
        n += 1
    return n, used, previous_pos, PARSE_OK, 0
