"""Records of an annotated VCF that tables are made of: values by ALT, genotypes of all samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate.config import CLASSES
from deepcohort.annotate.consequence_order import gravest
from deepcohort.annotate.genotype_kernels import read_genotypes, read_samples
from deepcohort.annotate.io_segments import segments_of
from deepcohort.annotate.keys import BETWEEN
from deepcohort.formats.vcf_text import Segment


@dataclass(frozen=True, slots=True)
class AltNote:
    """What annotation says of one ALT; "" or empty where it says nothing.

    Attributes:
        consequence: the gravest. genes, transcripts, protein: as in INFO, by transcript. am_max: text.
        classes: of
            AlphaMissense, by row. why: reason.
    """

    alt: str
    consequence: str
    genes: tuple[str, ...]
    transcripts: tuple[str, ...]
    protein: tuple[str, ...]
    am_max: str
    classes: tuple[str, ...]
    why: str

    @property
    def am_class(self) -> str:
        """The gravest class."""
        return max(self.classes, key=CLASSES.index) if self.classes else ""

    @property
    def is_likely_pathogenic(self) -> bool:
        """Whether any transcript's class is likely_pathogenic."""
        return CLASSES[2] in self.classes


class Record:
    """One record; genotypes and numbers of samples are read when asked for."""

    def __init__(self, segment: Segment, row: int, columns: NDArray[np.int64], n_samples: int) -> None:
        self._segment, self._row, self._columns, self._n = segment, row, columns, n_samples
        self._text = np.frombuffer(segment.text, dtype=np.uint8)
        fields = (
            segment.text[int(columns[0]) : min(int(columns[8]) - 1, int(columns[9]))]
            .decode("utf-8", "replace")
            .split("\t")
        )
        self.contig, self.pos, self.id, self.ref = fields[0], int(fields[1]), fields[2], fields[3]
        self.alts = fields[4].split(",")
        self.filter, self.info = fields[6], dict(part.partition("=")[::2] for part in fields[7].split(";"))
        self._alleles: NDArray[np.int64] | None = None

    def notes(self) -> list[AltNote]:
        """Of each ALT."""
        lists = {
            key: self._lists(key)
            for key in ("DC_CSQ", "DC_GENE", "DC_TRANSCRIPT", "DC_AA", "AM_MAX", "AM_CLASS", "AM_WHY")
        }
        found = []
        for i, alt in enumerate(self.alts):
            v = {key: values[i] if i < len(values) else () for key, values in lists.items()}
            am_max = v["AM_MAX"][0] if v["AM_MAX"] else ""
            why = v["AM_WHY"][0] if v["AM_WHY"] else ""
            found.append(
                AltNote(
                    alt,
                    gravest(v["DC_CSQ"]),
                    v["DC_GENE"],
                    v["DC_TRANSCRIPT"],
                    v["DC_AA"],
                    am_max,
                    v["AM_CLASS"],
                    why,
                )
            )
        return found

    def _lists(self, key: str) -> list[tuple[str, ...]]:
        text = self.info.get(key)
        if not text:
            return []
        return [() if value == "." else tuple(value.split(BETWEEN)) for value in text.split(",")]

    def _format(self) -> tuple[list[str], int]:
        start, end = int(self._columns[8]), int(self._columns[9])
        if start > end or not self._n:
            return [], end
        stop = self._segment.text.find(b"\t", start, end)
        return self._segment.text[start:stop].decode("utf-8", "replace").split(":"), stop + 1

    def alleles(self) -> NDArray[np.int64]:
        """int64 (s, 2): allele numbers; -1 missing, -2 no second haplotype, -3 more than two."""
        if self._alleles is None:
            keys, start = self._format()
            self._alleles = np.full((self._n, 2), -1, dtype=np.int64)
            if "GT" in keys:
                phased = np.empty(self._n, dtype=np.bool_)
                read_genotypes(
                    self._text, start, int(self._columns[9]), keys.index("GT"), self._alleles, phased
                )
        return self._alleles

    def numbers(self, key: str) -> NDArray[np.int64] | None:
        """FORMAT numbers of all samples, int64 (s,), -1 missing; None where the record has no such key."""
        keys, start = self._format()
        if key not in keys:
            return None
        out = np.full(self._n, -1, dtype=np.int64)
        read_samples(self._text, start, int(self._columns[9]), keys.index(key), out)
        return out

    def genotype(self, sample: int) -> str:
        """GT as it is written."""
        keys, start = self._format()
        columns = self._segment.text[start : int(self._columns[9])].split(b"\t", sample + 1)
        values = columns[sample].decode("utf-8", "replace").split(":") if sample < len(columns) else ["."]
        return values[keys.index("GT")] if "GT" in keys and keys.index("GT") < len(values) else "."


def records_of(path: Path, n_samples: int) -> Iterator[Record]:
    """Every record that has an ALT.

    Raises:
        DeepcohortError: see `segments_of`.
    """
    for segment in segments_of(path, None):
        columns = np.empty((len(segment.lines), 10), dtype=np.int64)
        ak.find_columns(np.frombuffer(segment.text, dtype=np.uint8), columns)
        for row in range(len(columns)):
            record = Record(segment, row, columns[row], n_samples)
            if record.alts != ["."]:
                yield record


def info_is_declared(lines: Sequence[str], key: str) -> bool:
    """Whether a header declares an INFO key."""
    return any(line.startswith(f"##INFO=<ID={key},") for line in lines)


def header_value(lines: Sequence[str], key: str) -> str:
    """Value of the header line ##key=; "" without."""
    return next((line[len(key) + 3 :] for line in lines if line.startswith(f"##{key}=")), "")


def carried(alleles: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Copies of an allele in each sample, int64 (s,)."""
    copies: NDArray[np.int64] = (alleles == number).sum(axis=1)
    return copies
