"""Settings of haplotagging."""

from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError


@dataclass(frozen=True, slots=True)
class HaplotagConfig:
    """When a fragment is given to a haplotype, and how the work is cut.

    Attributes:
        min_quality_phred: fragments whose haplotype is less sure stay without a tag.
        chunk_bp: sites looked at together reach over so much; nothing of it shows in the output.
        max_allele_bp: records with a longer allele tell nothing.
        near_bp: so far around a site other alleles of the sample are known when reads are weighed.
        batch_reads: records that get their tags together.
    """

    min_quality_phred: int = 10
    chunk_bp: int = 50_000
    max_allele_bp: int = 500
    near_bp: int = 1_000
    batch_reads: int = 10_000

    def __post_init__(self) -> None:
        if not 1 <= self.min_quality_phred <= 99:
            raise DeepcohortError(f"min_quality_phred {self.min_quality_phred} must lie between 1 and 99")
