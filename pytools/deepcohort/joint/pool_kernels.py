"""Reads of a sample beside its caller's PLs, where other samples show that an allele exists."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.prior_kernels import genotype_prior
from deepcohort.joint.project_kernels import SampleEvidence
from deepcohort.joint.states import OK

NO_DP = -2  # as `max_dp`: below any depth, the unknown (-1) included


@kernel
def read_likelihoods(
    depths: NDArray[np.int32], n_alleles: int, ploidy: int, error: float, out: NDArray[np.float64]
) -> None:
    """out[:G]: log10 P(reads | genotype) of independent reads that err at one rate; diploid or haploid.

    Args:
        depths: int32 (A,), reads of each allele.
        n_alleles: A.
        ploidy: 1 or 2.
        error: probability that a read shows another allele than the one it comes from.
        out: float64, at least (G,).
    """
    total = 0
    for a in range(n_alleles):
        total += depths[a]
    right, wrong = math.log10(1.0 - error), math.log10(error)
    half = math.log10(0.5)
    g = 0
    for b in range(n_alleles):
        if ploidy == 1:
            out[b] = depths[b] * right + (total - depths[b]) * wrong
            continue
        for a in range(b):
            own = depths[a] + depths[b]
            out[g] = own * half + (total - own) * wrong
            g += 1
        out[g] = depths[b] * right + (total - depths[b]) * wrong
        g += 1


class PoolRules(NamedTuple):
    """inbreeding: Wright's F. known_phred: evidence of the other samples from which reads are pooled.
    is_no_error: whether the cohort's reads speak against errors that recur at the place. weight: of the
    reads in the geometric mean. error: rate at which they err. max_dp: deeper samples are left as they are;
    NO_DP: all are."""

    inbreeding: float
    known_phred: float
    is_no_error: bool
    weight: float
    error: float
    max_dp: int


@kernel
def pool_reads(
    samples: SampleEvidence,
    frequency: NDArray[np.float64],
    n_alleles: int,
    rules: PoolRules,
    likelihood: NDArray[np.float64],
) -> bool:
    """Average a shallow sample's likelihood with that of its reads, where other samples know the alleles.

    A caller weighs that a few reads may be an artefact of the place. Where other samples carry the allele,
    that doubt is settled, and the reads count nearly as they are. So it is for a lone carrier with a record
    of its own where the reads of all others tell that errors do not recur there. Else reads that differ in
    a reference block are no sign of the allele, and the block is reference as its gVCF says.

    Args:
        frequency: float64 (A,), of the cohort.
        n_alleles: A.
        likelihood: float64 (N, G), changed.

    Returns:
        Whether anything was changed.
    """
    ad, dp, state = samples.ad, samples.dp, samples.state
    ploidy, was_cut = samples.ploidy, samples.was_cut
    weight, inbreeding = rules.weight, rules.inbreeding
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    prior = np.ones((3, n_genotypes))
    genotype_prior(frequency, n_alleles, inbreeding, 1, prior[1])
    genotype_prior(frequency, n_alleles, inbreeding, 2, prior[2])
    evidence = np.zeros(len(state))
    for s in range(len(state)):
        if state[s] != OK:
            continue
        size = n_alleles if ploidy[s] == 1 else n_genotypes
        total = 0.0
        for g in range(size):
            total += likelihood[s, g] * prior[ploidy[s], g]
        evidence[s] = 10.0 * math.log10(max(total, 1e-300) / max(likelihood[s, 0], 1e-300))
    everybody = evidence.sum()
    reads = np.empty(n_genotypes)
    changed = False
    for s in range(len(state)):
        if state[s] != OK:
            continue
        size = n_alleles if ploidy[s] == 1 else n_genotypes
        if everybody - evidence[s] < rules.known_phred and (was_cut[s] or not rules.is_no_error):
            for g in range(size):
                if was_cut[s] and likelihood[s, g] > likelihood[s, 0]:
                    likelihood[s, g] = likelihood[s, 0]
                    changed = True
            continue
        if ad[s, 0] < 0 or dp[s] > rules.max_dp:
            continue
        read_likelihoods(ad[s], n_alleles, ploidy[s], rules.error, reads)
        most = -1e300
        for g in range(size):
            reads[g] = weight * reads[g] + (1.0 - weight) * math.log10(max(likelihood[s, g], 1e-300))
            most = max(most, reads[g])
        for g in range(size):
            likelihood[s, g] = 10.0 ** (reads[g] - most)
        changed = True
    return changed
