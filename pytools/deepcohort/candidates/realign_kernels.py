"""Reads to local haplotypes: scores, choice, and which reads are written anew."""
# mypy: ignore-errors

import numpy as np

from deepcohort.candidates.haplotype_kernels import (
    CLIP_COST,
    FLANK_BP,
    GAP_COST,
    MAX_ALLELES,
    MAX_CHAINS,
    MAX_HAPLOTYPES,
    MAX_OPS,
    base_scores,
    build_haplotype,
    chain_masks,
    choose_pair,
    collect_masks,
    covered_alleles,
    extend_left,
    extend_right,
    half_table,
    read_mask,
    score_stretch,
)
from deepcohort.candidates.rewrite_kernels import (
    push_aligned,
    push_prefix,
    push_suffix,
    reference_span,
    rewrite_left,
    rewrite_right,
)
from deepcohort.candidates.spelling_kernels import respell
from deepcohort.core.numba_options import kernel

BOTH, LEFT, RIGHT = 0, 1, 2  # by which ends a read hangs on to the window
_MARGIN = 1.5  # log10; a new alignment must be this much better
_CLEAR = 3.0  # log10; a read that fits one haplotype this much better speaks clearly for it
_WORST = -10.0  # log10; no read speaks more strongly than this against a haplotype
_SNP_PRIOR, _INDEL_PRIOR = -3.0, -3.5
_ASSEMBLED_PRIOR = -8.0  # so that the aligner's way of writing a haplotype wins over a new one
_MOVED_BP = 1_024  # farther than a realigned read's ends ever move from where they were sorted
_MAX_READ_OPS = 512  # reads with more operations (long, noisy ones) stay as they are


@kernel
def find_anchor(cigar_op, cigar_len, first_op, last_op, pos, query, target):
    """(operation, its reference start, its read index) of the aligned base at `target`; -1 if none."""
    at = pos
    for op in range(first_op, last_op):
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
        if kind == 0 or kind >= 7:
            if at <= target < at + length:
                return op, at, query
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            at += length
        if at > target:
            break
    return np.int64(-1), at, query


@kernel
def left_flank(
    cigar_op, cigar_len, first_op, op, op_query, index, seq, qual, reference, shift, match, mismatch
):
    """What lies left of the anchor base `index` (of operation `op` that begins at op_query).

    Returns (score as aligned, first usable base, whether another gap bounds it).
    """
    start = max(op_query, index - FLANK_BP)
    score, _ = score_stretch(seq, qual, start, reference, start + shift, index - start, match, mismatch)
    if start > op_query:
        return score, start, True
    if op > first_op and cigar_op[op - 1] == 4:
        if index - op_query + cigar_len[op - 1] > FLANK_BP:
            return score - CLIP_COST, op_query, True
        return score - CLIP_COST, op_query - cigar_len[op - 1], False
    hard = op > first_op and cigar_op[op - 1] != 5
    return score, op_query, hard


@kernel
def right_flank(
    cigar_op, cigar_len, last_op, op, op_query, index, seq, qual, reference, shift, match, mismatch
):
    """What lies right of the anchor base `index`: (score as aligned, stop, whether a gap bounds it)."""
    op_stop = op_query + cigar_len[op]
    stop = min(op_stop, index + 1 + FLANK_BP)
    score, _ = score_stretch(
        seq, qual, index + 1, reference, index + 1 + shift, stop - index - 1, match, mismatch
    )
    if stop < op_stop:
        return score, stop, True
    if op + 1 < last_op and cigar_op[op + 1] == 4:
        if stop - index + cigar_len[op + 1] > FLANK_BP:
            return score - CLIP_COST, stop, True
        return score - CLIP_COST, stop + cigar_len[op + 1], False
    hard = op + 1 < last_op and cigar_op[op + 1] != 5
    return score, stop, hard


