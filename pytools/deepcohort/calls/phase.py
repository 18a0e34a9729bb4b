"""Whether a SNP and an indel on the same anchor base lie on one haplotype, from the reads that show them."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_phase import count_pairs
from deepcohort.candidates.types import CandidateTable, ReadSupport


def same_site_phase(
    table: CandidateTable, support: ReadSupport, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (SNP, indel) of one POS and the reads that tell their phase, for `genotype_sites`.

    Args:
        table, support: of all candidates. rows: int64 (n,), ascending, those to be genotyped.

    Returns:
        pairs int64 (P, 2), indices into `rows`; reads int64 (P, 2): reads that show both, and reads
        that show one of the two and the reference at the other.
    """
    lengths = np.diff(table.alt_offset)
    is_snp = (table.ref_len == 1) & (lengths == 1)
    is_indel = table.ref_len != lengths
    return count_pairs(table.pos, is_snp, is_indel, rows, support.offset, support.read, support.allele)
