"""Alleles that single clipped reads spell: what follows the break is looked up nearby.

A de Bruijn graph cannot tell one more copy of a long repeat from the copies the reference has (no
k-mer is new). A clipped read can: its tail reads on behind the inserted or deleted stretch.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, AlleleColumns, Int, Window
from deepcohort.candidates.kernels import shift_left
from deepcohort.core.numba_options import borrowing_kernel, kernel

_ANCHOR_BP = 12  # read bases that must agree with the reference beyond the break
_SHORT_ANCHOR_BP = 6  # where no more are left behind a long insertion; several reads must agree on it
_COMPARED_BP = 40
_CLEAR_BP = 20  # of clip beyond an allele that need no second read
_LONGEST_COPY = 250  # bp of a tandem copy that a clip need not span
_MIN_QUAL = 10  # phred; a worse base may differ


class ClipRules(NamedTuple):
    """min_votes: clips that must agree on an allele. max_indel: bp."""

    min_votes: int
    max_indel: int


class ClipRoom(NamedTuple):
    """Work space: allele uint8 (longest ALT,), base codes; votes int64 (alleles that may be voted on,)."""

    allele: NDArray[np.uint8]
    votes: NDArray[np.int64]


class Spelled(NamedTuple):
    """An allele: index of its anchor in the reference, -1 for none, bp of REF and ALT."""

    anchor: Int
    n_ref: Int
    n_alt: Int


@kernel
def _agrees(
    seq: NDArray[np.uint8], qual: NDArray[np.uint8], query: Int, step: Int, n: Int,
    reference: NDArray[np.uint8], at: Int,
) -> bool:  # fmt: skip
    """Whether n read bases from `query` on (in direction `step`) read like the reference from `at` on.

    `seq`, `qual`: uint8 (B,), base codes and phred. `reference`: uint8 (L,), base codes.
    """
    allowed = n // 20
    for k in range(n):
        r = at + step * k
        if r < 0 or r >= len(reference) or reference[r] > 3:
            return False
        q = query + step * k
        if seq[q] != reference[r] and qual[q] >= _MIN_QUAL:
            allowed -= 1
            if allowed < 0:
                return False
    return True


@kernel
def explain_clip(
    seq: NDArray[np.uint8], qual: NDArray[np.uint8], query: Int, step: Int, n: Int,
    reference: NDArray[np.uint8],
    at: Int, max_indel: int,
) -> tuple[Int, bool]:  # fmt: skip
    """Shortest insertion or deletion at the break of a clip that lets the read go on in the reference.

    Args:
        seq, qual: uint8 (B,), base codes and phred. reference: uint8 (L,), base codes.
        query: index in seq of the first clipped base; step: 1 for a clipped end, -1 for a clipped start.
        n: clipped bp. at: index of the reference that the first clipped base would have had.

    Returns:
        (bp inserted, positive, or deleted, negative; whether the inserted bases are those of the
        reference before the break, of which the clip may show a part only); (0, False) if none fits.
    """
    for size in range(1, n - _ANCHOR_BP + 1):
        compared = min(n - size, _COMPARED_BP)
        if _agrees(seq, qual, query + step * size, step, compared, reference, at):
            return size, False
    if n < _ANCHOR_BP:
        return 0, False
    for size in range(max(n - _ANCHOR_BP + 1, 2 * _ANCHOR_BP), n - _SHORT_ANCHOR_BP + 1):
        if _agrees(seq, qual, query + step * size, step, n - size, reference, at):
            return size, False
    compared = min(n, _COMPARED_BP)
    for size in range(1, max_indel + 1):
        if _agrees(seq, qual, query, step, compared, reference, at + step * size):
            return -size, False
        part_of_copy = n - _ANCHOR_BP <= size <= _LONGEST_COPY
        # a copy repeats the `size` reference bases before the break, and then goes on at `at`
        if part_of_copy and _agrees(seq, qual, query, step, n, reference, at - step * size):
            return size, True
    return 0, False


@kernel
def write_clip_allele(
    size: Int, copied: bool, step: Int, query: Int, at: Int, seq: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> Spelled:  # fmt: skip
    """VCF allele of `explain_clip`, left-aligned, its ALT written to `out` uint8 (longest ALT,).

    Anchor -1 where it would lie outside the reference at hand. The other arguments as of `explain_clip`.
    """
    n_inserted = max(size, 0)
    if step > 0:
        start = at  # reference base behind an insertion, or first base deleted
    else:
        start = at + 1 if size > 0 else at + 1 + size
    for k in range(n_inserted):
        if copied:
            base = reference[at - size + k] if step > 0 else reference[at + 1 + k]
        else:
            base = seq[query + k] if step > 0 else seq[query - size + 1 + k]
        if base > 3:
            return Spelled(np.int64(-1), np.int64(0), np.int64(0))
        out[1 + k] = base
    n_deleted = max(-size, 0)
    if start < 1 or start + n_deleted > len(reference):
        return Spelled(np.int64(-1), np.int64(0), np.int64(0))
    moved = shift_left(reference, start, n_deleted, out[1 : 1 + n_inserted], n_inserted)
    if n_inserted and moved:
        rotated = out[1 : 1 + n_inserted].copy()
        for k in range(n_inserted):
            out[1 + k] = rotated[(k - moved) % n_inserted]
    anchor = start - 1 - moved
    out[0] = reference[anchor]
    return Spelled(np.int64(anchor), np.int64(n_deleted + 1), np.int64(n_inserted + 1))


@borrowing_kernel
def put_allele(spelled: Spelled, alt: NDArray[np.uint8], found: AlleleColumns, n: Int) -> bool:
    """Write an allele with ALT bases `alt`, uint8 (n_alt,) or longer, as row `n`; whether there was room."""
    offset = found.alt_offset[n]
    if n >= len(found.pos) or offset + spelled.n_alt > len(found.alt_seq):
        return False
    found.pos[n], found.ref_len[n] = spelled.anchor, spelled.n_ref
    for k in range(spelled.n_alt):
        found.alt_seq[offset + k] = alt[k]
    found.alt_offset[n + 1] = offset + spelled.n_alt
    return True


@borrowing_kernel
def _is_row(i: Int, spelled: Spelled, alt: NDArray[np.uint8], found: AlleleColumns) -> bool:
    """Whether row `i` of `found` is the allele `spelled` with ALT bases `alt`, uint8 (n_alt,) or longer."""
    if found.pos[i] != spelled.anchor or found.ref_len[i] != spelled.n_ref:
        return False
    if found.alt_offset[i + 1] - found.alt_offset[i] != spelled.n_alt:
        return False
    same = True
    for k in range(spelled.n_alt):
        same &= found.alt_seq[found.alt_offset[i] + k] == alt[k]
    return same


@borrowing_kernel
def _vote(spelled: Spelled, weight: Int, room: ClipRoom, found: AlleleColumns, first: Int, n: Int) -> Int:
    """`weight` votes more for an allele of the window, whose alleles are rows [first, n); the new n."""
    for i in range(first, n):
        if _is_row(i, spelled, room.allele, found):
            room.votes[i - first] += weight
            return n
    if n - first >= len(room.votes) or not put_allele(spelled, room.allele, found, n):
        return n
    room.votes[n - first] = weight
    return n + 1


@borrowing_kernel
def _keep_voted(votes: NDArray[np.int64], min_votes: int, found: AlleleColumns, first: Int, n: Int) -> Int:
    """Drop rows of [first, n) with fewer than `min_votes` votes, int64 (W,), W >= n - first; the new n."""
    kept = first
    for i in range(first, n):
        if votes[i - first] < min_votes:
            continue
        offset = found.alt_offset[i]
        n_alt = found.alt_offset[i + 1] - offset
        found.pos[kept], found.ref_len[kept] = found.pos[i], found.ref_len[i]
        for k in range(n_alt):
            found.alt_seq[found.alt_offset[kept] + k] = found.alt_seq[offset + k]
        found.alt_offset[kept + 1] = found.alt_offset[kept] + n_alt
        kept += 1
    return kept


@borrowing_kernel
def _clip_at(row: Int, step: Int, reads: AlignedReads, max_indel: int) -> tuple[Int, Int]:
    """(bp clipped, index in reads.seq of the clipped base next to the break) of a read's start (step -1) or
    end (1); (0, 0) where it is not clipped."""
    op = reads.cigar_offset[row] if step < 0 else reads.cigar_offset[row + 1] - 1
    if reads.cigar_op[op] != 4:
        return np.int64(0), np.int64(0)
    length = np.int64(reads.cigar_len[op])
    edge = reads.seq_offset[row] + length - 1 if step < 0 else reads.seq_offset[row + 1] - length
    return length if length < max_indel else np.int64(max_indel), edge


@kernel
def spell_clips(
    rows: NDArray[np.int64], start: Int, stop: Int, rules: ClipRules, window: Window, reads: AlignedReads,
    room: ClipRoom, found: AlleleColumns, n: Int,
) -> Int:  # fmt: skip
    """Alleles that clipped ends in [start, stop) of the reads `rows` spell: one that shows an allele whole
    and reads on behind it, or `min_votes` that agree.

    Args:
        rows: int64 (r,). start, stop: indices of the window's reference.
        found: receives alleles from row `n` on, as far as there is room.

    Returns:
        Rows of `found` used now.
    """
    first = n
    for row in rows:
        for step in (-1, 1):
            at = (reads.pos[row] - 1 if step < 0 else reads.end[row]) - window.start
            clipped, edge = _clip_at(row, step, reads, rules.max_indel)
            if clipped == 0 or not start <= at < stop:
                continue
            size, copied = explain_clip(
                reads.seq, reads.qual, edge, step, clipped, window.reference, at, rules.max_indel
            )
            if size == 0:
                continue
            spelled = write_clip_allele(
                size, copied, step, edge, at, reads.seq, window.reference, room.allele
            )
            if spelled.anchor >= 0:
                # a clip that reads on well behind the allele spells it all by itself
                whole = not copied and clipped - max(size, 0) >= _CLEAR_BP
                n = _vote(spelled, rules.min_votes if whole else 1, room, found, first, n)
    return _keep_voted(room.votes, rules.min_votes, found, first, n)
