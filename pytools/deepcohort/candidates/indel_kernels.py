"""What a read says about indels: its bases against the haplotypes that the alleles nearby spell."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

MAX_HYPOTHESES = 32  # compared at one site; further alternates are left unjudged
_MOST_WITH_NEIGHBOURS = 16  # haplotypes of a site, where neighbours are combined with its alleles
_MAX_NEIGHBOURS = 3
NEIGHBOUR_BP = 200  # farther ones are left out
_BEHIND_BP = 12
_FLOOR = -15.0  # log10; a flank this bad is no evidence for anything, so counting stops
_FLANK_BP = 48  # bases compared beyond the repeat


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
def slip_log10(difference, period, units, slips, adjustment):
    """log10 chance that sequencing changed the length by `difference` bp within such a repeat.

    Rises with the number of repeat units. `slips`: float64 (16,), slips.SlipRates.array(). `adjustment`:
    log10, what the qualities of this read add (quality_adjustment).
    """
    size = abs(difference)
    if size == 0:
        return 0.0
    if size % period:
        return slips[12]
    turn = slips[7]  # units after which slips saturate
    if period == 1:
        extra = units - slips[1]
        first = slips[0] + slips[2] * min(max(extra, 0.0), turn)
    else:
        extra = units - slips[4]
        first = slips[3] + slips[5] * min(max(extra, 0.0), turn) - slips[6] * (min(period, 4) - 2)
    first += slips[8] * max(extra - turn, 0.0) + adjustment
    further = slips[11] * (size // period - 1)
    return max(min(first, slips[9]) - further, slips[10])


@kernel
def quality_adjustment(qual, first, last, slips):
    """log10 that the worst of qual[first:last] adds to the chance of slips; 0 where there is none."""
    if slips[13] == 0.0 or last <= first:
        return 0.0
    worst = 93
    for k in range(first, last):
        worst = min(worst, qual[k])
    return min(max(slips[13] * (slips[14] - worst), -slips[15]), slips[15])


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
            # of a replacement, alleles read alike behind all that is replaced
            resync[s] = max(resync[s], after + more, p + ref_len[c])
    return resync, period, units


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
def cross_repeat(
    cigar_op, cigar_len, op, last_op, at, query, p, resync, seq, qual, reference, penalty
):  # fmt: skip
    """Follow the alignment from operation `op` past `p` to the position `resync` or beyond.

    Returns (reference position reached or -1, its read index, stop of the read bases usable beyond
    or, where the read ends before, of those usable at all, log10 score of the bases in between, bp
    between `p` and there that the read skips, -1 where it skips nothing).
    """
    score = 0.0
    skipped = -1
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
                return reached, query + reached - at, stop, score, skipped
            at += length
            query += length
        elif kind == 1 or kind == 4:
            query += length
        elif kind == 2:
            at += length
        elif kind == 3:
            skipped = max(skipped, 0) + at + length - max(at, p + 1)
            at += length
        op += 1
    return -1, query, query, score, skipped


@kernel
def _longer(array):
    longer = np.zeros(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@kernel
def _anchor_site(s, site_pos, resync):
    """The first site whose indels' repeat ends shortly before site `s` or behind it; `s` where none does."""
    anchor = s
    t = s - 1
    while t >= 0 and site_pos[t] >= site_pos[s] - NEIGHBOUR_BP:
        if resync[t] >= 0 and resync[t] + _BEHIND_BP > site_pos[s]:
            anchor = t
        t -= 1
    return anchor


@kernel
def _add_near(t, s, indels, site_first, ref_len, alt_offset, near, n):
    """Add the candidates of site `t` that are indels, or are none, to `near`; at site `s` only SNPs."""
    for c in range(site_first[t], site_first[t + 1]):
        indel = alt_offset[c + 1] - alt_offset[c] != ref_len[c]
        if indel == indels and n < len(near) and not (indel and t == s):
            near[n] = c
            n += 1
    return n


@kernel
def _neighbours(s, anchor, site_pos, site_first, reach, ref_len, alt_offset, near):
    """Candidates of other sites from `anchor` on that begin within the repeat of site `s` (indels also
    shortly behind it, where too few bases would be left to compare), indels first; how many."""
    n = 0
    for indels in (True, False):
        for t in range(s, anchor - 1, -1):
            if indels or t != anchor:  # a SNP at the anchor's own POS cannot be spelled from there
                n = _add_near(t, s, indels, site_first, ref_len, alt_offset, near, n)
        stop = min(reach + (_BEHIND_BP if indels else 0), site_pos[s] + NEIGHBOUR_BP)
        t = s + 1
        while t < len(site_pos) and site_pos[t] < stop:
            n = _add_near(t, s, indels, site_first, ref_len, alt_offset, near, n)
            t += 1
    return n


