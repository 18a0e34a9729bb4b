"""Which of a person's two haplotypes a fragment comes from, told by heterozygous SNPs near a site.

Everything is decided anew around each site, from fragments and candidates within a fixed distance, so
that neither chunks nor shards show.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.core.numba_options import kernel

MAX_MARKERS = 8  # nearest heterozygous SNPs looked at
HET, HOM = 1, 2
_SURE_LOG10 = 3.0  # of the better of L(0/1) and L(1/1) over L(0/0), and
_SURE_OF_COPIES_LOG10 = 1.0  # of these two over each other
_MIN_FRAGMENTS = 2  # of each allele
_MIN_LINK_LOG10 = 1.0  # odds that two markers' phase is right, for the second to be used
_MAX_READ_LOG10 = 2.0  # what one base says of a fragment's haplotype at most: some reads are chimeras
_MAX_FRAGMENT_LOG10 = 3.0
_LOG10_2 = 0.3010299956639812


@kernel
def capped_ratio(ratio: float, mapq: int) -> float:
    """log10 likelihood ratio of one read, no stronger than its place on the reference is sure: -5 to 5.

    `mapq`: phred.
    """
    cap = min(5.0, 0.1 * mapq + 0.3)
    return min(max(float(ratio), -cap), cap)


@kernel
def sure_genotypes(is_snp: NDArray[np.bool_], entries: Entries, mapq: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Copies of ALT of SNPs that the reads' naive likelihood is sure of, int8 (N,): HET, HOM, or 0.

    `is_snp`: bool (N,). `mapq`: uint8 (R,), phred.
    """
    offset, allele = entries.offset, entries.allele
    copies = np.zeros(len(is_snp), np.int8)
    for c in range(len(is_snp)):
        if not is_snp[c]:
            continue
        n_ref = n_alt = 0
        for e in range(offset[c], offset[c + 1]):
            n_ref += allele[e] == 0
            n_alt += allele[e] == 1
        if n_alt < _MIN_FRAGMENTS:
            continue
        het = hom = 0.0
        for e in range(offset[c], offset[c + 1]):
            if allele[e] >= 0:
                x = capped_ratio(entries.ratio[e], mapq[entries.read[e]])
                het += np.log10(1.0 + 10.0**x) - _LOG10_2
                hom += x
        if het >= _SURE_LOG10 and het - hom >= _SURE_OF_COPIES_LOG10 and n_ref >= _MIN_FRAGMENTS:
            copies[c] = HET
        elif hom >= _SURE_LOG10 and hom - het >= _SURE_OF_COPIES_LOG10:
            copies[c] = HOM
    return copies


@kernel
def _next_marker(
    c: int, step: int, pos: NDArray[np.int64], copies: NDArray[np.int8], feature_context_bp: int
) -> tuple[int, int]:
    """(row, bp away) of the next heterozygous candidate from row `c` on, at another position; -1 if none.

    `step`: -1 or 1. `pos`: int64 (N,), ascending. `copies`: int8 (N,), of `sure_genotypes`.
    """
    row = c + step
    while 0 <= row < len(pos):
        distance = abs(pos[row] - pos[c])
        if distance > feature_context_bp:
            break
        if distance > 0 and copies[row] == HET:
            return row, distance
        row += step
    return -1, feature_context_bp + 1


@kernel
def markers_near(
    c: int, pos: NDArray[np.int64], copies: NDArray[np.int8], feature_context_bp: int, near: NDArray[np.int64]
) -> int:
    """Write to `near` the nearest HET rows at other positions within `feature_context_bp` of row `c`; how
    many.

    `pos`: int64 (N,), ascending. `copies`: int8 (N,), of `sure_genotypes`. `near`: int64 (M,), room for M.
    """
    n = 0
    left, to_left = _next_marker(c, -1, pos, copies, feature_context_bp)
    right, to_right = _next_marker(c, 1, pos, copies, feature_context_bp)
    while n < len(near) and (left >= 0 or right >= 0):
        if left >= 0 and to_left <= to_right:
            near[n] = left
            row, more = _next_marker(left, -1, pos, copies, feature_context_bp - to_left)
            left, to_left = row, to_left + more
        else:
            near[n] = right
            row, more = _next_marker(right, 1, pos, copies, feature_context_bp - to_right)
            right, to_right = row, to_right + more
        n += 1
    return n


@kernel
def fragment(row: int, mate: NDArray[np.int32]) -> int:
    """One row that stands for a read and its mate; `mate` int32 (R,), -1 for none."""
    return min(row, mate[row]) if mate[row] >= 0 else row


