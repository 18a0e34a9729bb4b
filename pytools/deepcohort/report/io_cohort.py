"""Cohort VCF to genotype arrays, one site after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.genome import pseudo_autosomal
from deepcohort.core.names import name_problem
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.formats.vcf_header import declared_formats


@dataclass(frozen=True, slots=True)
class CohortSite:
    """One record of a cohort VCF.

    Attributes:
        contig, pos (1-based), ref, alts: as written.
        passed: FILTER is PASS or missing.
        gt: int16 (N, 2), allele indices; -1 missing; second -2 if haploid.
        dp, gq: int32 (N,), -1 missing.
        de_novo: samples that INFO DENOVO names.
        pseudo_autosomal: POS lies in a known PAR of X or Y, where men have two copies.
    """

    contig: str
    pos: int
    ref: str
    alts: tuple[str, ...]
    passed: bool
    gt: NDArray[np.int16]
    dp: NDArray[np.int32]
    gq: NDArray[np.int32]
    de_novo: tuple[str, ...]
    pseudo_autosomal: bool


def _contig_lengths(vcf: "cyvcf2.VCF") -> dict[str, int]:
    """bp of the header's contigs; none where it states none, as VCF allows."""
    try:
        return dict(zip(vcf.seqnames, vcf.seqlens, strict=False))
    except AttributeError:  # cyvcf2's for a header without lengths
        return {}


class CohortVcf:
    """Reads a cohort VCF; `samples` and `contig_lengths` come from its header."""

    def __init__(self, path: str | Path) -> None:
        """Open `path`.

        Raises:
            DeepcohortError: missing, not a VCF, or without samples.
        """
        self.path = Path(path)
        if not self.path.is_file():
            told = "is no file" if self.path.exists() else "does not exist"
            raise DeepcohortError(f"VCF {self.path} {told}; check --vcf")
        check_vcf(self.path, max_ploidy=2)
        try:
            self._vcf = cyvcf2.VCF(str(self.path))
            self.samples: list[str] = list(self._vcf.samples)
            self.contig_lengths = _contig_lengths(self._vcf)
            self._declared = declared_formats(self._vcf.raw_header, ("DP", "GQ"))
        except Exception as error:  # cyvcf2 raises bare ones
            raise DeepcohortError(f"{self.path} cannot be read as VCF: {error}") from error
        for name in self.samples:
            problem = name_problem(name)
            if problem:
                raise DeepcohortError(f"{self.path}: the sample name {name[:40]!r} {problem}")
        if not self.samples:
            raise DeepcohortError(f"{self.path} holds no samples; give a cohort VCF")

    def __iter__(self) -> Iterator[CohortSite]:
        """Sites in the order of the file.

        Raises:
            DeepcohortError: a record cannot be read.
        """
        place = "its first record"
        try:
            for record in self._vcf:
                place = f"{record.CHROM}:{record.POS}"
                site = self._site(record)
                if site is not None:
                    yield site
                place = f"the record after {place}"
        except DeepcohortError:
            raise
        except Exception as error:  # cyvcf2 raises bare ones; GeneratorExit and KeyboardInterrupt are none
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise DeepcohortError(
                f"{self.path} is damaged at {place} ({reason}); copy or make it again"
            ) from error

    def _site(self, record: "cyvcf2.Variant") -> CohortSite | None:
        n = len(self.samples)
        genotypes = record.genotype
        if genotypes is None:
            return None
        array = np.asarray(genotypes.array())[:, :-1]  # the last column says whether it is phased
        if not 1 <= array.shape[1] <= 2 or array.max(initial=-1) > len(record.ALT):
            raise ValueError("a genotype of more than two alleles, or of an ALT that is not there")
        gt = np.full((n, 2), -2, dtype=np.int16)
        gt[:, : array.shape[1]] = array
        named = record.INFO.get("DENOVO")
        return CohortSite(
            record.CHROM,
            record.POS,
            record.REF,
            tuple(record.ALT),
            record.FILTER is None,
            gt,
            self._integers(record, "DP"),
            self._integers(record, "GQ"),
            tuple(str(named).split(",")) if named else (),
            self._in_par(record.CHROM, record.POS),
        )

    def _in_par(self, contig: str, pos: int) -> bool:
        stretches = pseudo_autosomal(contig, self.contig_lengths.get(contig, 0))
        return any(start < pos <= end for start, end in stretches)

    def _integers(self, record: "cyvcf2.Variant", key: str) -> NDArray[np.int32]:
        values = record.format(key) if key in self._declared else None
        if values is None:
            return np.full(len(self.samples), -1, dtype=np.int32)
        return np.maximum(np.asarray(values, dtype=np.float64)[:, 0], -1).astype(np.int32)
