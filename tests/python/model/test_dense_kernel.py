"""The dense layer sums in one order; numpy's, in doubles, is its oracle."""

import numpy as np
from deepcohort.model.kernels import dense


def test_a_dense_layer_is_a_product_and_a_bias():
    rng = np.random.default_rng(1)
    for rows, inward, outward in ((1, 1, 1), (5, 7, 3), (4, 40, 9)):
        x = rng.normal(size=(rows, inward)).astype(np.float32)
        weights = rng.normal(size=(inward, outward)).astype(np.float32)
        bias = rng.normal(size=outward).astype(np.float32)
        out = np.full((rows, outward), 99, np.float32)
        dense(x, weights, bias, out)
        want = x.astype(np.float64) @ weights.astype(np.float64) + bias
        np.testing.assert_allclose(out, want, rtol=1e-4, atol=1e-4)
        alone = np.empty((1, outward), np.float32)
        dense(x[-1:], weights, bias, alone)
        assert alone.tobytes() == out[-1:].tobytes()  # whatever the batch
