"""Settings of annotation."""

from dataclasses import dataclass

_ENOUGH = 20  # REFs to tell a build by a share of them


@dataclass(frozen=True, slots=True)
class AnnotateConfig:
    """Settings of annotation.

    Attributes:
        max_shift_bp: farthest an indel is left-aligned before it is compared.
        checked_rows: rows (and records) whose REF is held against the reference before anything is believed.
        max_ref_errors: share of them that may differ; more is another build.
        block_rows: rows of a block of the packed form.
        trim_protein: amino acids of a protein change that bcftools csq writes at most.
        level: of deflate, of the packed form's blocks.
    """

    max_shift_bp: int = 1_000
    checked_rows: int = 1_000
    max_ref_errors: float = 0.05
    block_rows: int = 1 << 16
    trim_protein: int = 10
    level: int = 1

    def is_other_build(self, wrong: int, checked: int) -> bool:
        """Whether so many REFs that differ make another build; of few, most must."""
        return wrong > (self.max_ref_errors if checked >= _ENOUGH else 0.5) * checked


@dataclass(frozen=True, slots=True)
class CandidateConfig:
    """What makes a genotype believable and an allele rare, for the tables of families.

    Attributes:
        min_gq, min_dp: of every genotype that a candidate rests on (where the VCF gives them).
        max_carriers: share of the samples outside the family that may carry the allele.
    """

    min_gq: int = 20
    min_dp: int = 8
    max_carriers: float = 0.05


# AlphaMissense (Cheng et al. 2023, Science 381:eadg7492): 90 % precision on ClinVar on either side
BENIGN_BELOW = 0.34
PATHOGENIC_ABOVE = 0.564
CLASSES = ("likely_benign", "ambiguous", "likely_pathogenic")
LICENCE_NOTE = "Cheng et al. 2023, Science 381:eadg7492; the table is the user's own, not part of deepcohort"
