"""Kernels: the lines of a gVCF, records and reference blocks.

Buffers are uint8 arrays that the caller makes long enough (`text_capacity`); every writer returns the
new fill. `lines` int64 (n, 3) collects (POS 0-based, end 0-based exclusive, first byte) for the index.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import Output, ReferenceConfidence, SiteColumns, SiteMarks, Span, TextRules
from deepcohort.calls.kernels_record import (
    Record,
    as_bytes,
    is_given,
    put_genotype,
    put_int,
    put_site,
    put_start,
    put_text,
)
from deepcohort.candidates.columns import Window
from deepcohort.core.numba_options import kernel
from deepcohort.core.phred import MAX_GQ
from deepcohort.core.sequence import ASCII_OF_CODE
from deepcohort.core.vcf_constants import COVERED_AT

_NEWLINE, _COMMA, _COLON, _ZERO = 10, 44, 58, 48
_BLOCK_FORMAT = as_bytes("\tGT:GQ:DP:MIN_DP:PL\t")
_BLOCK_INFO = as_bytes("\t<NON_REF>\t.\t.\tEND=")
_COV = as_bytes(";COV=")

# open reference block: columns of the state array, int64 (N_STATE,)
OPEN, START, END, CLASS, DEPTH, MIN_DEPTH, PL_ONE, PL_TWO, REF_CODE, COVERED, SUM, AT_LEAST = range(12)
N_STATE = AT_LEAST + len(COVERED_AT)
_COVERED_AT = np.array(COVERED_AT)


@kernel
def _put_coverage(buffer: NDArray[np.uint8], n: int, state: NDArray[np.int64]) -> int:
    """INFO COV of the open block, `state` (N_STATE,), into `buffer` (B,), unless every base has MIN_DP."""
    bp = state[END] - state[START]
    if state[SUM] == bp * state[MIN_DEPTH]:
        return n
    n = put_text(buffer, n, _COV)
    n = put_int(buffer, n, state[SUM])
    for k in range(len(_COVERED_AT)):
        if state[MIN_DEPTH] >= _COVERED_AT[k]:
            continue  # all bases
        if state[AT_LEAST + k] == 0:
            break  # nor any deeper
        buffer[n] = _COMMA
        n = put_int(buffer, n + 1, state[AT_LEAST + k])
    return n


@kernel
def close_block(
    buffer: NDArray[np.uint8],
    n: int,
    lines: NDArray[np.int64],
    n_lines: int,
    state: NDArray[np.int64],
    contig: NDArray[np.uint8],
) -> tuple[int, int]:
    """Write the open reference block, if any, and mark it closed; returns (n, n_lines).

    `buffer` (B,), `lines` (L, 3), `state` (N_STATE,), `contig` (c,).
    """
    if state[OPEN] == 0:
        return n, n_lines
    state[OPEN] = 0
    lines[n_lines, 0], lines[n_lines, 1], lines[n_lines, 2] = state[START], state[END], n
    n = put_start(buffer, n, contig, state[START], contig[:0])
    buffer[n] = ASCII_OF_CODE[state[REF_CODE]]
    n = put_text(buffer, n + 1, _BLOCK_INFO)
    n = put_int(buffer, n, state[END])
    n = _put_coverage(buffer, n, state)
    n = put_text(buffer, n, _BLOCK_FORMAT)
    copies, covered = state[CLASS] // 64, state[CLASS] % 64 > 0
    allele = 0 if covered else -1
    n = put_genotype(buffer, n, allele, -2 if copies == 1 else allele)
    buffer[n] = _COLON
    n = put_int(buffer, n + 1, min(state[PL_ONE], state[PL_TWO], MAX_GQ))
    buffer[n] = _COLON
    n = put_int(buffer, n + 1, state[DEPTH])
    buffer[n] = _COLON
    n = put_int(buffer, n + 1, state[MIN_DEPTH])
    buffer[n], buffer[n + 1], buffer[n + 2] = _COLON, _ZERO, _COMMA
    n += 3
    if copies != 1:
        n = put_int(buffer, n, state[PL_ONE])
        buffer[n] = _COMMA
        n += 1
    n = put_int(buffer, n, state[PL_TWO])
    buffer[n] = _NEWLINE
    return n + 1, n_lines + 1


@kernel
def text_capacity(
    contig_bytes: int,
    classes: NDArray[np.int16],
    ref_len: NDArray[np.int32],
    n_alts: NDArray[np.int32],
    alt_bytes: int,
) -> tuple[int, int]:
    """Bytes that suffice for one chunk of bases `classes` (L,) and sites (S,), and lines: (bytes, lines)."""
    lines = 2
    for i in range(1, len(classes)):
        if classes[i] != classes[i - 1]:
            lines += 1
    lines += 2 * len(ref_len)
    size = lines * (contig_bytes + 192) + alt_bytes
    for s in range(len(ref_len)):
        alleles = n_alts[s] + 2
        size += contig_bytes + 384 + ref_len[s] + alleles * 32 + 6 * alleles * (alleles + 1) // 2
    return size, lines


@kernel
def _cover(state: NDArray[np.int64], depth: int) -> None:
    """Add a base of the open block, `state` (N_STATE,), to what COV says."""
    state[SUM] += depth
    for k in range(len(_COVERED_AT)):
        if depth >= _COVERED_AT[k]:
            state[AT_LEAST + k] += 1


@kernel
def _whole_site(sites: SiteColumns, s: int, marks: SiteMarks, window: Window) -> Record:
    """The record of site `s` with all its alleles; arrays of `sites` and `marks` are (S, ...)."""
    has_bias = len(marks.strands) > 0
    b = s if has_bias else 0
    at = sites.pos[s] - window.start
    return Record(
        sites.pos[s],
        sites.id_text[sites.id_offset[s] : sites.id_offset[s + 1]],
        window.reference[at : at + sites.ref_len[s]],
        sites.alt_seq,
        sites.alt_offset,
        sites.site_offset[s],
        np.int64(sites.n_alts[s]),
        sites.ploidy[s],
        sites.gt[s],
        sites.gl[sites.gl_offset[s] : sites.gl_offset[s + 1]],
        sites.gq[s],
        sites.qual[s],
        sites.dp[s],
        sites.ad[sites.ad_offset[s] : sites.ad_offset[s + 1]],
        marks.disputed[s],
        is_given(sites, s),
        has_bias,
        marks.strands[b],
        marks.mapping[b],
        marks.ranks[b],
    )


@kernel
def _open_block(state: NDArray[np.int64], p: int, i: int, confidence: ReferenceConfidence) -> None:
    """Open a block in `state` (N_STATE,) at position `p`, the base `i` of `confidence`, arrays (L,)."""
    depth = confidence.n_total[i]
    state[OPEN], state[START], state[END], state[CLASS] = 1, p, p + 1, confidence.classes[i]
    state[DEPTH] = state[MIN_DEPTH] = depth if confidence.classes[i] % 64 else 0
    state[PL_ONE], state[PL_TWO] = confidence.pl_het[i], confidence.pl_hom_alt[i]
    state[SUM:] = 0
    _cover(state, depth)


@kernel
def write_gvcf(
    out: Output,
    state: NDArray[np.int64],
    span: Span,
    window: Window,
    confidence: ReferenceConfidence,
    sites: SiteColumns,
    marks: SiteMarks,
    rules: TextRules,
) -> tuple[int, int]:
    """gVCF lines of `span`. Sites may begin before it: they only cover bases then.

    Args:
        state: int64 (N_STATE,); the last block stays open in it. confidence: of the bases of `span`.
        rules: `given_only` leaves blocks out too.

    Returns:
        (bytes, lines) written.
    """
    buffer, lines, pos = out.buffer, out.lines, sites.pos
    classes, n_total = confidence.classes, confidence.n_total
    n, n_lines, s = 0, 0, 0
    while s < len(pos) and pos[s] < span.start:
        state[COVERED] = max(state[COVERED], pos[s] + sites.covers[s])
        s += 1
    for p in range(span.start, span.end):
        i = p - span.start
        here = s < len(pos) and pos[s] == p
        if rules.given_only and not (here and is_given(sites, s)):
            s += here
            continue
        if here:
            n, n_lines = close_block(buffer, n, lines, n_lines, state, span.contig)
            lines[n_lines, 0], lines[n_lines, 1], lines[n_lines, 2] = p, p + sites.ref_len[s], n
            n = put_site(buffer, n, span.contig, _whole_site(sites, s, marks, window), rules, True)
            n_lines += 1
            state[COVERED] = max(state[COVERED], p + sites.covers[s])
            s += 1
            continue
        if p < state[COVERED]:
            continue
        if state[OPEN] and state[CLASS] == classes[i] and state[END] == p:
            state[END] = p + 1
            _cover(state, n_total[i])
            state[MIN_DEPTH] = min(state[MIN_DEPTH], n_total[i])
            state[PL_ONE] = min(state[PL_ONE], confidence.pl_het[i])
            state[PL_TWO] = min(state[PL_TWO], confidence.pl_hom_alt[i])
            continue
        n, n_lines = close_block(buffer, n, lines, n_lines, state, span.contig)
        _open_block(state, p, i, confidence)
        state[REF_CODE] = window.reference[p - window.start]
    return n, n_lines
