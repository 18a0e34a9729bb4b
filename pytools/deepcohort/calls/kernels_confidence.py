"""Kernels: confidence in the reference at every base, from counts alone.

Model: of n fragments that cover a base, each shows something other than the reference with probability
e where the genotype is 0/0, 1/2 where it is 0/1, 1 - e where it is 1/1 (a binomial, as in DeepVariant's
and GATK's reference blocks). Inside long runs of one base, reads say little about a changed length, so
the confidence is capped there.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.core.phred import MAX_GQ, MAX_PL

_CODE_N = 4
_LOG10_HALF = np.log10(0.5)


@kernel
def run_lengths(reference: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Length of the run of one base that each base lies in, int32 (L,); N: 1."""
    runs = np.ones(len(reference), np.int32)
    start = 0
    for i in range(1, len(reference) + 1):
        if i == len(reference) or reference[i] != reference[start]:
            # a loop, as most runs are of one or two bases, where a slice costs more
            if i - start > 1 and reference[start] != _CODE_N:
                for k in range(start, i):
                    runs[k] = i - start
            start = i
    return runs


@kernel
def gq_caps(runs: NDArray[np.int32], longest_bp: int, step: int, lowest: int) -> NDArray[np.int32]:
    """Largest GQ that each base may have, int32 (L,), phred."""
    caps = np.empty(len(runs), np.int32)
    for i in range(len(runs)):
        over = max(0, runs[i] - longest_bp)
        caps[i] = max(lowest, MAX_GQ - step * over) if over else MAX_GQ
    return caps


@kernel
def reference_confidence(
    n_ref: NDArray[np.int32],
    n_total: NDArray[np.int32],
    ploidy: NDArray[np.int8],
    caps: NDArray[np.int32],
    error: float,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """PL of the genotype with one copy (int32 (L,)) and of that with all copies changed (int32 (L,)).

    The PL of 0/0 is 0: where another genotype fits better, theirs is cut to 0, and GQ is 0. Haploid:
    both are the PL of genotype 1. `caps` limits the first (haploid: both).
    """
    pl_het = np.zeros(len(n_ref), np.int32)
    pl_hom_alt = np.zeros(len(n_ref), np.int32)
    keeps, changes = np.log10(1.0 - error), np.log10(error)
    for i in range(len(n_ref)):
        n = n_total[i]
        if n <= 0 or ploidy[i] == 0:
            continue
        other = n - n_ref[i]
        hom_ref = n_ref[i] * keeps + other * changes
        hom_alt = n_ref[i] * changes + other * keeps
        pl_two = min(float(MAX_PL), max(0.0, 10.0 * (hom_ref - hom_alt)))
        pl_one = min(float(MAX_PL), max(0.0, 10.0 * (hom_ref - n * _LOG10_HALF)))
        if ploidy[i] == 1:
            pl_one = pl_two
        if caps[i] < MAX_GQ:
            pl_one = min(pl_one, float(caps[i]))
            if ploidy[i] == 1:
                pl_two = pl_one
        pl_het[i] = int(pl_one + 0.5)
        pl_hom_alt[i] = int(pl_two + 0.5)
    return pl_het, pl_hom_alt


@kernel
def apply_reference_sites(
    pl_het: NDArray[np.int32],
    pl_hom_alt: NDArray[np.int32],
    n_total: NDArray[np.int32],
    ploidy: NDArray[np.int8],
    start: int,
    pos: NDArray[np.int64],
    ref_len: NDArray[np.int32],
    gq: NDArray[np.int32],
) -> None:
    """Put the model's confidence where it examined a candidate and found none.

    Args:
        pl_het, pl_hom_alt: int32 (L,), from `reference_confidence`, changed in place. start: position of
        their first
            base. n_total, ploidy: (L,). pos, ref_len, gq: the melted sites by pos, which may lie outside.
    """
    for k in range(len(pos)):
        for p in range(max(pos[k], start), min(pos[k] + ref_len[k], start + len(pl_het))):
            i = p - start
            if n_total[i] <= 0 or ploidy[i] == 0:
                continue
            if p == pos[k] or pl_het[i] < gq[k]:
                pl_het[i] = gq[k]
                pl_hom_alt[i] = gq[k] if ploidy[i] == 1 else max(pl_hom_alt[i], gq[k])


@kernel
def block_classes(
    pl_het: NDArray[np.int32],
    pl_hom_alt: NDArray[np.int32],
    n_total: NDArray[np.int32],
    ploidy: NDArray[np.int8],
    bands: NDArray[np.int64],
) -> NDArray[np.int16]:
    """Class of each base, int16 (L,): neighbours of one class share a reference block.

    64 x ploidy, plus 0 without coverage (or ploidy 0), else 1 + the number of the GQ band.
    """
    band_of_gq = np.zeros(MAX_GQ + 1, np.int16)
    for gq in range(MAX_GQ + 1):
        while band_of_gq[gq] + 1 < len(bands) and gq >= bands[band_of_gq[gq] + 1]:
            band_of_gq[gq] += 1
    classes = np.empty(len(pl_het), np.int16)
    for i in range(len(pl_het)):
        classes[i] = 64 * ploidy[i]
        if n_total[i] <= 0 or ploidy[i] == 0:
            continue
        classes[i] += 1 + band_of_gq[min(pl_het[i], pl_hom_alt[i], MAX_GQ)]
    return classes
