"""Indels that one long read shows: of what kind they are, and what the read and its haplotype say."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, Entries
from deepcohort.candidates.phase_kernels import (
    MAX_MARKERS,
    clear_odds,
    markers_near,
    phase_fragments,
    phased_het_log10,
    sure_genotypes,
)
from deepcohort.candidates.site_kernels import indel_period, repeat_after
from deepcohort.core.numba_options import kernel

NOISE, PLAIN, REPEAT = 0, 1, 2  # kinds: slips and single bases, two bases and more, a repeat's length
RUN_BP = 9  # runs of one base are repeats from this length on: nature changes them often,
COPIES = 3  # and units of two bases and more from so many copies on
MIN_BP = 2  # shorter indels outside repeats are what such reads show most often wrongly


class Indels(NamedTuple):
    """N indels, each (N,).

    Attributes:
        at: int64, anchor's index in the reference. length: int64, bp, insertions positive, 0 for SNPs.
        first: int64, where the inserted bases lie in `bases`. moved: int64, bp moved left from there.
        bases: uint8 (B,), base codes.
    """

    at: NDArray[np.int64]
    length: NDArray[np.int64]
    first: NDArray[np.int64]
    moved: NDArray[np.int64]
    bases: NDArray[np.uint8]


@kernel
def indel_kinds(
    rows: NDArray[np.int64], indels: Indels, reference: NDArray[np.uint8]
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """NOISE, PLAIN or REPEAT for the indels `rows` int64 (n,), int8 (n,); where repeats end, int64 (n,).

    An end is the index in `reference` uint8 (L,), base codes, from which all alleles read alike.
    """
    kinds, ends = np.zeros(len(rows), np.int8), np.zeros(len(rows), np.int64)
    for k in range(len(rows)):
        i = rows[k]
        n = abs(indels.length[i])
        after = indels.at[i] + 1
        changed = np.empty(n, np.uint8)
        for j in range(n):
            if indels.length[i] > 0:
                changed[j] = indels.bases[indels.first[i] + (j - indels.moved[i]) % n]
            else:
                changed[j] = reference[after + j]
        unit = indel_period(changed, n)
        bp = repeat_after(reference, after, changed, n)
        ends[k] = after + bp
        if bp >= (RUN_BP if unit == 1 else COPIES * unit):
            kinds[k] = REPEAT
        elif unit >= MIN_BP:
            kinds[k] = PLAIN
    return kinds, ends


@kernel
def weak_single_read_indels(
    rows: NDArray[np.int64],
    wanted_log10: NDArray[np.float64],
    phase_bp: int,
    pos: NDArray[np.int64],
    is_snp: NDArray[np.bool_],
    reads: AlignedReads,
    entries: Entries,
) -> NDArray[np.bool_]:
    """Whether the candidates `rows` int64 (n,) fall short of `wanted_log10` float64 (n,), bool (n,).

    What counts is the better of log10 L(0/1), given the haplotypes of reads, and L(1/1), over L(0/0).
    `phase_bp`: how far off SNPs may lie that tell haplotypes. `pos` int64 (N,), `is_snp` bool (N,): of all
    candidates, ascending.
    """
    copies = sure_genotypes(is_snp, entries, reads.mapq)
    near = np.empty(MAX_MARKERS, np.int64)
    odds = np.zeros(len(reads.pos))
    touched = np.empty(len(reads.pos), np.int64)
    weak = np.zeros(len(rows), np.bool_)
    for k in range(len(rows)):
        c = rows[k]
        n_near = markers_near(c, pos, copies, phase_bp, near)
        n_touched = phase_fragments(near, n_near, entries, reads.mapq, reads.mate, odds, touched)
        first, last = entries.offset[c], entries.offset[c + 1]
        het = phased_het_log10(first, last, entries, reads.mapq, reads.mate, odds)
        clear_odds(odds, touched, n_touched)
        hom = 0.0
        for e in range(first, last):
            if entries.allele[e] >= 0:
                hom += entries.ratio[e]
        weak[k] = max(het, hom) < wanted_log10[k]
    return weak
