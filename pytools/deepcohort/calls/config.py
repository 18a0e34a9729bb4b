"""Settings of genotyping and of the gVCF."""

from dataclasses import dataclass
from itertools import pairwise

from deepcohort.core.errors import DeepcohortError


@dataclass(frozen=True, slots=True)
class CallsConfig:
    """How probabilities become genotypes and counts become reference blocks.

    Attributes:
        min_allele_probability: an alternate whose P(at least one copy) is below it is left out of
            its site, unless the genotype holds it.
        max_alts: alternates of one site; the most probable are kept.
        min_homref_gq: phred; a candidate called homozygous reference with at least this GQ melts
            into the reference blocks, one with less stays a gVCF record (FILTER RefCall).
        low_qual: phred; called sites of a lower QUAL get FILTER LowQual.
        single_read_qual: phred; called SNPs that a single read shows get FILTER LowQual below this QUAL
            (`calls.single_reads`).
        single_read_indel_qual: phred; the same where the genotype holds an indel.
        reference_error: probability that a base of a homozygous reference site shows something
            else (mismatch, gap); errors of one site are not independent, so it is well above the
            sequencer's.
        gq_bands: phred, lower edges of the GQ bands of reference blocks, ascending from 0.
        homopolymer_bp: runs of one base up to this long do not lower the confidence.
        homopolymer_gq_step: phred taken from the cap of GQ for each further bp of the run.
        homopolymer_min_gq: phred; the cap never falls below.
        contamination: share of the sample's reads that are another person's, 0 to below a half.
    """

    min_allele_probability: float = 0.02
    max_alts: int = 6
    min_homref_gq: int = 20
    low_qual: float = 3.0
    single_read_qual: float = 13.0
    single_read_indel_qual: float = 8.0
    reference_error: float = 0.002
    gq_bands: tuple[int, ...] = (0, 1, 3, 6, 9, 12, 15, 18, 21, 25, 30, 40, 50)
    homopolymer_bp: int = 11
    homopolymer_gq_step: int = 8
    homopolymer_min_gq: int = 20
    contamination: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.max_alts <= 6:
            raise DeepcohortError(f"max_alts {self.max_alts} is out of range; choose 1 to 6")
        bands = self.gq_bands
        if bands[0] != 0 or any(b <= a for a, b in pairwise(bands)) or bands[-1] > 99:
            raise DeepcohortError(f"gq_bands {bands} must ascend from 0 to at most 99")
        if not 0 < self.reference_error < 0.25:
            raise DeepcohortError(f"reference_error {self.reference_error} must lie between 0 and 0.25")
