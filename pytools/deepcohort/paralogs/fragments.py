"""Which fragments of a window belong there, and which to its copy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region
from deepcohort.paralogs.columns import Alignments, Axis, SiteBases, Tally
from deepcohort.paralogs.config import ParalogsConfig
from deepcohort.paralogs.copies import Copies
from deepcohort.paralogs.copy_genotype_kernels import (
    ANCHOR_LN,
    assign_to_copies,
    collect_bases,
    error_of_qual,
    informative_sites,
)
from deepcohort.paralogs.liftover_kernels import lift_alignment
from deepcohort.paralogs.types import TILE_BP
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.merge import join_pieces, take_reads
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import ReadBatch

_REVERSE, _MATE_REVERSE = 0x10, 0x20
_NEAR_EDGE_BP = 20  # of a window: there the copies may share more than it shows


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the reads that begin in a tile.

    Attributes:
        removed_names: name hashes of fragments that belong to the other copy, sorted.
        confirmed_names: name hashes of fragments that belong here, sorted; confirmed_mapq: uint8, their
        MAPQ at least. shared: contig positions [first, last) of the shared stretch here.
        added_reads: reads to be added.
    """

    removed_names: NDArray[np.uint64]
    confirmed_names: NDArray[np.uint64]
    confirmed_mapq: NDArray[np.uint8]
    shared: tuple[int, int]
    added_reads: ReadColumns


def assign_fragments(
    copies: Copies,
    primary: ReadBatch,
    paralog: ReadBatch,
    begin: int,
    config: ParalogsConfig,
    reads: ReadsConfig,
) -> Decision | None:
    """Which fragments belong where, and the reads that come."""
    names, number = np.unique(np.concatenate([primary.name_hash, paralog.name_hash]), return_inverse=True)
    fragment_primary, fragment_paralog = number[: len(primary)], number[len(primary) :]
    sides = (
        (primary, copies.primary, copies.axis_primary, False, fragment_primary, 1.0),
        (paralog, copies.paralog, copies.axis_paralog, copies.inverted, fragment_paralog, -1.0),
    )
    if not _alike(
        _bases_shared(primary, copies.primary, copies.axis_primary),
        _bases_shared(paralog, copies.paralog, copies.axis_paralog),
        config,
    ):
        return None
    count = np.zeros((4, len(copies.primary)), np.int64)
    nothing = np.full(len(copies.primary), -1, np.int64)
    anchor = np.zeros(len(names))
    for batch, window, axis, inverted, fragment, sign in sides:
        outside, _ = _walk(batch, window, axis, inverted, fragment, nothing, count)
        fixed = outside >= config.anchor_bp
        anchor[fragment[fixed]] += sign * ANCHOR_LN
    site, allele_there, allele_here, different = informative_sites(
        count,
        copies.codes_primary,
        copies.codes_paralog,
        copies.partner,
        config.min_count,
        config.min_fraction,
    )
    if not different.any():
        return None
    walked = [
        _walk(batch, window, axis, inverted, fragment, site, count)[1]
        for batch, window, axis, inverted, fragment, _ in sides
    ]
    at, owner, base, qual = (np.concatenate(parts) for parts in zip(*walked, strict=True))
    told = (base == allele_here[at]) | (base == allele_there[at])
    order = np.lexsort((owner, at))
    order = order[told[order]]
    offset = np.searchsorted(at[order], np.arange(len(different) + 1)).astype(np.int64)
    odds = assign_to_copies(
        offset,
        base[order] == allele_here[at[order]],
        error_of_qual(qual[order]),
        owner[order],
        different,
        anchor,
    )
    return _decision(
        copies, primary, paralog, names, odds, fragment_paralog, fragment_primary, begin, config, reads
    )


def _bases_shared(batch: ReadBatch, window: Region, axis: NDArray[np.int64]) -> int:
    """Reference bases in reads over the shared stretch."""
    shared = np.flatnonzero(axis >= 0)
    first, last = int(shared[0]) + window.start, int(shared[-1]) + 1 + window.start
    return int(np.maximum(np.minimum(batch.end, last) - np.maximum(batch.pos, first), 0).sum())


def _alike(n_here: int, n_there: int, config: ParalogsConfig) -> bool:
    """Whether both copies were sequenced; what only one copy's reads say is not about two copies."""
    return min(n_here, n_there) >= config.min_balance * max(n_here, n_there, 1)


def _walk(
    batch: ReadBatch,
    window: Region,
    axis: NDArray[np.int64],
    inverted: bool,
    fragment: NDArray[np.int64],
    site: NDArray[np.int64],
    count: NDArray[np.int64],
) -> tuple[
    NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]
]:
    """(bases outside what is shared, by read; (site, fragment, base, phred) of bases at sites)."""
    shared = np.flatnonzero(axis >= 0)
    first = int(shared[0]) if shared[0] > _NEAR_EDGE_BP else 0
    last = int(shared[-1]) + 1 if shared[-1] < len(axis) - _NEAR_EDGE_BP else len(axis)
    capacity = len(batch.seq) if (site >= 0).any() else 0
    out = SiteBases(
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.uint8),
        np.empty(capacity, np.uint8),
    )
    outside = np.zeros(len(batch), np.int64)
    along = Axis(window.start, axis, inverted)
    n = collect_bases(alignments_of(batch), along, site, fragment, Tally(count, outside, first, last), out)
    return outside, (out.site[:n], out.fragment[:n], out.base[:n], out.qual[:n])