@kernel
def score_middle(
    cigar_op, cigar_len, first_op, last_op, pos, query, first, last, seq, qual, reference, match, mismatch
):
    """Score of the read's own alignment within [first, last], and whether it has a gap there.

    A clipped end inside costs a clip.
    """
    score = 0.0
    gaps = False
    at = pos
    for op in range(first_op, last_op):
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
        if kind == 0 or kind >= 7:
            a, b = max(at, first), min(at + length, last + 1)
            if a < b:
                more, _ = score_stretch(seq, qual, query + a - at, reference, a, b - a, match, mismatch)
                score += more
            at += length
            query += length
        elif kind == 1 or kind == 2 or kind == 3:
            if first < at <= last:
                gaps = True
                score -= GAP_COST
            if kind == 1:
                query += length
            else:
                at += length
        elif kind == 4:
            if first < at <= last:
                score -= CLIP_COST
            query += length
    return score, gaps


@kernel
def _may_move(first_op, last_op, cigar_op):
    """Whether a read has few operations and skips nothing (N): haplotypes know no introns."""
    n = last_op - first_op
    if n < 3:
        return True
    if n > _MAX_READ_OPS:
        return False
    skips = False
    for k in range(first_op + 1, last_op - 1):
        skips |= cigar_op[k] == 3
    return not skips


@kernel
def reads_of_window(start, stop, furthest_end, pos, end, cigar_op, op_first, op_last):
    """(rows int64, how many of them count) of the reads that reach [start, stop), contig positions.

    `furthest_end` is the running maximum of ends before any read was moved.
    """
    row0 = np.searchsorted(furthest_end, start - _MOVED_BP, side="right")
    rows = np.empty(len(pos) - row0, np.int64)
    n = 0
    for row in range(row0, len(pos)):
        if pos[row] >= stop + _MOVED_BP:
            break
        if pos[row] < stop and end[row] > start and _may_move(op_first[row], op_last[row], cigar_op):
            rows[n] = row
            n += 1
    return rows, n


@kernel
def anchor_reads(
    rows, n, start, stop, a0, n_alleles, allele_pos, ref_len, alt_offset, alt_seq, shown, shown_offset,
    window_start, pos, end, seq, qual, seq_offset, cigar_op, cigar_len, op_first, op_last,
):  # fmt: skip
    """By which aligned bases the reads hang on to both ends of the window, and which alleles they show.

    Returns:
        anchors int64 (n, 6): find_anchor at the window's first base, then at its last; masks int64
        (n,): bits of the window's alleles that reads show; covered int64 (n,): bits of those that reads
        reach across; n_spanning: the reads that span the window, all of whose bits are covered.
    """
    masks = np.empty(n, np.int64)
    covered = np.empty(n, np.int64)
    n_spanning = 0
    anchors = np.empty((n, 6), np.int64)
    for r in range(n):
        row = rows[r]
        p = pos[row] - window_start
        first_op, last_op = op_first[row], op_last[row]
        op_a, at_a, query_a = find_anchor(cigar_op, cigar_len, first_op, last_op, p, seq_offset[row], start)
        op_b, at_b, query_b = find_anchor(
            cigar_op, cigar_len, first_op, last_op, p, seq_offset[row], stop - 1
        )
        anchors[r, 0], anchors[r, 1], anchors[r, 2] = op_a, at_a, query_a
        anchors[r, 3], anchors[r, 4], anchors[r, 5] = op_b, at_b, query_b
        masks[r] = read_mask(
            row, p, seq, qual, seq_offset[row], cigar_op, cigar_len, first_op, last_op, a0, n_alleles,
            allele_pos, ref_len, alt_offset, alt_seq, shown, shown_offset[row], shown_offset[row + 1],
        )  # fmt: skip
        if op_a >= 0 and op_b >= 0:
            covered[r] = (np.int64(1) << n_alleles) - 1
            n_spanning += 1
        else:
            covered[r] = covered_alleles(p, end[row] - window_start, a0, n_alleles, allele_pos, ref_len)
    return anchors, masks, covered, n_spanning


