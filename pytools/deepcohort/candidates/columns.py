"""Arrays that the kernels of this room take together: columns of its tables, without their methods."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import ReadSupport
from deepcohort.reads.types import ReadBatch

Int = int | np.int64  # kernels make the one of the other


class AlignedReads(NamedTuple):
    """R reads with B bases and K CIGAR operations; each column as in ReadBatch.

    Attributes:
        pos, end: int64 (R,), 0-based half-open, contig positions. mapq: uint8 (R,), phred 0 to 60.
        mate: int32 (R,), row of the mate or -1.
        seq: uint8 (B,), base codes 0 to 4. qual: uint8 (B,), phred, 0 where the mate has the say.
        own_qual: uint8 (B,), phred as read. seq_offset: int64 (R + 1,).
        cigar_op: uint8 (K,), BAM codes 0 to 8. cigar_len: int32 (K,), bp. cigar_offset: int64 (R + 1,).
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    mate: NDArray[np.int32]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    own_qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]


class Window(NamedTuple):
    """Reference of a window.

    Attributes:
        reference: uint8 (L,), base codes 0 to 4 from `start` on. start: contig position, 0-based.
    """

    reference: NDArray[np.uint8]
    start: int


class AlleleColumns(NamedTuple):
    """N alleles, sorted; see `select.Alleles` and `CandidateTable`.

    Attributes:
        pos: int64 (N,), 0-based; of `Alleles` relative to the window, of a table contig positions.
        ref_len: int32 (N,), bp.
        alt_seq: uint8 (A,), base codes of all ALTs; alt_offset: int64 (N + 1,).
    """

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    alt_seq: NDArray[np.uint8]
    alt_offset: NDArray[np.int64]


class Entries(NamedTuple):
    """M entries of N candidates in CSR form; columns of a ReadSupport.

    Attributes:
        offset: int64 (N + 1,). read: int32 (M,), rows of reads. allele: int8 (M,), -1 to 2.
        ratio: float32 (M,), log10. read_index: int32 (M,), of the base in its read's seq, or -1.
    """

    offset: NDArray[np.int64]
    read: NDArray[np.int32]
    allele: NDArray[np.int8]
    ratio: NDArray[np.float32]
    read_index: NDArray[np.int32]


def aligned_reads(reads: ReadBatch) -> AlignedReads:
    """The columns of `reads` that kernels of this room need; nothing is copied."""
    return AlignedReads(
        reads.pos, reads.end, reads.mapq, reads.mate, reads.seq, reads.qual, reads.own_qual,
        reads.seq_offset, reads.cigar_op, reads.cigar_len, reads.cigar_offset,
    )  # fmt: skip


def support_columns(support: ReadSupport) -> Entries:
    """The columns of `support`; nothing is copied."""
    return Entries(support.offset, support.read, support.allele, support.log10_ratio, support.read_index)
