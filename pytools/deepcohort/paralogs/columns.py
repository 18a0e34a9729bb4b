"""Arrays that the kernels of this room take together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Alignments(NamedTuple):
    """Reads sorted by position, as in ReadBatch: R reads, B bases, K CIGAR operations.

    pos, end: int64 (R,), 0-based half-open. mapq: uint8 (R,), phred. seq: uint8 (B,), codes. qual: uint8
    (B,), phred. seq_offset: int64 (R + 1,). cigar_op: uint8 (K,), cigar_len: int32 (K,), cigar_offset: int64
    (R + 1,).
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]


class Axis(NamedTuple):
    """Where the bases of a copy's window lie along the axis that both copies share.

    start: contig position of `at[0]`. at: int64 (L,), axis position of each contig position, or -1.
    inverted: whether the axis runs the other way.
    """

    start: int
    at: NDArray[np.int64]
    inverted: bool


class SiteBases(NamedTuple):
    """Bases of fragments at sites: site, fragment: int64 (n,). base, qual: uint8 (n,), code and phred."""

    site: NDArray[np.int64]
    fragment: NDArray[np.int64]
    base: NDArray[np.uint8]
    qual: NDArray[np.uint8]


class Tally(NamedTuple):
    """What walking the reads counts.

    shown: int64 (4, N), bases by code and axis position. outside: int64 (R,), bases of a read before contig
    index `first` or from `last` on.
    """

    shown: NDArray[np.int64]
    outside: NDArray[np.int64]
    first: int
    last: int


class Words(NamedTuple):
    """Words of the genome, sorted: word uint64 (n,); contig int32, pos int64, reverse bool (n,) of each."""

    word: NDArray[np.uint64]
    contig: NDArray[np.int32]
    pos: NDArray[np.int64]
    reverse: NDArray[np.bool_]


class Pairs(NamedTuple):
    """Pairs of places that share a word, see `types.Link`; columns (n,).

    tile: int64, of the one, unique over contigs. other: int32, contig of the other. inverted: bool.
    shift: int64, bp.
    """

    tile: NDArray[np.int64]
    other: NDArray[np.int32]
    inverted: NDArray[np.bool_]
    shift: NDArray[np.int64]
