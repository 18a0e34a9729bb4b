"""Heterozygotes whose haplotype too few fragments show: reads of a copy elsewhere look like that.

Half of the fragments carry a heterozygote's ALT. At one site chance may leave a quarter; but the differences
of a copy stand together, and the fragments that show any of them tell more surely than those of one site.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_balance import count_haplotypes
from deepcohort.candidates.columns import support_columns
from deepcohort.candidates.types import CandidateEvidence

# P(0 copies) below which nothing is asked: what speaks for the site is too strong to be turned
_LEAST_ABSENT = 1e-4
_MOST_LOG10 = 3.0  # that the haplotype takes away
# A copy's reads are placed worse than those of REF (mean MAPQ), or differ by more than human haplotypes.
_LEAST_LOWER_MAPQ, _LEAST_DIVERGENCE = 5.0, 0.03
# Or they leave the depth as it is, which tells less: a true haplotype beside a copy that the reference lacks
# is rare among its reads too, but these are many.
_MOST_DEPTH, _MARGIN_LOG10 = 1.2, 1.0
_SHARES = (np.arange(100) + 0.5) / 200.0  # of fragments that a copy may have: anything up to a half
_LOG10_ALT, _LOG10_REF = np.log10(2 * _SHARES), np.log10(2 * (1 - _SHARES))


def log10_unbalanced(n_alt: NDArray[np.int64], n_ref: NDArray[np.int64]) -> NDArray[np.float64]:
    """log10 P(counts | ALT has some share below a half) - log10 P(counts | a half), float64 (n,)."""
    logs = n_alt[:, None] * _LOG10_ALT + n_ref[:, None] * _LOG10_REF
    most = logs.max(axis=1)
    return np.asarray(most + np.log10(np.mean(10.0 ** (logs - most[:, None]), axis=1)))


def by_haplotype(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    divergence: NDArray[np.float32],
    depth: float,
) -> NDArray[np.float32]:
    """`probabilities` with less for heterozygotes on a copy's haplotype that too few fragments show.

    What the site's own counts say is known to the networks; the odds change by what the haplotype's say
    beyond that.

    Args:
        evidence: of a region that holds all candidates within `REACH_BP` of the rows. rows: int64 (n,), of
            its table. probabilities: float32 (n, 3), P(0, 1, 2 copies). divergence: float32 (n,), differences
            per bp of reads with ALT beyond those of reads with REF. depth: x, of the sample, 0 if not known.

    Returns:
        float32 (n, 3); the same array where nothing changes.
    """
    table, reads = evidence.table, evidence.reads
    absent, het, hom = probabilities.T
    asked = np.flatnonzero((het > absent) & (het > hom) & (absent >= _LEAST_ABSENT))
    if len(asked) == 0:
        return probabilities
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    counts, lower_mapq = count_haplotypes(
        rows[asked], table.pos, is_snp, support_columns(evidence.support), reads.mapq, reads.mate
    )
    is_strange = (lower_mapq >= _LEAST_LOWER_MAPQ) | (divergence[asked] >= _LEAST_DIVERGENCE)
    is_usual = counts[:, :2].sum(axis=1) <= _MOST_DEPTH * depth
    doubted = np.flatnonzero((is_strange | is_usual) & (counts[:, 4] > 0))
    asked, counts, is_strange = asked[doubted], counts[doubted], is_strange[doubted]
    more = log10_unbalanced(counts[:, 2], counts[:, 3]) - log10_unbalanced(counts[:, 0], counts[:, 1])
    shift = np.clip(more - np.where(is_strange, 0.0, _MARGIN_LOG10), 0.0, _MOST_LOG10)
    changed = asked[shift > 0]
    if len(changed) == 0:
        return probabilities
    odds = probabilities[changed].astype(np.float64)
    odds[:, 0] *= 10.0 ** shift[shift > 0]
    made = probabilities.copy()
    made[changed] = odds / odds.sum(axis=1, keepdims=True)
    return made
