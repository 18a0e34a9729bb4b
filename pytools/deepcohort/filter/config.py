"""Settings of scoring another caller's VCF."""

from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError

SCORE_KEY = "DC_SCORE"
LOW_SCORE = "DCLow"


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """Thresholds and working sizes.

    Attributes:
        snp_threshold, indel_threshold: log10 odds; records that score lower get FILTER DCLow.
        max_score: log10 odds are cut to +- this.
        max_allele_bp: longer alleles are not scored.
        chunk_bp: bp of genome worked on at once. max_gap_bp: records farther apart than this are
            worked on apart.
    """

    snp_threshold: float = 0.0
    indel_threshold: float = 0.0
    max_score: float = 10.0
    max_allele_bp: int = 500
    chunk_bp: int = 100_000
    max_gap_bp: int = 2_000

    def __post_init__(self) -> None:
        if self.max_score <= 0:
            raise DeepcohortError(f"max_score {self.max_score} must be above 0")
