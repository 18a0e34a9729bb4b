"""Reads laid down from end to end, clipped where the ends do not fit."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.clip_kernels import Operations, best_parts, clip_reads
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.merge import take_reads
from deepcohort.reads.placed import placed_reads
from deepcohort.reads.scan import ReadColumns


def loose_share(columns: ReadColumns, reference: NDArray[np.uint8], start: int) -> float:
    """Share of the reads whose ends `clip_loose_ends` would clip."""
    return _loose_parts(columns, reference, start)[1] / max(len(columns.pos), 1)


def clip_own_ends(
    columns: ReadColumns, config: ReadsConfig, reference: NDArray[np.uint8], start: int
) -> ReadColumns:
    """`clip_loose_ends` of the reads whose library's aligner left such ends."""
    if not config.apart:
        return clip_loose_ends(columns, reference, start) if config.clips_ends else columns
    clips = np.array([config.clips_ends, *(one.clips_ends for one in config.apart)])
    return clip_loose_ends(columns, reference, start, clips[columns.library])


def clip_loose_ends(
    columns: ReadColumns,
    reference: NDArray[np.uint8],
    start: int,
    among: NDArray[np.bool_] | None = None,
) -> ReadColumns:
    """`columns` with the ends clipped that score below a clip by bwa mem's scores, in their order again.

    Args:
        reference: uint8 codes from contig position `start` on; ends of reads beyond it stay.
        among: bool (R,), the reads that may be clipped; None: all.
    """
    parts, changed = _loose_parts(columns, reference, start)
    if among is not None:
        parts[~among] = -1  # stays as it is
        changed = int((parts[:, 0] >= 0).sum())
    if not changed:
        return columns
    n_ops = len(columns.cigar_op) + 2 * len(columns.pos)
    out = Operations(
        columns.pos.copy(),
        columns.end.copy(),
        np.empty(n_ops, np.uint8),
        np.empty(n_ops, np.int32),
        np.empty(len(columns.pos), np.int64),
    )
    used = clip_reads(placed_reads(columns), parts, out)
    clipped = replace(
        columns, pos=out.pos, end=out.end, cigar_op=out.op[:used], cigar_len=out.length[:used], n_ops=out.n
    )
    return take_reads(clipped, np.lexsort((clipped.flag, clipped.name_hash, clipped.pos)))


def _loose_parts(
    columns: ReadColumns, reference: NDArray[np.uint8], start: int
) -> tuple[NDArray[np.int64], int]:
    """(int64 (R, 2) of best_parts, reads that lose aligned bases)."""
    parts = np.empty((len(columns.pos), 2), np.int64)
    return parts, int(best_parts(placed_reads(columns), reference, start, parts))
