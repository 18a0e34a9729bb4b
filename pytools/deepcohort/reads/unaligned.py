"""Reads that their aligner left unaligned, laid where the mate and the library's inserts say they lie.

Aligners that allow few gaps (HISAT2, bwa aln, bowtie2 from end to end) leave reads over longer indels out,
and with them the allele.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.library import insert_bin
from deepcohort.reads.merge import join_pieces, take_reads
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import LibraryProfile
from deepcohort.reads.unaligned_kernels import MOST_OPERATIONS, Laid, lay_reads, reverse_complement

_MOST_INSERT_BP, _LONGEST_READ_BP = 2_000, 500
_UNMAPPED, _MATE_UNMAPPED, _REVERSE, _MATE_REVERSE = 0x4, 0x8, 0x10, 0x20
_LEAST_PAIRED = 0.5


def lays_unaligned(profile: LibraryProfile) -> bool:
    """Whether mates in the library lie near and face each other, so that an unaligned one can be found."""
    # mates of fragments shorter than reads pass each other, and face out
    longest = int(insert_bin(np.array([2 * profile.read_length_bp], np.int32))[0])
    facing_in = any(profile.usual_inserts[0]) and not any(profile.usual_inserts[1][longest + 1 :])
    short = 0 < profile.insert_bp[2] <= _MOST_INSERT_BP and profile.read_length_bp <= _LONGEST_READ_BP
    return profile.paired_share >= _LEAST_PAIRED and facing_in and short


def reach_bp(config: ReadsConfig) -> int:
    """How far from its mate an unaligned read is looked for."""
    return max(_insert_reach(profile) for profile in config.profiles) + _LONGEST_READ_BP


def _insert_reach(profile: LibraryProfile) -> int:
    """bp from a mate's outer end: half as much again as most pairs span, for insertions and deletions."""
    return min(profile.insert_bp[2], _MOST_INSERT_BP) * 3 // 2 + 100


def lay_unaligned(
    columns: ReadColumns, config: ReadsConfig, reference: NDArray[np.uint8], start: int
) -> ReadColumns:
    """`columns` with its reads without alignment laid near their mates, or left out, in order again.

    Args:
        columns: reads in order; those without alignment have the POS of their mate, and no operation.
        reference: uint8 codes from contig position `start` on.
    """
    unaligned = np.flatnonzero(columns.n_ops == 0)
    if not len(unaligned):
        return columns
    rows, mates = _with_mates(columns, unaligned, config)
    aligned = np.flatnonzero(columns.n_ops > 0)
    if not len(rows):
        return take_reads(columns, aligned)
    found = take_reads(columns, rows)
    found = replace(found, mapq0_pos=found.mapq0_pos[:0], mapq0_end=found.mapq0_end[:0])
    mate_reverse = (columns.flag[mates] & _REVERSE) != 0
    _turn(found, ~mate_reverse)
    reach = np.array([_insert_reach(profile) for profile in config.profiles])
    reach_of = reach[columns.library[mates]] if len(columns.library) else np.full(len(mates), reach[0])
    first = np.where(mate_reverse, columns.end[mates] - reach_of, columns.pos[mates])
    last = np.where(mate_reverse, columns.end[mates], columns.pos[mates] + reach_of)
    n = len(rows)
    laid = Laid(
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros((n, MOST_OPERATIONS), np.uint8),
        np.zeros((n, MOST_OPERATIONS), np.int32),
        np.zeros(n, np.int64),
    )
    lay_reads(np.arange(n), found.seq, offsets_of(found.seq_length), first, last, reference, start, laid)
    return _joined(columns, aligned, found, mates, laid)


def _with_mates(
    columns: ReadColumns, unaligned: NDArray[np.int64], config: ReadsConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of the `unaligned` reads whose mate is here and short, rows of these): neighbours, as POS and
    name are the same."""
    n = len(columns.pos)
    mates = np.full(len(unaligned), -1)
    for step in (-1, 1):
        beside = np.clip(unaligned + step, 0, n - 1)
        fits = (
            (columns.name_hash[beside] == columns.name_hash[unaligned])
            & (columns.pos[beside] == columns.pos[unaligned])
            & (columns.n_ops[beside] > 0)
            & ((columns.flag[beside] & _MATE_UNMAPPED) != 0)
            & (columns.end[beside] - columns.pos[beside] <= _LONGEST_READ_BP)
        )
        mates = np.where(fits, beside, mates)
    able = np.array([lays_unaligned(profile) for profile in config.profiles])
    number = columns.library[unaligned] if len(columns.library) else np.zeros(len(unaligned), np.uint16)
    wanted = (mates >= 0) & able[number] & (columns.seq_length[unaligned] <= _LONGEST_READ_BP)
    return unaligned[wanted], mates[wanted]


def _turn(reads: ReadColumns, reverse: NDArray[np.bool_]) -> None:
    """Put `reads` on the strands `reverse` bool (R,), bases and flags, in place."""
    offset = offsets_of(reads.seq_length)
    for row in np.flatnonzero(((reads.flag & _REVERSE) != 0) != reverse).tolist():
        own = slice(int(offset[row]), int(offset[row + 1]))
        reverse_complement(reads.seq[own], reads.qual[own])
    reads.flag = _with_bit(_without(reads.flag, _UNMAPPED), _REVERSE, reverse)


def _without(flag: NDArray[np.uint16], bits: int) -> NDArray[np.uint16]:
    """`flag` (R,) with these bits cleared."""
    return np.asarray(flag & np.uint16(0xFFFF ^ bits))


def _with_bit(flag: NDArray[np.uint16], bit: int, is_set: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """`flag` (R,) with a bit as `is_set` (R,) says."""
    return np.asarray(_without(flag, bit) | np.where(is_set, np.uint16(bit), np.uint16(0)))


def _joined(
    columns: ReadColumns,
    aligned: NDArray[np.int64],
    found: ReadColumns,
    mates: NDArray[np.int64],
    laid: Laid,
) -> ReadColumns:
    """The rows `aligned` of `columns` and those of `found` that were laid, their mates made pairs of them."""
    fits = np.flatnonzero(laid.n_ops > 0)
    if not len(fits):
        return take_reads(columns, aligned)
    mates, pos, end = mates[fits], laid.pos[fits], laid.end[fits]
    size = (np.maximum(end, columns.end[mates]) - np.minimum(pos, columns.pos[mates])).astype(np.int32)
    reverse = (columns.flag[mates] & _REVERSE) != 0
    flag, insert_size = columns.flag.copy(), columns.insert_size.copy()
    flag[mates] = _with_bit(_without(flag[mates], _MATE_UNMAPPED), _MATE_REVERSE, ~reverse)
    insert_size[mates] = np.where(reverse, -size, size)
    kept = take_reads(replace(columns, flag=flag, insert_size=insert_size), aligned)
    more = take_reads(found, fits)
    each = np.arange(MOST_OPERATIONS) < laid.n_ops[fits, None]
    more = replace(
        more,
        pos=pos,
        end=end,
        mapq=columns.mapq[mates],
        flag=_with_bit(more.flag, _MATE_REVERSE, reverse),
        insert_size=np.where(reverse, size, -size).astype(np.int32),
        cigar_op=laid.op[fits][each],
        cigar_len=laid.length[fits][each],
        n_ops=laid.n_ops[fits],
    )
    both = join_pieces([kept, more])
    return take_reads(both, np.lexsort((both.flag, both.name_hash, both.pos)))
