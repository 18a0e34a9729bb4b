"""Reads of one sample, with fragments of segmental duplications placed where they fit best."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np

from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.paralogs.ambiguous_position_kernels import doubtful_positions
from deepcohort.paralogs.columns import Alignments
from deepcohort.paralogs.config import ParalogsConfig
from deepcohort.paralogs.copies import align_link
from deepcohort.paralogs.fragments import Decision, assign_fragments
from deepcohort.paralogs.types import TILE_BP, Links
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import ReadSource, open_reads
from deepcohort.reads.merge import join_pieces, take_reads, to_batch
from deepcohort.reads.scan import Near, ReadColumns, offsets_of
from deepcohort.reads.types import ReadBatch

_REACH_BP = 1_024  # a short read begins no farther left of what it overlaps


class PlacedReads:
    """A `ReadSource` whose fragments of segmental duplications are reassigned.

    Only where the reference has a copy elsewhere, MAPQ is low and reads differ from the reference. What
    becomes of a read is decided by the tile that it begins in, from windows fixed on the genome.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        reference: str | Path,
        reads_config: ReadsConfig,
        links: Links,
        config: ParalogsConfig | None = None,
    ) -> None:
        """Open the files; raises as `reads.load.open_reads` does. `links`: from `io_table.read_table`."""
        self._config = config or ParalogsConfig()
        self._paths, self._reads_config = paths, reads_config
        self._source = open_reads(paths, reference, reads_config)
        self._reference = ReferenceFasta(reference)
        self._links = links
        # reads of any MAPQ, opened when first needed; each goes along the genome by itself
        self._edges: ReadSource | None = None
        self._deep: dict[str, ReadSource] = {}
        self._tiles: dict[tuple[str, int], Decision | None] = {}

    @property
    def contig_lengths(self) -> dict[str, int]:
        """See `ReadSource`."""
        return self._source.contig_lengths

    @property
    def sample_names(self) -> tuple[str, ...]:
        """See `ReadSource`."""
        return self._source.sample_names

    def close(self) -> None:
        """Close the files."""
        for source in (self._source, self._edges, *self._deep.values()):
            if source is not None:
                source.close()
        self._reference.close()

    def __enter__(self) -> "PlacedReads":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fetch(self, region: Region, near: Near | None = None) -> ReadBatch:
        """See `ReadSource.fetch`."""
        tiles = self._tiles_of(region)
        if near is not None:
            tiles, near = _needed(tiles, near)
        columns = self._source.fetch_columns(region, near)
        decisions = self._decisions(region, tiles, columns)
        if decisions:
            columns = _apply(columns, decisions, region)
        return to_batch(columns, self._reads_config)

    def _tiles_of(self, region: Region) -> list[int]:
        """Numbers of the linked tiles in which a read of `region` may begin, ascending."""
        first, last = max(0, region.start - _REACH_BP) // TILE_BP, -(-region.end // TILE_BP)
        return [t for t in range(first, last) if (region.contig, t) in self._links]

    def _decisions(self, region: Region, tiles: Sequence[int], columns: ReadColumns) -> dict[int, Decision]:
        """Decision of each of `tiles`, by number."""
        first = max(0, region.start - _REACH_BP) // TILE_BP
        unknown = [t for t in tiles if (region.contig, t) not in self._tiles]
        if unknown:
            # tiles far behind are not asked for again
            self._tiles = {k: d for k, d in self._tiles.items() if k[0] == region.contig and k[1] >= first}
        for tile in unknown:
            whole = self._tile(region.contig, tile)
            if whole.start < region.start or whole.end > region.end:
                self._edges = self._edges or self._open(self._reads_config)
                doubtful = self._is_doubtful(whole, self._edges.fetch_columns(whole))
            else:
                doubtful = self._is_doubtful(whole, columns)
            self._tiles[region.contig, tile] = self._decide(whole, tile) if doubtful else None
        return {t: d for t in tiles if (d := self._tiles[region.contig, t]) is not None}

    def _tile(self, contig: str, number: int) -> Region:
        length = self._reference.contig_lengths[contig]
        return Region(contig, number * TILE_BP, min((number + 1) * TILE_BP, length))

    def _open(self, config: ReadsConfig) -> ReadSource:
        return open_reads(self._paths, self._reference.path, config)

    def _is_doubtful(self, tile: Region, columns: ReadColumns) -> bool:
        """Whether reads of low MAPQ differ from the reference there; `columns` cover it."""
        low = np.searchsorted(columns.pos, tile.start - _REACH_BP)
        high = np.searchsorted(columns.pos, tile.end)
        rows = np.arange(low, high)
        if not len(rows) or columns.mapq[rows].min() >= self._config.doubtful_mapq:
            return False
        config, near = self._config, take_reads(columns, rows)
        reads = Alignments(
            near.pos, near.end, near.mapq, near.seq, near.qual, offsets_of(near.seq_length), near.cigar_op,
            near.cigar_len, offsets_of(near.n_ops),
        )  # fmt: skip
        found = doubtful_positions(
            reads, self._reference.fetch_codes(tile), tile.start, config.doubtful_mapq, config.min_count,
            config.min_fraction,
        )  # fmt: skip
        return bool(found.any())

    def _decide(self, tile: Region, number: int) -> Decision | None:
        copies = align_link(tile, self._links[tile.contig, number], self._reference, self._config)
        if copies is None:
            return None
        primary = self._deep_source("primary").fetch(copies.primary)
        paralog = self._deep_source("paralog").fetch(copies.paralog)
        return assign_fragments(copies, primary, paralog, tile.start, self._config, self._reads_config)

    def _deep_source(self, name: str) -> ReadSource:
        """Reads of any MAPQ; the two go along the genome each by itself."""
        if name not in self._deep:
            self._deep[name] = self._open(replace(self._reads_config, min_mapq=0))
        return self._deep[name]