@kernel
def _combine(own, near, n_near, subset, rows):
    """Write to `rows`, ascending, a candidate (or -1 for none) and the neighbours whose bits `subset` has.

    Returns how many.
    """
    n = 0
    if own >= 0:
        rows[0] = own
        n = 1
    for k in range(n_near):
        if (subset >> k) & 1:
            rows[n] = near[k]
            n += 1
    rows[:n].sort()
    return n


@kernel
def _spell(site, rows, n_rows, pos, ref_len, alt_offset, alt_seq, reference, out, first):
    """Write the bases behind `site` up to the last change of the alleles `rows` (ascending) to out[first:].

    Returns (bases written, reference position of the first base behind them, `out`, grown where it
    has no room); -1 written where two alleles overlap.
    """
    n = 0
    at = site + 1
    for k in range(n_rows):
        c = rows[k]
        n_alt = alt_offset[c + 1] - alt_offset[c]
        shared = 0 if n_alt == ref_len[c] else 1  # the anchor base of an indel
        start = pos[c] + shared
        if start < at:
            return np.int64(-1), at, out
        while first + n + (start - at) + n_alt > len(out):
            out = _longer(out)
        while at < start:
            out[first + n] = reference[at]
            n += 1
            at += 1
        for j in range(shared, n_alt):
            out[first + n] = alt_seq[alt_offset[c] + j]
            n += 1
        at += ref_len[c] - shared
    return n, at, out


@kernel
def site_haplotypes(site_pos, site_first, resync, row_pos, ref_len, alt_offset, alt_seq, reference):
    """Haplotypes to hold reads against at each site with indels: REF and each ALT, alone and with
    candidates nearby that begin within the same repeat, before it or behind it.

    Without those a read of the other haplotype that carries, say, an indel of its own at the far end
    of the repeat fits neither REF nor ALT, or fits the wrong one.

    Args:
        resync: int64 (S,), as from site_repeats; raised where a neighbour's repeat reaches farther.
        row_pos: int64 (N,), position of each candidate; the rest as in site_repeats.

    Returns:
        (anchor int64 (S,): site from whose position on its haplotypes are spelled, itself or an earlier one
        whose repeat reaches over it; first int64 (S+1,): rows of the haplotypes of each site; candidate
        int32 (H,): 0 for REF, else 1 + the candidate's place in the site; delta int64 (H,): bp longer than
        the reference; offset int64 (H+1,) and bases uint8: what follows the base at the anchor up to the last
        change; tail int64 (H,): reference position where it goes on.)
    """
    n_sites = len(site_pos)
    capacity = len(ref_len) + n_sites + 1
    first = np.zeros(n_sites + 1, np.int64)
    candidate = np.zeros(capacity, np.int32)
    delta = np.zeros(capacity, np.int64)
    offset = np.zeros(capacity + 1, np.int64)
    tail = np.zeros(capacity, np.int64)
    bases = np.empty(len(alt_seq) + 4096, np.uint8)  # grown in _spell
    near = np.empty(_MAX_NEIGHBOURS, np.int64)
    rows = np.empty(_MAX_NEIGHBOURS + 2, np.int64)
    anchors = np.arange(n_sites)
    own_resync = resync.copy()
    h = 0
    for s in range(n_sites):
        first[s] = h
        if resync[s] < 0:
            continue
        anchor = _anchor_site(s, site_pos, own_resync)
        anchors[s] = anchor
        n = min(site_first[s + 1] - site_first[s], MAX_HYPOTHESES - 1)
        n_near = _neighbours(s, anchor, site_pos, site_first, resync[s], ref_len, alt_offset, near)
        while n_near > 0 and (n + 1) << n_near > _MOST_WITH_NEIGHBOURS:
            n_near -= 1
        near[:n_near].sort()
        while h + ((n + 1) << n_near) >= len(candidate):
            candidate = _longer(candidate)
            delta = _longer(delta)
            offset = _longer(offset)
            tail = _longer(tail)
        for subset in range(1 << n_near):
            for i in range(n + 1):
                c = site_first[s] + i - 1
                if i > 0 and alt_offset[c + 1] - alt_offset[c] == ref_len[c]:
                    continue
                n_rows = _combine(c if i > 0 else -1, near, n_near, subset, rows)
                written, behind, bases = _spell(
                    site_pos[anchor], rows, n_rows, row_pos, ref_len, alt_offset, alt_seq, reference, bases,
                    offset[h],
                )  # fmt: skip
                if written < 0:
                    continue
                candidate[h] = i
                delta[h] = written - (behind - site_pos[anchor] - 1)
                tail[h] = behind
                offset[h + 1] = offset[h] + written
                h += 1
        for k in range(n_near):
            c = near[k]
            t = np.searchsorted(site_pos, row_pos[c])
            if alt_offset[c + 1] - alt_offset[c] != ref_len[c]:
                resync[s] = max(resync[s], resync[t])
    first[n_sites] = h
    return anchors, first, candidate[:h], delta[:h], offset[: h + 1], bases, tail[:h]


