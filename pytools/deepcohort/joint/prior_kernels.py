"""Genotype posteriors: allele frequencies by EM, Hardy-Weinberg with inbreeding, families."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_OK = 0
_MAX_ITERATIONS = 50
_TOLERANCE = 1e-6
_MAX_TABLE_PL = 1_000
LIKELIHOOD_OF_PL = np.power(10.0, -np.arange(_MAX_TABLE_PL + 1) / 10.0)
MAX_FAMILY_ALLELES = 6  # reference, four of the parents and a new one


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
            if state[s] == _OK and g < size:
                out[s, g] = LIKELIHOOD_OF_PL[min(pl[s, g], _MAX_TABLE_PL)]
            else:
                out[s, g] = 1.0


@kernel
def genotype_prior(
    frequency: NDArray[np.float64], n_alleles: int, inbreeding: float, ploidy: int, prior: NDArray[np.float64]
) -> None:
    """prior[:G]: Hardy-Weinberg with Wright's F; haploid: the frequencies."""
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
        if state[s] == _OK:
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
            if state[s] != _OK:
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
def tempered_prior(
    frequency: NDArray[np.float64],
    n_alleles: int,
    inbreeding: float,
    ploidy: int,
    weight: float,
    prior: NDArray[np.float64],
) -> None:
    """prior[:G] to the power `weight`: 0 is flat, 1 the cohort's Hardy-Weinberg proportions."""
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
        if state[s] != _OK:
            continue
        use = prior[ploidy[s]]
        size = n_alleles if ploidy[s] == 1 else n_genotypes
        total = 0.0
        for g in range(size):
            out[s, g] = likelihood[s, g] * use[g]
            total += out[s, g]
        for g in range(size):
            out[s, g] /= total


@kernel
def _gamete(parent: int, ploidy: int, allele: int, alleles: NDArray[np.int32]) -> float:
    """P(parent of genotype `parent` hands on `allele`), without mutation."""
    if ploidy == 1:
        return 1.0 if parent == allele else 0.0
    return 0.5 * (alleles[parent, 0] == allele) + 0.5 * (alleles[parent, 1] == allele)


@kernel
def transmission(
    father: int,
    mother: int,
    child: int,
    father_ploidy: int,
    mother_ploidy: int,
    child_ploidy: int,
    haploid_from_mother: bool,
    n_alleles: int,
    rate: float,
    alleles: NDArray[np.int32],
) -> tuple[float, float]:
    """P(child's genotype | parents'), and the part of it that needs no new mutation.

    Args:
        father, mother, child: genotype indices (allele indices if haploid).
        rate: probability that a transmitted allele mutates, spread over the other alleles.
        alleles: int32 (G, 2), alleles of each diploid genotype.
    """
    other = rate / max(1, n_alleles - 1)
    if child_ploidy == 1:
        parent, ploidy = (mother, mother_ploidy) if haploid_from_mother else (father, father_ploidy)
        clean = _gamete(parent, ploidy, child, alleles)
        return clean * (1.0 - rate) + (1.0 - clean) * other, clean * (1.0 - rate)
    x, y = alleles[child, 0], alleles[child, 1]
    fx, fy = _gamete(father, father_ploidy, x, alleles), _gamete(father, father_ploidy, y, alleles)
    mx, my = _gamete(mother, mother_ploidy, x, alleles), _gamete(mother, mother_ploidy, y, alleles)
    clean = fx * my + (fy * mx if x != y else 0.0)
    keep = 1.0 - rate
    fx, fy = fx * keep + (1.0 - fx) * other, fy * keep + (1.0 - fy) * other
    mx, my = mx * keep + (1.0 - mx) * other, my * keep + (1.0 - my) * other
    return fx * my + (fy * mx if x != y else 0.0), clean * keep * keep


@kernel
def _best(row: NDArray[np.float64], size: int) -> int:
    best = 0
    for g in range(1, size):
        if row[g] > row[best]:
            best = g
    return best