@kernel
def _agreement(a: float, b: float) -> float:
    """log10 odds that two hints (each log10 odds for the first haplotype) mean the same haplotype."""
    return np.log10((1.0 + 10.0 ** (a + b)) / (10.0**a + 10.0**b))


@kernel
def _hint(ratio: float, mapq: int) -> float:
    """log10 odds that a read at a marker carries ALT, -2 to 2; `ratio` log10, `mapq` phred."""
    x = capped_ratio(ratio, mapq)
    return min(max(x, -_MAX_READ_LOG10), _MAX_READ_LOG10)


@kernel
def _link(
    c: int, entries: Entries, mapq: NDArray[np.uint8], mate: NDArray[np.int32], odds: NDArray[np.float64]
) -> float:
    """log10 odds that the ALT of marker `c` lies on the first haplotype, by fragments whose odds are known.

    `mapq`: uint8 (R,), phred. `mate`: int32 (R,). `odds`: float64 (R,), log10, 0 where not known.
    """
    link = 0.0
    for e in range(entries.offset[c], entries.offset[c + 1]):
        f = fragment(entries.read[e], mate)
        if (entries.allele[e] == 0 or entries.allele[e] == 1) and odds[f] != 0.0:
            link += _agreement(odds[f], _hint(entries.ratio[e], mapq[entries.read[e]]))
    return link


@kernel
def phase_fragments(
    near: NDArray[np.int64],
    n_near: int,
    entries: Entries,
    mapq: NDArray[np.uint8],
    mate: NDArray[np.int32],
    odds: NDArray[np.float64],
    touched: NDArray[np.int64],
) -> int:
    """Log10 odds for the first haplotype of the fragments at `n_near` markers, added to `odds`.

    The first marker's ALT lies on the first haplotype. Each further one is put in phase by the
    fragments that it shares with those before; one that shares too little tries again at the end.

    Args:
        near: int64 (>= n_near,), rows of the markers, nearest first. mapq: uint8 (R,), phred.
        mate: int32 (R,), or -1. odds: float64 (R,), zero; -3 to 3 where touched.
        touched: int64 (R,), receives the fragments (rows) whose odds are no longer zero.

    Returns:
        How many fragments were touched.
    """
    n_touched = 0
    pending = np.ones(n_near, np.bool_)
    for turn in range(2):
        for k in range(n_near):
            if not pending[k]:
                continue
            c = near[k]
            link = _link(c, entries, mapq, mate, odds)
            first = turn == 0 and k == 0
            if not first and abs(link) < _MIN_LINK_LOG10:
                continue
            pending[k] = False
            sign = 1.0 if first or link > 0 else -1.0
            for e in range(entries.offset[c], entries.offset[c + 1]):
                if entries.allele[e] != 0 and entries.allele[e] != 1:
                    continue
                f = fragment(entries.read[e], mate)
                if odds[f] == 0.0:
                    touched[n_touched] = f
                    n_touched += 1
                odds[f] += sign * _hint(entries.ratio[e], mapq[entries.read[e]])
                odds[f] = min(max(odds[f], -_MAX_FRAGMENT_LOG10), _MAX_FRAGMENT_LOG10)
                if odds[f] == 0.0:
                    odds[f] = 1e-9  # two hints that cancel: still in the list
    return n_touched


@kernel
def phased_het_log10(
    first: int,
    last: int,
    entries: Entries,
    mapq: NDArray[np.uint8],
    mate: NDArray[np.int32],
    odds: NDArray[np.float64],
) -> float:
    """log10 L(0/1) - L(0/0) of entries first:last, given each fragment's haplotype; phases weigh alike.

    `mapq`: uint8 (R,), phred. `mate`: int32 (R,). `odds`: float64 (R,), log10, of `phase_fragments`.
    """
    one = other = 0.0
    for e in range(first, last):
        if entries.allele[e] < 0:
            continue
        p = 10.0 ** capped_ratio(entries.ratio[e], mapq[entries.read[e]])
        w = 1.0 / (1.0 + 10.0 ** -odds[fragment(entries.read[e], mate)])
        one += np.log10(w * p + (1.0 - w))
        other += np.log10((1.0 - w) * p + w)
    best = max(one, other)
    return best + np.log10(10.0 ** (one - best) + 10.0 ** (other - best)) - _LOG10_2


@kernel
def clear_odds(odds: NDArray[np.float64], touched: NDArray[np.int64], n_touched: int) -> None:
    """Set `odds` float64 (R,) of the rows touched[:n_touched] int64 back to zero."""
    for k in range(n_touched):
        odds[touched[k]] = 0.0
