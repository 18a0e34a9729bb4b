"""Records to variants: which take part, their alleles, bounds and orientations on haplotypes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
def split_alts(pool: NDArray[np.uint8], start: int, length: int, ends: NDArray[np.int64]) -> int:
    """Number of comma-separated ALTs at `start` of `pool` (P,); `ends` (k,) receives where each ends."""
    n = 0
    for i in range(length):
        if pool[start + i] == COMMA:
            ends[n] = start + i
            n += 1
    ends[n] = start + length
    return n + 1


@kernel
def is_symbolic(pool: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether an ALT, pool[start:end] of `pool` (P,), is symbolic, a breakend or a (partial) spanning
    deletion.
    """
    if end <= start:
        return False
    a, b = pool[start], pool[end - 1]
    return a in (LESS, STAR, OPEN, CLOSE) or b in (MORE, STAR, OPEN, CLOSE)


@kernel
def names_star(
    pool: NDArray[np.uint8],
    pool_offset: NDArray[np.int64],
    ref_len: NDArray[np.int32],
    alt_len: NDArray[np.int32],
    rows: NDArray[np.int64],
) -> int:
    """Number of `rows` (N,) with an ALT that is `*`."""
    n = 0
    for i in rows:
        start = pool_offset[i] + ref_len[i] + 1
        for k in range(alt_len[i]):
            if pool[start + k] == STAR:
                n += 1
                break
    return n


@kernel
def redundant_first_base(
    pool: NDArray[np.uint8], ref_start: int, alt_starts: NDArray[np.int64], n_alts: int
) -> bool:
    """Whether REF and every ALT, at `alt_starts` (k,) of `pool` (P,), (those that begin with * aside) begin
    with one padding base.
    """
    any_alt = False
    for k in range(n_alts):
        first = pool[alt_starts[k]]
        if first != STAR:
            any_alt = True
            if first != pool[ref_start]:
                return False
    return any_alt


@kernel
def _same_text(pool: NDArray[np.uint8], a: int, a_end: int, b: int, b_end: int) -> bool:
    """Whether pool[a:a_end] and pool[b:b_end] of `pool` (P,) are the same."""
    if a_end - a != b_end - b:
        return False
    for i in range(a_end - a):  # noqa: SIM110 - numba has no all()
        if pool[a + i] != pool[b + i]:
            return False
    return True


class RecordColumns(NamedTuple):
    """Columns of a RecordTable, R rows: pool flat, gt (R, 4), the others (R,)."""

    pool: NDArray[np.uint8]
    pool_offset: NDArray[np.int64]
    pos: NDArray[np.int32]
    ref_len: NDArray[np.int32]
    alt_len: NDArray[np.int32]
    gt: NDArray[np.int16]
    ploidy: NDArray[np.int8]
    passed: NDArray[np.bool_]


class AlleleRules(NamedTuple):
    """all_records: ignore FILTER. all_alts: use every ALT instead of the genotype. n_haps: expected ploidy.
    max_length: longest allele, bp."""

    all_records: bool
    all_alts: bool
    n_haps: int
    max_length: int


class AlleleTable(NamedTuple):
    """Alleles to be played, A rows: variant v has those from first[v] to first[v + 1].

    first: int64 (V + 1,); allele id i is row first + 1 + i, id -1 is missing. start, end, off, len: int32
    (A,), span on the reference, first base in the pool, bases; start -1: not played. pool: uint8 (P,), codes.
    """

    first: NDArray[np.int64]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    off: NDArray[np.int32]
    len: NDArray[np.int32]
    pool: NDArray[np.uint8]


