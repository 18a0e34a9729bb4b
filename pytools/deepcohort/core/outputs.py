"""Whole files or none: outputs are written under a temporary name and renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepcohort.core.errors import DeepcohortError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def full_disk_told(place: str | Path, remedy: str = "free space and run again") -> Iterator[None]:
    """Turns a full disk, found by whatever writes within, into one line that names `place`.

    For blocks where others write (loggers, libraries); `atomic_outputs` does the same for its own files.

    Raises:
        DeepcohortError: the disk or the quota is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DeepcohortError(f"disk full while writing {place}; {remedy}") from error
        raise


@contextmanager
def atomic_outputs(*finals: str | Path, partners: tuple[str, ...] = ()) -> Iterator[list[Path]]:
    """Temporary paths, one per final path, renamed together when the block ends well.

    The temporary name keeps the suffix (`out.g.vcf.gz` -> `.tmp-PID.out.g.vcf.gz`), in the same
    folder, so that rename is atomic and tools that look at suffixes still work. Files beside a
    temporary that carry an extra suffix in `partners` (".tbi", ".csi") travel with it, and are
    renamed before the file they belong to. On any exception all temporaries are removed.

    Raises:
        DeepcohortError: an output folder is missing or not writable, or the disk is full.
    """
    pairs = [(Path(f).parent / f".tmp-{os.getpid()}.{Path(f).name}", Path(f)) for f in finals]
    for _, final in pairs:
        if not final.parent.is_dir():
            raise DeepcohortError(f"output folder {final.parent} does not exist; make it first")
        if not os.access(final.parent, os.W_OK):
            raise DeepcohortError(f"output folder {final.parent} is not writable")
    try:
        with full_disk_told(pairs[0][1]):
            yield [temporary for temporary, _ in pairs]
            for temporary, final in pairs:
                for suffix in partners:
                    beside = Path(f"{temporary}{suffix}")
                    if beside.exists():
                        os.replace(beside, f"{final}{suffix}")
                os.replace(temporary, final)
    finally:
        for temporary, _ in pairs:
            for suffix in ("", *partners):
                Path(f"{temporary}{suffix}").unlink(missing_ok=True)
