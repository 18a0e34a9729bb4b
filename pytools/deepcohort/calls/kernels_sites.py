"""Kernels: decided sites, trimmed to the alleles that matter, as the flat arrays of `SiteCalls`."""
# mypy: ignore-errors

import numpy as np

from deepcohort.calls.kernels_genotype import genotype_alleles, genotype_count
from deepcohort.core.numba_options import kernel

SITE_MELTED = 0
SITE_REFCALL = 1
SITE_VARIANT = 2
SITE_GIVEN = 3  # surely homozygous reference, and a record all the same
_CAP_PHRED = 999.0


@kernel
def _posteriors(gl, n, out):
    """Normalised 10**gl[:n] into `out`; returns the index of the largest, the first of equals."""
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
def _phred(error):
    """-10 log10, cut to 0..999."""
    return min(_CAP_PHRED, max(0.0, -10.0 * np.log10(max(error, 1e-100))))


@kernel
def decide_sites(n_alleles, member, gl, homref_error, ploidy, given, min_weight, min_homref_gq):
    """Genotype, qualities and the alleles to keep of every site; of `given` rows, bool (N,), all are kept.

    Returns:
        status int8 (S,): SITE_*; best int64 (S,), genotype index over the untrimmed alleles;
        gq, qual float64 (S,), phred; keep bool (S, A), alleles that stay (REF always).
    """
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
            status[s] = SITE_MELTED if gq[s] >= min_homref_gq else SITE_REFCALL
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
            status[s] = SITE_MELTED if gq[s] >= min_homref_gq else SITE_REFCALL
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
                if status[s] == SITE_MELTED:
                    status[s] = SITE_GIVEN
    return status, best, gq, qual, keep


@kernel
def _allele_shape(rows, ref_len, alt_offset):
    """(REF bases, ALT bases) of an allele made of one row or of (SNP row, indel row) at one POS."""
    r = rows[0] if rows[1] < 0 else rows[1]
    return ref_len[r], alt_offset[r + 1] - alt_offset[r]


@kernel
def _count_output(status, n_alleles, member, keep, ploidy, ref_len, alt_offset):
    """Sizes of the flat arrays: sites, alternates, bases, likelihoods, depths."""
    n_out, alts, bases, likelihoods, depths = 0, 0, 0, 0, 0
    for s in range(len(status)):
        if status[s] == SITE_MELTED or n_alleles[s] == 1:
            continue
        longest, kept = np.int64(1), 1
        for a in range(1, n_alleles[s]):
            if keep[s, a]:
                shape = _allele_shape(member[s, a], ref_len, alt_offset)
                longest = max(longest, np.int64(shape[0]))
        for a in range(1, n_alleles[s]):
            if keep[s, a]:
                shape = _allele_shape(member[s, a], ref_len, alt_offset)
                kept += 1
                bases += shape[1] + longest - shape[0]
        n_out += 1
        alts += kept - 1
        depths += kept
        likelihoods += genotype_count(kept, ploidy[s])
    return n_out, alts, bases, likelihoods, depths


@kernel
def _allele_depths(kept, n_kept, member, ad, out):
    """AD of the kept alleles into `out`. Reads of a compound are those its rarer part shows."""
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
def _write_allele(rows, pos, ref_len, alt_seq, alt_offset, longest, reference, reference_start, out, n):
    """Bases of one alternate over the unified REF into out[n:]; returns the new n."""
    r = rows[0] if rows[1] < 0 else rows[1]
    for k in range(alt_offset[r], alt_offset[r + 1]):
        out[n] = alt_seq[k]
        if rows[1] >= 0 and k == alt_offset[r]:
            out[n] = alt_seq[alt_offset[rows[0]]]
        n += 1
    at = pos - reference_start
    for k in range(at + ref_len[r], at + longest):
        out[n] = reference[k]
        n += 1
    return n


