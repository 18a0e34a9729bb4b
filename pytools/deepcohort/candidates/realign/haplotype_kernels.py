"""Local haplotypes: where they are needed, what they read, and how well reads fit them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlleleColumns, Int
from deepcohort.candidates.kernels import Tallies
from deepcohort.candidates.realign.columns import BaseScores, MovingReads, ShownAlleles, Span
from deepcohort.core.numba_options import borrowing_kernel, kernel

MAX_HAPLOTYPES = 16
MAX_CHAINS = 6
MAX_ALLELES = 60  # of one window; bits of a mask
MAX_OPS = 2 * MAX_ALLELES + 3
FLANK_BP = 192  # reference on both sides of a window, for reads that reach out of it
CLIP_COST = 3.0  # log10; what leaving an end of a read unaligned costs
GAP_COST = 3.5  # log10; what a gap costs that no haplotype explains
_DROP = 12.0  # log10; an extension this far below its best goes no further


class TroubleRules(NamedTuple):
    """Where haplotypes are needed; see CandidatesConfig (realign_*). Lengths in bp, the fraction 0 to 1."""

    margin_bp: int
    min_clips: int
    min_clip_fraction: float
    crowded_bp: int


@kernel
def base_scores() -> BaseScores:
    """log10 odds of match and mismatch by phred."""
    match = np.zeros(256)
    mismatch = np.zeros(256)
    for q in range(2, 256):
        error = 10.0 ** (-min(q, 40) / 10.0)
        match[q] = np.log10((1.0 - error) * 4.0) if error < 0.75 else 0.0
        mismatch[q] = np.log10(error / 3.0 * 4.0) if error < 0.75 else 0.0
    return BaseScores(match, mismatch)


@kernel
def _mark(trouble: NDArray[np.bool_], first: Int, last: Int) -> None:
    """Set trouble bool (L,) in [first, last), as far as that lies within."""
    for k in range(max(0, first), min(len(trouble), last)):
        trouble[k] = True


@borrowing_kernel
def _mark_alleles(
    trouble: NDArray[np.bool_], alleles: AlleleColumns, resync: NDArray[np.int64], rules: TroubleRules
) -> None:
    """Mark indels with their repeats and three SNPs that crowd; `resync` int64 (N,), as in `Sites`."""
    before = last_snp = np.int64(-1000)  # the last two SNP positions
    for c in range(len(alleles.pos)):
        p = alleles.pos[c]
        if alleles.alt_offset[c + 1] - alleles.alt_offset[c] != alleles.ref_len[c]:
            _mark(trouble, p - rules.margin_bp, max(resync[c], p + alleles.ref_len[c]) + rules.margin_bp)
        elif p != last_snp:
            if p - before <= rules.crowded_bp:
                _mark(trouble, before - rules.margin_bp, p + 1 + rules.margin_bp)
            before, last_snp = last_snp, p


@kernel
def _first_marked(marked: NDArray[np.bool_], p: Int, step: int, reach: int) -> Int:
    """The nearest of marked bool (L,) within `reach` bp of `p` in direction `step`; else `p`."""
    for k in range(1, reach + 1):
        if 0 <= p + step * k < len(marked) and marked[p + step * k]:
            return p + step * k
    return p


@kernel
def _mark_beside(trouble: NDArray[np.bool_], alleles: AlleleColumns, rules: TroubleRules) -> None:
    """Mark from SNPs to the trouble bool (L,) near them: they may be another way to write an indel."""
    marked = trouble.copy()
    for c in range(len(alleles.pos)):
        p = alleles.pos[c]
        if alleles.alt_offset[c + 1] - alleles.alt_offset[c] != alleles.ref_len[c] or marked[p]:
            continue
        first = _first_marked(marked, p, -1, rules.crowded_bp)
        last = max(p + 1, _first_marked(marked, p, 1, rules.crowded_bp))
        if last - first > 1:
            # as far as the margin beyond the SNP, and up to the trouble on either side
            _mark(trouble, min(first, p - rules.margin_bp), max(last, p + rules.margin_bp + 1))


@borrowing_kernel
def _mark_clips(trouble: NDArray[np.bool_], tallies: Tallies, rules: TroubleRules) -> None:
    """Mark in trouble bool (L,) where enough of the reads are clipped within a few bp."""
    reach = 3
    for p in range(reach, len(trouble) - reach):
        if tallies.clip_count[p] == 0:
            continue
        clips = 0
        for k in range(p - reach, p + reach + 1):
            clips += tallies.clip_count[k]
        share = rules.min_clip_fraction * tallies.n_total[max(0, p - 1)]
        if clips >= rules.min_clips and clips >= share:
            _mark(trouble, p - rules.margin_bp, p + rules.margin_bp)


@kernel
def mark_trouble(
    alleles: AlleleColumns, resync: NDArray[np.int64], tallies: Tallies, rules: TroubleRules
) -> NDArray[np.bool_]:
    """Bases that need haplotypes, bool (L,): around indels, clip clusters and crowded mismatches.

    `resync`: int64 (N,), first position behind the repeat of each allele, -1 for SNPs.
    """
    trouble = np.zeros(len(tallies.n_total), np.bool_)
    _mark_alleles(trouble, alleles, resync, rules)
    _mark_beside(trouble, alleles, rules)
    _mark_clips(trouble, tallies, rules)
    return trouble


@kernel
def cut_windows(
    trouble: NDArray[np.bool_], window_start: int, longest: int, grid: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretches of `trouble` bool (L,) as (starts, ends), each int64 (W,), relative to window_start.

    Those over `longest` bp are cut at contig positions that are multiples of `grid`.
    """
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


