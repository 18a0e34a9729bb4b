"""Reads of one fragment that was sequenced several times: which they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.purpose import soft_clips
from deepcohort.reads.scan import ReadColumns, offsets_of

_REVERSE = 0x10
_GAPS = (1, 2)  # CIGAR I, D
_LONG_BP = 500
_OWN_CHANGES, _OWN_GAPS = 100, 20  # of quality within a read; insertions and deletions
# by which short reads tell of such files; so many of each window are enough
_SHORT_CHANGES, _SHORT_SHARE, _LEAST_READS, _MOST_READS = 20, 0.02, 100, 2_000
_MATE_BP = 4  # an error or a clip at a mate's end moves TLEN by so much


def grouped_copies(
    columns: ReadColumns, among: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(rows with copies of one fragment's read after each other, bool (R,): another read stands for it).

    Copies are paired reads of the same strand that begin (5', soft clips counted) at the same base and whose
    mates do, as TLEN tells; where they end, their own indels and clips tell. A read without copies belongs
    to those that begin with it if its mate begins within _MATE_BP of theirs. Of each group the read of the
    smallest name hash stands for the others, so that both reads of a fragment do, wherever the region is
    cut. Only reads `among`, bool (R,), have copies, in one library.
    """
    reverse = (columns.flag & _REVERSE) != 0
    clips = soft_clips(columns)
    aligned = np.where(reverse, columns.end, columns.pos)
    begins = np.where(reverse, columns.end + clips[:, 1], columns.pos - clips[:, 0])
    may = columns.insert_size != 0
    strand = reverse.astype(np.int64) + 2 * (columns.library if among is not None else 0)
    if among is not None:
        may &= among
    mate = np.asarray(aligned + columns.insert_size, np.int64)
    order = np.lexsort((columns.name_hash, mate, begins, strand))
    together = np.zeros(len(order), np.bool_)  # with the read before, but for the mate
    together[1:] = (np.diff(strand[order]) == 0) & (np.diff(begins[order]) == 0)
    together[1:] &= may[order][1:] & may[order][:-1]
    apart = ~(together & (np.diff(mate[order], prepend=0) == 0))
    group = _with_strays(np.cumsum(apart, dtype=np.int64) - 1, mate[order], together)
    order = order[np.lexsort((columns.name_hash[order], group))]
    copied = np.zeros(len(order), np.bool_)
    copied[order[1:]] = np.diff(np.sort(group)) == 0
    return order, copied


