"""Candidate alleles of a region with the evidence for them."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import add_alleles
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts, count_window
from deepcohort.candidates.joined_gaps import with_joined_gaps
from deepcohort.candidates.realign import Realignment
from deepcohort.candidates.select import Alleles, no_alleles, select_alleles, take_alleles
from deepcohort.candidates.site_kernels import NEIGHBOUR_BP
from deepcohort.candidates.support import weigh_reads
from deepcohort.candidates.support.single_read_indels import drop_weak_single_read_indels
from deepcohort.candidates.support.single_read_snps import drop_weak_single_read_snps, take_support
from deepcohort.candidates.types import AlleleCounts, CandidateEvidence, CandidateTable, ReadSupport
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def find_candidates(
    reads: ReadBatch,
    reference_codes: NDArray[np.uint8],
    window: Region,
    region: Region,
    config: CandidatesConfig | None = None,
) -> CandidateEvidence:
    """Counts, candidates and support of `region`, from the reads of the padded `window`.

    Args:
        reads: from `ReadSource.fetch(window)`.
        reference_codes: uint8 (len(window),), from `ReferenceFasta.fetch_codes(window)`.
        window: `region.padded(config.pad_bp, contig_length)`.
        region: where counts are given and candidates have their POS.
        config: thresholds.
    """
    config = config or CandidatesConfig()
    reads = with_joined_gaps(reads, reference_codes, window)
    counts = count_window(reads, reference_codes, window, config)
    realigned = np.zeros(len(reads), np.bool_)
    looked_at = np.zeros(len(reference_codes), np.bool_)
    assembled = no_alleles()
    if config.realign:
        done = Realignment(reads, counts, reference_codes, window, config).run()
        reads, realigned, looked_at, assembled = done.reads, done.changed, done.covered, done.spelled
    first, last = region.start - window.start, region.end - window.start
    # a little beyond, as reads are weighed under a site's neighbours too
    beyond = min(last + NEIGHBOUR_BP, len(reference_codes))
    alleles, event_allele = select_alleles(counts, reads, reference_codes, first, beyond, config)
    alleles, event_allele = _with_assembled(alleles, event_allele, assembled, first, beyond)
    joins = ~_lone_snps(alleles, counts, config)
    support, dp, ad = weigh_reads(reads, alleles, reference_codes, window, config, joins)
    is_weak = drop_weak_single_read_snps(reads, alleles, counts, support, ad, reference_codes, window, config)
    is_weak |= drop_weak_single_read_indels(
        reads, alleles, event_allele, support, reference_codes, window, config
    )
    kept = np.flatnonzero(~is_weak & (alleles.pos < last))
    if len(kept) < len(alleles):
        alleles, support = take_alleles(alleles, kept), take_support(support, kept)
        dp, ad = dp[kept], ad[kept]
    return CandidateEvidence(
        counts=_allele_counts(counts, reads, reference_codes, window, region),
        table=_table_of(alleles, dp, ad, looked_at, window),
        support=support,
        reads=reads,
        realigned=realigned,
    )


def _lone_snps(alleles: Alleles, counts: WindowCounts, config: CandidatesConfig) -> NDArray[np.bool_]:
    """Which alleles are SNPs that fewer reads show than a candidate needs elsewhere, bool (N,).

    As neighbours of an indel they would explain the one read that shows them, a wrong base within a deleted
    copy of a repeat as much as a true one: it then speaks for the reference, where it says nothing.
    """
    is_snp = (alleles.ref_len == 1) & (np.diff(alleles.alt_offset) == 1)
    base = alleles.alt_seq[alleles.alt_offset[:-1]] & 3
    return is_snp & (counts.alt_count[base, alleles.pos] < config.min_count)


def _with_assembled(
    alleles: Alleles, event_allele: NDArray[np.int64], assembled: Alleles, first: int, last: int
) -> tuple[Alleles, NDArray[np.int64]]:
    """`alleles` and those of the `assembled` ones, of assembly, that lie in [first, last) of the window.

    Also `event_allele` int64 (E,), rows or -1, of these.
    """
    inside = np.flatnonzero((assembled.pos >= first) & (assembled.pos < last))
    if not len(inside):
        return alleles, event_allele
    joined, row_of = add_alleles(alleles, take_alleles(assembled, inside))
    return joined, np.append(row_of, -1)[event_allele]


def _table_of(
    alleles: Alleles,
    dp: NDArray[np.int32],
    ad: NDArray[np.int32],
    looked_at: NDArray[np.bool_],
    window: Region,
) -> CandidateTable:
    """`alleles` as candidates; `looked_at` bool (L,), where realignment looked."""
    return CandidateTable(
        contig=window.contig,
        pos=alleles.pos + window.start,
        ref_len=alleles.ref_len,
        alt_seq=alleles.alt_seq,
        alt_offset=alleles.alt_offset,
        dp=dp,
        ad=ad,
        realigned=looked_at[alleles.pos],
    )


def no_candidates(
    reads: ReadBatch, reference_codes: NDArray[np.uint8], window: Region, region: Region
) -> CandidateEvidence:
    """Evidence of `region` in which nothing is looked for: no candidate, no count, reads as aligned."""
    nothing = np.zeros(len(region), np.int32)
    codes = reference_codes[region.start - window.start : region.end - window.start]
    alleles = no_alleles()
    return CandidateEvidence(
        counts=AlleleCounts(region, nothing, nothing, nothing, codes),
        table=CandidateTable(
            region.contig,
            alleles.pos,
            alleles.ref_len,
            alleles.alt_seq,
            alleles.alt_offset,
            np.empty(0, np.int32),
            np.empty((0, 2), np.int32),
            np.empty(0, np.bool_),
        ),
        support=ReadSupport(
            np.zeros(1, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.int8),
            np.empty(0, np.float32),
            np.empty(0, np.int32),
        ),
        reads=reads,
        realigned=np.zeros(len(reads), np.bool_),
    )


def _allele_counts(
    counts: WindowCounts, reads: ReadBatch, reference: NDArray[np.uint8], window: Region, region: Region
) -> AlleleCounts:
    """Counts over `region`; nothing is counted where the reference is N."""
    inside = slice(region.start - window.start, region.end - window.start)
    codes = reference[inside]
    known = codes < 4
    n_total = np.where(known, counts.n_total[inside], 0)
    # deletions are in n_total, and are neither reference nor another base
    n_ref = n_total - _mismatches(counts, inside) - counts.n_deleted[inside]
    change = np.zeros(len(codes) + 1, np.int64)
    np.add.at(change, np.clip(reads.mapq0_pos - region.start, 0, len(codes)), 1)
    np.add.at(change, np.clip(reads.mapq0_end - region.start, 0, len(codes)), -1)
    return AlleleCounts(
        region=region,
        n_ref=np.where(known, n_ref, 0).astype(np.int32),
        n_total=n_total.astype(np.int32),
        mapq0=np.cumsum(change[:-1]).astype(np.int32),
        reference=codes,
    )


def _mismatches(counts: WindowCounts, inside: slice) -> NDArray[np.int32]:
    alt = counts.alt_count
    return alt[0, inside] + alt[1, inside] + alt[2, inside] + alt[3, inside]
