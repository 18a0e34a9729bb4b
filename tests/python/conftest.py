"""Shared fixtures: where real data lies, and a tiny SAM writer."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples on every machine: a pass here is a pass in CI; `make fuzz` is where chance belongs
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

REPOSITORY = Path(__file__).resolve().parents[2]

# rooms share file names (test_kernels.py), so pytest imports by path (--import-mode=importlib) and does
# not put their folders on sys.path; the builders beside the tests (<room>_builders.py) need it
sys.path.extend(
    map(str, (Path(__file__).parent, *sorted(p for p in Path(__file__).parent.iterdir() if p.is_dir())))
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: begun last, one of them keeps a single process busy for minutes at the end."""
    items.sort(key=lambda item: not {"slow", "pipeline"} & {mark.name for mark in item.iter_markers()})


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data; the test is skipped where it is absent."""
    path = Path(os.environ.get("DEEPCOHORT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no real data at {path}; set DEEPCOHORT_DATA")
    return path


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str, str], Path]]:
    """Mounts a tmpfs of some mount options on a folder of a name in tmp_path; skips where that is not allowed."""
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root")
    with contextlib.ExitStack() as stack:

        def mount(name: str, options: str) -> Path:
            folder = tmp_path / name
            folder.mkdir()
            command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"cannot mount a tmpfs here: {done.stderr.strip()}")
            stack.callback(subprocess.run, ["umount", folder], check=True)
            return folder

        yield mount
