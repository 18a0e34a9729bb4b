"""Records to variants: which take part, their alleles, bounds and orientations on haplotypes."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

TAB, COMMA, STAR, LESS, MORE, OPEN, CLOSE, DOT = 9, 44, 42, 60, 62, 91, 93, 46

# why a record takes no part, in order of precedence
USED, FILTERED, NOT_VARIANT, SYMBOLIC, PLOIDY, TOO_LONG, OFF_REFERENCE, BAD_ALLELE = range(8)
REASONS = (
    "used",
    "filtered",
    "not_variant",
    "symbolic",
    "ploidy",
    "too_long",
    "off_reference",
    "bad_allele",
)

# ASCII -> 1..4 for ACGT, 0 for N, 255 for what no plain allele may hold
ALLELE_CODE = np.full(256, 255, dtype=np.uint8)
for _number, _letter in enumerate("NACGT"):
    ALLELE_CODE[ord(_letter)] = ALLELE_CODE[ord(_letter.lower())] = _number


@kernel
def split_alts(pool, start, length, ends):
    """Number of comma-separated ALTs; `ends` receives where each ends."""
    n = 0
    for i in range(length):
        if pool[start + i] == COMMA:
            ends[n] = start + i
            n += 1
    ends[n] = start + length
    return n + 1


@kernel
def is_symbolic(pool, start, end):
    """Whether an ALT is symbolic, a breakend or a (partial) spanning deletion."""
    if end <= start:
        return False
    a, b = pool[start], pool[end - 1]
    return a in (LESS, STAR, OPEN, CLOSE) or b in (MORE, STAR, OPEN, CLOSE)


@kernel
def names_star(pool, pool_offset, ref_len, alt_len, rows):
    """Number of `rows` with an ALT that is `*`."""
    n = 0
    for i in rows:
        start = pool_offset[i] + ref_len[i] + 1
        for k in range(alt_len[i]):
            if pool[start + k] == STAR:
                n += 1
                break
    return n


@kernel
def redundant_first_base(pool, ref_start, alt_starts, n_alts):
    """Whether REF and every ALT (those that begin with * aside) begin with one padding base."""
    any_alt = False
    for k in range(n_alts):
        first = pool[alt_starts[k]]
        if first != STAR:
            any_alt = True
            if first != pool[ref_start]:
                return False
    return any_alt


@kernel
def _same_text(pool, a, a_end, b, b_end):
    if a_end - a != b_end - b:
        return False
    for i in range(a_end - a):  # noqa: SIM110 - numba has no all()
        if pool[a + i] != pool[b + i]:
            return False
    return True


@kernel
def _reason(pool, ref_start, ref_len, alt_starts, alt_ends, n_alts, gt, ploidy, n_haps, all_alts, pad):
    """Why the genotype of a record takes no part, or USED."""
    for k in range(n_alts):
        if _same_text(pool, ref_start, ref_start + ref_len, alt_starts[k], alt_ends[k]):
            return BAD_ALLELE
    if all_alts:
        for k in range(n_alts):
            if not is_symbolic(pool, alt_starts[k], alt_ends[k]):
                return USED
        return SYMBOLIC
    if ploidy == 0:
        return NOT_VARIANT
    if ploidy < 0:
        return BAD_ALLELE
    any_called = False
    for h in range(min(ploidy, 4)):
        if gt[h] > n_alts:
            return BAD_ALLELE
        any_called |= gt[h] > 0
    if not any_called:
        return NOT_VARIANT
    if ploidy != n_haps and not (ploidy == 1 and n_haps == 2):
        return PLOIDY
    for h in range(ploidy):
        a = gt[h]
        if a > 0 and not is_symbolic(pool, alt_starts[a - 1], alt_ends[a - 1]):
            return USED
    return SYMBOLIC


@kernel
def build_alleles(
    pool,
    pool_offset,
    pos,
    ref_len,
    alt_len,
    gt,
    ploidy,
    passed,
    all_records,
    all_alts,
    n_haps,
    max_length,
    t_len,
    code,
):
    """Alleles of every record that takes part.

    Parameters: columns of a RecordTable (R rows); all_records: ignore FILTER; all_alts: use every
        ALT instead of the genotype; n_haps: expected ploidy; max_length: longest allele, bp; t_len:
        bp of the contig; code: ALLELE_CODE.

    Returns:
        reason uint8 (R,); is_snp bool (R,), every plain ALT has the length of REF; n_alts int32 (R,);
        and for the V used records, in order: record int32 (V,), first allele row int64 (V+1,) (allele
        id i is row first + 1 + i, id -1 is missing), a_start, a_end, a_off, a_len int32 (A,) with
        start -1 for alleles that are not played, a_pool uint8.
    """
    n = len(pos)
    reason = np.zeros(n, dtype=np.uint8)
    is_snp = np.ones(n, dtype=np.bool_)
    n_alts_of = np.zeros(n, dtype=np.int32)
    record = np.empty(n, dtype=np.int32)
    first = np.zeros(n + 1, dtype=np.int64)
    n_rows_max = 0
    longest = 0
    for i in range(n):
        count = 1
        start = pool_offset[i] + ref_len[i] + 1
        for k in range(alt_len[i]):
            count += pool[start + k] == COMMA
        n_rows_max += count + 2
        longest = max(longest, count)
    a_start = np.empty(n_rows_max, dtype=np.int32)
    a_end = np.empty(n_rows_max, dtype=np.int32)
    a_off = np.empty(n_rows_max, dtype=np.int32)
    a_len = np.empty(n_rows_max, dtype=np.int32)
    a_pool = np.empty(len(pool), dtype=np.uint8)
    alt_starts = np.empty(longest + 1, dtype=np.int64)
    alt_ends = np.empty(longest + 1, dtype=np.int64)
    n_used = 0
    n_rows = 0
    n_pool = 0
    for i in range(n):
        ref = pool_offset[i]
        n_alts = split_alts(pool, ref + ref_len[i] + 1, alt_len[i], alt_ends)
        alt_starts[0] = ref + ref_len[i] + 1
        for k in range(1, n_alts):
            alt_starts[k] = alt_ends[k - 1] + 1
        if n_alts == 1 and alt_len[i] == 1 and pool[alt_starts[0]] == DOT:
            n_alts = 0
        n_alts_of[i] = n_alts
        length = ref_len[i]
        for k in range(n_alts):
            alt_length = alt_ends[k] - alt_starts[k]
            length = max(length, alt_length)
            if alt_length != ref_len[i] and not is_symbolic(pool, alt_starts[k], alt_ends[k]):
                is_snp[i] = False
        if not passed[i] and not all_records:
            reason[i] = FILTERED
            continue
        pad = 1 if n_alts > 0 and redundant_first_base(pool, ref, alt_starts, n_alts) else 0
        why = NOT_VARIANT
        if n_alts > 0:
            why = _reason(
                pool, ref, ref_len[i], alt_starts, alt_ends, n_alts, gt[i], ploidy[i], n_haps, all_alts, pad
            )
        if why == USED and length > max_length:
            why = TOO_LONG
        elif why == USED and pos[i] + ref_len[i] > t_len:
            why = OFF_REFERENCE
        if why != USED:
            reason[i] = why
            continue
        rows_before, pool_before = n_rows, n_pool
        good = True
        for allele in range(-1, n_alts + 1):
            a_start[n_rows] = -1
            a_end[n_rows] = -1
            a_off[n_rows] = n_pool
            a_len[n_rows] = 0
            wanted = allele == 0 or (all_alts and allele > 0)
            if not wanted and allele > 0:
                for h in range(min(ploidy[i], 4)):
                    wanted |= gt[i, h] == allele
            if wanted:
                if allele == 0:
                    start, end = ref, ref + ref_len[i]
                else:
                    start, end = alt_starts[allele - 1], alt_ends[allele - 1]
                if allele == 0 or not is_symbolic(pool, start, end):
                    a_start[n_rows] = pos[i] + pad
                    a_end[n_rows] = pos[i] + ref_len[i]
                    a_len[n_rows] = end - start - pad
                    for k in range(start + pad, end):
                        c = code[pool[k]]
                        good &= c != 255
                        a_pool[n_pool] = c
                        n_pool += 1
            n_rows += 1
        if not good:
            reason[i] = BAD_ALLELE
            n_rows, n_pool = rows_before, pool_before
            continue
        record[n_used] = i
        first[n_used] = rows_before
        n_used += 1
    first[n_used] = n_rows
    return (
        reason,
        is_snp,
        n_alts_of,
        record[:n_used].copy(),
        first[: n_used + 1].copy(),
        a_start[:n_rows].copy(),
        a_end[:n_rows].copy(),
        a_off[:n_rows].copy(),
        a_len[:n_rows].copy(),
        a_pool[:n_pool].copy(),
    )


@kernel
def allele_bounds(first, a_start, a_end):
    """Span of each variant over its alleles that are played: int32 start, end (V,)."""
    n = len(first) - 1
    start = np.empty(n, dtype=np.int32)
    end = np.empty(n, dtype=np.int32)
    for v in range(n):
        low, high = 2147483647, -1
        for row in range(first[v], first[v + 1]):
            if a_start[row] >= 0:
                low = min(low, a_start[row])
                high = max(high, a_end[row])
        start[v] = low
        end[v] = high
    return start, end


@kernel
def _common_prefix(pool, a, a_len, b, b_len, skip):
    n = 0
    while n < min(a_len, b_len) - skip and pool[a + n] == pool[b + n]:
        n += 1
    return n


@kernel
def _common_suffix(pool, a, a_len, b, b_len, skip):
    n = 0
    while n < min(a_len, b_len) - skip and pool[a + a_len - 1 - n] == pool[b + b_len - 1 - n]:
        n += 1
    return n


@kernel
def _trim_one(v, left_first, first, a_start, a_end, a_off, a_len, pool, start, end):
    ref = first[v] + 1
    low, high = 2147483647, -1
    for row in range(first[v] + 2, first[v + 1]):
        if a_start[row] < 0:
            continue
        if left_first:
            left = _common_prefix(pool, a_off[ref], a_len[ref], a_off[row], a_len[row], 0)
            right = _common_suffix(pool, a_off[ref], a_len[ref], a_off[row], a_len[row], left)
        else:
            right = _common_suffix(pool, a_off[ref], a_len[ref], a_off[row], a_len[row], 0)
            left = _common_prefix(pool, a_off[ref], a_len[ref], a_off[row], a_len[row], right)
        a_start[row] += left
        a_end[row] -= right
        a_off[row] += left
        a_len[row] -= left + right
        low = min(low, a_start[row])
        high = max(high, a_end[row])
    a_start[ref] = -1
    start[v] = low
    end[v] = high


@kernel
def trim_reference(first, a_start, a_end, a_off, a_len, pool, start, end):
    """Cut bases that agree with REF off every allele and stop playing REF, in place.

    Variants (in reading order) that overlap others are cut first on the side that frees more of the
    overlaps, all others on the left first.
    """
    n = len(start)
    first_overlap = last_overlap = 0
    for v in range(n):
        while last_overlap < n and (
            last_overlap <= v or (start[last_overlap] < end[v] and end[last_overlap] > start[v])
        ):
            last_overlap += 1
        while first_overlap < v and not (start[first_overlap] < end[v] and end[first_overlap] > start[v]):
            first_overlap += 1
        left_first = True
        if first_overlap != v or last_overlap != v + 1:
            ref = first[v] + 1
            leading = trailing = 0
            for row in range(first[v] + 2, first[v + 1]):
                if a_start[row] >= 0:
                    same = _common_prefix(pool, a_off[ref], a_len[ref], a_off[row], a_len[row], 0)
                    leading = max(leading, same)
                    same = _common_suffix(pool, a_off[ref], a_len[ref], a_off[row], a_len[row], 0)
                    trailing = max(trailing, same)
            if leading > 0 and trailing > 0:
                n_left = n_right = 0
                for i in range(first_overlap, last_overlap):
                    left = end[i] - start[v]
                    right = end[v] - start[i]
                    if i == v or (left <= 0 and right <= 0):
                        continue
                    n_left += 0 < left <= leading
                    n_right += 0 < right < trailing
                left_first = n_left > n_right
        _trim_one(v, left_first, first, a_start, a_end, a_off, a_len, pool, start, end)


@kernel
def inside_regions(start, end, region_start, region_end):
    """Whether each span touches a region: bool (V,).

    Spans are those of the variants after their padding base. A span of bases counts if one of them
    lies inside; an insertion (start == end) only if it lies strictly between the first and last
    base of a region. Regions are sorted and disjoint.
    """
    out = np.zeros(len(start), dtype=np.bool_)
    for v in range(len(start)):
        low, high = 0, len(region_start)
        while low < high:
            middle = (low + high) >> 1
            if region_start[middle] < end[v]:
                low = middle + 1
            else:
                high = middle
        out[v] = low > 0 and start[v] < region_end[low - 1]
    return out
