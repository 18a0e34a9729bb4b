"""Arrays that the kernels of local realignment take together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Int


class Spans(NamedTuple):
    """W windows of realignment with their alleles, each int64 (W,).

    Attributes:
        start, stop: indices of the reference. first, last: rows of the alleles.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


class Span(NamedTuple):
    """One of them: reference [start, stop), alleles first to first + n_alleles, at most MAX_ALLELES."""

    start: Int
    stop: Int
    first: Int
    n_alleles: Int


class MovingReads(NamedTuple):
    """R reads whose alignment may change; B bases, room for K CIGAR operations.

    Attributes:
        pos, end: int64 (R,), contig positions, changed in place. furthest_end: int64 (R,), running maximum
            of `end` before any read was moved.
        seq, qual: uint8 (B,), base codes and phred as read. seq_offset: int64 (R + 1,).
        cigar_op: uint8 (K,), cigar_len: int32 (K,), bp; new CIGARs are written behind those there are.
        op_first, op_last: int64 (R,), operations of each read, changed in place.
        changed: bool (R,), set for reads that got another alignment. may_move: bool (R,), reads that may.
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    furthest_end: NDArray[np.int64]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    op_first: NDArray[np.int64]
    op_last: NDArray[np.int64]
    changed: NDArray[np.bool_]
    may_move: NDArray[np.bool_]


class ShownAlleles(NamedTuple):
    """Indel alleles that each read's alignment shows: allele int64 (E,), rows; offset int64 (R + 1,)."""

    allele: NDArray[np.int64]
    offset: NDArray[np.int64]


class BaseScores(NamedTuple):
    """log10 odds of a match and of a mismatch against random sequence by phred, each float64 (256,)."""

    match: NDArray[np.float64]
    mismatch: NDArray[np.float64]


class Anchor(NamedTuple):
    """An operation that aligns a read to a position: its row, -1 for none, and where it begins.

    `at`: index of the reference. `query`: index in seq.
    """

    op: Int
    at: Int
    query: Int


class Held(NamedTuple):
    """The n reads of a window.

    Attributes:
        rows: int64 (n,). anchors: int64 (n, 6), `Anchor` at the window's first base, then at its last.
        masks: int64 (n,), bits of the window's alleles that they show; covered: of those they reach across.
    """

    rows: NDArray[np.int64]
    anchors: NDArray[np.int64]
    masks: NDArray[np.int64]
    covered: NDArray[np.int64]


class LocalHaplotypes(NamedTuple):
    """Room for H = MAX_HAPLOTYPES haplotypes of a window.

    Attributes:
        bases: uint8 (H, longest), codes, FLANK_BP of reference on both sides. sizes: int64 (H,), bp of them.
        ops: uint8 (H, MAX_OPS), lengths: int32 (H, MAX_OPS), n_ops: int64 (H,), CIGAR within the window.
        masks: int64 (H,), bits of the alleles that each has. prior: float64 (H,), log10.
    """

    bases: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    ops: NDArray[np.uint8]
    lengths: NDArray[np.int32]
    n_ops: NDArray[np.int64]
    masks: NDArray[np.int64]
    prior: NDArray[np.float64]


class Fits(NamedTuple):
    """How well n reads fit h haplotypes.

    Attributes:
        scores: float64 (n, h), log10. details: int64 (n, h, 3), the ends that the read hangs on by (BOTH,
            LEFT, RIGHT; -1 for none), bases aligned, differing bases of phred 10 or more.
        old: float64 (n, 2), score of the read's own alignment, and 1 where it has a gap, else 0.
    """

    scores: NDArray[np.float64]
    details: NDArray[np.int64]
    old: NDArray[np.float64]


class Operations(NamedTuple):
    """CIGAR operations [first, last) of `op` uint8 (C,) and `length` int32 (C,), bp."""

    op: NDArray[np.uint8]
    length: NDArray[np.int32]
    first: Int
    last: Int


class CigarRoom(NamedTuple):
    """Where a new CIGAR is put together: op, back_op uint8 (C,) and length, back_length int32 (C,), bp."""

    op: NDArray[np.uint8]
    length: NDArray[np.int32]
    back_op: NDArray[np.uint8]
    back_length: NDArray[np.int32]
