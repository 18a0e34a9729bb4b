"""A measurement of reads along an axis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Curve:
    """A measurement along an axis: `value` float64 (n,) with its weight `n` float64 (n,)."""

    name: str
    axis: str
    x: list[str]
    value: NDArray[np.float64]
    n: NDArray[np.float64]
