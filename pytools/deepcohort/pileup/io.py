"""Truth for training: variants of one sample from a VCF, confident regions from a BED."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cyvcf2

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.bgzf import check_bgzf_vcf, is_bcf
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.formats.vcf_index import open_vcf_index

_MISSING = {"*", ".", "<NON_REF>", "<*>"}


@dataclass(frozen=True, slots=True)
class TruthAllele:
    """One alternate allele of the truth, trimmed: `haplotypes` says which of the two copies have it.

    `pos` is 0-based, `ref` and `alt` are upper-case text. `phased` tells whether the order of
    haplotypes means something across records.
    """

    pos: int
    ref: str
    alt: str
    haplotypes: tuple[bool, bool]
    phased: bool
    record: int

    @property
    def copies(self) -> int:
        """0, 1 or 2."""
        return sum(self.haplotypes)


def trim_allele(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Parsimonious form: shared suffix, then shared prefix removed, one base kept on each side."""
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    n = 0
    while n < min(len(ref), len(alt)) - 1 and ref[n] == alt[n]:
        n += 1
    return pos + n, ref[n:], alt[n:]


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


class TruthVcf:
    """Called alleles of one sample; `fetch` needs a tabix index, as every truth set has."""

    def __init__(self, path: str | Path, sample: str | None = None) -> None:
        """Open `path`.

        Raises:
            DeepcohortError: missing, not indexed, unknown sample, or several samples and none named.
        """
        self.path = Path(path)
        if not self.path.exists():
            raise DeepcohortError(f"truth VCF {self.path} does not exist; check --truth")
        if not any(Path(f"{self.path}{s}").exists() for s in (".tbi", ".csi")):
            raise DeepcohortError(f"truth VCF {self.path} is not indexed; run: tabix -p vcf {self.path}")
        if not is_bcf(self.path):
            check_bgzf_vcf(self.path, "truth VCF")
            open_vcf_index(self.path, "truth VCF")
            check_vcf(self.path, max_ploidy=2)
        try:
            self._vcf = cyvcf2.VCF(str(self.path))
            self.contigs = frozenset(self._vcf.seqnames)
        except Exception as error:  # cyvcf2 raises bare ones
            raise DeepcohortError(f"truth VCF {self.path} cannot be read: {error}") from error
        names = list(self._vcf.samples)
        if sample is None and len(names) != 1:
            raise DeepcohortError(
                f"truth VCF {self.path} has {len(names)} samples; name one of them with --sample"
            )
        if sample is not None and sample not in names:
            raise DeepcohortError(f"truth VCF {self.path} has no sample {sample}; it has {', '.join(names)}")
        self._column = names.index(sample) if sample else 0

    def fetch(self, region: Region, reference: str) -> list[TruthAllele]:
        """Alleles with POS in `region`, whose upper-case text is `reference`.

        Raises:
            DeepcohortError: a REF disagrees with the reference.
        """
        if region.contig not in self.contigs:
            return []
        found: list[TruthAllele] = []
        for number, record in enumerate(self._records(region)):
            pos = record.POS - 1
            if not region.contains(pos):
                continue
            ref = record.REF.upper()
            here = reference[pos - region.start : pos - region.start + len(ref)]
            if not ref.startswith(here):
                raise DeepcohortError(
                    f"truth VCF {self.path} says {ref[:20]} at {region.contig}:{record.POS} where the "
                    f"reference has {here[:20]}; was it made on another reference?"
                )
            found += self._alleles(record, pos, ref, number)
        return sorted(found, key=lambda a: (a.pos, a.ref, a.alt))

    def _records(self, region: Region) -> Iterator[cyvcf2.Variant]:
        """Records of `region`, as cyvcf2 gives them.

        Raises:
            DeepcohortError: it gives up, mostly with an exception of no kind of its own.
        """
        try:
            yield from self._vcf(str(region))
        except DeepcohortError:
            raise
        except Exception as error:  # GeneratorExit and KeyboardInterrupt are none
            raise DeepcohortError(
                f"truth VCF {self.path} is damaged at {region} ({_reason(error)}); copy or make it again"
            ) from error

    def _alleles(self, record: cyvcf2.Variant, pos: int, ref: str, number: int) -> list[TruthAllele]:
        try:
            *called, phased = record.genotypes[self._column]
            haploid = len(called) == 1
            alts = list(record.ALT)
        except Exception as error:  # cyvcf2 raises bare ones where GT is absent or odd
            raise DeepcohortError(
                f"truth VCF {self.path} has no readable genotype at {record.CHROM}:{record.POS} "
                f"({_reason(error)})"
            ) from error
        if not 1 <= len(called) <= 2 or max(called) > len(alts):
            raise DeepcohortError(
                f"truth VCF {self.path} has a genotype of {len(called)} alleles, or of an ALT that is not "
                f"there, at {record.CHROM}:{record.POS}"
            )
        first, second = (called[0], called[0]) if haploid else (called[0], called[1])
        out = []
        for index, alt in enumerate(alts, start=1):
            if alt in _MISSING or alt.startswith("<") or index not in (first, second):
                continue
            at, short_ref, short_alt = trim_allele(pos, ref, alt.upper())
            on = (first == index, second == index)
            out.append(TruthAllele(at, short_ref, short_alt, on, bool(phased), number))
        return out
