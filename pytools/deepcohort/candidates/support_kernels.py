"""Which read says what at each candidate: per-read likelihood ratios."""
# mypy: ignore-errors

import numpy as np

from deepcohort.candidates.indel_kernels import (
    MAX_HYPOTHESES,
    cross_repeat,
    judge_allele,
    judge_indels,
    tempered,
)
from deepcohort.core.numba_options import kernel


@kernel
def mismatch_penalties():
    """log10 of the odds of a mismatch by phred, float64 (256,); quality 0 and 1 say nothing."""
    table = np.zeros(256)
    for q in range(2, 256):
        error = 10.0 ** (-min(q, 45) / 10.0)
        table[q] = min(0.0, np.log10(error / 3.0) - np.log10(1.0 - error))
    return table


@kernel
def leading_clip(cigar_op, cigar_len, first_op, last_op):
    """(operation of the first aligned base, soft-clipped bp before it)."""
    op = first_op
    clipped = 0
    while op < last_op - 1 and (cigar_op[op] == 4 or cigar_op[op] == 5):
        if cigar_op[op] == 4:
            clipped += cigar_len[op]
        op += 1
    return op, clipped


@kernel
def count_entries(pos, end, cigar_op, cigar_len, cigar_offset, window_start, site_pos):
    """Reads that cover each site, soft-clipped starts included, int64 (S,).

    A read that begins behind an indel may show it with its clipped start.
    """
    change = np.zeros(len(site_pos) + 1, np.int64)
    for row in range(len(pos)):
        _, clipped = leading_clip(cigar_op, cigar_len, cigar_offset[row], cigar_offset[row + 1])
        change[np.searchsorted(site_pos, pos[row] - window_start - clipped)] += 1
        change[np.searchsorted(site_pos, end[row] - window_start)] -= 1
    return np.cumsum(change)[:-1]


@kernel
def _judge_snp(site_first, site_last, c, base, q, expected, ref_len, alt_offset, alt_seq, penalty):
    """(allele, log10 ratio) of a read base at SNP candidate `c`."""
    if base == alt_seq[alt_offset[c]]:
        return 1, -penalty[q]
    if base == expected:
        return 0, penalty[q]
    for d in range(site_first, site_last):
        is_snp = ref_len[d] == 1 and alt_offset[d + 1] - alt_offset[d] == 1
        if is_snp and alt_seq[alt_offset[d]] == base:
            return 2, penalty[q]
    return 2, 0.0


