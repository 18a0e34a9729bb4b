"""Kernels: sites whose alleles touch the same bases are genotyped together.

A haplotype that lacks a base cannot also carry a SNP on it: over every base the copies called must
not exceed the ploidy. Where independent genotypes break that, likelihoods become max-marginals over
the joint genotypes that keep it, so that GT, GQ and PL still agree.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.kernels_genotype import genotype_alleles, genotype_count
from deepcohort.core.numba_options import kernel

_MAX_COMBINATIONS = 20_000
_FORBIDDEN = 10.0  # log10 taken from genotypes that do not fit, where the search is greedy


@kernel
def allele_spans(
    n_alleles: NDArray[np.int64], member: NDArray[np.int64], touched: NDArray[np.int64]
) -> NDArray[np.int64]:
    """First and last half-base each allele touches, int64 (S, A, 2); REF: (1, 0), empty."""
    spans = np.zeros((member.shape[0], member.shape[1], 2), np.int64)
    for s in range(len(n_alleles)):
        for a in range(member.shape[1]):
            spans[s, a, 0], spans[s, a, 1] = 1, 0
            if 0 < a < n_alleles[s]:
                first = member[s, a, 0]
                spans[s, a, 0], spans[s, a, 1] = touched[first, 0], touched[first, 1]
                if member[s, a, 1] >= 0:
                    second = member[s, a, 1]
                    spans[s, a, 0] = min(spans[s, a, 0], touched[second, 0])
                    spans[s, a, 1] = max(spans[s, a, 1], touched[second, 1])
    return spans


@kernel
def components(n_alleles: NDArray[np.int64], spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the overlap component of each site, int64 (S,), ascending; sites in order of POS."""
    label = np.empty(len(n_alleles), np.int64)
    current, reach = -1, np.int64(-1)
    for s in range(len(n_alleles)):
        low, high = np.int64(1 << 62), np.int64(-1)
        for a in range(1, n_alleles[s]):
            low, high = min(low, spans[s, a, 0]), max(high, spans[s, a, 1])
        if n_alleles[s] == 1 and current >= 0:
            label[s] = current
            continue
        if current < 0 or low > reach:
            current += 1
            reach = high
        else:
            reach = max(reach, high)
        label[s] = current
    return label


@kernel
def _fits(
    choice: NDArray[np.int64], lo: int, hi: int, ploidy: NDArray[np.int8], spans: NDArray[np.int64]
) -> bool:
    """Whether genotypes `choice` of sites lo:hi cover no point more often than the ploidy allows.

    Only starts of spans need looking at; sites whose choice is -1 are left out.

    Arrays: `choice` (hi - lo,), `ploidy` (S,), `spans` (S, A, 2).
    """
    for s in range(lo, hi):
        if choice[s - lo] <= 0:
            continue
        pair = genotype_alleles(choice[s - lo], ploidy[s])
        for k in range(2):
            if pair[k] <= 0:
                continue
            point = spans[s, pair[k], 0]
            cover, allowed = 0, np.int64(2)
            for t in range(lo, hi):
                if choice[t - lo] <= 0:
                    continue
                other = genotype_alleles(choice[t - lo], ploidy[t])
                for m in range(2):
                    if other[m] > 0 and spans[t, other[m], 0] <= point <= spans[t, other[m], 1]:
                        cover += 1
                        allowed = min(allowed, np.int64(ploidy[t]))
            if cover > allowed:
                return False
    return True


@kernel
def _best(gl: NDArray[np.float64], n: int) -> int:
    """Index of the largest of gl[:n] of `gl` (G,), the first of equals."""
    best = 0
    for g in range(1, n):
        if gl[g] > gl[best]:
            best = g
    return best


@kernel
def _list_options(
    lo: int,
    hi: int,
    n_gt: NDArray[np.int64],
    gl: NDArray[np.float64],
    option: NDArray[np.int64],
    n_option: NDArray[np.int64],
) -> bool:
    """Genotypes worth trying at each site, best-first threshold so that the product stays bounded.

    Returns False where even two per site are too many.

    Arrays: `n_gt` (S,), `gl` (S, G); filled: `option` (hi - lo, G), `n_option` (hi - lo,).
    """
    for threshold in (1e9, 12.0, 8.0, 5.0, 3.0, 2.0, 1.0, 0.0):
        product = 1.0
        for s in range(lo, hi):
            top = gl[s, _best(gl[s], n_gt[s])]
            n = 0
            for g in range(n_gt[s]):
                if g == 0 or gl[s, g] >= top - threshold:
                    option[s - lo, n] = g
                    n += 1
            n_option[s - lo] = n
            product *= n
        if product <= _MAX_COMBINATIONS:
            return True
    return False


