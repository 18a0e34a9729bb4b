"""Bases that both mates of a fragment read: how often they agree against the reference."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.reads.quality_kernels import MANY_DISAGREE, PlacedReads

_MARGIN_BP = 5  # of the overlap's ends, where damage lies and indels hide
_LEAST_COUNTED, _LEAST_AGREED = 10, 20  # phred: of bases that count, and of both that agree


@kernel
def tally_read_twice(
    reads: PlacedReads,
    mate: NDArray[np.int32],
    use: NDArray[np.bool_],
    codes: NDArray[np.uint8],
    start: int,
    expected: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Float64 (4,): bases on which mates agree, those that differ from the reference, those that would by
    variants, and bases of fragments.

    Args:
        reads: R of them; `use`, bool (R,), those whose bases lie side by side. mate: int32 (R,), -1: none.
        codes, start, expected: as of `tally_qualities`, by fragments.
    """
    depth, differ = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.int64)
    counts = np.zeros(4)
    for r in range(len(use)):
        if not use[r]:  # whose bases may lie anywhere
            continue
        other = mate[r]
        shift = reads.seq_offset[r] - reads.pos[r]
        has_voted = 0 <= other < r and use[other]
        for p in range(max(reads.first[r], start), min(reads.stop[r], start + len(codes))):
            base, i = reads.seq[shift + p], p - start
            if base > 3 or codes[i] > 3 or reads.qual[shift + p] < _LEAST_COUNTED:
                continue
            if has_voted and reads.first[other] <= p < reads.stop[other]:
                continue
            depth[i] += 1
            differ[i] += base != codes[i]
    counts[3] = depth.sum()
    for r in range(len(use)):
        other = mate[r]
        if other <= r or not use[r] or not use[other]:
            continue
        shift = reads.seq_offset[r] - reads.pos[r]
        across = reads.seq_offset[other] - reads.pos[other]
        low = max(reads.first[r], reads.first[other]) + _MARGIN_BP
        high = min(reads.stop[r], reads.stop[other]) - _MARGIN_BP
        for p in range(max(low, start), min(high, start + len(codes))):
            base, i = reads.seq[shift + p], p - start
            least = min(reads.qual[shift + p], reads.qual[across + p])
            if base > 3 or codes[i] > 3 or base != reads.seq[across + p] or least < _LEAST_AGREED:
                continue
            n = depth[i]
            by_variants = expected[n] if n < len(expected) else 0.0
            if differ[i] <= max(1, n // MANY_DISAGREE) and by_variants == by_variants:
                counts[0] += 1
                counts[1] += base != codes[i]
                counts[2] += by_variants
    return counts