@kernel
def judge_reads(
    pos, end, mapq, seq, qual, own_qual, seq_offset, cigar_op, cigar_len, cigar_offset, reference, flanks,
    window_start, site_pos, site_first, resync, anchor, hap_first, hap_candidate, hap_delta, hap_offset,
    hap_bases, hap_tail, ref_len, alt_offset, alt_seq, period, units, min_qual, slips, entry_offset,
    entry_read, entry_allele, entry_ratio, entry_index,
):  # fmt: skip
    """Fill the entries of every candidate (CSR by candidate; the candidates of a site share reads).

    Args:
        qual: 0 where the mate has the say (SNPs count by it); own_qual: as read (indels are judged by it).
        flanks: the reference, N where bases are not to count at indels.
        slips: as in indel_kernels.slip_log10.
        anchor, hap_*: haplotypes of the sites with indels, from `indel_kernels.site_haplotypes`.

    Allele codes: -1 none, 0 reference, 1 this alternate, 2 another.
    """
    penalty = mismatch_penalties()
    raw = np.zeros(MAX_HYPOTHESES)
    scores = np.zeros(MAX_HYPOTHESES)
    cursor = np.zeros(len(site_pos), np.int64)
    # where the read's alignment stood at each site: operation, its start on the reference and in seq, base
    stood = np.zeros((len(site_pos), 4), np.int64)
    visited = np.full(len(site_pos), -1, np.int64)
    for row in range(len(pos)):
        start = pos[row] - window_start
        stop = end[row] - window_start
        last_op = cigar_offset[row + 1]
        first_base = seq_offset[row]
        op, clipped = leading_clip(cigar_op, cigar_len, cigar_offset[row], last_op)
        first_op = op
        s = np.searchsorted(site_pos, start - clipped)
        at, query = start, first_base + clipped
        while s < len(site_pos) and site_pos[s] < stop:
            p = site_pos[s]
            kind = np.uint8(3)
            while op < last_op and p >= start:
                kind = cigar_op[op]
                length = np.int64(cigar_len[op])
                takes_reference = kind == 0 or kind == 2 or kind == 3 or kind >= 7
                if takes_reference and at + length > p:
                    break
                if takes_reference:
                    at += length
                if kind == 0 or kind == 1 or kind == 4 or kind >= 7:
                    query += length
                op += 1
            aligned = kind == 0 or kind >= 7
            index = query + p - at if aligned else query - 1
            first, last = site_first[s], site_first[s + 1]
            hap0, n_haps = hap_first[s], hap_first[s + 1] - hap_first[s]
            judged = False
            stood[s, 0], stood[s, 1], stood[s, 2], stood[s, 3] = op, at, query, index if aligned else -1
            visited[s] = row
            # an indel right behind a skipped stretch has its anchor within it
            beside = kind == 3 and p >= start and query > first_base and at + length <= max(resync[s], p + 1)
            if n_haps > 0 and (aligned or p < start or beside):
                a = anchor[s]
                begin = site_pos[a]
                op_a, at_a, query_a, index_a = stood[a, 0], stood[a, 1], stood[a, 2], stood[a, 3]
                if visited[a] != row:  # the read begins behind the anchor
                    op_a, at_a, query_a, index_a = first_op, start, first_base + clipped, -1
                left_stop = query_a
                if begin < start or (op_a > cigar_offset[row] and cigar_op[op_a - 1] == 4):
                    left_stop = first_base
                reached, right_index, right_stop, between, skipped = cross_repeat(
                    cigar_op, cigar_len, op_a, last_op, at_a, query_a, begin, max(resync[s], p + 1), seq,
                    own_qual, flanks, penalty,
                )  # fmt: skip
                if beside and a == s:
                    index_a = query - 1
                net = (right_index - index_a) - (reached - begin - max(skipped, 0)) if reached >= 0 else 0
                spliced = skipped >= 0
                if (index_a >= 0 or reached >= 0) and (not spliced or (index_a >= 0 and reached >= 0)):
                    judge_indels(
                        first, index_a, left_stop, reached, right_index, right_stop, net, between, spliced,
                        begin, hap0, hap0 + n_haps, hap_candidate, hap_delta, hap_offset, hap_bases, hap_tail,
                        period, units, flanks, seq, own_qual, penalty, slips, raw, scores,
                    )  # fmt: skip
                    judged = True
            for c in range(first, last):
                slot = entry_offset[c] + cursor[s]
                entry_read[slot] = row
                entry_index[slot] = index - first_base if aligned or kind == 2 or beside else -1
                allele = -1
                ratio = 0.0
                is_snp = ref_len[c] == 1 and alt_offset[c + 1] - alt_offset[c] == 1
                if kind == 2:
                    # the read has a deletion here, which rules the alternate out
                    allele, ratio = 2, tempered(-2.0, mapq[row])
                elif is_snp and aligned:
                    base, q = seq[index], qual[index]
                    if q >= 2 and base < 4:
                        allele, ratio = _judge_snp(
                            first, last, c, base, q, reference[p], ref_len, alt_offset, alt_seq, penalty
                        )
                        ratio = tempered(ratio, mapq[row])
                        allele = allele if q >= min_qual else -1
                elif not is_snp and judged:
                    allele, ratio = judge_allele(
                        scores, hap_candidate[hap0 : hap0 + n_haps], n_haps, c - first + 1, mapq[row]
                    )
                entry_allele[slot] = allele
                entry_ratio[slot] = ratio
            cursor[s] += 1
            s += 1


