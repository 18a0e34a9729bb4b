"""What the candidates room hands on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch

ALLELE_NONE = -1  # the read spans the site but cannot tell the alleles apart
ALLELE_REF = 0
ALLELE_ALT = 1
ALLELE_OTHER = 2  # supports another non-reference allele at the site


@dataclass(frozen=True, slots=True)
class AlleleCounts:
    """Counts over every reference base of `region`, L bases.

    Attributes:
        n_ref, n_total: int32 (L,), bases of usable quality that match the reference / cover it
            (deletions count in n_total; mates count once).
        mapq0: int32 (L,), reads of MAPQ 0 that cover it (not in n_total).
        reference: uint8 (L,), base codes.
    """

    region: Region
    n_ref: NDArray[np.int32]
    n_total: NDArray[np.int32]
    mapq0: NDArray[np.int32]
    reference: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CandidateTable:
    """N candidate alternate alleles of one contig, one row per (pos, ref, alt), sorted so.

    Alleles are left-aligned and parsimonious, in VCF form (indels carry their anchor base).
    Rows that share a VCF site (same pos) are the alternates of one multi-allelic site.

    Attributes:
        contig: name.
        pos: int64 (N,), 0-based position of the first REF base.
        ref_len: int32 (N,), bp; REF is reference[pos : pos + ref_len].
        alt_seq: uint8 flat, base codes of the ALTs; alt_offset: int64 (N+1,).
        dp: int32 (N,), usable reads that span the site (each fragment once).
        ad: int32 (N, 2), reads that support REF and this ALT (after realignment where done).
        realigned: bool (N,), whether the site lies in a realigned window.
    """

    contig: str
    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    alt_seq: NDArray[np.uint8]
    alt_offset: NDArray[np.int64]
    dp: NDArray[np.int32]
    ad: NDArray[np.int32]
    realigned: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pos)


@dataclass(frozen=True, slots=True)
class ReadSupport:
    """Which read says what at each candidate, N candidates in CSR form, M = offset[N] entries.

    Attributes:
        offset: int64 (N+1,); candidate i owns rows offset[i]:offset[i+1].
        read: int32 (M,), row in the ReadBatch, ascending within a candidate.
        allele: int8 (M,), ALLELE_REF, ALLELE_ALT, ALLELE_OTHER or ALLELE_NONE.
        log10_ratio: float32 (M,), log10 P(read | ALT haplotype) - log10 P(read | best haplotype
            without the ALT), from base qualities at the site or from the local realignment.
        read_index: int32 (M,), index into the read's seq of the base at (or just left of) `pos`
            in the alignment in force, or -1 (the read skips the site, or begins behind it and may
            only show an indel with its soft-clipped start).
    """

    offset: NDArray[np.int64]
    read: NDArray[np.int32]
    allele: NDArray[np.int8]
    log10_ratio: NDArray[np.float32]
    read_index: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class CandidateEvidence:
    """All that a region's reads say; one shard's worth of it goes to pileup and calls.

    Attributes:
        counts: over the region (not its padding).
        table: candidates with POS in the region.
        support: rows of `reads` at each candidate.
        reads: of the padded window, with the alignment in force: after local realignment `pos`,
            `end` and the CIGAR arrays may differ from the file's (rows keep their order, so `pos`
            may then not ascend).
        realigned: bool (R,), reads whose alignment was changed.
    """

    counts: AlleleCounts
    table: CandidateTable
    support: ReadSupport
    reads: ReadBatch
    realigned: NDArray[np.bool_]
