"""What fragments show of two copies at once, and which copy each comes from.

Both copies are looked at along one axis, the bases of the window "here" (0..N-1). At a site, two bases
matter: those of the two reference copies where they differ, else the reference's and the base that reads
show against it. A person's copies may both have any of the two (gene conversion puts one copy's base
into the other), and reads tell only together which: a read that fits the other copy better may come
from there, or show a variant here.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.paralogs.columns import Alignments, Axis, SiteBases, Tally

_MIN_QUAL = 10  # phred
_ROUNDS = 12
_SETTLED = 1e-3  # change of a posterior
_LEAST_P = 0.02  # of a base under a copy: one base never outweighs all others
_LEAST_ERROR = 1e-3  # least error of a base
ANCHOR_LN = 9.0  # of a fragment that reaches out of what the copies share
_LN10 = 2.302585092994046
# ln prior of 0, 1 and 2 alleles that differ from the reference, where its copies differ (there, a third is
# polymorphic in the stretches looked at), and elsewhere
_PRIOR_DIFFERENT = np.log(np.array([0.9, 0.05, 0.05]))
_PRIOR_SAME = np.log(np.array([0.9985, 0.001, 0.0005]))


@kernel
def collect_bases(
    reads: Alignments,
    axis: Axis,
    site_of: NDArray[np.int64],
    fragment: NDArray[np.int64],
    tally: Tally,
    out: SiteBases,
) -> int:
    """Walk the aligned bases of all reads: count them by axis position, note those at sites.

    Args:
        site_of: int64 (N,), site at each axis position, or -1. fragment: int64 (R,). tally: is added to.
        out: room for bases at sites; what does not fit is only counted.

    Returns:
        Bases at sites.
    """
    seq, qual, count, outside = reads.seq, reads.qual, tally.shown, tally.outside
    n_out = 0
    for r in range(len(reads.pos)):
        at, query = reads.pos[r] - axis.start, reads.seq_offset[r]
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            op, n = reads.cigar_op[k], np.int64(reads.cigar_len[k])
            if op == 0 or op >= 7:
                for j in range(max(0, -at), min(n, len(axis.at) - at)):
                    p = at + j
                    outside[r] += p < tally.first or p >= tally.last
                    i = axis.at[p]
                    base, q = seq[query + j], qual[query + j]
                    if i < 0 or base > 3 or q < _MIN_QUAL:
                        continue
                    base = 3 - base if axis.inverted else base
                    count[base, i] += 1
                    if site_of[i] >= 0:
                        if n_out < len(out.site):
                            out.site[n_out], out.fragment[n_out] = site_of[i], fragment[r]
                            out.base[n_out], out.qual[n_out] = base, q
                        n_out += 1
                at += n
                query += n
            elif op == 1 or op == 4:
                query += n
            elif op == 2 or op == 3:
                at += n
    return n_out


@kernel
def informative_sites(
    count: NDArray[np.int64],
    primary: NDArray[np.uint8],
    paralog: NDArray[np.uint8],
    partner: NDArray[np.int64],
    min_count: int,
    min_fraction: float,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Sites along the axis.

    Args:
        count: int64 (4, N), bases that reads of both copies show. here, there: base codes of the two
            copies, `paralog` as the axis runs; partner: int64 (N,), from `align_copies`.

    Returns:
        (site int64 (N,): number or -1; allele_there, allele_here uint8 (S,): the two bases; different
        bool (S,): whether the references differ).
    """
    n = len(primary)
    site = np.full(n, -1, np.int64)
    a, b = np.empty(n, np.uint8), np.empty(n, np.uint8)
    different = np.empty(n, np.bool_)
    s = 0
    for i in range(n):
        if partner[i] < 0 or primary[i] > 3 or paralog[partner[i]] > 3:
            continue
        b[s], a[s] = primary[i], paralog[partner[i]]
        different[s] = a[s] != b[s]
        if not different[s]:
            total = count[0, i] + count[1, i] + count[2, i] + count[3, i]
            most = np.int64(0)
            for base in range(4):
                if base != primary[i] and count[base, i] > most:
                    most = count[base, i]
                    a[s] = base
            # two copies share the reads: a het of one is a quarter of them
            if most < min_count or 2 * most < min_fraction * total:
                continue
        site[i] = s
        s += 1
    return site, a[:s].copy(), b[:s].copy(), different[:s].copy()


@kernel
def _expected(ln_prior_order: NDArray[np.float64], reference_b: int) -> NDArray[np.float64]:
    """ln prior of 0, 1, 2 copies of allele b where the reference has `reference_b` (0 or 2).

    `ln_prior_order` (3,).
    """
    return ln_prior_order if reference_b == 0 else ln_prior_order[::-1]


