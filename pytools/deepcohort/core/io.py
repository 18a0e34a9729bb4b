"""Reference sequence from an indexed FASTA."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io_fasta_index import check_fai, is_bgzipped
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases

_CHUNK_BP = 8_000_000
# names that SAM and VCF let a contig have (SAM specification section 1.2.1)
_CONTIG_NAME = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")


def impossible_contigs(names: Iterable[str]) -> list[str]:
    """Contig names that neither SAM nor VCF can hold."""
    return [name for name in names if not _CONTIG_NAME.fullmatch(name)]


def check_contig_names(path: Path, names: Iterable[str]) -> None:
    """See that the names of a reference's contigs can stand in a VCF.

    Raises:
        DeepcohortError: one cannot.
    """
    wrong = impossible_contigs(names)
    if wrong:
        raise DeepcohortError(
            f"reference {path} has {len(wrong)} contigs whose names SAM and VCF cannot hold "
            f"({', '.join(repr(name) for name in wrong[:3])}); rename them, and align the reads to it again"
        )


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
        is_packed = self.path.suffix == ".gz" or (self.path.is_file() and is_bgzipped(self.path))
        if is_packed and not Path(f"{self.path}.gzi").exists():
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
        check_fai(self.path)

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

    def md5(self, contig: str) -> tuple[str, float]:
        """MD5 of a contig's sequence in capitals, as M5 of SAM's @SQ lines, and the share of N in it."""
        n_unknown = 0
        digest = hashlib.md5(usedforsecurity=False)
        length = self.contig_lengths[contig]
        for start in range(0, length, _CHUNK_BP):
            region = Region(contig, start, min(length, start + _CHUNK_BP))
            text = self.fetch_text(region)
            n_unknown += text.count("N")
            digest.update(text.encode("ascii", "replace"))
        return digest.hexdigest(), n_unknown / max(1, length)

    def close(self) -> None:
        """Close the file."""
        self._fasta.close()

    def __enter__(self) -> "ReferenceFasta":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
