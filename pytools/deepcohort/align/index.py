"""Indexes of aligners."""

import os
import subprocess
from pathlib import Path

from deepcohort.align.tools import INDEX_SUFFIXES, Aligner, find_aligner, preset_of
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import check_folder_place, scratch_folder

PREFIX = "genome"


def make_index(reference: Path, platform: str, output: Path, aligner: str = "auto") -> Aligner:
    """Index `reference` (FASTA, plain or compressed) for reads of `platform` in the folder `output`.

    Returns the aligner it is for. The files appear when all are complete.

    Raises:
        DeepcohortError: no aligner, or it failed.
    """
    if not reference.is_file():
        raise DeepcohortError(f"reference {reference} does not exist; check --reference")
    found = find_aligner(platform, aligner)
    check_folder_place(output)
    output.mkdir(parents=True, exist_ok=True)
    with scratch_folder(".tmp-", output) as scratch:
        prefix = Path(scratch, PREFIX)
        _build(found, reference, platform, prefix)
        for suffix in INDEX_SUFFIXES[found.name]:
            os.replace(f"{prefix}{suffix}", output / f"{PREFIX}{suffix}")
    return found


def _build(aligner: Aligner, reference: Path, platform: str, prefix: Path) -> None:
    if aligner.name == "pybwa":
        from deepcohort.align.io_python import index_by_pybwa

        return index_by_pybwa(reference, prefix)
    if aligner.name == "mappy":
        from deepcohort.align.io_python import index_by_mappy

        return index_by_mappy(reference, preset_of(platform, aligner), Path(f"{prefix}.mmi"))
    if aligner.name == "minimap2":
        words = ["-x", preset_of(platform, aligner), "-d", f"{prefix}.mmi", str(reference)]
    else:
        words = ["index", "-p", str(prefix), str(reference)]
    done = subprocess.run(
        [aligner.command, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode == -9:
        raise MemoryError(f"{aligner.name} was killed")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise DeepcohortError(f"{aligner.name} could not index {reference}: {lines[-1]}")
    return None
