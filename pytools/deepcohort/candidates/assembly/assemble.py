"""Alleles assembled where reads are clipped, joined with those that alignments show."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import bubble_kernels
from deepcohort.candidates.columns import Window, aligned_reads
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts
from deepcohort.candidates.select import Alleles
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch

_ALLELES_PER_WINDOW = 16
_BASES_PER_ALLELE = 64


def assemble_alleles(
    reads: ReadBatch,
    counts: WindowCounts,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> Alleles:
    """Indels (not substitutions) that clipped reads spell out, in the order found."""
    capacity = _ALLELES_PER_WINDOW * len(starts) + 8
    found = Alleles(
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int32),
        np.empty(capacity * _BASES_PER_ALLELE + 2 * config.max_indel_bp, np.uint8),
        np.empty(capacity + 1, np.int64),
    )
    n = bubble_kernels.assemble_windows(
        starts,
        ends,
        counts.clip_count,
        bubble_kernels.AssemblyRules(config.realign_min_clips, config.min_base_qual, config.max_indel_bp),
        Window(reference, window.start),
        np.maximum.accumulate(reads.end),
        aligned_reads(reads),
        found.columns,
    )
    return Alleles(
        found.pos[:n], found.ref_len[:n], found.alt_seq[: found.alt_offset[n]], found.alt_offset[: n + 1]
    )


def add_alleles(alleles: Alleles, more: Alleles) -> tuple[Alleles, NDArray[np.int64]]:
    """(`alleles` and those of `more` that are new, sorted; new row of each old one, int64 (N,))."""
    known = set(allele_keys(alleles))
    rows: list[tuple[int, int, int, bytes]] = list(allele_keys(alleles))
    n_old = len(rows)
    for key in allele_keys(more):
        if key not in known:
            known.add(key)
            rows.append(key)
    order = sorted(range(len(rows)), key=rows.__getitem__)
    row_of = np.empty(len(rows), np.int64)
    row_of[order] = np.arange(len(rows))
    offset = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([rows[i][2] for i in order], out=offset[1:])
    joined = Alleles(
        np.array([rows[i][0] for i in order], np.int64),
        np.array([rows[i][1] for i in order], np.int32),
        # a copy may be written to, as kernels are compiled for
        np.frombuffer(b"".join([rows[i][3] for i in order]), np.uint8).copy(),
        offset,
    )
    return joined, row_of[:n_old]


def allele_keys(alleles: Alleles) -> list[tuple[int, int, int, bytes]]:
    """Of each allele (pos, ref_len, alt length, alt): what makes it the same as another, and their order."""
    text = alleles.alt_seq.tobytes()
    offset = alleles.alt_offset.tolist()
    pos, ref_len = alleles.pos.tolist(), alleles.ref_len.tolist()
    return [
        (pos[i], ref_len[i], offset[i + 1] - offset[i], text[offset[i] : offset[i + 1]])
        for i in range(len(alleles))
    ]
