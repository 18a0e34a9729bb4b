"""The one place where kernels get their compile options."""

import inspect
import os
import pickle
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
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
from numba.core import caching, event, options  # noqa: E402

# cache: compiled once at set-up, then 1-2 s of start-up instead of a minute.
# No fastmath and no parallel: results must not depend on machine or thread count.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(options.DefaultOptions, "_nrt") else {}
COMPILING_TOLD = "DEEPCOHORT_COMPILING_TOLD"  # set for the processes that this one starts


def _locator(name: str) -> Any:
    """A class of numba's; names of 0.60 begin with an underscore."""
    return getattr(caching, name, None) or getattr(caching, f"_{name}")


_in_tree: Any = _locator("InTreeCacheLocator")
_given: Any = _locator("UserProvidedCacheLocator")
_user_wide: Any = _locator("UserWideCacheLocator")


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` (arrays in, arrays out) with the project's numba options.

    Machine code is kept where the install is, or where NUMBA_CACHE_DIR says. Where that cannot be written
    (an install by root, an image), what it holds is used, and what is missing goes to the user's cache.
    """
    return _compiled(function, _OPTIONS)


def borrowing_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function`, which makes no arrays and returns none, without counting who holds its arrays.

    The counts are atomic; where small functions hand arrays to each other for every line of a file, they are
    most of the time. The caller holds the arrays meanwhile.
    """
    return _compiled(function, _OPTIONS | _UNCOUNTED)


def _compiled(function: Callable[..., Any], chosen: dict[str, Any]) -> Callable[..., Any]:
    place = _place_of(function)
    compiled = numba.njit(**chosen)(function)
    compiled._cache = _StampedCache(function) if _writable(place) else _LayeredCache(function, place)
    return compiled


def _place_of(function: Callable[..., Any]) -> Path:
    locator = (_given if getattr(numba.config, "CACHE_DIR", "") else _in_tree)(
        function, inspect.getfile(function)
    )
    return Path(locator.get_cache_path())


@cache
def _writable(folder: Path) -> bool:
    """Whether files can be made in `folder`, which may have to be made first."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)


_PACKAGE = Path(__file__).resolve().parents[1]
_IMPORTED = re.compile(rf"^(?:from|import) ({_PACKAGE.name}(?:\.\w+)+)", re.MULTILINE)


@cache
def _imported_by(file: Path) -> tuple[Path, ...]:
    """Files of this package that `file` imports on top."""
    names = _IMPORTED.findall(file.read_text(encoding="utf-8"))
    paths = [_PACKAGE.joinpath(*name.split(".")[1:]) for name in names]
    return tuple(path.with_suffix(".py") for path in paths if path.with_suffix(".py").is_file())


@cache
def _stamp(file: Path) -> tuple[tuple[str, float, int], ...]:
    """(name, time of change, size) of all files whose functions and constants a kernel of `file` may hold."""
    found, waiting = {file}, [file]
    while waiting:
        for path in _imported_by(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting.append(path)
    states = [(path, path.stat()) for path in sorted(found)]
    return tuple((str(path.relative_to(_PACKAGE.parent)), s.st_mtime, s.st_size) for path, s in states)


class _Index(caching.IndexDataCacheFile):  # type: ignore[misc]
    """Which machine code is kept; what an older version of this package left is as good as nothing.

    Numba reads the types of a kernel's arguments before it looks at the stamp, and types may be gone by now.
    """

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except (AttributeError, ImportError, TypeError, EOFError, pickle.UnpicklingError):
            return {}


class _StampedCache(caching.FunctionCache):  # type: ignore[misc]
    """Forgets a kernel when a file that it takes functions or constants from has changed.

    Numba looks at the kernel's own file alone, and would go on with what others held before.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        file = Path(inspect.getfile(function)).resolve()
        stamp = self._impl.locator.get_source_stamp()
        if file.is_relative_to(_PACKAGE):
            stamp = (stamp, _stamp(file))
        self._cache_file = _Index(
            cache_path=self._cache_path, filename_base=self._impl.filename_base, source_stamp=stamp
        )


def _cache_at(locator: Any) -> Any:
    """The class of caches whose files lie where `locator` says."""
    impl = type("_Impl", (caching.CompileResultCacheImpl,), {"_locator_classes": [locator]})
    return type("_Cache", (_StampedCache,), {"_impl_class": impl})


class _ReadOnly(_in_tree):  # type: ignore[misc]
    """The folder of NUMBA_CACHE_DIR or the install, for reading."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        super().__init__(function, file)
        self._cache_path = str(_place_of(function))

    def ensure_cache_path(self) -> None:
        """Nothing: it is never written to."""


class _LayeredCache(caching.NullCache):
    """Reads what the install holds, then the user's own cache; writes to the latter, where there is one."""

    def __init__(self, function: Callable[..., Any], place: Path) -> None:
        self._layers = [_cache_at(_ReadOnly)(function)] if place.is_dir() else []
        try:
            self._layers.append(_cache_at(_user_wide)(function))
            self.keeps = True
        except RuntimeError:  # no place of the user's own: HOME absent or not writable
            self.keeps = False

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code of `sig`, or None."""
        for layer in self._layers:
            found = layer.load_overload(sig, target_context)
            if found is not None:
                return found
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, for the next run."""
        if self.keeps:
            self._layers[-1].save_overload(sig, data)


class _Announcement(event.Listener):
    """Says, once per command, that kernels are being compiled: it takes minutes, in silence otherwise."""

    def on_start(self, event: Any) -> None:
        """A kernel was not found compiled."""
        if os.environ.get(COMPILING_TOLD):
            return
        os.environ[COMPILING_TOLD] = "1"
        layered = getattr(event.data.get("dispatcher"), "_cache", None)
        told = "once per install and machine type; deepcohort warm does it beforehand"
        if isinstance(layered, _LayeredCache) and layered.keeps:
            told = (
                "once per user, as the install cannot be written; deepcohort warm, run by its owner, does it "
                "for all"
            )
        elif isinstance(layered, _LayeredCache):
            told = (
                "anew in each run, as neither the install nor HOME can be written; set NUMBA_CACHE_DIR to a "
                "folder that can, and run: deepcohort warm"
            )
        print(f"deepcohort: compiling kernels ({told})", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """It is compiled."""


event.register("numba:compile", _Announcement())