class _Alts(NamedTuple):
    """ALTs of one record, room for the most of any. starts, ends: int64 (k,), in the pool of records."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


@kernel
def _reason(records: RecordColumns, i: int, alts: _Alts, n_alts: int, rules: AlleleRules) -> int:
    """Why the genotype of record `i` takes no part, or USED; `records` and `alts` are (R, ...) and (k,)."""
    pool, gt, ploidy = records.pool, records.gt[i], records.ploidy[i]
    ref = records.pool_offset[i]
    for k in range(n_alts):
        if _same_text(pool, ref, ref + records.ref_len[i], alts.starts[k], alts.ends[k]):
            return BAD_ALLELE
    if rules.all_alts:
        for k in range(n_alts):
            if not is_symbolic(pool, alts.starts[k], alts.ends[k]):
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
    if ploidy != rules.n_haps and not (ploidy == 1 and rules.n_haps == 2):
        return PLOIDY
    for h in range(ploidy):
        a = gt[h]
        if a > 0 and not is_symbolic(pool, alts.starts[a - 1], alts.ends[a - 1]):
            return USED
    return SYMBOLIC


@kernel
def _most_alleles(records: RecordColumns) -> tuple[int, int]:
    """(rows that the alleles of all records (R,) take at most, most ALTs of a record)."""
    n_rows = longest = 0
    for i in range(len(records.pos)):
        count = 1
        start = records.pool_offset[i] + records.ref_len[i] + 1
        for k in range(records.alt_len[i]):
            count += records.pool[start + k] == COMMA
        n_rows += count + 2
        longest = max(longest, count)
    return n_rows, longest


@kernel
def _find_alts(records: RecordColumns, i: int, alts: _Alts) -> int:
    """Fill `alts` (k,) with those of record `i` of `records` (R, ...); how many."""
    first = records.pool_offset[i] + records.ref_len[i] + 1
    n_alts = split_alts(records.pool, first, records.alt_len[i], alts.ends)
    alts.starts[0] = first
    for k in range(1, n_alts):
        alts.starts[k] = alts.ends[k - 1] + 1
    return 0 if n_alts == 1 and records.alt_len[i] == 1 and records.pool[first] == DOT else n_alts


@kernel
def _is_wanted(records: RecordColumns, i: int, allele: int, all_alts: bool) -> bool:
    """Whether `allele` of record `i` of `records` (R, ...) is played: REF, and the ALTs of the genotype or
    all.
    """
    if allele <= 0 or all_alts:
        return allele >= 0
    for h in range(min(records.ploidy[i], 4)):  # noqa: SIM110 - numba has no any()
        if records.gt[i, h] == allele:
            return True
    return False


@kernel
def _add_alleles(
    records: RecordColumns,
    i: int,
    alts: _Alts,
    n_alts: int,
    pad: int,
    all_alts: bool,
    code: NDArray[np.uint8],
    table: AlleleTable,
    at: NDArray[np.int64],
) -> bool:
    """Put the alleles of record `i`, less `pad` bases, into `table`; False where one has a bad letter.

    `code`: (256,), ALLELE_CODE. `at`: int64 (2,), rows and bases filled, moved on unless False.
    """
    n_rows, n_pool = at
    good = True
    for allele in range(-1, n_alts + 1):
        table.start[n_rows] = -1
        table.end[n_rows] = -1
        table.off[n_rows] = n_pool
        table.len[n_rows] = 0
        if _is_wanted(records, i, allele, all_alts):
            start, end = records.pool_offset[i], records.pool_offset[i] + records.ref_len[i]
            if allele > 0:
                start, end = alts.starts[allele - 1], alts.ends[allele - 1]
            if allele == 0 or not is_symbolic(records.pool, start, end):
                table.start[n_rows] = records.pos[i] + pad
                table.end[n_rows] = records.pos[i] + records.ref_len[i]
                table.len[n_rows] = end - start - pad
                for k in range(start + pad, end):
                    c = code[records.pool[k]]
                    good &= c != 255
                    table.pool[n_pool] = c
                    n_pool += 1
        n_rows += 1
    if good:
        at[0], at[1] = n_rows, n_pool
    return good


@kernel
def _measure_alts(records: RecordColumns, i: int, alts: _Alts, n_alts: int) -> tuple[int, bool]:
    """(bp of the longest allele of record `i` (of R), whether every plain ALT is as long as REF).

    `alts` (k,).
    """
    length, is_snp = int(records.ref_len[i]), True
    for k in range(n_alts):
        bp = alts.ends[k] - alts.starts[k]
        length = max(length, bp)
        if bp != records.ref_len[i] and not is_symbolic(records.pool, alts.starts[k], alts.ends[k]):
            is_snp = False
    return length, is_snp


@kernel
def build_alleles(
    records: RecordColumns, rules: AlleleRules, t_len: int, code: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int32], NDArray[np.int32], AlleleTable]:
    """Alleles of every record that takes part.

    Args:
        t_len: bp of the contig. code: uint8 (256,), ALLELE_CODE.

    Returns:
        reason uint8 (R,); is_snp bool (R,), every plain ALT has the length of REF; n_alts int32 (R,);
        record int32 (V,), the used records in order; and their alleles.
    """
    n = len(records.pos)
    reason = np.zeros(n, dtype=np.uint8)
    is_snp = np.ones(n, dtype=np.bool_)
    n_alts_of = np.zeros(n, dtype=np.int32)
    record = np.empty(n, dtype=np.int32)
    most, longest = _most_alleles(records)
    table = AlleleTable(
        np.zeros(n + 1, dtype=np.int64),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.empty(len(records.pool), dtype=np.uint8),
    )
    alts = _Alts(np.empty(longest + 1, dtype=np.int64), np.empty(longest + 1, dtype=np.int64))
    at = np.zeros(2, dtype=np.int64)
    n_used = 0
    for i in range(n):
        n_alts = _find_alts(records, i, alts)
        n_alts_of[i] = n_alts
        length, is_snp[i] = _measure_alts(records, i, alts, n_alts)
        if not records.passed[i] and not rules.all_records:
            reason[i] = FILTERED
            continue
        ref = records.pool_offset[i]
        padded = n_alts > 0 and redundant_first_base(records.pool, ref, alts.starts, n_alts)
        why = _reason(records, i, alts, n_alts, rules) if n_alts > 0 else NOT_VARIANT
        if why == USED and length > rules.max_length:
            why = TOO_LONG
        elif why == USED and records.pos[i] + records.ref_len[i] > t_len:
            why = OFF_REFERENCE
        if why != USED:
            reason[i] = why
            continue
        table.first[n_used] = at[0]
        if not _add_alleles(records, i, alts, n_alts, int(padded), rules.all_alts, code, table, at):
            reason[i] = BAD_ALLELE
            continue
        record[n_used] = i
        n_used += 1
    table.first[n_used] = at[0]
    played = AlleleTable(
        table.first[: n_used + 1].copy(),
        table.start[: at[0]].copy(),
        table.end[: at[0]].copy(),
        table.off[: at[0]].copy(),
        table.len[: at[0]].copy(),
        table.pool[: at[1]].copy(),
    )
    return reason, is_snp, n_alts_of, record[:n_used].copy(), played


@kernel
def allele_bounds(
    first: NDArray[np.int64], a_start: NDArray[np.int32], a_end: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
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
def _common_prefix(pool: NDArray[np.uint8], a: int, a_len: int, b: int, b_len: int, skip: int) -> int:
    """Bases at the start that two stretches of `pool` (P,) share, less than all but `skip`."""
    n = 0
    while n < min(a_len, b_len) - skip and pool[a + n] == pool[b + n]:
        n += 1
    return n


@kernel
def _common_suffix(pool: NDArray[np.uint8], a: int, a_len: int, b: int, b_len: int, skip: int) -> int:
    """Bases at the end that two stretches of `pool` (P,) share, less than all but `skip`."""
    n = 0
    while n < min(a_len, b_len) - skip and pool[a + a_len - 1 - n] == pool[b + b_len - 1 - n]:
        n += 1
    return n


@kernel
def _trim_one(
    v: int, left_first: bool, alleles: AlleleTable, start: NDArray[np.int32], end: NDArray[np.int32]
) -> None:
    """Cut what variant `v` shares with REF off its alleles, and set its span in `start` and `end` (V,)."""
    first, a_start, a_end = alleles.first, alleles.start, alleles.end
    a_off, a_len, pool = alleles.off, alleles.len, alleles.pool
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
def trim_reference(alleles: AlleleTable, start: NDArray[np.int32], end: NDArray[np.int32]) -> None:
    """Cut bases that agree with REF off every allele and stop playing REF, in place.

    Variants (in reading order) that overlap others are cut first on the side that frees more of the
    overlaps, all others on the left first. `start`, `end`: int32 (V,).
    """
    first, a_start = alleles.first, alleles.start
    a_off, a_len, pool = alleles.off, alleles.len, alleles.pool
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
        _trim_one(v, left_first, alleles, start, end)


@kernel
def inside_regions(
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    region_start: NDArray[np.int64],
    region_end: NDArray[np.int64],
) -> NDArray[np.bool_]:
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
