"""What haplotypes of reads say of indels, as numbers for `model.haplotypes`."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import support_columns
from deepcohort.pileup.columns import table_columns
from deepcohort.pileup.haplotype_kernels import N_TERMS, TEMPERS, SaidByReads, fill_terms
from deepcohort.pileup.types import Evidence

# Within 5 kb, where the site features look, HG002's long reads meet too few heterozygous SNPs.
REACH_BP = 20_000
MAX_MARKERS = 32

_SIDE = ("told_log", "alt", "ref", "ratio_sum", "ratio_mean", "reads_log", "none")
TERM_NAMES: tuple[str, ...] = (
    *(f"{what}_{t}" for t in TEMPERS for what in ("het", "hom_het", "het_unphased", "hom_het_unphased")),
    *(f"{side}_{name}" for side in ("major", "minor") for name in _SIDE),
    "unknown_log", "unknown", "sureness", "alleles",
)  # fmt: skip
assert len(TERM_NAMES) == N_TERMS


def haplotype_terms(
    evidence: Evidence,
    rows: NDArray[np.int64],
    reach_bp: int = REACH_BP,
    max_markers: int = MAX_MARKERS,
) -> NDArray[np.float64]:
    """Terms float64 (B, N_TERMS) of the indel candidates `rows` (B,) of the evidence's table.

    Candidates within `reach_bp` of each must be in the table; the nearest `max_markers` heterozygous SNPs
    among them tell haplotypes.
    """
    out = np.empty((len(rows), N_TERMS))
    said = SaidByReads(support_columns(evidence.support), evidence.reads.mapq, evidence.reads.mate)
    fill_terms(out, np.asarray(rows, np.int64), table_columns(evidence.table), said, reach_bp, max_markers)
    return out
