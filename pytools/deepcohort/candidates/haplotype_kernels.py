"""Local haplotypes: where they are needed, what they read, and how well reads fit them."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

MAX_HAPLOTYPES = 16
MAX_CHAINS = 6
MAX_ALLELES = 60  # of one window; bits of a mask
MAX_OPS = 2 * MAX_ALLELES + 3
FLANK_BP = 192  # reference on both sides of a window, for reads that reach out of it
CLIP_COST = 3.0  # log10; what leaving an end of a read unaligned costs
GAP_COST = 3.5  # log10; what a gap costs that no haplotype explains
_DROP = 12.0  # log10; an extension this far below its best goes no further


@kernel
def base_scores():
    """log10 odds of (match, mismatch) against random sequence by phred, each float64 (256,)."""
    match = np.zeros(256)
    mismatch = np.zeros(256)
    for q in range(2, 256):
        error = 10.0 ** (-min(q, 40) / 10.0)
        match[q] = np.log10((1.0 - error) * 4.0) if error < 0.75 else 0.0
        mismatch[q] = np.log10(error / 3.0 * 4.0) if error < 0.75 else 0.0
    return match, mismatch


@kernel
def mark_trouble(
    allele_pos, ref_len, alt_offset, resync, clip_count, n_total, margin, min_clips, min_clip_fraction, near
):
    """Bases that need haplotypes, bool (L,): around indels, clip clusters and crowded mismatches."""
    length = len(n_total)
    trouble = np.zeros(length, np.bool_)
    snps_near = np.full(2, -1000, np.int64)  # the last two SNP positions
    for c in range(len(allele_pos)):
        p = allele_pos[c]
        first, last = length, 0
        if alt_offset[c + 1] - alt_offset[c] != ref_len[c]:
            first, last = p, max(resync[c], p + ref_len[c])
        elif p != snps_near[1]:
            if p - snps_near[0] <= near:
                first, last = snps_near[0], p + 1
            snps_near[0] = snps_near[1]
            snps_near[1] = p
        for k in range(max(0, first - margin), min(length, last + margin)):
            trouble[k] = True
    # a SNP beside them may be part of another way to write an indel
    at_indels = trouble.copy()
    for c in range(len(allele_pos)):
        p = allele_pos[c]
        if alt_offset[c + 1] - alt_offset[c] != ref_len[c] or at_indels[p]:
            continue
        first, last = p, p + 1
        for k in range(1, near + 1):
            if p - k >= 0 and at_indels[p - k]:
                first = p - k
                break
        for k in range(1, near + 1):
            if p + k < length and at_indels[p + k]:
                last = p + k
                break
        if last - first > 1:
            # as far as the margin beyond the SNP, and up to the trouble on either side
            for k in range(max(0, min(first, p - margin)), min(length, max(last, p + margin + 1))):
                trouble[k] = True
    reach = 3
    for p in range(reach, length - reach):
        if clip_count[p] == 0:
            continue
        clips = 0
        for k in range(p - reach, p + reach + 1):
            clips += clip_count[k]
        if clips >= min_clips and clips >= min_clip_fraction * n_total[max(0, p - 1)]:
            for k in range(max(0, p - margin), min(length, p + margin)):
                trouble[k] = True
    return trouble


@kernel
def cut_windows(trouble, window_start, longest, grid):
    """Stretches of `trouble` as (starts, ends), relative; long ones are cut at absolute multiples."""
    length = len(trouble)
    starts = np.empty(length // 2 + length // grid + 2, np.int64)
    ends = np.empty_like(starts)
    n = 0
    at = 0
    while at < length:
        if not trouble[at]:
            at += 1
            continue
        stop = at
        while stop < length and trouble[stop]:
            stop += 1
        if stop - at <= longest:
            starts[n], ends[n] = at, stop
            n += 1
        else:
            first = at
            while first < stop:
                cut = ((first + window_start) // grid + 1) * grid - window_start
                if cut + grid // 2 > stop:
                    cut = stop
                starts[n], ends[n] = first, min(cut, stop)
                n += 1
                first = cut
        at = stop
    return starts[:n], ends[:n]


@kernel
def build_haplotype(
    mask, first_allele, n_alleles, allele_pos, ref_len, alt_offset, alt_seq, reference, start, end,
    sequence, ops, lengths,
):  # fmt: skip
    """Write reference [start - FLANK_BP, end + FLANK_BP) with the alleles of `mask`.

    Alleles that overlap one already applied are left out; outside the contig stands N.

    Returns:
        (bp written to sequence, number of operations of [start, end) written to ops and lengths).
    """
    n = 0
    for k in range(start - FLANK_BP, start):
        sequence[n] = reference[k] if k >= 0 else 4
        n += 1
    n_ops = 0
    at = start
    matched = 0
    for i in range(n_alleles):
        if not (mask >> i) & 1:
            continue
        c = first_allele + i
        p = allele_pos[c]
        n_alt = alt_offset[c + 1] - alt_offset[c]
        indel = n_alt != ref_len[c]
        first = p + 1 if indel else p
        # one that overlaps another, or that a cut window does not hold whole
        if first < at or p + ref_len[c] >= end:
            continue
        while at < first:
            sequence[n] = reference[at]
            n += 1
            at += 1
            matched += 1
        if not indel:
            sequence[n] = alt_seq[alt_offset[c]]
            n += 1
            at += 1
            matched += 1
            continue
        if matched:
            ops[n_ops], lengths[n_ops] = 0, matched
            n_ops += 1
            matched = 0
        if n_alt > 1:
            for k in range(1, n_alt):
                sequence[n] = alt_seq[alt_offset[c] + k]
                n += 1
            ops[n_ops], lengths[n_ops] = 1, n_alt - 1
            n_ops += 1
        if ref_len[c] > 1:
            ops[n_ops], lengths[n_ops] = 2, ref_len[c] - 1
            n_ops += 1
            at += ref_len[c] - 1
    while at < end:
        sequence[n] = reference[at]
        n += 1
        at += 1
        matched += 1
    if matched:
        ops[n_ops], lengths[n_ops] = 0, matched
        n_ops += 1
    for k in range(end, end + FLANK_BP):
        sequence[n] = reference[k] if k < len(reference) else 4
        n += 1
    return n, n_ops


@kernel
def read_mask(
    row, pos, seq, qual, query_start, cigar_op, cigar_len, first_op, last_op, first_allele, n_alleles,
    allele_pos, ref_len, alt_offset, alt_seq, shown, first_shown, last_shown,
):  # fmt: skip
    """Bits of the window's alleles that the read's own alignment shows.

    `shown[first_shown:last_shown]` are the indel alleles (rows) of the read.
    """
    mask = np.int64(0)
    for i in range(first_shown, last_shown):
        bit = shown[i] - first_allele
        if 0 <= bit < n_alleles:
            mask |= np.int64(1) << bit
    at, query = pos, query_start
    c = 0
    for op in range(first_op, last_op):
        kind = cigar_op[op]
        length = np.int64(cigar_len[op])
        if kind == 0 or kind >= 7:
            while c < n_alleles and allele_pos[first_allele + c] < at:
                c += 1
            while c < n_alleles and allele_pos[first_allele + c] < at + length:
                a = first_allele + c
                if ref_len[a] == 1 and alt_offset[a + 1] - alt_offset[a] == 1:
                    index = query + allele_pos[a] - at
                    if seq[index] == alt_seq[alt_offset[a]] and qual[index] >= 10:
                        mask |= np.int64(1) << c
                c += 1
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2 or kind == 3:
            at += length
    return mask


@kernel
def covered_alleles(pos, end, first_allele, n_alleles, allele_pos, ref_len):
    """Bits of the window's alleles that lie within [pos, end), aligned positions of a read."""
    mask = np.int64(0)
    for i in range(n_alleles):
        c = first_allele + i
        if allele_pos[c] >= pos and allele_pos[c] + ref_len[c] < end:
            mask |= np.int64(1) << i
    return mask


