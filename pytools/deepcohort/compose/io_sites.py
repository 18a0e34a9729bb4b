"""Sites of a VCF for pictures."""

from dataclasses import dataclass
from pathlib import Path

import pysam

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.vcf_constants import NON_REF

_NO_ALLELES = (NON_REF, "<*>")  # of a gVCF's reference blocks


@dataclass(frozen=True, slots=True)
class Site:
    """A place, CONTIG:POS with 1-based POS, and what is said of it."""

    text: str
    about: str = ""


def sites_of(vcf: Path, judged: str, most: int) -> list[Site]:
    """Variant sites of a VCF, in its order.

    Parameters:
        judged: of an annotated VCF of `deepcohort evaluate`: records with this BD in any sample (TP, FP,
        FN); "" takes records that pass their filters. most: that many, evenly spread over all.

    Raises:
        DeepcohortError: no such file, no VCF, or without BD.
    """
    if not vcf.exists():
        raise DeepcohortError(f"{vcf} does not exist; check --vcf")
    found = []
    try:
        with pysam.VariantFile(str(vcf)) as file:
            if judged and "BD" not in file.header.formats:
                raise DeepcohortError(
                    f"{vcf} has no FORMAT/BD; --judged is for annotated.vcf.gz of deepcohort evaluate"
                )
            for record in file:
                decisions = [str(sample["BD"]) for sample in record.samples.values()] if judged else []
                passed = not record.filter.keys() or "PASS" in record.filter.keys()  # noqa: SIM118
                shown = any(alt not in _NO_ALLELES for alt in record.alts or ())
                if record.alts and shown and (judged in decisions if judged else passed):
                    alleles = f"{_short(record.ref or '')}>{','.join(_short(alt) for alt in record.alts)}"
                    found.append(Site(f"{record.chrom}:{record.pos}", f"{alleles} {judged}".strip()))
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{vcf} cannot be read as VCF ({error}); copy or make it again") from error
    if len(found) <= most:
        return found
    return [found[k * len(found) // most] for k in range(most)]


def _short(allele: str) -> str:
    return allele if len(allele) <= 12 else f"{allele[:8]}..({len(allele)} bp)"
