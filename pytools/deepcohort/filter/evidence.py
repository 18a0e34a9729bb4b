"""Evidence for given alleles among those that the reads show by themselves."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.assembly import add_alleles
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.select import Alleles, take_alleles
from deepcohort.candidates.support import weigh_reads
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.core.region import Region
from deepcohort.filter.allele_haplotypes import changes_by_place
from deepcohort.known.spelling import Change, to_alleles


def shown_alleles(evidence: CandidateEvidence, window: Region) -> Alleles:
    """The candidates' alleles, positions relative to the window."""
    table = evidence.table
    return Alleles(table.pos - window.start, table.ref_len, table.alt_seq, table.alt_offset)


def evidence_for(
    given: Sequence[Change],
    hidden: Sequence[Change],
    evidence: CandidateEvidence,
    codes: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> CandidateEvidence:
    """`evidence` of `find_candidates`, with `given` in its table and `hidden` (of those shown) out of it.

    Reads stay realigned to what they show themselves; given alleles are weighed like the others. Where
    nothing is new `evidence` is returned as it is.
    """
    shown = shown_alleles(evidence, window)
    places = changes_by_place(shown)
    known, out = set(places), set(hidden)
    if known.issuperset(given) and not out & known:
        return evidence
    kept = np.array([i for i, change in enumerate(places) if change not in out], np.int64)
    alleles, row_of = add_alleles(take_alleles(shown, kept), to_alleles(given))
    # a buffer that may be written to: kernels are compiled for that
    alleles.alt_seq = alleles.alt_seq.copy()
    support, dp, ad = weigh_reads(evidence.reads, alleles, codes, window, config)
    realigned = _near_realigned(evidence, alleles.pos + window.start)
    realigned[row_of] = evidence.table.realigned[kept]
    joined = CandidateTable(
        contig=evidence.table.contig,
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
