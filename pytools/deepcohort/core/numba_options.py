"""The one place where kernels get their compile options."""

import sys
from collections.abc import Callable
from typing import Any

# What numba imports just to look whether it is there, a second of every command on a busy machine: BLAS for
# linear algebra (kernels here use none), coverage for reports on kernels under test, yaml for a
# .numba_config.yaml in the working folder.
_ONLY_LOOKED_FOR = ("scipy.linalg.cython_blas", "coverage", "yaml")


def _import_numba_alone() -> None:
    """Import numba while modules that it only looks for seem absent; they stay importable afterwards."""
    hidden = [name for name in _ONLY_LOOKED_FOR if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import numba.np.arraymath  # noqa: F401 - loaded for its effect
    finally:
        for name in hidden:
            del sys.modules[name]


_import_numba_alone()
import numba  # noqa: E402 - after the above

# cache: compiled once at set-up, then 1-2 s of start-up instead of a minute.
# No fastmath and no parallel: results must not depend on machine or thread count.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` (arrays in, arrays out) with the project's numba options."""
    return numba.njit(**_OPTIONS)(function)
