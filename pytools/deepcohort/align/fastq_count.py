"""FASTQ files read to their end, before an aligner takes a cut one for a short one."""

import zlib
from collections.abc import Sequence
from pathlib import Path

from isal import igzip, isal_zlib

from deepcohort.core.errors import DeepcohortError

_DAMAGED: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, isal_zlib.error)  # type: ignore[assignment]
_CHUNK_BYTES = 1 << 22


def count_reads(files: Sequence[Path]) -> int:
    """Reads in each of `files`, one of reads or two of mates; a hundredth of what aligning them takes.

    bwa ends without an error where a file is cut off or has fewer reads than that of the mates.

    Raises:
        DeepcohortError: a file is cut off or damaged, its lines are no multiple of four, or counts differ.
    """
    counts = [_lines(path) for path in files]
    for path, lines in zip(files, counts, strict=True):
        if lines % 4:
            raise DeepcohortError(
                f"{path} has {lines:,} lines, no multiple of four; it is cut off: copy it again"
            )
    if len(set(counts)) > 1:
        told = ", ".join(f"{path} {lines // 4:,}" for path, lines in zip(files, counts, strict=True))
        raise DeepcohortError(f"files of mates have not the same number of reads: {told}; copy them again")
    return counts[0] // 4


def _lines(path: Path) -> int:
    with open(path, "rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    lines, last = 0, b"\n"
    try:
        with igzip.open(path, "rb") if is_gzip else open(path, "rb") as text:
            while chunk := text.read(_CHUNK_BYTES):
                lines += chunk.count(b"\n")
                last = chunk[-1:]
    except _DAMAGED as error:
        raise DeepcohortError(f"{path} is cut off or damaged ({error}); copy it again") from error
    return lines + (last != b"\n")
