"""Whole files or none: outputs are written under a temporary name and renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepcohort.core.errors import DeepcohortError


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
        yield [temporary for temporary, _ in pairs]
        for temporary, final in pairs:
            for suffix in partners:
                beside = Path(f"{temporary}{suffix}")
                if beside.exists():
                    os.replace(beside, f"{final}{suffix}")
            os.replace(temporary, final)
    except OSError as error:
        if error.errno == 28:
            raise DeepcohortError(
                f"disk full while writing {pairs[0][1]}; free space and run again"
            ) from error
        raise
    finally:
        for temporary, _ in pairs:
            for suffix in ("", *partners):
                Path(f"{temporary}{suffix}").unlink(missing_ok=True)
