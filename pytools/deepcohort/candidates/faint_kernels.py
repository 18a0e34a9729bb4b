"""One read against nature's prior."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel


@kernel
def faint_snps(
    spared, single_depth, min_log10, end_bp, site_pos, pos, end, offset, read, allele, ratio, ad, dp, faint
):  # fmt: skip
    """Mark in `faint` bool (N,) the SNPs of one ALT read that its naive likelihood cannot carry.

    Args:
        spared: bool (N,), not to be looked at. single_depth: deeper sites are not for one read to make.
        min_log10: least log10 likelihood ratio of the better of 0/1 and 1/1 to 0/0. end_bp: of
            aligned read needed on both sides. site_pos: int64 (N,), in the coordinates of pos, end.
        The rest as in CandidateTable, ReadSupport and ReadBatch.
    """
    for c in range(len(spared)):
        if spared[c] or ad[c, 1] > 1:
            continue
        het = hom = 0.0
        near_end = False
        for e in range(offset[c], offset[c + 1]):
            if allele[e] < 0:
                continue
            het += np.log10(1.0 + 10.0 ** float(ratio[e])) - 0.30103
            hom += ratio[e]
            if allele[e] == 1:
                r = read[e]
                near_end = site_pos[c] - pos[r] < end_bp or end[r] - 1 - site_pos[c] < end_bp
        faint[c] = near_end or dp[c] > single_depth or max(het, hom) < min_log10