@kernel
def chain_masks(masks, covered, n_reads, n_alleles, out):
    """Haplotypes put together from reads that span parts of a window, allele by allele from the left.

    A chain is carried on by each state of the next allele that at least two reads show which agree with
    the chain wherever they cover it, and by the usual state where no read covers both neighbours.

    Args:
        masks, covered: int64 (n_reads,), bits that reads show and that they cover.
        out: int64 (MAX_CHAINS,), receives masks other than 0, the best supported first (by the weakest link).

    Returns:
        Number of masks.
    """
    chains = np.zeros(2 * MAX_CHAINS, np.int64)
    support = np.full(2 * MAX_CHAINS, n_reads, np.int64)
    longer = np.empty(2 * MAX_CHAINS, np.int64)
    links = np.empty(2 * MAX_CHAINS, np.int64)
    n = 1
    for i in range(n_alleles):
        bit = np.int64(1) << i
        before = bit - 1
        neighbour = bit >> 1
        grown = 0
        for c in range(n):
            shows = lacks = usual = 0
            for r in range(n_reads):
                if covered[r] & bit == 0:
                    continue
                state = masks[r] & bit != 0
                usual += 1 if state else -1
                if covered[r] & neighbour == neighbour and (masks[r] ^ chains[c]) & covered[r] & before == 0:
                    shows += state
                    lacks += not state
            if shows < 2 and lacks < 2:
                shows, lacks = (2, 0) if usual > 0 else (0, 2)
            for state, count in ((bit, shows), (np.int64(0), lacks)):
                if count >= 2:
                    longer[grown], links[grown] = chains[c] | state, min(support[c], count)
                    grown += 1
        order = np.argsort(-links[:grown], kind="mergesort")
        n = min(grown, MAX_CHAINS)
        for k in range(n):
            chains[k], support[k] = longer[order[k]], links[order[k]]
    m = 0
    for c in range(n):
        if chains[c] != 0:
            out[m] = chains[c]
            m += 1
    return m


