"""Genotypes of a cohort VCF by contig, as the scan takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.text import text_of
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.formats.vcf_header import declared_formats

_BASES = frozenset("ACGT")


@dataclass(frozen=True, slots=True)
class ContigGenotypes:
    """Biallelic SNPs of one contig that are not filtered out.

    Attributes:
        contig, length_bp: of the header (the last POS where it tells no length).
        positions: int64 (S,), 0-based. alleles: int8 (S, N, 2), ALT copies of each allele, -1 missing, -2
            where a sample is haploid. phased: bool (S, N).
        pl: float32 (S, N, 3) phred likelihoods, the third NaN of haploid genotypes, or None.
        depth: float32 (S, N), NaN unknown, or None.
        sets: int64 (S, N), phase sets (PS), -1 where a genotype names none, or None.
    """

    contig: str
    length_bp: int
    positions: NDArray[np.int64]
    alleles: NDArray[np.int8]
    phased: NDArray[np.bool_]
    pl: NDArray[np.float32] | None
    depth: NDArray[np.float32] | None
    sets: NDArray[np.int64] | None = None


def read_groups(path: str | Path) -> dict[str, str]:
    """Group (or "") by sample from lines of SAMPLE [TAB GROUP]; where there is a tab, names may hold blanks.

    Raises:
        DeepcohortError: missing file, an empty one, or a sample in two groups.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"sample list {path} does not exist")
    found: dict[str, str] = {}
    for line in text_of(path).splitlines():
        line = line.lstrip()
        words = [w.strip() for w in line.split("\t")] if "\t" in line else line.split()
        if words and not line.startswith("#"):
            group = words[1] if len(words) > 1 else ""
            if found.setdefault(words[0], group) != group:
                raise DeepcohortError(
                    f"sample list {path} puts {words[0]} in the groups {found[words[0]]} and {group}; "
                    "leave one"
                )
    if not found:
        raise DeepcohortError(f"sample list {path} names no sample")
    return found


def open_cohort(path: str | Path, wanted: list[str] | None, threads: int = 1) -> tuple[Any, list[str]]:
    """An open cyvcf2 reader of `wanted` samples (all without), and their names in file order.

    Raises:
        DeepcohortError: not a VCF, no samples, or samples that are not there.
    """
    import cyvcf2

    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"VCF {path} does not exist; check --vcf")
    check_vcf(path)
    try:
        reader = cyvcf2.VCF(str(path), threads=threads, gts012=False)
    except Exception as error:  # cyvcf2 raises plain exceptions
        raise DeepcohortError(f"VCF {path} cannot be read: {' '.join(str(error).split())}") from error
    names = list(reader.samples)
    if not names:
        raise DeepcohortError(f"VCF {path} has no samples; popgen scan needs genotypes of a cohort")
    if wanted is not None:
        there, asked = set(names), set(wanted)
        missing = [name for name in wanted if name not in there]
        if missing:
            raise DeepcohortError(
                f"VCF {path} has no sample {missing[0]} ({len(missing)} of the sample list are missing)"
            )
        reader.set_samples(wanted)
        names = [name for name in names if name in asked]
    return reader, names


def read_contigs(reader: Any, path: str | Path, with_pl: bool) -> Iterator[ContigGenotypes]:
    """Contigs of an open reader, in file order.

    Raises:
        DeepcohortError: no GT, records out of order, a damaged file.
    """
    lengths = _lengths(reader)
    declared = declared_formats(reader.raw_header, ("PL", "DP", "PS"))
    held = _Held()
    seen: set[str] = set()
    try:
        for record in reader:
            if held.contig != record.CHROM:
                if held.positions:
                    yield held.finish(lengths)
                if record.CHROM in seen:
                    raise DeepcohortError(
                        f"VCF {path}: contig {record.CHROM} comes twice; run: bcftools sort"
                    )
                held = _Held(record.CHROM, declared)
                seen.add(record.CHROM)
            held.last = max(held.last, record.POS)
            if record.FILTER is not None or len(record.ALT) != 1:
                continue
            if record.REF not in _BASES or record.ALT[0] not in _BASES:
                continue
            held.take(record, path, with_pl)
    except DeepcohortError:
        raise
    except Exception as error:
        where = f"{held.contig}:{held.last}" if held.contig else "its start"
        raise DeepcohortError(f"VCF {path} cannot be read after {where}: {error}") from error
    if held.positions:
        yield held.finish(lengths)


