"""Bases that reads of one strand misread in a context, as long reads do where bases are modified.

Errors that chance makes are few at each site and lie on both strands. Where a modified base (5mC of a CpG) is
read as another, a good part of the reads of one strand err at the same sites: to the networks heterozygotes.
How many sites of each context do so, and how often, is measured where the library's profile is.
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
from deepcohort.reads.strand_error_kernels import put_right
from deepcohort.reads.types import LEAST_QUALITY, StrandErrors
from deepcohort.reads.windows import PROFILE_WINDOW_BP

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)  # of the strand's reads that err at a site
_REVERSE = 0x10
# A site that shows it: so many reads of a strand, so many of them wrong alike, next to none of the other's.
_LEAST_READS, _LEAST_WRONG, _LEAST_SHARE, _MOST_OTHER = 3, 2, 0.15, 0.1
_HINT_SITES, _HINT_WINDOWS, _HINT_TIMES = 3, 2, 4.0  # times as many as independent errors make
# what is told: so many sites of a context, ln more likely than none, so many of its sites
_LEAST_SITES, _LEAST_LN, _LEAST_SITE_SHARE = 3.0, 10.0, 0.002
_PRIOR_SITES, _PRIOR_VARIANTS = 1_000, np.array([1.0, 0.5, 1.0])  # of them heterozygotes, homozygotes, odd ones
_LEAST_ERROR = 1e-4
_ROUNDS = 60
_N_FIXED = 4  # plain, heterozygous, homozygous, odd
_LEAST_OTHER_ERROR = 2e-3  # of a base of the other strand: what chance alone makes is not everywhere alike
_HOMOZYGOTES = 0.5  # of them for each heterozygote
_HET, _HOM = np.array([0.5]), np.array([0.99])  # shares of their reads that show the ALT
_SURE_LN = np.log(100.0)  # more likely misread than a variant: the bases are put right


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """S sites and one ALT each: three for each base that a context is known of.

    Attributes:
        window: int64 (S,). cell: int64 (S,), 4 x context + ALT; a context is 16 x base before + 4 x base + base
            behind. counts: int64 (S, 2, 2): by strand (forward, reverse), bases that are REF or ALT, and ALT.
    """

    window: NDArray[np.int64]
    cell: NDArray[np.int64]
    counts: NDArray[np.int64]


def count_sites(
    pieces: Sequence[ReadColumns], references: Sequence[tuple[int, NDArray[np.uint8]]]
) -> SiteCounts:
    """Counts at the sites of windows, by the gapless matches of reads that are surely placed.

    `pieces` are all reads that lie at windows, MAPQ on the common scale, `references` their (start, base codes).
    """
    least = 1 if are_too_poor(pieces) else LEAST_QUALITY
    windows, cells, counts = [], [], []
    for number, (piece, (start, codes)) in enumerate(zip(pieces, references, strict=True)):
        codes = codes[:PROFILE_WINDOW_BP]
        is_reverse, sure = (piece.flag & _REVERSE) != 0, piece.mapq >= SURE_MAPQ
        strands = (sure & ~is_reverse, sure & is_reverse)
        found = [
            tally_alleles(matches_of(piece, use, start, start + len(codes)), start, len(codes), least)
            for use in strands
        ]
        seen = np.stack(found).astype(np.int64)  # (2, L, 4)
        inner = np.arange(1, max(len(codes) - 1, 1))
        inner = inner[(codes[inner - 1] < 4) & (codes[inner] < 4) & (codes[np.minimum(inner + 1, len(codes) - 1)] < 4)]
        ref = codes[inner].astype(np.int64)
        context = 16 * codes[inner - 1].astype(np.int64) + 4 * ref + codes[inner + 1]
        for step in (1, 2, 3):
            alt = (ref + step) % 4
            n_alt, n_ref = seen[:, inner, alt], seen[:, inner, ref]
            kept = (n_alt + n_ref).sum(axis=0) > 0
            windows.append(np.full(int(kept.sum()), number))
            cells.append((4 * context + alt)[kept])
            counts.append(np.stack([n_alt + n_ref, n_alt], axis=2).transpose(1, 0, 2)[kept])
    if not windows:
        return SiteCounts(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2, 2), np.int64))
    return SiteCounts(np.concatenate(windows), np.concatenate(cells), np.concatenate(counts))


def hinted_cells(sites: SiteCounts) -> list[tuple[int, int]]:
    """(cell, strand) that more sites show than independent errors would make: those are worth a look."""
    found = []
    n_sites = np.bincount(sites.cell, minlength=256)
    for strand in (0, 1):
        n, wrong = sites.counts[:, strand].T
        n_other, wrong_other = sites.counts[:, 1 - strand].T
        judged = (n >= _LEAST_READS) & (n_other >= _LEAST_READS)
        need = np.maximum(_LEAST_WRONG, np.ceil(_LEAST_SHARE * n)).astype(np.int64)
        shows = judged & (wrong >= need) & (wrong_other <= _MOST_OTHER * n_other)
        plain = judged & (wrong < need)
        errors = np.bincount(sites.cell[plain], wrong[plain], 256) / np.maximum(
            np.bincount(sites.cell[plain], n[plain], 256), 1
        )
        due = np.bincount(sites.cell[judged], _at_least(need, n, errors[sites.cell])[judged], 256)
        shown = np.bincount(sites.cell[shows], minlength=256)
        for cell in np.flatnonzero(shown >= np.maximum(_HINT_SITES, _HINT_TIMES * due)).tolist():
            here = shows & (sites.cell == cell)
            enough = shown[cell] >= _LEAST_SITE_SHARE * n_sites[cell]
            if enough and len(np.unique(sites.window[here])) >= _HINT_WINDOWS:
                found.append((cell, strand))
    return found


def _at_least(need: NDArray[np.int64], n: NDArray[np.int64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """About P(`need` or more of `n` | each with `p`), float64 (S,): of rare ones."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, max(int(n.max(initial=0)), 1) + 1)))))
    ways = logs[n] - logs[np.minimum(need, n)] - logs[np.maximum(n - need, 0)]
    return np.asarray(np.minimum(1.0, np.exp(ways + need * np.log(np.maximum(p, _LEAST_ERROR)))))


