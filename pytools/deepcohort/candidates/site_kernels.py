"""The sites of a window's alleles: their repeats, and the haplotypes that alleles nearby spell."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlleleColumns, Int
from deepcohort.core.numba_options import kernel

MAX_HYPOTHESES = 32  # compared at one site; further alternates are left unjudged
_MOST_WITH_NEIGHBOURS = 16  # haplotypes of a site, where neighbours are combined with its alleles
_MAX_NEIGHBOURS = 3
NEIGHBOUR_BP = 200  # farther ones are left out
BEHIND_BP = 12


class Sites(NamedTuple):
    """S sites of N candidates: those that share a POS.

    Attributes:
        pos: int64 (S,), relative to the window, ascending. first: int64 (S + 1,), rows of its candidates.
        resync: int64 (S,), first position after the repeat, from which all alleles read alike; -1 where a
            site has no indel.
        period: int32 (N,), bp of the repeat unit. units: float32 (N,), repeat units, the candidate's own
            included. Both are 0 for SNPs.
    """

    pos: NDArray[np.int64]
    first: NDArray[np.int64]
    resync: NDArray[np.int64]
    period: NDArray[np.int32]
    units: NDArray[np.float32]


class Haplotypes(NamedTuple):
    """H haplotypes to hold reads against at S sites.

    Attributes:
        anchor: int64 (S,), site from whose position on they are spelled: itself or an earlier one whose
            repeat reaches over it. first: int64 (S + 1,), rows of the haplotypes of each site.
        candidate: int32 (H,), 0 for REF, else 1 + the candidate's place in the site.
        delta: int64 (H,), bp longer than the reference.
        offset: int64 (H + 1,) and bases: uint8, base codes that follow the anchor's up to the last change.
        tail: int64 (H,), reference position where it goes on.
    """

    anchor: NDArray[np.int64]
    first: NDArray[np.int64]
    candidate: NDArray[np.int32]
    delta: NDArray[np.int64]
    offset: NDArray[np.int64]
    bases: NDArray[np.uint8]
    tail: NDArray[np.int64]


@kernel
def indel_period(sequence: NDArray[np.uint8], n: Int) -> Int:
    """Smallest repeat unit, in bp, that `sequence[:n]` (uint8, base codes) consists of whole copies of."""
    for period in range(1, n):
        if n % period:
            continue
        same = True
        for k in range(period, n):
            if sequence[k] != sequence[k - period]:
                same = False
                break
        if same:
            return period
    return n


@kernel
def repeat_after(reference: NDArray[np.uint8], first: Int, unit: NDArray[np.uint8], n_unit: Int) -> Int:
    """bp of the reference from `first` on that continue the repeat of `unit[:n_unit]`.

    `reference`: uint8 (L,), `unit`: uint8 (>= n_unit,), base codes.
    """
    n = 0
    while (
        first + n < len(reference) and reference[first + n] == unit[n % n_unit] and reference[first + n] < 4
    ):
        n += 1
    return n


@kernel
def site_repeats(
    site_pos: NDArray[np.int64],
    site_first: NDArray[np.int64],
    alleles: AlleleColumns,
    reference: NDArray[np.uint8],
) -> Sites:
    """Sites at `site_pos` int64 (S,), whose alleles are rows site_first int64 (S + 1,), with their repeats.

    `reference`: uint8 (L,), base codes that positions are relative to.
    """
    n_sites = len(site_pos)
    ref_len, alt_offset = alleles.ref_len, alleles.alt_offset
    resync = np.full(n_sites, -1, np.int64)
    period = np.zeros(len(ref_len), np.int32)
    units = np.zeros(len(ref_len), np.float32)
    for s in range(n_sites):
        p = site_pos[s]
        for c in range(site_first[s], site_first[s + 1]):
            n_alt = alt_offset[c + 1] - alt_offset[c]
            if n_alt == ref_len[c]:
                continue
            if n_alt > ref_len[c]:
                n = n_alt - 1
                unit = alleles.alt_seq[alt_offset[c] + 1 : alt_offset[c + 1]]
                after = p + 1
            else:
                n = np.int64(ref_len[c]) - 1
                unit = reference[p + 1 : p + 1 + n]
                after = p + 1 + n
            n = min(n, len(unit))
            more = repeat_after(reference, after, unit, n)
            period[c] = indel_period(unit, n)
            units[c] = (more + n) / period[c]
            # of a replacement, alleles read alike behind all that is replaced
            resync[s] = max(resync[s], after + more, p + ref_len[c])
    return Sites(site_pos, site_first, resync, period, units)


@kernel
def _longer(array: NDArray[Any]) -> NDArray[Any]:
    """Array of its dtype (2 n,) that begins with `array` (n,), zero behind."""
    longer = np.zeros(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@kernel
def _anchor_site(s: Int, site_pos: NDArray[np.int64], resync: NDArray[np.int64]) -> Int:
    """The first site whose indels' repeat ends shortly before site `s` or behind it; `s` where none does.

    `site_pos`, `resync`: int64 (S,), see `Sites`.
    """
    anchor = s
    t = s - 1
    while t >= 0 and site_pos[t] >= site_pos[s] - NEIGHBOUR_BP:
        if resync[t] >= 0 and resync[t] + BEHIND_BP > site_pos[s]:
            anchor = t
        t -= 1
    return anchor


@kernel
def _add_near(
    t: Int, s: Int, indels: bool, sites: Sites, alleles: AlleleColumns, joins: NDArray[np.bool_],
    near: NDArray[np.int64], n: Int,
) -> Int:  # fmt: skip
    """Add the candidates of site `t` that are indels, or are none, to `near`; at site `s` only SNPs.

    `joins`: bool (N,), candidates that count. `near`: int64 (_MAX_NEIGHBOURS,), rows, of which `n` count.
    Returns how many count now.
    """
    for c in range(sites.first[t], sites.first[t + 1]):
        indel = alleles.alt_offset[c + 1] - alleles.alt_offset[c] != alleles.ref_len[c]
        if joins[c] and indel == indels and n < len(near) and not (indel and t == s):
            near[n] = c
            n += 1
    return n


@kernel
def _neighbours(
    s: Int,
    anchor: Int,
    sites: Sites,
    alleles: AlleleColumns,
    joins: NDArray[np.bool_],
    near: NDArray[np.int64],
) -> Int:
    """Candidates of other sites from `anchor` on that begin within the repeat of site `s` (indels also
    shortly behind it, where too few bases would be left to compare), indels first; how many.

    `joins`: bool (N,), candidates that count. `near`: int64 (_MAX_NEIGHBOURS,), receives their rows.
    """
    n: Int = 0
    for indels in (True, False):
        for t in range(s, anchor - 1, -1):
            if indels or t != anchor:  # a SNP at the anchor's own POS cannot be spelled from there
                n = _add_near(t, s, indels, sites, alleles, joins, near, n)
        stop = min(sites.resync[s] + (BEHIND_BP if indels else 0), sites.pos[s] + NEIGHBOUR_BP)
        behind: Int = s + 1
        while behind < len(sites.pos) and sites.pos[behind] < stop:
            n = _add_near(behind, s, indels, sites, alleles, joins, near, n)
            behind += 1
    return n


@kernel
def _combine(own: Int, near: NDArray[np.int64], subset: Int, rows: NDArray[np.int64]) -> Int:
    """Write to `rows`, ascending, a candidate (or -1 for none) and the neighbours whose bits `subset` has.

    `near`: int64 (n,), rows. `rows`: int64 (>= n + 1,). Returns how many.
    """
    n = 0
    if own >= 0:
        rows[0] = own
        n = 1
    for k in range(len(near)):
        if (subset >> k) & 1:
            rows[n] = near[k]
            n += 1
    rows[:n].sort()
    return n


@kernel
def _spell(
    site: Int,
    rows: NDArray[np.int64],
    alleles: AlleleColumns,
    reference: NDArray[np.uint8],
    out: NDArray[np.uint8],
    first: Int,
) -> tuple[Int, Int, NDArray[np.uint8]]:
    """Write the bases behind `site` up to the last change of the alleles `rows` (ascending) to out[first:].

    `rows`: int64 (n,). `reference`: uint8 (L,), base codes. `out`: uint8, codes. Returns (bases written,
    reference position of the first base behind them, `out`, grown where it has no room); -1 written
    where two alleles overlap.
    """
    n = 0
    at = site + 1
    for c in rows:
        n_alt = alleles.alt_offset[c + 1] - alleles.alt_offset[c]
        shared = 0 if n_alt == alleles.ref_len[c] else 1  # the anchor base of an indel
        start = alleles.pos[c] + shared
        if start < at:
            return np.int64(-1), at, out
        while first + n + (start - at) + n_alt > len(out):
            out = _longer(out)
        while at < start:
            out[first + n] = reference[at]
            n += 1
            at += 1
        for j in range(shared, n_alt):
            out[first + n] = alleles.alt_seq[alleles.alt_offset[c] + j]
            n += 1
        at += alleles.ref_len[c] - shared
    return n, at, out


@kernel
def _no_haplotypes(n_sites: Int, n_candidates: Int, n_bases: Int) -> Haplotypes:
    """Room for two haplotypes of most sites; `_with_room` and `_spell` make more."""
    capacity = n_candidates + n_sites + 1
    return Haplotypes(
        np.arange(n_sites),
        np.zeros(n_sites + 1, np.int64),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int64),
        np.zeros(capacity + 1, np.int64),
        np.empty(n_bases + 4096, np.uint8),
        np.zeros(capacity, np.int64),
    )


@kernel
def _with_room(haplotypes: Haplotypes, wanted: Int) -> Haplotypes:
    """`haplotypes` with room for more than `wanted` rows."""
    candidate, delta, offset, tail = (
        haplotypes.candidate,
        haplotypes.delta,
        haplotypes.offset,
        haplotypes.tail,
    )
    while wanted >= len(candidate):
        candidate = _longer(candidate)
        delta = _longer(delta)
        offset = _longer(offset)
        tail = _longer(tail)
    return Haplotypes(haplotypes.anchor, haplotypes.first, candidate, delta, offset, haplotypes.bases, tail)


@kernel
def _add_haplotypes(
    s: Int,
    n: Int,
    near: NDArray[np.int64],
    sites: Sites,
    alleles: AlleleColumns,
    reference: NDArray[np.uint8],
    found: Haplotypes,
    h: Int,
) -> tuple[Int, NDArray[np.uint8]]:
    """Haplotypes of site `s` from row `h` on: REF and its first `n` candidates, with each subset of `near`.

    `near`: int64 (k,), rows, ascending. `reference`: uint8 (L,), base codes. Returns (rows used now,
    `found.bases`, grown where it had no room).
    """
    rows = np.empty(_MAX_NEIGHBOURS + 2, np.int64)
    bases = found.bases
    begin = sites.pos[found.anchor[s]]
    for subset in range(1 << len(near)):
        for i in range(n + 1):
            c = sites.first[s] + i - 1
            if i > 0 and alleles.alt_offset[c + 1] - alleles.alt_offset[c] == alleles.ref_len[c]:
                continue
            n_rows = _combine(c if i > 0 else -1, near, subset, rows)
            written, behind, bases = _spell(begin, rows[:n_rows], alleles, reference, bases, found.offset[h])
            if written < 0:
                continue
            found.candidate[h] = i
            found.delta[h] = written - (behind - begin - 1)
            found.tail[h] = behind
            found.offset[h + 1] = found.offset[h] + written
            h += 1
    return h, bases


@kernel
def site_haplotypes(
    sites: Sites, alleles: AlleleColumns, joins: NDArray[np.bool_], reference: NDArray[np.uint8]
) -> Haplotypes:
    """Haplotypes to hold reads against at each site with indels: REF and each ALT, alone and with
    candidates nearby that begin within the same repeat, before it or behind it.

    Without those a read of the other haplotype that carries, say, an indel of its own at the far end
    of the repeat fits neither REF nor ALT, or fits the wrong one.

    Args:
        sites: `resync` is raised where a neighbour's repeat reaches farther.
        joins: bool (N,), candidates that count as neighbours.
        reference: uint8 (L,), base codes.
    """
    n_sites = len(sites.pos)
    found = _no_haplotypes(n_sites, len(alleles.ref_len), len(alleles.alt_seq))
    near = np.empty(_MAX_NEIGHBOURS, np.int64)
    own_resync = sites.resync.copy()
    bases = found.bases
    h = 0
    for s in range(n_sites):
        found.first[s] = h
        if sites.resync[s] < 0:
            continue
        anchor = _anchor_site(s, sites.pos, own_resync)
        found.anchor[s] = anchor
        n = min(sites.first[s + 1] - sites.first[s], MAX_HYPOTHESES - 1)
        n_near = _neighbours(s, anchor, sites, alleles, joins, near)
        while n_near > 0 and (n + 1) << n_near > _MOST_WITH_NEIGHBOURS:
            n_near -= 1
        near[:n_near].sort()
        found = _with_room(found, h + ((n + 1) << n_near))
        h, bases = _add_haplotypes(s, n, near[:n_near], sites, alleles, reference, found, h)
        found = Haplotypes(
            found.anchor, found.first, found.candidate, found.delta, found.offset, bases, found.tail
        )
        for c in near[:n_near]:
            t = np.searchsorted(sites.pos, alleles.pos[c])
            if alleles.alt_offset[c + 1] - alleles.alt_offset[c] != alleles.ref_len[c]:
                sites.resync[s] = max(sites.resync[s], sites.resync[t])
    found.first[n_sites] = h
    return Haplotypes(
        found.anchor,
        found.first,
        found.candidate[:h],
        found.delta[:h],
        found.offset[: h + 1],
        bases,
        found.tail[:h],
    )
