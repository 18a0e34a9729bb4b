"""Kernels: how many fragments show an ALT, at its site and at those on one haplotype with it."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.candidates.phase_kernels import fragment
from deepcohort.core.numba_options import kernel

REACH_BP = 1_000  # fragments and chains of a few reach no farther
_SURE_LOG10 = 1.0  # of a read for or against an allele, so that it counts
_MIN_SHARED = 2  # fragments that show ALT at both sites
_MAX_AGAINST = 0.2  # of the fragments that show ALT at one of two sites, those that show REF at the other


@kernel
def _said(e: int, entries: Entries) -> int:
    """1 where entry `e` surely shows ALT, -1 where it surely shows REF, else 0."""
    if entries.allele[e] == 1 and entries.ratio[e] >= _SURE_LOG10:
        return 1
    return -1 if entries.allele[e] == 0 and entries.ratio[e] <= -_SURE_LOG10 else 0


@kernel
def _is_linked(row: int, entries: Entries, mate: NDArray[np.int32], shown: NDArray[np.int16]) -> bool:
    """Whether fragments put the ALT of `row` on the haplotype of that which `shown` int16 (R,) tells of."""
    shared = against = 0
    for e in range(entries.offset[row], entries.offset[row + 1]):
        here = _said(e, entries)
        there = shown[fragment(entries.read[e], mate)]
        if here == 0 or there == 0:
            continue
        if (here > 0) != (there > 0):
            against += 1
        elif here > 0:
            shared += 1
    return shared >= _MIN_SHARED and against <= _MAX_AGAINST * (shared + against)


@kernel
def _add(
    row: int,
    entries: Entries,
    mate: NDArray[np.int32],
    shown: NDArray[np.int16],
    touched: NDArray[np.int32],
    n_touched: int,
) -> int:
    """Add what fragments show at `row` to `shown` int16 (R,); `touched` int32 (R,) lists them. How many."""
    for e in range(entries.offset[row], entries.offset[row + 1]):
        here = _said(e, entries)
        if here != 0:
            f = fragment(entries.read[e], mate)
            if shown[f] == 0:
                touched[n_touched] = f
                n_touched += 1
            shown[f] += here
            if shown[f] == 0:
                shown[f] = -1  # in two minds: no witness of ALT
    return n_touched


@kernel
def _count(shown: NDArray[np.int16], touched: NDArray[np.int32]) -> tuple[int, int]:
    """(Fragments of `touched` int32 (n,) that show ALT, REF) by `shown` int16 (R,)."""
    n_alt = 0
    for f in touched:
        n_alt += shown[f] > 0
    return n_alt, len(touched) - n_alt


@kernel
def _add_mapq(row: int, entries: Entries, mapq: NDArray[np.uint8], sums: NDArray[np.int64]) -> None:
    """Add up MAPQ, uint8 (R,), of reads that show ALT and REF at `row`: `sums` int64 (4,), MAPQ and reads."""
    for e in range(entries.offset[row], entries.offset[row + 1]):
        here = _said(e, entries)
        if here != 0:
            k = 0 if here > 0 else 2
            sums[k] += np.int64(mapq[entries.read[e]])
            sums[k + 1] += 1


@kernel
def count_haplotypes(
    rows: NDArray[np.int64],
    pos: NDArray[np.int64],
    is_snp: NDArray[np.bool_],
    entries: Entries,
    mapq: NDArray[np.uint8],
    mate: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Fragments that show ALT and REF of candidates, and of the haplotypes that their ALTs lie on.

    A SNP within REACH_BP is on the haplotype when fragments show both ALTs and next to none shows one alone.
    A fragment that shows ALT more often than REF is one of ALT's; where both come out even it begins anew as
    one of REF's.

    Args:
        rows: int64 (n,), candidates asked for. pos: int64 (N,), ascending. is_snp: bool (N,). entries: of the
            N candidates. mapq: uint8 (R,), phred. mate: int32 (R,), row of the mate or -1.

    Returns:
        counts int64 (n, 5): ALT and REF at the site, ALT and REF on the haplotype, number of linked SNPs;
        how much lower the mean MAPQ of the haplotype's reads is than of the others, float64 (n,).
    """
    found, lower, sums = np.zeros((len(rows), 5), np.int64), np.zeros(len(rows)), np.empty(4, np.int64)
    own, all_shown = np.zeros(len(mate), np.int16), np.zeros(len(mate), np.int16)
    own_touched, touched = np.empty(len(mate), np.int32), np.empty(len(mate), np.int32)
    for i in range(len(rows)):
        c = rows[i]
        n_own = _add(c, entries, mate, own, own_touched, 0)
        n = _add(c, entries, mate, all_shown, touched, 0)
        sums[:] = 0
        _add_mapq(c, entries, mapq, sums)
        found[i, 0], found[i, 1] = _count(own, own_touched[:n_own])
        first = np.searchsorted(pos, pos[c] - REACH_BP)
        last = np.searchsorted(pos, pos[c] + REACH_BP + 1)
        for row in range(first, last):
            if is_snp[row] and pos[row] != pos[c] and _is_linked(row, entries, mate, own):
                n = _add(row, entries, mate, all_shown, touched, n)
                _add_mapq(row, entries, mapq, sums)
                found[i, 4] += 1
        found[i, 2], found[i, 3] = _count(all_shown, touched[:n])
        if sums[1] and sums[3]:
            lower[i] = sums[2] / sums[3] - sums[0] / sums[1]
        for f in own_touched[:n_own]:
            own[f] = 0
        for f in touched[:n]:
            all_shown[f] = 0
    return found, lower
