"""Why records of a BAM do not count, one reason each (SAM spec section 4.2)."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.reads.kernels import NEEDS_MORE, PAST_REGION, int32_at, uint16_at

# what becomes of a record; the first that fits is its reason
COUNTS = 0
OTHER_ALIGNMENT = 1  # secondary or supplementary
QC_FAIL = 2
DUPLICATE = 3
NO_BASES = 4
MAPQ_IS_ZERO = 5
LOW_MAPQ = 6
KINDS = 7

_LEAST_RECORD, _LARGEST_RECORD = 32, 1 << 28


@kernel
def tell_reasons(
    buffer: NDArray[np.uint8],
    at: int,
    tid: int,
    start: int,
    stop: int,
    min_mapq: int,
    rows_at: NDArray[np.int64],
    reasons: NDArray[np.uint8],
) -> tuple[int, int, int]:
    """Reasons of the aligned records of contig `tid` that begin in [start, stop).

    Args:
        buffer: uint8 (n,), inflated BAM, sorted; `at` is the start of a record.
        rows_at, reasons: int64, uint8, filled: where each record begins in the buffer, and its reason. Room
            for len(buffer) // 36 + 1. Other alignments of a read that come without bases are left out.

    Returns:
        (records, offset of the first record not seen, NEEDS_MORE or PAST_REGION).
    """
    n, size = 0, len(buffer)
    while at + 4 <= size:
        block = int32_at(buffer, at)
        if block < _LEAST_RECORD or block > _LARGEST_RECORD:
            return n, at, PAST_REGION  # damaged: told where reads are fetched
        after = at + 4 + block
        if after > size:
            break
        record_tid, pos = int32_at(buffer, at + 4), int32_at(buffer, at + 8)
        if record_tid > tid or record_tid < 0 or (record_tid == tid and pos >= stop):
            return n, at, PAST_REGION
        mapq, flag, n_bases = buffer[at + 13], uint16_at(buffer, at + 18), int32_at(buffer, at + 20)
        if record_tid == tid and pos >= start and not flag & 0x4:
            reason = COUNTS
            if flag & 0x900:
                reason = OTHER_ALIGNMENT
            elif flag & 0x200:
                reason = QC_FAIL
            elif flag & 0x400:
                reason = DUPLICATE
            elif n_bases == 0:
                reason = NO_BASES
            elif mapq == 0 and min_mapq > 0:
                reason = MAPQ_IS_ZERO
            elif mapq < min_mapq:
                reason = LOW_MAPQ
            if reason != OTHER_ALIGNMENT or n_bases > 0:
                rows_at[n], reasons[n] = at, reason
                n += 1
        at = after
    return n, at, NEEDS_MORE