@kernel
def _search(
    lo: int,
    hi: int,
    n_gt: NDArray[np.int64],
    gl: NDArray[np.float64],
    ploidy: NDArray[np.int8],
    spans: NDArray[np.int64],
    option: NDArray[np.int64],
    n_option: NDArray[np.int64],
) -> None:
    """Replace gl of sites lo:hi by max-marginals over joint genotypes that fit.

    Arrays: `n_gt`, `ploidy` (S,), `gl` (S, G), `spans` (S, A, 2), `option` (hi - lo, G), `n_option` (hi -
    lo,).
    """
    k = hi - lo
    marginal = np.full((k, gl.shape[1]), -np.inf)
    odometer = np.zeros(k, np.int64)
    choice = np.zeros(k, np.int64)
    best = -np.inf
    while True:
        score = 0.0
        for i in range(k):
            choice[i] = option[i, odometer[i]]
            score += gl[lo + i, choice[i]]
        if _fits(choice, lo, hi, ploidy, spans):
            best = max(best, score)
            for i in range(k):
                marginal[i, choice[i]] = max(marginal[i, choice[i]], score)
        i = k - 1
        while i >= 0:
            odometer[i] += 1
            if odometer[i] < n_option[i]:
                break
            odometer[i] = 0
            i -= 1
        if i < 0:
            break
    for i in range(k):
        top = gl[lo + i, _best(gl[lo + i], n_gt[lo + i])]
        for g in range(n_gt[lo + i]):
            if marginal[i, g] > -np.inf:
                gl[lo + i, g] = marginal[i, g] - best
            else:
                gl[lo + i, g] = min(gl[lo + i, g] - top, 0.0) - _FORBIDDEN


@kernel
def _resolve_greedily(
    lo: int,
    hi: int,
    n_gt: NDArray[np.int64],
    gl: NDArray[np.float64],
    ploidy: NDArray[np.int8],
    spans: NDArray[np.int64],
) -> None:
    """The most certain site first; later ones give way. For components too large to search.

    Arrays: `n_gt`, `ploidy` (S,), `gl` (S, G), `spans` (S, A, 2).
    """
    k = hi - lo
    choice = np.full(k, -1, np.int64)
    done = np.zeros(k, np.bool_)
    for _ in range(k):
        pick, surest = -1, -np.inf
        for i in range(k):
            if not done[i]:
                top = _best(gl[lo + i], n_gt[lo + i])
                lead = gl[lo + i, top] - gl[lo + i, 0]
                if lead > surest:
                    pick, surest = i, lead
        done[pick] = True
        for g in range(1, n_gt[lo + pick]):
            choice[pick] = g
            if not _fits(choice, lo, hi, ploidy, spans):
                gl[lo + pick, g] -= _FORBIDDEN
                gl[lo + pick, g] = min(gl[lo + pick, g], gl[lo + pick, 0] - _FORBIDDEN)
        choice[pick] = _best(gl[lo + pick], n_gt[lo + pick])


@kernel
def resolve_overlaps(
    n_alleles: NDArray[np.int64],
    gl: NDArray[np.float64],
    ploidy: NDArray[np.int8],
    spans: NDArray[np.int64],
    label: NDArray[np.int64],
) -> int:
    """Change `gl` (S, G) in place so that the best genotypes fit together; returns components changed."""
    n_sites = len(n_alleles)
    n_gt = np.empty(n_sites, np.int64)
    for s in range(n_sites):
        n_gt[s] = genotype_count(n_alleles[s], ploidy[s])
    changed = 0
    lo = 0
    while lo < n_sites:
        hi = lo + 1
        while hi < n_sites and label[hi] == label[lo]:
            hi += 1
        if hi - lo > 1:
            choice = np.empty(hi - lo, np.int64)
            for s in range(lo, hi):
                choice[s - lo] = _best(gl[s], n_gt[s])
            if not _fits(choice, lo, hi, ploidy, spans):
                changed += 1
                option = np.empty((hi - lo, gl.shape[1]), np.int64)
                n_option = np.empty(hi - lo, np.int64)
                if _list_options(lo, hi, n_gt, gl, option, n_option):
                    _search(lo, hi, n_gt, gl, ploidy, spans, option, n_option)
                else:
                    _resolve_greedily(lo, hi, n_gt, gl, ploidy, spans)
        lo = hi
    return changed
