"""How many of a sample's reads are another person's, told where the sample has two copies of an ALT.

There a read of REF is an error or a stranger's. Homozygotes of REF tell less: for each where somebody differs
there are a thousand at which two or three errors may meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.contamination_kernels import tally_alleles
from deepcohort.reads.library import SURE_MAPQ
from deepcohort.reads.qualities import placed_whole
from deepcohort.reads.scan import ReadColumns

_LEAST_QUALITY, _LEAST_DEPTH, _APART_BP = 20, 6, 10
_LEAST_ERROR = 3e-4  # of a base for one other base, at the least: errors are not everywhere alike
# REF copies of a stranger, of two, where the sample has none: under the neutral spectrum 1/p of frequencies p
_SHARES, _SHARES_PRIOR = np.array([0.0, 0.5, 1.0]), np.array([1 / 2, 1 / 3, 1 / 6])
# of sites with more ALT than REF, among them every second heterozygote; more in the children of relatives
_USUAL_HOMOZYGOTES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_HOMOZYGOTES = np.array([0.02, 0.1, 0.2, *_USUAL_HOMOZYGOTES, 0.9, 0.97, 0.998])  # in strains and crosses too
_USUAL = slice(3, 3 + len(_USUAL_HOMOZYGOTES))  # of _HOMOZYGOTES
_ODD = 0.03  # of the sites: neither, but copies or worse
_GRID = np.array([0.0, *0.002 * 1.15 ** np.arange(36)])  # up to 0.27
# shares of the reads that an allele of a heterozygote may have; alleles read unevenly have all one, or spread
_HET_SHARES = (np.arange(49) + 1) / 50
_ONE_SHARE, _SPREAD = (0.1, 0.16, 0.2, 0.24, 0.3, 0.36), (0, 1, 4, 12)
_UNEVEN = np.stack(
    [np.isclose(np.minimum(_HET_SHARES, 1 - _HET_SHARES), share) for share in _ONE_SHARE]
    + [(_HET_SHARES * (1 - _HET_SHARES)) ** power for power in _SPREAD],
    axis=1,
)
_UNEVEN = _UNEVEN / _UNEVEN.sum(axis=0)
# What is told must be this much likelier (ln) than that all reads are the sample's, and be seen so often. Of
# 405 sets of reads of one person, 130 of them real, none came to more than 3.9; 2 % at 30x came to 6 to 47.
_LEAST_LN, _LEAST_READS, _LEAST_SITES, _LEAST_WINDOWS = 7.0, 4, 3, 2
_HINT_LN = 1.0
# Alleles that are not read half and half, whatever the cause: of 260 sets of one person 3.9 at most; two
# persons of 1:1 and 1:2, at 14x and 22x, came to 34 and 111
_UNBALANCED_LN, _UNBALANCED_SITES = 10.0, 20
_SITE_LN = 0.7  # of a site that shows a stranger
_EVEN_LN = 2.0  # more than that alleles are read unevenly
_LEAST_SHARE = 0.005  # that is told: errors that are not everywhere alike look like less


@dataclass(frozen=True, slots=True)
class Estimate:
    """What alleles tell of whose the reads are.

    Attributes:
        share: of the reads that is a stranger's. sure: how much likelier (ln) than none. is_seen: whether
            sites show it.
        unevenly: how much likelier (ln) a stranger is, or that alleles are read unevenly, than that one
            person's are half and half; 0 where few sites tell.
    """

    share: float
    sure: float
    is_seen: bool
    unevenly: float = 0.0

    @property
    def told(self) -> float:
        """The share where it is sure that there are such reads, else 0."""
        is_sure = self.is_seen and self.sure >= _LEAST_LN and self.share >= _LEAST_SHARE
        return round(self.share, 4) if is_sure else 0.0

    @property
    def is_hint(self) -> bool:
        """Whether more sites are worth a look."""
        return max(self.sure, self.unevenly) >= _HINT_LN

    @property
    def unbalanced(self) -> float:
        """`unevenly` where it is sure and no share is told, else 0."""
        return round(self.unevenly, 1) if self.unevenly >= _UNBALANCED_LN and not self.told else 0.0


@dataclass(frozen=True, slots=True)
class AltSites:
    """S sites that show an ALT and no other difference within _APART_BP.

    Attributes:
        window: int64 (S,), number of the window. n_ref, n_alt: int64 (S,), fragments of REF and of the ALT.
        error: float64 (S,), share of ALT's bases that errors turn into REF.
    """

    window: NDArray[np.int64]
    n_ref: NDArray[np.int64]
    n_alt: NDArray[np.int64]
    error: NDArray[np.float64]


def alt_sites(
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
) -> AltSites:
    """Where more fragments show an ALT than REF, by reads surely placed and bases of _LEAST_QUALITY.

    `pieces` are reads of windows in terms of their libraries, `references` the windows' (start, base codes).
    """
    found, wrong, bases = [np.empty((0, 5), np.int64)], np.zeros((4, 4)), np.zeros(4)
    for number, (piece, (start, codes)) in enumerate(zip(pieces, references, strict=True)):
        reads = placed_whole(piece, piece.mapq >= SURE_MAPQ)
        counts = tally_alleles(reads, start, len(codes), _LEAST_QUALITY)
        counts[codes > 3] = 0
        others, at = counts.copy(), np.arange(len(codes))
        others[at, np.minimum(codes, 3)] = 0
        depth, differ, n_alt = counts.sum(axis=1), others.sum(axis=1), others.max(axis=1)
        alike = (depth > 0) & (differ <= np.maximum(1, depth // 10))
        np.add.at(bases, codes[alike], depth[alike])
        np.add.at(wrong, codes[alike], others[alike])
        varies = (differ >= 2) & (10 * differ >= depth)
        # whole, then cut: of a stretch shorter than the kernel "same" has the kernel's length
        near = np.convolve(varies, np.ones(2 * _APART_BP + 1, np.int64))[_APART_BP:-_APART_BP] - varies
        rows = np.flatnonzero((depth >= _LEAST_DEPTH) & (2 * n_alt > depth) & (near == 0))
        n_ref = depth[rows] - differ[rows]
        columns = (np.full(len(rows), number), n_ref, n_alt[rows], others[rows].argmax(axis=1), codes[rows])
        found.append(np.stack(columns, axis=1))
    window, n_ref, n_alt, alt, ref = np.concatenate(found).T
    rate = (wrong + 1) / np.maximum(bases, 1)[:, None]
    return AltSites(window, n_ref, n_alt, np.maximum(rate[alt, ref], _LEAST_ERROR))


def measure(sites: AltSites) -> Estimate:
    """How much of the reads is a stranger's, by the counts of sites, and how sure that is."""
    n_ref, n = sites.n_ref, sites.n_ref + sites.n_alt
    if not len(n):
        return Estimate(0.0, 0.0, False)
    by_any = _log_likelihood(sites)  # (H, C, S)
    by_site = by_any[_USUAL]
    fit = by_site.sum(axis=2)
    likelihood, homozygotes = fit.max(axis=0), fit.argmax(axis=0)
    best = int(likelihood.argmax())
    shown = by_site[homozygotes[best], best] - by_site[homozygotes[best], 0] > _SITE_LN
    is_seen = (
        n_ref[shown].sum() >= _LEAST_READS
        and shown.sum() >= _LEAST_SITES
        and len(np.unique(sites.window[shown])) >= _LEAST_WINDOWS
    )
    # of crosses, all whose sites are heterozygotes, nothing is told, nor beyond the shares that were tried
    any_fit, uneven = by_any.sum(axis=2).max(axis=0), _log_unevenly(sites)
    sure = float(min(likelihood[best] - likelihood[0], any_fit.max() - any_fit[0]))
    is_even = likelihood[best] - uneven[_USUAL].max() >= _EVEN_LN and best < len(_GRID) - 1
    many = len(n) >= _UNBALANCED_SITES and len(np.unique(sites.window)) >= _LEAST_WINDOWS
    unevenly = float(max(any_fit.max(), uneven.max()) - any_fit[0]) if many else 0.0
    return Estimate(float(_GRID[best]), sure, bool(is_seen and is_even), unevenly)


