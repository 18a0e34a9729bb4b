"""Indels in reads that places misread: believed no further than errors that are not independent allow.

The networks learned from reads whose errors are. See `place_kernels`.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import support_columns
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.model.place_kernels import weigh_places
from deepcohort.pileup.features import F

# log10 of the share of heterozygotes among runs: of a single base, for each base more, at most
_RARE_LOG10, _COMMONER_LOG10, _COMMON_LOG10 = -4.0, 0.3, -1.3


def with_places(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    features: NDArray[np.float32],
    probabilities: NDArray[np.float32],
) -> NDArray[np.float32]:
    """`probabilities` of indels, no surer than places that misread the reads of a strand alike allow.

    Of how many copies there are, networks and places both have a say.

    Args:
        evidence: of a region that holds the rows. rows: int64 (n,), of its table. features: float32 (n, F).
            probabilities: float32 (n, 3), P(0, 1, 2 copies).

    Returns:
        float32 (n, 3); the same array where nothing changes.
    """
    run_bp = _run_bp(evidence.table, rows, features)
    asked = np.flatnonzero(run_bp)
    if len(asked) == 0:
        return probabilities
    prior = np.clip(_RARE_LOG10 + _COMMONER_LOG10 * (run_bp[asked] - 1.0), _RARE_LOG10, _COMMON_LOG10)
    logs = weigh_places(rows[asked], prior, evidence.reads.flag, support_columns(evidence.support))
    share = 10.0 ** (logs - logs.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    own = probabilities[asked].astype(np.float64)
    made = own * share
    made[:, 1:] /= np.maximum(made[:, 1:].sum(axis=1, keepdims=True), 1e-30)
    made[:, 1:] *= np.minimum(own[:, 1:].sum(axis=1), 1.0 - share[:, 0])[:, None]
    made[:, 0] = 1.0 - made[:, 1:].sum(axis=1)
    changed = probabilities.copy()
    changed[asked] = made
    return changed


def _run_bp(
    table: CandidateTable, rows: NDArray[np.int64], features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Length of the run of equal bases that `rows` make longer or shorter, bp, float64 (n,); 0: none."""
    by_one = (np.abs(np.diff(table.alt_offset) - table.ref_len) == 1)[rows]
    is_run = (np.rint(features[:, F.repeat_unit] * 6) == 1) & (features[:, F.repeat_step] > 0.5)
    length = np.expm1(4.0 * features[:, F.repeat_length].astype(np.float64))
    return np.where(is_run, np.maximum(length, 1.0), by_one.astype(np.float64))
