"""How often bases of each reported quality disagree with the reference."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

MANY_DISAGREE = 10  # of so many reads one may; where more do, the place is a variant's


class PlacedReads(NamedTuple):
    """Reads whose bases all lie on the reference one beside the other.

    Attributes:
        pos: int64 (R,), where the first base lies. first, stop: int64 (R,), the stretch whose bases count.
        seq, qual: uint8 flat, base codes and phred. seq_offset: int64 (R,), of each read's first base.
    """

    pos: NDArray[np.int64]
    first: NDArray[np.int64]
    stop: NDArray[np.int64]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]


@kernel
def tally_qualities(
    reads: PlacedReads, codes: NDArray[np.uint8], start: int, expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Float64 (3, 256), by phred: bases, those that differ from the reference, those that would by variants.

    `codes` uint8 (L,) are the reference from `start` on. Bases count where one read in MANY_DISAGREE at most
    disagrees, or one alone, and where at least as many reads lie as `expected`, float64 (D,), has a value for
    (else NaN): by number of reads, the chance that variants make a base disagree; 0 beyond its end.
    """
    depth = np.zeros(len(codes), np.int64)
    differ = np.zeros(len(codes), np.int64)
    counts = np.zeros((3, 256))
    for tallies in range(2):
        for r in range(len(reads.pos)):
            shift = reads.seq_offset[r] - reads.pos[r]
            for p in range(max(reads.first[r], start), min(reads.stop[r], start + len(codes))):
                i, base, q = p - start, reads.seq[shift + p], reads.qual[shift + p]
                if base > 3 or codes[i] > 3 or q == 0:
                    continue
                if not tallies:
                    depth[i] += 1
                    differ[i] += base != codes[i]
                    continue
                n = depth[i]
                by_variants = expected[n] if n < len(expected) else 0.0
                if differ[i] <= max(1, n // MANY_DISAGREE) and by_variants == by_variants:
                    counts[0, q] += 1
                    counts[1, q] += base != codes[i]
                    counts[2, q] += by_variants
    return counts
