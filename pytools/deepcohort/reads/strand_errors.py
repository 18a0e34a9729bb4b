"""Bases that reads of one strand misread in a context, as long reads do where bases are modified.

Errors that chance makes are few at each site and lie on both strands. Where a modified base (5mC of a CpG) is
read as another, a good part of the reads of one strand err at the same sites: heterozygotes to the networks.
How many sites of each context do so, and how often, is measured where the library's profile is; a variant is
then one that reads of the other strand show too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.contamination_kernels import tally_alleles
from deepcohort.reads.library import SURE_MAPQ
from deepcohort.reads.long_qualities import matches_of
from deepcohort.reads.qualities import are_too_poor
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.strand_error_fit import SHARES, fit
from deepcohort.reads.strand_error_kernels import put_right
from deepcohort.reads.types import LEAST_QUALITY, StrandErrors
from deepcohort.reads.windows import PROFILE_WINDOW_BP

_REVERSE = 0x10
_N_CELLS = 256
# A site that shows it: so many reads of a strand, so many of them wrong alike, next to none of the other's.
_LEAST_READS, _LEAST_WRONG, _LEAST_SHARE, _MOST_OTHER = 3, 2, 0.15, 0.1
_HINT_SITES, _HINT_WINDOWS, _HINT_TIMES = 3, 2, 4.0  # times as many as independent errors make
_RAREST = 1e-4  # error that is taken for one where none was seen
# what is told: so many sites of a context, so much likelier (ln) than none; at least that share of its sites
_LEAST_SITES, _LEAST_LN, _LEAST_SITE_SHARE = 3.0, 10.0, 0.002
# Misread rather than a variant: so much likelier (ln), where others err at least so often and heterozygotes
# are twice as many as homozygotes.
_SURE_LN, _LEAST_ERROR, _HOMOZYGOTES = np.log(10.0), 2e-3, 0.5
_HET, _HOM = np.array([0.5]), np.array([0.99])  # shares of the reads that show the ALT


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """S sites and one ALT each: three for each base that a context is known of.

    Attributes:
        window: int64 (S,). cell: int64 (S,), 4 x context + ALT; a context as in `StrandErrors`.
        counts: int64 (S, 2, 2): by strand (forward, reverse), bases that are REF or ALT, and those of ALT.
    """

    window: NDArray[np.int64]
    cell: NDArray[np.int64]
    counts: NDArray[np.int64]


def count_sites(
    pieces: Sequence[ReadColumns], references: Sequence[tuple[int, NDArray[np.uint8]]]
) -> SiteCounts:
    """Counts at the sites of windows, by the gapless matches of reads that are surely placed.

    `pieces` are all reads that lie at windows, MAPQ on the common scale, `references` the windows' (start,
    base codes).
    """
    least = 0 if are_too_poor(pieces) else LEAST_QUALITY
    parts = [SiteCounts(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2, 2), np.int64))]
    for number, (piece, (start, codes)) in enumerate(zip(pieces, references, strict=True)):
        codes = codes[:PROFILE_WINDOW_BP]
        is_reverse, sure = (piece.flag & _REVERSE) != 0, piece.mapq >= SURE_MAPQ
        strands = [
            matches_of(piece, use, start, start + len(codes))
            for use in (sure & ~is_reverse, sure & is_reverse)
        ]
        seen = np.stack([tally_alleles(reads, start, len(codes), least) for reads in strands])
        context = _contexts(codes)
        at = np.flatnonzero(context >= 0)
        for step in (1, 2, 3):
            alt = (codes[at].astype(np.int64) + step) % 4
            counts = _ref_and_alt(seen, at, codes[at], alt)
            some = counts[:, :, 0].sum(axis=1) > 0
            cell = (4 * context[at] + alt)[some]
            parts.append(SiteCounts(np.full(len(cell), number), cell, counts[some]))
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in SiteCounts.__slots__]
    return SiteCounts(*joined)


def _contexts(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Int64 (L,): context of each base, see `StrandErrors`; -1 at the ends and beside unknown bases."""
    wide = codes.astype(np.int64)
    found = np.full(len(codes), -1, np.int64)
    if len(codes) > 2:
        before, base, behind = wide[:-2], wide[1:-1], wide[2:]
        known = np.max([before, base, behind], axis=0) < 4
        found[1:-1] = np.where(known, 16 * before + 4 * base + behind, -1)
    return found


def _ref_and_alt(
    seen: NDArray[np.int32], at: NDArray[np.int64], ref: NDArray[np.uint8], alt: NDArray[np.int64] | int
) -> NDArray[np.int64]:
    """`SiteCounts.counts`, int64 (n, 2, 2), at `at`, int64 (n,), of bases `seen`, int32 (2, L, 4)."""
    n_ref, n_alt = seen[:, at, ref].astype(np.int64), seen[:, at, alt].astype(np.int64)
    return np.stack([n_ref + n_alt, n_alt], axis=2).transpose(1, 0, 2)


def hinted_cells(sites: SiteCounts) -> list[tuple[int, int]]:
    """(cell, strand) that more sites show than independent errors would make: those are worth a look."""
    found = []
    n_sites = np.bincount(sites.cell, minlength=_N_CELLS)
    for strand in (0, 1):
        n, wrong = sites.counts[:, strand].T
        n_other, wrong_other = sites.counts[:, 1 - strand].T
        judged = (n >= _LEAST_READS) & (n_other >= _LEAST_READS)
        need = np.maximum(_LEAST_WRONG, np.ceil(_LEAST_SHARE * n)).astype(np.int64)
        shows = judged & (wrong >= need) & (wrong_other <= _MOST_OTHER * n_other)
        plain = judged & (wrong < need)
        n_wrong, n_bases = (np.bincount(sites.cell[plain], k[plain], _N_CELLS) for k in (wrong, n))
        by_chance = _at_least(need, n, (n_wrong / np.maximum(n_bases, 1))[sites.cell])
        due = np.bincount(sites.cell[judged], by_chance[judged], _N_CELLS)
        shown = np.bincount(sites.cell[shows], minlength=_N_CELLS)
        least = np.maximum(np.maximum(_HINT_SITES, _HINT_TIMES * due), _LEAST_SITE_SHARE * n_sites)
        for cell in np.flatnonzero(shown >= least).tolist():
            if len(np.unique(sites.window[shows & (sites.cell == cell)])) >= _HINT_WINDOWS:
                found.append((cell, strand))
    return found


