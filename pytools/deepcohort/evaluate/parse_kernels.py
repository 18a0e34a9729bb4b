"""VCF text to columns: one pass over the bytes, nothing kept but what evaluation needs."""
# mypy: ignore-errors

import numpy as np

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
def _number(text, start, end):
    """Float of text[start:end], NaN for '.', empty or anything that is no number."""
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
def _field_end(text, start, end, separator):
    while start < end and text[start] != separator:
        start += 1
    return start


@kernel
def _is_pass(text, start, end):
    """Whether a FILTER or FT value says PASS or nothing; several values must all do so."""
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
def _info_number(text, start, end, a, b):
    """Number of the two-letter INFO key `ab`, NaN if absent."""
    at = start
    while at < end:
        stop = _field_end(text, at, end, SEMICOLON)
        if stop - at > 3 and text[at] == a and text[at + 1] == b and text[at + 2] == EQUALS:
            return _number(text, at + 3, stop)
        at = stop + 1
    return np.nan


@kernel
def _is_key(text, start, end, a, b):
    return end - start == 2 and text[start] == a and text[start + 1] == b


@kernel
def _parse_gt(text, start, end, gt):
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


@kernel
def parse_lines(text, contig, sample, previous_pos, line, ints, floats, gts, pool):
    """Records of `contig` in whole VCF lines.

    Parameters:
        text: uint8, lines that end in a newline. contig: uint8, its name. sample: sample column, 0
        first; -1 reads no genotype. previous_pos: last position before this text. line: records of
        the contig before this text.
        ints, floats, gts, pool: outputs, long enough for every line and byte of `text`: columns as
        named above; gts int16 (n, MAX_PLOIDY); pool uint8 holds REF, ALT, GT of each record.

    Returns:
        n records, bytes of pool used, last position, result (PARSE_*), where in text it failed.
    """
    n = 0
    used = 0
    at = 0
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
        n_fields = 1
        starts[0] = line_start
        i = line_start
        while i < end and n_fields < 10:
            if text[i] == TAB:
                starts[n_fields] = i + 1
                n_fields += 1
            i += 1
        if n_fields < 8:
            return n, used, previous_pos, PARSE_MALFORMED, line_start
        same = starts[1] - 1 - line_start == len(contig)
        for k in range(len(contig) if same else 0):
            if text[line_start + k] != contig[k]:
                same = False
                break
        if not same:
            return n, used, previous_pos, PARSE_OTHER_CONTIG, line_start
        pos_number = _number(text, starts[1], starts[2] - 1)
        if np.isnan(pos_number) or starts[4] - 1 <= starts[3] or starts[5] - 1 <= starts[4]:
            return n, used, previous_pos, PARSE_MALFORMED, line_start
        pos = int(pos_number) - 1
        if pos < previous_pos:
            return n, used, previous_pos, PARSE_UNSORTED, line_start
        previous_pos = pos
        info_end = starts[8] - 1 if n_fields > 8 else end
        row = ints[n]
        row[POS] = pos
        row[REF_LEN] = starts[4] - 1 - starts[3]
        row[ALT_LEN] = starts[5] - 1 - starts[4]
        row[PASSED] = _is_pass(text, starts[6], starts[7] - 1)
        row[POOL_OFFSET] = used
        row[LINE] = line + n
        row[DP] = -1
        row[PLOIDY] = 0
        row[PHASED] = 0
        row[PHASE_SET] = -1
        row[GT_LEN] = 0
        floats[n, QUAL] = _number(text, starts[5], starts[6] - 1)
        floats[n, GQ] = np.nan
        floats[n, MAPQ] = _info_number(text, starts[7], info_end, 77, 81)
        for k in range(row[REF_LEN] + 1 + row[ALT_LEN]):  # the tab between stays as a separator
            pool[used + k] = text[starts[3] + k]
        used += row[REF_LEN] + 1 + row[ALT_LEN]
        for k in range(MAX_PLOIDY):
            gts[n, k] = -2
        if n_fields == 10 and sample >= 0:
            value = starts[9]
            skip = sample
            while skip > 0 and value < end:
                if text[value] == TAB:
                    skip -= 1
                value += 1
            if skip > 0:
                return n, used, previous_pos, PARSE_MALFORMED, line_start
            sample_end = _field_end(text, value, end, TAB)
            key = starts[8]
            key_end = starts[9] - 1
            while key < key_end and value <= sample_end:
                key_stop = _field_end(text, key, key_end, COLON)
                value_stop = _field_end(text, value, sample_end, COLON)
                if _is_key(text, key, key_stop, 71, 84):  # GT
                    ploidy, phased = _parse_gt(text, value, value_stop, gts[n])
                    row[PLOIDY] = ploidy
                    row[PHASED] = phased
                    row[GT_LEN] = value_stop - value
                    for k in range(value_stop - value):
                        pool[used + k] = text[value + k]
                    used += value_stop - value
                elif _is_key(text, key, key_stop, 71, 81):  # GQ
                    floats[n, GQ] = _number(text, value, value_stop)
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
        if row[DP] < 0:
            depth = _info_number(text, starts[7], info_end, 68, 80)
            if not np.isnan(depth):
                row[DP] = int(depth)
        n += 1
    return n, used, previous_pos, PARSE_OK, 0
