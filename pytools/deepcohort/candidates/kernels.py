"""Reads against the reference: depth, mismatches, indels."""
# mypy: ignore-errors

import numpy as np

from deepcohort.candidates.substitution_kernels import cpg_class
from deepcohort.core.numba_options import kernel

MIN_CLIP_BP = 6  # shorter clips say little
MIN_CLIP_QUAL = 18  # phred, mean next to the break


@kernel
def shift_left(reference, start, deleted, inserted, n_inserted):
    """How far an indel moves left (VCF normal form); `start` is the first deleted base, or the base
    after the insertion. `inserted` is uint8, of which n_inserted count; one of the two is empty.
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
def insertion_key(inserted, n_inserted, moved):
    """64-bit key of an insertion after moving left by `moved`; injective up to 31 bp, a hash beyond."""
    key = np.uint64(1)
    for j in range(n_inserted):
        base = np.uint64(inserted[(j - moved) % n_inserted])
        if n_inserted <= 31:
            key = (key << np.uint64(2)) | base
        else:
            key = (key ^ base) * np.uint64(0x100000001B3) + np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    return key


@kernel
def _count_marked(marked, seq, alt_count, at, sign):
    for k in range(len(seq)):
        if marked[k]:
            alt_count[seq[k] & 3, at + k] += sign


@kernel
def _count_stretch(seq, qual, reference, n_total, alt_count, at, min_qual, sign, words, marks):
    """Count aligned bases; all but alt_count are views of the stretch, so that the loops vectorise.

    `words` is uint64, scratch, and `marks` the same bytes as uint8: mismatches are so rare that eight
    bases are passed over at a time.
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
def _mean_reaches(qual, wanted):
    total = 0
    for k in range(len(qual)):
        total += qual[k]
    return total >= wanted * len(qual)


@kernel
def _all_good(seq, qual, min_qual):
    """Whether inserted bases are all known and of `min_qual` on average."""
    for k in range(len(seq)):
        if seq[k] > 3:
            return False
    return _mean_reaches(qual, min_qual)


@kernel
def count_reads(
    rows, pos, mate, end, seq, qual, seq_offset, cigar_op, cigar_len, cigar_offset, reference,
    window_start, min_qual, max_indel, sign, n_total, n_deleted, alt_count, clip_count, indel_pos,
    indel_len, indel_key, indel_read, indel_index, indel_moved, n_indels,
):  # fmt: skip
    """Add (sign 1) or take away (sign -1) what the reads `rows` show; returns the number of indels.

    Args:
        reference: uint8 (L,), codes from window_start on.
        n_total: int32 (L,), bases of at least min_qual, and deleted bases, that cover it.
        n_deleted: int32 (L,), of these the deleted ones.
        alt_count: int32 (4, L), mismatching bases by code. clip_count: int32 (L,), reads with a good
            soft-clipped end just before the base.
        indel_*: buffers that receive indels from n_indels on, left-aligned: anchor (relative to
            window_start), length (insertions positive), key, read, index of the anchor in the read's
            seq as aligned, and how far the indel moved left. Untouched when sign is -1. Where they
            are too small the indels are only counted.
    """
    length_window = len(reference)
    capacity = len(indel_pos)
    words = np.empty(256, np.uint64)
    marks = words.view(np.uint8)
    for row in rows:
        at = pos[row] - window_start
        first_base = seq_offset[row]
        query = first_base
        for op in range(cigar_offset[row], cigar_offset[row + 1]):
            kind = cigar_op[op]
            length = np.int64(cigar_len[op])
            if kind == 0 or kind == 7 or kind == 8:
                first = max(0, -at)
                last = min(length, length_window - at)
                if first < last:
                    _count_stretch(
                        seq[query + first : query + last], qual[query + first : query + last],
                        reference[at + first : at + last], n_total[at + first : at + last], alt_count,
                        at + first, min_qual, sign, words, marks,
                    )  # fmt: skip
                query += length
                at += length
            elif kind == 1:
                anchored = at > 0 and at < length_window and query > first_base
                if sign > 0 and anchored and length <= max_indel:
                    inserted = seq[query : query + length]
                    good = _all_good(inserted, qual[query : query + length], min_qual)
                    if good and op + 1 < cigar_offset[row + 1]:
                        if n_indels < capacity:
                            moved = shift_left(reference, at, 0, inserted, length)
                            indel_pos[n_indels] = at - 1 - moved
                            indel_len[n_indels] = length
                            indel_key[n_indels] = insertion_key(inserted, length, moved)
                            indel_read[n_indels] = row
                            indel_index[n_indels] = query - 1 - first_base
                            indel_moved[n_indels] = moved
                        n_indels += 1
                query += length
            elif kind == 2:
                # a mate over the same place already votes for the fragment
                other = mate[row]
                first = max(0, at)
                if other >= 0 and other < row and end[other] - window_start >= at + length:
                    first = length_window
                for k in range(first, min(length_window, at + length)):
                    n_total[k] += sign
                    n_deleted[k] += sign
                anchored = at > 0 and at + length <= length_window and query > first_base
                if sign > 0 and anchored and length <= max_indel:
                    if n_indels < capacity:
                        moved = shift_left(reference, at, length, seq, 0)
                        indel_pos[n_indels] = at - 1 - moved
                        indel_len[n_indels] = -length
                        indel_key[n_indels] = 0
                        indel_read[n_indels] = row
                        indel_index[n_indels] = query - 1 - first_base
                        indel_moved[n_indels] = moved
                    n_indels += 1
                at += length
            elif kind == 3:
                at += length
            elif kind == 4:
                if length >= MIN_CLIP_BP and 0 <= at < length_window:
                    # the bases next to the break, so that tails of low quality do not count
                    inner = query + length - MIN_CLIP_BP if query == first_base else query
                    if _mean_reaches(qual[inner : inner + MIN_CLIP_BP], MIN_CLIP_QUAL):
                        clip_count[at] += sign
                query += length
            if at >= length_window:
                break
    return n_indels


