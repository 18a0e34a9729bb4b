"""Settings of joint genotyping; the one place where their defaults are written."""

from dataclasses import dataclass

from deepcohort.calls.config import CallsConfig


@dataclass(frozen=True, slots=True)
class JointConfig:
    """Settings of `deepcohort genotype`.

    Attributes:
        population_prior: use allele frequencies of the cohort as genotype prior (Hardy-Weinberg);
            off: genotypes are the most likely ones by PL alone.
        prior_samples: samples at which the prior has half its weight (it is raised to the power
            n / (n + prior_samples)): a handful of samples says little about a population, and a
            caller's PLs already hold what one sample alone makes likely.
        inbreeding: Wright's F in the prior, P(ij) = 2 p q (1 - F), P(ii) = p^2 + F p q.
        ref_pseudo_count, alt_pseudo_count: Dirichlet pseudo counts of the allele frequencies; they keep
            a weak lone call from raising its own prior.
        min_frequency: least frequency of an alternate allele in that prior. Without it a lone carrier among
            N samples would need 10 log10(N) phred, which beyond some hundred samples no PL can give.
        reference_error: probability that a read of a reference block shows something else by error, as in
            the gVCF; tells how many reads differ in a block whose PLs were cut at 0/0.
        known_phred: evidence of the *other* samples, phred, from which the alleles of a SNP count as known:
            then a sample's PLs are averaged with what its reads say by themselves. A caller doubts few reads,
            because errors recur at a place; what other samples carry is no error. Goes with population_prior.
        lone_phred: where the reads of a shallow cohort (see `error_prior`) speak so clearly, phred, against
            errors that recur at a place, that mean is taken for a lone carrier too.
        read_weight, read_error: weight of the reads in that (geometric) mean, and the rate at which they err.
        read_max_dp: samples with more reads keep the PLs that their gVCF gives.
        error_prior, error_steepness: of cohorts of `prior_samples` or more, most of them no deeper, QUAL of a
            SNP is from the reads of all samples, and no more than their odds against one rate of errors in
            all of them. Such places have that prior; rates are rarer the higher, by so much log10 per unit.
        site_prior: prior probability that a site where some sample calls a variant is variable (QUAL).
        de_novo_rate: prior probability of a de novo variant per transmitted allele at such a site. Not the
            genome's mutation rate: that a child was called where its parents were not leaves few other
            ways. PLs of one sample reach 35-60 phred; a lower rate than these would hide every new allele.
        de_novo_probability: posterior from which a child is listed in INFO DENOVO.
        respect_filter: take a record whose FILTER is neither PASS, RefCall, NoCall nor LowQual as no
            evidence (`./.`, FILTERED).
        min_dp: reads below which a sample has no evidence (`./.`, NO_COVERAGE).
        min_gq: posterior GQ below which a genotype is `./.` (LOW_GQ), as below a posterior of one half.
        half_call_gq: phred from which a single allele of an uncertain genotype counts as known (`./1`).
        conflict_phred: contradiction between overlapping records of one sample, phred, above which
            its genotype is `./.` (CONFLICT).
        low_qual: QUAL below which the site's FILTER is LowQual; 3 = more likely variable than not.
        excess_het_phred: phred of the ExcHet p-value above which FILTER is ExcHet.
        max_shift_bp: farthest an indel is left-aligned, and the length of REF over which a sample's
            reference evidence is looked up; also the padding of every shard.
        keep_uncarried: write ALTs, and sites, that no genotype holds (in the gVCFs some sample had them).
        max_pl_alleles: sites with more alleles carry no PL (its length grows with the square).
        phase: write the phase of genotypes: by transmission within families, by the gVCFs' read blocks.
        phase_min_gq: GQ that a child and its parents must have for transmission to be read from them.
        phase_reach_bp: farthest that sites of a read block, or of a haplotype handed on, lend an open site
            their phase, per step; windows are read that much wider, so that no shard sees less.
        phase_rounds: rounds of two such steps.
        cells_per_window: samples x bp handled at once; sets the memory that is needed.
    """

    population_prior: bool = True
    prior_samples: float = 5.0
    inbreeding: float = 0.0
    ref_pseudo_count: float = 0.5
    alt_pseudo_count: float = 0.1
    min_frequency: float = 1e-3
    reference_error: float = CallsConfig().reference_error
    known_phred: float = 10.0
    lone_phred: float = 20.0
    read_weight: float = 0.5
    read_error: float = 3e-3
    read_max_dp: int = 15
    error_prior: float = 0.25
    error_steepness: float = 10.0
    site_prior: float = 0.5
    de_novo_rate: float = 1e-3
    de_novo_probability: float = 0.5
    respect_filter: bool = True
    min_dp: int = 1
    min_gq: int = 3
    half_call_gq: int = 20
    conflict_phred: int = 30
    low_qual: float = 3.0
    excess_het_phred: float = 60.0
    max_shift_bp: int = 1_000
    keep_uncarried: bool = False
    max_pl_alleles: int = 10
    phase: bool = True
    phase_min_gq: int = 20
    phase_reach_bp: int = 5_000
    phase_rounds: int = 2
    cells_per_window: int = 50_000_000

    @property
    def phase_context_bp(self) -> int:
        """How far from a site others may decide its phase."""
        return 2 * self.phase_rounds * self.phase_reach_bp