@kernel
def settle_fragments(is_indel, mate, entry_offset, entry_read, entry_allele, entry_ratio):
    """Let the two mates at an indel vote once: the stronger keeps the say (less what speaks against).

    SNPs need none of this: the overlapped base of one mate already has quality 0.
    """
    for c in range(len(is_indel)):
        if not is_indel[c]:
            continue
        first, last = entry_offset[c], entry_offset[c + 1]
        rows = entry_read[first:last]
        for i in range(first, last):
            other = mate[entry_read[i]]
            if other <= entry_read[i]:
                continue
            j = first + np.searchsorted(rows, other)
            if j >= last or entry_read[j] != other:
                continue
            keep, drop = (i, j) if abs(entry_ratio[i]) >= abs(entry_ratio[j]) else (j, i)
            if entry_ratio[keep] * entry_ratio[drop] < 0:
                entry_ratio[keep] += entry_ratio[drop]
                if abs(entry_ratio[keep]) < 0.5:
                    entry_allele[keep] = -1
            entry_ratio[drop] = 0.0
            entry_allele[drop] = -1


@kernel
def _aligned_index(first_op, last_op, cigar_op, cigar_len, at, query, wanted):
    """Index in seq of the base aligned to position `wanted`, or -1; `at`, `query`: of the first base."""
    for op in range(first_op, last_op):
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
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


@kernel
def _position_of(first_op, last_op, cigar_op, cigar_len, at, query, wanted):
    """Reference position to which the base with index `wanted` in seq is aligned, or -1."""
    for op in range(first_op, last_op):
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
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


@kernel
def lend_quality(
    is_indel, cand_pos, window_start, pos, end, mate, seq, qual, own_qual, seq_offset, cigar_op, cigar_len,
    cigar_offset, entry_offset, entry_read, entry_allele, entry_index,
):  # fmt: skip
    """Give the say over the two bases beside an indel to the mate that speaks for its fragment there.

    Where both mates agree on such a base, the one that `settle_overlaps` left without quality takes
    that of the other (in place): a fragment still votes once per base, by the mate that shows the
    indel or its absence. Bases where a SNP is a candidate stay as they are.
    """
    for c in range(len(is_indel)):
        if not is_indel[c]:
            continue
        for e in range(entry_offset[c], entry_offset[c + 1]):
            row, i = np.int64(entry_read[e]), np.int64(entry_index[e])
            other = np.int64(mate[row])
            if i < 0 or other < 0 or entry_allele[e] < 0 or entry_allele[e] > 1:
                continue
            for k in range(seq_offset[row] + i, min(seq_offset[row] + i + 2, seq_offset[row + 1])):
                if qual[k] > 0 or own_qual[k] == 0:
                    continue
                p = _position_of(
                    cigar_offset[row],
                    cigar_offset[row + 1],
                    cigar_op,
                    cigar_len,
                    pos[row],
                    seq_offset[row],
                    k,
                )
                if p < pos[other] or p >= end[other]:
                    continue
                n = np.searchsorted(cand_pos, p - window_start)
                snp = False
                while n < len(cand_pos) and cand_pos[n] == p - window_start:
                    snp |= not is_indel[n]
                    n += 1
                m = _aligned_index(
                    cigar_offset[other], cigar_offset[other + 1], cigar_op, cigar_len, pos[other],
                    seq_offset[other], p,
                )  # fmt: skip
                if not snp and m >= 0 and seq[m] == seq[k] and qual[m] > 0:
                    qual[k], qual[m] = qual[m], 0


@kernel
def tally(is_indel, entry_offset, entry_allele, dp, ad):
    """Fill dp int32 (N,) and ad int32 (N, 2) from the entries."""
    for c in range(len(is_indel)):
        for i in range(entry_offset[c], entry_offset[c + 1]):
            allele = entry_allele[i]
            if allele >= 0:
                dp[c] += 1
                if allele < 2:
                    ad[c, allele] += 1
