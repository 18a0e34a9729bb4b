"""Depth and mapping quality at records, for the strata by coverage and MAPQ."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import ReadSource, open_reads
from deepcohort.reads.types import ReadBatch

_WINDOW_BP = 250_000
_CONFIG = ReadsConfig(min_mapq=0, max_depth=1 << 30)  # every primary read counts


@dataclass(frozen=True, slots=True)
class DepthAt:
    """What reads say at P positions of a contig.

    Attributes:
        pos: int64 (P,), ascending, each once. depth: int32 (P,). mapq: float32 (P,), mean, NaN
            without reads.
    """

    pos: NDArray[np.int64]
    depth: NDArray[np.int32]
    mapq: NDArray[np.float32]

    def at(self, pos: NDArray) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Depth and mean MAPQ at positions that are all in `self.pos`."""
        rows = np.searchsorted(self.pos, pos)
        return self.depth[rows], self.mapq[rows]


def open_counted(reads: Path, reference: Path, sample: str = "") -> ReadSource:
    """Reads whose depth counts: all primary ones.

    `sample`: whose read groups count, where the file holds several samples.

    Raises:
        DeepcohortError: the reads are missing, not indexed, damaged, or made on another reference.
    """
    return open_reads([reads], reference, replace(_CONFIG, sample=sample))


def depth_of(source: ReadSource, contig: str, pos: NDArray) -> DepthAt:
    """Depth and mean MAPQ of primary reads by their span, at each of `pos` (any order).

    Raises:
        DeepcohortError: the reads are damaged.
    """
    where = np.unique(pos).astype(np.int64)
    depth = np.zeros(len(where), dtype=np.int32)
    mapq = np.full(len(where), np.nan, dtype=np.float32)
    if contig in source.contig_lengths:
        cuts = np.flatnonzero(np.diff(where // _WINDOW_BP)) + 1
        for rows in np.split(np.arange(len(where)), cuts):
            if len(rows):
                region = Region(contig, int(where[rows[0]]), int(where[rows[-1]]) + 1)
                depth[rows], mapq[rows] = _count(source.fetch(region), where[rows])
    return DepthAt(where, depth, mapq)


def _count(batch: ReadBatch, pos: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Reads over each position and their mean MAPQ: those begun less those ended."""
    by_end = np.argsort(batch.end, kind="stable")
    begun = np.searchsorted(batch.pos, pos, "right")
    ended = np.searchsorted(batch.end[by_end], pos, "right")
    total = np.concatenate([[0], np.cumsum(batch.mapq, dtype=np.int64)])[begun]
    total -= np.concatenate([[0], np.cumsum(batch.mapq[by_end], dtype=np.int64)])[ended]
    depth = begun - ended
    with np.errstate(invalid="ignore", divide="ignore"):
        return depth, total / depth