def alignments_of(batch: ReadBatch) -> Alignments:
    """The columns of `batch` that kernels of this room take."""
    return Alignments(
        batch.pos, batch.end, batch.mapq, batch.seq, batch.qual, batch.seq_offset, batch.cigar_op,
        batch.cigar_len, batch.cigar_offset,
    )  # fmt: skip


def _decision(
    copies: Copies,
    primary: ReadBatch,
    paralog: ReadBatch,
    names: NDArray[np.uint64],
    odds: NDArray[np.float64],
    fragment_paralog: NDArray[np.int64],
    fragment_primary: NDArray[np.int64],
    begin: int,
    config: ParalogsConfig,
    reads: ReadsConfig,
) -> Decision:
    mapq = np.clip(10 * np.abs(odds), 0, 60).astype(np.uint8)
    is_primary = odds >= config.placed_log10
    shared = np.flatnonzero(copies.axis_primary >= 0) + copies.primary.start
    first, last = int(shared[0]), int(shared[-1]) + 1
    end = begin + TILE_BP
    # left out for their MAPQ, but they belong here
    low = (
        (primary.mapq < reads.min_mapq)
        & is_primary[fragment_primary]
        & (primary.pos >= begin)
        & (primary.pos < end)
    )
    rows = np.flatnonzero(low & (primary.pos < last) & (primary.end > first))
    known = columns_of(primary)
    stay = take_reads(known, rows)
    stay = replace(stay, mapq=np.maximum(mapq[fragment_primary[rows]], reads.min_mapq))
    added_reads = _carried(
        copies, paralog, is_primary[fragment_paralog], mapq[fragment_paralog], begin, end, reads
    )
    return Decision(
        removed_names=names[odds <= -config.placed_log10],
        confirmed_names=names[is_primary],
        confirmed_mapq=mapq[is_primary],
        shared=(first, last),
        added_reads=join_pieces([stay, added_reads]),
    )


def _carried(
    copies: Copies,
    paralog: ReadBatch,
    wanted: NDArray[np.bool_],
    mapq: NDArray[np.uint8],
    begin: int,
    end: int,
    reads: ReadsConfig,
) -> ReadColumns:
    """The reads `wanted` of `paralog`, aligned here, that begin in [begin, end)."""
    rows = np.flatnonzero(wanted)
    columns = take_reads(columns_of(paralog), rows)
    longest = int(columns.seq_length.max()) if len(rows) else 0
    at_base = np.empty(longest + 1, np.int64)
    ops, lengths = np.empty(2 * longest + 4, np.uint8), np.empty(2 * longest + 4, np.int32)
    pos, stop = np.full(len(rows), -1, np.int64), np.full(len(rows), -1, np.int64)
    new_ops: list[NDArray[np.uint8]] = []
    new_lengths: list[NDArray[np.int32]] = []
    seq, qual = columns.seq.copy(), columns.qual.copy()
    base0 = np.concatenate([[0], np.cumsum(columns.seq_length)])
    reads_paralog = alignments_of(paralog)
    axis = Axis(copies.paralog.start, copies.axis_paralog, copies.inverted)
    for k, r in enumerate(rows):
        first, last, used = lift_alignment(r, reads_paralog, axis, at_base, ops, lengths)
        new_ops.append(ops[:used].copy())
        new_lengths.append(lengths[:used].copy())
        pos[k], stop[k] = first + copies.primary.start, last + copies.primary.start
        if copies.inverted:
            piece = slice(base0[k], base0[k + 1])
            turned = seq[piece][::-1]
            seq[piece] = np.where(turned < 4, 3 - turned, turned)
            qual[piece] = qual[piece][::-1].copy()
    flag = columns.flag
    if copies.inverted:
        flag = flag ^ np.uint16(_REVERSE | _MATE_REVERSE)
    moved = replace(
        columns,
        pos=pos,
        end=stop,
        mapq=np.maximum(mapq[rows], reads.min_mapq).astype(np.uint8),
        flag=flag,
        insert_size=-columns.insert_size if copies.inverted else columns.insert_size,
        seq=seq,
        qual=qual,
        cigar_op=np.concatenate([*new_ops, np.empty(0, np.uint8)]).astype(np.uint8),
        cigar_len=np.concatenate([*new_lengths, np.empty(0, np.int32)]).astype(np.int32),
        n_ops=np.array([len(o) for o in new_ops], np.int64),
    )
    inside = (moved.n_ops > 0) & (pos >= begin) & (pos < end)
    return take_reads(moved, np.flatnonzero(inside))


def columns_of(batch: ReadBatch) -> ReadColumns:
    """The batch as columns, without the spans of reads of MAPQ 0."""
    none = np.empty(0, np.int64)
    return ReadColumns(
        batch.pos, batch.end, batch.mapq, batch.flag, batch.insert_size, batch.name_hash, batch.seq,
        batch.qual, np.diff(batch.seq_offset), batch.cigar_op, batch.cigar_len, np.diff(batch.cigar_offset),
        none, none, batch.library,
    )  # fmt: skip