@kernel
def _family_alleles(
    members: NDArray[np.int32],
    likelihood: NDArray[np.float64],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    n_alleles: int,
    alleles: NDArray[np.int32],
    kept: NDArray[np.int32],
) -> int:
    """Alleles of the members' likeliest genotypes, reference first; how many (1: all reference)."""
    kept[0] = 0
    n = 1
    for m in members:
        if m < 0 or state[m] != _OK:
            continue
        best = _best(likelihood[m], n_alleles if ploidy[m] == 1 else n_alleles * (n_alleles + 1) // 2)
        for side in range(2):
            a = best if ploidy[m] == 1 else alleles[best, side]
            known = False
            for i in range(n):
                known = known or kept[i] == a
            if not known:
                if n == MAX_FAMILY_ALLELES:
                    return MAX_FAMILY_ALLELES + 1
                kept[n] = a
                n += 1
    return n


@kernel
def _pack(
    member: int,
    row: NDArray[np.float64],
    known: bool,
    ploidy: int,
    kept: NDArray[np.int32],
    n: int,
    out: NDArray[np.float64],
) -> None:
    """Values of `row` for the genotypes of the n kept alleles; 1 where nothing is known."""
    g = 0
    for b in range(n):
        if ploidy == 1:
            out[b] = row[kept[b]] if known else 1.0
            continue
        for a in range(b + 1):
            j, k = min(kept[a], kept[b]), max(kept[a], kept[b])
            out[g] = row[k * (k + 1) // 2 + j] if known else 1.0
            g += 1


@kernel
def _unpack(
    packed: NDArray[np.float64],
    ploidy: int,
    kept: NDArray[np.int32],
    n: int,
    n_alleles: int,
    row: NDArray[np.float64],
) -> None:
    """Write the normalised `packed` back; genotypes of other alleles get 0."""
    size = n if ploidy == 1 else n * (n + 1) // 2
    total = 0.0
    for g in range(size):
        total += packed[g]
    for g in range(n_alleles if ploidy == 1 else n_alleles * (n_alleles + 1) // 2):
        row[g] = 0.0
    g = 0
    for b in range(n):
        if ploidy == 1:
            row[kept[b]] = packed[b] / total
            continue
        for a in range(b + 1):
            j, k = min(kept[a], kept[b]), max(kept[a], kept[b])
            row[k * (k + 1) // 2 + j] = packed[g] / total
            g += 1


@kernel
def family_posteriors(
    family: NDArray[np.int32],
    is_child: NDArray[np.bool_],
    likelihood: NDArray[np.float64],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    frequency: NDArray[np.float64],
    n_alleles: int,
    inbreeding: float,
    weight: float,
    rate: float,
    haploid_from_mother: bool,
    posterior: NDArray[np.float64],
    de_novo: NDArray[np.float64],
) -> None:
    """Joint posteriors of a nuclear family, summed over the parents' genotypes.

    Args:
        family: int32 (2 + children,): father, mother (-1: not in the cohort), children.
        is_child: bool (N,), samples whose posterior their own parents decide.
        posterior: float64 (N, G), rows of the members replaced.
        de_novo: float64 (N,), children's probability that an allele is new.
    """
    alleles = np.empty((n_alleles * (n_alleles + 1) // 2, 2), dtype=np.int32)
    g = 0
    for b in range(n_alleles):
        for a in range(b + 1):
            alleles[g, 0], alleles[g, 1] = a, b
            g += 1
    kept = np.zeros(MAX_FAMILY_ALLELES + 1, dtype=np.int32)
    n = _family_alleles(family, likelihood, state, ploidy, n_alleles, alleles, kept)
    if n == 1 or n > MAX_FAMILY_ALLELES:
        return
    size = n * (n + 1) // 2
    n_children = len(family) - 2
    packed = np.zeros((len(family), size))
    result = np.zeros((len(family), size))
    fresh = np.zeros(n_children)
    shares = np.zeros((n_children, size))
    clean_share = np.zeros(n_children)
    full_prior = np.ones(max(size, n_alleles * (n_alleles + 1) // 2))
    sizes = np.zeros(len(family), dtype=np.int64)
    ploidies = np.zeros(len(family), dtype=np.int64)
    for i in range(len(family)):
        m = family[i]
        ploidies[i] = 2
        if m >= 0:
            ploidies[i] = ploidy[m]
        elif i == 0 and n_children > 0 and haploid_from_mother and ploidy[family[2]] == 1:
            ploidies[i] = 1
        sizes[i] = n if ploidies[i] == 1 else size
        known = m >= 0 and state[m] == _OK
        _pack(m, likelihood[max(m, 0)], known, ploidies[i], kept, n, packed[i])
        if i < 2:
            tempered_prior(frequency, n_alleles, inbreeding, ploidies[i], weight, full_prior)
            _pack(m, full_prior, True, ploidies[i], kept, n, result[i])
            for g in range(sizes[i]):
                packed[i, g] *= result[i, g]
            result[i, :] = 0.0
    for f in range(sizes[0]):
        for m in range(sizes[1]):
            weight = packed[0, f] * packed[1, m]
            if weight == 0.0:
                continue
            for child in range(n_children):
                total = 0.0
                clean_total = 0.0
                for g in range(sizes[2 + child]):
                    p, clean = transmission(
                        f, m, g, ploidies[0], ploidies[1], ploidies[2 + child],
                        haploid_from_mother, n, rate, alleles,
                    )  # fmt: skip
                    shares[child, g] = p * packed[2 + child, g]
                    total += shares[child, g]
                    clean_total += clean * packed[2 + child, g]
                clean_share[child] = clean_total / total if total > 0.0 else 1.0
                weight *= total
                for g in range(sizes[2 + child]):
                    shares[child, g] /= total if total > 0.0 else 1.0
            result[0, f] += weight
            result[1, m] += weight
            for child in range(n_children):
                fresh[child] += weight * (1.0 - clean_share[child])
                for g in range(sizes[2 + child]):
                    result[2 + child, g] += weight * shares[child, g]
    total = result[0].sum()
    if total <= 0.0:
        return
    for i in range(len(family)):
        m = family[i]
        if m < 0 or state[m] != _OK or (i < 2 and is_child[m]):
            continue
        _unpack(result[i], ploidies[i], kept, n, n_alleles, posterior[m])
        if i >= 2:
            de_novo[m] = fresh[i - 2] / total
