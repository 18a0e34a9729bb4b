"""Alleles assembled where reads are clipped, joined with those that alignments show."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import bubble_kernels
from deepcohort.candidates.columns import Window, aligned_reads
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts
from deepcohort.candidates.select import Alleles, allele_keys
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch

_ALLELES_PER_WINDOW = 16
_BASES_PER_ALLELE = 64
_SPARE_ALLELES = bubble_kernels.CLIP_ALLELES + 1


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
    rules = bubble_kernels.AssemblyRules(config.realign_min_clips, config.min_base_qual, config.max_indel_bp)
    furthest_end, columns = np.maximum.accumulate(reads.end), aligned_reads(reads)
    capacity = _ALLELES_PER_WINDOW * len(starts) + 2 * bubble_kernels.CLIP_ALLELES
    while True:
        found = _room_for(capacity, config.max_indel_bp)
        n = bubble_kernels.assemble_windows(
            starts, ends, counts.clip_count, rules, Window(reference, window.start), furthest_end, columns,
            found.columns,
        )  # fmt: skip
        if _had_room(found, n, config.max_indel_bp):
            break
        capacity *= 2  # or what is found here would depend on the windows before
    return Alleles(
        found.pos[:n], found.ref_len[:n], found.alt_seq[: found.alt_offset[n]], found.alt_offset[: n + 1]
    )


def _room_for(capacity: int, longest_bp: int) -> Alleles:
    """Room for so many alleles, and the bases of most of them."""
    return Alleles(
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int32),
        np.empty(capacity * _BASES_PER_ALLELE + _SPARE_ALLELES * (longest_bp + 1), np.uint8),
        np.empty(capacity + 1, np.int64),
    )


def _had_room(found: Alleles, n: int, longest_bp: int) -> bool:
    """Whether no allele was refused before `n` were left: clips may have held some more for a while."""
    n_bases = int(found.alt_offset[n])
    spare_bp = _SPARE_ALLELES * (longest_bp + 1)
    return n + _SPARE_ALLELES <= len(found) and n_bases + spare_bp <= len(found.alt_seq)


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
