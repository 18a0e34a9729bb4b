"""Kernels: who carries which allele, on which haplotype."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_TAB, _COLON, _DOT, _SLASH, _BAR = 9, 58, 46, 47, 124
# phase of a carried allele that has no phase set of its own
ALL_SETS, NO_SET, WHOLE_CONTIG = -1, -2, -3


@kernel
def _field_index(text: NDArray[np.uint8], start: int, stop: int, first: int, second: int) -> int:
    """Index of a two-letter key of FORMAT, text[start:stop] of `text` (n,); -1 where it is absent."""
    index, at = 0, start
    while at < stop:
        end = at
        while end < stop and text[end] != _COLON:
            end += 1
        if end - at == 2 and text[at] == first and text[at + 1] == second:
            return index
        index += 1
        at = end + 1
    return -1


@kernel
def _value(text: NDArray[np.uint8], at: int, end: int, index: int) -> tuple[int, int]:
    """Start and end of the index-th value of a sample's column text[at:end]; empty where left out.

    `text` (n,).
    """
    while index > 0 and at < end:
        index -= text[at] == _COLON
        at += 1
    if index > 0:
        return end, end
    stop = at
    while stop < end and text[stop] != _COLON:
        stop += 1
    return at, stop


@kernel
def _number(text: NDArray[np.uint8], at: int, end: int) -> int:
    """Whole number of text[at:end] of `text` (n,); -1 where it is none."""
    if at >= end:
        return -1
    value = 0
    for i in range(at, end):
        if not 48 <= text[i] <= 57:
            return -1
        value = value * 10 + text[i] - 48
    return value


@kernel
def list_carriers(
    text: NDArray[np.uint8], columns: NDArray[np.int64], lines: NDArray[np.int64], out: NDArray[np.int64]
) -> int:
    """Carried ALTs of some lines: one row per haplotype of a sample that carries one.

    Args:
        lines: int64 (k,), which lines. out: int64 (rows, 5), filled as far as it reaches: index within
        `lines`,
            sample, haplotype (0, 1), ALT (from 1), phase set (or ALL_SETS: on every haplotype of the sample,
            NO_SET: not phased, WHOLE_CONTIG: phased without PS).

    Returns:
        rows there are; more than `out` has: call again with a longer one. Of samples with more than two
        haplotypes nothing is said.
    """
    n = 0
    for k in range(len(lines)):
        r = lines[k]
        start, line_end = columns[r, 8], columns[r, 9]
        if start > line_end:
            continue
        at = start
        while at < line_end and text[at] != _TAB:
            at += 1
        gt = _field_index(text, start, at, 71, 84)
        ps = _field_index(text, start, at, 80, 83)
        if gt < 0:
            continue
        sample = 0
        at += 1
        while at <= line_end:
            end = at
            while end < line_end and text[end] != _TAB:
                end += 1
            g, g_end = _value(text, at, end, gt)
            i = g
            while i < g_end and text[i] != _SLASH and text[i] != _BAR:
                i += 1
            first = _number(text, g, i)
            if i >= g_end:  # haploid
                if first > 0:
                    if n < len(out):
                        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = k, sample, 0, first, ALL_SETS
                    n += 1
            else:
                second = _number(text, i + 1, g_end)  # -1 of more than two haplotypes too
                is_plain = second >= 0 or (g_end - i == 2 and text[i + 1] == _DOT)
                place = NO_SET
                if first == second:
                    place = ALL_SETS
                elif text[i] == _BAR:
                    place = WHOLE_CONTIG
                    if ps >= 0:
                        p, p_end = _value(text, at, end, ps)
                        number = _number(text, p, p_end)
                        if number >= 0:
                            place = number
                if is_plain and first > 0:
                    if n < len(out):
                        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = k, sample, 0, first, place
                    n += 1
                if is_plain and second > 0:
                    if n < len(out):
                        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = k, sample, 1, second, place
                    n += 1
            sample += 1
            at = end + 1
    return n


@kernel
def read_samples(
    text: NDArray[np.uint8], start: int, line_end: int, key_index: int, out: NDArray[np.int64]
) -> int:
    """Whole numbers of one FORMAT key of a line's samples into out, int64 (s,); -1 where there is none.

    Args:
        text: the line at start:line_end, from the first sample's column on.
    """
    sample, at = 0, start
    while at <= line_end and sample < len(out):
        end = at
        while end < line_end and text[end] != _TAB:
            end += 1
        v, v_end = _value(text, at, end, key_index)
        out[sample] = _number(text, v, v_end)
        sample += 1
        at = end + 1
    return sample


@kernel
def read_genotypes(
    text: NDArray[np.uint8],
    start: int,
    line_end: int,
    key_index: int,
    alleles: NDArray[np.int8],
    phased: NDArray[np.bool_],
) -> int:
    """Alleles of a line's samples, int8 (s, 2): -1 missing, -2 no second haplotype, -3 more than two."""
    sample, at = 0, start
    while at <= line_end and sample < len(alleles):
        end = at
        while end < line_end and text[end] != _TAB:
            end += 1
        g, g_end = _value(text, at, end, key_index)
        i = g
        while i < g_end and text[i] != _SLASH and text[i] != _BAR:
            i += 1
        alleles[sample, 0] = min(_number(text, g, i), 127)
        phased[sample] = i < g_end and text[i] == _BAR
        if i >= g_end:
            alleles[sample, 1] = -2
        else:
            alleles[sample, 1] = min(_number(text, i + 1, g_end), 127)
            for j in range(i + 1, g_end):
                if text[j] == _SLASH or text[j] == _BAR:
                    alleles[sample, 0] = alleles[sample, 1] = -3
        sample += 1
        at = end + 1
    return sample