@borrowing_kernel
def _copy_reference(
    reference: NDArray[np.uint8], first: Int, last: Int, sequence: NDArray[np.uint8], n: Int
) -> Int:
    """Write reference uint8 (L,) [first, last) to sequence[n:] uint8 (longest,), N outside; bp in all."""
    for k in range(first, last):
        sequence[n] = reference[k] if 0 <= k < len(reference) else 4
        n += 1
    return n


@borrowing_kernel
def _put(ops: NDArray[np.uint8], lengths: NDArray[np.int32], n: Int, op: int, length: Int) -> Int:
    """Write an operation of `length` bp, if more than 0, as number `n` of ops, lengths (k,); how many now."""
    if length > 0:
        ops[n], lengths[n] = op, length
        n += 1
    return n


@borrowing_kernel
def build_haplotype(
    mask: Int,
    span: Span,
    alleles: AlleleColumns,
    reference: NDArray[np.uint8],
    sequence: NDArray[np.uint8],
    ops: NDArray[np.uint8],
    lengths: NDArray[np.int32],
) -> tuple[Int, Int]:
    """Write reference [start - FLANK_BP, stop + FLANK_BP) of `span` with the alleles of `mask`.

    Alleles that overlap one already applied are left out; outside the contig stands N.

    Args:
        reference: uint8 (L,), base codes. sequence: uint8 (longest,), receives base codes.
        ops: uint8 (MAX_OPS,), lengths: int32 (MAX_OPS,), receive the CIGAR of [start, stop).

    Returns:
        (bp written to sequence, number of operations).
    """
    n = _copy_reference(reference, span.start - FLANK_BP, span.start, sequence, 0)
    n_ops: Int = 0
    at = span.start
    matched: Int = 0
    for i in range(span.n_alleles):
        if not (mask >> i) & 1:
            continue
        c = span.first + i
        p = alleles.pos[c]
        n_alt = alleles.alt_offset[c + 1] - alleles.alt_offset[c]
        indel = n_alt != alleles.ref_len[c]
        first = p + 1 if indel else p
        # one that overlaps another, or that a cut window does not hold whole
        if first < at or p + alleles.ref_len[c] >= span.stop:
            continue
        n = _copy_reference(reference, at, first, sequence, n)
        matched += first - at
        at = first
        if not indel:
            sequence[n] = alleles.alt_seq[alleles.alt_offset[c]]
            n += 1
            at += 1
            matched += 1
            continue
        n_ops = _put(ops, lengths, n_ops, 0, matched)
        matched = 0
        for k in range(1, n_alt):
            sequence[n] = alleles.alt_seq[alleles.alt_offset[c] + k]
            n += 1
        n_ops = _put(ops, lengths, n_ops, 1, n_alt - 1)
        n_ops = _put(ops, lengths, n_ops, 2, alleles.ref_len[c] - 1)
        at += alleles.ref_len[c] - 1
    n = _copy_reference(reference, at, span.stop, sequence, n)
    n_ops = _put(ops, lengths, n_ops, 0, matched + span.stop - at)
    return _copy_reference(reference, span.stop, span.stop + FLANK_BP, sequence, n), n_ops