@kernel
def collect_masks(
    masks, covered, n_reads, chains, n_chains, first_allele, n_alleles, ref_len, alt_offset, out
):
    """Distinct haplotypes worth trying: the reference, masks that reads show, chains, each indel alone.

    Args:
        masks, covered: int64 (n_reads,), bits that a read shows and that it covers.
        chains: int64 (>= n_chains,), of chain_masks.
        out: int64 (MAX_HAPLOTYPES,), receives masks, the reference (0) first.

    Returns:
        Number of masks.
    """
    distinct = np.empty(n_reads + 1, np.int64)
    count = np.zeros(n_reads + 1, np.int64)
    n = 0
    everything = (np.int64(1) << n_alleles) - 1
    indels = np.int64(0)
    for i in range(n_alleles):
        c = first_allele + i
        if alt_offset[c + 1] - alt_offset[c] != ref_len[c]:
            indels |= np.int64(1) << i
    for r in range(n_reads):
        if masks[r] == 0 or covered[r] != everything:
            continue
        k = 0
        while k < n and distinct[k] != masks[r]:
            k += 1
        if k == n:
            distinct[n] = masks[r]
            n += 1
        count[k] += 1
    order = np.argsort(-count[:n], kind="mergesort")
    out[0] = 0
    m = 1
    for k in order:
        if m < MAX_HAPLOTYPES - 4 and (count[k] >= 2 or distinct[k] & indels):
            out[m] = distinct[k]
            m += 1
    for k in range(n_chains):
        known = False
        for h in range(m):
            known |= out[h] == chains[k]
        if not known and m < MAX_HAPLOTYPES - 4:
            out[m] = chains[k]
            m += 1
    for i in range(n_alleles):
        alone = np.int64(1) << i
        if not indels & alone:
            continue
        known = False
        for k in range(m):
            known |= out[k] == alone
        if not known and m < MAX_HAPLOTYPES:
            out[m] = alone
            m += 1
    return m