def measure(sites: SiteCounts, cells: Sequence[tuple[int, int]]) -> tuple[StrandErrors, ...]:
    """What is sure of the (cell, strand) `cells`."""
    found = [_fitted(sites.counts[sites.cell == cell], cell, strand) for cell, strand in cells]
    return tuple(one for one in found if one is not None)


def _fitted(counts: NDArray[np.int64], cell: int, strand: int) -> StrandErrors | None:
    rows, times = np.unique(counts[:, [strand, 1 - strand]].reshape(-1, 4), axis=0, return_counts=True)
    without, _, _ = _fit(rows, times, 0.0)
    likelihood, weights, error = _fit(rows, times, 0.01)
    by_share = weights[_N_FIXED:]
    share = float(by_share.sum())
    if (
        likelihood - without < _LEAST_LN
        or share * times.sum() < _LEAST_SITES
        or by_share[1:].sum() < _LEAST_SITE_SHARE
    ):
        return None
    return StrandErrors(
        cell // 4, cell % 4, bool(strand), round(share, 5), round(float(error), 6),
        round(float(weights[1]), 6), tuple(round(float(w), 4) for w in by_share / share),
    )  # fmt: skip


def _fit(
    rows: NDArray[np.int64], times: NDArray[np.int64], begin: float
) -> tuple[float, NDArray[np.float64], float]:
    """(ln likelihood, weights of the kinds of sites, background error of the other strand), by EM.

    Args:
        rows: int64 (U, 4), distinct counts: bases and ALT of the strand, of the other. times: int64 (U,).
        begin: share of the sites that err, at the start; 0: none.
    """
    n, wrong, n_other, wrong_other = rows.T
    shares = np.array(SHARES)
    weights = np.concatenate([[0.0, 1e-3, 5e-4, 1e-3], np.full(len(shares), begin / len(shares))])
    weights[0] = 1 - weights.sum()
    errors = np.full(2, max(float((times * (wrong + wrong_other)).sum() / (times * (n + n_other)).sum()), _LEAST_ERROR))
    likelihood = 0.0
    for _ in range(_ROUNDS):
        plain, other = _log_share(wrong, n, errors[0]), _log_share(wrong_other, n_other, errors[1])
        logs = np.column_stack([
            plain + other,
            _log_share(wrong, n, 0.5) + _log_share(wrong_other, n_other, 0.5),
            _log_share(wrong, n, 0.99) + _log_share(wrong_other, n_other, 0.99),
            _log_uniform(wrong, n) + _log_uniform(wrong_other, n_other),
            *(_log_share(wrong, n, share) + other for share in shares),
        ])  # fmt: skip
        with np.errstate(divide="ignore"):
            joint = logs + np.log(weights)
        total = np.logaddexp.reduce(joint, axis=1)
        likelihood = float((times * total).sum())
        held = np.exp(joint - total[:, None]) * times[:, None]
        weights = held.sum(axis=0)
        variants = (weights[1:_N_FIXED] + _PRIOR_VARIANTS) / (times.sum() + _PRIOR_SITES)
        weights[1:_N_FIXED] = 0
        weights *= (1 - variants.sum()) / weights.sum()
        weights[1:_N_FIXED] = variants
        errors[0] = max((held[:, 0] @ wrong) / max(held[:, 0] @ n, 1.0), _LEAST_ERROR)
        of_other = held[:, 0] + held[:, _N_FIXED:].sum(axis=1)
        errors[1] = max((of_other @ wrong_other) / max(of_other @ n_other, 1.0), _LEAST_ERROR)
    return likelihood, weights, float(errors[1])


