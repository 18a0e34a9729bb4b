"""Sites to VCF lines, one after another."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.decide_kernels import count_alleles, diploid_copies, hwe_p_values
from deepcohort.joint.family_kernels import Kinship
from deepcohort.joint.genotype_kernels import (
    Evidence,
    Limits,
    SiteGenotypes,
    empty_genotypes,
    genotype_site,
)
from deepcohort.joint.phase_kernels import SiteCalls, read_phase
from deepcohort.joint.states import OK
from deepcohort.joint.summary_kernels import FS, MQ, N_SUMMARY, QD, RANK_SUMS, SOR, site_summary
from deepcohort.joint.text_kernels import put_bytes, put_float, put_gt, put_int, put_int_or_dot, put_ints
from deepcohort.joint.trim_kernels import carried_alleles, keep_alleles, put_origin, put_prefix

_TAB, _NEWLINE, _COLON, _COMMA, _DOT, _ZERO = 9, 10, 58, 44, 46, 48
_PL_CAP = 9_999
_WORDS = (
    "AC=", ";AF=", ";AN=", ";DP=", ";NS=", ";F_MISSING=", ";ExcHet=", ";HWE=", ";InbreedingCoeff=",
    ";MQ=", ";SOR=", ";FS=", ";QD=", ";BaseQRankSum=", ";MQRankSum=", ";ReadPosRankSum=", ";DENOVO=", ";OA=",
)  # fmt: skip
# texts the kernel writes, flat, with offsets
_TEXTS = (
    *_WORDS, "PASS", "LowQual", "ExcHet", "GT:GQ:DP:AD:PL:RNC", "GT:GQ:DP:AD:PL:RNC:DNQ",
    "", "NO_COVERAGE", "LOW_GQ", "CONFLICT", "FILTERED",
)  # fmt: skip
_T_PASS, _T_LOW_QUAL, _T_EXC_HET, _T_FORMAT, _T_FORMAT_DN, _T_REASON = 18, 19, 20, 21, 22, 23
_T_MQ, _T_DENOVO, _T_ORIGIN = 9, 16, 17  # the summary's words follow MQ's
_ORDER = np.array([MQ, SOR, FS, QD, RANK_SUMS, RANK_SUMS + 1, RANK_SUMS + 2])
WORDS = np.frombuffer("".join(_TEXTS).encode(), dtype=np.uint8)
WORD_OFFSETS = np.cumsum([0, *(len(word) for word in _TEXTS)])


class SiteTexts(NamedTuple):
    """What is written of S sites as it stands, flat with offsets.

    Attributes:
        prefix: uint8, "CHROM TAB POS TAB . TAB REF TAB ALT TAB" of each site by prefix_offsets (S+1,).
        origin: uint8, value of INFO OA of each site (may be empty) by origin_offsets.
        names: uint8, sample names by name_offsets (N+1,).
    """

    prefix: NDArray[np.uint8]
    prefix_offsets: NDArray[np.int64]
    origin: NDArray[np.uint8]
    origin_offsets: NDArray[np.int64]
    names: NDArray[np.uint8]
    name_offsets: NDArray[np.int64]


class SiteCounts(NamedTuple):
    """Of each allele (A,): int64 copies and heterozygotes, float64 p values of HWE and ExcHet."""

    copies: NDArray[np.int64]
    hets: NDArray[np.int64]
    hwe: NDArray[np.float64]
    excess: NDArray[np.float64]


@kernel
def _put_word(out: NDArray[np.uint8], at: int, word: int) -> int:
    """Word number `word` of WORDS to out[at:] of `out` (B,); the next free index."""
    return put_bytes(out, at, WORDS, WORD_OFFSETS[word], WORD_OFFSETS[word + 1])


@kernel
def _room(texts: SiteTexts, site: int, n: int, n_alleles: int, with_pl: bool) -> int:
    """Bytes that the line of site `site` (of S) with `n` samples takes at most; texts are flat (n,)."""
    n_genotypes = n_alleles * (n_alleles + 1) // 2
    room = 2_000 + n_alleles * 100 + (texts.prefix_offsets[site + 1] - texts.prefix_offsets[site])
    room += texts.origin_offsets[site + 1] - texts.origin_offsets[site] + texts.name_offsets[n] + n
    return room + n * (50 + n_alleles * 7 + (n_genotypes * 5 if with_pl else 2))


@kernel
def _count(gt: NDArray[np.int16], n_alleles: int, counts: SiteCounts) -> tuple[int, int, float]:
    """Fill `counts`; AN, NS and the lowest p value of an excess of heterozygotes. `gt` (N, 2)."""
    an, ns, _ = count_alleles(gt, n_alleles, counts.copies, counts.hets)
    lowest = 1.0
    for a in range(1, n_alleles):
        none, one, two = diploid_copies(gt, a)
        counts.hwe[a], counts.excess[a] = hwe_p_values(one, two, none)
        lowest = min(lowest, counts.excess[a])
    return an, ns, lowest


@kernel
def _put_info(
    out: NDArray[np.uint8],
    at: int,
    v: SiteGenotypes,
    n_alleles: int,
    summary: NDArray[np.float64],
    counts: SiteCounts,
    an: int,
    ns: int,
) -> int:
    """INFO of a site to out[at:] of `out` (B,), but for what is of de novo variants and origins; `summary`
    (N_SUMMARY,).
    """
    n = len(v.dp)
    at = _put_word(out, at, 0)
    for a in range(1, n_alleles):
        at = put_int(out, at, counts.copies[a])
        out[at] = _COMMA
        at += 1
    at = _put_word(out, at - 1, 1)
    for a in range(1, n_alleles):
        at = put_float(out, at, counts.copies[a] / an if an else math.nan, 6)
        out[at] = _COMMA
        at += 1
    at = _put_word(out, at - 1, 2)
    at = put_int(out, at, an)
    at = _put_word(out, at, 3)
    depth = 0
    for s in range(n):
        depth += max(0, v.dp[s])
    at = put_int(out, at, depth)
    at = _put_word(out, at, 4)
    at = put_int(out, at, ns)
    at = _put_word(out, at, 5)
    at = put_float(out, at, (n - ns) / n, 4)
    for word in range(6, 8):
        at = _put_word(out, at, word)
        for a in range(1, n_alleles):
            at = put_float(out, at, counts.excess[a] if word == 6 else counts.hwe[a], 4)
            out[at] = _COMMA
            at += 1
        at -= 1
    none, one, two = diploid_copies(v.gt, 0)
    called = none + one + two
    if called > 0:
        frequency = (2 * two + one) / (2.0 * called)
        expected = 2.0 * frequency * (1.0 - frequency) * called
        if expected > 0.0:
            at = _put_word(out, at, 8)
            at = put_float(out, at, 1.0 - one / expected, 4)
    for k in range(len(_ORDER)):
        if summary[_ORDER[k]] == summary[_ORDER[k]]:
            at = _put_word(out, at, _T_MQ + k)
            at = put_float(out, at, round(summary[_ORDER[k]], 3), 6)
    return at


@kernel
def _put_new_mutations(out: NDArray[np.uint8], at: int, v: SiteGenotypes, texts: SiteTexts) -> int:
    """INFO DENOVO, the names of the samples with a de novo variant, to out[at:] of `out` (B,)."""
    at = _put_word(out, at, _T_DENOVO)
    for s in range(len(v.de_novo)):
        if v.de_novo[s] > 0.0:
            at = put_bytes(out, at, texts.names, texts.name_offsets[s], texts.name_offsets[s + 1])
            out[at] = _COMMA
            at += 1
    return at - 1


@kernel
def _put_sample(
    out: NDArray[np.uint8], at: int, v: SiteGenotypes, s: int, n_alleles: int, with_pl: bool
) -> int:
    """GT:GQ:DP and as much of AD:PL:RNC:DNQ as there is to say. `out` (B,), arrays of `v` (N, ...)."""
    at = put_gt(out, at, v.gt[s, 0], v.gt[s, 1])
    out[at] = _COLON
    at = put_int_or_dot(out, at + 1, v.gq[s])
    out[at] = _COLON
    at = put_int_or_dot(out, at + 1, v.dp[s])
    missing = v.state[s] != OK
    has_pl = with_pl and (v.gq[s] >= 0)
    # a block tells no alleles apart: its reads are REF's, as in the cells of other callers
    is_block_ref = v.ad[s, 0] < 0 and v.dp[s] >= 0 and not missing and v.gt[s, 0] == 0 and v.gt[s, 1] <= 0
    last = 3 if v.ad[s, 0] >= 0 or is_block_ref else 2
    last = 4 if has_pl else last
    last = 5 if missing else last
    last = 6 if v.de_novo[s] > 0.0 else last
    if last < 3:
        return at
    out[at] = _COLON
    if is_block_ref:
        at = put_int(out, at + 1, v.dp[s])
        for _ in range(1, n_alleles):
            out[at], out[at + 1] = _COMMA, _ZERO
            at += 2
    else:
        at = put_ints(out, at + 1, v.ad[s], n_alleles, 2_000_000_000)
    if last < 4:
        return at
    out[at] = _COLON
    if has_pl:
        size = n_alleles if v.ploidy[s] == 1 else n_alleles * (n_alleles + 1) // 2
        at = put_ints(out, at + 1, v.pl[s], size, _PL_CAP)
    else:
        out[at + 1] = _DOT
        at += 2
    if last < 5:
        return at
    out[at] = _COLON
    if missing:
        at = _put_word(out, at + 1, _T_REASON + v.state[s])
    else:
        out[at + 1] = _DOT
        at += 2
    if last == 6:
        out[at] = _COLON
        at = put_int(out, at + 1, min(99, int(-10.0 * math.log10(max(1e-10, 1.0 - v.de_novo[s])))))
    return at


@kernel
def _put_origin(
    out: NDArray[np.uint8], at: int, texts: SiteTexts, site: int, is_cut: bool, kept: NDArray[np.int64],
    n_kept: int,
) -> int:  # fmt: skip
    """INFO OA, of the kept ALTs where the site was cut to these. `out` (B,), `kept` (A,)."""
    start, stop = texts.origin_offsets[site], texts.origin_offsets[site + 1]
    begin = _put_word(out, at, _T_ORIGIN)
    if not is_cut:
        return put_bytes(out, begin, texts.origin, start, stop)
    end = put_origin(out, begin, texts.origin, start, stop, kept, n_kept)
    return end if end > begin else at


@kernel
def _put_filter(out: NDArray[np.uint8], at: int, qual: float, lowest_excess: float, limits: Limits) -> int:
    """FILTER to out[at:] of `out` (B,); the next free index."""
    if qual < limits.low_qual:
        return _put_word(out, at, _T_LOW_QUAL)
    if -10.0 * math.log10(max(lowest_excess, 1e-300)) > limits.excess_het_phred:
        return _put_word(out, at, _T_EXC_HET)
    return _put_word(out, at, _T_PASS)


@kernel
def _note_calls(evidence: Evidence, site: int, v: SiteGenotypes, calls: SiteCalls, line: int) -> None:
    """Phase by the samples' records, while alleles stand as in the evidence; cutting keeps their order.

    Arrays of `v` are (N, ...), of `calls` (lines, N, ...).
    """
    for s in range(len(v.gq)):
        found, order, quality = read_phase(evidence, site, s, v.gt[s])
        calls.read_set[line, s], calls.read_order[line, s], calls.read_pq[line, s] = found, order, quality
        calls.is_new[line, s] = v.de_novo[s] > 0.0
        calls.gq[line, s] = v.gq[s]
    calls.pos[line] = evidence.pos[site]


@kernel
def emit_sites(
    first_site: int,
    evidence: Evidence,
    texts: SiteTexts,
    kin: Kinship,
    limits: Limits,
    out: NDArray[np.uint8],
    calls: SiteCalls,
    n_before: int,
) -> tuple[int, int, int]:
    """VCF lines of sites from `first_site` on, until `out` (uint8) might not hold the next one.

    ALTs that no genotype holds are left out, and sites without any other (unless `keep_uncarried`).
    `calls` is filled from line `n_before` on, if it has room for any.

    Returns:
        Bytes written, the first site not looked at, and lines written.

    `out` (B,).
    """
    n_sites, n = evidence.block_of.shape
    most = 2
    for i in range(first_site, n_sites):
        most = max(most, evidence.n_alleles[i])
    v = empty_genotypes(n, most)
    sure = np.empty(v.likelihood.shape)
    counts = SiteCounts(
        np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most), np.empty(most)
    )
    summary = np.empty(N_SUMMARY)
    kept = np.arange(most)
    at = n_lines = 0
    for site in range(first_site, n_sites):
        n_alleles = evidence.n_alleles[site]
        with_pl = n_alleles <= limits.max_pl_alleles
        if at + _room(texts, site, n, n_alleles, with_pl) > len(out):
            return at, site, n_lines
        qual, any_new = genotype_site(evidence, site, kin, limits, sure, v)
        site_summary(
            evidence.records, evidence.numbers, evidence.variant_of[site], v.gt, v.dp, evidence.star[site],
            qual, summary,
        )  # fmt: skip
        line, start = n_before + n_lines, at
        if len(calls.pos):
            _note_calls(evidence, site, v, calls, line)
        n_kept = n_alleles
        if not limits.keep_uncarried:
            n_kept = carried_alleles(v.gt, n_alleles, kept)
            if n_kept == 1 or (n_kept == 2 and kept[1] == evidence.star[site]):
                continue
        is_cut = n_kept < n_alleles
        if is_cut:
            keep_alleles(v, n_alleles, kept, n_kept)
            n_alleles = n_kept
            at = put_prefix(out, at, texts.prefix, texts.prefix_offsets[site], kept, n_kept)
        else:
            at = put_bytes(out, at, texts.prefix, texts.prefix_offsets[site], texts.prefix_offsets[site + 1])
        an, ns, lowest_excess = _count(v.gt, n_alleles, counts)
        at = put_float(out, at, round(qual, 2), 7)
        out[at] = _TAB
        at = _put_filter(out, at + 1, qual, lowest_excess, limits)
        out[at] = _TAB
        at = _put_info(out, at + 1, v, n_alleles, summary, counts, an, ns)
        if any_new:
            at = _put_new_mutations(out, at, v, texts)
        if texts.origin_offsets[site + 1] > texts.origin_offsets[site]:
            at = _put_origin(out, at, texts, site, is_cut, kept, n_kept)
        out[at] = _TAB
        at = _put_word(out, at + 1, _T_FORMAT_DN if any_new else _T_FORMAT)
        for s in range(n):
            out[at] = _TAB
            at = _put_sample(out, at + 1, v, s, n_alleles, with_pl)
        out[at] = _NEWLINE
        at += 1
        n_lines += 1
        if len(calls.pos):
            calls.gt[line] = v.gt
            calls.line[line, 0], calls.line[line, 1] = start, at
    return at, n_sites, n_lines