@borrowing_kernel
def read_mask(
    row: Int, span: Span, alleles: AlleleColumns, shown: ShownAlleles, window_start: int, reads: MovingReads
) -> Int:
    """Bits of the window's alleles that the read's own alignment shows."""
    mask = np.int64(0)
    for i in range(shown.offset[row], shown.offset[row + 1]):
        bit = shown.allele[i] - span.first
        if 0 <= bit < span.n_alleles:
            mask |= np.int64(1) << bit
    at, query = reads.pos[row] - window_start, reads.seq_offset[row]
    c: Int = 0
    for op in range(reads.op_first[row], reads.op_last[row]):
        kind = reads.cigar_op[op]
        length = np.int64(reads.cigar_len[op])
        if kind == 0 or kind >= 7:
            while c < span.n_alleles and alleles.pos[span.first + c] < at:
                c += 1
            while c < span.n_alleles and alleles.pos[span.first + c] < at + length:
                a = span.first + c
                if alleles.ref_len[a] == 1 and alleles.alt_offset[a + 1] - alleles.alt_offset[a] == 1:
                    index = query + alleles.pos[a] - at
                    same = reads.seq[index] == alleles.alt_seq[alleles.alt_offset[a]]
                    if same and reads.qual[index] >= 10:
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
def covered_alleles(
    pos: Int,
    end: Int,
    first_allele: Int,
    n_alleles: Int,
    allele_pos: NDArray[np.int64],
    ref_len: NDArray[np.int32],
) -> Int:
    """Bits of the window's alleles that lie within [pos, end), aligned positions of a read.

    They are the rows from first_allele on of allele_pos int64 (N,), as `pos`, and ref_len int32 (N,), bp.
    """
    mask = np.int64(0)
    for i in range(n_alleles):
        c = first_allele + i
        if allele_pos[c] >= pos and allele_pos[c] + ref_len[c] < end:
            mask |= np.int64(1) << i
    return mask


@kernel
def _states(
    i: int, chain: Int, masks: NDArray[np.int64], covered: NDArray[np.int64], n_reads: int
) -> tuple[Int, Int]:
    """How many reads carry a chain on with allele `i`, and how many without it.

    Two for the usual state where no two reads agree with the chain up to there. `masks`, `covered`: int64
    (n,), n at least n_reads, bits that reads show and that they cover.
    """
    bit = np.int64(1) << i
    before = bit - 1
    neighbour = bit >> 1
    shows = lacks = usual = 0
    for r in range(n_reads):
        if covered[r] & bit == 0:
            continue
        state = masks[r] & bit != 0
        usual += 1 if state else -1
        if covered[r] & neighbour == neighbour and (masks[r] ^ chain) & covered[r] & before == 0:
            shows += state
            lacks += not state
    if shows < 2 and lacks < 2:
        return (2, 0) if usual > 0 else (0, 2)
    return shows, lacks


