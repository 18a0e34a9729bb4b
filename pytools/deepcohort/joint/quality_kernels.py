"""QUAL in a shallow cohort: from the reads of all carriers, against errors that recur at a place."""

import math
from typing import NamedTuple

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


class ShallowRules(NamedTuple):
    """inbreeding: Wright's F. ref_pseudo, alt_pseudo: Dirichlet pseudo counts of REF and of each ALT.
    weight, error, max_dp: see `PoolRules`. steepness: see `recurring_error`."""

    inbreeding: float
    ref_pseudo: float
    alt_pseudo: float
    weight: float
    error: float
    max_dp: int
    steepness: float


@kernel
def _weigh_reads(
    depths: NDArray[np.int32],
    ploidy: int,
    rules: ShallowRules,
    is_mixed: bool,
    alone: NDArray[np.float64],
    mixed: NDArray[np.float64],
    reads: NDArray[np.float64],
) -> None:
    """Fill `alone` with the likelihood of a sample's reads, and average `mixed`, of its gVCF, with it.

    Args:
        depths: int32 (A,), reads of each allele. ploidy: 1 or 2.
        is_mixed: whether `mixed` takes the average; else it stays as it is.
        alone, mixed: float64 (G,). reads: float64 (G,), room.
    """
    n_alleles = len(depths)
    size = n_alleles if ploidy == 1 else n_alleles * (n_alleles + 1) // 2
    read_likelihoods(depths, n_alleles, ploidy, rules.error, reads)
    best, most = reads[:size].max(), -1e300
    for g in range(size):
        alone[g] = 10.0 ** (reads[g] - best)
        reads[g] = rules.weight * reads[g] + (1.0 - rules.weight) * math.log10(max(mixed[g], 1e-300))
        most = max(most, reads[g])
    if is_mixed:
        for g in range(size):
            mixed[g] = 10.0 ** (reads[g] - most)


@kernel
def shallow_quality(
    ad: NDArray[np.int32],
    dp: NDArray[np.int32],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    likelihood: NDArray[np.float64],
    n_alleles: int,
    rules: ShallowRules,
) -> tuple[float, float]:
    """log10 of P(data | frequencies) over P(data | all reference), and over P(data | errors), of a SNP site.

    In the first a shallow sample's likelihood is averaged with that of its reads, as in `pool_reads`: a
    caller's doubt of a few reads, taken for each sample alone, would hide what many show together. What the
    doubt is about stands in the second: reads alone, under frequencies in Hardy-Weinberg proportions or under
    one rate of errors in every sample, carrier or not.

    Args:
        ad: int32 (N, A), ad[:, 0] = -1: unknown, then all of `dp` show REF. dp: int32 (N,).
        state, ploidy: int8 (N,). likelihood: float64 (N, G), of the gVCFs.
    """
    alone, mixed = np.ones_like(likelihood), likelihood.copy()
    reads = np.empty(n_alleles * (n_alleles + 1) // 2)
    depths = np.empty(n_alleles, dtype=np.int32)
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
        is_mixed = ad[s, 0] >= 0 and dp[s] <= rules.max_dp
        _weigh_reads(depths, ploidy[s], rules, is_mixed, alone[s], mixed[s], reads)
    frequency = np.empty(n_alleles)
    f, ref_pseudo, alt_pseudo = rules.inbreeding, rules.ref_pseudo, rules.alt_pseudo
    pooled = em_frequencies(mixed, state, ploidy, n_alleles, f, ref_pseudo, alt_pseudo, frequency)
    found = em_frequencies(alone, state, ploidy, n_alleles, f, ref_pseudo, alt_pseudo, frequency)
    return pooled, found - recurring_error(n_ref, n_alt, rules.error, rules.steepness)
