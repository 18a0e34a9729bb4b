"""Site features, one pass over the reads of each candidate; names and scales in features.py."""
# ruff: noqa: SIM109 - chains of == compile to a jump, tuples of constants do not
# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np

from deepcohort.candidates.phase_kernels import (
    HET,
    HOM,
    MAX_MARKERS,
    capped_ratio,
    clear_odds,
    fragment,
    markers_near,
    phase_fragments,
    phased_het_log10,
    sure_genotypes,
)
from deepcohort.candidates.substitution_kernels import cpg_class, substitution_log10
from deepcohort.core.numba_options import kernel
from deepcohort.pileup.features import F
from deepcohort.pileup.kernels import (
    OP_D,
    OP_EQ,
    OP_I,
    OP_M,
    OP_N,
    OP_S,
    OP_X,
    advance_cursor,
    start_cursors,
)

NEAR_BP = 16  # mismatches and indels this near the site count as company
DIVERGENCE_BP, _MOST_SPAN_BP = (
    128,
    1_000,
)  # how far reads are held against the reference; longer ones, NEAR_BP
CLIP_BP, CLIP_NEAR_BP = 5, 300  # soft clips of that many bases that start that near the site count
DEPTH_BP = 100  # local mean depth is over POS +- this
LIBRARY_READS = 20.0  # the library's share of odd pairs or clips weighs like so many REF reads
WIDE_BP = 2_000  # how variable the neighbourhood is, looked at that far
CONTEXT_BP = 50  # longest repeat looked at, and half window of GC
_LOG10_2 = math.log10(2.0)


@kernel
def _clip(x, low, high):
    return min(max(x, low), high)


@kernel
def _signed_log(x):
    return math.log1p(x) if x >= 0 else -math.log1p(-x)


@kernel
def _mean(total, n):
    return total / n if n > 0 else 0.0


@kernel
def depth_prefix(pos, end, start, length):
    """Sums of read depth over start..start+length: int64 (length + 1,), prefix sums."""
    change = np.zeros(length + 1, dtype=np.int64)
    for r in range(len(pos)):
        a = _clip(pos[r] - start, 0, length)
        b = _clip(end[r] - start, 0, length)
        change[a] += 1
        change[b] -= 1
    prefix = np.zeros(length + 1, dtype=np.int64)
    depth = 0
    for i in range(length):
        depth += change[i]
        prefix[i + 1] = prefix[i] + depth
    return prefix


@kernel
def _company(
    start,
    site_from,
    site_to,
    indel_at,
    base0,
    last_op,
    op,
    ref,
    query,
    seq,
    qual,
    cigar_op,
    cigar_len,
    reference,
    ref_start,
):
    """(mismatches of phred >= 15, indels) of one read within NEAR_BP, besides the site's own."""
    end = start + 2 * NEAR_BP + 1
    mismatches = 0
    indels = 0
    k = op
    while k < last_op and ref < end:
        kind = cigar_op[k]
        length = cigar_len[k]
        if kind == OP_M or kind == OP_EQ or kind == OP_X:
            a = max(max(ref, start), ref_start)
            b = min(min(ref + length, end), ref_start + len(reference))
            shift = base0 + query - ref
            for p in range(a, b):
                code = seq[shift + p]
                if code == reference[p - ref_start] or code > 3 or qual[shift + p] < 15:
                    continue
                mismatches += not (site_from <= p < site_to)
            ref += length
            query += length
        elif kind == OP_D or kind == OP_N:
            if ref - 1 != indel_at and ref + length > start:
                indels += 1
            ref += length
        elif kind == OP_I:
            if ref - 1 != indel_at and ref - 1 >= start:
                indels += 1
            query += length
        elif kind == OP_S:
            query += length
        k += 1
    return mismatches, indels


@kernel
def _deviation(total, squares, n):
    """Three times the standard deviation of `n` numbers of that sum and sum of squares."""
    mean = _mean(total, n)
    return 3 * math.sqrt(max(0.0, _mean(squares, n) - mean * mean))


