"""Heterozygotes that another person's reads make of homozygotes, where some of a sample's reads are theirs.

The networks learned from reads of one person: two reads of an allele are a heterozygote with bad luck. Where
a known share of the reads is a stranger's, they may as well be the stranger's.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_balance import count_haplotypes
from deepcohort.calls.kernels_contamination import count_fragments
from deepcohort.candidates.columns import support_columns
from deepcohort.candidates.types import CandidateEvidence

_LEAST_HET = 1e-3  # P(1 copy) below which there is nothing to take away
_MOST_LN = 50.0  # of odds
# where fragments show a second ALT: it is more often the sample's other allele than a stranger's third
_LN_ANOTHER = np.log(0.02)
# by copies of the sample, then of a stranger: how often both are so, over how often the sample has one copy,
# under the neutral spectrum 1/p of frequencies p; 0 where both are homozygotes of one allele
_STRANGERS = np.array([[0.0, 1 / 2, 1 / 12], [1 / 2, 1 / 3, 1 / 6], [1 / 12, 1 / 6, 0.0]])
_COPIES = np.arange(3) / 2.0


def log_shares(counts: NDArray[np.int64], contamination: float) -> NDArray[np.float64]:
    """ln P(counts, stranger | 0, 1, 2 copies) where a homozygote's stranger is unlike it, float64 (n, 3).

    `counts`: int64 (n, 2), fragments with the ALT and without. `contamination`: share of the reads that is a
    stranger's, above 0. Errors are left to the networks: a homozygote whose reads agree has -inf.
    """
    n_alt, n_ref = counts.T
    found = np.empty((len(counts), 3))
    with np.errstate(divide="ignore"):
        priors = np.log(_STRANGERS)
        for copies in range(3):
            share = (1 - contamination) * _COPIES[copies] + contamination * _COPIES
            logs = priors[copies] + _times_log(n_alt, share) + _times_log(n_ref, 1 - share)
            found[:, copies] = np.logaddexp.reduce(logs, axis=1)
    found[n_alt == 0, 0] = found[n_ref == 0, 2] = -np.inf
    return found


def _times_log(counts: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 (n, 3): counts, int64 (n,), times the log of shares, float64 (3,); 0 of what cannot be is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(counts[:, None] == 0, 0.0, counts[:, None] * np.log(shares))


def without_strangers(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    contamination: float,
) -> NDArray[np.float32]:
    """`probabilities` whose heterozygotes share with homozygotes that a stranger's reads lie on.

    Args:
        evidence: of a region that holds all candidates near the rows. rows: int64 (n,), of its table.
            probabilities: float32 (n, 3), P(0, 1, 2 copies). contamination: share of the reads that is
            another person's; 0 changes nothing.

    Returns:
        float32 (n, 3); the same array where nothing changes.
    """
    if contamination <= 0:
        return probabilities
    asked = np.flatnonzero(probabilities[:, 1] >= _LEAST_HET)
    if len(asked) == 0:
        return probabilities
    table, reads = evidence.table, evidence.reads
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    entries = support_columns(evidence.support)
    shown = count_fragments(rows[asked], entries, reads.mate)
    own = np.stack([shown[:, 0], shown[:, 1] + shown[:, 2]], axis=1)
    linked, _ = count_haplotypes(rows[asked], table.pos, is_snp, entries, reads.mapq, reads.mate)
    # a haplotype's fragments tell more surely than a site's whose they are
    alt = np.where(linked[:, [4]] > 0, linked[:, 2:4], own)
    by_alt, by_site = log_shares(alt, contamination), log_shares(own, contamination)
    gained = np.stack([by_alt[:, 0] - by_alt[:, 1], by_site[:, 2] - by_site[:, 1]], axis=1)
    gained[shown[:, 2] > shown[:, 1], 1] += _LN_ANOTHER
    ratio = np.exp(np.minimum(gained, _MOST_LN))
    odds = probabilities[asked].astype(np.float64)
    odds[:, [0, 2]] += odds[:, [1]] * ratio
    made = probabilities.copy()
    made[asked] = odds / odds.sum(axis=1, keepdims=True)
    return made