def _log_likelihood(sites: AltSites) -> NDArray[np.float64]:
    """Float64 (H, C, S): ln P(counts of a site) by shares of homozygotes (_HOMOZYGOTES) and of a stranger's
    reads (_GRID)."""
    n = sites.n_ref + sites.n_alt
    share = _GRID[:, None, None] * _SHARES  # (C, 1, 3): of REF
    share = share + (1 - share) * sites.error[:, None]  # (C, S, 3)
    of_hom = np.exp(_log_of_shares(sites, share)) @ _SHARES_PRIOR
    of_het = np.exp(_log_of_shares(sites, np.full((1, 1), 0.5)))[:, 0]
    homozygotes = _HOMOZYGOTES[:, None, None]
    usual = homozygotes * of_hom + (1 - homozygotes) * 2 * of_het
    return np.asarray(np.log((1 - _ODD) * usual + _ODD / (n + 1)))


def _log_unevenly(sites: AltSites) -> NDArray[np.float64]:
    """Float64 (H,): ln P(counts) where all reads are the sample's and heterozygotes are not half and half, at
    the most, by shares of homozygotes (_HOMOZYGOTES)."""
    n = sites.n_ref + sites.n_alt
    of_hom = np.exp(_log_of_shares(sites, sites.error[:, None]))[:, 0]
    by_share = np.exp(_log_of_shares(sites, _HET_SHARES))
    homozygotes = _HOMOZYGOTES[:, None, None]
    usual = homozygotes * of_hom[:, None] + (1 - homozygotes) * 2 * (by_share @ _UNEVEN)  # (H, S, U)
    return np.asarray(np.log((1 - _ODD) * usual + _ODD / (n[:, None] + 1)).sum(axis=1).max(axis=1))


def _log_of_shares(sites: AltSites, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln P(counts | share of REF), float64 of the shape that `share`, (..., S or 1, K), has with S sites."""
    ways = _log_ways(sites.n_ref, sites.n_ref + sites.n_alt)[:, None]
    return np.asarray(ways + sites.n_ref[:, None] * np.log(share) + sites.n_alt[:, None] * np.log1p(-share))


def _log_ways(k: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """ln of the number of ways to choose `k` of `n`."""
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, np.max(n) + 1)))))
    return np.asarray(logs[n] - logs[k] - logs[n - k])
