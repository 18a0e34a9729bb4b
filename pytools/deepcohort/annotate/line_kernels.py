"""Kernels: lines of a table of any kind, matched by allele."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.allele_kernels import (
    INDEL,
    MNV,
    OUTSIDE,
    REF_DIFFERS,
    SNV,
    judge_allele,
)
from deepcohort.core.numba_options import kernel

_TAB, _NEWLINE, _RETURN, _COMMA = 9, 10, 13, 44


@kernel
def scan_table(text: NDArray[np.uint8], which: NDArray[np.int64], out: NDArray[np.int64]) -> tuple[int, int]:
    """Places of a table's key columns.

    Args:
        text: uint8, whole lines. which: int64 (4,), columns of contig, position, REF, ALT.
        out: int64 (m, 8), filled: first byte of the line, start and end of its contig, position (0-based),
        start
            and end of REF, start and end of ALT.

    Returns:
        (lines, fault): 0, 1 too few columns, 2 no position, in line number `lines`.
    """
    n, at, size = 0, 0, len(text)
    last = which.max()
    tabs = np.zeros(last + 2, dtype=np.int64)
    while at < size:
        k = 0
        tabs[0] = at
        while text[at] != _NEWLINE:
            if text[at] == _TAB and k <= last:
                k += 1
                tabs[k] = at + 1
            at += 1
        if k <= last:
            tabs[k + 1] = at + 1 - (at > 0 and text[at - 1] == _RETURN)
        at += 1
        if k < last:
            return n, 1
        pos, start, end = 0, tabs[which[1]], tabs[which[1] + 1] - 1
        for i in range(start, end):
            if not 48 <= text[i] <= 57 or i - start > 10:
                return n, 2
            pos = pos * 10 + text[i] - 48
        if start >= end or pos < 1:
            return n, 2
        out[n, 0], out[n, 1], out[n, 2], out[n, 3] = tabs[0], tabs[which[0]], tabs[which[0] + 1] - 1, pos - 1
        out[n, 4], out[n, 5] = tabs[which[2]], tabs[which[2] + 1] - 1
        out[n, 6], out[n, 7] = tabs[which[3]], tabs[which[3] + 1] - 1
        n += 1
    return n, 0


@kernel
def new_contigs(text: NDArray[np.uint8], lines: NDArray[np.int64], out: NDArray[np.bool_]) -> None:
    """Set out[i], bool (m,), where line i has another contig than the one before; out[0] is True."""
    for i in range(len(lines)):
        same = i > 0 and lines[i, 2] - lines[i, 1] == lines[i - 1, 2] - lines[i - 1, 1]
        if same:
            for j in range(lines[i, 2] - lines[i, 1]):
                if text[lines[i, 1] + j] != text[lines[i - 1, 1] + j]:
                    same = False
                    break
        out[i] = not same


@kernel
def match_lines(
    text: NDArray[np.uint8],
    lines: NDArray[np.int64],
    reference: NDArray[np.uint8],
    reference_start: int,
    max_shift: int,
    scratch: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    out: NDArray[np.int64],
    tally: NDArray[np.int64],
) -> int:
    """Queried alleles among those of a table's lines.

    Args:
        lines: int64 (m, 8), see `scan_table`. keys: uint64 (q,), ascending. out: int64 (rows, 3), filled as
        far as it
            reaches: index within keys (the first of equals), line, ALT number from 0. tally: int64 (3,),
            filled:
            alleles whose REF could be checked, those that differ, line of the first of these.

    Returns:
        rows there are.
    """
    n = 0
    tally[0], tally[1], tally[2] = 0, 0, -1
    for r in range(len(lines)):
        at, stop = lines[r, 6], lines[r, 7]
        number = 0
        while at <= stop:
            end = at
            while end < stop and text[end] != _COMMA:
                end += 1
            if end > at and end - at + max_shift <= len(scratch):
                kind, _, _, _, key = judge_allele(
                    text, lines[r, 4], lines[r, 5] - lines[r, 4], at, end, lines[r, 3],
                    reference, reference_start, max_shift, scratch,
                )  # fmt: skip
                if kind in (SNV, MNV, INDEL, REF_DIFFERS):
                    tally[0] += 1
                if kind in (REF_DIFFERS, OUTSIDE):
                    tally[1] += kind == REF_DIFFERS
                    if tally[2] < 0 and kind == REF_DIFFERS:
                        tally[2] = r
                elif kind in (SNV, MNV, INDEL):
                    q = np.searchsorted(keys, key)
                    if q < len(keys) and keys[q] == key:
                        if n < len(out):
                            out[n, 0], out[n, 1], out[n, 2] = q, r, number
                        n += 1
            number += 1
            at = end + 1
    return n