@kernel
def _without_prior(gl, x, y, n, member, prior):
    """Likelihood of genotype x/y: `gl` less what `prior` (N, 3) says of the copies it holds of n - 1 ALTs."""
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
def _settle_reference(i, gl, from_panel, gt, gq, qual):
    """A given site is no surer of 0/0 than its reads are; without any that tell it is `./.`."""
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
def collect_sites(
    offsets, pos, ref_len, alt_seq, alt_offset, dp, ad, reference, reference_start,
    n_alleles, member, gl, ploidy, status, best, gq, qual, keep, given, prior, from_panel,
):  # fmt: skip
    """Arrays of `SiteCalls`, in its order of fields from `pos` on, of all sites not melted.

    `prior`: float64 (N, 3), log10, what of `gl` is not said by reads. `from_panel`: it is that of a panel, so
    that GQ of 0/0 stands.
    """
    sizes = _count_output(status, n_alleles, member, keep, ploidy, ref_len, alt_offset)
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
        if status[s] == SITE_MELTED or n_alleles[s] == 1:
            continue
        first = offsets[s]
        n_kept, longest = 0, np.int64(1)
        for a in range(n_alleles[s]):
            new[a] = -1
            if keep[s, a]:
                kept[n_kept] = a
                new[a] = n_kept
                n_kept += 1
                if a > 0:
                    longest = max(longest, np.int64(_allele_shape(member[s, a], ref_len, alt_offset)[0]))
        o_pos[i], o_ref_len[i], o_n_alts[i], o_ploidy[i] = pos[first], longest, n_kept - 1, ploidy[s]
        for a in range(1, n_kept):
            n_base = _write_allele(
                member[s, kept[a]], pos[first], ref_len, alt_seq, alt_offset, longest,
                reference, reference_start, o_seq, n_base,
            )  # fmt: skip
            o_given[n_alt] = member[s, kept[a], 1] < 0 and given[member[s, kept[a], 0]]
            n_alt += 1
            o_alt_offset[n_alt] = n_base
        o_site_offset[i + 1] = n_alt
        pair = genotype_alleles(best[s], ploidy[s])
        o_gt[i, 0] = new[pair[0]]
        o_gt[i, 1] = new[pair[1]] if pair[1] >= 0 else -2
        first_gl = n_gl = o_gl_offset[i]
        top = -np.inf
        for g in range(genotype_count(n_alleles[s], ploidy[s])):
            x, y = genotype_alleles(g, ploidy[s])
            if keep[s, x] and (y < 0 or keep[s, y]):
                o_gl[n_gl] = _without_prior(gl[s, g], x, y, n_alleles[s], member[s], prior)
                top = max(top, o_gl[n_gl])
                n_gl += 1
        for k in range(first_gl, n_gl):
            o_gl[k] -= top
        o_gl_offset[i + 1] = n_gl
        o_gq[i] = min(99, int(np.floor(gq[s] + 0.5)))
        o_qual[i] = qual[s]
        o_ad_offset[i + 1] = o_ad_offset[i] + n_kept
        depths = o_ad[o_ad_offset[i] : o_ad_offset[i + 1]]
        _allele_depths(kept, n_kept, member[s], ad, depths)
        deepest = np.int64(depths.sum())
        for r in range(offsets[s], offsets[s + 1]):
            deepest = max(deepest, np.int64(dp[r]))
        o_dp[i] = deepest
        if o_given[n_alt - o_n_alts[i] : n_alt].any():
            _settle_reference(i, o_gl[first_gl:n_gl], from_panel, o_gt, o_gq, o_qual)
        # what is surely not there hides no base behind its POS
        o_covers[i] = 1 if status[s] == SITE_GIVEN or o_gt[i, 0] == -1 else longest
        i += 1
    return (
        o_pos, o_ref_len, o_n_alts, o_seq, o_alt_offset, o_site_offset, o_ploidy, o_gt,
        o_gl, o_gl_offset, o_gq, o_qual, o_dp, o_ad, o_ad_offset, o_given, o_covers,
    )  # fmt: skip
