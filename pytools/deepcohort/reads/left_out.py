"""Why no read of a sample can be used: said where nothing could be called."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.types import UNKNOWN_LIBRARY
from deepcohort.reads.windows import profile_windows

_QC_FAIL, _DUPLICATE = 0x200, 0x400


def why_left_out(paths: Sequence[str | Path], reference_path: str | Path, config: ReadsConfig) -> str:
    """What keeps the reads of these files from being used, by the reads of a few windows; empty without any.

    Raises:
        DeepcohortError: as `open_reads` does.
    """
    flags = config.excluded_flags & ~(_QC_FAIL | _DUPLICATE)
    lenient = replace(
        config,
        min_mapq=0,
        excluded_flags=flags,
        library=UNKNOWN_LIBRARY,
        clips_ends=False,
        lays_unaligned=False,
        libraries=(),
    )
    found: dict[str, int] = {}
    n_reads = 0
    with open_reads(paths, reference_path, lenient) as source:
        for window in profile_windows(source):
            reads = source.fetch_columns(window)
            n_reads += len(reads.pos)
            reasons = {
                "fail the quality checks of the instrument (flag 0x200)": reads.flag & _QC_FAIL != 0,
                "are marked as duplicates (flag 0x400)": reads.flag & _DUPLICATE != 0,
                f"have MAPQ below {config.min_mapq}": reads.mapq < config.min_mapq,
            }
            for reason, rows in reasons.items():
                found[reason] = found.get(reason, 0) + int(rows.sum())
    told = [f"{n:,} {reason}" for reason, n in found.items() if n]
    return f"of {n_reads:,} reads looked at {' and '.join(told)}" if told else ""
