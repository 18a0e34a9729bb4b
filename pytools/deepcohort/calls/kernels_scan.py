"""Kernels: where the lines of VCF text begin and which bases they cover; whether they are whole."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

_TAB, _NEWLINE, _COMMA, _DOT, _COLON, _SEMICOLON = 9, 10, 44, 46, 58, 59
_MAX_KEYS = 64  # of FORMAT
_MAX_POS = 2**31 - 2


@kernel
def scan_lines(text, lines, new_contig):
    """Fill `lines` and `new_contig` from whole lines of VCF records.

    Args:
        text: uint8 (n,), ends with a newline. lines: int64 (m, 3): start, end (0-based half-open;
            from INFO/END, else POS and the length of REF), first byte. new_contig: bool (m,), CHROM
            differs from the line before (True for the first).

    Returns:
        number of lines; -1 - k where line k is no VCF record.
    """
    n, at, size = 0, 0, len(text)
    previous_start, previous_length = 0, -1
    while at < size:
        begin = at
        while at < size and text[at] != _TAB and text[at] != _NEWLINE:
            at += 1
        length = at - begin
        same = length == previous_length
        i = 0
        while same and i < length:
            same = text[begin + i] == text[previous_start + i]
            i += 1
        new_contig[n] = not same
        previous_start, previous_length = begin, length
        at += 1
        pos, digits = 0, 0
        while at < size and 48 <= text[at] <= 57:
            pos = pos * 10 + text[at] - 48
            at += 1
            digits += 1
        if digits == 0 or at >= size or text[at] != _TAB:
            return -1 - n
        field, ref_start, end = 2, 0, -1
        at += 1
        # fields from ID on: 2 ID, 3 REF, 4 ALT, 5 QUAL, 6 FILTER, 7 INFO
        while at < size and text[at] != _NEWLINE and field < 8:
            if field == 3 and ref_start == 0:
                ref_start = at
            is_key = field == 7 and (text[at - 1] == _TAB or text[at - 1] == _SEMICOLON)
            # "END="
            is_end = is_key and at + 4 < size and text[at] == 69 and text[at + 1] == 78
            if is_end and text[at + 2] == 68 and text[at + 3] == 61:
                at += 4
                end = 0
                while at < size and 48 <= text[at] <= 57:
                    end = end * 10 + text[at] - 48
                    at += 1
                continue
            if text[at] == _TAB:
                if field == 3 and end < 0:
                    lines[n, 1] = pos - 1 + at - ref_start
                field += 1
            at += 1
        if field < 7:
            return -1 - n
        while at < size and text[at] != _NEWLINE:
            at += 1
        at += 1
        lines[n, 0], lines[n, 2] = pos - 1, begin
        if end >= 0:
            lines[n, 1] = end
        n += 1
    return n


@kernel
def find_fault(text, n_fields, integer_keys):
    """First line of whole VCF record lines that is malformed, and how.

    Args:
        text: uint8 (n,), ends with a newline. n_fields: columns that the header line has.
        integer_keys: uint64 (k,), FORMAT keys of type Integer of at most eight letters, as big-endian bytes.

    Returns:
        (line, fault): line counted from 0, -1 where all is well. Faults: 1 a byte that is no printable ASCII,
        2 an empty or missing field, or one too many, 3 a POS that is no number from 1 to 2^31 - 2, 4 a REF
        that is not of letters, 5 a QUAL that is no number, 6 more values of a sample than keys of FORMAT,
        7 a GT that is no genotype of these alleles, 8 an END before POS, 9 a value that is no whole number,
        10 a FORMAT with a key twice, or with too many.
    """
    line, field, field_start, key, n_keys, n_alts, pos = 0, 0, 0, 0, 0, 0, 0
    code = np.uint64(0)
    has_gt = False
    is_integer = np.zeros(_MAX_KEYS, dtype=np.bool_)
    codes = np.zeros(_MAX_KEYS, dtype=np.uint64)
    for at in range(len(text)):
        byte = text[at]
        is_end = byte in (_TAB, _NEWLINE)
        if not is_end and (byte < 32 or byte > 126):
            return line, 1
        if is_end and (at == field_start or field >= n_fields):
            return line, 2
        if field == 3 and not is_end and not (65 <= byte <= 90 or 97 <= byte <= 122):
            return line, 4
        elif field == 4:
            n_alts += byte == _COMMA or (is_end and text[at - 1] != _DOT)
        elif field == 8:
            if is_end or byte == _COLON:
                if n_keys == _MAX_KEYS or _holds(codes[:n_keys], code):
                    return line, 10
                codes[n_keys] = code
                is_integer[n_keys] = _holds(integer_keys, code)
                n_keys += 1
                code = np.uint64(0)
            else:
                # a ninth letter pushes the first out: no key of this length is looked for
                code = (code << np.uint64(8)) | np.uint64(byte)
        elif field > 8 and not is_end:
            if byte == _COLON:
                key += 1
                if key >= n_keys:
                    return line, 6
            elif is_integer[key] and not (48 <= byte <= 57 or 44 <= byte <= 46):  # , - .
                return line, 9
        if not is_end:
            continue
        if field == 1:
            pos = _natural(text, field_start, at)
            if not 1 <= pos <= _MAX_POS:
                return line, 3
        elif field == 5 and not _is_number(text, field_start, at):
            return line, 5
        elif field == 7 and _end_of(text, field_start, at, pos) < pos:
            return line, 8
        elif field == 8:
            # "GT" alone or first
            has_gt = at - field_start >= 2 and text[field_start] == 71 and text[field_start + 1] == 84
            has_gt = has_gt and (at - field_start == 2 or text[field_start + 2] == _COLON)
        elif field > 8 and has_gt and not _is_genotype(text, field_start, at, n_alts):
            return line, 7
        field += 1
        field_start = at + 1
        key = 0
        if byte == _NEWLINE:
            if field != n_fields:
                return line, 2
            line += 1
            field, n_keys, n_alts = 0, 0, 0
            has_gt = False
    return -1, 0


@kernel
def _holds(keys, code):
    """Whether `code` is one of `keys`."""
    found = False
    for i in range(len(keys)):
        found = found or keys[i] == code
    return found


@kernel
def _natural(text, start, end):
    """Number of decimal digits text[start:end]; -1 for anything else, or more than ten digits."""
    if end - start > 10 or end == start:
        return -1
    value = 0
    for i in range(start, end):
        if not 48 <= text[i] <= 57:
            return -1
        value = value * 10 + text[i] - 48
    return value


@kernel
def _is_number(text, start, end):
    """Whether text[start:end] is `.` or a decimal number, with an exponent or not."""
    if end - start == 1 and text[start] == 46:
        return True
    digits, points, exponents = 0, 0, 0
    for i in range(start, end):
        byte = text[i]
        if 48 <= byte <= 57:
            digits += 1
        elif byte == 46 and points == 0 and exponents == 0:
            points = 1
        elif (byte == 69 or byte == 101) and digits > 0 and exponents == 0:
            exponents = 1
            digits = 0
        elif (byte == 43 or byte == 45) and (i == start or text[i - 1] == 69 or text[i - 1] == 101):
            pass
        else:
            return False
    return digits > 0


@kernel
def _is_genotype(text, start, end, n_alts):
    """Whether the first value of a sample column is alleles up to `n_alts`, separators between (0/1, 1|.)."""
    in_allele = False
    allele = 0
    for i in range(start, end):
        byte = text[i]
        if byte == _COLON:
            return in_allele
        if byte == 47 or byte == 124:
            if not in_allele:
                return False
            in_allele = False
            allele = 0
        elif byte == 46:
            if in_allele:
                return False
            in_allele = True
        elif 48 <= byte <= 57:
            if in_allele and (text[i - 1] < 48 or text[i - 1] > 57):
                return False
            in_allele = True
            allele = allele * 10 + byte - 48
            if allele > n_alts:
                return False
        else:
            return False
    return in_allele


@kernel
def _end_of(text, start, end, pos):
    """END of INFO text[start:end]; -1 where its value is no number, `pos` where there is no END."""
    i = start
    while i + 4 <= end:
        if (
            (i == start or text[i - 1] == _SEMICOLON)
            and text[i] == 69
            and text[i + 1] == 78
            and text[i + 2] == 68
            and text[i + 3] == 61
        ):
            stop = i + 4
            while stop < end and text[stop] != _SEMICOLON:
                stop += 1
            return _natural(text, i + 4, stop)
        i += 1
    return pos