@kernel
def _differences(
    site, pos, base0, first_op, last_op, seq, qual, cigar_op, cigar_len, reference, ref_start
):  # fmt: skip
    """(mismatches of phred >= 10 + indels, aligned bp) of one read within DIVERGENCE_BP of `site`."""
    start = max(site - DIVERGENCE_BP, ref_start)
    end = min(site + DIVERGENCE_BP + 1, ref_start + len(reference))
    ref = pos
    query = 0
    differences = aligned = 0
    for k in range(first_op, last_op):
        kind = cigar_op[k]
        length = cigar_len[k]
        if kind == OP_M or kind == OP_EQ or kind == OP_X:
            a = max(ref, start)
            b = min(ref + length, end)
            shift = base0 + query - ref
            for p in range(a, b):
                code = seq[shift + p]
                differences += code != reference[p - ref_start] and code < 4 and qual[shift + p] >= 10
            aligned += max(0, b - a)
            ref += length
            query += length
        elif kind == OP_D or kind == OP_N:
            differences += start <= ref < end
            ref += length
        elif kind == OP_I:
            differences += start <= ref < end
            query += length
        elif kind == OP_S:
            query += length
    return differences, aligned


@kernel
def _excess(count, n, share, weight, known_count, known_n):
    """Fifths of the z score of `count` of `n` beside `known_count` of `known_n` and a prior `share`."""
    usual = (share * weight + known_count) / (weight + known_n)
    usual = _clip(usual, 0.005, 0.995)
    z = (count - n * usual) / math.sqrt(n * usual * (1 - usual) + 0.25)
    return _clip(z, -5.0, 5.0) / 5


@kernel
def likelihood_features(row, first, last, read, allele, ratio, mapq, flag):
    """Naive log10 likelihoods of 0/1 and 1/1 over 0/0; P(read | 0/1) is the mean of P under both alleles."""
    het = hom = 0.0
    fwd_het = fwd_hom = rev_het = rev_hom = 0.0
    high_het = 0.0
    top = 0.0
    for e in range(first, last):
        if allele[e] < 0:
            continue
        r = read[e]
        # a mismapped read can argue for nothing: MAPQ bounds what it says
        x = capped_ratio(ratio[e], mapq[r])
        h = math.log10(1.0 + 10.0**x) - _LOG10_2
        het += h
        hom += x
        top = max(top, h)
        if mapq[r] >= 30:
            high_het += h
        if flag[r] & 16:
            rev_het += h
            rev_hom += x
        else:
            fwd_het += h
            fwd_hom += x
    row[F.lod_het] = _signed_log(het)
    row[F.lod_hom] = _signed_log(hom)
    row[F.lod_hom_het] = _signed_log(hom - het)
    row[F.lod_het_raw] = _clip(het, -10.0, 20.0) / 10
    row[F.lod_hom_het_raw] = _clip(hom - het, -10.0, 10.0) / 10
    row[F.lod_forward] = _clip(max(fwd_het, fwd_hom), -10.0, 20.0) / 10
    row[F.lod_reverse] = _clip(max(rev_het, rev_hom), -10.0, 20.0) / 10
    row[F.lod_mapq30] = _clip(high_het, -10.0, 20.0) / 10
    row[F.lod_without_top] = _clip(het - top, -10.0, 20.0) / 10
    return het, hom


@kernel
def phase_features(row, het, hom, phased_het, first, last, read, allele, mate, odds):
    """What the fragments' haplotypes (`odds` float64 (R,), log10) say of one candidate."""
    row[F.lod_het_phased] = _signed_log(phased_het)
    row[F.lod_het_phased_raw] = _clip(phased_het, -10.0, 20.0) / 10
    row[F.lod_hom_het_phased_raw] = _clip(hom - phased_het, -10.0, 10.0) / 10
    row[F.phase_gain] = _clip(phased_het - het, -3.0, 3.0) / 3
    told = 0
    known = np.zeros((2, 2))  # (REF, ALT) x haplotype
    for e in range(first, last):
        if allele[e] < 0:
            continue
        told += 1
        x = odds[fragment(read[e], mate)]
        if allele[e] <= 1 and abs(x) >= 1.0:
            known[allele[e], 0 if x > 0 else 1] += 1
    n_alt = known[1, 0] + known[1, 1]
    major = 0 if known[1, 0] >= known[1, 1] else 1
    row[F.phased_fraction] = _mean(known.sum(), told)
    row[F.phased_alt_balance] = known[1, 1 - major] / (n_alt + 1.0)
    row[F.phased_ref_with_alt] = known[0, major] / (known[0, major] + known[1, major] + 1.0) if n_alt else 0.0


