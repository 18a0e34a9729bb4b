"""Settings of fingerprints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FingerprintConfig:
    """Which sites and reads are looked at, and from where on something is said.

    Attributes:
        max_sites: SNPs of autosomes; of more, the most frequent of as many stretches are taken.
        max_x_sites: the same of X, outside the pseudo-autosomal regions.
        min_gap_bp: between sites, so that a fragment tells of one.
        min_minor: least frequency of the rarer allele.
        min_sites: usable SNPs of autosomes that a panel needs.
        linked_bp: sites so near count as one where it is asked how much they tell together: neighbours are
            inherited together, and their genotypes are not independent.
        min_stretches: stretches of `linked_bp` with reads that a sample needs, and that two must share.
        min_kin_stretches: the same for a degree of kinship.
        widest: interval of the share of foreign reads; a wider one tells no estimate.
        min_mapq, min_base_qual: phred, of reads and bases that count.
        max_reads: looked at per site and file, in the file's order.
        least_error: of a read to show the other allele.
        least_frequency: those of the panel are taken as this far from 0 and 1 at least.
        sure_log10: odds from which on two are one person or two, or a population or sex is told.
        contaminated_low, contaminated_least: a sample counts as contaminated where the interval begins at
            the first or above, and the estimate is the second or more.
        first_degree, second_degree, duplicate: kinship from which a pair counts as such (Manichaikul 2010).
        parent_k0: most share of the genome without a common allele by descent, of parent and child.
        blocks: stretches whose differing evidence widens the interval where sites are linked.
    """

    max_sites: int = 3_000
    max_x_sites: int = 300
    min_gap_bp: int = 300
    min_minor: float = 0.02
    min_sites: int = 50
    linked_bp: int = 50_000
    min_stretches: int = 20
    min_kin_stretches: int = 200
    widest: float = 0.25
    min_mapq: int = 20
    min_base_qual: int = 20
    max_reads: int = 1_000
    least_error: float = 2e-4
    least_frequency: float = 2e-3
    sure_log10: float = 3.0
    contaminated_low: float = 0.005
    contaminated_least: float = 0.01
    first_degree: float = 0.177
    second_degree: float = 0.0884
    duplicate: float = 0.354
    parent_k0: float = 0.1
    blocks: int = 20
