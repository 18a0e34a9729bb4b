"""Which read says what at each candidate: per-read likelihood ratios."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

MAX_ALLELES = 32  # hypotheses compared at one site; further alternates are left unjudged
_FLOOR = -15.0  # log10; a flank this bad is no evidence for anything, so counting stops
_FLANK_BP = 48  # bases compared beyond the repeat


@kernel
def mismatch_penalties():
    """log10 of the odds of a mismatch by phred, float64 (256,); quality 0 and 1 say nothing."""
    table = np.zeros(256)
    for q in range(2, 256):
        error = 10.0 ** (-min(q, 45) / 10.0)
        table[q] = min(0.0, np.log10(error / 3.0) - np.log10(1.0 - error))
    return table


@kernel
def indel_period(sequence, n):
    """Smallest repeat unit, in bp, that `sequence[:n]` consists of whole copies of."""
    for period in range(1, n):
        if n % period:
            continue
        same = True
        for k in range(period, n):
            if sequence[k] != sequence[k - period]:
                same = False
                break
        if same:
            return period
    return n


@kernel
def repeat_after(reference, first, unit, n_unit):
    """bp of the reference from `first` on that continue the repeat of `unit[:n_unit]`."""
    n = 0
    while (
        first + n < len(reference) and reference[first + n] == unit[n % n_unit] and reference[first + n] < 4
    ):
        n += 1
    return n


@kernel
def slip_log10(difference, period, units):
    """log10 chance that sequencing changed the length by `difference` bp within such a repeat.

    Rises with the number of repeat units, as measured on PCR-free Illumina reads (NA12878 Platinum,
    and a 2x151 trio): about 1e-5 up to 3 bp of a homopolymer, 1e-3 at 7 bp.
    """
    size = abs(difference)
    if size == 0:
        return 0.0
    if size % period:
        return -5.5
    extra = units - 3.0 if period == 1 else units - 2.0
    turn = 7.0  # units after which slips saturate
    first = -4.8 + 0.3 * min(max(extra, 0.0), turn) + 0.13 * max(extra - turn, 0.0)
    further = 0.8 * (size // period - 1)
    return max(min(first, -0.5) - further, -6.0)


@kernel
def site_repeats(site_pos, site_first, ref_len, alt_offset, alt_seq, reference):
    """Repeat context of sites with indels.

    Returns:
        (resync int64 (S,): first position after the repeat, from which all alleles read alike;
        period int32 (N,); units float32 (N,): repeat units of the candidate, its own included;
        -1 resync where a site has no indel.)
    """
    n_sites = len(site_pos)
    resync = np.full(n_sites, -1, np.int64)
    period = np.zeros(len(ref_len), np.int32)
    units = np.zeros(len(ref_len), np.float32)
    for s in range(n_sites):
        p = site_pos[s]
        for c in range(site_first[s], site_first[s + 1]):
            n_alt = alt_offset[c + 1] - alt_offset[c]
            if n_alt == ref_len[c]:
                continue
            if n_alt > ref_len[c]:
                n = n_alt - 1
                unit = alt_seq[alt_offset[c] + 1 : alt_offset[c + 1]]
                after = p + 1
            else:
                n = np.int64(ref_len[c]) - 1
                unit = reference[p + 1 : p + 1 + n]
                after = p + 1 + n
            n = min(n, len(unit))
            more = repeat_after(reference, after, unit, n)
            period[c] = indel_period(unit, n)
            units[c] = (more + n) / period[c]
            resync[s] = max(resync[s], after + more)
    return resync, period, units


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
def _right_score(seq, qual, start, stop, inserted, skip, reference, ref_at, penalty):
    """log10 of read bases [start, stop) against `inserted`, then the reference from ref_at + skip."""
    score = 0.0
    n = len(inserted)
    for k in range(stop - start):
        if k < n:
            expected = inserted[k]
        else:
            at = ref_at + skip + k - n
            if at >= len(reference):
                break
            expected = reference[at]
        if seq[start + k] != expected and expected < 4:
            score += penalty[qual[start + k]]
            if score < _FLOOR:
                break
    return score


@kernel
def _left_score(seq, qual, stop, start, inserted, reference, ref_at, penalty):
    """log10 of read bases [start, stop), from the right, against `inserted`, then ref_at and leftwards."""
    score = 0.0
    n = len(inserted)
    for k in range(stop - start):
        if k < n:
            expected = inserted[n - 1 - k]
        else:
            at = ref_at - (k - n)
            if at < 0:
                break
            expected = reference[at]
        if seq[stop - 1 - k] != expected and expected < 4:
            score += penalty[qual[stop - 1 - k]]
            if score < _FLOOR:
                break
    return score


@kernel
def _cross_repeat(
    cigar_op, cigar_len, op, last_op, at, query, p, resync, seq, qual, reference, penalty
):  # fmt: skip
    """Follow the alignment from operation `op` past `p` to the position `resync` or beyond.

    Returns (reference position reached or -1, its read index, stop of the read bases usable beyond
    or, where the read ends before, of those usable at all, log10 score of the bases in between).
    """
    score = 0.0
    while op < last_op:
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
        if kind == 0 or kind == 7 or kind == 8:
            reached = max(at, resync)
            for k in range(max(p + 1, at), min(at + length, reached, len(reference))):
                if seq[query + k - at] != reference[k] and reference[k] < 4:
                    score += penalty[qual[query + k - at]]
            if at + length > resync:
                if reached > len(reference):
                    break  # beyond the window
                stop = query + length
                if op + 1 < last_op and cigar_op[op + 1] == 4:
                    stop += cigar_len[op + 1]
                return reached, query + reached - at, stop, score
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            at += length
        op += 1
    return -1, query, query, score


@kernel
def _judge_indels(
    first_candidate, last_candidate, anchor, left_stop, reached, right_index, right_stop, net, between, p,
    ref_len, alt_offset, alt_seq, period, units, reference, seq, qual, penalty, scores, deltas,
):  # fmt: skip
    """Fill scores and deltas: hypothesis 0 is the reference, then the site's candidates.

    Each haplotype is laid against the read without gaps, once from its left flank and once from
    its right one, and the better counts; a length that the read shows by itself costs a slip.

    Args:
        anchor: index in seq of the base at p, or -1 for a read that begins behind p.
        left_stop: first base of the usable left flank.
        reached, right_index: reference position and read index where the read comes out of the
            repeat, or reached -1. right_stop: stop of the usable right flank.
        net, between: bp inserted minus deleted by the read's own alignment in between, and its score.
    """
    n = min(last_candidate - first_candidate, MAX_ALLELES - 1)
    empty = alt_seq[:0]
    own = left_common = right_common = 0.0
    if anchor >= 0:
        left_stop = max(left_stop, anchor + 1 - _FLANK_BP)
        left_common = _left_score(seq, qual, anchor + 1, left_stop, empty, reference, p, penalty)
    right_end = right_stop
    if reached >= 0:
        right_end = min(right_stop, right_index + _FLANK_BP)
        right_common = _right_score(seq, qual, right_index, right_end, empty, 0, reference, reached, penalty)
        own = left_common + between + right_common
    for h in range(n + 1):
        inserted = empty
        skip = 0
        if h > 0:
            c = first_candidate + h - 1
            inserted = alt_seq[alt_offset[c] + 1 : alt_offset[c + 1]]
            skip = np.int64(ref_len[c]) - 1
        deltas[h] = len(inserted) - skip
        score = 2 * _FLOOR
        if anchor >= 0:
            score = left_common + _right_score(
                seq, qual, anchor + 1, right_end, inserted, skip, reference, p + 1, penalty
            )
        if reached >= 0:
            # the same haplotype hung up at its right end
            to_resync = _left_of_resync(
                seq, qual, right_index, left_stop, inserted, skip, reference, p, reached, penalty
            )
            score = max(score, right_common + to_resync)
        scores[h] = max(score, _FLOOR)
    for h in range(n + 1):
        best = scores[h]
        for g in range(n + 1):
            if g != h:
                c = first_candidate + max(g, h, 1) - 1
                other = min(g, h)
                if other > 0 and units[first_candidate + other - 1] > units[c]:
                    c = first_candidate + other - 1
                slip = slip_log10(deltas[g] - deltas[h], max(period[c], 1), units[c])
                best = max(best, scores[g] + slip)
        if anchor >= 0 and reached >= 0 and net != deltas[h]:
            c = first_candidate + max(h, 1) - 1
            best = max(best, own + slip_log10(net - deltas[h], max(period[c], 1), units[c]))
        scores[n + 1 + h] = best
    for h in range(n + 1):
        scores[h] = scores[n + 1 + h]
    return n


@kernel
def _left_of_resync(seq, qual, stop, start, inserted, skip, reference, p, reached, penalty):
    """log10 of read bases [start, stop), hung up so that `stop` meets reference position `reached`."""
    score = 0.0
    tract = reached - (p + 1 + skip)  # reference bases between the indel and `reached`
    n = len(inserted)
    for k in range(stop - start):
        if k < tract:
            expected = reference[reached - 1 - k]
        elif k < tract + n:
            expected = inserted[n - 1 - (k - tract)]
        else:
            at = p - (k - tract - n)
            if at < 0:
                break
            expected = reference[at]
        if seq[stop - 1 - k] != expected and expected < 4:
            score += penalty[qual[stop - 1 - k]]
            if score < _FLOOR:
                break
    return score


@kernel
def _tempered(ratio, mapq):
    """`ratio` no stronger than the chance that the read belongs elsewhere allows."""
    cap = max(0.1, mapq / 10.0)
    return min(max(ratio, -cap), cap)


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
def _judge_allele(scores, n, h, mapq):
    """(allele, log10 ratio) for hypothesis `h` of n + 1 scored ones."""
    rival = -1
    for g in range(n + 1):
        if g != h and (rival < 0 or scores[g] > scores[rival]):
            rival = g
    ratio = _tempered(scores[h] - scores[rival], mapq)
    if ratio >= 0.5:
        return 1, ratio
    if ratio <= -0.5:
        return 0 if rival == 0 else 2, ratio
    return -1, ratio


@kernel
def judge_reads(
    pos, end, mapq, seq, qual, seq_offset, cigar_op, cigar_len, cigar_offset, reference, window_start,
    site_pos, site_first, site_indel, resync, ref_len, alt_offset, alt_seq, period, units, min_qual,
    entry_offset, entry_read, entry_allele, entry_ratio, entry_index,
):  # fmt: skip
    """Fill the entries of every candidate (CSR by candidate; the candidates of a site share reads).

    Allele codes: -1 none, 0 reference, 1 this alternate, 2 another.
    """
    penalty = mismatch_penalties()
    scores = np.zeros(2 * MAX_ALLELES + 2)
    deltas = np.zeros(MAX_ALLELES + 1, np.int64)
    cursor = np.zeros(len(site_pos), np.int64)
    for row in range(len(pos)):
        start = pos[row] - window_start
        stop = end[row] - window_start
        last_op = cigar_offset[row + 1]
        first_base = seq_offset[row]
        op, clipped = leading_clip(cigar_op, cigar_len, cigar_offset[row], last_op)
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
            n = -1
            if site_indel[s] and (aligned or p < start):
                left_stop = query
                if p < start or (op > cigar_offset[row] and cigar_op[op - 1] == 4):
                    left_stop = first_base
                reached, right_index, right_stop, between = _cross_repeat(
                    cigar_op, cigar_len, op, last_op, at, query, p, max(resync[s], p + 1), seq, qual,
                    reference, penalty,
                )  # fmt: skip
                net = (right_index - index) - (reached - p) if reached >= 0 else 0
                if aligned or reached >= 0:
                    n = _judge_indels(
                        first, last, index if aligned else -1, left_stop, reached, right_index, right_stop,
                        net, between, p, ref_len, alt_offset, alt_seq, period, units, reference, seq, qual,
                        penalty, scores, deltas,
                    )  # fmt: skip
            for c in range(first, last):
                slot = entry_offset[c] + cursor[s]
                entry_read[slot] = row
                entry_index[slot] = index - first_base if aligned or kind == 2 else -1
                allele = -1
                ratio = 0.0
                is_snp = ref_len[c] == 1 and alt_offset[c + 1] - alt_offset[c] == 1
                if kind == 2:
                    # the read has a deletion here, which rules the alternate out
                    allele, ratio = 2, _tempered(-2.0, mapq[row])
                elif is_snp and aligned:
                    base, q = seq[index], qual[index]
                    if q >= 2 and base < 4:
                        allele, ratio = _judge_snp(
                            first, last, c, base, q, reference[p], ref_len, alt_offset, alt_seq, penalty
                        )
                        ratio = _tempered(ratio, mapq[row])
                        allele = allele if q >= min_qual else -1
                elif not is_snp and n >= 0 and c - first < n:
                    allele, ratio = _judge_allele(scores, n, c - first + 1, mapq[row])
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
def tally(is_indel, entry_offset, entry_allele, dp, ad):
    """Fill dp int32 (N,) and ad int32 (N, 2) from the entries."""
    for c in range(len(is_indel)):
        for i in range(entry_offset[c], entry_offset[c + 1]):
            allele = entry_allele[i]
            if allele >= 0:
                dp[c] += 1
                if allele < 2:
                    ad[c, allele] += 1
