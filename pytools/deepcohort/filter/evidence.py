"""Evidence for given alleles among those that the reads show by themselves."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import add_alleles
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.select import Alleles
from deepcohort.candidates.support import weigh_reads
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


def evidence_for(
    given: Alleles,
    reads: ReadBatch,
    codes: NDArray[np.uint8],
    window: Region,
    region: Region,
    config: CandidatesConfig,
) -> CandidateEvidence:
    """Evidence of `find_candidates`, with `given` (positions relative to `window`) in its table.

    Reads are realigned to what they show themselves; given alleles are then weighed like the others.
    """
    evidence = find_candidates(reads, codes, window, region, config)
    table = evidence.table
    shown = Alleles(table.pos - window.start, table.ref_len, table.alt_seq, table.alt_offset)
    alleles, row_of = add_alleles(shown, given)
    # a buffer that may be written to: kernels are compiled for that
    alleles.alt_seq = alleles.alt_seq.copy()
    support, dp, ad = weigh_reads(evidence.reads, alleles, codes, window, config)
    realigned = _near_realigned(evidence, alleles.pos + window.start)
    realigned[row_of] = table.realigned
    joined = CandidateTable(
        contig=table.contig,
        pos=alleles.pos + window.start,
        ref_len=alleles.ref_len,
        alt_seq=alleles.alt_seq,
        alt_offset=alleles.alt_offset,
        dp=dp,
        ad=ad,
        realigned=realigned,
    )
    return CandidateEvidence(evidence.counts, joined, support, evidence.reads, evidence.realigned)


def _near_realigned(evidence: CandidateEvidence, pos: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a read that covers each position was realigned, bool (N,)."""
    rows = np.flatnonzero(evidence.realigned)
    starts, ends = np.sort(evidence.reads.pos[rows]), np.sort(evidence.reads.end[rows])
    return np.asarray(np.searchsorted(starts, pos, "right") > np.searchsorted(ends, pos, "right"))


def row_numbers(table: CandidateTable) -> dict[tuple[int, int, bytes], int]:
    """Row of each (POS, REF bp, ALT codes)."""
    text, offset = table.alt_seq.tobytes(), table.alt_offset.tolist()
    keys = zip(table.pos.tolist(), table.ref_len.tolist(), strict=True)
    return {(pos, n, text[offset[i] : offset[i + 1]]): i for i, (pos, n) in enumerate(keys)}
