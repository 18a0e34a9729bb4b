"""Kernels: what the two haplotypes of a site's reads say of its indels.

Reads of one haplotype show one allele, and what the others of it show is error; an indel that
reads of both show alike is homozygous or an error of the sequencer.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.candidates.phase_kernels import (
    capped_ratio,
    clear_odds,
    fragment,
    markers_near,
    phase_fragments,
    sure_genotypes,
)
from deepcohort.core.numba_options import kernel
from deepcohort.pileup.columns import TableColumns

MAX_ALLELES = 8  # of a site, held against each other; further ones are left out
TEMPERS = (0.4, 0.7, 1.0)  # factors on what one read says: errors of reads at a site are alike
N_SIDE = 7  # terms of one haplotype
N_TERMS = 4 * len(TEMPERS) + 2 * N_SIDE + 4
_TOLD_LOG10 = 1.0  # odds from which on a read belongs to a haplotype
_LEAST = 1e-6  # likelihood of any read under any allele: some are misplaced
_PRIOR_HET, _PRIOR_HOM, _PRIOR_TWO = -2.0, -2.0, -3.0  # log10, against no ALT
_MOST_LOG10 = 12.0


class SaidByReads(NamedTuple):
    """What reads say at N candidates: `entries`, and mapq uint8 (R,) and mate int32 (R,) of the reads."""

    entries: Entries
    mapq: NDArray[np.uint8]
    mate: NDArray[np.int32]


@kernel
def _own_site(c: int, table: TableColumns, members: NDArray[np.int64]) -> int:
    """Write candidate `c` and the other indels of its POS to `members`; how many."""
    members[0] = c
    n = 1
    row = c
    while row > 0 and table.pos[row - 1] == table.pos[c]:
        row -= 1
    while row < len(table.pos) and table.pos[row] == table.pos[c] and n < len(members):
        is_snp = table.ref_len[row] == 1 and table.alt_offset[row + 1] - table.alt_offset[row] == 1
        if row != c and not is_snp:
            members[n] = row
            n += 1
        row += 1
    return n


@kernel
def _scores(
    said: SaidByReads, members: NDArray[np.int64], n_members: int, scores: NDArray[np.float64]
) -> None:
    """Fill `scores` (n, K + 1): log10 likelihood of each read under REF and `members`, the best 0."""
    entries = said.entries
    first = entries.offset[members[0]]
    for r in range(len(scores)):
        q = said.mapq[entries.read[first + r]]
        best, most = 0, 0.0
        for k in range(n_members):
            x = capped_ratio(entries.ratio[entries.offset[members[k]] + r], q)
            scores[r, k + 1] = min(x, 0.0)
            if x > most:
                best, most = k + 1, x
        scores[r, 0] = -most
        if best:
            scores[r, best] = 0.0


@kernel
def _prior(i: int, j: int) -> float:
    """log10 of the chance that haplotypes carry alleles `i` and `j` (0: REF), against REF on both."""
    if i == j:
        return 0.0 if i == 0 else _PRIOR_HOM
    return _PRIOR_HET if i == 0 or j == 0 else _PRIOR_TWO


@kernel
def _copies(
    scores: NDArray[np.float64], temper: float, first_share: NDArray[np.float64]
) -> tuple[float, float]:
    """(log10 odds of 1 copy of allele 1 against 0, of 2 against 1), over all pairs of alleles.

    `scores`: float64 (n, K + 1), of `_scores`. `first_share`: float64 (n,), chance that a read is of the
    first haplotype.
    """
    n, n_alleles = scores.shape
    fits = 10.0 ** (temper * scores)
    logs = np.empty((n_alleles, n_alleles))
    most = -np.inf
    for i in range(n_alleles):
        for j in range(n_alleles):
            total = _prior(i, j)
            for r in range(n):
                w = first_share[r]
                total += np.log10(w * fits[r, i] + (1.0 - w) * fits[r, j] + _LEAST)
            logs[i, j] = total
            most = max(most, total)
    weight = np.full(3, 1e-30)
    for i in range(n_alleles):
        for j in range(n_alleles):
            weight[(1 if i == 1 else 0) + (1 if j == 1 else 0)] += 10.0 ** (logs[i, j] - most)
    one, two = np.log10(weight[1] / weight[0]), np.log10(weight[2] / weight[1])
    return min(max(one, -_MOST_LOG10), _MOST_LOG10), min(max(two, -_MOST_LOG10), _MOST_LOG10)


@kernel
def _sides(said: SaidByReads, c: int, odds: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Fill `out` (2 * N_SIDE + 3,): what reads of each haplotype show, of more ALT first; and of neither."""
    entries = said.entries
    count, ratio = np.zeros((2, 4)), np.zeros(2)
    n_unknown, sureness = 0, 0.0
    first, last = entries.offset[c], entries.offset[c + 1]
    for e in range(first, last):
        x = odds[fragment(entries.read[e], said.mate)]
        sureness += abs(2.0 / (1.0 + 10.0**-x) - 1.0)
        if abs(x) < _TOLD_LOG10:
            n_unknown += 1
            continue
        h = 0 if x > 0 else 1
        count[h, entries.allele[e] if entries.allele[e] >= 0 else 3] += 1
        ratio[h] += capped_ratio(entries.ratio[e], said.mapq[entries.read[e]])
    major = 0 if ratio[0] >= ratio[1] else 1
    for k in range(2):
        h = major if k == 0 else 1 - major
        told = count[h, 0] + count[h, 1] + count[h, 2]
        whole = max(told + count[h, 3], 1.0)
        own = out[k * N_SIDE : (k + 1) * N_SIDE]
        own[0] = np.log1p(told)
        own[1] = (count[h, 1] + 0.25) / (told + 0.75)
        own[2] = (count[h, 0] + 0.25) / (told + 0.75)
        own[3] = min(max(ratio[h], -15.0), 15.0)
        own[4] = ratio[h] / whole
        own[5] = np.log1p(told + count[h, 3])
        own[6] = count[h, 3] / whole
    n = max(last - first, 1)
    rest = out[2 * N_SIDE :]
    rest[0], rest[1], rest[2] = np.log1p(n_unknown), n_unknown / n, sureness / n


