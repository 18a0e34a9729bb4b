"""What each read says at each candidate."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates import indel_kernels, support_kernels
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.select import Alleles
from deepcohort.candidates.types import ReadSupport
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def weigh_reads(
    reads: ReadBatch,
    alleles: Alleles,
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> tuple[ReadSupport, NDArray[np.int32], NDArray[np.int32]]:
    """(support, dp int32 (N,), ad int32 (N, 2)) of `alleles`."""
    site_pos, site_first = np.unique(alleles.pos, return_index=True)
    site_first = np.append(site_first, len(alleles)).astype(np.int64)
    is_indel = alleles.is_indel
    resync, period, units = indel_kernels.site_repeats(
        site_pos, site_first, alleles.ref_len, alleles.alt_offset, alleles.alt_seq, reference
    )
    haplotypes = indel_kernels.site_haplotypes(
        site_pos,
        site_first,
        resync,
        alleles.pos,
        alleles.ref_len,
        alleles.alt_offset,
        alleles.alt_seq,
        reference,
    )
    flanks = _flank_reference(alleles, site_pos, resync, reference)
    entries = support_kernels.count_entries(
        reads.pos, reads.end, reads.cigar_op, reads.cigar_len, reads.cigar_offset, window.start, site_pos
    )
    offset = np.zeros(len(alleles) + 1, np.int64)
    np.cumsum(np.repeat(entries, np.diff(site_first)), out=offset[1:])
    n = int(offset[-1])
    support = ReadSupport(
        offset=offset,
        read=np.empty(n, np.int32),
        allele=np.empty(n, np.int8),
        log10_ratio=np.empty(n, np.float32),
        read_index=np.empty(n, np.int32),
    )
    support_kernels.judge_reads(
        reads.pos, reads.end, reads.mapq, reads.seq, reads.qual, reads.own_qual, reads.seq_offset,
        reads.cigar_op, reads.cigar_len, reads.cigar_offset, reference, flanks, window.start,
        site_pos, site_first, resync, *haplotypes, alleles.ref_len, alleles.alt_offset, alleles.alt_seq,
        period, units,
        config.min_base_qual, config.slips.array(), offset, support.read, support.allele,
        support.log10_ratio, support.read_index,
    )  # fmt: skip
    support_kernels.settle_fragments(
        is_indel, reads.mate, offset, support.read, support.allele, support.log10_ratio
    )
    support_kernels.lend_quality(
        is_indel, alleles.pos, window.start, reads.pos, reads.end, reads.mate, reads.seq, reads.qual,
        reads.own_qual, reads.seq_offset, reads.cigar_op, reads.cigar_len, reads.cigar_offset, offset,
        support.read, support.allele, support.read_index,
    )  # fmt: skip
    dp = np.zeros(len(alleles), np.int32)
    ad = np.zeros((len(alleles), 2), np.int32)
    support_kernels.tally(is_indel, offset, support.allele, dp, ad)
    return support, dp, ad


def _flank_reference(
    alleles: Alleles, site_pos: NDArray[np.int64], resync: NDArray[np.int64], reference: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The reference with N for SNP candidates that lie in no indel's repeat: in the flanks of an indel
    they say nothing about it, and several together would hide what the rest says.
    """
    inside = np.zeros(len(reference) + 1, np.int64)
    indel = resync >= 0
    np.add.at(inside, site_pos[indel], 1)
    np.add.at(inside, np.clip(resync[indel], 0, len(reference)), -1)
    snps = alleles.pos[~alleles.is_indel]
    flanks = reference.copy()
    flanks[snps[np.cumsum(inside)[snps] == 0]] = 4
    return flanks
