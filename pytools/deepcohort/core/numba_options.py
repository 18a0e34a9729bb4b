"""The one place where kernels get their compile options."""

from collections.abc import Callable
from typing import Any

import numba

# cache: compiled once at set-up, then 1-2 s of start-up instead of a minute.
# No fastmath and no parallel: results must not depend on machine or thread count.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` (arrays in, arrays out) with the project's numba options."""
    return numba.njit(**_OPTIONS)(function)
