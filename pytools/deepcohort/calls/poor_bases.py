"""Sites where most bases are too poor to count: together they tell what the few others cannot.

The networks see bases of `min_base_qual` phred and more. Instruments that read a run of one base at once (Ion
Torrent, Ultima) give all reads poor bases there; one read with a better base, wrong, would be a heterozygote.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_poor_bases import sum_poor_bases
from deepcohort.candidates.columns import support_columns
from deepcohort.candidates.types import CandidateEvidence

_LEAST_SHARE = 0.5  # of the reads that say something; with fewer poor bases the networks were trained
_MOST_LOG10 = np.array([3.0, 6.0])  # that they say of one and two copies: their errors are not independent


def with_poor_bases(
    evidence: CandidateEvidence, rows: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`probabilities` of SNPs with the likelihood of bases too poor to count, where these are most.

    Such bases may take a variant away or tell one copy from two. They do not make one likelier: in one place
    they are often wrong alike.

    Args:
        evidence: of a region that holds the rows. rows: int64 (n,), of its table. probabilities: float32
            (n, 3), P(0, 1, 2 copies).

    Returns:
        float32 (n, 3); the same array where nothing changes.
    """
    table = evidence.table
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    asked = np.flatnonzero(is_snp[rows] & (probabilities[:, 0] < 0.5))
    if len(asked) == 0:
        return probabilities
    logs, share = sum_poor_bases(rows[asked], support_columns(evidence.support))
    poor = share > _LEAST_SHARE
    if not poor.any():
        return probabilities
    odds = probabilities[asked[poor]].astype(np.float64)
    there = odds[:, 1:].sum(axis=1, keepdims=True)
    odds[:, 1:] *= 10.0 ** np.clip(logs[poor], -_MOST_LOG10, _MOST_LOG10)
    odds[:, 1:] *= np.minimum(1.0, there / odds[:, 1:].sum(axis=1, keepdims=True))
    made = probabilities.copy()
    made[asked[poor]] = odds / odds.sum(axis=1, keepdims=True)
    return made
