"""From posteriors to GT, GQ and the reason for a missing genotype; site statistics."""

import math

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.states import LOW_GQ, OK

_MAX_GQ = 99


@kernel
def _phred(error: float) -> int:
    if error < 1e-10:
        return _MAX_GQ
    return min(_MAX_GQ, max(0, int(-10.0 * math.log10(error) + 0.5)))


@kernel
def decide(
    posterior: NDArray[np.float64],
    ploidy: NDArray[np.int8],
    n_alleles: int,
    min_gq: int,
    half_call_gq: int,
    state: NDArray[np.int8],
    gt: NDArray[np.int16],
    gq: NDArray[np.int16],
) -> None:
    """Fill gt (N, 2) and gq (N,); state OK becomes LOW_GQ where no genotype is likely enough.

    gt: -1 missing, second -2 haploid. A half-call (-1, a) is given where the genotype is uncertain
    but that the sample carries `a` is not.
    """
    carries = np.empty(n_alleles)
    for s in range(len(state)):
        gt[s, 0] = -1
        gt[s, 1] = -2 if ploidy[s] == 1 else -1
        gq[s] = -1
        if state[s] != OK:
            continue
        size = n_alleles if ploidy[s] == 1 else n_alleles * (n_alleles + 1) // 2
        best = 0
        for g in range(1, size):
            if posterior[s, g] > posterior[s, best]:
                best = g
        error = 0.0
        for g in range(size):
            if g != best:
                error += posterior[s, g]
        gq[s] = _phred(error)
        # a tie between genotypes is no call, whatever the threshold rounds to
        if gq[s] >= min_gq and (posterior[s, best] > 0.500001 or min_gq == 0):
            if ploidy[s] == 1:
                gt[s, 0] = best
            else:
                k = 0
                while (k + 1) * (k + 2) // 2 <= best:
                    k += 1
                gt[s, 0], gt[s, 1] = best - k * (k + 1) // 2, k
            continue
        state[s] = LOW_GQ
        if ploidy[s] == 1:
            continue
        for a in range(n_alleles):
            carries[a] = 0.0
        g = 0
        for b in range(n_alleles):
            for a in range(b + 1):
                carries[a] += posterior[s, g]
                if a != b:
                    carries[b] += posterior[s, g]
                g += 1
        known = 0
        for a in range(1, n_alleles):
            if carries[a] > carries[known]:
                known = a
        if _phred(1.0 - min(1.0, carries[known])) >= half_call_gq:
            gt[s, 1] = known


@kernel
def hwe_p_values(n_het: int, n_hom_rare: int, n_hom_common: int) -> tuple[float, float]:
    """Exact two-sided Hardy-Weinberg p-value and one-sided p-value of as many heterozygotes.

    Wigginton, Cutler and Abecasis 2005 (AJHG 76:887).
    """
    n = n_het + n_hom_rare + n_hom_common
    if n == 0:
        return 1.0, 1.0
    rare = 2 * min(n_hom_rare, n_hom_common) + n_het
    mid = rare * (2 * n - rare) // (2 * n)
    if mid % 2 != rare % 2:
        mid += 1
    probability = np.zeros(rare + 1)
    probability[mid] = 1.0
    total = 1.0
    het = mid
    hom_rare = (rare - mid) // 2
    hom_common = n - het - hom_rare
    while het > 1:
        step = het * (het - 1.0) / (4.0 * (hom_rare + 1.0) * (hom_common + 1.0))
        probability[het - 2] = probability[het] * step
        total += probability[het - 2]
        hom_rare += 1
        hom_common += 1
        het -= 2
    het = mid
    hom_rare = (rare - mid) // 2
    hom_common = n - het - hom_rare
    while het <= rare - 2:
        step = 4.0 * hom_rare * hom_common / ((het + 2.0) * (het + 1.0))
        probability[het + 2] = probability[het] * step
        total += probability[het + 2]
        hom_rare -= 1
        hom_common -= 1
        het += 2
    two_sided = 0.0
    excess = 0.0
    for i in range(rare + 1):
        # rounding must not part equal probabilities
        if probability[i] <= probability[n_het] * (1.0 + 1e-9):
            two_sided += probability[i]
        if i >= n_het:
            excess += probability[i]
    return min(1.0, two_sided / total), min(1.0, excess / total)


@kernel
def count_alleles(
    gt: NDArray[np.int16], n_alleles: int, counts: NDArray[np.int64], hets: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Fill counts (A,) and hets (A,) (diploid carriers of one copy).

    Returns:
        Called alleles (AN), samples with a complete genotype (NS), diploid ones among them.
    """
    for a in range(n_alleles):
        counts[a] = 0
        hets[a] = 0
    called = samples = diploid = 0
    for s in range(len(gt)):
        a, b = gt[s, 0], gt[s, 1]
        if a >= 0:
            counts[a] += 1
            called += 1
        if b >= 0:
            counts[b] += 1
            called += 1
        if a >= 0 and b != -1:
            samples += 1
            if b >= 0:
                diploid += 1
                if a != b:
                    hets[a] += 1
                    hets[b] += 1
    return called, samples, diploid


@kernel
def diploid_copies(gt: NDArray[np.int16], allele: int) -> tuple[int, int, int]:
    """Complete diploid genotypes of `gt` (N, 2) with 0, 1, 2 copies of `allele`."""
    none = one = two = 0
    for s in range(len(gt)):
        if gt[s, 0] < 0 or gt[s, 1] < 0:
            continue
        copies = (gt[s, 0] == allele) + (gt[s, 1] == allele)
        if copies == 0:
            none += 1
        elif copies == 1:
            one += 1
        else:
            two += 1
    return none, one, two
