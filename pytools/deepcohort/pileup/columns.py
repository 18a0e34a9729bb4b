"""Arrays that the kernels of this room take together, beside those of `candidates.columns`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import AlleleCounts, CandidateTable
from deepcohort.reads.types import ReadBatch


class TableColumns(NamedTuple):
    """N candidates of a contig; columns of a CandidateTable.

    Attributes:
        pos: int64 (N,), contig positions, ascending. ref_len: int32 (N,), bp.
        alt_seq: uint8 (A,), base codes of all ALTs; alt_offset: int64 (N + 1,).
        dp: int32 (N,), reads. ad: int32 (N, 2), reads of REF and ALT. realigned: bool (N,).
    """

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    alt_seq: NDArray[np.uint8]
    alt_offset: NDArray[np.int64]
    dp: NDArray[np.int32]
    ad: NDArray[np.int32]
    realigned: NDArray[np.bool_]


class LibraryColumns(NamedTuple):
    """What R reads and their library say of pairs and clips; see ReadBatch.

    Attributes:
        flag: uint16 (R,), SAM FLAG. odd: uint8 (R,), 1 where the mate lies oddly.
        odd_share, clipped_share: 0 to 1, of the library's pairs and reads.
    """

    flag: NDArray[np.uint16]
    odd: NDArray[np.uint8]
    odd_share: float
    clipped_share: float


class CountColumns(NamedTuple):
    """Reads over each base of a region: n_total, mapq0: int32 (L,), from contig position `start` on."""

    n_total: NDArray[np.int32]
    mapq0: NDArray[np.int32]
    start: int


def table_columns(table: CandidateTable) -> TableColumns:
    """The columns of `table` that kernels need; nothing is copied."""
    return TableColumns(
        table.pos, table.ref_len, table.alt_seq, table.alt_offset, table.dp, table.ad, table.realigned
    )


def library_columns(reads: ReadBatch) -> LibraryColumns:
    """The columns of `reads` that tell of pairs and library; nothing is copied."""
    return LibraryColumns(reads.flag, reads.odd, float(reads.odd_share), float(reads.clipped_share))


def count_columns(counts: AlleleCounts) -> CountColumns:
    """The columns of `counts` that kernels need; nothing is copied."""
    return CountColumns(counts.n_total, counts.mapq0, counts.region.start)