@kernel
def extend_right(seq, qual, start, stop, haplotype, at, length, match, mismatch):
    """Best score of laying read bases from `start` on against haplotype[at:length] without gaps.

    Returns (score, bases aligned, bases of quality 10 or more that differ among them).
    """
    score, best, n_best, wrong, wrong_best = 0.0, 0.0, 0, 0, 0
    n = min(stop - start, length - at)
    for k in range(n):
        q = qual[start + k]
        if seq[start + k] == haplotype[at + k]:
            score += match[q]
        else:
            score += mismatch[q]
            wrong += q >= 10
            if score < best - _DROP:
                break
        if score >= best:
            best, n_best, wrong_best = score, k + 1, wrong
    if n_best < stop - start:
        whole = n == stop - start and score > best - CLIP_COST and k == n - 1
        if whole:
            return score, n, wrong
        return best - CLIP_COST, n_best, wrong_best
    return best, n_best, wrong_best


@kernel
def extend_left(seq, qual, stop, start, haplotype, at, match, mismatch):
    """As extend_right, leftwards: read bases from `stop - 1` down to `start` against haplotype[at], ..."""
    score, best, n_best, wrong, wrong_best = 0.0, 0.0, 0, 0, 0
    n = min(stop - start, at + 1)
    for k in range(n):
        q = qual[stop - 1 - k]
        if seq[stop - 1 - k] == haplotype[at - k]:
            score += match[q]
        else:
            score += mismatch[q]
            wrong += q >= 10
            if score < best - _DROP:
                break
        if score >= best:
            best, n_best, wrong_best = score, k + 1, wrong
    if n_best < stop - start:
        whole = n == stop - start and score > best - CLIP_COST and k == n - 1
        if whole:
            return score, n, wrong
        return best - CLIP_COST, n_best, wrong_best
    return best, n_best, wrong_best


@kernel
def score_stretch(seq, qual, query, other, at, length, match, mismatch):
    """(score, differing bases of quality 10 or more) of `length` read bases against other[at:]."""
    score = 0.0
    wrong = 0
    for k in range(length):
        q = qual[query + k]
        if at + k >= 0 and at + k < len(other) and seq[query + k] == other[at + k]:
            score += match[q]
        else:
            score += mismatch[q]
            wrong += q >= 10
    return score, wrong


@kernel
def half_table():
    """log10((1 + 10^-d) / 2) for d in steps of 1/16 up to 8, float64 (129,)."""
    table = np.empty(129)
    for i in range(129):
        table[i] = np.log10(0.5 * (1.0 + 10.0 ** (-i / 16.0)))
    return table


@kernel
def choose_pair(scores, n_reads, n_haplotypes, prior, table):
    """The two haplotypes (maybe twice the same) that explain the reads best.

    Args:
        scores: float64 (>= n_reads, >= n_haplotypes), log10. prior: float64, log10 per haplotype.
        table: of half_table().

    Returns:
        (first, second), first <= second.
    """
    best = -1e300
    chosen_a, chosen_b = 0, 0
    for a in range(n_haplotypes):
        for b in range(a, n_haplotypes):
            total = prior[a] if a == b else prior[a] + prior[b]
            for r in range(n_reads):
                high, low = scores[r, a], scores[r, b]
                if low > high:
                    high, low = low, high
                step = int((high - low) * 16.0)
                total += high + table[min(step, 128)]
            if total > best + 1e-9:
                best = total
                chosen_a, chosen_b = a, b
    return chosen_a, chosen_b
