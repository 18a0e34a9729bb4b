"""Reads against the reference: depth, mismatches, indels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlignedReads, AlleleColumns, Window
from deepcohort.candidates.substitution_kernels import cpg_class
from deepcohort.core.numba_options import borrowing_kernel, kernel

MIN_CLIP_BP = 6  # shorter clips say little
MIN_CLIP_QUAL = 18  # phred, mean next to the break
# an insertion is another one misread that differs by a base, or by one in so many bp, where so many times as
# many fragments show that one
MISREAD_PER_BP, MISREAD_FACTOR = 10, 3
MOST_KEYED_BP = 31  # longer insertions have a hash for a key


class Tallies(NamedTuple):
    """What reads show at each of the L bases of a window; see `counts.WindowCounts`.

    Attributes:
        n_total: int32 (L,), bases of usable quality, and deleted bases, that cover it.
        n_deleted: int32 (L,), of these the deleted ones.
        alt_count: int32 (4, L), mismatching bases by code.
        clip_count: int32 (L,), reads with a good soft-clipped end just before the base.
    """

    n_total: NDArray[np.int32]
    n_deleted: NDArray[np.int32]
    alt_count: NDArray[np.int32]
    clip_count: NDArray[np.int32]


class EventColumns(NamedTuple):
    """E indels that reads show, each (E,); see `counts.IndelEvents`.

    Attributes:
        pos: int64, left-aligned anchor, relative to the window. length: int32, bp, insertions positive.
        key: uint64, of the inserted bases, 0 for deletions. read: int32, row.
        read_index: int32, of the anchor in the read's seq as aligned. moved: int32, bp moved left from there.
    """

    pos: NDArray[np.int64]
    length: NDArray[np.int32]
    key: NDArray[np.uint64]
    read: NDArray[np.int32]
    read_index: NDArray[np.int32]
    moved: NDArray[np.int32]


class CountRules(NamedTuple):
    """min_qual: phred that a base needs to count. max_indel: bp. sign: 1 to add reads, -1 to take away."""

    min_qual: int
    max_indel: int
    sign: int


class SnpRules(NamedTuple):
    """What a SNP needs to be looked at; see `CandidatesConfig` (min_count, min_fraction_snp, single_*)."""

    min_count: int
    min_fraction: float
    single_depth: int
    single_cpg_depth: int
    single_phased_depth: int
    phase_bp: int


class Spellings(NamedTuple):
    """How N alleles are spelled, each (N,).

    Attributes:
        is_indel: bool. length: int64, bp inserted (positive) or deleted. base: uint8, ALT of SNPs.
        source: int64, where the inserted bases lie in the reads' seq. moved: int64, bp moved left from there.
    """

    is_indel: NDArray[np.bool_]
    length: NDArray[np.int64]
    base: NDArray[np.uint8]
    source: NDArray[np.int64]
    moved: NDArray[np.int64]


@kernel
def shift_left(
    reference: NDArray[np.uint8], start: int, deleted: int, inserted: NDArray[np.uint8], n_inserted: int
) -> int:
    """bp that an indel moves left (VCF normal form).

    Args:
        reference: uint8 (L,), base codes. start: index of the first deleted base, or of the base after the
            insertion. deleted: bp; 0 for an insertion.
        inserted: uint8 (>= n_inserted,), base codes. n_inserted: bp; 0 for a deletion.
    """
    moved = 0
    if n_inserted > 0:
        while start - moved > 1:
            base = reference[start - moved - 1]
            if base > 3 or base != inserted[(n_inserted - 1 - moved) % n_inserted]:
                break
            moved += 1
    else:
        while start - moved > 1:
            base = reference[start - moved - 1]
            if base > 3 or base != reference[start - moved - 1 + deleted]:
                break
            moved += 1
    return moved


@kernel
def insertion_key(inserted: NDArray[np.uint8], n_inserted: int, moved: int) -> np.uint64:
    """64-bit key of an insertion moved left by `moved` bp; injective up to MOST_KEYED_BP, a hash beyond.

    `inserted`: uint8 (n,), n at least n_inserted, base codes 0 to 3.
    """
    key = np.uint64(1)
    for j in range(n_inserted):
        base = np.uint64(inserted[(j - moved) % n_inserted])
        if n_inserted <= MOST_KEYED_BP:
            key = (key << np.uint64(2)) | base
        else:
            key = (key ^ base) * np.uint64(0x100000001B3) + np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    return key


@kernel
def _count_marked(
    marked: NDArray[np.uint8], seq: NDArray[np.uint8], alt_count: NDArray[np.int32], at: int, sign: np.int32
) -> None:
    """Add `sign` to alt_count int32 (4, L) from column `at` on, for bases `seq` uint8 (n,) marked 1 (n,)."""
    for k in range(len(seq)):
        if marked[k]:
            alt_count[seq[k] & 3, at + k] += sign


@kernel
def _count_stretch(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    n_total: NDArray[np.int32],
    alt_count: NDArray[np.int32],
    at: int,
    min_qual: int,
    sign: int,
    words: NDArray[np.uint64],
    marks: NDArray[np.uint8],
) -> None:
    """Count n aligned bases: in n_total those of `min_qual` phred, in alt_count those that differ too.

    Args:
        seq, qual, reference, n_total: (n,), views of the stretch, so that the loops vectorise.
        alt_count: int32 (4, L), whose column `at` is the first base of the stretch.
        words, marks: uint64 (k,) and the same bytes as uint8 (8 k,), scratch: mismatches are so rare that
            eight bases are passed over at a time.
    """
    one = np.int32(sign)
    low = np.uint8(min_qual)
    for k in range(len(seq)):
        n_total[k] += one if qual[k] >= low else np.int32(0)
    done = 0
    while done < len(seq):
        bases, quals, known = seq[done:], qual[done:], reference[done:]
        n = min(len(bases), len(marks))
        for k in range(n):
            marks[k] = (bases[k] != known[k]) & (quals[k] >= low)
        word = 0
        while word < (n + 7) >> 3:
            if words[word] != np.uint64(0):
                first, last = 8 * word, min(8 * word + 8, n)
                _count_marked(marks[first:last], bases[first:last], alt_count, at + done + first, one)
            word += 1
        done += n


@kernel
def _mean_reaches(qual: NDArray[np.uint8], wanted: int) -> bool:
    """Whether the mean of `qual` uint8 (n,), phred, is `wanted` or more."""
    total = 0
    for k in range(len(qual)):
        total += qual[k]
    return total >= wanted * len(qual)


@kernel
def _all_good(seq: NDArray[np.uint8], qual: NDArray[np.uint8], min_qual: int) -> bool:
    """Whether inserted bases `seq`, `qual` uint8 (n,) are all known and of `min_qual` phred on average."""
    for k in range(len(seq)):
        if seq[k] > 3:
            return False
    return _mean_reaches(qual, min_qual)


@borrowing_kernel
def _count_aligned(
    reads: AlignedReads,
    query: int,
    length: int,
    window: Window,
    at: int,
    rules: CountRules,
    tallies: Tallies,
    words: NDArray[np.uint64],
    marks: NDArray[np.uint8],
) -> None:
    """Count `length` aligned bases from reads.seq[query] on; the first lies at index `at` of the window.

    `words`, `marks`: uint64 (k,), uint8 (8 k,), as in `_count_stretch`.
    """
    first = max(0, -at)
    last = min(length, len(window.reference) - at)
    if first < last:
        _count_stretch(
            reads.seq[query + first : query + last], reads.qual[query + first : query + last],
            window.reference[at + first : at + last], tallies.n_total[at + first : at + last],
            tallies.alt_count, at + first, rules.min_qual, rules.sign, words, marks,
        )  # fmt: skip


@borrowing_kernel
def _record_insertion(
    row: int,
    query: int,
    length: int,
    at: int,
    reads: AlignedReads,
    window: Window,
    rules: CountRules,
    events: EventColumns,
    n: int,
) -> int:
    """Write an insertion of `length` bp before index `at` of the window as event `n`; events now.

    Bases that are unknown or of low quality make none. `query`: of the first inserted base in reads.seq.
    """
    inserted = reads.seq[query : query + length]
    if not _all_good(inserted, reads.qual[query : query + length], rules.min_qual):
        return n
    if n < len(events.pos):
        moved = shift_left(window.reference, at, 0, inserted, length)
        events.pos[n] = at - 1 - moved
        events.length[n] = length
        events.key[n] = insertion_key(inserted, length, moved)
        events.read[n] = row
        events.read_index[n] = query - 1 - reads.seq_offset[row]
        events.moved[n] = moved
    return n + 1


@borrowing_kernel
def _record_deletion(
    row: int,
    query: int,
    length: int,
    at: int,
    reads: AlignedReads,
    window: Window,
    events: EventColumns,
    n: int,
) -> int:
    """Write a deletion of `length` bp from index `at` of the window on as event `n`; events now.

    `query`: index in reads.seq of the base behind the deletion.
    """
    if n < len(events.pos):
        moved = shift_left(window.reference, at, length, reads.seq, 0)
        events.pos[n] = at - 1 - moved
        events.length[n] = -length
        events.key[n] = 0
        events.read[n] = row
        events.read_index[n] = query - 1 - reads.seq_offset[row]
        events.moved[n] = moved
    return n + 1


@borrowing_kernel
def _count_deleted(
    row: int, length: int, at: int, reads: AlignedReads, window: Window, sign: int, tallies: Tallies
) -> None:
    """Count a deletion of `length` bp from index `at` of the window on."""
    # a mate over the same place already votes for the fragment
    other = reads.mate[row]
    if other >= 0 and other < row and reads.end[other] - window.start >= at + length:
        return
    for k in range(max(0, at), min(len(window.reference), at + length)):
        tallies.n_total[k] += sign
        tallies.n_deleted[k] += sign


@borrowing_kernel
def _count_clip(
    query: int, length: int, at: int, is_start: bool, reads: AlignedReads, sign: int, tallies: Tallies
) -> None:
    """Count a soft clip of `length` bp from reads.seq[query] on, with its break before index `at`."""
    if length < MIN_CLIP_BP or not 0 <= at < len(tallies.clip_count):
        return
    # the bases next to the break, so that tails of low quality do not count
    inner = query + length - MIN_CLIP_BP if is_start else query
    if _mean_reaches(reads.qual[inner : inner + MIN_CLIP_BP], MIN_CLIP_QUAL):
        tallies.clip_count[at] += sign


@borrowing_kernel
def _count_read(
    row: int,
    reads: AlignedReads,
    window: Window,
    rules: CountRules,
    tallies: Tallies,
    events: EventColumns,
    n: int,
    words: NDArray[np.uint64],
    marks: NDArray[np.uint8],
) -> int:
    """Count the read `row`, its indels from event `n` on; events now.

    `words`, `marks`: uint64 (k,), uint8 (8 k,), as in `_count_stretch`.
    """
    n_window = len(window.reference)
    at = reads.pos[row] - window.start
    first_base = reads.seq_offset[row]
    last_op = reads.cigar_offset[row + 1]
    query = first_base
    for op in range(reads.cigar_offset[row], last_op):
        kind = reads.cigar_op[op]
        length = np.int64(reads.cigar_len[op])
        small = rules.sign > 0 and length <= rules.max_indel
        if kind == 0 or kind == 7 or kind == 8:
            _count_aligned(reads, query, length, window, at, rules, tallies, words, marks)
            query += length
            at += length
        elif kind == 1:
            if small and at > 0 and at < n_window and query > first_base and op + 1 < last_op:
                n = _record_insertion(row, query, length, at, reads, window, rules, events, n)
            query += length
        elif kind == 2:
            _count_deleted(row, length, at, reads, window, rules.sign, tallies)
            if small and at > 0 and at + length <= n_window and query > first_base:
                n = _record_deletion(row, query, length, at, reads, window, events, n)
            at += length
        elif kind == 3:
            at += length
        elif kind == 4:
            _count_clip(query, length, at, query == first_base, reads, rules.sign, tallies)
            query += length
        if at >= n_window:
            break
    return n


@kernel
def count_reads(
    rows: NDArray[np.int64],
    reads: AlignedReads,
    window: Window,
    rules: CountRules,
    tallies: Tallies,
    events: EventColumns,
) -> int:
    """Add (rules.sign 1) or take away (-1) what the reads `rows` int64 (r,) show; number of their indels.

    `events` receives the indels, untouched when the sign is -1. Where it is too small the indels are only
    counted.
    """
    words = np.empty(256, np.uint64)
    marks = words.view(np.uint8)
    n = 0
    for row in rows:
        n = _count_read(row, reads, window, rules, tallies, events, n, words, marks)
    return n


@kernel
def group_indels(
    events: EventColumns,
    mate: NDArray[np.int32],
    group: NDArray[np.int64],
    fragments: NDArray[np.int32],
    stamp: NDArray[np.int64],
) -> int:
    """Number the distinct indels of `events` (E, sorted so that equal ones are neighbours).

    Args:
        mate: int32 (R,), row of each read's mate or -1.
        group: int64 (E,), receives the group of each event.
        fragments: int32 (E,), receives per group how many fragments show it (mates count once).
        stamp: int64 (R,), filled with -1.

    Returns:
        Number of groups.
    """
    n_groups = 0
    for i in range(len(events.pos)):
        if i > 0 and (
            events.pos[i - 1] != events.pos[i]
            or events.length[i - 1] != events.length[i]
            or events.key[i - 1] != events.key[i]
        ):
            n_groups += 1
        if i == 0 or group[i - 1] != n_groups:
            fragments[n_groups] = 0
        group[i] = n_groups
        read = events.read[i]
        if stamp[read] != n_groups and (mate[read] < 0 or stamp[mate[read]] != n_groups):
            fragments[n_groups] += 1
        stamp[read] = n_groups
    return n_groups + 1 if len(events.pos) else 0


@kernel
def misread_insertions(
    pos: NDArray[np.int64],
    length: NDArray[np.int64],
    fragments: NDArray[np.int32],
    source: NDArray[np.int64],
    moved: NDArray[np.int64],
    seq: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Insertions that a wrong base makes of one that far more fragments show there, bool (G,).

    Args:
        pos, length: int64 (G,), indels in that order, bp, insertions positive. fragments: int32 (G,).
        source: int64 (G,), where inserted bases lie in `seq` uint8 (B,). moved: int64 (G,), bp moved left.
    """
    out = np.zeros(len(pos), np.bool_)
    for g in range(len(pos)):
        n = length[g]
        if n <= 0:
            continue
        most_wrong = max(1, n // MISREAD_PER_BP)
        for step in (-1, 1):
            other = g + step
            while 0 <= other < len(pos) and pos[other] == pos[g] and length[other] == n and not out[g]:
                if fragments[other] >= MISREAD_FACTOR * fragments[g]:
                    wrong = 0
                    for j in range(n):
                        own = seq[source[g] + (j - moved[g]) % n]
                        wrong += own != seq[source[other] + (j - moved[other]) % n]
                    out[g] = wrong <= most_wrong
                other += step
    return out


@kernel
def write_alleles(
    spellings: Spellings, reference: NDArray[np.uint8], seq: NDArray[np.uint8], alleles: AlleleColumns
) -> None:
    """Fill ref_len and alt_seq of `alleles` (N, in VCF form), whose pos and alt_offset are set.

    `reference` uint8 (L,), base codes that `alleles.pos` are relative to; `seq` uint8 (B,), of the reads.
    """
    for i in range(len(alleles.pos)):
        out = alleles.alt_offset[i]
        if not spellings.is_indel[i]:
            alleles.ref_len[i] = 1
            alleles.alt_seq[out] = spellings.base[i]
            continue
        alleles.alt_seq[out] = reference[alleles.pos[i]]
        n = spellings.length[i]
        alleles.ref_len[i] = 1 if n > 0 else 1 - n
        for j in range(max(n, 0)):
            alleles.alt_seq[out + 1 + j] = seq[spellings.source[i] + (j - spellings.moved[i]) % n]


@kernel
def find_het_like(tallies: Tallies, first: int, last: int, min_count: int) -> NDArray[np.int64]:
    """Indices in [first, last) where 20 to 80 % of the reads show one base against the reference, int64 (n,).

    `min_count`: reads that must show it.
    """
    alt_count, n_total = tallies.alt_count, tallies.n_total
    out = np.empty(256, np.int64)
    n = 0
    for p in range(first, last):
        most = max(max(alt_count[0, p], alt_count[1, p]), max(alt_count[2, p], alt_count[3, p]))
        if most < min_count or 5 * most < n_total[p] or 5 * most > 4 * n_total[p]:
            continue
        if n == len(out):
            longer = np.empty(2 * n, np.int64)
            longer[:n] = out
            out = longer
        out[n] = p
        n += 1
    return out[:n]


@kernel
def _near(sorted_positions: NDArray[np.int64], p: int, feature_context_bp: int) -> bool:
    """Whether another of the positions, int64 (n,), ascending, lies within `feature_context_bp` of p."""
    k = np.searchsorted(sorted_positions, p - feature_context_bp)
    while k < len(sorted_positions) and sorted_positions[k] <= p + feature_context_bp:
        if sorted_positions[k] != p:
            return True
        k += 1
    return False


@kernel
def _few_are_enough(
    p: int,
    base: int,
    depth: int,
    reference: NDArray[np.uint8],
    rules: SnpRules,
    het_like: NDArray[np.int64],
) -> bool:
    """Whether a base that too few reads show is one to look at, as no more than `depth` cover index `p`.

    `base`: its code. `reference`: uint8 (L,), base codes. `het_like`: int64 (h,), ascending indices.
    """
    if depth <= rules.single_depth:
        return True
    if depth > max(rules.single_cpg_depth, rules.single_phased_depth):
        return False
    cpg = (reference[p] ^ base) == 2 and cpg_class(reference, p) == 0
    if cpg and depth <= rules.single_cpg_depth:
        return True
    return depth <= rules.single_phased_depth and _near(het_like, p, rules.phase_bp)


@kernel
def find_snps(
    tallies: Tallies,
    reference: NDArray[np.uint8],
    first: int,
    last: int,
    rules: SnpRules,
    het_like: NDArray[np.int64],
    out_pos: NDArray[np.int64],
    out_base: NDArray[np.uint8],
) -> int:
    """Mismatches in [first, last) shown often enough, by base, then position; returns how many.

    One base is enough where the depth is at most `single_depth`, or `single_cpg_depth` for the
    transition of a CpG, or `single_phased_depth` within phase_bp of another position of `het_like`
    (int64 (h,), ascending). Where out_pos int64 (n,) and out_base uint8 (n,) are too small the rest is
    only counted. `reference`: uint8 (L,), base codes.
    """
    n = 0
    n_total = tallies.n_total
    for base in range(4):
        shown = tallies.alt_count[base]
        for p in range(first, last):
            if shown[p] == 0 or reference[p] > 3:
                continue
            depth = n_total[p]
            if shown[p] >= rules.min_count:
                if shown[p] < rules.min_fraction * depth:
                    continue
            elif not _few_are_enough(p, base, depth, reference, rules, het_like):
                continue
            if n < len(out_pos):
                out_pos[n] = p
                out_base[n] = base
            n += 1
    return n
