"""Haplotypes that reads carry, for pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pysam

from deepcohort.core.region import Region
from deepcohort.reads.kernels import hash_names


def haplotypes_near(paths: Sequence[Path], reference: Path, region: Region) -> dict[int, int]:
    """`ReadBatch.name_hash` -> tag HP of the primary records that overlap `region` and have it."""
    found: dict[bytes, int] = {}
    for path in paths:
        with pysam.AlignmentFile(str(path), reference_filename=str(reference)) as file:
            for record in file.fetch(region.contig, region.start, region.end):
                if not record.is_secondary and not record.is_supplementary and record.has_tag("HP"):
                    haplotype = record.get_tag("HP")
                    if isinstance(haplotype, int):  # SAM leaves HP to anybody: text is another tool's
                        found[(record.query_name or "").encode()] = haplotype
    offset = np.cumsum([0, *map(len, found)]).astype(np.int64)
    hashes = hash_names(np.frombuffer(b"".join(found), np.uint8), offset)
    return dict(zip(hashes.tolist(), found.values(), strict=True))
