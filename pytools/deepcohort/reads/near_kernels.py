"""Kernel: which records lie near places of interest."""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from deepcohort.core.numba_options import kernel

_SOFT, _HARD = 4, 5


@kernel
def keep_near(buffer, rows_pos, rows_end, rows_cigar_at, rows_n_ops, n_rows, starts, ends, keep):
    """Clear keep[i] of records that reach none of the stretches, with their soft-clipped start or without.

    Args:
        buffer: uint8, inflated BAM. rows_*: as of `kernels.scan_records`.
        starts, ends: int64, half-open stretches, sorted and apart. keep: bool (n_rows,), changed.
    """
    for row in range(n_rows):
        begin = rows_pos[row]
        for k in range(rows_n_ops[row]):
            at = rows_cigar_at[row] + 4 * k
            operation = buffer[at] & 15
            if operation == _SOFT:
                begin -= (
                    (np.int64(buffer[at]) >> 4)
                    | (np.int64(buffer[at + 1]) << 4)
                    | (np.int64(buffer[at + 2]) << 12)
                    | (np.int64(buffer[at + 3]) << 20)
                )
            elif operation != _HARD:
                break
        first = np.searchsorted(ends, begin, side="right")
        if first == len(starts) or starts[first] >= rows_end[row]:
            keep[row] = False
