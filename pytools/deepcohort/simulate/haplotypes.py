"""A sample's copies of a contig, from the reference and the truth."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate.kernels import apply_variants, find_tracts
from deepcohort.simulate.types import ABSENT, Haplotype, SiteTable


def build_haplotype(
    reference: NDArray[np.uint8], sites: SiteTable, column: int, start: int = 0, end: int | None = None
) -> Haplotype:
    """Copy `column` of `sites` over reference[start:end]; sites that cross the ends are left out."""
    end = len(reference) if end is None else end
    allele = sites.gt[:, column].astype(np.int64)
    use = (allele > 0) & (allele != ABSENT) & (sites.pos >= start) & (sites.pos + sites.ref_len <= end)
    which = sites.site_offset[:-1][use] + allele[use] - 1
    codes, ref_pos = apply_variants(
        reference, start, end, sites.pos[use], sites.ref_len[use], sites.alt_seq,
        sites.alt_offset[which], sites.alt_offset[which + 1],
    )  # fmt: skip
    left, right = find_tracts(codes)
    return Haplotype(codes, ref_pos, left, right)
