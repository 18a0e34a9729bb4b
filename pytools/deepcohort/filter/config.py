"""Settings of scoring another caller's VCF."""

from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError

SCORE_KEY = "DC_SCORE"
ALT_SCORE_KEY = "DC_ALT_SCORE"
SCORED_KEY = "DC_SCORED"
UNSCORED_KEY = "DC_UNSCORED"
LOW_SCORE = "DCLow"
AS_TRAINED = "as trained"  # in the description of scores by a trained filter
JUDGED = ("genotype", "allele")


def low_declaration(thresholds: tuple[float, float], key: str = SCORE_KEY) -> str:
    """The header's line of FILTER DCLow, for thresholds (SNP, indel)."""
    low = f"{key} below {thresholds[0]:g} (SNP) or {thresholds[1]:g} (INDEL)"
    return f'##FILTER=<ID={LOW_SCORE},Description="{low}">'


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """Thresholds and working sizes.

    Attributes:
        judge: "genotype": a record is right where its genotype is, as it stands; "allele": where the called
            ALTs are there, in one copy or two.
        snp_threshold, indel_threshold: log10 odds; records that score lower get FILTER DCLow. None: those
            of the trained filter; without one `threshold`, or `few_threshold` for a type of which the file
            has fewer than `min_records` (of a cohort always `threshold`). These are fixed round numbers;
            when they were fixed, results of planted chr20:2-4 Mb, HG002 and NA12878 were in view.
        sensitivity: per cent of the true records to keep, by the scores; sets both thresholds.
        fdr: share of wrong records to allow among those kept, by the scores; sets both thresholds.
        prior: share of true records for which the network's score is meant.
        max_score: log10 odds are cut to +- this.
        max_allele_bp: longer alleles are not scored.
        chunk_bp: bp of genome worked on at once. max_gap_bp: records farther apart than this are
            worked on apart.
    """

    judge: str = "genotype"
    snp_threshold: float | None = None
    indel_threshold: float | None = None
    sensitivity: float | None = None
    fdr: float | None = None
    prior: float = 0.9
    threshold: float = -0.5
    min_records: int = 100
    few_threshold: float = -2.0
    max_score: float = 10.0
    max_allele_bp: int = 500
    chunk_bp: int = 100_000
    max_gap_bp: int = 2_000

    def __post_init__(self) -> None:
        if self.judge not in JUDGED:
            raise DeepcohortError(f"judge {self.judge} is none of {', '.join(JUDGED)}")
        if self.max_score <= 0:
            raise DeepcohortError(f"max_score {self.max_score} must be above 0")
        if self.sensitivity is not None and not 0 < self.sensitivity <= 100:
            raise DeepcohortError(f"sensitivity {self.sensitivity:g} must lie between 0 and 100 per cent")
        if self.fdr is not None and not 0 < self.fdr < 1:
            raise DeepcohortError(f"fdr {self.fdr:g} must lie between 0 and 1")


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
