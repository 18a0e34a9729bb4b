"""Settings of alleles known beforehand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownConfig:
    """How given alleles are taken up and weighed.

    Attributes:
        max_allele_bp: longer REF or ALT are passed over, and counted: reads that span them are looked for
            no farther from a site.
        max_alts: alternates of one POS; more are refused (PLs grow with their square).
        read_error: least probability that a read of another allele shows the given one. Errors of reads
            recur at a place, so base qualities alone say too much.
        het_snp, het_indel: nature's share of heterozygotes per base and allele, which the networks'
            posteriors hold; taken out of PL at given alleles.
        hom_share: homozygotes for each heterozygote.
        near_bp: shown candidates this near are weighed together with given alleles.
    """

    max_allele_bp: int = 1_000
    max_alts: int = 40
    read_error: float = 2e-3
    het_snp: float = 5e-4
    het_indel: float = 5e-4
    hom_share: float = 0.5
    near_bp: int = 200
