"""The dense layer of the feature model: sums in one order, whatever the batch and the machine.

A BLAS picks its kernel by the machine and the number of rows, so that the last bits of a site's logits
would depend on the sites that happen to be looked at with it, and with them on shards and chunks.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel


@kernel
def dense(
    x: NDArray[np.float32], weights: NDArray[np.float32], bias: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """out (B, O) = x (B, F) @ weights (F, O) + bias (O,), all float32."""
    for row in range(x.shape[0]):
        out[row] = bias
        for f in range(x.shape[1]):
            value = x[row, f]
            for o in range(weights.shape[1]):  # over outputs, so that vector units keep the order of sums
                out[row, o] += value * weights[f, o]