@kernel
def _count_near(i, cand_pos, copies, reach_bp, wanted):
    """Candidates with `wanted` sure copies at other positions within `reach_bp` of candidate `i`."""
    n = 0
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(cand_pos) and abs(cand_pos[j] - cand_pos[i]) <= reach_bp:
            n += cand_pos[j] != cand_pos[i] and copies[j] == wanted
            j += step
    return n


@kernel
def _clipped_nearby(i, length, left, right):
    """Whether a soft clip tells of the site: adapters of long reads, kilobases away, do not."""
    if i < 0:  # the read deletes the site: only a short one must be clipped nearby
        return length <= 2 * CLIP_NEAR_BP and max(left, right) >= CLIP_BP
    return (left >= CLIP_BP and i - left < CLIP_NEAR_BP) or (
        right >= CLIP_BP and length - right - i <= CLIP_NEAR_BP
    )


@kernel
def read_features(
    row,
    cand_pos,
    ref_len,
    alt_len,
    first,
    last,
    read,
    allele,
    ratio,
    read_index,
    pos,
    end,
    mapq,
    flag,
    odd_pair,
    odd_share,
    clipped_share,
    seq,
    qual,
    seq_offset,
    cigar_op,
    cigar_len,
    cigar_offset,
    reference,
    ref_start,
    op_at,
    ref_at,
    query_at,
):
    """Sums over the reads of one candidate, by allele; returns the number of spanning reads."""
    n = np.zeros(4)  # REF, ALT, OTHER, NONE
    forward = np.zeros(2)
    quality = np.zeros(2)
    placed = np.zeros(2)
    mapq_sum = np.zeros(2)
    mapq_low = np.zeros(2)
    distance = np.zeros(2)
    clipped = np.zeros(2)
    mismatch = np.zeros(2)
    indel = np.zeros(2)
    paired = np.zeros(2)
    odd = np.zeros(2)
    ratio_sum = np.zeros(2)
    diverged = np.zeros(2)
    unaligned = np.zeros(2)
    at_end = np.zeros(2)
    place = np.zeros(2)
    place2 = np.zeros(2)
    best_quality = 0.0
    cycle = length_sum = 0.0
    is_indel = ref_len != alt_len
    start = cand_pos - NEAR_BP
    site_to = cand_pos + (1 if is_indel else ref_len)
    indel_at = cand_pos if is_indel else -2
    for e in range(first, last):
        r = read[e]
        base0 = seq_offset[r]
        length = seq_offset[r + 1] - base0
        length_sum += length
        a = allele[e]
        n[a if a >= 0 else 3] += 1
        if a != 0 and a != 1:
            continue
        ratio_sum[a] += _clip(float(ratio[e]), -6.0, 6.0)
        mapq_sum[a] += min(mapq[r], 60)
        mapq_low[a] += mapq[r] < 20
        reverse = (flag[r] & 16) != 0
        forward[a] += not reverse
        if flag[r] & 1:
            paired[a] += 1
            odd[a] += odd_pair[r]
        c0 = cigar_offset[r]
        c1 = cigar_offset[r + 1]
        left = cigar_len[c0] if c1 > c0 and cigar_op[c0] == OP_S else 0
        right = cigar_len[c1 - 1] if c1 > c0 and cigar_op[c1 - 1] == OP_S else 0
        i = read_index[e]
        if _clipped_nearby(i, length, left, right):
            clipped[a] += 1
            unaligned[a] += (left + right) / length
        if i >= 0:
            q = float(qual[base0 + i])
            if is_indel and i + 1 < length:
                q = min(q, float(qual[base0 + i + 1]))
            quality[a] += q
            placed[a] += 1
            d = max(0, min(i - left, length - 1 - right - i))
            distance[a] += min(d, 50)
            x = i / length
            at_end[a] += d < 5
            place[a] += x
            place2[a] += x * x
            if a == 1:
                best_quality = max(best_quality, q)
                cycle += 1.0 - x if reverse else x
        advance_cursor(r, start, cigar_op, cigar_len, cigar_offset, op_at, ref_at, query_at)
        m, g = _company(
            start,
            cand_pos,
            site_to,
            indel_at,
            base0,
            c1,
            op_at[r],
            ref_at[r],
            query_at[r],
            seq,
            qual,
            cigar_op,
            cigar_len,
            reference,
            ref_start,
        )
        mismatch[a] += m
        indel[a] += g
        if end[r] - pos[r] <= _MOST_SPAN_BP:
            differences, aligned = _differences(
                cand_pos, pos[r], base0, c0, c1, seq, qual, cigar_op, cigar_len, reference, ref_start
            )
            diverged[a] += differences / max(aligned, 1)
        else:
            diverged[a] += (m + g) / (2 * NEAR_BP + 1)
    n_ref, n_alt, n_other = n[0], n[1], n[2]
    told = n_ref + n_alt + n_other
    total = told + n[3]
    row[F.depth_log] = math.log1p(told) / 4
    row[F.n_alt_log] = math.log1p(n_alt) / 4
    row[F.n_alt_small] = min(n_alt, 10.0) / 10
    row[F.n_ref_log] = math.log1p(n_ref) / 4
    row[F.vaf] = _mean(n_alt, told)
    row[F.vaf_het_z] = _clip((n_alt - told / 2) / math.sqrt(max(told, 1.0) / 4), -5.0, 5.0) / 5
    row[F.other_fraction] = _mean(n_other, told)
    row[F.none_fraction] = _mean(n[3], total)
    row[F.quality_alt_mean] = _mean(quality[1], placed[1]) / 40
    row[F.quality_ref_mean] = _mean(quality[0], placed[0]) / 40
    row[F.quality_alt_max] = best_quality / 40
    row[F.quality_alt_sum] = math.log1p(quality[1]) / 6
    row[F.ratio_alt_mean] = _mean(ratio_sum[1], n_alt) / 4
    row[F.ratio_ref_mean] = _mean(ratio_sum[0], n_ref) / 4
    row[F.mapq_alt_mean] = _mean(mapq_sum[1], n_alt) / 60
    row[F.mapq_ref_mean] = _mean(mapq_sum[0], n_ref) / 60
    row[F.mapq_alt_low] = _mean(mapq_low[1], n_alt)
    row[F.mapq_ref_low] = _mean(mapq_low[0], n_ref)
    row[F.alt_forward] = _mean(forward[1], n_alt)
    row[F.ref_forward] = _mean(forward[0], n_ref)
    odds = math.log((forward[1] + 0.5) / (n_alt - forward[1] + 0.5)) - math.log(
        (forward[0] + 0.5) / (n_ref - forward[0] + 0.5)
    )
    row[F.strand_log_odds] = _clip(odds, -4.0, 4.0) / 4
    row[F.alt_minor_strand] = _mean(min(forward[1], n_alt - forward[1]), n_alt)
    row[F.alt_end_distance] = _mean(distance[1], placed[1]) / 50
    row[F.ref_end_distance] = _mean(distance[0], placed[0]) / 50
    row[F.alt_at_end] = _mean(at_end[1], placed[1])
    row[F.ref_at_end] = _mean(at_end[0], placed[0])
    row[F.alt_place_sd] = _deviation(place[1], place2[1], placed[1])
    row[F.ref_place_sd] = _deviation(place[0], place2[0], placed[0])
    row[F.alt_cycle] = _mean(cycle, placed[1])
    row[F.read_length_log] = math.log2(max(1.0, _mean(length_sum, total))) / 10
    row[F.alt_clipped] = _excess(clipped[1], n_alt, clipped_share, LIBRARY_READS, clipped[0], n_ref)
    row[F.ref_clipped] = _excess(clipped[0], n_ref, clipped_share, LIBRARY_READS, 0.0, 0.0)
    row[F.alt_unaligned] = _mean(unaligned[1], n_alt)
    row[F.ref_unaligned] = _mean(unaligned[0], n_ref)
    row[F.alt_divergence] = min(10 * _mean(diverged[1], n_alt), 2.0)
    row[F.ref_divergence] = min(10 * _mean(diverged[0], n_ref), 2.0)
    row[F.alt_mismatches] = math.log1p(_mean(mismatch[1], n_alt))
    row[F.ref_mismatches] = math.log1p(_mean(mismatch[0], n_ref))
    row[F.alt_indels] = math.log1p(_mean(indel[1], n_alt))
    row[F.ref_indels] = math.log1p(_mean(indel[0], n_ref))
    row[F.alt_odd_pair] = _excess(odd[1], paired[1], odd_share, LIBRARY_READS, odd[0], paired[0])
    row[F.ref_odd_pair] = _excess(odd[0], paired[0], odd_share, LIBRARY_READS, 0.0, 0.0)
    return total


