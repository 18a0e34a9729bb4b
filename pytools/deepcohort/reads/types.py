"""What the reads room hands on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


def _no_positions() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


def _no_quals() -> NDArray[np.uint8]:
    return np.empty(0, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Usable reads of a region as a struct of arrays, R reads in (pos, name_hash, flag) order.

    Only reads that may be evidence are here: mapped, primary, not duplicate, not QC-fail, MAPQ at
    least the configured minimum. Reads of all read groups (and all files of a sample) are together.

    Attributes:
        pos, end: int64 (R,), 0-based half-open span on the reference.
        mapq: uint8 (R,).
        flag: uint16 (R,), SAM FLAG.
        insert_size: int32 (R,), SAM TLEN.
        name_hash: uint64 (R,), 64-bit hash of QNAME; equal for mates.
        mate: int32 (R,), row of the mate in this batch, or -1.
        seq: uint8 flat, base codes (core.sequence), 4 = N.
        qual: uint8 flat, phred; absent qualities (0xff) are replaced by the configured default.
            A base that an overlapping mate already counts has qual 0 (each fragment votes once).
        seq_offset: int64 (R+1,); read i owns seq[seq_offset[i]:seq_offset[i+1]].
        cigar_op: uint8 flat, BAM op codes 0..8 (MIDNSHP=X); cigar_len: int32 flat, bp.
        cigar_offset: int64 (R+1,).
        mapq0_pos, mapq0_end: int64 (Z,), spans of the reads left out because their MAPQ is 0
            (otherwise usable), ascending by pos; for AlleleCounts.mapq0.
        own_qual: uint8 flat, phred as `qual` before overlapping mates were settled. An indel is
            judged by flanks, of which a mate that ends within them must not take the half; there
            fragments vote once by `support_kernels.settle_fragments`. Where not given: `qual`.
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    flag: NDArray[np.uint16]
    insert_size: NDArray[np.int32]
    name_hash: NDArray[np.uint64]
    mate: NDArray[np.int32]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]
    mapq0_pos: NDArray[np.int64] = field(default_factory=_no_positions)
    mapq0_end: NDArray[np.int64] = field(default_factory=_no_positions)
    own_qual: NDArray[np.uint8] = field(default_factory=_no_quals)

    def __post_init__(self) -> None:
        if len(self.own_qual) != len(self.qual):
            object.__setattr__(self, "own_qual", self.qual)

    def __len__(self) -> int:
        return len(self.pos)
