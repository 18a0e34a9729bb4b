"""One read against nature's prior."""
# mypy: ignore-errors

import numpy as np

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


@kernel
def _near_end(site, single_read, pos, end, end_bp):
    """Whether the aligned part of the read ends within `end_bp` of the site."""
    return site - pos[single_read] < end_bp or end[single_read] - 1 - site < end_bp


@kernel
def faint_snps(
    single, is_snp, min_log10, end_bp, phase_bp, site_pos, first_alt, reference, window_start, pos, end, mapq,
    mate, offset, read, allele, ratio, ad, faint,
):  # fmt: skip
    """Mark in `faint` bool (N,) the SNPs of one ALT read that its naive likelihood cannot carry.

    Args:
        single: bool (N,), SNPs to look at. min_log10: least log10 likelihood ratio of the better of 0/1
            and 1/1 to 0/0, plus log10 of nature's relative rate of the substitution. end_bp: of aligned
            read needed on both sides. site_pos: int64 (N,), in the coordinates of pos, end.
        first_alt: uint8 (N,), first base of ALT. reference: uint8 codes from window_start on.
        The rest as in CandidateTable, ReadSupport and ReadBatch.
    """
    copies = sure_genotypes(is_snp, offset, read, allele, ratio, mapq)
    near = np.empty(MAX_MARKERS, np.int64)
    odds = np.zeros(len(pos))
    touched = np.empty(len(pos), np.int64)
    for c in range(len(single)):
        if not single[c] or ad[c, 1] > 1:
            continue
        n_near = markers_near(c, site_pos, copies, phase_bp, near)
        n_touched = phase_fragments(near, n_near, offset, read, allele, ratio, mapq, mate, odds, touched)
        het = phased_het_log10(offset[c], offset[c + 1], read, allele, ratio, mapq, mate, odds)
        clear_odds(odds, touched, n_touched)
        hom = 0.0
        near_end = False
        for e in range(offset[c], offset[c + 1]):
            if allele[e] >= 0:
                hom += ratio[e]
            if allele[e] == 1:
                near_end = _near_end(site_pos[c], read[e], pos, end, end_bp)
        prior = substitution_log10(reference, site_pos[c] - window_start, first_alt[c])
        faint[c] = near_end or max(het, hom) + prior < min_log10
