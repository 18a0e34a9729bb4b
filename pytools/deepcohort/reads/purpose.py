"""Ends of reads that were clipped on purpose: their bases say nothing, although they fit.

An aligner clips what does not fit. Clipped bases that go on as the reference does were cut by a tool: primers
of amplicons, whose bases are the primer's and not the sample's, and ends that overlap the mate. Laid back
by realignment they would be evidence for the reference.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.scan import ReadColumns, offsets_of

_REVERSE = 0x10
_SOFT, _HARD = 4, 5
_LEAST_BP, _MOST_BP = 5, 40  # of a clip, that must fit; that are looked at, nearest to the alignment
_MANY_DIFFER = 10  # of so many bases one may differ
# of the reads, and of the clips at that end, that fit: of an aligner's one in 70 at most, else 19 in 20
_LEAST_SHARE, _LEAST_FITTING, _LEAST_CLIPS = 0.01, 0.5, 10

Ends = tuple[bool, bool]  # where a read begins to be read (5'), and where that ends (3')


def _outer_operations(columns: ReadColumns) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(rows of the reads with several operations, the first and the last of these that is no hard clip)."""
    rows = np.flatnonzero(columns.n_ops > 1)
    offset = offsets_of(columns.n_ops)
    first, last = offset[rows], offset[rows + 1] - 1
    first = first + (columns.cigar_op[first] == _HARD)
    last = last - (columns.cigar_op[last] == _HARD)
    return rows, first, last


def soft_clips(columns: ReadColumns) -> NDArray[np.int64]:
    """Int64 (R, 2): bases clipped softly at the left and at the right; 0 of reads without alignment."""
    clips = np.zeros((len(columns.pos), 2), np.int64)
    rows, first, last = _outer_operations(columns)
    for side, at in enumerate((first, last)):
        is_soft = (columns.cigar_op[at] == _SOFT) & (first < last)
        clips[rows, side] = np.where(is_soft, columns.cigar_len[at], 0)
    return clips


def _fits(
    columns: ReadColumns, rows: NDArray[np.int64], bp: NDArray[np.int64], side: int, start: int,
    codes: NDArray[np.uint8],
) -> NDArray[np.bool_]:  # fmt: skip
    """Bool (n,): whether the `bp` int64 (n,) clipped at that side of `rows` go on as `codes` do."""
    offset = offsets_of(columns.seq_length)
    step = np.arange(_MOST_BP)[None, :]
    if side == 0:
        query = (offset[rows] + bp)[:, None] - 1 - step
        place = columns.pos[rows][:, None] - start - 1 - step
    else:
        query = (offset[rows + 1] - bp)[:, None] + step
        place = columns.end[rows][:, None] - start + step
    seen = (step < bp[:, None]) & (place >= 0) & (place < len(codes))
    query, place = np.where(seen, query, 0), np.where(seen, place, 0)
    differ = (seen & (columns.seq[query] != codes[place])).sum(axis=1)
    n = seen.sum(axis=1)
    return np.asarray((n >= _LEAST_BP) & (differ * _MANY_DIFFER <= n))


def clipped_on_purpose(
    pieces: Sequence[ReadColumns], references: Sequence[tuple[int, NDArray[np.uint8]]]
) -> Ends:
    """At which ends of its reads a library was clipped on purpose, as most clips there fit the reference.

    `references` are (start, base codes) of each piece's stretch of the reference.
    """
    n_reads = 0
    counts = np.zeros((2, 2), np.int64)  # by end: clips, those that fit
    for piece, (start, codes) in zip(pieces, references, strict=True):
        n_reads += len(piece.pos)
        if len(codes) == 0:
            continue
        clips, reverse = soft_clips(piece), (piece.flag & _REVERSE) != 0
        for side in (0, 1):
            rows = np.flatnonzero(clips[:, side] >= _LEAST_BP)
            fits = _fits(piece, rows, clips[rows, side], side, start, codes)
            # the left end of a reverse read is its 3' end
            end = (reverse[rows] ^ bool(side)).astype(np.int64)
            counts[:, 0] += np.bincount(end, minlength=2)
            counts[:, 1] += np.bincount(end[fits], minlength=2)
    least = max(_LEAST_CLIPS, _LEAST_SHARE * n_reads)
    five, three = (bool(fit >= least and fit > _LEAST_FITTING * n) for n, fit in counts)
    return five, three


def without_clips(columns: ReadColumns, ends: NDArray[np.bool_]) -> ReadColumns:
    """`columns` without bases clipped at the `ends` of each read, bool (R, 2), 5' and 3': hard clips."""
    reverse = ((columns.flag & _REVERSE) != 0)[:, None]
    clips = soft_clips(columns) * np.where(reverse, ends[:, ::-1], ends)
    if not clips.any():
        return columns
    kept_bp = columns.seq_length - clips.sum(axis=1)
    within = np.arange(len(columns.seq)) - np.repeat(offsets_of(columns.seq_length)[:-1], columns.seq_length)
    left, length = (np.repeat(x, columns.seq_length) for x in (clips[:, 0], kept_bp))
    keep = (within >= left) & (within < left + length)
    rows, *outer = _outer_operations(columns)
    cigar_op = columns.cigar_op.copy()
    for side, at in enumerate(outer):
        cigar_op[at[clips[rows, side] > 0]] = _HARD
    return replace(
        columns,
        seq=columns.seq[keep],
        qual=columns.qual[keep],
        seq_length=kept_bp,
        cigar_op=cigar_op,
    )


def ends_text(ends: Ends) -> str:
    """Ends of a profile for people."""
    return {(True, True): "both", (True, False): "starts", (False, True): "ends"}.get(ends, "none")
