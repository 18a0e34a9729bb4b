"""Bases along alignments: those written as `=`, and those that a chemistry changes on purpose."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.core.sequence import CODE_EQUAL, CODE_N
from deepcohort.reads.clip_kernels import Placed

_CONSUMES_READ = (1, 4)  # I, S
_CONSUMES_REFERENCE = (2, 3)  # D, N
_MATCHES = (0, 7, 8)
_A, _C, _G, _T = 0, 1, 2, 3
CPG, ELSEWHERE = 0, 1  # contexts: C before G and G after C, and all others


class Stretch(NamedTuple):
    """The reference: uint8 `codes` (L,) from contig position `start` on."""

    codes: NDArray[np.uint8]
    start: int


@kernel
def _code_at(stretch: Stretch, place: int) -> int | np.int64:
    """Base code of the reference, CODE_N beyond the stretch."""
    inside = 0 <= place < len(stretch.codes)
    return np.int64(stretch.codes[place]) if inside else np.int64(CODE_N)


@kernel
def place_bases(reads: Placed, place: NDArray[np.int64]) -> None:
    """Contig position of each base into `place`, int64 (B,); -1 of those that lie on none."""
    place[:] = -1
    for r in range(len(reads.pos)):
        at, query = reads.pos[r], reads.seq_offset[r]
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            op, length = reads.cigar_op[k], np.int64(reads.cigar_len[k])
            if op in _MATCHES:
                length = min(length, reads.seq_offset[r + 1] - query)  # some have no bases
                for i in range(length):
                    place[query + i] = at + i
                at += length
                query += length
            elif op in _CONSUMES_READ:
                query += length
            elif op in _CONSUMES_REFERENCE:
                at += length


@kernel
def fill_equal(
    seq: NDArray[np.uint8], qual: NDArray[np.uint8], place: NDArray[np.int64], stretch: Stretch
) -> None:
    """Give bases of CODE_EQUAL in `seq`, uint8 (B,), that of the reference at `place`, or N, of quality 0."""
    for i in range(len(seq)):
        if seq[i] == CODE_EQUAL:
            seq[i] = CODE_N if place[i] < 0 else _code_at(stretch, place[i] - stretch.start)
            if seq[i] == CODE_N:
                qual[i] = 0


@kernel
def _context(seq: NDArray[np.uint8], i: int, step: int, place: int, stretch: Stretch) -> int:
    """CPG where the reference or the read has the other base of a CpG beside base `i`, which lies at `place`
    of the stretch; `step`: 1 of a C, whose G follows, -1 of a G."""
    other = _G if step == 1 else _C
    if _code_at(stretch, place + step) == other:
        return CPG
    return CPG if 0 <= i + step < len(seq) and seq[i + step] == other else ELSEWHERE


@kernel
def tally_conversions(
    reads: Placed, is_own: NDArray[np.bool_], place: NDArray[np.int64], stretch: Stretch
) -> NDArray[np.int64]:
    """Int64 (2, 3, 2): C of the reference, and G, by context; by whether it was read as it is, as T (of
    G: A), or otherwise; and by whether the read is not, or is, of the strand where a conversion does that.

    `is_own`: bool (R,), of reads whose C may be changed; of the others it is G. Bases of N do not count.
    """
    counts = np.zeros((2, 3, 2), np.int64)
    for r in range(len(reads.pos)):
        for i in range(reads.seq_offset[r], reads.seq_offset[r + 1]):
            if place[i] < 0:
                continue
            at = place[i] - stretch.start
            ref = _code_at(stretch, at)
            for base, changed, step in ((_C, _T, 1), (_G, _A, -1)):
                if ref == base and reads.seq[i] < CODE_N:
                    context = CPG if _code_at(stretch, at + step) == (_G if step == 1 else _C) else ELSEWHERE
                    kind = 0 if reads.seq[i] == base else 1 if reads.seq[i] == changed else 2
                    counts[context, kind, np.int64(is_own[r] == (step == 1))] += 1
    return counts


@kernel
def silence_converted(
    reads: Placed,
    qual: NDArray[np.uint8],
    is_own: NDArray[np.bool_],
    contexts: NDArray[np.bool_],
    place: NDArray[np.int64],
    stretch: Stretch,
    as_unknown: bool,
) -> int:
    """Make bases say nothing that a conversion may have changed: the reference's base, of quality 0.

    Args:
        reads: whose `seq` changes. qual: uint8 (B,), changes.
        is_own: bool (R,), reads whose C may read as T; of the others G may read as A.
        contexts: bool (R, 2), where that happens to each read: CPG, ELSEWHERE.
        as_unknown: N in place of the reference's base.

    Returns:
        How many bases.
    """
    n = 0
    for r in range(len(reads.pos)):
        if not (contexts[r, 0] or contexts[r, 1]):
            continue
        base, changed, step = (_C, _T, 1) if is_own[r] else (_G, _A, -1)
        first, stop = reads.seq_offset[r], reads.seq_offset[r + 1]
        # each base before the one that is its context, which may be silenced after it
        for k in range(stop - first):
            i = first + k if step == 1 else stop - 1 - k
            if place[i] < 0 or (reads.seq[i] != base and reads.seq[i] != changed):
                continue
            at = place[i] - stretch.start
            if contexts[r, _context(reads.seq[first:stop], i - first, step, at, stretch)]:
                ref = _code_at(stretch, at)
                if as_unknown:
                    reads.seq[i] = CODE_N
                elif ref < CODE_N:
                    reads.seq[i] = ref
                qual[i] = 0
                n += 1
    return n


@kernel
def find_insertions(reads: Placed, found: NDArray[np.int64]) -> int:
    """Insertions into `found`, int64 (K, 4): contig position of the base behind it, bp, first base in
    reads.seq, row of the read. Returns how many."""
    n = 0
    for r in range(len(reads.pos)):
        at, query = reads.pos[r], reads.seq_offset[r]
        for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
            op, length = reads.cigar_op[k], np.int64(reads.cigar_len[k])
            if op == 1 and query + length <= reads.seq_offset[r + 1]:
                found[n, 0], found[n, 1], found[n, 2], found[n, 3] = at, length, query, r
                n += 1
            if op in _MATCHES or op in _CONSUMES_REFERENCE:
                at += length
            if op in _MATCHES or op in _CONSUMES_READ:
                query += length
    return n


@kernel
def _told(
    seq: NDArray[np.uint8],
    found: NDArray[np.int64],
    is_own: NDArray[np.bool_],
    offset: int,
    base: int,
    changed: int,
) -> int:
    """Which of `base` and `changed` the reads have at `offset` of their insertion that a conversion leaves as
    they are; CODE_N where none has either, or as many have the one as the other.

    `found`: int64 (n, 4), reads of one insertion. `is_own`: bool (R,), of reads whose C is converted.
    """
    n_base = n_changed = 0
    for i in range(len(found)):
        if is_own[found[i, 3]] != (base == _C):
            n_base += seq[found[i, 2] + offset] == base
            n_changed += seq[found[i, 2] + offset] == changed
    return CODE_N if n_base == n_changed else base if n_base > n_changed else changed


@kernel
def spell_insertions(
    reads: Placed, found: NDArray[np.int64], is_own: NDArray[np.bool_], is_converted: NDArray[np.bool_]
) -> int:
    """Spell inserted bases that a conversion may have changed as the reads of the other strand do.

    Args:
        reads: whose `seq` changes. found: int64 (K, 4) of `find_insertions`, sorted.
        is_own: bool (R,), reads whose C may read as T; of the others G may read as A.
        is_converted: bool (R,), reads that are of a library that converts.

    Returns:
        How many bases changed.
    """
    n_spelled, first = 0, 0
    while first < len(found):
        stop = first + 1
        while stop < len(found) and found[stop, 0] == found[first, 0] and found[stop, 1] == found[first, 1]:
            stop += 1
        for offset in range(found[first, 1]):
            for base, changed in ((_C, _T), (_G, _A)):
                told = _told(reads.seq, found[first:stop], is_own, offset, base, changed)
                if told == CODE_N:
                    continue
                for i in range(first, stop):
                    row, at = found[i, 3], found[i, 2] + offset
                    is_changed = is_converted[row] and is_own[row] == (base == _C)
                    is_either = reads.seq[at] == base or reads.seq[at] == changed
                    if is_changed and is_either and reads.seq[at] != told:
                        reads.seq[at] = told
                        n_spelled += 1
        first = stop
    return n_spelled