def _at_least(need: NDArray[np.int64], n: NDArray[np.int64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """About P(`need` or more of `n` | each with `p`, which is small), float64 (S,)."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, max(int(n.max(initial=0)), 1) + 1)))))
    ways = logs[n] - logs[np.minimum(need, n)] - logs[np.maximum(n - need, 0)]
    return np.asarray(np.minimum(1.0, np.exp(ways + need * np.log(np.maximum(p, _RAREST)))))


def measure(sites: SiteCounts, cells: Sequence[tuple[int, int]]) -> tuple[StrandErrors, ...]:
    """What is sure of the (cell, strand) `cells`, by all `sites`."""
    found = [_measured(sites.counts[sites.cell == cell], cell, strand) for cell, strand in cells]
    return tuple(one for one in found if one is not None)


def _measured(counts: NDArray[np.int64], cell: int, strand: int) -> StrandErrors | None:
    """Of the sites of a cell; None where nothing is sure."""
    rows, times = np.unique(counts[:, [strand, 1 - strand]].reshape(-1, 4), axis=0, return_counts=True)
    found = fit(rows, times)
    many = found.by_share[1:].sum()  # that err at a tenth of the reads are no variants to anybody
    if found.more_ln < _LEAST_LN or found.sites * times.sum() < _LEAST_SITES or many < _LEAST_SITE_SHARE:
        return None
    return StrandErrors(
        context=cell // 4,
        alt=cell % 4,
        reverse=bool(strand),
        sites=round(found.sites, 5),
        error=round(found.error, 6),
        heterozygotes=round(found.heterozygotes, 6),
        shares=tuple(round(float(share), 4) for share in found.by_share / found.sites),
    )


def log_misread(counts: NDArray[np.int64], errors: StrandErrors) -> NDArray[np.float64]:
    """ln P(counts, misread and no variant) - ln P(counts, one copy or two), float64 (n,).

    `counts`: int64 (n, 2, 2), as in `SiteCounts`, of sites of the context of `errors`.
    """
    strand = int(errors.reverse)
    (n, wrong), (n_other, wrong_other) = counts[:, strand].T, counts[:, 1 - strand].T
    shares, by_share = np.array(SHARES), np.array(errors.shares) * errors.sites
    other = np.array([max(errors.error, _LEAST_ERROR)])
    misread = _log_mixed(wrong, n, shares, by_share) + _log_mixed(wrong_other, n_other, other, np.ones(1))
    variant = []
    for share, prior in ((_HET, 1.0), (_HOM, _HOMOZYGOTES)):
        # a variant's own reads of REF are misread too
        both = np.concatenate([share, share + (1 - share) * shares])
        weights = np.concatenate([[1 - errors.sites], by_share])
        logs = _log_mixed(wrong, n, both, weights) + _log_mixed(wrong_other, n_other, share, np.ones(1))
        variant.append(logs + np.log(prior * errors.heterozygotes))
    return np.asarray(misread - np.logaddexp(*variant))


def _log_mixed(
    k: NDArray[np.int64], n: NDArray[np.int64], shares: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """ln of the sum over `shares`, float64 (K,), of `weights` x P(`k` given ones of `n`), float64 (n,)."""
    with np.errstate(divide="ignore"):
        logs = k[:, None] * np.log(shares) + (n - k)[:, None] * np.log1p(-shares) + np.log(weights)
    return np.asarray(np.logaddexp.reduce(logs, axis=1))


def without_misread_bases(
    columns: ReadColumns,
    errors: Sequence[StrandErrors],
    codes: NDArray[np.uint8],
    start: int,
    span: tuple[int, int],
) -> ReadColumns:
    """`columns` where bases that reads of one strand misread are REF, of a quality that says nothing.

    They are misread where, by what all reads of both strands show there, that is far likelier than a variant.

    Args:
        errors: of the library; none change nothing. codes: uint8, the reference from `start` on. span:
            positions from, to, whose reads are all in `columns`.
    """
    first, stop = max(span[0] - 1, start), min(span[1] + 1, start + len(codes))
    if not errors or not len(columns.pos) or stop - first < 3:
        return columns
    codes = codes[first - start : stop - start]
    columns = replace(columns, seq=columns.seq.copy(), qual=columns.qual.copy())
    is_reverse = (columns.flag & _REVERSE) != 0
    strands = [matches_of(columns, use, first, stop, 0) for use in (~is_reverse, is_reverse)]
    seen = np.stack([tally_alleles(reads, first, len(codes), LEAST_QUALITY) for reads in strands])
    context = _contexts(codes)
    misread = np.full((2, len(codes)), 4, np.uint8)
    for one in errors:
        strand = int(one.reverse)
        at = np.flatnonzero((context == one.context) & (seen[strand, :, one.alt] > 0))
        counts = _ref_and_alt(seen, at, codes[at], one.alt)
        misread[strand, at[log_misread(counts, one) >= _SURE_LN]] = one.alt
    for reads, alts in zip(strands, misread, strict=True):
        put_right(reads, first, alts, codes, LEAST_QUALITY - 1)
    return columns
