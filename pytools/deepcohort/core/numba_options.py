"""The one place where kernels get their compile options."""

import sys
from collections.abc import Callable
from typing import Any

import numba


def _load_array_functions_without_scipy() -> None:
    """Keep numba from importing scipy.linalg (0.35 s of every command) just to look whether BLAS is there.

    Kernels here use no linear algebra. scipy itself stays importable.
    """
    module = "scipy.linalg.cython_blas"
    if module in sys.modules or "numba.np.arraymath" in sys.modules:
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401 - loaded for its effect
    finally:
        del sys.modules[module]


_load_array_functions_without_scipy()

# cache: compiled once at set-up, then 1-2 s of start-up instead of a minute.
# No fastmath and no parallel: results must not depend on machine or thread count.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` (arrays in, arrays out) with the project's numba options."""
    return numba.njit(**_OPTIONS)(function)
