"""Kernel: where the lines of VCF text begin and which bases they cover."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_TAB, _NEWLINE, _SEMICOLON = 9, 10, 59


@kernel
def scan_lines(text: NDArray[np.uint8], lines: NDArray[np.int64], new_contig: NDArray[np.bool_]) -> int:
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
