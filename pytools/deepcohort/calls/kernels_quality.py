"""Kernel: coverage and the shape of the calls in one sample's gVCF, line by line.

Reads the text that `merge` copies anyway; nothing here looks at reads.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import QualityCounts
from deepcohort.core.numba_options import kernel
from deepcohort.core.vcf_constants import COVERED_AT

_TAB, _NEWLINE, _COMMA, _COLON, _SEMICOLON, _DOT, _ZERO = 9, 10, 44, 58, 59, 46, 48
_SLASH, _BAR, _SPANNING, _SYMBOL = 47, 124, 42, 60

# columns of `spans`, a row a line: what it says of its bases
SPAN_START, SPAN_END, SPAN_SUM, SPAN_AT_LEAST = 0, 1, 2, 3
SPAN_CALLABLE = SPAN_AT_LEAST + len(COVERED_AT)
N_SPAN = SPAN_CALLABLE + 1
# `counts`
HET_SNP, HOM_SNP, HET_INDEL, HOM_INDEL, HAPLOID, MULTIALLELIC, PASSED, TI, TV = range(9)
N_COUNTS = 9
# `pure`: SNPs of autosomes that show too few REF reads for a heterozygote; reads of REF, ALT and others, and
# sums of their REF share
PURE_SITES, PURE_REF, PURE_ALT, PURE_OTHER, PURE_SHARE, PURE_SQUARE = range(6)
N_PURE = 6
MOST_GQ, MOST_DEPTH, MOST_QUAL, VAF_BINS, MOST_INDEL_BP = 99, 500, 100, 50, 60
CALLABLE_GQ = 20
PURE_DP = 15
_PURE_SD = 3.3  # below half of the reads, in standard deviations: of 1,000 heterozygotes one half falls there
_MOST_ALLELES = 64


@kernel
def _stop(text: NDArray[np.uint8], at: int) -> int:
    """Where the field at `at` of `text` (n,) ends."""
    while text[at] != _TAB and text[at] != _NEWLINE:
        at += 1
    return at


@kernel
def _number(text: NDArray[np.uint8], at: int) -> int:
    """Whole number at `at` of `text` (n,), -1 where none stands there; decimals are left off."""
    if text[at] < _ZERO or text[at] > _ZERO + 9:
        return -1
    value = 0
    while _ZERO <= text[at] <= _ZERO + 9:
        value = 10 * value + text[at] - _ZERO
        at += 1
    return value


@kernel
def _value(text: NDArray[np.uint8], keys: int, values: int, a: int, b: int) -> int:
    """Where the value of the two-letter FORMAT key `a` `b` stands in `text` (n,); -1 where it has none."""
    while True:
        if text[keys] == a and text[keys + 1] == b and (text[keys + 2] == _COLON or text[keys + 2] == _TAB):
            return values
        while text[keys] != _COLON:
            if text[keys] == _TAB:
                return -1
            keys += 1
        keys += 1
        while text[values] != _COLON:
            if text[values] == _TAB or text[values] == _NEWLINE:
                return -1
            values += 1
        values += 1


@kernel
def _info_value(text: NDArray[np.uint8], at: int, stop: int, word: NDArray[np.uint8]) -> int:
    """Where the value of INFO key `word` (w,) (with `=`) begins in `text` (n,); -1 without it."""
    while at < stop:
        same = True
        for i in range(len(word)):
            if at + i >= stop or text[at + i] != word[i]:
                same = False
                break
        if same:
            return at + len(word)
        while at < stop and text[at] != _SEMICOLON:
            at += 1
        at += 1
    return -1


_END = np.frombuffer(b"END=", dtype=np.uint8)
_COV = np.frombuffer(b"COV=", dtype=np.uint8)
_MIN_DP = np.frombuffer(b"MIN_DP", dtype=np.uint8)


@kernel
def _min_dp(text: NDArray[np.uint8], keys: int, values: int) -> int:
    """MIN_DP of a block in `text` (n,), else DP, else -1."""
    at, value = keys, values
    while True:
        same = True
        for i in range(len(_MIN_DP)):
            if text[at + i] != _MIN_DP[i]:
                same = False
                break
        if same:
            return _number(text, value)
        while text[at] != _COLON:
            if text[at] == _TAB:
                found = _value(text, keys, values, 68, 80)
                return -1 if found < 0 else _number(text, found)
            at += 1
        at += 1
        while text[value] != _COLON:
            if text[value] == _TAB or text[value] == _NEWLINE:
                return -1
            value += 1
        value += 1


@kernel
def _fill_span(
    text: NDArray[np.uint8],
    span: NDArray[np.int64],
    start: int,
    end: int,
    depth: int,
    info: int,
    info_stop: int,
    whole: bool,
) -> None:
    """Bases and depth of a line of `text` (n,) into `span` (N_SPAN,); of a block that is whole by COV, else
    as if every base had `depth`.
    """
    span[SPAN_START], span[SPAN_END] = start, end
    bp = max(0, end - start)
    at = _info_value(text, info, info_stop, _COV) if whole else -1
    span[SPAN_SUM] = bp * max(depth, 0) if at < 0 else _number(text, at)
    for k in range(len(COVERED_AT)):
        span[SPAN_AT_LEAST + k] = bp if depth >= COVERED_AT[k] else 0
        if at >= 0 and depth < COVERED_AT[k]:
            while _ZERO <= text[at] <= _ZERO + 9:
                at += 1
            if text[at] != _COMMA:
                at = -1  # no base is that deep
            else:
                at += 1
                span[SPAN_AT_LEAST + k] = _number(text, at)


@kernel
def _read_alleles(
    text: NDArray[np.uint8], at: int, starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> int:
    """Where the alleles of the ALT field at `at` of `text` (n,) begin and end, from index 1 on; alleles
    with REF.
    """
    n = 1
    while n < _MOST_ALLELES:
        stop = at
        while text[stop] != _COMMA and text[stop] != _TAB:
            stop += 1
        starts[n], stops[n] = at, stop
        n += 1
        if text[stop] == _TAB:
            break
        at = stop + 1
    return n


@kernel
def _base(byte: int) -> int:
    """0..3 of A, C, G, T in either case; -1 otherwise."""
    letter = byte & 0xDF
    if letter == 65:
        return 0
    if letter == 67:
        return 1
    if letter == 71:
        return 2
    return 3 if letter == 84 else -1


@kernel
def _count_alt(
    text: NDArray[np.uint8],
    ref: int,
    n_ref: int,
    alt: int,
    n_alt: int,
    changes: NDArray[np.int64],
    indels: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> bool:
    """Add an ALT of a called genotype, in `text` (n,), to `changes` (4, 4) or `indels`; whether it is an
    indel.
    """
    if n_ref == n_alt:
        for i in range(n_ref):
            a, b = _base(text[ref + i]), _base(text[alt + i])
            if a >= 0 and b >= 0 and a != b:
                changes[a, b] += 1
                counts[TI if a + b == 2 or a + b == 4 else TV] += 1
        return False
    size = max(-MOST_INDEL_BP, min(MOST_INDEL_BP, n_alt - n_ref))
    indels[size + MOST_INDEL_BP] += 1
    return True


@kernel
def _count_pure(n_ref: int, n_alt: int, dp: int, pure: NDArray[np.float64]) -> None:
    """Add a SNP that has too few REF reads for a heterozygote, whatever it was called: another person's reads
    make heterozygotes of homozygotes. Reads of neither allele tell how often a base errs. `pure` (N_PURE,).
    """
    n = n_ref + n_alt
    if n == 0 or 0.5 * n - n_ref <= 0.5 * _PURE_SD * np.sqrt(n):
        return
    share = n_ref / (n_ref + n_alt)
    pure[PURE_SITES] += 1
    pure[PURE_REF] += n_ref
    pure[PURE_ALT] += n_alt
    pure[PURE_OTHER] += max(0, dp - n_ref - n_alt)
    pure[PURE_SHARE] += share
    pure[PURE_SQUARE] += share * share


class _Line(NamedTuple):
    """Where the fields of a line of a gVCF begin and end, as bytes of the text; n_alleles: with REF.

    word: FILTER. keys: FORMAT. values: the sample's column. `allele_start`, `allele_stop`: int64
    (_MOST_ALLELES,), of each ALT, from index 1 on.
    """

    ref: int
    n_ref: int
    n_alleles: int
    qual: int
    word: int
    info: int
    keys: int
    values: int
    allele_start: NDArray[np.int64]
    allele_stop: NDArray[np.int64]


@kernel
def _find_fields(
    text: NDArray[np.uint8], at: int, starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> _Line:
    """Fields of the line whose POS begins at `at` of `text` (n,); `starts`, `stops` (_MOST_ALLELES,) are
    filled.
    """
    ref = _stop(text, _stop(text, at) + 1) + 1
    ref_stop = _stop(text, ref)
    n_alleles = _read_alleles(text, ref_stop + 1, starts, stops)
    qual = _stop(text, ref_stop + 1) + 1  # there may be more alleles than were read
    word = _stop(text, qual) + 1
    info = _stop(text, word) + 1
    keys = _stop(text, info) + 1
    values = _stop(text, keys) + 1
    return _Line(ref, ref_stop - ref, n_alleles, qual, word, info, keys, values, starts, stops)


@kernel
def _number_of(text: NDArray[np.uint8], line: _Line, a: int, b: int) -> int:
    """The number under the two-letter FORMAT key `a` `b` of a line of `text` (n,), or -1."""
    found = _value(text, line.keys, line.values, a, b)
    return -1 if found < 0 else _number(text, found)


@kernel
def _genotype(text: NDArray[np.uint8], at: int) -> tuple[int, int, bool]:
    """(first, second allele, whether diploid) of the GT at `at` of `text` (n,); haploid: the first twice."""
    one = _number(text, at)
    while _ZERO <= text[at] <= _ZERO + 9:
        at += 1
    is_diploid = text[at] == _SLASH or text[at] == _BAR
    return one, _number(text, at + 1) if is_diploid else one, is_diploid


@kernel
def _count_call(
    text: NDArray[np.uint8],
    line: _Line,
    one: int,
    two: int,
    is_diploid: bool,
    tally: QualityCounts,
    het_hom: NDArray[np.int64],
) -> None:
    """Add the genotype one/two of a line of `text` (n,) to the counts and to `het_hom` (2,)."""
    counts = tally.counts
    counts[PASSED] += 1
    is_indel = False
    for k in range(2):
        allele = one if k == 0 else two
        start = line.allele_start[allele]
        if allele == 0 or (k == 1 and two == one) or text[start] == _SPANNING:
            continue
        n_alt = line.allele_stop[allele] - start
        is_indel |= _count_alt(text, line.ref, line.n_ref, start, n_alt, tally.changes, tally.indels, counts)
    counts[MULTIALLELIC] += 1 if one != two and one > 0 and two > 0 else 0
    if not is_diploid:
        counts[HAPLOID] += 1
        return
    if one != two:
        counts[HET_INDEL if is_indel else HET_SNP] += 1
    else:
        counts[HOM_INDEL if is_indel else HOM_SNP] += 1
    het_hom[0 if one != two else 1] += 1


@kernel
def _count_depths(
    text: NDArray[np.uint8],
    line: _Line,
    one: int,
    two: int,
    dp: int,
    is_autosome: bool,
    depths: NDArray[np.int64],
    tally: QualityCounts,
) -> None:
    """Add what AD of a diploid line of `text` (n,) says of its genotype, one <= two.

    `depths` (_MOST_ALLELES,) is room for it.
    """
    found = _value(text, line.keys, line.values, 65, 68)
    if found < 0 or text[found] == _DOT:
        return
    for k in range(line.n_alleles):
        depths[k] = max(0, _number(text, found))
        while _ZERO <= text[found] <= _ZERO + 9:
            found += 1
        found += 1
    reads = depths[one] + depths[two]
    if one == 0 and reads > 0:
        tally.vaf[int(depths[two] * VAF_BINS / reads)] += 1
    n_alt = line.allele_stop[two] - line.allele_start[two]
    is_snp = (one == two or one == 0) and line.n_ref == 1 and n_alt == 1
    if is_snp and is_autosome and dp >= PURE_DP:
        _count_pure(depths[0], depths[two], dp, tally.pure)


@kernel
def count_quality(
    text: NDArray[np.uint8],
    lines: NDArray[np.int64],
    reached: int,
    is_autosome: bool,
    spans: NDArray[np.int64],
    tally: QualityCounts,
    het_hom: NDArray[np.int64],
) -> int:
    """Add the lines of one contig of one sample's gVCF to the counts; returns the end of what they cover.

    Args:
        text: uint8 (n,), whole lines of ten fields. lines: int64 (m,), first bytes. reached: end, 0-based, of
            what lines before cover: no base counts twice.
        is_autosome: whether homozygous sites tell of contamination.
        spans: int64 (m, N_SPAN), filled. het_hom: int64 (2,), of this contig.
    """
    starts, stops = np.zeros(_MOST_ALLELES, np.int64), np.zeros(_MOST_ALLELES, np.int64)
    depths = np.empty(_MOST_ALLELES, np.int64)
    for i in range(len(lines)):
        at = _stop(text, lines[i]) + 1
        line = _find_fields(text, at, starts, stops)
        pos = _number(text, at) - 1
        gq, dp = _number_of(text, line, 71, 81), _number_of(text, line, 68, 80)
        is_block = line.n_alleles == 2 and (text[starts[1]] == _SYMBOL or text[starts[1]] == _DOT)
        info_stop = line.keys - 1
        end = pos + line.n_ref
        if is_block:
            told = _info_value(text, line.info, info_stop, _END)
            end = end if told < 0 else _number(text, told)
        first = max(pos, reached)
        reached = max(reached, end)
        depth = _min_dp(text, line.keys, line.values) if is_block else dp
        _fill_span(text, spans[i], first, end, depth, line.info, info_stop, is_block and first == pos)
        is_called = gq >= CALLABLE_GQ and text[line.values] != _DOT
        spans[i, SPAN_CALLABLE] = max(0, end - first) if is_called else 0
        if is_block:
            continue
        passes = line.info - line.word == 5 and text[line.word] == 80 and text[line.word + 1] == 65
        one, two, is_diploid = _genotype(text, line.values)
        if not passes or min(one, two) < 0 or max(one, two) == 0 or max(one, two) >= line.n_alleles:
            continue
        _count_call(text, line, one, two, is_diploid, tally, het_hom)
        tally.gq[max(0, min(MOST_GQ, gq))] += 1
        tally.dp[max(0, min(MOST_DEPTH, dp))] += 1
        tally.qual[max(0, min(MOST_QUAL, _number(text, line.qual)))] += 1
        if is_diploid:
            _count_depths(text, line, min(one, two), max(one, two), dp, is_autosome, depths, tally)
    return reached


@kernel
def spread_spans(
    spans: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    highest: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Add what the spans say to the intervals they overlap, in proportion where they overlap in part.

    Args:
        spans: int64 (m, N_SPAN), ascending. starts, ends: int64 (T,), by start. highest: int64 (T,), the
            largest end up to each. out: float64 (T, 1 + N_SPAN - SPAN_SUM): bases, sum of depths, bases of
            each of COVERED_AT, callable bases.
    """
    for i in range(len(spans)):
        low, high = spans[i, SPAN_START], spans[i, SPAN_END]
        if high <= low:
            continue
        t = np.searchsorted(highest, low, side="right")
        while t < len(starts) and starts[t] < high:
            shared = min(high, ends[t]) - max(low, starts[t])
            if shared > 0:
                part = shared / (high - low)
                out[t, 0] += shared
                for k in range(SPAN_SUM, N_SPAN):
                    out[t, 1 + k - SPAN_SUM] += part * spans[i, k]
            t += 1