@kernel
def spelled_before(haplotypes, sizes, n):
    """First of haplotypes[:n] with the bases of haplotypes[n] (other alleles can spell them), -1 if none."""
    for k in range(n):
        if sizes[k] == sizes[n] and np.array_equal(haplotypes[k, : sizes[k]], haplotypes[n, : sizes[n]]):
            return k
    return -1


@kernel
def build_haplotypes(
    masks, m, a0, n_alleles, allele_pos, ref_len, alt_offset, alt_seq, assembled, reference, start, stop,
    haplotypes, sizes, hap_ops, hap_lengths, hap_n_ops, hap_masks, prior,
):  # fmt: skip
    """Spell the haplotypes of masks[:m] that there is room for, each once, with their priors; how many."""
    n = 0
    for h in range(m):
        extra = 0
        cost = 0.0
        for i in range(n_alleles):
            if (masks[h] >> i) & 1:
                n_alt = alt_offset[a0 + i + 1] - alt_offset[a0 + i]
                extra += n_alt
                if assembled[a0 + i]:
                    cost += _ASSEMBLED_PRIOR
                else:
                    cost += _SNP_PRIOR if n_alt == ref_len[a0 + i] else _INDEL_PRIOR
        if stop - start + 2 * FLANK_BP + extra > haplotypes.shape[1]:
            continue
        sizes[n], hap_n_ops[n] = build_haplotype(
            masks[h], a0, n_alleles, allele_pos, ref_len, alt_offset, alt_seq, reference, start, stop,
            haplotypes[n], hap_ops[n], hap_lengths[n],
        )  # fmt: skip
        twin = spelled_before(haplotypes, sizes, n)
        if twin >= 0:  # masks come by the number of their reads: the first spelling is the usual one
            prior[twin] = max(prior[twin], cost)
            continue
        prior[n] = cost
        hap_masks[n] = masks[h]
        n += 1
    return n