@kernel
def group_indels(order, indel_pos, indel_len, indel_key, indel_read, mate, group, fragments, stamp):
    """Number the distinct indels of `order` (sorted so that equal ones are neighbours).

    Args:
        group: int64 (E,), receives the group of each sorted event.
        fragments: int32 (E,), receives per group how many fragments show it (mates count once).
        stamp: int64 (R,), filled with -1.

    Returns:
        Number of groups.
    """
    n_groups = 0
    for i in range(len(order)):
        event = order[i]
        if i > 0:
            before = order[i - 1]
            if (
                indel_pos[before] != indel_pos[event]
                or indel_len[before] != indel_len[event]
                or indel_key[before] != indel_key[event]
            ):
                n_groups += 1
        if i == 0 or group[i - 1] != n_groups:
            fragments[n_groups] = 0
        group[i] = n_groups
        read = indel_read[event]
        if stamp[read] != n_groups and (mate[read] < 0 or stamp[mate[read]] != n_groups):
            fragments[n_groups] += 1
        stamp[read] = n_groups
    return n_groups + 1 if len(order) else 0


@kernel
def write_alleles(is_indel, pos, length, base, source, moved, reference, seq, ref_len, alt_offset, alt_seq):
    """Fill ref_len int32 (N,) and alt_seq uint8 flat of candidates (VCF form).

    Args:
        is_indel: bool (N,). pos: int64 (N,), relative to `reference`. length: int32 (N,), bp inserted
            (positive) or deleted. base: uint8 (N,), of SNPs. source: int64 (N,), where the insertion
            lies in `seq`. moved: how far it was moved left from there.
    """
    for i in range(len(pos)):
        out = alt_offset[i]
        if not is_indel[i]:
            ref_len[i] = 1
            alt_seq[out] = base[i]
            continue
        alt_seq[out] = reference[pos[i]]
        n = length[i]
        ref_len[i] = 1 if n > 0 else 1 - n
        for j in range(max(n, 0)):
            alt_seq[out + 1 + j] = seq[source[i] + (j - moved[i]) % n]


@kernel
def find_het_like(alt_count, n_total, first, last, min_count):
    """Positions in [first, last) where 20 to 80 % of the reads show one base against the reference, int64."""
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
def _near(sorted_positions, p, reach_bp):
    """Whether another of the positions lies within `reach_bp` of p."""
    k = np.searchsorted(sorted_positions, p - reach_bp)
    while k < len(sorted_positions) and sorted_positions[k] <= p + reach_bp:
        if sorted_positions[k] != p:
            return True
        k += 1
    return False


@kernel
def find_snps(
    alt_count, n_total, reference, first, last, min_count, min_fraction, single_depth, single_cpg_depth,
    single_phased_depth, het_like, phase_bp, out_pos, out_base,
):  # fmt: skip
    """Mismatches shown often enough, by base, then position; returns how many.

    One base is enough where the depth is at most `single_depth`, or `single_cpg_depth` for the
    transition of a CpG, or `single_phased_depth` within phase_bp of another position of `het_like`
    (int64, ascending). Where out_pos int64 and out_base uint8 are too small the rest is only counted.
    """
    n = 0
    deepest = max(single_depth, max(single_cpg_depth, single_phased_depth))
    for base in range(4):
        shown = alt_count[base]
        for p in range(first, last):
            if shown[p] == 0 or reference[p] > 3:
                continue
            depth = n_total[p]
            if shown[p] >= min_count:
                if shown[p] < min_fraction * depth:
                    continue
            elif depth > single_depth:
                if depth > deepest:
                    continue
                cpg = (reference[p] ^ base) == 2 and cpg_class(reference, p) == 0
                phased = depth <= single_phased_depth and _near(het_like, p, phase_bp)
                if not phased and not (cpg and depth <= single_cpg_depth):
                    continue
            if n < len(out_pos):
                out_pos[n] = p
                out_base[n] = base
            n += 1
    return n
