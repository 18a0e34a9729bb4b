"""Kernels: the phase of linked sites that makes their fragments most likely.

A fragment comes from one haplotype. With x(h) the log10 odds for the first allele at site h, and s(h) = 1
or -1 for the phase of the site, the likelihood of a fragment is, up to a constant, 10^(S/2) + 10^(-S/2)
where S = sum of s(h) x(h). The sum over fragments of the log10 of that is made as large as possible.

Everything is counted in integers (`support` gives 10^-6 log10 units), so that no order of summation
shows. Fragments are in CSR form over `site` and `odds`; sites are numbered such that linked ones stand
together: group g owns sites first[g]:first[g + 1].
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.phase.config import UNITS_PER_LOG10

MICRO = 1_000_000  # units of log10 likelihood
_TABLE_UNITS = 640
_S = np.arange(_TABLE_UNITS + 1) / UNITS_PER_LOG10
_SUPPORT = np.rint(MICRO * (0.5 * _S + np.log10(1.0 + 10.0**-_S))).astype(np.int64)
_HALF_UNIT = MICRO // (2 * UNITS_PER_LOG10)
_MAX_ROUNDS = 30


@kernel
def support(units: int) -> int:
    """log10(10^(S/2) + 10^(-S/2)) in 10^-6, S = units / UNITS_PER_LOG10."""
    units = abs(units)
    return _SUPPORT[units] if units <= _TABLE_UNITS else units * _HALF_UNIT


@kernel
def group_sites(n_sites: int, offset: NDArray[np.int64], site: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number of each site's group of linked sites, int64 (H,), by ascending first site."""
    parent = np.arange(n_sites)
    for f in range(len(offset) - 1):
        for e in range(offset[f], offset[f + 1]):
            a, b = site[offset[f]], site[e]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            parent[max(a, b)] = min(a, b)
    group = np.empty(n_sites, np.int64)
    n = 0
    for h in range(n_sites):
        root = h
        while parent[root] != root:
            root = parent[root]
        if root == h:
            group[h] = n
            n += 1
        else:
            group[h] = group[root]
    return group


