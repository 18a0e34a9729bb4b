"""One read against nature's prior."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Entries, Window
from deepcohort.candidates.phase_kernels import (
    MAX_MARKERS,
    clear_odds,
    markers_near,
    phase_fragments,
    phased_het_log10,
    sure_genotypes,
)
from deepcohort.candidates.substitution_kernels import substitution_log10
from deepcohort.core.numba_options import kernel


class FaintRules(NamedTuple):
    """What one read must bring; see CandidatesConfig.

    Attributes:
        min_log10: least log10 likelihood ratio of the better of 0/1 and 1/1 to 0/0, plus log10 of nature's
            relative rate of the substitution. end_bp: of aligned read on both sides.
        phase_bp: how far off markers may lie.
    """

    min_log10: float
    end_bp: int
    phase_bp: int


class Snps(NamedTuple):
    """What `weak_single_read_snps` needs of N candidates, each (N,).

    Attributes:
        single: bool, SNPs to look at. is_snp: bool. pos: int64, contig position.
        alt: uint8, first base code of ALT, 0 to 3.
    """

    single: NDArray[np.bool_]
    is_snp: NDArray[np.bool_]
    pos: NDArray[np.int64]
    alt: NDArray[np.uint8]


@kernel
def _near_end(site: int, row: int, reads: AlignedReads, end_bp: int) -> bool:
    """Whether the aligned part of the read `row` ends within `end_bp` of contig position `site`."""
    return site - reads.pos[row] < end_bp or reads.end[row] - 1 - site < end_bp


@kernel
def weak_single_read_snps(
    snps: Snps,
    rules: FaintRules,
    window: Window,
    reads: AlignedReads,
    entries: Entries,
    ad: NDArray[np.int32],
    faint: NDArray[np.bool_],
) -> None:
    """Mark in `faint` bool (N,) the SNPs of one ALT read that its naive likelihood cannot carry.

    `ad`: int32 (N, 2), as in CandidateTable.
    """
    copies = sure_genotypes(snps.is_snp, entries, reads.mapq)
    near = np.empty(MAX_MARKERS, np.int64)
    odds = np.zeros(len(reads.pos))
    touched = np.empty(len(reads.pos), np.int64)
    for c in range(len(snps.single)):
        if not snps.single[c] or ad[c, 1] > 1:
            continue
        n_near = markers_near(c, snps.pos, copies, rules.phase_bp, near)
        n_touched = phase_fragments(near, n_near, entries, reads.mapq, reads.mate, odds, touched)
        first, last = entries.offset[c], entries.offset[c + 1]
        het = phased_het_log10(first, last, entries, reads.mapq, reads.mate, odds)
        clear_odds(odds, touched, n_touched)
        hom = 0.0
        near_end = False
        for e in range(first, last):
            if entries.allele[e] >= 0:
                hom += entries.ratio[e]
            if entries.allele[e] == 1:
                near_end = _near_end(snps.pos[c], entries.read[e], reads, rules.end_bp)
        prior = substitution_log10(window.reference, snps.pos[c] - window.start, snps.alt[c])
        faint[c] = near_end or max(het, hom) + prior < rules.min_log10