@kernel
def company_features(row, i, cand_pos, ad, dp, realigned):
    """Other candidates of the table near candidate `i`."""
    near_10 = near_50 = same = 0
    left = right = 50
    near_vaf = same_vaf = 0.0
    p = cand_pos[i]
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(cand_pos) and abs(cand_pos[j] - p) <= 50:
            d = abs(cand_pos[j] - p)
            vaf = ad[j, 1] / max(dp[j], 1)
            if d == 0:
                same += 1
                same_vaf = max(same_vaf, vaf)
            else:
                near_50 += 1
                if d <= 10:
                    near_10 += 1
                    near_vaf = max(near_vaf, vaf)
                if step < 0:
                    left = min(left, d)
                else:
                    right = min(right, d)
            j += step
    row[F.near_10] = math.log1p(near_10)
    row[F.near_50] = math.log1p(near_50)
    row[F.nearest_left] = left / 50
    row[F.nearest_right] = right / 50
    row[F.near_vaf] = min(near_vaf, 1.0)
    row[F.same_site_alts] = min(same, 4) / 4
    row[F.same_site_vaf] = min(same_vaf, 1.0)
    row[F.realigned] = realigned[i]


@kernel
def _run(reference, at, step, code, limit):
    """Bases equal to `code` from index `at` on in direction `step`, at most `limit`."""
    n = 0
    while n < limit and 0 <= at < len(reference) and reference[at] == code:
        n += 1
        at += step
    return n


