"""The feature model in plain numpy: what decides most sites, without any runtime to load."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


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
    return np.tanh(x)


def small_logits(
    features: NDArray[np.float32], weights: Mapping[str, NDArray[np.float32]], activation: str
) -> NDArray[np.float32]:
    """Logits float32 (B, 3) of site features float32 (B, F).

    `weights`: mean, scale, and w0, b0, w1, b1, ... of the dense layers, w as (out, in).
    """
    x = (features - weights["mean"]) * weights["scale"]
    n_layers = sum(name.startswith("w") for name in weights)
    for k in range(n_layers):
        x = np.asarray(x @ weights[f"w{k}"].T + weights[f"b{k}"], dtype=np.float32)
        if k + 1 < n_layers:
            x = _activate(x, activation)
    return np.asarray(x, dtype=np.float32)