@kernel
def realign_windows(
    starts, ends, allele_first, allele_last, allele_pos, ref_len, alt_offset, alt_seq, assembled, shown,
    shown_offset, reference, window_start, furthest_end, pos, end, seq, qual, seq_offset, cigar_op,
    cigar_len, op_first, op_last, n_used, changed, vouched,
):  # fmt: skip
    """Realign the reads of each window to its two best haplotypes.

    Args:
        starts, ends: (W,), relative. allele_first, allele_last: (W,), rows of the window's alleles.
        assembled: bool (N,), alleles that no alignment shows yet.
        shown, shown_offset: CSR by read of the indel alleles (rows) that its alignment shows.
        furthest_end: int64 (R,), running maximum of `end`.
        pos, end: changed in place. cigar_op, cigar_len: with room behind the first n_used operations,
            to which new CIGARs are written; op_first, op_last: int64 (R,), each read's operations,
            changed in place. changed: bool (R,), set.
        vouched: bool (N,), set for alleles of a chosen haplotype that reads speak clearly for.

    Returns:
        Operations used, or -1 when the room did not suffice.
    """
    match, mismatch = base_scores()
    table = half_table()
    longest = 0
    for w in range(len(starts)):
        longest = max(longest, ends[w] - starts[w])
    grown = 0
    for c in range(len(allele_pos)):
        grown = max(grown, alt_offset[c + 1] - alt_offset[c])
    room = longest + 2 * FLANK_BP + grown * 8 + 64
    haplotypes = np.empty((MAX_HAPLOTYPES, room), np.uint8)
    sizes = np.empty(MAX_HAPLOTYPES, np.int64)
    hap_ops = np.empty((MAX_HAPLOTYPES, MAX_OPS), np.uint8)
    hap_lengths = np.empty((MAX_HAPLOTYPES, MAX_OPS), np.int32)
    hap_n_ops = np.empty(MAX_HAPLOTYPES, np.int64)
    masks = np.empty(MAX_HAPLOTYPES, np.int64)
    hap_masks = np.empty(MAX_HAPLOTYPES, np.int64)
    prior = np.empty(MAX_HAPLOTYPES)
    chains = np.empty(MAX_CHAINS, np.int64)
    chosen = np.empty(2, np.int64)
    new_ops = np.empty(_MAX_READ_OPS + MAX_OPS + 8, np.uint8)
    new_lengths = np.empty(_MAX_READ_OPS + MAX_OPS + 8, np.int32)
    back_ops = np.empty(MAX_OPS + 8, np.uint8)
    back_lengths = np.empty(MAX_OPS + 8, np.int32)
    for w in range(len(starts)):
        start, stop = starts[w], ends[w]
        a0 = allele_first[w]
        n_alleles = min(allele_last[w] - a0, MAX_ALLELES)
        if n_alleles == 0:
            continue
        rows, n = reads_of_window(
            start + window_start, stop + window_start, furthest_end, pos, end, cigar_op, op_first, op_last
        )
        if n == 0:
            continue
        anchors, read_masks, covered, n_spanning = anchor_reads(
            rows, n, start, stop, a0, n_alleles, allele_pos, ref_len, alt_offset, alt_seq, shown,
            shown_offset, window_start, pos, end, seq, qual, seq_offset, cigar_op, cigar_len, op_first,
            op_last,
        )  # fmt: skip
        n_chains = 0
        if n_alleles > 1 and 2 * n_spanning < n:  # few reads say what goes together
            n_chains = chain_masks(read_masks, covered, n, n_alleles, chains)
        m = collect_masks(read_masks, covered, n, chains, n_chains, a0, n_alleles, ref_len, alt_offset, masks)
        if m < 2:
            continue
        n_haplotypes = build_haplotypes(
            masks, m, a0, n_alleles, allele_pos, ref_len, alt_offset, alt_seq, assembled, reference, start,
            stop, haplotypes, sizes, hap_ops, hap_lengths, hap_n_ops, hap_masks, prior,
        )  # fmt: skip
        scores = np.empty((n, n_haplotypes))
        details = np.empty((n, n_haplotypes, 3), np.int64)  # hung by, bases aligned, differing bases
        old = np.empty((n, 2))
        fit_window(
            n, rows, anchors, start, stop, n_haplotypes, haplotypes, sizes, reference, window_start, pos,
            seq, qual, seq_offset, cigar_op, cigar_len, op_first, op_last, match, mismatch, scores, details,
            old,
        )  # fmt: skip
        chosen_a, chosen_b = choose_haplotypes(n, n_haplotypes, scores, prior, table, chosen)
        for h in (chosen_a, chosen_b):
            several = hap_masks[h] & (hap_masks[h] - 1) != 0
            if several and hap_n_ops[h] > 1 and (h == chosen_a or chosen_a != chosen_b):
                hap_n_ops[h] = respell(
                    haplotypes[h], FLANK_BP, sizes[h], reference, start, stop, hap_ops[h], hap_lengths[h],
                    hap_n_ops[h],
                )  # fmt: skip
        n_used = rewrite_reads(
            n, rows, anchors, start, stop, chosen_a, chosen_b, hap_ops, hap_lengths, hap_n_ops, scores,
            details, old, window_start, pos, end, seq_offset, cigar_op, cigar_len, op_first, op_last,
            new_ops, new_lengths, back_ops, back_lengths, n_used, changed,
        )  # fmt: skip
        for k in range(2):
            if chosen[k] >= 0:
                for i in range(n_alleles):
                    vouched[a0 + i] |= (hap_masks[chosen[k]] >> i) & 1 == 1
        if n_used < 0:
            return n_used
    return n_used


