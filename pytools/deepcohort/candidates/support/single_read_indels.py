"""Indels that one read shows: candidates only where few reads cover the site, and few reads would err so."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import aligned_reads, support_columns
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.select import Alleles
from deepcohort.candidates.single_indel_kernels import (
    REPEAT,
    Indels,
    indel_kinds,
    weak_single_read_indels,
)
from deepcohort.candidates.types import ReadSupport
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def drop_weak_single_read_indels(
    reads: ReadBatch,
    alleles: Alleles,
    event_allele: NDArray[np.int64],
    support: ReadSupport,
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> NDArray[np.bool_]:
    """Indels taken up for the sake of one read which that read cannot carry, bool (N,).

    `event_allele`: int64 (E,), row of each event's allele or -1, of `select_alleles`.
    """
    weak = np.zeros(len(alleles), np.bool_)
    rows = _single_read_indels(alleles, event_allele, config)
    if not len(rows):
        return weak
    lengths = np.diff(alleles.alt_offset)
    indels = Indels(
        alleles.pos,
        (lengths - alleles.ref_len).astype(np.int64),
        alleles.alt_offset[:-1] + 1,
        np.zeros(len(alleles), np.int64),
        alleles.alt_seq,
    )
    kinds, _ = indel_kinds(rows, indels, reference)
    weak[rows] = weak_single_read_indels(
        rows,
        np.where(kinds == REPEAT, config.single_indel_repeat_log10, config.single_indel_min_log10),
        config.single_indel_phase_bp,
        alleles.pos + window.start,
        (alleles.ref_len == 1) & (lengths == 1),
        aligned_reads(reads),
        support_columns(support),
    )
    return weak


def _single_read_indels(
    alleles: Alleles, event_allele: NDArray[np.int64], config: CandidatesConfig
) -> NDArray[np.int64]:
    """Rows of indels on anchors where no indel is shown often enough by itself, int64 (n,), ascending."""
    if not config.single_indel_max_depth:
        return np.empty(0, np.int64)
    shown = np.bincount(event_allele[event_allele >= 0], minlength=len(alleles))
    is_indel = alleles.is_indel
    often = alleles.pos[is_indel & (shown >= config.min_count)]
    return np.flatnonzero(is_indel & (shown == 1) & ~np.isin(alleles.pos, often))