def _log_share(k: NDArray[np.int64], n: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    """ln P of `k` given ones of `n`, each with `p`."""
    return np.asarray(k * np.log(p) + (n - k) * np.log1p(-p))


def _log_uniform(k: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """ln P of `k` given ones of `n`, whose share is anything."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, max(int(n.max(initial=0)), 1) + 2)))))
    return np.asarray(logs[k] + logs[n - k] - logs[n + 1])


def log_misread(counts: NDArray[np.int64], errors: StrandErrors) -> NDArray[np.float64]:
    """ln P(counts, misread and no variant) - ln P(counts, one copy or two), float64 (n,).

    `counts`: int64 (n, 2, 2), as of `count_strands`, of sites of the context of `errors`.
    """
    strand = int(errors.reverse)
    (n, wrong), (n_other, wrong_other) = counts[:, strand].T, counts[:, 1 - strand].T
    shares, by_share = np.array(SHARES), np.array(errors.shares) * errors.sites
    error = np.array([max(errors.error, _LEAST_OTHER_ERROR)])
    misread = _log_mixed(wrong, n, shares, by_share) + _log_mixed(wrong_other, n_other, error)
    variant = []
    for share, prior in ((_HET, 1.0), (_HOM, _HOMOZYGOTES)):
        # a variant's own reads of REF are misread too
        both = np.concatenate([share, share + (1 - share) * shares])
        weights = np.concatenate([[1 - errors.sites], by_share])
        logs = _log_mixed(wrong, n, both, weights) + _log_mixed(wrong_other, n_other, share)
        variant.append(logs + np.log(prior * errors.heterozygotes))
    return np.asarray(misread - np.logaddexp(*variant))


def _log_mixed(
    k: NDArray[np.int64], n: NDArray[np.int64], shares: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """ln P of `k` given ones of `n`, int64 (n,), by a mixture of `shares`; without `weights` by one."""
    logs = k[:, None] * np.log(shares) + (n - k)[:, None] * np.log1p(-shares)
    if weights is not None:
        with np.errstate(divide="ignore"):
            logs = logs + np.log(weights)
    return np.asarray(np.logaddexp.reduce(logs, axis=1))


def without_misread_bases(
    columns: ReadColumns, errors: Sequence[StrandErrors], codes: NDArray[np.uint8], start: int, span: tuple[int, int]
) -> ReadColumns:
    """`columns` with the bases put right that reads of one strand surely misread, so that they say nothing.

    Surely: by what all reads of both strands show there, it is far more likely than a variant.

    Args:
        errors: of the library; none change nothing. codes: uint8, the reference from `start` on. span: the
            positions whose reads are all in `columns`.
    """
    first, stop = max(span[0] - 1, start), min(span[1] + 1, start + len(codes))
    if not errors or not len(columns.pos) or stop - first < 3:
        return columns
    codes = codes[first - start : stop - start]
    columns = replace(columns, seq=columns.seq.copy(), qual=columns.qual.copy())
    is_reverse = (columns.flag & _REVERSE) != 0
    strands = [matches_of(columns, use, first, stop, 0) for use in (~is_reverse, is_reverse)]
    seen = np.stack([tally_alleles(reads, first, len(codes), LEAST_QUALITY) for reads in strands]).astype(np.int64)
    context = np.full(len(codes), -1, np.int64)
    wide = codes.astype(np.int64)
    context[1:-1] = np.where(
        np.maximum(np.maximum(wide[:-2], wide[1:-1]), wide[2:]) < 4, 16 * wide[:-2] + 4 * wide[1:-1] + wide[2:], -1
    )
    misread = np.full((2, len(codes)), 4, np.uint8)
    for one in errors:
        strand = int(one.reverse)
        at = np.flatnonzero((context == one.context) & (seen[strand, :, one.alt] > 0))
        n_alt, n_ref = seen[:, at, one.alt], seen[:, at, one.context // 4 % 4]
        counts = np.stack([n_alt + n_ref, n_alt], axis=2).transpose(1, 0, 2)
        misread[strand, at[log_misread(counts, one) >= _SURE_LN]] = one.alt
    for reads, alts in zip(strands, misread, strict=True):
        put_right(reads, first, alts, codes, LEAST_QUALITY - 1)
    return columns
