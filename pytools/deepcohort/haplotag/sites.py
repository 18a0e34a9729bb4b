"""Genotypes of one sample of a VCF or gVCF, with their phase."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.vcf_check import checked_segments
from deepcohort.formats.vcf_declarations import check_declarations
from deepcohort.formats.vcf_header import PHASE_PENDING
from deepcohort.formats.vcf_text import VcfTextReader

_NO_BLOCK, _UNNAMED = -1, -2
_SIGNS = (b"|", b"/")
_MOST = 1 << 31  # what a tag holds


@dataclass(frozen=True, slots=True)
class SampleSites:
    """Records of one contig in which the sample has an ALT, S ascending by POS.

    Attributes:
        pos: int64 (S,), 0-based POS.
        gt: int16 (S, 2), alleles as written: left of the bar, right of it.
        block: int64 (S,), PS of phased heterozygous genotypes, -1 of all others. Of a set with a name of
            letters it is POS of its first record. Those without PS are one set, numbered by POS of the
            contig's first record here; where other genotypes have PS, of the first without.
        alleles: REF and ALTs of each record, comma-separated.
    """

    contig: str
    pos: NDArray[np.int64]
    gt: NDArray[np.int16]
    block: NDArray[np.int64]
    alleles: tuple[bytes, ...]

    @property
    def phased(self) -> NDArray[np.int64]:
        """Indices of the phased heterozygous sites, int64 ascending."""
        return np.flatnonzero(self.block != _NO_BLOCK)


def sample_column(reader: VcfTextReader, sample: str) -> int:
    """Column of `sample` ("": the only one) in the lines of a VCF that is phased.

    Raises:
        DeepcohortError: it has no such sample, none or several to choose from, or waits to be phased.
    """
    names, path = reader.header.samples, reader.path
    if PHASE_PENDING in reader.header.lines:
        raise DeepcohortError(
            f"{path} is a shard that is not phased yet; give what `deepcohort merge` makes of all shards"
        )
    if not names:
        raise DeepcohortError(f"{path} holds no sample, so no phase; give the VCF of the sample")
    if not sample and len(names) > 1:
        raise DeepcohortError(
            f"{path} holds {len(names)} samples ({', '.join(names[:3])}, ...); give --sample"
        )
    if sample and sample not in names:
        raise DeepcohortError(f"{path} has no sample {sample} (it has {', '.join(names[:3])}); give --sample")
    return 9 + (names.index(sample) if sample else 0)


def read_sites(path: Path, sample: str = "") -> tuple[str, dict[str, SampleSites]]:
    """Name of the sample, and its genotypes by contig, from a VCF or gVCF.

    Raises:
        DeepcohortError: no VCF, damaged, without that sample, or not phased.
    """
    reader = VcfTextReader(path)
    rows: dict[str, list[tuple[int, int, int, int, bytes]]] = {}
    sets: dict[str, dict[bytes, int]] = {}
    try:
        column = sample_column(reader, sample)
        check_declarations(reader.header.lines, path, whole=True)
        for segment in checked_segments(reader):
            found = rows.setdefault(segment.contig, [])
            found.extend(_rows(segment.text, column, sets.setdefault(segment.contig, {}), path))
    finally:
        reader.close()
    sites = {contig: _to_sites(contig, found) for contig, found in rows.items() if found}
    is_phased = any(len(one.phased) for one in sites.values())
    if not is_phased and not any(line.startswith("##FORMAT=<ID=PS,") for line in reader.header.lines):
        raise DeepcohortError(
            f"{path} is not phased: no GT 0|1 of {reader.header.samples[column - 9]}; call without --no-phase"
        )
    return reader.header.samples[column - 9], sites


def _rows(
    text: bytes, column: int, sets: dict[bytes, int], path: Path
) -> Iterator[tuple[int, int, int, int, bytes]]:
    """(pos, left allele, right allele, block, alleles) of the lines in which the sample has an ALT.

    `sets`: numbers of the contig's phase sets by what PS calls them; those met first are added.
    """
    genotypes: dict[bytes, tuple[int, int, bool] | None] = {}
    formats: dict[bytes, tuple[int, int]] = {}
    for line in text.splitlines():
        fields = line.split(b"\t")
        if len(fields) <= column:
            raise DeepcohortError(f"{path} holds a line with too few columns near: {line[:60]!r}")
        if fields[8] not in formats:
            keys = fields[8].split(b":")
            formats[fields[8]] = tuple(keys.index(k) if k in keys else -1 for k in (b"GT", b"PS"))  # type: ignore[assignment]
        at_gt, at_ps = formats[fields[8]]
        values = fields[column].split(b":")
        if not 0 <= at_gt < len(values):
            continue
        text_gt = values[at_gt]
        if text_gt not in genotypes:
            genotypes[text_gt] = _parse_genotype(text_gt)
        genotype = genotypes[text_gt]
        if genotype is None:
            continue
        left, right, is_phased = genotype
        block = _NO_BLOCK
        pos = int(fields[1]) - 1
        if is_phased and left != right:
            name = values[at_ps] if 0 <= at_ps < len(values) else b"."
            if name not in sets:
                number = int(name) if name.isdigit() and int(name) < _MOST else pos + 1
                sets[name] = _UNNAMED if name == b"." else number
            block = sets[name]
        yield pos, left, right, block, fields[3] + b"," + fields[4]


def _parse_genotype(text: bytes) -> tuple[int, int, bool] | None:
    """(left, right, phased) of a diploid genotype that holds an ALT, else None."""
    sign = text[:1] if text[:1] in _SIGNS else b""  # since VCF 4.4 a sign may stand before the first allele
    text = text[len(sign) :]
    is_phased = b"|" in text and sign != b"/"
    parts = text.split(b"|" if b"|" in text else b"/")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None
    left, right = int(parts[0]), int(parts[1])
    return None if left == right == 0 else (left, right, is_phased)


def _to_sites(contig: str, rows: list[tuple[int, int, int, int, bytes]]) -> SampleSites:
    numbers = np.array([row[:4] for row in rows], np.int64)
    unnamed = np.flatnonzero(numbers[:, 3] == _UNNAMED)
    if len(unnamed):
        first = unnamed[0] if (numbers[:, 3] >= 0).any() else 0
        numbers[unnamed, 3] = numbers[first, 0] + 1
    return SampleSites(
        contig, numbers[:, 0].copy(), numbers[:, 1:3].astype(np.int16), numbers[:, 3].copy(),
        tuple(row[4] for row in rows),
    )  # fmt: skip
