"""The feature model without any runtime to load: what decides most sites."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.kernels import dense


def _activate(x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    if name == "relu":
        return np.maximum(x, 0, out=x)
    if name == "leaky_relu":
        return np.where(x > 0, x, np.float32(0.01) * x)
    if name == "elu":
        return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    if name == "silu":
        return x / (1 + np.exp(-x))
    if name == "gelu":
        inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x**3)
        return np.float32(0.5) * x * (1 + np.tanh(inner))
    if name == "sigmoid":
        # by tanh, which does not overflow
        return np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x))
    return np.tanh(x)


def small_logits(
    features: NDArray[np.float32], weights: Mapping[str, NDArray[np.float32]], activation: str
) -> NDArray[np.float32]:
    """Logits float32 (B, 3) of site features float32 (B, F).

    `weights`: low, high, mean, scale, and w0, b0, w1, b1, ... of the dense layers, w as (out, in).
    """
    known = np.minimum(np.maximum(features, weights["low"]), weights["high"])
    x = (known - weights["mean"]) * weights["scale"]
    n_layers = sum(name.startswith("w") for name in weights)
    for k in range(n_layers):
        inward = np.ascontiguousarray(weights[f"w{k}"].T)
        out = np.empty((len(x), inward.shape[1]), dtype=np.float32)
        dense(x, inward, weights[f"b{k}"], out)
        x = out if k + 1 == n_layers else _activate(out, activation)
    return x
