"""What the fragments of a chunk say at its heterozygous sites, kept for phasing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import PlacedReads, SiteColumns, columns_of, text_rules
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.genotype import moved_positions
from deepcohort.calls.kernels_fragments import list_entries, rows_of_alleles
from deepcohort.calls.kernels_record import passes
from deepcohort.calls.types import SiteCalls
from deepcohort.candidates.columns import AlleleColumns, Window, support_columns
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.core.region import Region
from deepcohort.phase.types import Evidence

_MARGIN_BP = 3_000  # a read may be moved by local realignment, and tell of an allele by its clipped end


@dataclass(frozen=True, slots=True)
class ChunkEvidence:
    """Evidence of one chunk: H sites, M entries by site.

    Attributes:
        pos: int64 (H,), 0-based POS. fragment, site, odds: see `phase.types.Evidence`.
        span: int64 (M, 2), 0-based half-open, what the fragment may cover.
    """

    contig: str
    pos: NDArray[np.int64]
    fragment: NDArray[np.uint64]
    site: NDArray[np.int32]
    odds: NDArray[np.int8]
    span: NDArray[np.int64]


def heterozygous_sites(
    sites: SiteCalls, region: Region, config: CallsConfig, given_only: bool = False
) -> NDArray[np.int64]:
    """Indices of the diploid heterozygous sites of `region` with FILTER PASS, int64 ascending."""
    chosen = (sites.pos >= region.start) & (sites.pos < region.end) & (sites.ploidy == 2)
    chosen &= (sites.gt[:, 0] >= 0) & (sites.gt[:, 1] > sites.gt[:, 0])
    if given_only and len(sites):
        chosen &= np.logical_or.reduceat(sites.given, sites.site_offset[:-1])
    chosen &= passes(columns_of(SiteColumns, sites), text_rules(config, given_only))
    return np.flatnonzero(chosen)


def chunk_evidence(
    evidence: CandidateEvidence,
    rows: NDArray[np.int64],
    table: CandidateTable,
    sites: SiteCalls,
    chosen: NDArray[np.int64],
    codes: NDArray[np.uint8],
    codes_start: int,
) -> ChunkEvidence:
    """What reads say of the alleles of the sites `chosen`.

    Args:
        evidence: of a region that holds them. rows: int64 (N,), rows of its table that were genotyped;
        table: these rows. codes: uint8 reference codes that hold every REF, from `codes_start` on.
    """
    moved = moved_positions(table, codes, codes_start)
    order = np.argsort(moved, kind="stable")
    spans = np.stack([np.searchsorted(moved[order], sites.pos, side) for side in ("left", "right")], axis=1)
    found = rows_of_alleles(
        chosen, columns_of(SiteColumns, sites), spans, rows[order], moved[order],
        columns_of(AlleleColumns, evidence.table), Window(codes, codes_start),
    )  # fmt: skip
    entries = list_entries(found, support_columns(evidence.support), columns_of(PlacedReads, evidence.reads))
    return ChunkEvidence(sites.contig, sites.pos[chosen], *entries)


class FragmentCollector:
    """Gathers the evidence of a job's chunks, in genome order, contig by contig."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """`regions`: of the job, disjoint."""
        self._regions = regions
        self._chunks: dict[str, list[ChunkEvidence]] = {}

    def add(self, chunk: ChunkEvidence) -> None:
        """Take the evidence of the next chunk."""
        self._chunks.setdefault(chunk.contig, []).append(chunk)

    def evidence(self) -> list[Evidence]:
        """All that was taken, one per contig.

        Fragments with one site alone are left out, unless they may reach beyond the job's regions, where
        another shard knows more of them.
        """
        return [self._joined(contig, chunks) for contig, chunks in self._chunks.items()]

    def _joined(self, contig: str, chunks: Sequence[ChunkEvidence]) -> Evidence:
        first = np.cumsum([0] + [len(chunk.pos) for chunk in chunks])
        fragment = np.concatenate([chunk.fragment for chunk in chunks])
        site = np.concatenate([c.site + n for c, n in zip(chunks, first[:-1], strict=True)])
        odds = np.concatenate([chunk.odds for chunk in chunks])
        span = np.concatenate([chunk.span for chunk in chunks])
        # both reads of a pair may show a site where they overlap: the first entry stands
        order = np.lexsort((site, fragment))
        kept = order[_is_first(fragment[order], site[order])]
        fragment, site, odds, span = fragment[kept], site[kept], odds[kept], span[kept]
        same = fragment[1:] == fragment[:-1]
        linked = np.append(same, False) | np.append(False, same) if len(fragment) else same
        wanted = linked | self._reaches_out(contig, span)
        return Evidence(
            contig,
            np.concatenate([chunk.pos for chunk in chunks]),
            fragment[wanted],
            site[wanted].astype(np.int32),
            odds[wanted],
        )

    def _reaches_out(self, contig: str, span: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Bool (M,): fragments that may have sites outside the job's regions."""
        own = [region for region in self._regions if region.contig == contig]
        starts = np.array([region.start for region in own], np.int64)
        ends = np.array([region.end for region in own], np.int64)
        left, right = np.maximum(span[:, 0] - _MARGIN_BP, 0), span[:, 1] + _MARGIN_BP
        at = np.searchsorted(starts, left, side="right") - 1
        return (at < 0) | (ends[np.maximum(at, 0)] < right)


def _is_first(fragment: NDArray[np.uint64], site: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Bool (M,), of entries in order: not a repetition of the one before."""
    if not len(fragment):
        return np.empty(0, np.bool_)
    return np.append(True, (fragment[1:] != fragment[:-1]) | (site[1:] != site[:-1]))