def _lengths(reader: Any) -> dict[str, int]:
    try:
        return dict(zip(reader.seqnames, reader.seqlens, strict=True))
    except AttributeError:  # a header without lengths
        return {}


class _Held:
    """Records of one contig as they come."""

    def __init__(self, contig: str = "", declared: frozenset[str] = frozenset()) -> None:
        self.contig, self.last, self._declared = contig, 0, declared
        self.positions: list[int] = []
        self.alleles: list[NDArray[np.int8]] = []
        self.phased: list[NDArray[np.bool_]] = []
        self.pl: list[NDArray[np.float32] | None] = []
        self.depth: list[NDArray[np.float32] | None] = []
        self.sets: list[NDArray[np.int64] | None] = []

    def take(self, record: Any, path: str | Path, with_pl: bool) -> None:
        try:
            array = record.genotype.array()
        except Exception as error:  # cyvcf2 raises a plain one
            raise DeepcohortError(
                f"VCF {path}: {record.CHROM}:{record.POS} has no GT; popgen scan needs genotypes"
            ) from error
        if array.shape[1] > 3:
            raise DeepcohortError(
                f"VCF {path}: {record.CHROM}:{record.POS} has genotypes of {array.shape[1] - 1} alleles; "
                "popgen scan takes haploid and diploid samples"
            )
        alleles = np.full((len(array), 2), -2, np.int8)
        alleles[:, : array.shape[1] - 1] = array[:, :-1]
        if self.positions and self.positions[-1] > record.POS - 1:
            raise DeepcohortError(
                f"VCF {path} is not sorted at {record.CHROM}:{record.POS}; run: bcftools sort"
            )
        self.positions.append(record.POS - 1)
        self.alleles.append(alleles)
        self.phased.append(array[:, -1].astype(bool))
        sets = _field(record, "PS") if "PS" in self._declared and self.phased[-1].any() else None
        self.sets.append(None if sets is None or sets.dtype.kind != "i" else sets[:, 0].astype(np.int64))
        if with_pl:
            pl, dp = (_field(record, k) if k in self._declared else None for k in ("PL", "DP"))
            self.pl.append(None if pl is None else likelihoods_of(pl))
            self.depth.append(dp[:, 0].astype(np.float32) if dp is not None else None)

    def finish(self, lengths: dict[str, int]) -> ContigGenotypes:
        return ContigGenotypes(
            self.contig,
            max(int(lengths.get(self.contig) or 0), self.last),
            np.array(self.positions, np.int64),
            np.stack(self.alleles),
            np.stack(self.phased),
            _stack(self.pl, (len(self.alleles[0]), 3)),
            _stack(self.depth, (len(self.alleles[0]),)),
            self._stacked_sets(),
        )

    def _stacked_sets(self) -> NDArray[np.int64] | None:
        if not any(s is not None for s in self.sets):
            return None
        none = np.full(len(self.alleles[0]), -1, np.int64)
        return np.stack([none if s is None else np.maximum(s, -1) for s in self.sets])


def likelihoods_of(pl: NDArray[Any]) -> NDArray[np.float32] | None:
    """PL of biallelic sites as (..., 3), the third NaN where all are haploid; None of other sites."""
    wide = pl.astype(np.float32)
    if pl.shape[-1] == 2:
        return np.concatenate([wide, np.full((*pl.shape[:-1], 1), np.nan, np.float32)], axis=-1)
    return wide if pl.shape[-1] == 3 else None


def _field(record: Any, key: str) -> NDArray[Any] | None:
    """A FORMAT field, None where record or header lacks it."""
    try:
        found: NDArray[Any] | None = record.format(key)
    except KeyError:
        return None
    return found


def _stack(parts: list[NDArray[np.float32] | None], shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """One array, NaN for records without; None where no record has any."""
    if not any(p is not None for p in parts):
        return None
    out = np.full((len(parts), *shape), np.nan, np.float32)
    for i, p in enumerate(parts):
        if p is not None:
            out[i] = np.where(p < 0, np.nan, p)
    return out
