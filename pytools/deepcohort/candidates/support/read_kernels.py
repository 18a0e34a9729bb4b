"""Which read says what at each candidate: per-read likelihood ratios."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, AlleleColumns, Entries, Int, Window
from deepcohort.candidates.repeat_stutter import StutterRates
from deepcohort.candidates.site_kernels import MAX_HYPOTHESES, Haplotypes, Sites
from deepcohort.candidates.support.indel_kernels import (
    Crossing,
    Scoring,
    cross_repeat,
    judge_allele,
    judge_indels,
    tempered,
)
from deepcohort.core.numba_options import borrowing_kernel, kernel


class Room(NamedTuple):
    """Work space of `judge_reads` for S sites.

    Attributes:
        cursor: int64 (S,), entries written of each candidate of a site.
        stood: int64 (S, 4), where the read's alignment stood at each site: operation, its start on the
            reference and in seq, index of the aligned base or -1. visited: int64 (S,), row of that read.
        raw, scores: float64 (H,), log10, of one site's haplotypes.
    """

    cursor: NDArray[np.int64]
    stood: NDArray[np.int64]
    visited: NDArray[np.int64]
    raw: NDArray[np.float64]
    scores: NDArray[np.float64]


class Stand(NamedTuple):
    """Where an operation of a read begins: `op` its row, `at` relative to the window, `query` in seq."""

    op: Int
    at: Int
    query: Int


class Shown(NamedTuple):
    """What a read shows at a site.

    Attributes:
        row: of the read. kind: its CIGAR operation there, 3 for none.
        read_index: of the base at the site, or just left of it. beside: whether the read shows an indel
            right behind a skipped stretch (N).
        judged: whether it was held against the site's haplotypes. expected: base code of the reference.
    """

    row: Int
    kind: Int
    read_index: Int
    beside: bool
    judged: bool
    expected: Int


@kernel
def mismatch_penalties() -> NDArray[np.float64]:
    """log10 of the odds of a mismatch by phred, float64 (256,); quality 0 and 1 say nothing."""
    table = np.zeros(256)
    for q in range(2, 256):
        error = 10.0 ** (-min(q, 45) / 10.0)
        table[q] = min(0.0, np.log10(error / 3.0) - np.log10(1.0 - error))
    return table


@kernel
def leading_clip(
    cigar_op: NDArray[np.uint8], cigar_len: NDArray[np.int32], first_op: Int, last_op: Int
) -> tuple[Int, Int]:
    """(operation of the first aligned base, soft-clipped bp before it) of operations [first_op, last_op).

    `cigar_op`: uint8 (K,), `cigar_len`: int32 (K,), bp.
    """
    op = first_op
    clipped = 0
    while op < last_op - 1 and (cigar_op[op] == 4 or cigar_op[op] == 5):
        if cigar_op[op] == 4:
            clipped += cigar_len[op]
        op += 1
    return op, clipped


@kernel
def count_entries(reads: AlignedReads, window_start: Int, site_pos: NDArray[np.int64]) -> NDArray[np.int64]:
    """Reads that cover each site, soft-clipped starts included, int64 (S,).

    A read that begins behind an indel may show it with its clipped start. `site_pos`: int64 (S,), ascending,
    relative to window_start.
    """
    change = np.zeros(len(site_pos) + 1, np.int64)
    for row in range(len(reads.pos)):
        _, clipped = leading_clip(
            reads.cigar_op, reads.cigar_len, reads.cigar_offset[row], reads.cigar_offset[row + 1]
        )
        change[np.searchsorted(site_pos, reads.pos[row] - window_start - clipped)] += 1
        change[np.searchsorted(site_pos, reads.end[row] - window_start)] -= 1
    return np.cumsum(change)[:-1]


@borrowing_kernel
def _judge_snp(
    c: Int, site_first: Int, site_last: Int, base: Int, q: Int, expected: Int, alleles: AlleleColumns,
    penalty: NDArray[np.float64],
) -> tuple[Int, float]:  # fmt: skip
    """(allele, log10 ratio) of a read base (code, phred `q`) at SNP candidate `c`, a row of its site's.

    `expected`: base code of the reference. `penalty`: float64 (256,), log10 by phred.
    """
    if base == alleles.alt_seq[alleles.alt_offset[c]]:
        return 1, -penalty[q]
    if base == expected:
        return 0, penalty[q]
    for d in range(site_first, site_last):
        is_snp = alleles.ref_len[d] == 1 and alleles.alt_offset[d + 1] - alleles.alt_offset[d] == 1
        if is_snp and alleles.alt_seq[alleles.alt_offset[d]] == base:
            return 2, penalty[q]
    return 2, 0.0


@borrowing_kernel
def _walk_to(p: Int, stand: Stand, last_op: Int, reads: AlignedReads) -> tuple[Stand, Int, Int]:
    """(where the operation that holds position `p` begins, its kind, its bp); 3 and 0 where none is left.

    `stand`: of an operation at or before `p`; `last_op`: stop of the read's operations.
    """
    op, at, query = stand
    kind, length = np.int64(3), np.int64(0)
    while op < last_op:
        kind = np.int64(reads.cigar_op[op])
        length = np.int64(reads.cigar_len[op])
        takes_reference = kind == 0 or kind == 2 or kind == 3 or kind >= 7
        if takes_reference and at + length > p:
            break
        if takes_reference:
            at += length
        if kind == 0 or kind == 1 or kind == 4 or kind >= 7:
            query += length
        op += 1
    return Stand(op, at, query), kind, length


@borrowing_kernel
def _judge_repeat(
    s: Int, row: Int, begin: Stand, beside: bool, reads: AlignedReads, sites: Sites, haplotypes: Haplotypes,
    scoring: Scoring, room: Room,
) -> bool:  # fmt: skip
    """Hold the read `row` against the haplotypes of site `s`, into room.scores; whether it says anything.

    `begin`: its first aligned operation. `beside`: see `Shown`.
    """
    a = haplotypes.anchor[s]
    p = sites.pos[a]
    op, at, query, index = room.stood[a, 0], room.stood[a, 1], room.stood[a, 2], room.stood[a, 3]
    if room.visited[a] != row:  # the read begins behind the anchor
        op, at, query, index = begin.op, begin.at, begin.query, np.int64(-1)
    left_stop = query
    if p < begin.at or (op > reads.cigar_offset[row] and reads.cigar_op[op - 1] == 4):
        left_stop = reads.seq_offset[row]
    reached, right_index, right_stop, between, skipped = cross_repeat(
        reads, op, reads.cigar_offset[row + 1], at, query, p, max(sites.resync[s], sites.pos[s] + 1), scoring
    )
    if beside and a == s:
        index = room.stood[s, 2] - 1
    spliced = skipped >= 0
    if (index < 0 and reached < 0) or (spliced and (index < 0 or reached < 0)):
        return False
    net = (right_index - index) - (reached - p - max(skipped, 0)) if reached >= 0 else 0
    way = Crossing(p, index, left_stop, reached, right_index, right_stop, net, between, spliced)
    judge_indels(s, way, sites, haplotypes, scoring, reads, room.raw, room.scores)
    return True


@borrowing_kernel
def _write_entries(
    s: Int, shown: Shown, reads: AlignedReads, alleles: AlleleColumns, sites: Sites, haplotypes: Haplotypes,
    scoring: Scoring, room: Room, entries: Entries,
) -> None:  # fmt: skip
    """Write what a read says at site `s`: the next entry of each of its candidates."""
    first, last = sites.first[s], sites.first[s + 1]
    mapq = reads.mapq[shown.row]
    aligned = shown.kind == 0 or shown.kind >= 7
    placed = aligned or shown.kind == 2 or shown.beside
    for c in range(first, last):
        slot = entries.offset[c] + room.cursor[s]
        entries.read[slot] = shown.row
        entries.read_index[slot] = shown.read_index - reads.seq_offset[shown.row] if placed else -1
        allele, ratio = -1, 0.0
        is_snp = alleles.ref_len[c] == 1 and alleles.alt_offset[c + 1] - alleles.alt_offset[c] == 1
        if shown.kind == 2:
            # the read has a deletion here, which rules the alternate out
            allele, ratio = 2, tempered(-2.0, mapq)
        elif is_snp and aligned:
            base, q = reads.seq[shown.read_index], reads.qual[shown.read_index]
            if q >= 2 and base < 4:
                allele, ratio = _judge_snp(c, first, last, base, q, shown.expected, alleles, scoring.penalty)
                ratio = tempered(ratio, mapq)
                allele = allele if q >= scoring.min_qual else -1
        elif not is_snp and shown.judged:
            candidate = haplotypes.candidate[haplotypes.first[s] : haplotypes.first[s + 1]]
            allele, ratio = judge_allele(room.scores, candidate, c - first + 1, mapq)
        entries.allele[slot] = allele
        entries.ratio[slot] = ratio
    room.cursor[s] += 1


@borrowing_kernel
def _judge_read(
    row: Int, s: Int, begin: Stand, reads: AlignedReads, alleles: AlleleColumns, sites: Sites,
    haplotypes: Haplotypes, scoring: Scoring, room: Room, entries: Entries,
) -> None:  # fmt: skip
    """Write the entries of the read `row` at site `s` and those behind it that the read covers.

    `begin`: its first aligned operation, where its soft-clipped start is passed.
    """
    stop = begin.at + reads.end[row] - reads.pos[row]
    last_op = reads.cigar_offset[row + 1]
    stand = begin
    while s < len(sites.pos) and sites.pos[s] < stop:
        p = sites.pos[s]
        kind, length = np.int64(3), np.int64(0)
        if p >= begin.at:
            stand, kind, length = _walk_to(p, stand, last_op, reads)
        aligned = kind == 0 or kind >= 7
        index = stand.query + p - stand.at if aligned else stand.query - 1
        room.stood[s, 0], room.stood[s, 1], room.stood[s, 2] = stand.op, stand.at, stand.query
        room.stood[s, 3] = index if aligned else -1
        room.visited[s] = row
        # an indel right behind a skipped stretch has its anchor within it
        beside = (
            kind == 3
            and p >= begin.at
            and stand.query > reads.seq_offset[row]
            and stand.at + length <= max(sites.resync[s], p + 1)
        )
        judged = False
        if haplotypes.first[s + 1] > haplotypes.first[s] and (aligned or p < begin.at or beside):
            judged = _judge_repeat(s, row, begin, beside, reads, sites, haplotypes, scoring, room)
        shown = Shown(row, kind, index, beside, judged, scoring.reference[p])
        _write_entries(s, shown, reads, alleles, sites, haplotypes, scoring, room, entries)
        s += 1


@kernel
def judge_reads(
    reads: AlignedReads, alleles: AlleleColumns, window: Window, sites: Sites, haplotypes: Haplotypes,
    flanks: NDArray[np.uint8], slips: StutterRates, min_qual: Int, entries: Entries,
) -> None:  # fmt: skip
    """Fill the entries of every candidate (CSR by candidate; the candidates of a site share reads).

    SNPs count by `reads.qual`, indels are judged by `reads.own_qual`.

    Args:
        flanks: uint8 (L,), the window's reference, N where bases are not to count at indels.
        min_qual: phred that a base must have to show a SNP.
        entries: `offset` is set; the rest is filled.
    """
    n_sites = len(sites.pos)
    room = Room(
        np.zeros(n_sites, np.int64),
        np.zeros((n_sites, 4), np.int64),
        np.full(n_sites, -1, np.int64),
        np.zeros(MAX_HYPOTHESES),
        np.zeros(MAX_HYPOTHESES),
    )
    scoring = Scoring(window.reference, flanks, mismatch_penalties(), slips, min_qual)
    for row in range(len(reads.pos)):
        op, clipped = leading_clip(
            reads.cigar_op, reads.cigar_len, reads.cigar_offset[row], reads.cigar_offset[row + 1]
        )
        start = reads.pos[row] - window.start
        s = np.searchsorted(sites.pos, start - clipped)
        begin = Stand(op, start, reads.seq_offset[row] + clipped)
        _judge_read(row, s, begin, reads, alleles, sites, haplotypes, scoring, room, entries)


@kernel
def assign_to_copies(is_indel: NDArray[np.bool_], mate: NDArray[np.int32], entries: Entries) -> None:
    """Let the two mates at an indel vote once: the stronger keeps the say (less what speaks against).

    SNPs need none of this: the overlapped base of one mate already has quality 0. `is_indel`: bool (N,).
    `mate`: int32 (R,), or -1. `entries` are changed in place.
    """
    ratio, allele = entries.ratio, entries.allele
    for c in range(len(is_indel)):
        if not is_indel[c]:
            continue
        first, last = entries.offset[c], entries.offset[c + 1]
        rows = entries.read[first:last]
        for i in range(first, last):
            other = mate[entries.read[i]]
            if other <= entries.read[i]:
                continue
            j = first + np.searchsorted(rows, other)
            if j >= last or entries.read[j] != other:
                continue
            keep, drop = (i, j) if abs(ratio[i]) >= abs(ratio[j]) else (j, i)
            if ratio[keep] * ratio[drop] < 0:
                ratio[keep] += ratio[drop]
                if abs(ratio[keep]) < 0.5:
                    allele[keep] = -1
            ratio[drop] = 0.0
            allele[drop] = -1


@borrowing_kernel
def _aligned_index(row: Int, reads: AlignedReads, wanted: Int) -> Int:
    """Index in reads.seq of the base of the read `row` aligned to contig position `wanted`, or -1."""
    at, query = reads.pos[row], reads.seq_offset[row]
    for op in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
        kind = reads.cigar_op[op]
        length = np.int64(reads.cigar_len[op])
        if kind == 0 or kind >= 7:
            if wanted < at + length:
                return query + wanted - at if wanted >= at else np.int64(-1)
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            at += length
    return np.int64(-1)


@borrowing_kernel
def _position_of(row: Int, reads: AlignedReads, wanted: Int) -> Int:
    """Contig position to which the base reads.seq[wanted] of the read `row` is aligned, or -1."""
    at, query = reads.pos[row], reads.seq_offset[row]
    for op in range(reads.cigar_offset[row], reads.cigar_offset[row + 1]):
        kind = reads.cigar_op[op]
        length = np.int64(reads.cigar_len[op])
        if kind == 0 or kind >= 7:
            if wanted < query + length:
                return at + wanted - query if wanted >= query else np.int64(-1)
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            at += length
    return np.int64(-1)


@borrowing_kernel
def _index_beside(k: Int, row: Int, other: Int, reads: AlignedReads) -> Int:
    """Index in reads.seq of the mate `other`'s base that lies where base `k` of the read `row` does, or -1.

    The first base of an insertion lies where the mate has the first of its own behind the same base.
    """
    p = _position_of(row, reads, k)
    inserted = p < 0 and k > reads.seq_offset[row]
    if inserted:
        p = _position_of(row, reads, k - 1)
    if p < reads.pos[other] or p >= reads.end[other]:
        return np.int64(-1)
    m = _aligned_index(other, reads, p)
    if m < 0 or not inserted:
        return m
    m += 1
    return m if m < reads.seq_offset[other + 1] and _position_of(other, reads, m) < 0 else np.int64(-1)


@kernel
def _is_snp_site(p: Int, is_indel: NDArray[np.bool_], cand_pos: NDArray[np.int64]) -> bool:
    """Whether a SNP is a candidate at `p`; is_indel bool (N,), cand_pos int64 (N,), ascending, as `p`."""
    n = np.searchsorted(cand_pos, p)
    while n < len(cand_pos) and cand_pos[n] == p:
        if not is_indel[n]:
            return True
        n += 1
    return False


@kernel
def lend_quality(
    is_indel: NDArray[np.bool_], cand_pos: NDArray[np.int64], window_start: Int, reads: AlignedReads,
    entries: Entries,
) -> None:  # fmt: skip
    """Give the say over the two bases beside an indel to the mate that speaks for its fragment there.

    Where both mates agree on such a base, the one that `settle_overlaps` left without quality takes
    that of the other (in place): a fragment still votes once per base, by the mate that shows the
    indel or its absence. Bases where a SNP is a candidate stay as they are.

    Args:
        is_indel: bool (N,). cand_pos: int64 (N,), ascending, relative to window_start.
        reads: `qual` is changed.
    """
    qual = reads.qual
    for c in range(len(is_indel)):
        if not is_indel[c]:
            continue
        for e in range(entries.offset[c], entries.offset[c + 1]):
            row, i = np.int64(entries.read[e]), np.int64(entries.read_index[e])
            other = np.int64(reads.mate[row])
            if i < 0 or other < 0 or entries.allele[e] < 0 or entries.allele[e] > 1:
                continue
            beside = reads.seq_offset[row] + i
            for k in range(beside, min(beside + 2, reads.seq_offset[row + 1])):
                if qual[k] > 0 or reads.own_qual[k] == 0:
                    continue
                m = _index_beside(k, row, other, reads)
                if m < 0 or _is_snp_site(_position_of(row, reads, k) - window_start, is_indel, cand_pos):
                    continue
                if reads.seq[m] == reads.seq[k] and qual[m] > 0:
                    qual[k], qual[m] = qual[m], 0


@kernel
def tally(entries: Entries, dp: NDArray[np.int32], ad: NDArray[np.int32]) -> None:
    """Fill dp int32 (N,) and ad int32 (N, 2), which are 0, from the entries."""
    for c in range(len(dp)):
        for i in range(entries.offset[c], entries.offset[c + 1]):
            allele = entries.allele[i]
            if allele >= 0:
                dp[c] += 1
                if allele < 2:
                    ad[c, allele] += 1
