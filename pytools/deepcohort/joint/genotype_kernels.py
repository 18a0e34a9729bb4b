"""One site after another judged: evidence, frequencies, priors and decisions of all samples."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.decide_kernels import decide
from deepcohort.joint.family_kernels import Inheritance, Kinship, Population, Samples, pedigree_posteriors
from deepcohort.joint.pool_kernels import NO_DP, PoolRules, pool_reads
from deepcohort.joint.prior_kernels import (
    cut_likelihoods,
    em_frequencies,
    likelihoods,
    posteriors,
    raise_rare,
)
from deepcohort.joint.project_kernels import (
    ProjectRules,
    SampleEvidence,
    SiteRecords,
    SiteShape,
    project_site,
)
from deepcohort.joint.quality_kernels import ShallowRules, is_shallow, shallow_quality
from deepcohort.joint.states import OK

_MAX_QUAL = 99_999.0


class Limits(NamedTuple):
    """Numbers of the JointConfig that the kernels need, in its units."""

    prior_samples: float  # negative: no population prior
    inbreeding: float
    ref_pseudo: float
    alt_pseudo: float
    min_frequency: float
    read_phred: float  # of one read in a reference block
    known_phred: float  # negative: reads are left to their caller
    lone_phred: float
    read_weight: float
    read_error: float
    read_max_dp: int
    error_prior: float
    error_steepness: float  # negative: QUAL takes the PLs alone
    site_prior: float
    de_novo_rate: float
    de_novo_probability: float
    min_dp: int
    min_gq: int
    half_call_gq: int
    conflict_phred: int
    low_qual: float
    excess_het_phred: float
    max_pl_alleles: int
    haploid_from_mother: bool
    keep_uncarried: bool


class Evidence(NamedTuple):
    """Records of N samples in a window of S sites, as `sweep_sample` found them.

    Attributes:
        records, numbers: the record table and its flat integers.
        table, offsets: primitives, and where those of each record begin.
        variant_of: int32 (S, N, 3), rows of variant records at each site. block_of: int32 (S, N).
        pos: int64 (S,). n_alleles: int32 (S,), `*` included. star: int32 (S,), its index or -1.
        is_snp: bool (S,), all alleles are single bases.
        ploidy: int8 (S, N), expected.
    """

    records: NDArray[np.int32]
    numbers: NDArray[np.int32]
    table: NDArray[np.int32]
    offsets: NDArray[np.int64]
    variant_of: NDArray[np.int32]
    block_of: NDArray[np.int32]
    pos: NDArray[np.int64]
    n_alleles: NDArray[np.int32]
    star: NDArray[np.int32]
    is_snp: NDArray[np.bool_]
    ploidy: NDArray[np.int8]


class SiteGenotypes(NamedTuple):
    """What is known of N samples at one site of at most A alleles and G genotypes; used again for the next.

    Attributes:
        pl: int32 (N, G). ad: int32 (N, A). dp: int32 (N,). ploidy: int8 (N,).
        state: int8 (N,), see `states`. was_cut: bool (N,), blocks that tell less than their reads.
        likelihood, posterior: float64 (N, G). frequency: float64 (A,).
        de_novo: float64 (N,), probability of a de novo variant, 0 where not worth marking.
        gt: int16 (N, 2), -1 missing, second -2 haploid. gq: int16 (N,).
    """

    pl: NDArray[np.int32]
    ad: NDArray[np.int32]
    dp: NDArray[np.int32]
    ploidy: NDArray[np.int8]
    state: NDArray[np.int8]
    was_cut: NDArray[np.bool_]
    likelihood: NDArray[np.float64]
    posterior: NDArray[np.float64]
    frequency: NDArray[np.float64]
    de_novo: NDArray[np.float64]
    gt: NDArray[np.int16]
    gq: NDArray[np.int16]


@kernel
def empty_genotypes(n: int, n_alleles: int) -> SiteGenotypes:
    """Room for `n` samples at sites of up to `n_alleles`."""
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    return SiteGenotypes(
        np.empty((n, n_genotypes), dtype=np.int32),
        np.empty((n, n_alleles), dtype=np.int32),
        np.empty(n, dtype=np.int32),
        np.empty(n, dtype=np.int8),
        np.empty(n, dtype=np.int8),
        np.empty(n, dtype=np.bool_),
        np.empty((n, n_genotypes)),
        np.empty((n, n_genotypes)),
        np.empty(n_alleles),
        np.zeros(n),
        np.empty((n, 2), dtype=np.int16),
        np.empty(n, dtype=np.int16),
    )


@kernel
def site_quality(log10_ratio: float, site_prior: float) -> float:
    """QUAL: phred of P(all samples are reference | data), from log10 P(data | f) / P(data | reference)."""
    odds = log10_ratio + math.log10(site_prior) - math.log10(1.0 - site_prior)
    if odds > 30.0:
        return min(_MAX_QUAL, 10.0 * odds)
    return max(0.0, 10.0 * math.log10(1.0 + 10.0**odds))


@kernel
def most_confident_carrier(
    posterior: NDArray[np.float64], state: NDArray[np.int8], was_cut: NDArray[np.bool_]
) -> float:
    """Phred of the least P(reference) among the samples with a record of their own.

    `posterior` (N, G), `state` and `was_cut` (N,).
    """
    least = 1.0
    for s in range(len(state)):
        if state[s] == OK and not was_cut[s]:
            least = min(least, posterior[s, 0])
    return -10.0 * math.log10(max(least, 1e-10))


@kernel
def prior_weight(state: NDArray[np.int8], prior_samples: float) -> float:
    """Weight of the population prior: n / (n + prior_samples) for n informative samples; 0 if negative.

    `state` (N,).
    """
    if prior_samples < 0.0:
        return 0.0
    n = 0
    for s in range(len(state)):
        n += state[s] == OK
    return n / (n + prior_samples) if n else 0.0


@kernel
def _estimate(
    likelihood: NDArray[np.float64],
    v: SiteGenotypes,
    n_alleles: int,
    limits: Limits,
    frequency: NDArray[np.float64],
) -> float:
    """Frequencies of the alleles into `frequency`; the log ratio of em_frequencies.

    `likelihood` (N, G), `frequency` (A,).
    """
    return em_frequencies(
        likelihood, v.state, v.ploidy, n_alleles, limits.inbreeding, limits.ref_pseudo, limits.alt_pseudo,
        frequency,
    )  # fmt: skip


@kernel
def _weigh(v: SiteGenotypes, n_alleles: int, limits: Limits, weight: float) -> None:
    """Posteriors (N, G) of each sample alone, no frequency below the least."""
    raise_rare(v.frequency, n_alleles, limits.min_frequency)
    posteriors(
        v.likelihood, v.state, v.ploidy, v.frequency, n_alleles, limits.inbreeding, weight, v.posterior
    )


@kernel
def _quality(
    v: SiteGenotypes,
    sure: NDArray[np.float64],
    log_ratio: float,
    is_snp: bool,
    n_alleles: int,
    limits: Limits,
) -> tuple[float, float]:
    """(QUAL, phred of errors that recur at the place, -1 where the cohort is not shallow).

    `sure` (N, G) and `log_ratio` are without what blocks' reads add.
    """
    # a site is at least as sure as its most confident carrier
    carrier_phred = most_confident_carrier(v.posterior, v.state, v.was_cut)
    if (
        not is_snp
        or limits.error_steepness < 0.0
        or not is_shallow(v.state, v.dp, limits.read_max_dp, max(2.0, limits.prior_samples))
    ):
        return max(site_quality(log_ratio, limits.site_prior), carrier_phred), -1.0
    pooled, beside_errors = shallow_quality(
        v.ad, v.dp, v.state, v.ploidy, sure, n_alleles,
        ShallowRules(
            limits.inbreeding, limits.ref_pseudo, limits.alt_pseudo, limits.read_weight, limits.read_error,
            limits.read_max_dp, limits.error_steepness,
        ),
    )  # fmt: skip
    carried = max(site_quality(pooled, limits.site_prior), carrier_phred)
    no_errors = site_quality(beside_errors, 1.0 - limits.error_prior)
    return min(carried, no_errors), no_errors


@kernel
def _mark_de_novo(v: SiteGenotypes, limits: Limits) -> bool:
    """Leave in de_novo (N,) what is probable enough in a called sample; whether that is any."""
    any_new = False
    for s in range(len(v.de_novo)):
        if v.de_novo[s] < limits.de_novo_probability or v.gt[s, 0] < 0:
            v.de_novo[s] = 0.0
        else:
            any_new = True
    return any_new


@kernel
def genotype_site(
    evidence: Evidence, site: int, kin: Kinship, limits: Limits, sure: NDArray[np.float64], v: SiteGenotypes
) -> tuple[float, bool]:
    """Fill `v` for a site; its QUAL, and whether any sample has a de novo variant.

    `sure` is float64 (N, G), room for likelihoods without what blocks' reads add.
    """
    n_alleles = evidence.n_alleles[site]
    star = evidence.star[site]
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    samples = SampleEvidence(v.pl, v.ad, v.dp, v.ploidy, v.state, v.was_cut)
    project_site(
        SiteRecords(
            evidence.records, evidence.numbers, evidence.table, evidence.offsets, evidence.variant_of[site],
            evidence.block_of[site], evidence.ploidy[site],
        ),
        SiteShape(evidence.pos[site], n_alleles, star, evidence.is_snp[site]),
        ProjectRules(limits.read_phred, limits.min_dp, limits.conflict_phred),
        samples,
    )  # fmt: skip
    likelihoods(v.pl, v.state, v.ploidy, n_genotypes, v.likelihood)
    log_ratio = _estimate(v.likelihood, v, n_alleles, limits, v.frequency)
    # reads that differ in blocks help to genotype a site, not to find it: errors recur at a place
    cut_likelihoods(v.likelihood, v.was_cut, n_genotypes, sure)
    if v.was_cut.any():
        log_ratio = _estimate(sure, v, n_alleles, limits, np.empty(n_alleles))
    weight = prior_weight(v.state, limits.prior_samples)
    _weigh(v, n_alleles, limits, weight)
    qual, no_errors = _quality(v, sure, log_ratio, evidence.is_snp[site] and star < 0, n_alleles, limits)
    if (
        evidence.is_snp[site]
        and limits.known_phred >= 0.0
        and pool_reads(
            samples, v.frequency, n_alleles,
            PoolRules(
                limits.inbreeding, limits.known_phred, no_errors >= limits.lone_phred, limits.read_weight,
                limits.read_error, limits.read_max_dp if star < 0 else NO_DP,
            ),
            v.likelihood,
        )
    ):  # fmt: skip
        _estimate(v.likelihood, v, n_alleles, limits, v.frequency)
        _weigh(v, n_alleles, limits, weight)
    n_pedigrees = len(kin.person_offsets) - 1
    if n_pedigrees > 0:
        v.de_novo[:] = 0.0
    for k in range(n_pedigrees):
        pedigree_posteriors(
            kin, k, Samples(v.likelihood, v.state, v.ploidy), n_alleles,
            Population(v.frequency, limits.inbreeding, weight),
            Inheritance(limits.de_novo_rate, limits.haploid_from_mother), v.posterior, v.de_novo,
        )  # fmt: skip
    decide(v.posterior, v.ploidy, n_alleles, limits.min_gq, limits.half_call_gq, v.state, v.gt, v.gq)
    return qual, n_pedigrees > 0 and _mark_de_novo(v, limits)
