"""Kernels: the lines of a VCF of called variants, cut to the alleles that are called."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import Output, SiteColumns, SiteMarks, Span, TextRules
from deepcohort.calls.kernels_record import Record, is_given, put_site
from deepcohort.candidates.columns import Window
from deepcohort.core.numba_options import kernel


@kernel
def _called_alleles(gt: NDArray[np.int8], given: NDArray[np.bool_], kept: NDArray[np.int64]) -> int:
    """Indices of REF and of the alternates in the genotype (2,) or given (n_alts,), ascending, into `kept`.

    Returns their number.
    """
    kept[0] = 0
    n = 1
    for a in range(1, len(given) + 1):
        if given[a - 1] or a == gt[0] or a == gt[1]:
            kept[n] = a
            n += 1
    return n


@kernel
def _shared_end(sites: SiteColumns, s: int, kept: NDArray[np.int64], window: Window) -> int:
    """Bases at their right ends that REF and the ALTs kept[1:] (n,) of site `s` share; one of REF is left."""
    offset, ref_len = sites.alt_offset, sites.ref_len[s]
    end = sites.pos[s] - window.start + ref_len
    drop = ref_len - 1
    for a in range(1, len(kept)):
        k = sites.site_offset[s] + kept[a] - 1
        length = offset[k + 1] - offset[k]
        shared = 0
        while shared < min(drop, length - 1) and (
            sites.alt_seq[offset[k + 1] - 1 - shared] == window.reference[end - 1 - shared]
        ):
            shared += 1
        drop = min(drop, shared)
    return drop


@kernel
def _cut_alts(
    sites: SiteColumns, s: int, kept: NDArray[np.int64], drop: int, offset: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Codes of the ALTs kept[1:] (n,) of site `s`, `drop` bases shorter; `offset` (n,) is filled."""
    first, old = sites.site_offset[s], sites.alt_offset
    size = 0
    for a in range(1, len(kept)):
        k = first + kept[a] - 1
        size += old[k + 1] - old[k] - drop
    codes = np.empty(size, np.uint8)
    size = 0
    for a in range(1, len(kept)):
        k = first + kept[a] - 1
        for b in range(old[k], old[k + 1] - drop):
            codes[size] = sites.alt_seq[b]
            size += 1
        offset[a] = size
    return codes


@kernel
def _cut_likelihoods(
    sites: SiteColumns, s: int, kept: NDArray[np.int64], gl: NDArray[np.float64], ad: NDArray[np.int32]
) -> int:
    """Fill `gl` (G,), the largest 0, and `ad` (A,) with those of the alleles kept (n,) of site `s`;
    likelihoods filled.
    """
    m = 0
    top = -np.inf
    first = sites.gl_offset[s]
    for y in range(len(kept)):
        ad[y] = sites.ad[sites.ad_offset[s] + kept[y]]
        for x in range(y + 1):
            if sites.ploidy[s] == 1:
                if x == 0:
                    gl[m] = sites.gl[first + kept[y]]
                    m += 1
            else:
                gl[m] = sites.gl[first + kept[y] * (kept[y] + 1) // 2 + kept[x]]
                m += 1
    for g in range(m):
        top = max(top, gl[g])
    for g in range(m):
        gl[g] -= top
    return m


@kernel
def _cut_genotype(gt: NDArray[np.int8], kept: NDArray[np.int64]) -> NDArray[np.int8]:
    """The genotype `gt` (2,) in indices of the alleles kept (n,)."""
    found = np.empty(2, np.int8)
    for h in range(2):
        found[h] = gt[h]
        for a in range(1, len(kept)):
            if gt[h] == kept[a]:
                found[h] = a
    return found


class _CutRoom(NamedTuple):
    """Room for the alleles of one site. kept, offset: int64 (A,). gl: float64 (G,). ad: int32 (A,)."""

    kept: NDArray[np.int64]
    offset: NDArray[np.int64]
    gl: NDArray[np.float64]
    ad: NDArray[np.int32]


@kernel
def _cut_room(n_alts: NDArray[np.int32]) -> _CutRoom:
    """Room for the site that has most of `n_alts` (S,)."""
    room = 3
    for s in range(len(n_alts)):
        room = max(room, n_alts[s] + 1)
    return _CutRoom(
        np.empty(room, np.int64),
        np.zeros(room, np.int64),
        np.empty(room * (room + 1) // 2),
        np.empty(room, np.int32),
    )


@kernel
def _cut_site(
    sites: SiteColumns,
    s: int,
    marks: SiteMarks,
    window: Window,
    kept: NDArray[np.int64],
    room: _CutRoom,
) -> Record:
    """The record of site `s` with REF and the ALTs kept[1:] (n,) alone."""
    has_bias = len(marks.strands) > 0
    b = s if has_bias else 0
    drop = _shared_end(sites, s, kept, window)
    codes = _cut_alts(sites, s, kept, drop, room.offset)
    m = _cut_likelihoods(sites, s, kept, room.gl, room.ad)
    at = sites.pos[s] - window.start
    return Record(
        sites.pos[s],
        sites.id_text[sites.id_offset[s] : sites.id_offset[s + 1]],
        window.reference[at : at + sites.ref_len[s] - drop],
        codes,
        room.offset,
        np.int64(0),
        np.int64(len(kept) - 1),
        sites.ploidy[s],
        _cut_genotype(sites.gt[s], kept),
        room.gl[:m],
        sites.gq[s],
        sites.qual[s],
        sites.dp[s],
        room.ad[: len(kept)],
        marks.disputed[s],
        is_given(sites, s),
        has_bias,
        marks.strands[b],
        marks.mapping[b],
        marks.ranks[b],
    )


@kernel
def write_called(
    out: Output,
    span: Span,
    window: Window,
    sites: SiteColumns,
    marks: SiteMarks,
    rules: TextRules,
) -> tuple[int, int]:
    """VCF lines of the sites (S,) of `span` whose genotype holds an ALT, cut to the alleles called.

    Disputed sites are written too, with the ALT that most reads show; and sites with given alleles, with
    those (`rules.given_only`: no others).

    Returns:
        (bytes, lines) written.
    """
    n, n_lines = 0, 0
    room = _cut_room(sites.n_alts)
    for s in range(len(sites.pos)):
        pos, gt = sites.pos[s], sites.gt[s]
        is_called = max(gt[0], gt[1]) > 0
        has_given = is_given(sites, s)
        if not span.start <= pos < span.end or not (is_called or marks.disputed[s] or has_given):
            continue
        if rules.given_only and not has_given:
            continue
        given = sites.given[sites.site_offset[s] : sites.site_offset[s + 1]]
        n_kept = _called_alleles(gt, given, room.kept)
        if not is_called and not has_given:
            room.kept[1] = 1 + np.argmax(sites.ad[sites.ad_offset[s] + 1 : sites.ad_offset[s + 1]])
            n_kept = 2
        record = _cut_site(sites, s, marks, window, room.kept[:n_kept], room)
        out.lines[n_lines, 0], out.lines[n_lines, 1] = pos, pos + len(record.ref)
        out.lines[n_lines, 2] = n
        n = put_site(out.buffer, n, span.contig, record, rules, False)
        n_lines += 1
    return n, n_lines