def _with_strays(
    group: NDArray[np.int64], mate: NDArray[np.int64], together: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """`group` int64 (R,), ascending, with groups of one read joined to a larger one beside them.

    `mate`: int64 (R,), where mates begin. `together`: bool (R,), whether a read begins as the one before.
    """
    if not len(group):
        return group
    first = np.flatnonzero(np.diff(group, prepend=-1))
    size = np.diff(first, append=len(group))
    gap = np.full(len(first) + 1, _MATE_BP + 1)  # to the group before
    gap[1:-1] = np.where(together[first[1:]], np.diff(mate[first]), _MATE_BP + 1)
    large = np.concatenate(([0], size, [0])) > 1
    left = np.where(large[:-2], gap[:-1], _MATE_BP + 1)
    right = np.where(large[2:], gap[1:], _MATE_BP + 1)
    stray = (size == 1) & (np.minimum(left, right) <= _MATE_BP)
    joined = np.arange(len(first)) + np.where(stray, np.where(left <= right, -1, 1), 0)
    return np.asarray(joined[group])


def repeated(columns: ReadColumns, of_any_length: bool = False) -> NDArray[np.bool_]:
    """Which long reads, or which of any length, stand in the file once more before, bool (R,): of the same
    place, strand, CIGAR, bases and qualities.

    A fragment read twice has other errors and other qualities; the same ones are a file merged with itself.
    Reads of amplicons without errors may be alike where all qualities are, so a long read must have gaps, or
    qualities that change, as no other has. Short reads have few of both: see `are_merged_twice`.
    """
    out = np.zeros(len(columns.pos), np.bool_)
    rows = np.flatnonzero(columns.seq_length >= (0 if of_any_length else _LONG_BP))
    if not len(rows):
        return out
    strand = columns.flag & _REVERSE
    keys: list[NDArray[Any]] = [strand, columns.n_ops, columns.seq_length, columns.end, columns.pos]
    if of_any_length:
        keys.insert(0, _digest(columns))
    order = rows[np.lexsort([key[rows] for key in keys])]
    alike = np.ones(len(order) - 1, np.bool_)
    for key in keys:
        alike &= key[order][1:] == key[order][:-1]
    bases, operations = offsets_of(columns.seq_length), offsets_of(columns.n_ops)
    for at in np.flatnonzero(alike):
        a, b = order[at], order[at + 1]
        of_a, of_b = slice(bases[a], bases[a + 1]), slice(bases[b], bases[b + 1])
        cigar_a, cigar_b = slice(operations[a], operations[a + 1]), slice(operations[b], operations[b + 1])
        out[b] = (
            np.array_equal(columns.seq[of_a], columns.seq[of_b])
            and np.array_equal(columns.qual[of_a], columns.qual[of_b])
            and np.array_equal(columns.cigar_op[cigar_a], columns.cigar_op[cigar_b])
            and np.array_equal(columns.cigar_len[cigar_a], columns.cigar_len[cigar_b])
            and (of_any_length or _is_like_no_other(columns.qual[of_a], columns.cigar_op[cigar_a]))
        )
    return out


def are_merged_twice(pieces: Sequence[ReadColumns]) -> bool:
    """Whether short reads whose qualities change as no other's do stand in the files twice, many of them.

    `pieces`: the first reads of windows, of `first_short_reads`.
    """
    n_told = n_twice = 0
    for piece in pieces:
        told = _sums(_changes(piece), piece) >= _SHORT_CHANGES
        n_told += int(told.sum())
        n_twice += int((told & repeated(piece, of_any_length=True)).sum()) if told.any() else 0
    return n_told >= _LEAST_READS and n_twice >= _SHORT_SHARE * n_told


def first_short_reads(columns: ReadColumns) -> NDArray[np.int64]:
    """Rows of the first of the short reads, int64 (n,), n some thousand at most: twins lie side by side."""
    return np.flatnonzero(columns.seq_length < _LONG_BP)[:_MOST_READS]


def _changes(columns: ReadColumns) -> NDArray[np.int64]:
    """Int64 (B,): 1 where a base has another quality than the one before it in its read."""
    changes = np.zeros(len(columns.qual), np.int64)
    changes[1:] = columns.qual[1:] != columns.qual[:-1]
    first = offsets_of(columns.seq_length)[:-1]
    changes[first[columns.seq_length > 0]] = 0
    return changes


def _digest(columns: ReadColumns) -> NDArray[np.int64]:
    """Int64 (R,): of bases and qualities, in their order; alike for reads that are."""
    place = np.arange(len(columns.seq)) - np.repeat(offsets_of(columns.seq_length)[:-1], columns.seq_length)
    said = columns.seq.astype(np.int64) * 256 + columns.qual
    return _sums(said * (place % 8191 + 1), columns)


def _sums(values: NDArray[np.int64], columns: ReadColumns) -> NDArray[np.int64]:
    """Int64 (R,): of `values` int64 (B,), by read."""
    total = np.concatenate(([0], np.cumsum(values)))
    return np.diff(total[offsets_of(columns.seq_length)])


def _is_like_no_other(qual: NDArray[np.uint8], cigar_op: NDArray[np.uint8]) -> bool:
    """Whether a read of `qual` uint8 (L,) and `cigar_op` uint8 (K,) can be told from all others."""
    gaps = np.isin(cigar_op, _GAPS).sum()
    return bool(gaps >= _OWN_GAPS or (qual[1:] != qual[:-1]).sum() >= _OWN_CHANGES)
