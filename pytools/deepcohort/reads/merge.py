"""Columns of several pieces and files to one ReadBatch."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region
from deepcohort.reads import kernels, mate_kernels
from deepcohort.reads.adapter_kernels import mask_known
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.copies import grouped_copies
from deepcohort.reads.copy_kernels import vote_of_copies
from deepcohort.reads.library import (
    mapq_table,
    measure_library,
    odd_by_library,
    odd_pairs,
)
from deepcohort.reads.purpose import without_clips
from deepcohort.reads.qualities import quality_table
from deepcohort.reads.scan import DEPTH_BIN_SHIFT, ReadColumns, offsets_of
from deepcohort.reads.types import LibraryProfile, ReadBatch

_PAIRED, _MATE_UNMAPPED, _REVERSE = 0x1, 0x8, 0x10
_DTYPES = {
    "pos": np.int64, "end": np.int64, "mapq": np.uint8, "flag": np.uint16, "insert_size": np.int32,
    "name_hash": np.uint64, "seq": np.uint8, "qual": np.uint8, "seq_length": np.int64,
    "cigar_op": np.uint8, "cigar_len": np.int32, "n_ops": np.int64, "mapq0_pos": np.int64,
    "mapq0_end": np.int64, "library": np.uint16,
}  # fmt: skip


def join_pieces(pieces: Sequence[ReadColumns]) -> ReadColumns:
    """Columns of `pieces` one after the other."""
    if len(pieces) == 1:
        return pieces[0]
    joined = {}
    for field in fields(ReadColumns):
        columns = [getattr(piece, field.name) for piece in pieces]
        joined[field.name] = np.concatenate(columns) if columns else np.empty(0, _DTYPES[field.name])
    return ReadColumns(**joined)


def merge_files(files: Sequence[ReadColumns], config: ReadsConfig) -> ReadColumns:
    """Reads of several files of one sample in (pos, name_hash, flag) order, thinned together.

    Of several files all that begin in a bin must be here (`scan.whole_bins`), or regions would show.
    """
    if len(files) == 1:
        return files[0]
    joined = join_pieces(files)
    order = np.lexsort((joined.flag, joined.name_hash, joined.pos))
    keep = np.ones(len(order), np.bool_)
    kernels.keep_by_depth(
        joined.pos[order], joined.end[order], joined.name_hash[order], config.max_depth,
        config.max_capped_span_bp, DEPTH_BIN_SHIFT, keep,
    )  # fmt: skip
    return take_reads(joined, order[keep])


def in_terms_of(library: LibraryProfile, columns: ReadColumns) -> ReadColumns:
    """`columns` on the common MAPQ scale, with qualities that the library keeps, without what was clipped on
    purpose, adapters masked, copies merged where there are many."""
    table = mapq_table(library)
    if table[-1] != 255 or (table != np.arange(256)).any():
        columns = replace(columns, mapq=table[columns.mapq])
    if library.lowered or library.raised:
        columns = _with_qualities(columns, quality_table(library)[columns.qual])
    if any(library.drops_clips):
        columns = without_clips(columns, np.tile(library.drops_clips, (len(columns.pos), 1)))
    if library.drops_copies:
        columns = merge_copies(columns)
    return _without_adapters(columns, library.adapters)


def in_own_terms(config: ReadsConfig, columns: ReadColumns) -> ReadColumns:
    """`in_terms_of` of each read's own profile; adapters are those of all libraries."""
    profiles = config.profiles
    if len(profiles) == 1:
        return in_terms_of(config.library, columns)
    tables = np.stack([mapq_table(profile) for profile in profiles])
    columns = replace(columns, mapq=tables[columns.library, columns.mapq])
    if any(profile.lowered or profile.raised for profile in profiles):
        by_library = np.stack([quality_table(profile) for profile in profiles])
        qual = by_library[np.repeat(columns.library, columns.seq_length), columns.qual]
        columns = _with_qualities(columns, qual)
    ends = np.array([profile.drops_clips for profile in profiles])
    if ends.any():
        columns = without_clips(columns, ends[columns.library])
    drops = np.array([profile.drops_copies for profile in profiles])
    if drops.any():
        columns = merge_copies(columns, drops[columns.library])
    known = {kmer for profile in profiles for kmer in profile.adapters}
    return _without_adapters(columns, sorted(known))


def _with_qualities(columns: ReadColumns, qual: NDArray[np.uint8]) -> ReadColumns:
    """`columns` with these qualities; an N says nothing, whatever the quality 0 is worth."""
    return replace(columns, qual=np.where(columns.seq < 4, qual, 0).astype(np.uint8))


def _without_adapters(columns: ReadColumns, adapters: Sequence[int]) -> ReadColumns:
    """`columns`, with qualities of 0 where these k-mers lie."""
    if adapters:
        mask_known(
            columns.seq, columns.qual, offsets_of(columns.seq_length), columns.cigar_op, columns.cigar_len,
            offsets_of(columns.n_ops), np.array(adapters, np.int64),
        )  # fmt: skip
    return columns


def with_own_inserts(columns: ReadColumns) -> ReadColumns:
    """TLEN of pairs that lie here together and have none: bowtie2 gives 0 to mates that pass each other."""
    needed = (
        (columns.insert_size == 0) & ((columns.flag & _PAIRED) != 0) & ((columns.flag & _MATE_UNMAPPED) == 0)
    )
    rows = np.flatnonzero(needed)
    if len(rows) < 2:
        return columns
    rows = rows[np.lexsort((columns.flag[rows] & _REVERSE, columns.pos[rows], columns.name_hash[rows]))]
    together = columns.name_hash[rows[1:]] == columns.name_hash[rows[:-1]]
    left, right = rows[:-1][together], rows[1:][together]
    size = np.maximum(columns.end[left], columns.end[right]) - columns.pos[left]
    insert_size = columns.insert_size.copy()
    insert_size[left], insert_size[right] = size, -size
    return replace(columns, insert_size=insert_size)