@kernel
def _tandem_repeat(reference, at):
    """(unit, length) in bp of the longest tandem repeat of at least two copies through `at`."""
    best_unit = best_length = 0
    size = len(reference)
    for unit in range(1, 7):
        right = at
        while right + unit < size and right - at < CONTEXT_BP and reference[right] == reference[right + unit]:
            if reference[right] > 3:
                break
            right += 1
        left = at
        while (
            left - 1 >= 0
            and left - 1 + unit < size
            and at - left < CONTEXT_BP
            and (reference[left - 1] == reference[left - 1 + unit])
        ):
            if reference[left - 1] > 3:
                break
            left -= 1
        length = right - left + unit
        if length >= 2 * unit and length > best_length + unit - 1:
            best_unit = unit
            best_length = length
    return best_unit, best_length


@kernel
def sequence_features(row, at, ref_len, alt, reference):
    """Kind of allele and the sequence around index `at` of `reference`."""
    alt_len = len(alt)
    size = len(reference)
    change = abs(alt_len - ref_len)
    snp = ref_len == 1 and alt_len == 1
    row[F.is_snp] = snp
    row[F.is_insertion] = alt_len > ref_len
    row[F.is_deletion] = alt_len < ref_len
    row[F.indel_length] = math.log1p(change) / 4
    here = at if change == 0 else min(at + 1, size - 1)
    code = reference[here]
    run = _run(reference, here, 1, code, CONTEXT_BP) + _run(reference, here - 1, -1, code, CONTEXT_BP)
    row[F.homopolymer] = math.log1p(run) / 3
    row[F.is_transition] = 0
    row[F.homopolymer_alt] = 0
    if snp:
        # with A=0 C=1 G=2 T=3, transitions differ in the second bit alone
        row[F.is_transition] = code < 4 and alt[0] < 4 and (code ^ alt[0]) == 2
        beside = _run(reference, at - 1, -1, alt[0], CONTEXT_BP) + _run(
            reference, at + 1, 1, alt[0], CONTEXT_BP
        )
        row[F.homopolymer_alt] = math.log1p(beside) / 3
    row[F.substitution] = 0
    row[F.is_cpg] = 0
    if snp and code < 4 and alt[0] < 4:
        row[F.substitution] = substitution_log10(reference, at, alt[0])
        row[F.is_cpg] = cpg_class(reference, at) == 0
    unit, length = _tandem_repeat(reference, here)
    row[F.repeat_unit] = unit / 6
    row[F.repeat_length] = math.log1p(length) / 4
    row[F.repeat_step] = change > 0 and unit > 0 and change % max(unit, 1) == 0
    gc = known = 0
    for j in range(max(0, at - CONTEXT_BP), min(size, at + CONTEXT_BP + 1)):
        known += reference[j] < 4
        gc += reference[j] == 1 or reference[j] == 2
    row[F.gc] = _mean(float(gc), known)
    seen = 0
    for j in range(max(0, at - 15), min(size - 1, at + 15)):
        if reference[j] < 4 and reference[j + 1] < 4:
            seen |= 1 << (4 * int(reference[j]) + int(reference[j + 1]))
    distinct = 0
    while seen:
        distinct += seen & 1
        seen >>= 1
    row[F.complexity] = distinct / 16


