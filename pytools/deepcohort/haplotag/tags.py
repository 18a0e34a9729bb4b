"""What fragments show at phased sites -> the haplotype of each fragment."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import PlacedReads, columns_of
from deepcohort.calls.kernels_fragments import list_entries
from deepcohort.candidates.columns import support_columns
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.support import weigh_reads
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.haplotag.alleles import UNKNOWN, alleles_of
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.sites import SampleSites
from deepcohort.phase.config import UNITS_PER_LOG10
from deepcohort.reads.load import ReadSource


@dataclass(frozen=True, slots=True)
class ContigTags:
    """Fragments of one contig that have a haplotype, T ascending by `fragment`.

    Attributes:
        fragment: uint64 (T,), `calls.kernels_fragments.fragment_id`.
        haplotype: int8 (T,), 1: of the alleles left of the bar, 2: of those right of it.
        block: int64 (T,), PS.
        n_shown, n_against: what these fragments show in their block, alleles of their own and of the other
            haplotype together, and the latter alone.
    """

    fragment: NDArray[np.uint64]
    haplotype: NDArray[np.int8]
    block: NDArray[np.int64]
    n_shown: int = 0
    n_against: int = 0

    def __len__(self) -> int:
        return len(self.fragment)


def no_tags() -> ContigTags:
    """Tags of a contig without phased sites."""
    return ContigTags(np.empty(0, np.uint64), np.empty(0, np.int8), np.empty(0, np.int64))


def contig_tags(
    sites: SampleSites,
    source: ReadSource,
    reference: ReferenceFasta,
    candidates: CandidatesConfig,
    config: HaplotagConfig,
) -> ContigTags:
    """Haplotypes of the fragments of one contig.

    Raises:
        DeepcohortError: REF is not the reference's; unreadable reads.
    """
    parts = [
        _entries(sites, chosen, source, reference, candidates, config)
        for chosen in _chunks(sites, config.chunk_bp)
    ]
    if not parts:
        return no_tags()
    fragment, site, odds = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    # both reads of a pair may show a site where they overlap: the first entry stands
    order = np.lexsort((site, fragment))
    fragment, site, odds = fragment[order], site[order], odds[order].astype(np.int64)
    first = np.append(True, (fragment[1:] != fragment[:-1]) | (site[1:] != site[:-1]))[: len(order)]
    fragment, site, odds = fragment[first], site[first], odds[first]
    to_left = np.where(sites.gt[site, 0] < sites.gt[site, 1], odds, -odds)
    return decide(fragment, sites.block[site], to_left, config)


def decide(
    fragment: NDArray[np.uint64], block: NDArray[np.int64], odds: NDArray[np.int64], config: HaplotagConfig
) -> ContigTags:
    """The haplotype of each fragment in the block of which it tells most; of equals the first.

    Args:
        fragment, block: (M,), of each entry, entries of a fragment together. odds: int64 (M,), for the
            haplotype left of the bar, in units of 1 / UNITS_PER_LOG10.
    """
    order = np.lexsort((block, fragment))
    fragment, block, odds = fragment[order], block[order], odds[order]
    if not len(order):
        return no_tags()
    starts = np.flatnonzero(np.append(True, (fragment[1:] != fragment[:-1]) | (block[1:] != block[:-1])))
    total = np.add.reduceat(odds, starts)
    counts = np.diff(np.append(starts, len(odds)))
    same = np.add.reduceat((odds > 0).astype(np.int64), starts)
    against = np.where(total > 0, counts - same, same)
    fragment, block = fragment[starts], block[starts]
    by_fragment = np.lexsort((block, -np.abs(total), fragment))
    best = by_fragment[np.append(True, np.diff(fragment[by_fragment]) != 0)]
    least = UNITS_PER_LOG10 * np.log10(10.0 ** (config.min_quality_phred / 10) - 1)
    best = best[np.abs(total[best]) >= max(1.0, least)]
    return ContigTags(
        fragment[best],
        np.where(total[best] > 0, 1, 2).astype(np.int8),
        block[best],
        int(counts[best].sum()),
        int(against[best].sum()),
    )


def _chunks(sites: SampleSites, chunk_bp: int) -> Iterator[NDArray[np.int64]]:
    """Indices of phased sites, cut into runs that reach over `chunk_bp` at most."""
    phased = sites.phased
    first = 0
    while first < len(phased):
        end = sites.pos[phased[first]] + chunk_bp
        last = int(np.searchsorted(sites.pos[phased], end))
        yield phased[first:last]
        first = last


def _entries(
    sites: SampleSites,
    chosen: NDArray[np.int64],
    source: ReadSource,
    reference: ReferenceFasta,
    candidates: CandidatesConfig,
    config: HaplotagConfig,
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int8]]:
    """(fragment, index of the site, log10 odds for the lower allele in units) of the sites `chosen`."""
    length = reference.contig_lengths[sites.contig]
    around = Region(
        sites.contig, max(0, int(sites.pos[chosen[0]]) - config.near_bp),
        min(length, int(sites.pos[chosen[-1]]) + 1 + config.near_bp),
    )  # fmt: skip
    window = around.padded(candidates.pad_bp, length)
    codes = reference.fetch_codes(window)
    near = np.arange(*np.searchsorted(sites.pos, (around.start, around.end)))
    alleles, rows = alleles_of(sites, near, codes, window, config)
    if not len(alleles):
        return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int8)
    reads = source.fetch(window)
    support, _, _ = weigh_reads(reads, alleles, codes, window, candidates)
    own = np.full((len(chosen), 2, 2), -1, np.int64)
    own[:, :, 0] = rows[chosen - near[0]]
    own[(own[:, :, 0] == UNKNOWN).any(axis=1), :, 0] = UNKNOWN
    fragment, site, odds, _ = list_entries(own, support_columns(support), columns_of(PlacedReads, reads))
    return fragment, chosen[site], odds