@kernel
def chain_masks(
    masks: NDArray[np.int64], covered: NDArray[np.int64], n_reads: int, n_alleles: int, out: NDArray[np.int64]
) -> int:
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
        grown = 0
        for c in range(n):
            shows, lacks = _states(i, chains[c], masks, covered, n_reads)
            for state, count in ((np.int64(1) << i, shows), (np.int64(0), lacks)):
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


@borrowing_kernel
def indel_bits(span: Span, alleles: AlleleColumns) -> Int:
    """Bits of the window's alleles that are indels."""
    indels = np.int64(0)
    for i in range(span.n_alleles):
        c = span.first + i
        if alleles.alt_offset[c + 1] - alleles.alt_offset[c] != alleles.ref_len[c]:
            indels |= np.int64(1) << i
    return indels


@kernel
def _count_masks(
    masks: NDArray[np.int64],
    covered: NDArray[np.int64],
    everything: Int,
    distinct: NDArray[np.int64],
    count: NDArray[np.int64],
) -> Int:
    """Distinct masks other than 0 of the n reads that cover `everything`, to `distinct`; how many.

    All int64 (n,), `distinct` and `count` (n + 1,): `count`, which is 0, receives the reads of each.
    """
    n: Int = 0
    for r in range(len(masks)):
        if masks[r] == 0 or covered[r] != everything:
            continue
        k: Int = 0
        while k < n and distinct[k] != masks[r]:
            k += 1
        if k == n:
            distinct[n] = masks[r]
            n += 1
        count[k] += 1
    return n


@kernel
def _add_mask(out: NDArray[np.int64], m: Int, most: int, mask: Int) -> Int:
    """Add `mask` to the `m` of out int64 (H,) unless it is there or they are `most`; how many now."""
    for k in range(m):
        if out[k] == mask:
            return m
    if m >= most:
        return m
    out[m] = mask
    return m + 1


@kernel
def collect_masks(
    masks: NDArray[np.int64],
    covered: NDArray[np.int64],
    chains: NDArray[np.int64],
    indels: Int,
    n_alleles: Int,
    out: NDArray[np.int64],
) -> Int:
    """Distinct haplotypes worth trying: the reference, masks that reads show, chains, each indel alone.

    Args:
        masks, covered: int64 (n,), bits that a read shows and that it covers.
        chains: int64 (c,), of chain_masks. indels: bits of the alleles that are indels, of indel_bits.
        out: int64 (MAX_HAPLOTYPES,), receives masks, the reference (0) first.

    Returns:
        Number of masks.
    """
    distinct = np.empty(len(masks) + 1, np.int64)
    count = np.zeros(len(masks) + 1, np.int64)
    everything = (np.int64(1) << n_alleles) - 1
    n = _count_masks(masks, covered, everything, distinct, count)
    order = np.argsort(-count[:n], kind="mergesort")
    out[0] = 0
    m: Int = 1
    for k in order:
        if m < MAX_HAPLOTYPES - 4 and (count[k] >= 2 or distinct[k] & indels):
            out[m] = distinct[k]
            m += 1
    for chain in chains:
        m = _add_mask(out, m, MAX_HAPLOTYPES - 4, chain)
    for i in range(n_alleles):
        alone = np.int64(1) << i
        if indels & alone:
            m = _add_mask(out, m, MAX_HAPLOTYPES, alone)
    return m