@kernel
def fit_window(
    n, rows, anchors, start, stop, n_haplotypes, haplotypes, sizes, reference, window_start, pos, seq, qual,
    seq_offset, cigar_op, cigar_len, op_first, op_last, match, mismatch, scores, details, old,
):  # fmt: skip
    """Fill scores (n, H), details (n, H, 3) and old (n, 2): own score, whether it has a gap."""
    for r in range(n):
        row = rows[r]
        p = pos[row] - window_start
        op_a, at_a, query_a = anchors[r, 0], anchors[r, 1], anchors[r, 2]
        op_b, at_b, query_b = anchors[r, 3], anchors[r, 4], anchors[r, 5]
        middle, gaps = score_middle(
            cigar_op, cigar_len, op_first[row], op_last[row], p, seq_offset[row], start, stop - 1, seq, qual,
            reference, match, mismatch,
        )  # fmt: skip
        left = right = 0.0
        left_hard = right_hard = False
        index_a = index_b = np.int64(0)
        left_first = right_stop = np.int64(0)
        if op_a >= 0:
            index_a = query_a + start - at_a
            left, left_first, left_hard = left_flank(
                cigar_op, cigar_len, op_first[row], op_a, query_a, index_a, seq, qual, reference,
                start - index_a, match, mismatch,
            )  # fmt: skip
        if op_b >= 0:
            index_b = query_b + stop - 1 - at_b
            right, right_stop, right_hard = right_flank(
                cigar_op, cigar_len, op_last[row], op_b, query_b, index_b, seq, qual, reference,
                stop - 1 - index_b, match, mismatch,
            )  # fmt: skip
        if op_a >= 0 and op_b < 0:
            # the read ends inside: all that follows the anchor is to be laid anew
            right_stop = seq_offset[row + 1]
            right_hard = right_stop - index_a > FLANK_BP + (stop - start)
        if op_b >= 0 and op_a < 0:
            left_first = seq_offset[row]
            left_hard = index_b - left_first > FLANK_BP + (stop - start)
        old[r, 0] = left + middle + right
        old[r, 1] = 1.0 if gaps else 0.0
        for h in range(n_haplotypes):
            best = -1e9
            size = sizes[h]
            inner = size - 2 * FLANK_BP
            details[r, h, 0] = -1
            if op_a >= 0 and op_b >= 0 and index_b - index_a + 1 == inner:
                score, wrong = score_stretch(
                    seq, qual, index_a, haplotypes[h], FLANK_BP, inner, match, mismatch
                )
                best = left + score + right
                details[r, h, 0], details[r, h, 1], details[r, h, 2] = BOTH, inner, wrong
            if op_a >= 0 and not right_hard:
                score, aligned, wrong = extend_right(
                    seq, qual, index_a, right_stop, haplotypes[h], FLANK_BP, size, match, mismatch
                )
                if left + score > best + 1e-6:
                    best = left + score
                    details[r, h, 0], details[r, h, 1], details[r, h, 2] = LEFT, aligned, wrong
            if op_b >= 0 and not left_hard:
                score, aligned, wrong = extend_left(
                    seq, qual, index_b + 1, left_first, haplotypes[h], size - FLANK_BP - 1, match, mismatch
                )
                if right + score > best + 1e-6:
                    best = right + score
                    details[r, h, 0], details[r, h, 1], details[r, h, 2] = RIGHT, aligned, wrong
            scores[r, h] = best


@kernel
def choose_haplotypes(n, n_haplotypes, scores, prior, table, chosen):
    """The two haplotypes that explain the window's n reads best.

    `chosen` int64 (2,) receives the two, -1 for one that fewer than two reads speak clearly for.
    """
    relative = np.empty((n, n_haplotypes))
    for r in range(n):
        best = scores[r, 0]
        for h in range(1, n_haplotypes):
            best = max(best, scores[r, h])
        for h in range(n_haplotypes):
            relative[r, h] = max(scores[r, h] - best, _WORST)
    chosen_a, chosen_b = choose_pair(relative, n, n_haplotypes, prior, table)
    rival = 0 if chosen_a == chosen_b else chosen_b
    for_a = for_b = 0
    for r in range(n):
        for_a += relative[r, chosen_a] > relative[r, rival] + _CLEAR
        for_b += relative[r, chosen_b] > relative[r, chosen_a] + _CLEAR
    chosen[0] = chosen_a if for_a >= 2 else -1
    chosen[1] = chosen_b if for_b >= 2 else -1
    return chosen_a, chosen_b