def merge_copies(columns: ReadColumns, among: NDArray[np.bool_] | None = None) -> ReadColumns:
    """One read for each group of copies: bases of their vote, name and flags of the smallest name hash,
    so that both reads of a pair are those of one fragment; in order again. `among`: see `grouped_copies`."""
    columns = replace(columns, seq=columns.seq.copy(), qual=columns.qual.copy())  # votes are written there
    order, copied = grouped_copies(columns, among)
    chosen = np.empty(len(order), np.int64)
    vote_of_copies(
        order, copied, columns.seq, columns.qual, offsets_of(columns.seq_length), columns.cigar_op,
        columns.cigar_len, offsets_of(columns.n_ops), chosen,
    )  # fmt: skip
    named = np.flatnonzero(~copied)
    kept = take_reads(columns, chosen[named])
    kept = replace(kept, name_hash=columns.name_hash[named], flag=columns.flag[named])
    return take_reads(kept, np.lexsort((kept.flag, kept.name_hash, kept.pos)))


def reads_in(columns: ReadColumns, region: Region) -> ReadColumns:
    """The reads of `columns`, and their reads of MAPQ 0, that overlap `region`."""
    inside = (columns.pos < region.end) & (columns.end > region.start)
    kept = columns if inside.all() else take_reads(columns, np.flatnonzero(inside))
    below = (kept.mapq0_pos < region.end) & (kept.mapq0_end > region.start)
    return replace(kept, mapq0_pos=kept.mapq0_pos[below], mapq0_end=kept.mapq0_end[below])


def take_reads(columns: ReadColumns, order: np.ndarray) -> ReadColumns:
    """The reads `order` of `columns`, in that order."""
    by_mapq0 = np.argsort(columns.mapq0_pos, kind="stable")
    taken = {
        name: getattr(columns, name)[order]
        for name in ("pos", "end", "mapq", "flag", "insert_size", "name_hash", "seq_length", "n_ops")
    }
    taken["library"] = columns.library[order] if len(columns.library) else columns.library
    for names, lengths in ((("seq", "qual"), columns.seq_length), (("cigar_op", "cigar_len"), columns.n_ops)):
        offsets, new = offsets_of(lengths), offsets_of(lengths[order])
        for name in names:
            flat = getattr(columns, name)
            taken[name] = kernels.gather_rows(flat, offsets, order, new, np.empty(int(new[-1]), flat.dtype))
    taken |= {name: getattr(columns, name)[by_mapq0] for name in ("mapq0_pos", "mapq0_end")}
    return ReadColumns(**taken)


def to_batch(columns: ReadColumns, config: ReadsConfig) -> ReadBatch:
    """ReadBatch of `columns`, with mates paired and their overlaps settled."""
    batch = paired_batch(columns, config)
    mate_kernels.settle_overlaps(
        batch.pos, batch.end, batch.mate, batch.seq, batch.qual, batch.seq_offset, batch.cigar_op,
        batch.cigar_len, batch.cigar_offset, config.clearly_better_qual,
    )  # fmt: skip
    return batch


def paired_batch(columns: ReadColumns, config: ReadsConfig) -> ReadBatch:
    """ReadBatch of `columns`, with mates paired; their overlaps stay as they are."""
    library = config.library
    mate = np.empty(len(columns.pos), np.int32)
    mate_kernels.pair_mates(columns.name_hash, columns.flag, mate)
    return ReadBatch(
        pos=columns.pos,
        end=columns.end,
        mapq=columns.mapq,
        flag=columns.flag,
        insert_size=columns.insert_size,
        odd=odd_by_library(columns.flag, columns.insert_size, columns.library, config.profiles),
        name_hash=columns.name_hash,
        mate=mate,
        seq=columns.seq,
        qual=columns.qual,
        seq_offset=offsets_of(columns.seq_length),
        cigar_op=columns.cigar_op,
        cigar_len=columns.cigar_len,
        cigar_offset=offsets_of(columns.n_ops),
        mapq0_pos=columns.mapq0_pos,
        mapq0_end=columns.mapq0_end,
        odd_share=library.odd_share,
        clipped_share=library.clipped_share,
        own_qual=columns.qual.copy(),
        library=columns.library,
    )


def columns_of(batch: ReadBatch) -> ReadColumns:
    """The batch as columns again, with qualities as before its overlaps were settled."""
    return ReadColumns(
        batch.pos, batch.end, batch.mapq, batch.flag, batch.insert_size, batch.name_hash, batch.seq,
        batch.own_qual,
        np.diff(batch.seq_offset), batch.cigar_op, batch.cigar_len, np.diff(batch.cigar_offset),
        batch.mapq0_pos, batch.mapq0_end, batch.library,
    )  # fmt: skip


def judged(batch: ReadBatch) -> ReadBatch:
    """`batch` in terms of the profile of its own reads."""
    library = measure_library([columns_of(batch)])
    return replace(
        batch,
        mapq=mapq_table(library)[batch.mapq],
        odd=odd_pairs(batch.flag, batch.insert_size, library),
        odd_share=library.odd_share,
        clipped_share=library.clipped_share,
    )