@kernel
def list_links(
    offset: NDArray[np.int64], site: NDArray[np.int32], odds: NDArray[np.int8], reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of sites in one fragment, up to `reach` of its sites apart: (sites int64 (K, 2), weight int64).

    The weight is what that fragment says for equal phase against opposite phase.
    """
    n = 0
    for f in range(len(offset) - 1):
        for e in range(offset[f], offset[f + 1]):
            n += min(reach, offset[f + 1] - 1 - e)
    pairs, weight = np.empty((n, 2), np.int64), np.empty(n, np.int64)
    n = 0
    for f in range(len(offset) - 1):
        for e in range(offset[f], offset[f + 1]):
            for k in range(e + 1, min(e + reach + 1, offset[f + 1])):
                pairs[n, 0], pairs[n, 1] = site[e], site[k]
                x, y = np.int64(odds[e]), np.int64(odds[k])
                weight[n] = support(x + y) - support(x - y)
                n += 1
    return pairs, weight


@kernel
def _root(parent: NDArray[np.int64], sign: NDArray[np.int8], h: int) -> tuple[int, int]:
    """(root of site h, its phase against the root); the way there is shortened."""
    at, whole = h, 1
    while parent[at] != at:
        whole *= sign[at]
        at = parent[at]
    root, at, rest = at, h, whole
    while parent[at] != at:
        above, own = parent[at], sign[at]
        parent[at], sign[at] = root, rest
        rest *= own
        at = above
    return root, whole


@kernel
def join_links(n_sites: int, pairs: NDArray[np.int64], weight: NDArray[np.int64]) -> NDArray[np.int8]:
    """Phase of each site, int8 (H,), from links in the order given; of joined sites none counts."""
    parent, sign = np.arange(n_sites), np.ones(n_sites, np.int8)
    for k in range(len(weight)):
        a, sign_a = _root(parent, sign, pairs[k, 0])
        b, sign_b = _root(parent, sign, pairs[k, 1])
        if a != b:
            parent[max(a, b)] = min(a, b)
            sign[max(a, b)] = sign_a * sign_b * (1 if weight[k] >= 0 else -1)
    out = np.empty(n_sites, np.int8)
    for h in range(n_sites):
        out[h] = _root(parent, sign, h)[1]
    return out


class SiteEntries(NamedTuple):
    """Entries by site, M of them at H sites.

    first: int64 (H+1,), of each site in `entry`, int64 (M,). fragment: int64 (M,), odds: int8 (M,), of each
    entry.
    """

    first: NDArray[np.int64]
    entry: NDArray[np.int64]
    fragment: NDArray[np.int64]
    odds: NDArray[np.int8]


@kernel
def _entries_of_sites(
    n_sites: int, offset: NDArray[np.int64], site: NDArray[np.int32], odds: NDArray[np.int8]
) -> SiteEntries:
    """Entries (M,) of fragments, which begin at `offset` (F+1,), by site."""
    first = np.zeros(n_sites + 1, np.int64)
    for e in range(len(site)):
        first[site[e] + 1] += 1
    for h in range(n_sites):
        first[h + 1] += first[h]
    fill, entry = first[:-1].copy(), np.empty(len(site), np.int64)
    fragment = np.empty(len(site), np.int64)
    for f in range(len(offset) - 1):
        for e in range(offset[f], offset[f + 1]):
            fragment[e] = f
            entry[fill[site[e]]] = e
            fill[site[e]] += 1
    return SiteEntries(first, entry, fragment, odds)


@kernel
def _gain_of_flip(
    h: int,
    at: SiteEntries,
    sign: NDArray[np.int8],
    total: NDArray[np.int64],
) -> int:
    """What flipping site `h` gains; `sign` (H,), `total` (F,)."""
    gain = 0
    for k in range(at.first[h], at.first[h + 1]):
        e = at.entry[k]
        f = at.fragment[e]
        gain += support(total[f] - 2 * sign[h] * np.int64(at.odds[e])) - support(total[f])
    return gain


@kernel
def _flip(
    h: int,
    at: SiteEntries,
    sign: NDArray[np.int8],
    total: NDArray[np.int64],
) -> None:
    """Flip site `h` in `sign` (H,) and in the totals (F,) of its fragments."""
    for k in range(at.first[h], at.first[h + 1]):
        e = at.entry[k]
        total[at.fragment[e]] -= 2 * sign[h] * np.int64(at.odds[e])
    sign[h] = -sign[h]


@kernel
def _solve_exactly(
    begin: int,
    end: int,
    at: SiteEntries,
    sign: NDArray[np.int8],
    total: NDArray[np.int64],
) -> None:
    """Best phase of sites begin:end by trying all; the first keeps its sign. Of equals the first stays.

    Arrays as in `_gain_of_flip`: `sign` (H,), `total` (F,).
    """
    n = end - begin - 1
    score = best = 0
    state = best_state = 0
    for step in range(1, 1 << n):
        bit = 0
        while not (step >> bit) & 1:
            bit += 1
        h = begin + 1 + bit
        score += _gain_of_flip(h, at, sign, total)
        _flip(h, at, sign, total)
        state ^= 1 << bit
        if score > best:
            best, best_state = score, state
    for bit in range(n):
        if ((state ^ best_state) >> bit) & 1:
            _flip(begin + 1 + bit, at, sign, total)


@kernel
def switch_losses(
    n_sites: int,
    offset: NDArray[np.int64],
    site: NDArray[np.int32],
    odds: NDArray[np.int8],
    sign: NDArray[np.int8],
) -> NDArray[np.int64]:
    """What flipping all sites of a group from each on would lose, int64 (H,): 0 at the first of a group."""
    change = np.zeros(n_sites + 1, np.int64)
    for f in range(len(offset) - 1):
        whole = 0
        for e in range(offset[f], offset[f + 1]):
            whole += sign[site[e]] * np.int64(odds[e])
        left = 0
        for e in range(offset[f], offset[f + 1] - 1):
            left += sign[site[e]] * np.int64(odds[e])
            loss = support(whole) - support(2 * left - whole)
            change[site[e] + 1] += loss
            change[site[e + 1] + 1] -= loss
    losses = np.empty(n_sites, np.int64)
    running = 0
    for h in range(n_sites):
        running += change[h]
        losses[h] = running
    return losses


@kernel
def _apply_switches(
    first_site: NDArray[np.int64],
    offset: NDArray[np.int64],
    site: NDArray[np.int32],
    odds: NDArray[np.int8],
    sign: NDArray[np.int8],
) -> int:
    """Flip the rest of a group where that gains, the best first, none near another; how many.

    `first_site` (groups + 1,), `offset` (F+1,), `site`, `odds` (M,), `sign` (H,).
    """
    n_sites = len(sign)
    losses = switch_losses(n_sites, offset, site, odds, sign)
    span = 1
    for f in range(len(offset) - 1):
        span = max(span, site[offset[f + 1] - 1] - site[offset[f]])
    candidates = np.flatnonzero(losses < 0)
    candidates = candidates[np.argsort(losses[candidates], kind="mergesort")]
    switched = np.zeros(n_sites + 1, np.bool_)
    n = 0
    for k in range(len(candidates)):
        h = candidates[k]
        if switched[max(0, h - span) : h + span + 1].any():
            continue
        switched[h] = True
        n += 1
    for g in range(len(first_site) - 1):
        turned = 1
        for h in range(first_site[g], first_site[g + 1]):
            if switched[h]:
                turned = -turned
            sign[h] *= turned
    return n


@kernel
def _totals(
    offset: NDArray[np.int64],
    site: NDArray[np.int32],
    odds: NDArray[np.int8],
    sign: NDArray[np.int8],
    total: NDArray[np.int64],
) -> None:
    """Fill `total` (F,): odds of each fragment for the phase `sign` (H,)."""
    for f in range(len(offset) - 1):
        total[f] = 0
        for e in range(offset[f], offset[f + 1]):
            total[f] += sign[site[e]] * np.int64(odds[e])


@kernel
def _gain_of_run(
    begin: int,
    end: int,
    at: SiteEntries,
    sign: NDArray[np.int8],
    total: NDArray[np.int64],
) -> int:
    """What flipping sites begin:end gains; they stay flipped.

    Arrays as in `_gain_of_flip`: `sign` (H,), `total` (F,).
    """
    gain = 0
    for h in range(begin, end):
        gain += _gain_of_flip(h, at, sign, total)
        _flip(h, at, sign, total)
    return gain


@kernel
def _apply_flips(
    begin: int,
    end: int,
    longest: int,
    at: SiteEntries,
    sign: NDArray[np.int8],
    total: NDArray[np.int64],
) -> int:
    """Flip runs of 1 to `longest` sites of begin:end where that gains; how many.

    Arrays as in `_gain_of_flip`: `sign` (H,), `total` (F,).
    """
    n = 0
    for length in range(1, longest + 1):
        for h in range(begin, end - length + 1):
            if _gain_of_run(h, h + length, at, sign, total) > 0:
                n += 1
            else:
                _gain_of_run(h, h + length, at, sign, total)
    return n


@kernel
def improve_phase(
    first_site: NDArray[np.int64],
    offset: NDArray[np.int64],
    site: NDArray[np.int32],
    odds: NDArray[np.int8],
    sign: NDArray[np.int8],
    exact_sites: int,
    longest_run: int,
) -> NDArray[np.int64]:
    """Make `sign` int8 (H,) the best phase: of small groups by trying all, of others by local search.

    Returns:
        int64 (H,), what flipping each site alone would lose.
    """
    n_sites = len(sign)
    at = _entries_of_sites(n_sites, offset, site, odds)
    total = np.zeros(len(offset) - 1, np.int64)
    for _ in range(_MAX_ROUNDS):
        n = _apply_switches(first_site, offset, site, odds, sign)
        _totals(offset, site, odds, sign, total)
        for g in range(len(first_site) - 1):
            begin, end = first_site[g], first_site[g + 1]
            if end - begin > exact_sites:
                n += _apply_flips(begin, end, longest_run, at, sign, total)
        if n == 0:
            break
    for g in range(len(first_site) - 1):
        begin, end = first_site[g], first_site[g + 1]
        if end - begin <= exact_sites:
            _solve_exactly(begin, end, at, sign, total)
    losses = np.empty(n_sites, np.int64)
    for h in range(n_sites):
        losses[h] = -_gain_of_flip(h, at, sign, total)
    return losses


@kernel
def split_fragments(
    offset: NDArray[np.int64],
    site: NDArray[np.int32] | NDArray[np.int64],
    odds: NDArray[np.int8],
    part: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
    """Fragments cut where `part` (H,) of their sites changes; sites of part -1 and lone entries are left out.

    Returns:
        (offset, site, odds) of what is left, in the order it came. A part of a fragment may lie in pieces.
    """
    new_offset = np.zeros(len(site) + 1, np.int64)
    new_site, new_odds = np.empty(len(site), np.int64), np.empty(len(site), np.int8)
    done = np.zeros(len(site), np.bool_)
    n_fragments = n = 0
    for f in range(len(offset) - 1):
        for e in range(offset[f], offset[f + 1]):
            own = part[site[e]]
            if done[e] or own < 0:
                continue
            begin = n
            for k in range(e, offset[f + 1]):
                if part[site[k]] == own:
                    done[k] = True
                    new_site[n], new_odds[n] = site[k], odds[k]
                    n += 1
            if n - begin < 2:
                n = begin
                continue
            n_fragments += 1
            new_offset[n_fragments] = n
    return new_offset[: n_fragments + 1].copy(), new_site[:n].copy(), new_odds[:n].copy()
