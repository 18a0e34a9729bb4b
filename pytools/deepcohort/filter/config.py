"""Settings of scoring another caller's VCF."""

from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError

SCORE_KEY = "DC_SCORE"
LOW_SCORE = "DCLow"


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """Thresholds and working sizes.

    Attributes:
        snp_threshold, indel_threshold: log10 odds; records that score lower get FILTER DCLow. None: those
            of the trained filter; without one they are fitted to the call set (see `thresholds`).
        sensitivity: per cent of the true records to keep, by the scores; sets both thresholds.
        prior: share of true records for which the network's score is meant. snp_margin, indel_margin:
            log10 odds, for this call set, below which records go. clean_indels: share of true indels from
            which none goes. min_fitted: records needed to fit. few_threshold: with fewer. All chosen on
            calls of bcftools, freebayes and GATK on planted variants of chr20:2-4 Mb.
        max_score: log10 odds are cut to +- this.
        max_allele_bp: longer alleles are not scored.
        chunk_bp: bp of genome worked on at once. max_gap_bp: records farther apart than this are
            worked on apart.
    """

    snp_threshold: float | None = None
    indel_threshold: float | None = None
    sensitivity: float | None = None
    prior: float = 0.9
    snp_margin: float = -0.5
    indel_margin: float = -1.0
    clean_indels: float = 0.99
    min_fitted: int = 100
    few_threshold: float = -2.0
    max_score: float = 10.0
    max_allele_bp: int = 500
    chunk_bp: int = 100_000
    max_gap_bp: int = 2_000

    def __post_init__(self) -> None:
        if self.max_score <= 0:
            raise DeepcohortError(f"max_score {self.max_score} must be above 0")
        if self.sensitivity is not None and not 0 < self.sensitivity <= 100:
            raise DeepcohortError(f"sensitivity {self.sensitivity:g} must lie between 0 and 100 per cent")


@dataclass(frozen=True, slots=True)
class TrainFilterConfig:
    """Training a filter.

    Attributes:
        use_annotations: look at the caller's QUAL, GQ and numeric INFO too; the filter is then for
            this caller alone.
        hidden, lr, batch, decay, epochs, patience: of each network (Adam; early stopping).
        folds: parts of the genome; one network is trained without each.
        piece_bp: bp of genome that stay in one fold.
        min_records: right and wrong records needed.
    """

    use_annotations: bool = True
    hidden: int = 24
    lr: float = 0.003
    batch: int = 128
    decay: float = 1e-4
    epochs: int = 60
    patience: int = 10
    folds: int = 5
    piece_bp: int = 20_000
    min_records: int = 30
    seed: int = 1