@kernel
def rewrite_reads(
    n, rows, anchors, start, stop, chosen_a, chosen_b, hap_ops, hap_lengths, hap_n_ops, scores, details, old,
    window_start, pos, end, seq_offset, cigar_op, cigar_len, op_first, op_last, new_ops, new_lengths,
    back_ops, back_lengths, n_used, changed,
):  # fmt: skip
    """Write anew the reads that fit one of the two haplotypes clearly better than their own alignment.

    Returns operations used, -1 where there is no room.
    """
    for r in range(n):
        row = rows[r]
        h = chosen_a if scores[r, chosen_a] >= scores[r, chosen_b] else chosen_b
        if details[r, h, 0] < 0 or scores[r, h] < old[r, 0] + _MARGIN:
            continue
        gapless = hap_n_ops[h] == 1 and hap_ops[h, 0] == 0
        if gapless and old[r, 1] == 0.0:
            continue  # no gap before or after: only an end would be unclipped
        aligned, wrong = details[r, h, 1], details[r, h, 2]
        if wrong > 1 + aligned // 25:
            continue
        op_a, at_a, query_a = anchors[r, 0], anchors[r, 1], anchors[r, 2]
        op_b, at_b, query_b = anchors[r, 3], anchors[r, 4], anchors[r, 5]
        first_op, last_op = op_first[row], op_last[row]
        new_pos = pos[row] - window_start
        if details[r, h, 0] == BOTH:
            k = push_prefix(new_ops, new_lengths, 0, cigar_op, cigar_len, first_op, op_a, start - at_a)
            k, _, _ = push_aligned(
                new_ops, new_lengths, k, hap_ops[h], hap_lengths[h], hap_n_ops[h], False, aligned
            )
            inside = at_b + cigar_len[op_b] - stop
            k = push_suffix(new_ops, new_lengths, k, cigar_op, cigar_len, op_b, inside, last_op)
        elif details[r, h, 0] == LEFT:
            index_a = query_a + start - at_a
            rest = seq_offset[row + 1] - index_a - aligned
            k = rewrite_left(
                new_ops, new_lengths, cigar_op, cigar_len, first_op, last_op, op_a, start - at_a, hap_ops[h],
                hap_lengths[h], hap_n_ops[h], aligned, rest,
            )  # fmt: skip
        else:
            index_b = query_b + stop - 1 - at_b
            rest = index_b + 1 - aligned - seq_offset[row]
            inside = at_b + cigar_len[op_b] - stop
            k, taken = rewrite_right(
                new_ops, new_lengths, cigar_op, cigar_len, first_op, last_op, op_b, inside, hap_ops[h],
                hap_lengths[h], hap_n_ops[h], aligned, rest, back_ops, back_lengths,
            )  # fmt: skip
            new_pos = stop - taken
        span = reference_span(new_ops, new_lengths, 0, k)
        if span <= 0 or new_pos + window_start < 0:
            continue
        same = k == last_op - first_op and new_pos + window_start == pos[row]
        if same:
            for j in range(k):
                same &= new_ops[j] == cigar_op[first_op + j] and new_lengths[j] == cigar_len[first_op + j]
        if same:
            continue
        if n_used + k > len(cigar_op):
            return -1
        for j in range(k):
            cigar_op[n_used + j] = new_ops[j]
            cigar_len[n_used + j] = new_lengths[j]
        op_first[row], op_last[row] = n_used, n_used + k
        n_used += k
        pos[row] = new_pos + window_start
        end[row] = pos[row] + span
        changed[row] = True
    return n_used


@kernel
def gather_operations(op_first, op_last, cigar_op, cigar_len, offset, out_op, out_len):
    """Copy each read's operations into CSR order; offset is int64 (R+1,)."""
    for row in range(len(op_first)):
        out = offset[row]
        for k in range(op_first[row], op_last[row]):
            out_op[out] = cigar_op[k]
            out_len[out] = cigar_len[k]
            out += 1
