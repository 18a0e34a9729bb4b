"""Usable reads of a region from the alignment files of one sample."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.types import ReadBatch


class ReadSource:
    """Reads of one sample from one or more BAM or CRAM files; use as a context manager.

    Attributes:
        contig_lengths: bp by name, of the contigs that files and reference share, in file order.
        sample_names: SM values of the headers' read groups, sorted.
    """

    contig_lengths: dict[str, int]
    sample_names: tuple[str, ...]

    def fetch(self, region: Region) -> ReadBatch:
        """Usable reads that overlap `region`, in (pos, name_hash, flag) order."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the files."""

    def __enter__(self) -> "ReadSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_reads(
    paths: Sequence[str | Path], reference_path: str | Path, config: ReadsConfig | None = None
) -> ReadSource:
    """Open the alignment files of one sample.

    Raises:
        DeepcohortError: a file is missing, truncated, not indexed, not sorted, or disagrees with
            the reference.
    """
    raise NotImplementedError
