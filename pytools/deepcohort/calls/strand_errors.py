"""SNPs that reads of one strand make where they misread a base in a context alike.

The networks learned from reads whose errors are independent: five reads of an ALT are a variant. Where the
library's reads of one strand are known to err so at some sites of a context (`reads.strand_errors`), a
variant is one that reads of the other strand show too.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_strand_errors import count_strands
from deepcohort.candidates.columns import support_columns
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.reads.strand_errors import log_misread
from deepcohort.reads.types import StrandErrors

_LEAST_THERE = 1e-4  # P(1 or 2 copies) below which there is nothing to take away
_MOST_LN = 50.0  # of odds


def without_misread(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    errors: Sequence[StrandErrors],
    codes: NDArray[np.uint8],
    start: int,
) -> NDArray[np.float32]:
    """`probabilities` of SNPs whose ALT reads of one strand misread there, with what those of the other say.

    Args:
        evidence: of a region that holds the rows. rows: int64 (n,), of its table. probabilities: float32
            (n, 3), P(0, 1, 2 copies). errors: of the library; none change nothing. codes: uint8, the reference
            from `start` on, that holds the rows and a base beside them.

    Returns:
        float32 (n, 3); the same array where nothing changes.
    """
    if not errors:
        return probabilities
    cell = cells_of(evidence.table, rows, codes, start)
    there = probabilities[:, 0] <= 1 - _LEAST_THERE
    made = probabilities
    entries = support_columns(evidence.support)
    for number in sorted({(one.context, one.alt) for one in errors}):
        asked = np.flatnonzero(there & (cell == 4 * number[0] + number[1]))
        if len(asked) == 0:
            continue
        counts = count_strands(rows[asked], entries, evidence.reads.flag)
        logs = [log_misread(counts, one) for one in errors if (one.context, one.alt) == number]
        ratio = np.exp(np.minimum(np.logaddexp.reduce(np.stack(logs), axis=0), _MOST_LN))
        odds = probabilities[asked].astype(np.float64)
        odds[:, 0] += odds[:, 1:].sum(axis=1) * ratio
        made = probabilities.copy() if made is probabilities else made
        made[asked] = odds / odds.sum(axis=1, keepdims=True)
    return made


def cells_of(
    table: CandidateTable, rows: NDArray[np.int64], codes: NDArray[np.uint8], start: int
) -> NDArray[np.int64]:
    """Int64 (n,): cell of SNPs as in `reads.strand_errors.SiteCounts`; -1 of others, and beside unknown bases."""
    is_snp = (table.ref_len[rows] == 1) & (np.diff(table.alt_offset)[rows] == 1)
    at = np.clip(table.pos[rows] - start, 1, max(len(codes) - 2, 1))
    known = is_snp & (table.pos[rows] - start == at) & (at + 1 < len(codes))
    cell = np.full(len(rows), -1, np.int64)
    some = np.flatnonzero(known)
    before, base, behind = (codes[at[some] + k].astype(np.int64) for k in (-1, 0, 1))
    alt = table.alt_seq[table.alt_offset[rows[some]]].astype(np.int64)
    whole = np.max([before, base, behind, alt], axis=0, initial=0) < 4
    cell[some[whole]] = (64 * before + 16 * base + 4 * behind + alt)[whole]
    return cell
