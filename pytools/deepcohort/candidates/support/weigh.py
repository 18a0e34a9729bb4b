"""What each read says at each candidate."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates import site_kernels
from deepcohort.candidates.columns import Window, aligned_reads, support_columns
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.select import Alleles
from deepcohort.candidates.support import read_kernels
from deepcohort.candidates.types import ReadSupport
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def weigh_reads(
    reads: ReadBatch,
    alleles: Alleles,
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
    joins: NDArray[np.bool_] | None = None,
) -> tuple[ReadSupport, NDArray[np.int32], NDArray[np.int32]]:
    """(support, dp int32 (N,), ad int32 (N, 2)) of `alleles`.

    Haplotypes of a site hold its neighbours among the alleles that `joins`, bool (N,), names; None: all.
    """
    joins = np.ones(len(alleles), np.bool_) if joins is None else joins
    is_indel, columns = alleles.is_indel, aligned_reads(reads)
    site_pos, first = np.unique(alleles.pos, return_index=True)
    first = np.append(first, len(alleles)).astype(np.int64)
    sites = site_kernels.site_repeats(site_pos, first, alleles.columns, reference)
    haplotypes = site_kernels.site_haplotypes(sites, alleles.columns, joins, reference)
    counted = read_kernels.count_entries(columns, window.start, site_pos)
    support = _room_for(np.repeat(counted, np.diff(first)))
    entries = support_columns(support)
    read_kernels.judge_reads(
        columns, alleles.columns, Window(reference, window.start), sites, haplotypes,
        _flank_reference(alleles, site_pos, sites.resync, reference), config.slips, config.min_base_qual,
        entries,
    )  # fmt: skip
    read_kernels.assign_to_copies(is_indel, reads.mate, entries)
    read_kernels.lend_quality(is_indel, alleles.pos, window.start, columns, entries)
    dp = np.zeros(len(alleles), np.int32)
    ad = np.zeros((len(alleles), 2), np.int32)
    read_kernels.tally(entries, dp, ad)
    return support, dp, ad


def _room_for(counted: NDArray[np.int64]) -> ReadSupport:
    """Support of candidates with so many entries each, int64 (N,), still to be filled."""
    offset = np.zeros(len(counted) + 1, np.int64)
    np.cumsum(counted, out=offset[1:])
    n = int(offset[-1])
    return ReadSupport(
        offset=offset,
        read=np.empty(n, np.int32),
        allele=np.empty(n, np.int8),
        log10_ratio=np.empty(n, np.float32),
        read_index=np.empty(n, np.int32),
    )


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