@kernel
def _extend(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    first: Int,
    n_read: Int,
    haplotype: NDArray[np.uint8],
    at: Int,
    n_haplotype: Int,
    step: Int,
    match: NDArray[np.float64],
    mismatch: NDArray[np.float64],
) -> tuple[float, Int, Int]:
    """Best score of up to `n_read` bases from seq[first] on against haplotype[at], ..., without gaps.

    `step`: 1 to the right, -1 to the left. seq, qual: uint8 (B,), base codes and phred. haplotype: uint8,
    base codes, `n_haplotype` of which lie there. The rest, and what comes back, as in `extend_right`.
    """
    score, best = 0.0, 0.0
    n_best: Int = 0
    wrong: Int = 0
    wrong_best: Int = 0
    n = min(n_read, n_haplotype)
    for k in range(n):
        q = qual[first + step * k]
        if seq[first + step * k] == haplotype[at + step * k]:
            score += match[q]
        else:
            score += mismatch[q]
            wrong += q >= 10
            if score < best - _DROP:
                break
        if score >= best:
            best, n_best, wrong_best = score, k + 1, wrong
    if n_best < n_read:
        whole = n == n_read and score > best - CLIP_COST and k == n - 1
        if whole:
            return score, n, wrong
        return best - CLIP_COST, n_best, wrong_best
    return best, n_best, wrong_best


@kernel
def extend_right(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    start: Int,
    stop: Int,
    haplotype: NDArray[np.uint8],
    at: Int,
    length: Int,
    match: NDArray[np.float64],
    mismatch: NDArray[np.float64],
) -> tuple[float, Int, Int]:
    """Best score of laying read bases from `start` on against haplotype[at:length] without gaps.

    Args:
        seq, qual: uint8 (B,), base codes and phred. haplotype: uint8 (>= length,), base codes.
        match, mismatch: float64 (256,), log10 by phred.

    Returns:
        (log10 score, bases aligned, bases of phred 10 or more that differ among them).
    """
    return _extend(seq, qual, start, stop - start, haplotype, at, length - at, 1, match, mismatch)


@kernel
def extend_left(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    stop: Int,
    start: Int,
    haplotype: NDArray[np.uint8],
    at: Int,
    match: NDArray[np.float64],
    mismatch: NDArray[np.float64],
) -> tuple[float, Int, Int]:
    """As extend_right, leftwards: read bases from `stop - 1` down to `start` against haplotype[at], ...

    `seq`, `qual`: uint8 (B,). `haplotype`: uint8 (> at,). `match`, `mismatch`: float64 (256,), log10.
    """
    return _extend(seq, qual, stop - 1, stop - start, haplotype, at, at + 1, -1, match, mismatch)


@kernel
def score_stretch(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    query: Int,
    other: NDArray[np.uint8],
    at: Int,
    length: Int,
    match: NDArray[np.float64],
    mismatch: NDArray[np.float64],
) -> tuple[float, Int]:
    """(log10 score, differing bases of phred 10 or more) of `length` read bases against other[at:].

    `seq`, `qual`: uint8 (B,), codes and phred, from index `query` on. `other`: uint8, base codes. `match`,
    `mismatch`: float64 (256,), log10 by phred.
    """
    score = 0.0
    wrong: Int = 0
    for k in range(length):
        q = qual[query + k]
        if at + k >= 0 and at + k < len(other) and seq[query + k] == other[at + k]:
            score += match[q]
        else:
            score += mismatch[q]
            wrong += q >= 10
    return score, wrong


@kernel
def half_table() -> NDArray[np.float64]:
    """log10((1 + 10^-d) / 2) for d in steps of 1/16 up to 8, float64 (129,)."""
    table = np.empty(129)
    for i in range(129):
        table[i] = np.log10(0.5 * (1.0 + 10.0 ** (-i / 16.0)))
    return table


@kernel
def choose_pair(
    scores: NDArray[np.float64],
    n_reads: Int,
    n_haplotypes: Int,
    prior: NDArray[np.float64],
    table: NDArray[np.float64],
) -> tuple[Int, Int]:
    """The two haplotypes (maybe twice the same) that explain the reads best.

    Args:
        scores: float64 (>= n_reads, >= n_haplotypes), log10. prior: float64 (>= n_haplotypes,), log10.
        table: float64 (129,), of half_table().

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
