"""Alleles that single clipped reads spell: what follows the break is looked up nearby.

A de Bruijn graph cannot tell one more copy of a long repeat from the copies the reference has (no
k-mer is new). A clipped read can: its tail reads on behind the inserted or deleted stretch.
"""
# mypy: ignore-errors

import numpy as np

from deepcohort.candidates.kernels import shift_left
from deepcohort.core.numba_options import kernel

_ANCHOR_BP = 12  # read bases that must agree with the reference beyond the break
_SHORT_ANCHOR_BP = 6  # where no more are left behind a long insertion; several reads must agree on it
_COMPARED_BP = 40
_CLEAR_BP = 20  # of clip beyond an allele that need no second read
_LONGEST_COPY = 250  # bp of a tandem copy that a clip need not span
_MIN_QUAL = 10  # phred; a worse base may differ


@kernel
def _agrees(seq, qual, query, step, n, reference, at):
    """Whether n read bases from `query` on (in direction `step`) read like the reference from `at` on."""
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
def explain_clip(seq, qual, query, step, n, reference, at, max_indel):
    """Shortest insertion or deletion at the break of a clip that lets the read go on in the reference.

    Args:
        query: index in seq of the first clipped base; step: 1 for a clipped end, -1 for a clipped start.
        n: clipped bp. at: reference position that the first clipped base would have had.

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
def write_clip_allele(size, copied, step, query, at, seq, reference, out):
    """VCF allele of `explain_clip`, left-aligned, ALT into `out`: (anchor, ref_len, alt length).

    Anchor -1 where it would lie outside the reference at hand.
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
            return np.int64(-1), 0, 0
        out[1 + k] = base
    n_deleted = max(-size, 0)
    if start < 1 or start + n_deleted > len(reference):
        return np.int64(-1), 0, 0
    moved = shift_left(reference, start, n_deleted, out[1 : 1 + n_inserted], n_inserted)
    if n_inserted and moved:
        rotated = out[1 : 1 + n_inserted].copy()
        for k in range(n_inserted):
            out[1 + k] = rotated[(k - moved) % n_inserted]
    anchor = start - 1 - moved
    out[0] = reference[anchor]
    return np.int64(anchor), n_deleted + 1, n_inserted + 1


@kernel
def _record(anchor, n_ref, n_alt, allele, first, n, weight, votes, out_pos, out_ref_len, out_offset, out_seq):
    """`weight` votes more for an allele of the window, whose alleles are rows [first, n); the new n."""
    for i in range(first, n):
        same = out_pos[i] == anchor and out_ref_len[i] == n_ref and out_offset[i + 1] - out_offset[i] == n_alt
        if same:
            for k in range(n_alt):
                same &= out_seq[out_offset[i] + k] == allele[k]
        if same:
            votes[i - first] += weight
            return n
    if n - first >= len(votes) or n >= len(out_pos) or out_offset[n] + n_alt > len(out_seq):
        return n
    out_pos[n], out_ref_len[n] = anchor, n_ref
    for k in range(n_alt):
        out_seq[out_offset[n] + k] = allele[k]
    out_offset[n + 1] = out_offset[n] + n_alt
    votes[n - first] = weight
    return n + 1


@kernel
def spell_clips(
    rows, start, stop, min_votes, reference, window_start, pos, end, seq, qual, seq_offset, cigar_op,
    cigar_len, cigar_offset, max_indel, allele, votes, n_out, out_pos, out_ref_len, out_offset, out_seq,
):  # fmt: skip
    """Alleles that clipped ends in [start, stop) of the reads `rows` spell: one that shows an allele whole
    and reads on behind it, or `min_votes` that agree.

    Args:
        allele: uint8, room for a longest ALT. votes: int64, room for as many alleles as may be voted on.
        n_out: rows of out_* used already; the rest is as in `assembly_kernels.assemble_windows`.

    Returns:
        Rows used now.
    """
    first = n_out
    for row in rows:
        for step in (-1, 1):
            op = cigar_offset[row] if step < 0 else cigar_offset[row + 1] - 1
            at = (pos[row] - 1 if step < 0 else end[row]) - window_start
            if cigar_op[op] != 4 or not start <= at < stop:
                continue
            n = min(np.int64(cigar_len[op]), max_indel)
            edge = seq_offset[row] + cigar_len[op] - 1 if step < 0 else seq_offset[row + 1] - cigar_len[op]
            size, copied = explain_clip(seq, qual, edge, step, n, reference, at, max_indel)
            if size == 0:
                continue
            anchor, n_ref, n_alt = write_clip_allele(size, copied, step, edge, at, seq, reference, allele)
            if anchor >= 0:
                # a clip that reads on well behind the allele spells it all by itself
                whole = not copied and n - max(size, 0) >= _CLEAR_BP
                weight = min_votes if whole else 1
                n_out = _record(
                    anchor, n_ref, n_alt, allele, first, n_out, weight, votes, out_pos, out_ref_len,
                    out_offset, out_seq,
                )  # fmt: skip
    kept = first
    for i in range(first, n_out):
        if votes[i - first] < min_votes:
            continue
        n_alt = out_offset[i + 1] - out_offset[i]
        out_pos[kept], out_ref_len[kept] = out_pos[i], out_ref_len[i]
        for k in range(n_alt):
            out_seq[out_offset[kept] + k] = out_seq[out_offset[i] + k]
        out_offset[kept + 1] = out_offset[kept] + n_alt
        kept += 1
    return kept