@kernel
def _p_of_base(is_b: bool, error: float, copies_b: int) -> float:
    f = 0.5 * copies_b
    right, wrong = 1.0 - error, error / 3.0
    return f * right + (1.0 - f) * wrong if is_b else f * wrong + (1.0 - f) * right


@kernel
def _hint(is_b: bool, error: float, posterior: NDArray[np.float64]) -> float:
    """ln odds of one base for a fragment of the copy here; posterior (3, 3): alleles b there, here."""
    p_there = p_here = 0.0
    for g in range(3):
        p = _p_of_base(is_b, error, g)
        p_there += p * (posterior[g, 0] + posterior[g, 1] + posterior[g, 2])
        p_here += p * (posterior[0, g] + posterior[1, g] + posterior[2, g])
    return np.log(max(p_here, _LEAST_P) / max(p_there, _LEAST_P))


@kernel
def _genotype_pair(
    first: int,
    last: int,
    is_b: NDArray[np.bool_],
    error: NDArray[np.float64],
    entry_fragment: NDArray[np.int64],
    hint: NDArray[np.float64],
    odds: NDArray[np.float64],
    different: bool,
    posterior: NDArray[np.float64],
) -> None:
    """Posterior (3, 3) of copies of allele b there and here, from the entries of one site."""
    ln_prior = _PRIOR_DIFFERENT if different else _PRIOR_SAME
    paralog, primary = _expected(ln_prior, 0 if different else 2), _expected(ln_prior, 2)
    for g in range(3):
        for h in range(3):
            posterior[g, h] = paralog[g] + primary[h]
    p = np.empty(3)
    for e in range(first, last):
        for g in range(3):
            p[g] = _p_of_base(is_b[e], error[e], g)
        # without what this site itself says
        z = min(max(odds[entry_fragment[e]] - hint[e], -ANCHOR_LN), ANCHOR_LN)
        w = 1.0 / (1.0 + np.exp(-z))
        for g in range(3):
            for h in range(3):
                posterior[g, h] += np.log((1.0 - w) * p[g] + w * p[h])
    posterior -= posterior.max()
    total = 0.0
    for g in range(3):
        for h in range(3):
            posterior[g, h] = np.exp(posterior[g, h])
            total += posterior[g, h]
    posterior /= total


@kernel
def assign_to_copies(
    site_offset: NDArray[np.int64],
    is_b: NDArray[np.bool_],
    error: NDArray[np.float64],
    entry_fragment: NDArray[np.int64],
    different: NDArray[np.bool_],
    anchor: NDArray[np.float64],
) -> NDArray[np.float64]:
    """log10 odds for the copy here of every fragment, float64 (F,).

    Alternates between genotypes of both copies at every site, given where fragments belong, and where
    fragments belong, given genotypes (expectation maximisation; each site is judged without its own
    say on the fragments). It begins with what anchors tell and with how many fragments show each base:
    not with the reference, or a stretch that one copy took over from the other would seem to be reads
    of that other.

    Args:
        site_offset: int64 (S+1,), entries of each site. is_b: bool (E,), whether the base is that of
            the copy here. error: float64 (E,). entry_fragment: int64 (E,). different: bool (S,).
        anchor: float64 (F,), ln odds of fragments that reach out of the shared stretch.
    """
    n_sites, n_entries = len(different), len(is_b)
    posterior = np.zeros((n_sites, 3, 3))
    hint = np.zeros(n_entries)
    odds = anchor.copy()
    new = np.zeros((3, 3))
    for _ in range(_ROUNDS):
        moved = 0.0
        for s in range(n_sites):
            _genotype_pair(
                site_offset[s], site_offset[s + 1], is_b, error, entry_fragment, hint, odds, different[s], new
            )
            for g in range(3):
                for h in range(3):
                    moved = max(moved, abs(new[g, h] - posterior[s, g, h]))
            posterior[s] = new
        odds[:] = anchor
        for s in range(n_sites):
            for e in range(site_offset[s], site_offset[s + 1]):
                hint[e] = _hint(is_b[e], error[e], posterior[s])
                odds[entry_fragment[e]] += hint[e]
        if moved < _SETTLED:
            break
    return odds / _LN10


@kernel
def error_of_qual(qual: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Probability that a base of each phred is wrong, float64 (E,), never below what alignment errs."""
    out = np.empty(len(qual))
    for e in range(len(qual)):
        out[e] = min(max(10.0 ** (-float(qual[e]) / 10.0), _LEAST_ERROR), 0.75)
    return out