@kernel
def judge_indels(
    first_candidate, anchor, left_stop, reached, right_index, right_stop, net, between, spliced, p, hap_first,
    hap_last, hap_candidate, hap_delta, hap_offset, hap_bases, hap_tail, period, units, reference, seq, qual,
    penalty, slips, raw, scores,
):  # fmt: skip
    """Fill scores (H,) with log10 P(read | haplotype) of the site's haplotypes.

    Each haplotype is laid against the read without gaps, once from its left flank and once from
    its right one, and the better counts; a length that the read shows by itself costs a slip.

    Args:
        anchor: index in seq of the base at p, or -1 for a read that begins behind p.
        left_stop: first base of the usable left flank.
        reached, right_index: reference position and read index where the read comes out of the
            repeat, or reached -1. right_stop: stop of the usable right flank.
        net, between: bp inserted minus deleted by the read's own alignment in between, and its score.
        spliced: whether the read skips part of the reference in between, which no haplotype does: then
            its own alignment alone is asked for the length.
    """
    empty = hap_bases[:0]
    own = left_common = right_common = 0.0
    if anchor >= 0:
        left_stop = max(left_stop, anchor + 1 - _FLANK_BP)
        left_common = _left_of_resync(
            seq, qual, anchor + 1, left_stop, empty, 0, reference, p, p + 1, penalty
        )
    right_end = right_stop
    if reached >= 0:
        right_end = min(right_stop, right_index + _FLANK_BP)
        right_common = _right_score(seq, qual, right_index, right_end, empty, 0, reference, reached, penalty)
        own = left_common + between + right_common
    n = hap_last - hap_first
    adjustment = 0.0
    if anchor >= 0 and reached >= 0:
        adjustment = quality_adjustment(qual, anchor, min(right_index + 1, right_end), slips)
    if spliced:
        for k in range(n):
            h = hap_first + k
            c = first_candidate + max(hap_candidate[h], 1) - 1
            scores[k] = own + slip_log10(net - hap_delta[h], max(period[c], 1), units[c], slips, adjustment)
        return
    for k in range(n):
        h = hap_first + k
        inserted = hap_bases[hap_offset[h] : hap_offset[h + 1]]
        skip = hap_tail[h] - (p + 1)
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
        raw[k] = max(score, _FLOOR)
    for k in range(n):
        h = hap_first + k
        best = raw[k]
        for j in range(n):
            if hap_delta[hap_first + j] != hap_delta[h]:
                other = hap_candidate[hap_first + j]
                own_candidate = hap_candidate[h]
                c = first_candidate + max(other, own_candidate, 1) - 1
                low = min(other, own_candidate)
                if low > 0 and units[first_candidate + low - 1] > units[c]:
                    c = first_candidate + low - 1
                slip = slip_log10(
                    hap_delta[hap_first + j] - hap_delta[h], max(period[c], 1), units[c], slips, adjustment
                )
                best = max(best, raw[j] + slip)
        if anchor >= 0 and reached >= 0 and net != hap_delta[h]:
            c = first_candidate + max(hap_candidate[h], 1) - 1
            slip = slip_log10(net - hap_delta[h], max(period[c], 1), units[c], slips, adjustment)
            best = max(best, own + slip)
        scores[k] = best


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
def tempered(ratio, mapq):
    """`ratio` no stronger than the chance that the read belongs elsewhere allows."""
    cap = max(0.1, mapq / 10.0)
    return min(max(ratio, -cap), cap)


@kernel
def judge_allele(scores, candidate, n, i, mapq):
    """(allele, log10 ratio) for the site's candidate `i` (from 1) under the n scored haplotypes."""
    own = -1
    rival = -1
    for k in range(n):
        if candidate[k] == i:
            if own < 0 or scores[k] > scores[own]:
                own = k
        elif rival < 0 or scores[k] > scores[rival]:
            rival = k
    if own < 0:
        return -1, 0.0
    ratio = tempered(scores[own] - scores[rival], mapq)
    if ratio >= 0.5:
        return 1, ratio
    if ratio <= -0.5:
        return 0 if candidate[rival] == 0 else 2, ratio
    return -1, ratio
