"""Settings of candidate finding and local realignment."""

from dataclasses import dataclass

from deepcohort.reads.config import ReadsConfig


@dataclass(frozen=True, slots=True)
class CandidatesConfig:
    """Thresholds for candidates; realignment.

    Attributes:
        pad_bp: the window given to `find_candidates` must reach this far beyond the region on both
            sides (or to the contig's end).
        min_count: fragments that must show an allele.
        min_fraction_snp, min_fraction_indel: of the depth at the site.
        min_base_qual: phred; a mismatching base below it shows nothing.
        max_indel_bp: longer indels in a read are not candidates.
        realign: whether reads are realigned to local haplotypes.
    """

    pad_bp: int = 1_000
    min_count: int = 2
    min_fraction_snp: float = 0.12
    min_fraction_indel: float = 0.06
    min_base_qual: int = ReadsConfig().min_base_qual
    max_indel_bp: int = 500
    realign: bool = True
