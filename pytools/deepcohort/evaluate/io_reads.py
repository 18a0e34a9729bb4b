"""Depth and mapping quality along a contig, for the strata by coverage and MAPQ."""

from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError

_SKIP = 0x4 | 0x100 | 0x200 | 0x400 | 0x800  # unmapped, secondary, QC-fail, duplicate, supplementary


def depth_and_mapq(
    reads: Path, reference: Path, contig: str, length: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Depth int32 (L,) and mean MAPQ float32 (L,; NaN without reads) of primary reads by their span.

    Raises:
        DeepcohortError: the reads are not indexed or lack the contig.
    """
    depth = np.zeros(length + 1, dtype=np.int32)
    total = np.zeros(length + 1, dtype=np.int64)
    try:
        with pysam.AlignmentFile(str(reads), reference_filename=str(reference)) as file:
            if not file.has_index():
                raise DeepcohortError(f"reads {reads} are not indexed; run: samtools index {reads}")
            if contig not in file.references:
                return depth[:length], np.full(length, np.nan, dtype=np.float32)
            for read in file.fetch(contig):
                if read.flag & _SKIP or read.reference_end is None:
                    continue
                end = min(read.reference_end, length)
                depth[read.reference_start] += 1
                depth[end] -= 1
                total[read.reference_start] += read.mapping_quality
                total[end] -= read.mapping_quality
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"reads {reads} cannot be read: {error}") from error
    depth = np.cumsum(depth[:length], dtype=np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        mapq = (np.cumsum(total[:length]) / depth).astype(np.float32)
    return depth, mapq
