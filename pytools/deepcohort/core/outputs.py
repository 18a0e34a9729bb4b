"""Whole files or none: outputs are written under a temporary name and renamed."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepcohort.core.errors import DeepcohortError

_WHY_FULL = {
    errno.ENOSPC: "disk full while writing",
    errno.EDQUOT: "disk quota used up while writing",
    errno.EFBIG: "the limit on the size of a file (ulimit -f) was reached while writing",
}
FULL = tuple(_WHY_FULL)


@contextmanager
def disk_full_as_error(place: str | Path, remedy: str = "free space and run again") -> Iterator[None]:
    """Turns a full disk, found by whatever writes within, into one line that names `place`.

    For blocks where others write (loggers, libraries); `atomic_outputs` does the same for its own files.

    Raises:
        DeepcohortError: the disk or the quota is full, or a file may not grow further.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _WHY_FULL:
            raise DeepcohortError(f"{_WHY_FULL[error.errno]} {place}; {remedy}") from error
        raise


def check_file_place(final: Path) -> None:
    """See that a file can be made, or replaced, at `final`.

    Raises:
        DeepcohortError: it is a folder or a device, or its folder is missing or not writable.
    """
    if final.is_dir():
        raise DeepcohortError(f"output {final} is a folder; name a file")
    if final.exists() and not final.is_file():
        raise DeepcohortError(f"output {final} is no regular file; name one")
    if not final.parent.is_dir():
        raise DeepcohortError(f"output folder {final.parent} does not exist; make it first")
    if not os.access(final.parent, os.W_OK):
        raise DeepcohortError(f"output folder {final.parent} is not writable")


def check_folder_place(folder: Path) -> None:
    """See that files can be made in `folder`, which may have to be made first.

    Raises:
        DeepcohortError: it, or what it would lie in, is a file or not writable.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise DeepcohortError(f"output folder {folder}: {place} is a file; name a folder")
    if not os.access(place, os.W_OK):
        raise DeepcohortError(f"output folder {place} is not writable")


@contextmanager
def atomic_outputs(*finals: str | Path, partners: tuple[str, ...] = ()) -> Iterator[list[Path]]:
    """Temporary paths, one per final path, renamed together when the block ends well.

    The temporary name keeps the suffix (`out.g.vcf.gz` -> `.tmp-PID.out.g.vcf.gz`), in the same
    folder, so that rename is atomic and tools that look at suffixes still work. Files beside a
    temporary that carry an extra suffix in `partners` (".tbi", ".csi") travel with it, and are
    renamed before the file they belong to; those of a file that is replaced are removed. On any exception
    all temporaries are removed.

    Raises:
        DeepcohortError: an output cannot be made (see `check_file_place`), or the disk is full.
    """
    pairs = [(Path(f).parent / f".tmp-{os.getpid()}.{Path(f).name}", Path(f)) for f in finals]
    for _, final in pairs:
        check_file_place(final)
    try:
        with disk_full_as_error(pairs[0][1]):
            yield [temporary for temporary, _ in pairs]
            for temporary, final in pairs:
                for suffix in partners:
                    beside = Path(f"{temporary}{suffix}")
                    if beside.exists():
                        os.replace(beside, f"{final}{suffix}")
                    else:  # of the file that is replaced: htslib would take its .csi before the new .tbi
                        Path(f"{final}{suffix}").unlink(missing_ok=True)
                os.replace(temporary, final)
    finally:
        for temporary, _ in pairs:
            for suffix in ("", *partners):
                Path(f"{temporary}{suffix}").unlink(missing_ok=True)


@contextmanager
def scratch_folder(prefix: str, place: str | Path | None = None) -> Iterator[Path]:
    """A folder of its own in `place`, removed at the end with all that it holds.

    A signal that comes while it is being removed does not leave the rest, as `tempfile`'s would.
    """
    name = tempfile.mkdtemp(prefix=prefix, dir=place)
    try:
        yield Path(name)
    finally:
        try:
            shutil.rmtree(name, ignore_errors=True)
        finally:
            shutil.rmtree(name, ignore_errors=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder within `folder`, which is made if absent; its files move there when all went well.

    Files that are there already are replaced, others stay.

    Raises:
        DeepcohortError: the folder cannot be made or written into, or the disk is full.
    """
    check_folder_place(folder)
    with disk_full_as_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".tmp-{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            temporary.mkdir()
            yield temporary
            for path in sorted(temporary.iterdir()):
                os.replace(path, folder / path.name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
