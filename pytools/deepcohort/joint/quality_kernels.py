"""QUAL in a shallow cohort: from the reads of all carriers, against errors that recur at a place."""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.pool_kernels import read_likelihoods
from deepcohort.joint.prior_kernels import em_frequencies
from deepcohort.joint.states import OK

_ERROR_RATES = np.array([0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45])


@kernel
def is_shallow(state: NDArray[np.int8], dp: NDArray[np.int32], max_dp: int, least: float) -> bool:
    """Whether at least `least` samples are informative, and most of them have at most `max_dp` reads.

    `state`, `dp` (N,).
    """
    n = n_deep = 0
    for s in range(len(state)):
        if state[s] == OK:
            n += 1
            n_deep += dp[s] > max_dp
    return n >= least and 2 * n_deep < n


@kernel
def recurring_error(n_ref: int, n_alt: int, usual: float, steepness: float) -> float:
    """log10 P(reads | one rate of errors in all samples) / P(reads | the usual rate), at the likeliest rate.

    Args:
        n_ref, n_alt: reads of all samples that show REF, and anything else.
        usual: rate of errors elsewhere.
        steepness: by how much, log10 per unit of rate, rates are rarer the higher they are.
    """
    most = 0.0
    for rate in _ERROR_RATES:
        if rate > usual:
            ratio = n_alt * math.log10(rate / usual) + n_ref * math.log10((1.0 - rate) / (1.0 - usual))
            most = max(most, ratio - steepness * rate)
    return most


@kernel
def shallow_quality(
    ad: NDArray[np.int32],
    dp: NDArray[np.int32],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    likelihood: NDArray[np.float64],
    n_alleles: int,
    inbreeding: float,
    pseudo: tuple[float, float],
    weight: float,
    error: float,
    max_dp: int,
    steepness: float,
) -> tuple[float, float]:
    """log10 of P(data | frequencies) over P(data | all reference), and over P(data | errors), of a SNP site.

    In the first a shallow sample's likelihood is averaged with that of its reads, as in `pool_reads`: a
    caller's doubt of a few reads, taken anew for each sample, would hide what many show together. What the
    doubt is about stands in the second: reads alone, under frequencies in Hardy-Weinberg proportions or under
    one rate of errors in every sample, carrier or not.

    Args:
        ad: int32 (N, A), ad[:, 0] = -1: unknown, then all of `dp` show REF. dp: int32 (N,).
        state, ploidy: int8 (N,). likelihood: float64 (N, G), of the gVCFs.
        pseudo: Dirichlet pseudo counts of REF and of each ALT.
        weight, error, max_dp: see `pool_reads`. steepness: see `recurring_error`.
    """
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    alone, mixed = np.ones_like(likelihood), likelihood.copy()
    reads, depths = np.empty(n_genotypes), np.empty(n_alleles, dtype=np.int32)
    n_ref = n_alt = 0
    for s in range(len(state)):
        if state[s] != OK:
            continue
        depths[:] = 0
        depths[0] = max(0, dp[s])
        if ad[s, 0] >= 0:
            depths[:] = ad[s, :n_alleles]
        n_ref += depths[0]
        n_alt += depths[1:].sum()
        size = n_alleles if ploidy[s] == 1 else n_genotypes
        read_likelihoods(depths, n_alleles, ploidy[s], error, reads)
        best, most = reads[:size].max(), -1e300
        for g in range(size):
            alone[s, g] = 10.0 ** (reads[g] - best)
            reads[g] = weight * reads[g] + (1.0 - weight) * math.log10(max(likelihood[s, g], 1e-300))
            most = max(most, reads[g])
        if ad[s, 0] >= 0 and dp[s] <= max_dp:
            for g in range(size):
                mixed[s, g] = 10.0 ** (reads[g] - most)
    frequency = np.empty(n_alleles)
    pooled = em_frequencies(mixed, state, ploidy, n_alleles, inbreeding, pseudo[0], pseudo[1], frequency)
    found = em_frequencies(alone, state, ploidy, n_alleles, inbreeding, pseudo[0], pseudo[1], frequency)
    return pooled, found - recurring_error(n_ref, n_alt, error, steepness)