@kernel
def fill_terms(
    out: NDArray[np.float64],
    rows: NDArray[np.int64],
    table: TableColumns,
    said: SaidByReads,
    reach_bp: int,
    max_markers: int,
) -> None:
    """Fill `out` float64 (B, N_TERMS) for the indel candidates `rows` int64 (B,) of `table`.

    Haplotypes are told by up to `max_markers` sure heterozygous SNPs within `reach_bp` of each.
    """
    entries = said.entries
    is_snp = (table.ref_len == 1) & (table.alt_offset[1:] - table.alt_offset[:-1] == 1)
    copies = sure_genotypes(is_snp, entries, said.mapq)
    near, members = np.empty(max_markers, np.int64), np.empty(MAX_ALLELES, np.int64)
    odds, touched = np.zeros(len(said.mapq)), np.empty(len(said.mapq), np.int64)
    for b in range(len(rows)):
        c, row = rows[b], out[b]
        n_near = markers_near(c, table.pos, copies, reach_bp, near)
        n_touched = phase_fragments(near, n_near, entries, said.mapq, said.mate, odds, touched)
        n_members = _own_site(c, table, members)
        first = entries.offset[c]
        n = entries.offset[c + 1] - first
        scores = np.empty((n, n_members + 1))
        _scores(said, members, n_members, scores)
        share, half = np.empty(n), np.full(n, 0.5)
        for r in range(n):
            share[r] = 1.0 / (1.0 + 10.0 ** -odds[fragment(entries.read[first + r], said.mate)])
        for t in range(len(TEMPERS)):
            row[4 * t], row[4 * t + 1] = _copies(scores, TEMPERS[t], share)
            row[4 * t + 2], row[4 * t + 3] = _copies(scores, TEMPERS[t], half)
        _sides(said, c, odds, row[4 * len(TEMPERS) : N_TERMS - 1])
        clear_odds(odds, touched, n_touched)
        row[N_TERMS - 1] = n_members
