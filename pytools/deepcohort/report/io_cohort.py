"""Cohort VCF to genotype arrays, one site after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.vcf_text import check_vcf


@dataclass(frozen=True, slots=True)
class CohortSite:
    """One record of a cohort VCF.

    Attributes:
        contig, pos (1-based), ref, alts: as written.
        passed: FILTER is PASS or missing.
        gt: int16 (N, 2), allele indices; -1 missing; second -2 if haploid.
        dp, gq: int32 (N,), -1 missing.
        de_novo: samples that INFO DENOVO names.
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


class CohortVcf:
    """Reads a cohort VCF; `samples` and `contig_lengths` come from its header."""

    def __init__(self, path: str | Path) -> None:
        """Open `path`.

        Raises:
            DeepcohortError: missing, not a VCF, or without samples.
        """
        self.path = Path(path)
        if not self.path.exists():
            raise DeepcohortError(f"VCF {self.path} does not exist; check --vcf")
        check_vcf(self.path, max_ploidy=2)
        try:
            self._vcf = cyvcf2.VCF(str(self.path))
        except Exception as error:  # cyvcf2 raises bare ones
            raise DeepcohortError(f"{self.path} cannot be read as VCF: {error}") from error
        self.samples: list[str] = list(self._vcf.samples)
        if not self.samples:
            raise DeepcohortError(f"{self.path} holds no samples; give a cohort VCF")
        self.contig_lengths = dict(zip(self._vcf.seqnames, self._vcf.seqlens, strict=False))

    def __iter__(self) -> Iterator[CohortSite]:
        n = len(self.samples)
        for record in self._vcf:
            genotypes = record.genotype
            if genotypes is None:
                continue
            array = np.asarray(genotypes.array())[:, :-1]  # the last column says whether it is phased
            gt = np.full((n, 2), -2, dtype=np.int16)
            gt[:, : array.shape[1]] = array[:, :2]
            named = record.INFO.get("DENOVO")
            yield CohortSite(
                record.CHROM,
                record.POS,
                record.REF,
                tuple(record.ALT),
                record.FILTER is None,
                gt,
                _integers(record, "DP", n),
                _integers(record, "GQ", n),
                tuple(str(named).split(",")) if named else (),
            )


def _integers(record: "cyvcf2.Variant", key: str, n: int) -> NDArray[np.int32]:
    try:
        values = record.format(key)
    except KeyError:  # the header does not declare it
        values = None
    if values is None:
        return np.full(n, -1, dtype=np.int32)
    return np.maximum(np.asarray(values, dtype=np.float64)[:, 0], -1).astype(np.int32)
