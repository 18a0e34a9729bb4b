"""Genotype posteriors of a population: allele frequencies by EM, Hardy-Weinberg with inbreeding."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.states import OK

_MAX_ITERATIONS = 50
_TOLERANCE = 1e-6
_MAX_TABLE_PL = 1_000
LIKELIHOOD_OF_PL = np.power(10.0, -np.arange(_MAX_TABLE_PL + 1) / 10.0)


@kernel
def likelihoods(
    pl: NDArray[np.int32],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    n_genotypes: int,
    out: NDArray[np.float64],
) -> None:
    """out (N, G): 10^(-PL/10) of the samples whose state is OK, 1 elsewhere. G: diploid genotypes."""
    n_alleles = 0
    while n_alleles * (n_alleles + 1) // 2 < n_genotypes:
        n_alleles += 1
    for s in range(len(state)):
        size = n_alleles if ploidy[s] == 1 else n_genotypes
        for g in range(n_genotypes):
            if state[s] == OK and g < size:
                out[s, g] = LIKELIHOOD_OF_PL[min(pl[s, g], _MAX_TABLE_PL)]
            else:
                out[s, g] = 1.0


@kernel
def genotype_prior(
    frequency: NDArray[np.float64], n_alleles: int, inbreeding: float, ploidy: int, prior: NDArray[np.float64]
) -> None:
    """prior[:G]: Hardy-Weinberg with Wright's F; haploid: the frequencies. `frequency` (A,), `prior` (G,)."""
    g = 0
    for b in range(n_alleles):
        if ploidy == 1:
            prior[b] = frequency[b]
            continue
        for a in range(b):
            prior[g] = 2.0 * frequency[a] * frequency[b] * (1.0 - inbreeding)
            g += 1
        prior[g] = frequency[b] * frequency[b] + inbreeding * frequency[b] * (1.0 - frequency[b])
        g += 1


@kernel
def em_frequencies(
    likelihood: NDArray[np.float64],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    n_alleles: int,
    inbreeding: float,
    ref_pseudo: float,
    alt_pseudo: float,
    frequency: NDArray[np.float64],
) -> float:
    """Maximum a posteriori allele frequencies, and log10 P(data | them) - log10 P(data | all reference).

    EM of Li 2011 (Bioinformatics 27:2987, eq. 15) with Dirichlet pseudo counts.

    Args:
        likelihood: float64 (N, G). state, ploidy: int8 (N,).
        frequency: float64 (A,), filled.
    """
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    prior = np.empty((3, n_genotypes))
    counts = np.empty(n_alleles)
    weights = np.empty(n_genotypes)
    observed = 0
    for s in range(len(state)):
        if state[s] == OK:
            observed += ploidy[s]
    start_alt = 0.5 / n_alleles
    for a in range(1, n_alleles):
        frequency[a] = start_alt
    frequency[0] = 1.0 - start_alt * (n_alleles - 1)
    total_pseudo = ref_pseudo + alt_pseudo * (n_alleles - 1)
    log_ratio = 0.0
    for iteration in range(_MAX_ITERATIONS + 1):
        genotype_prior(frequency, n_alleles, inbreeding, 1, prior[1])
        genotype_prior(frequency, n_alleles, inbreeding, 2, prior[2])
        counts[:] = 0.0
        log_ratio = 0.0
        running = 1.0
        for s in range(len(state)):
            if state[s] != OK:
                continue
            row = likelihood[s]
            use = prior[ploidy[s]]
            size = n_alleles if ploidy[s] == 1 else n_genotypes
            total = 0.0
            for g in range(size):
                weights[g] = row[g] * use[g]
                total += weights[g]
            running *= total / max(row[0], 1e-100)
            if running > 1e150 or running < 1e-150:
                log_ratio += np.log10(running)
                running = 1.0
            scale = 1.0 / total
            if ploidy[s] == 1:
                for a in range(n_alleles):
                    counts[a] += weights[a] * scale
            else:
                g = 0
                for b in range(n_alleles):
                    for a in range(b + 1):
                        share = weights[g] * scale
                        counts[a] += share
                        counts[b] += share
                        g += 1
        log_ratio += np.log10(running)
        change = 0.0
        for a in range(n_alleles):
            pseudo = ref_pseudo if a == 0 else alt_pseudo
            updated = (counts[a] + pseudo) / (observed + total_pseudo)
            change = max(change, abs(updated - frequency[a]))
            if iteration < _MAX_ITERATIONS:
                frequency[a] = updated
        if change < _TOLERANCE:
            break
    return log_ratio


@kernel
def cut_likelihoods(
    likelihood: NDArray[np.float64], was_cut: NDArray[np.bool_], n_genotypes: int, out: NDArray[np.float64]
) -> None:
    """Copy to `out`; in rows that `was_cut` marks no genotype is likelier than 0/0, as their gVCF says.

    `likelihood`, `out` (N, G), `was_cut` (N,).
    """
    for s in range(len(was_cut)):
        for g in range(n_genotypes):
            out[s, g] = min(likelihood[s, g], likelihood[s, 0]) if was_cut[s] else likelihood[s, g]


@kernel
def raise_rare(frequency: NDArray[np.float64], n_alleles: int, least: float) -> None:
    """Raise the frequencies of alternate alleles to at least `least`, at the cost of the reference's.

    `frequency` (A,).
    """
    for a in range(1, n_alleles):
        if frequency[a] < least:
            taken = min(least - frequency[a], 0.5 * frequency[0])
            frequency[a] += taken
            frequency[0] -= taken


@kernel
def tempered_prior(
    frequency: NDArray[np.float64],
    n_alleles: int,
    inbreeding: float,
    ploidy: int,
    weight: float,
    prior: NDArray[np.float64],
) -> None:
    """prior[:G] to the power `weight`: 0 is flat, 1 the cohort's Hardy-Weinberg proportions.

    `frequency` (A,), `prior` (G,).
    """
    size = n_alleles if ploidy == 1 else n_alleles * (n_alleles + 1) // 2
    if weight <= 0.0:
        prior[:size] = 1.0
        return
    genotype_prior(frequency, n_alleles, inbreeding, ploidy, prior)
    if weight < 1.0:
        for g in range(size):
            prior[g] = prior[g] ** weight


@kernel
def posteriors(
    likelihood: NDArray[np.float64],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    frequency: NDArray[np.float64],
    n_alleles: int,
    inbreeding: float,
    weight: float,
    out: NDArray[np.float64],
) -> None:
    """out (N, G): P(genotype | data) of each sample alone; `weight` of the prior from 0 to 1."""
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    prior = np.ones((3, n_genotypes))
    tempered_prior(frequency, n_alleles, inbreeding, 1, weight, prior[1])
    tempered_prior(frequency, n_alleles, inbreeding, 2, weight, prior[2])
    for s in range(len(state)):
        if state[s] != OK:
            continue
        use = prior[ploidy[s]]
        size = n_alleles if ploidy[s] == 1 else n_genotypes
        total = 0.0
        for g in range(size):
            out[s, g] = likelihood[s, g] * use[g]
            total += out[s, g]
        for g in range(size):
            out[s, g] /= total
