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
        panel_min_frequency: rarer alleles of a panel need as many reads as those outside it: nature's rate
            says as much.
        panel_least: frequencies of a panel are taken as this far from 0 and 1 at least.
        panel_strength: what a panel's log10 odds against nature's rate are multiplied by.
        panel_most_log10: no frequency says more than this.
        panel_least_snps: sure SNPs of a sample that tell how many the panel lacks; fewer do not.
        panel_read_error: as `read_error`, at alleles that only the panel makes candidates.
        panel_min_probability: of an allele that is a candidate for the panel's sake; else it is left out.
    """

    max_allele_bp: int = 1_000
    max_alts: int = 40
    read_error: float = 2e-3
    het_snp: float = 5e-4
    het_indel: float = 5e-4
    hom_share: float = 0.5
    near_bp: int = 200
    panel_min_frequency: float = 1e-3
    panel_least: float = 1e-3
    panel_strength: float = 1.0
    panel_most_log10: float = 3.5
    panel_least_snps: int = 40
    panel_read_error: float = 5e-4
    panel_min_probability: float = 0.02