def _needed(tiles: Sequence[int], near: Near) -> tuple[list[int], Near]:
    """Those of `tiles` whose reads may reach `near`, and `near` with all that these are decided by."""
    begin = np.array(tiles, np.int64) * TILE_BP
    at = np.searchsorted(near.ends, begin - _REACH_BP, side="right")
    reached = np.append(near.starts, np.iinfo(np.int64).max)[at] < begin + TILE_BP + _REACH_BP
    begin = begin[reached]
    return (begin // TILE_BP).tolist(), Near.of(
        np.concatenate((near.starts, begin - _REACH_BP)), np.concatenate((near.ends, begin + TILE_BP))
    )


def _apply(columns: ReadColumns, decisions: dict[int, Decision], region: Region) -> ReadColumns:
    """`columns` of `region` without reads that belong elsewhere, with those that come."""
    mapq, keep = columns.mapq.copy(), np.ones(len(columns.pos), np.bool_)
    tile = columns.pos // TILE_BP
    parts = []
    for number, decision in decisions.items():
        first, last = decision.shared
        rows = np.flatnonzero((tile == number) & (columns.pos < last) & (columns.end > first))
        keep[rows[np.isin(columns.name_hash[rows], decision.removed_names)]] = False
        if len(decision.confirmed_names):
            at = np.searchsorted(decision.confirmed_names, columns.name_hash[rows])
            at = np.minimum(at, len(decision.confirmed_names) - 1)
            known = decision.confirmed_names[at] == columns.name_hash[rows]
            mapq[rows[known]] = np.maximum(mapq[rows[known]], decision.confirmed_mapq[at[known]])
        added_reads = decision.added_reads
        inside = np.flatnonzero((added_reads.pos < region.end) & (added_reads.end > region.start))
        if len(inside):
            parts.append(take_reads(added_reads, inside))
    joined = join_pieces([replace(columns, mapq=mapq), *parts])
    keep = np.append(keep, np.ones(len(joined.pos) - len(keep), np.bool_))
    order = np.lexsort((joined.flag, joined.name_hash, joined.pos))
    return take_reads(joined, order[keep[order]])
