"""SNPs that one read shows: candidates only where so few reads cover the site that one could win."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Window, aligned_reads, support_columns
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts
from deepcohort.candidates.select import Alleles
from deepcohort.candidates.support.single_read_kernels import FaintRules, Snps, weak_single_read_snps
from deepcohort.candidates.types import ReadSupport
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def drop_weak_single_read_snps(
    reads: ReadBatch,
    alleles: Alleles,
    counts: WindowCounts,
    support: ReadSupport,
    ad: NDArray[np.int32],
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> NDArray[np.bool_]:
    """SNPs taken up for the sake of one read which that read cannot carry, bool (N,)."""
    faint = np.zeros(len(alleles), np.bool_)
    first_base = alleles.alt_seq[alleles.alt_offset[:-1]] & np.uint8(3)
    single = (
        ~alleles.is_indel
        & (alleles.ref_len == 1)
        & (counts.alt_count[first_base, alleles.pos] < config.min_count)
        & (counts.alt_count[first_base, alleles.pos] > 0)
    )
    if single.any():
        is_snp = ~alleles.is_indel & (alleles.ref_len == 1)
        weak_single_read_snps(
            Snps(single, is_snp, alleles.pos + window.start, first_base),
            FaintRules(config.single_min_log10, config.single_end_bp, config.phase_bp),
            Window(reference, window.start),
            aligned_reads(reads),
            support_columns(support),
            ad,
            faint,
        )
    return faint


def take_support(support: ReadSupport, rows: NDArray[np.int64]) -> ReadSupport:
    """Entries of the candidates `rows`, ascending."""
    sizes = np.diff(support.offset)[rows]
    offset = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(sizes, out=offset[1:])
    entries = np.repeat(support.offset[rows] - offset[:-1], sizes) + np.arange(int(offset[-1]))
    return ReadSupport(
        offset,
        support.read[entries],
        support.allele[entries],
        support.log10_ratio[entries],
        support.read_index[entries],
    )