@kernel
def candidate_features(
    out,
    selected,
    cand_pos,
    cand_ref_len,
    alt_seq,
    alt_offset,
    dp,
    ad,
    realigned,
    offset,
    read,
    allele,
    ratio,
    read_index,
    pos,
    end,
    mapq,
    flag,
    odd_pair,
    odd_share,
    clipped_share,
    mate,
    seq,
    qual,
    seq_offset,
    cigar_op,
    cigar_len,
    cigar_offset,
    phase_bp,
    counted,
    mapq0,
    counts_start,
    reference,
    ref_start,
):
    """Fill `out` float32 (B, F) with the features of the candidates `selected` (B,), ascending."""
    size = len(reference)
    prefix = depth_prefix(pos, end, ref_start, size)
    op_at, ref_at, query_at = start_cursors(pos, cigar_offset)
    is_snp = (cand_ref_len == 1) & (alt_offset[1:] - alt_offset[:-1] == 1)
    copies = sure_genotypes(is_snp, offset, read, allele, ratio, mapq)
    near = np.empty(MAX_MARKERS, np.int64)
    odds = np.zeros(len(pos))
    touched = np.empty(len(pos), np.int64)
    for b in range(len(selected)):
        i = selected[b]
        row = out[b]
        first = offset[i]
        last = offset[i + 1]
        at = cand_pos[i] - ref_start
        alt = alt_seq[alt_offset[i] : alt_offset[i + 1]]
        het, hom = likelihood_features(row, first, last, read, allele, ratio, mapq, flag)
        n_near = markers_near(i, cand_pos, copies, phase_bp, near)
        n_touched = phase_fragments(near, n_near, offset, read, allele, ratio, mapq, mate, odds, touched)
        phased = het
        if n_touched:
            phased = phased_het_log10(first, last, read, allele, ratio, mapq, mate, odds)
        phase_features(row, het, hom, phased, first, last, read, allele, mate, odds)
        clear_odds(odds, touched, n_touched)
        row[F.near_hets] = math.log1p(_count_near(i, cand_pos, copies, phase_bp, HET)) / 2
        row[F.near_homs] = math.log1p(_count_near(i, cand_pos, copies, phase_bp, HOM)) / 2
        row[F.wide_hets] = math.log1p(_count_near(i, cand_pos, copies, WIDE_BP, HET)) / 3
        row[F.wide_homs] = math.log1p(_count_near(i, cand_pos, copies, WIDE_BP, HOM)) / 3
        total = read_features(
            row,
            cand_pos[i],
            cand_ref_len[i],
            len(alt),
            first,
            last,
            read,
            allele,
            ratio,
            read_index,
            pos,
            end,
            mapq,
            flag,
            odd_pair,
            odd_share,
            clipped_share,
            seq,
            qual,
            seq_offset,
            cigar_op,
            cigar_len,
            cigar_offset,
            reference,
            ref_start,
            op_at,
            ref_at,
            query_at,
        )
        a = max(0, at - DEPTH_BP)
        z = min(size, at + DEPTH_BP + 1)
        local = (prefix[z] - prefix[a]) / max(z - a, 1)
        row[F.depth_ratio] = min(total / max(local, 1.0), 3.0)
        c = cand_pos[i] - counts_start
        row[F.mapq0_fraction] = 0.0
        if 0 <= c < len(counted):
            row[F.mapq0_fraction] = mapq0[c] / max(mapq0[c] + counted[c], 1)
        company_features(row, i, cand_pos, ad, dp, realigned)
        sequence_features(row, at, cand_ref_len[i], alt, reference)
