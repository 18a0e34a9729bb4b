"""Kernels: decided sites, trimmed to the alleles that matter, as the flat arrays of `SiteCalls`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import DecidedSites, DraftSites, KnownColumns
from deepcohort.calls.kernels_genotype import genotype_alleles, genotype_count
from deepcohort.candidates.columns import AlleleColumns, Window
from deepcohort.core.numba_options import kernel

HOMREF_IN_BLOCK = 0
SITE_REFCALL = 1
SITE_VARIANT = 2
SITE_GIVEN = 3  # surely homozygous reference, and a record all the same
_CAP_PHRED = 999.0


@kernel
def _posteriors(gl: NDArray[np.float64], n: int, out: NDArray[np.float64]) -> int:
    """Normalised 10**gl[:n] of `gl` (G,) into `out` (G,); returns the index of the largest, the first of
    equals.
    """
    best = 0
    for g in range(1, n):
        if gl[g] > gl[best]:
            best = g
    total = 0.0
    for g in range(n):
        out[g] = 10.0 ** (gl[g] - gl[best])
        total += out[g]
    for g in range(n):
        out[g] /= total
    return best


@kernel
def _phred(error: float) -> float:
    """-10 log10, cut to 0..999."""
    return min(_CAP_PHRED, max(0.0, -10.0 * np.log10(max(error, 1e-100))))


@kernel
def decide_sites(
    drafts: DraftSites,
    homref_error: NDArray[np.float64],
    given: NDArray[np.bool_],
    min_weight: float,
    min_homref_gq: float,
) -> DecidedSites:
    """Genotype, qualities and the alleles to keep of every site: REF always, and all `given` rows, bool (N,).

    `homref_error`: float64 (S,), see `build_sites`.
    """
    n_alleles, member, gl, ploidy = drafts.n_alleles, drafts.member, drafts.gl, drafts.ploidy
    n_sites = len(n_alleles)
    status = np.zeros(n_sites, np.int8)
    best = np.zeros(n_sites, np.int64)
    gq = np.zeros(n_sites)
    qual = np.zeros(n_sites)
    keep = np.zeros((n_sites, member.shape[1]), np.bool_)
    post = np.empty(gl.shape[1])
    for s in range(n_sites):
        keep[s, 0] = True
        n, n_gt = n_alleles[s], genotype_count(n_alleles[s], ploidy[s])
        if n == 1:
            gq[s] = _phred(homref_error[s])
            status[s] = HOMREF_IN_BLOCK if gq[s] >= min_homref_gq else SITE_REFCALL
            continue
        best[s] = _posteriors(gl[s], n_gt, post)
        wrong, variant = 0.0, 0.0
        there = np.zeros(n)
        for g in range(n_gt):
            x, y = genotype_alleles(g, ploidy[s])
            if g != best[s]:
                wrong += post[g]
            if g > 0:
                variant += post[g]
                there[x] += post[g]
                if y >= 0 and y != x:
                    there[y] += post[g]
        gq[s] = _phred(wrong)
        qual[s] = _phred(1.0 - variant if variant < 0.5 else post[0])
        x, y = genotype_alleles(best[s], ploidy[s])
        if best[s] > 0:
            status[s] = SITE_VARIANT
        else:
            status[s] = HOMREF_IN_BLOCK if gq[s] >= min_homref_gq else SITE_REFCALL
        top = 1
        for a in range(1, n):
            if there[a] > there[top]:
                top = a
            # a compound that is not called says nothing that its parts do not
            keep[s, a] = a in (x, y) or (there[a] >= min_weight and member[s, a, 1] < 0)
        if status[s] == SITE_REFCALL:
            keep[s, top] = True
        for a in range(1, n):
            if member[s, a, 1] < 0 and given[member[s, a, 0]]:
                keep[s, a] = True
                if status[s] == HOMREF_IN_BLOCK:
                    status[s] = SITE_GIVEN
    return DecidedSites(status, best, gq, qual, keep)


@kernel
def _allele_shape(rows: NDArray[np.int64], alleles: AlleleColumns) -> tuple[int, int]:
    """(REF bases, ALT bases) of an allele made of rows (2,): one, or of (SNP row, indel row) at one POS."""
    r = rows[0] if rows[1] < 0 else rows[1]
    return alleles.ref_len[r], alleles.alt_offset[r + 1] - alleles.alt_offset[r]


@kernel
def _count_output(
    drafts: DraftSites, decided: DecidedSites, alleles: AlleleColumns
) -> tuple[int, int, int, int, int]:
    """Sizes of the flat arrays of S sites `drafts` (S, ...): sites, alternates, bases, likelihoods,
    depths.
    """
    n_alleles, member, keep = drafts.n_alleles, drafts.member, decided.keep
    n_out, alts, bases, likelihoods, depths = 0, 0, 0, 0, 0
    for s in range(len(decided.status)):
        if decided.status[s] == HOMREF_IN_BLOCK or n_alleles[s] == 1:
            continue
        longest, kept = np.int64(1), 1
        for a in range(1, n_alleles[s]):
            if keep[s, a]:
                shape = _allele_shape(member[s, a], alleles)
                longest = max(longest, np.int64(shape[0]))
        for a in range(1, n_alleles[s]):
            if keep[s, a]:
                shape = _allele_shape(member[s, a], alleles)
                kept += 1
                bases += shape[1] + longest - shape[0]
        n_out += 1
        alts += kept - 1
        depths += kept
        likelihoods += genotype_count(kept, drafts.ploidy[s])
    return n_out, alts, bases, likelihoods, depths


@kernel
def _allele_depths(
    kept: NDArray[np.int64],
    n_kept: int,
    member: NDArray[np.int64],
    ad: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    """AD of the kept alleles kept[:n_kept] of `member` (A, 2) into `out` (n_kept,), from `ad` (N, 2). Reads
    of a compound are those its rarer part shows.
    """
    smallest = np.int64(1 << 60)
    for i in range(1, n_kept):
        rows = member[kept[i]]
        out[i] = ad[rows[0], 1] if rows[1] < 0 else min(ad[rows[0], 1], ad[rows[1], 1])
        smallest = min(smallest, np.int64(ad[rows[0], 0]))
        if rows[1] >= 0:
            smallest = min(smallest, np.int64(ad[rows[1], 0]))
    out[0] = smallest
    for i in range(1, n_kept):
        if member[kept[i], 1] < 0:
            continue
        for j in range(1, n_kept):
            part = member[kept[j], 0]
            if member[kept[j], 1] < 0 and (part == member[kept[i], 0] or part == member[kept[i], 1]):
                out[j] = max(0, out[j] - out[i])


@kernel
def _write_allele(
    rows: NDArray[np.int64],
    pos: int,
    alleles: AlleleColumns,
    longest: int,
    window: Window,
    out: NDArray[np.uint8],
    n: int,
) -> int:
    """Bases of one alternate, rows (2,), over the unified REF into out[n:] of `out` (B,); returns the new
    n.
    """
    alt_seq, alt_offset = alleles.alt_seq, alleles.alt_offset
    r = rows[0] if rows[1] < 0 else rows[1]
    for k in range(alt_offset[r], alt_offset[r + 1]):
        out[n] = alt_seq[k]
        if rows[1] >= 0 and k == alt_offset[r]:
            out[n] = alt_seq[alt_offset[rows[0]]]
        n += 1
    at = pos - window.start
    for k in range(at + alleles.ref_len[r], at + longest):
        out[n] = window.reference[k]
        n += 1
    return n


@kernel
def _without_prior(
    gl: float, x: int, y: int, n: int, member: NDArray[np.int64], prior: NDArray[np.float64]
) -> float:
    """Likelihood of genotype x/y of alleles `member` (A, 2): `gl` less what `prior` (N, 3) says of the
    copies it holds of n - 1 ALTs.
    """
    for a in range(1, n):
        if member[a, 1] >= 0:
            continue
        r = member[a, 0]
        copies = 0
        if member[x, 0] == r or member[x, 1] == r:
            copies += 2 if y < 0 else 1
        if y >= 0 and (member[y, 0] == r or member[y, 1] == r):
            copies += 1
        gl -= prior[r, copies]
    return gl


@kernel
def _settle_reference(
    i: int,
    gl: NDArray[np.float64],
    from_panel: bool,
    gt: NDArray[np.int8],
    gq: NDArray[np.int32],
    qual: NDArray[np.float64],
) -> None:
    """A given site `i`, of `gl` (G,), is no surer of 0/0 than its reads are; without any that tell it is
    `./.`.

    `gt` (S, 2), `gq` (S,) and `qual` (S,) are changed.
    """
    second, lowest = -np.inf, 0.0
    for g in range(len(gl)):
        lowest = min(lowest, gl[g])
        if g > 0:
            second = max(second, gl[g])
    if lowest > -0.05:
        gt[i, 0] = -1
        gt[i, 1] = -1 if gt[i, 1] != -2 else -2
        gq[i] = 0
        qual[i] = 0.0
    elif gt[i, 0] == 0 and gt[i, 1] <= 0 and not from_panel:
        gq[i] = max(0, min(gq[i], int(np.floor(10.0 * (gl[0] - second) + 0.5))))


@kernel
def _keep_alleles(
    keep: NDArray[np.bool_], n_alleles: int, kept: NDArray[np.int64], new: NDArray[np.int64]
) -> int:
    """Fill `kept` (A,), the alleles with `keep` (A,), and `new` (A,), the new index of each or -1; how
    many.
    """
    n_kept = 0
    for a in range(n_alleles):
        new[a] = -1
        if keep[a]:
            kept[n_kept] = a
            new[a] = n_kept
            n_kept += 1
    return n_kept


@kernel
def _longest_ref(
    kept: NDArray[np.int64], n_kept: int, member: NDArray[np.int64], alleles: AlleleColumns
) -> np.int64:
    """bp of the longest REF of the ALTs kept[1:n_kept] of `member` (A, 2)."""
    longest = np.int64(1)
    for a in range(1, n_kept):
        longest = max(longest, np.int64(_allele_shape(member[kept[a]], alleles)[0]))
    return longest


@kernel
def _put_likelihoods(
    drafts: DraftSites,
    s: int,
    keep: NDArray[np.bool_],
    prior: NDArray[np.float64],
    out: NDArray[np.float64],
    first: int,
) -> int:
    """Likelihoods of the alleles with `keep` (A,) of site `s` into out[first:], the largest 0; the new end.

    `out`: float64 (L,). `prior` (N, 3): see `KnownColumns`.
    """
    n = first
    top = -np.inf
    for g in range(genotype_count(drafts.n_alleles[s], drafts.ploidy[s])):
        x, y = genotype_alleles(g, drafts.ploidy[s])
        if keep[x] and (y < 0 or keep[y]):
            out[n] = _without_prior(drafts.gl[s, g], x, y, drafts.n_alleles[s], drafts.member[s], prior)
            top = max(top, out[n])
            n += 1
    for k in range(first, n):
        out[k] -= top
    return n


@kernel
def collect_sites(
    offsets: NDArray[np.int64],
    alleles: AlleleColumns,
    dp: NDArray[np.int32],
    ad: NDArray[np.int32],
    window: Window,
    drafts: DraftSites,
    decided: DecidedSites,
    known: KnownColumns,
) -> tuple[NDArray[Any], ...]:
    """Arrays of `SiteCalls`, in its order of fields from `pos` on, of all sites not melted.

    Args:
        offsets: int64 (S+1,), rows of each site. dp: int32 (N,). ad: int32 (N, 2).
    """
    n_alleles, member, ploidy = drafts.n_alleles, drafts.member, drafts.ploidy
    status, keep, given = decided.status, decided.keep, known.given
    sizes = _count_output(drafts, decided, alleles)
    n_out = sizes[0]
    o_pos, o_ref_len = np.empty(n_out, np.int64), np.empty(n_out, np.int32)
    o_n_alts, o_ploidy = np.empty(n_out, np.int32), np.empty(n_out, np.int8)
    o_seq, o_alt_offset = np.empty(sizes[2], np.uint8), np.zeros(sizes[1] + 1, np.int64)
    o_site_offset, o_gt = np.zeros(n_out + 1, np.int64), np.empty((n_out, 2), np.int8)
    o_gl, o_gl_offset = np.empty(sizes[3]), np.zeros(n_out + 1, np.int64)
    o_gq, o_qual = np.empty(n_out, np.int32), np.empty(n_out)
    o_dp, o_ad = np.empty(n_out, np.int32), np.zeros(sizes[4], np.int32)
    o_ad_offset = np.zeros(n_out + 1, np.int64)
    o_given, o_covers = np.zeros(sizes[1], np.bool_), np.empty(n_out, np.int32)
    kept, new = np.empty(member.shape[1], np.int64), np.empty(member.shape[1], np.int64)
    i, n_base, n_alt = 0, 0, 0
    for s in range(len(status)):
        if status[s] == HOMREF_IN_BLOCK or n_alleles[s] == 1:
            continue
        pos = alleles.pos[offsets[s]]
        n_kept = _keep_alleles(keep[s], n_alleles[s], kept, new)
        longest = _longest_ref(kept, n_kept, member[s], alleles)
        o_pos[i], o_ref_len[i], o_n_alts[i], o_ploidy[i] = pos, longest, n_kept - 1, ploidy[s]
        for a in range(1, n_kept):
            rows = member[s, kept[a]]
            n_base = _write_allele(rows, pos, alleles, longest, window, o_seq, n_base)
            o_given[n_alt] = rows[1] < 0 and given[rows[0]]
            n_alt += 1
            o_alt_offset[n_alt] = n_base
        o_site_offset[i + 1] = n_alt
        pair = genotype_alleles(decided.best[s], ploidy[s])
        o_gt[i, 0] = new[pair[0]]
        o_gt[i, 1] = new[pair[1]] if pair[1] >= 0 else -2
        o_gl_offset[i + 1] = _put_likelihoods(drafts, s, keep[s], known.prior, o_gl, o_gl_offset[i])
        o_gq[i] = min(99, int(np.floor(decided.gq[s] + 0.5)))
        o_qual[i] = decided.qual[s]
        o_ad_offset[i + 1] = o_ad_offset[i] + n_kept
        depths = o_ad[o_ad_offset[i] : o_ad_offset[i + 1]]
        _allele_depths(kept, n_kept, member[s], ad, depths)
        deepest = np.int64(depths.sum())
        for r in range(offsets[s], offsets[s + 1]):
            deepest = max(deepest, np.int64(dp[r]))
        o_dp[i] = deepest
        if o_given[n_alt - o_n_alts[i] : n_alt].any():
            own_gl = o_gl[o_gl_offset[i] : o_gl_offset[i + 1]]
            _settle_reference(i, own_gl, known.from_panel, o_gt, o_gq, o_qual)
        # what is surely not there hides no base behind its POS
        o_covers[i] = 1 if status[s] == SITE_GIVEN or o_gt[i, 0] == -1 else longest
        i += 1
    return (
        o_pos, o_ref_len, o_n_alts, o_seq, o_alt_offset, o_site_offset, o_ploidy, o_gt,
        o_gl, o_gl_offset, o_gq, o_qual, o_dp, o_ad, o_ad_offset, o_given, o_covers,
    )  # fmt: skip
