"""How often reads change the length of a run, by the least of the qualities that speak of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel, kernel


class Spelled(NamedTuple):
    """R reads with B bases and K CIGAR operations, as in ReadColumns.

    Attributes:
        pos, end: int64 (R,), contig positions. use: bool (R,), reads that count. seq, qual: uint8 (B,), base
            codes and phred; seq_offset: int64 (R + 1,). cigar_op: uint8 (K,), cigar_len: int32 (K,), bp;
            cigar_offset: int64 (R + 1,).
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    use: NDArray[np.bool_]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]


@borrowing_kernel
def _fill_indices(r: int, reads: Spelled, index: NDArray[np.int64]) -> None:
    """Set index[i] to the place in seq of the base of read `r` aligned to its position pos + i, or to -1."""
    at, query = np.int64(0), reads.seq_offset[r]
    index[: reads.end[r] - reads.pos[r]] = -1
    for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
        op, n = reads.cigar_op[k], np.int64(reads.cigar_len[k])
        if op == 0 or op == 7 or op == 8:
            for i in range(n):
                index[at + i] = query + i
            at += n
            query += n
        elif op == 1 or op == 4:
            query += n
        elif op == 2 or op == 3:
            at += n


@kernel
def tally_slips(
    runs: NDArray[np.int64], codes: NDArray[np.uint8], start: int, reads: Spelled, flank_bp: int
) -> NDArray[np.int64]:
    """Int64 (256, 2): by phred, runs that reads pass, and those that they show one base longer or shorter.

    The phred is the least of the read's in and beside the run. A read passes when it is aligned from
    `flank_bp` before to `flank_bp` after and has the reference's bases beside the run; one whose change is
    more than a base is not counted.

    Args:
        runs: int64 (T, 2), reference intervals in order. codes: uint8 (L,), of the reference from `start` on.
    """
    counts = np.zeros((256, 2), np.int64)
    longest = 0
    for r in range(len(reads.pos)):
        longest = max(longest, reads.end[r] - reads.pos[r])
    index = np.empty(longest, np.int64)
    for r in range(len(reads.pos)):
        pos, end = reads.pos[r], reads.end[r]
        if not reads.use[r] or reads.seq_offset[r + 1] == reads.seq_offset[r]:
            continue
        _fill_indices(r, reads, index)
        first = np.searchsorted(runs[:, 0], max(pos + flank_bp, start + 1))
        for t in range(first, len(runs)):
            if runs[t, 1] + flank_bp > end or runs[t, 1] >= start + len(codes):
                break
            before, behind = index[runs[t, 0] - 1 - pos], index[runs[t, 1] - pos]
            change = abs((behind - before - 1) - (runs[t, 1] - runs[t, 0]))
            if before < 0 or behind < 0 or change > 1:
                continue
            if reads.seq[before] != codes[runs[t, 0] - 1 - start]:
                continue
            if reads.seq[behind] != codes[runs[t, 1] - start]:
                continue
            least = 255
            for i in range(before, behind + 1):
                least = min(least, reads.qual[i])
            counts[least, 0] += 1
            counts[least, 1] += change
    return counts
