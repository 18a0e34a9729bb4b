"""Reference sequence from an indexed FASTA."""

from pathlib import Path
from types import TracebackType

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases


class ReferenceFasta:
    """Random access to a FASTA (plain, or bgzipped with .gzi) that has a .fai index."""

    def __init__(self, path: str | Path) -> None:
        """Open `path`.

        Raises:
            DeepcohortError: missing file or index, or not a FASTA.
        """
        self.path = Path(path)
        if not self.path.exists():
            raise DeepcohortError(f"reference {self.path} does not exist; check --reference")
        if not Path(f"{self.path}.fai").exists():
            raise DeepcohortError(f"reference {self.path} is not indexed; run: samtools faidx {self.path}")
        if self.path.suffix == ".gz" and not Path(f"{self.path}.gzi").exists():
            raise DeepcohortError(
                f"reference {self.path} lacks its .gzi index; compress it with bgzip, then run: "
                f"samtools faidx {self.path}"
            )
        try:
            self._fasta = pysam.FastaFile(str(self.path))
        except (OSError, ValueError) as error:
            raise DeepcohortError(f"reference {self.path} cannot be read as FASTA: {error}") from error
        self.contig_lengths: dict[str, int] = dict(
            zip(self._fasta.references, self._fasta.lengths, strict=True)
        )

    def fetch_codes(self, region: Region) -> NDArray[np.uint8]:
        """Base codes of `region`, uint8 (len(region),); soft-masked counts as upper case, IUPAC as N."""
        return encode_bases(self.fetch_text(region))

    def fetch_text(self, region: Region) -> str:
        """Upper-case sequence text of `region`, exactly as long as the region.

        Raises:
            DeepcohortError: unknown contig, or the file is shorter than its index says.
        """
        if region.contig not in self.contig_lengths:
            raise DeepcohortError(f"reference {self.path} has no contig {region.contig}")
        try:
            text: str = self._fasta.fetch(region.contig, region.start, region.end).upper()
        except (OSError, ValueError) as error:  # damaged blocks, bytes that are no text, a wrong index
            raise DeepcohortError(
                f"reference {self.path} cannot be read at {region} ({error}); "
                "copy it again, or index it again with samtools faidx"
            ) from error
        if len(text) != len(region):
            raise DeepcohortError(
                f"reference {self.path} gave {len(text)} of {len(region)} bases at {region}; "
                "its index is stale, run samtools faidx again"
            )
        return text

    def close(self) -> None:
        """Close the file."""
        self._fasta.close()

    def __enter__(self) -> "ReferenceFasta":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
