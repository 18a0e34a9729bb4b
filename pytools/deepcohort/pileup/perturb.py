"""Evidence of a site as it would be with other reads: fewer, more, of other quality, strand or MAPQ.

Only what is said at the one candidate changes; depth around it, neighbours and haplotypes stay. Reads that
come are copies of those there. Everything is returned anew, nothing changed in place.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.support.indel_kernels import tempered
from deepcohort.candidates.support.read_kernels import mismatch_penalties
from deepcohort.candidates.types import (
    ALLELE_ALT,
    ALLELE_NONE,
    ALLELE_REF,
    CandidateEvidence,
    ReadSupport,
)
from deepcohort.reads.types import ReadBatch

_REVERSE = 0x10
_LEAST_QUAL = 2  # phred; below, a base says nothing


def entries_of(evidence: CandidateEvidence, row: int, allele: int) -> NDArray[np.int64]:
    """Entries of the support of candidate `row` whose reads show `allele`, ascending."""
    first, last = evidence.support.offset[row : row + 2]
    return np.asarray(first + np.flatnonzero(evidence.support.allele[first:last] == allele))


def _weakest_first(evidence: CandidateEvidence, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """`entries` by how little they say, so that the reads taken first are those one would doubt first."""
    return entries[np.argsort(np.abs(evidence.support.log10_ratio[entries]), kind="stable")]


def _with_entries(evidence: CandidateEvidence, row: int, own: NDArray[np.int64]) -> CandidateEvidence:
    """Evidence whose candidate `row` has the entries `own` (which may repeat) and no others."""
    support, table = evidence.support, evidence.table
    own = own[np.argsort(support.read[own], kind="stable")]
    first, last = int(support.offset[row]), int(support.offset[row + 1])
    rows = np.concatenate([np.arange(first), own, np.arange(last, len(support.read))])
    offset = support.offset.copy()
    offset[row + 1 :] += len(own) - (last - first)
    allele = support.allele[own]
    ad, dp = table.ad.copy(), table.dp.copy()
    ad[row] = [(allele == ALLELE_REF).sum(), (allele == ALLELE_ALT).sum()]
    dp[row] = (allele != ALLELE_NONE).sum()
    changed = ReadSupport(
        offset, support.read[rows], support.allele[rows], support.log10_ratio[rows], support.read_index[rows]
    )
    return replace(evidence, support=changed, table=replace(table, ad=ad, dp=dp))


def with_reads(evidence: CandidateEvidence, row: int, allele: int, change: int) -> CandidateEvidence | None:
    """Evidence with `change` more (or fewer, where negative) reads of `allele` at candidate `row`.

    Fewer: the weakest go first. More: copies of those there, in turn. None where that cannot be.
    """
    first, last = evidence.support.offset[row : row + 2]
    there = entries_of(evidence, row, allele)
    if change < -len(there) or (change > 0 and not len(there)):
        return None
    own = np.arange(first, last)
    if change < 0:
        own = np.setdiff1d(own, _weakest_first(evidence, there)[:-change])
    else:
        own = np.concatenate([own, np.resize(_weakest_first(evidence, there)[::-1], change)])
    return _with_entries(evidence, row, own)


def without_read(evidence: CandidateEvidence, row: int, entry: int) -> CandidateEvidence:
    """Evidence without what the read of `entry` says at candidate `row`."""
    first, last = evidence.support.offset[row : row + 2]
    own = np.arange(first, last)
    return _with_entries(evidence, row, own[own != entry])


def with_quality(evidence: CandidateEvidence, row: int, drop: int) -> CandidateEvidence | None:
    """Evidence whose ALT bases at a SNP have `drop` phred less; None for an indel, or where none is left."""
    table, support, reads = evidence.table, evidence.support, evidence.reads
    if table.ref_len[row] != 1 or table.alt_offset[row + 1] - table.alt_offset[row] != 1:
        return None
    entries = entries_of(evidence, row, ALLELE_ALT)
    qual, ratio = reads.qual.copy(), support.log10_ratio.copy()
    penalty = mismatch_penalties()
    at = reads.seq_offset[support.read[entries]] + support.read_index[entries]
    if not len(at) or int(qual[at].max()) - drop < _LEAST_QUAL:
        return None
    qual[at] = np.maximum(qual[at].astype(np.int64) - drop, _LEAST_QUAL)
    for entry, base in zip(entries, at, strict=True):
        ratio[entry] = tempered(-penalty[qual[base]], reads.mapq[support.read[entry]])
    return replace(evidence, reads=replace(reads, qual=qual), support=replace(support, log10_ratio=ratio))


def with_mapq(evidence: CandidateEvidence, row: int, mapq: int) -> CandidateEvidence:
    """Evidence whose ALT reads have MAPQ `mapq` at most."""
    support, reads = evidence.support, evidence.reads
    entries = entries_of(evidence, row, ALLELE_ALT)
    lower, ratio = reads.mapq.copy(), support.log10_ratio.copy()
    lower[support.read[entries]] = np.minimum(lower[support.read[entries]], mapq)
    for entry in entries:
        ratio[entry] = tempered(ratio[entry], lower[support.read[entry]])
    return replace(evidence, reads=replace(reads, mapq=lower), support=replace(support, log10_ratio=ratio))


def strands_of(evidence: CandidateEvidence, row: int) -> tuple[int, int]:
    """ALT reads on the forward and on the reverse strand."""
    flags = evidence.reads.flag[evidence.support.read[entries_of(evidence, row, ALLELE_ALT)]]
    reverse = int(((flags & _REVERSE) != 0).sum())
    return len(flags) - reverse, reverse


def with_strands(evidence: CandidateEvidence, row: int, moved: int) -> CandidateEvidence | None:
    """Evidence where `moved` ALT reads of the rarer strand lie on the other; None where there are fewer.

    ALT reads that all lie on one strand move to the other instead.
    """
    forward, reverse = strands_of(evidence, row)
    reads, support = evidence.reads, evidence.support
    rows = support.read[entries_of(evidence, row, ALLELE_ALT)]
    is_reverse = (reads.flag[rows] & _REVERSE) != 0
    from_reverse = reverse <= forward if min(forward, reverse) else reverse > 0
    movable = rows[is_reverse] if from_reverse else rows[~is_reverse]
    if moved > len(movable):
        return None
    flag = reads.flag.copy()
    flag[movable[:moved]] ^= np.uint16(_REVERSE)
    changed: ReadBatch = replace(reads, flag=flag)
    return replace(evidence, reads=changed)
