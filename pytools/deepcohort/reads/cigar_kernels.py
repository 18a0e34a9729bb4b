"""CIGAR operations as arrays."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel

Int = int | np.int64  # kernels make the one of the other


@borrowing_kernel
def push_operation(op: NDArray[np.uint8], length: NDArray[np.int32], n: Int, kind: Int, bp: Int) -> Int:
    """Add an operation to the `n` of `op` uint8 (k,), `length` int32 (k,), with one like it; how many now."""
    if bp <= 0:
        return n
    if n > 0 and op[n - 1] == kind:
        length[n - 1] += bp
        return n
    op[n], length[n] = kind, bp
    return n + 1
