"""Sites to VCF lines: evidence, priors, decisions and text of one site after another."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c
from deepcohort.joint.decide_kernels import (
    count_alleles,
    decide,
    diploid_copies,
    hwe_p_values,
    strand_odds_ratio,
)
from deepcohort.joint.family_kernels import Kinship, pedigree_posteriors
from deepcohort.joint.pool_kernels import NO_DP, pool_reads
from deepcohort.joint.prior_kernels import (
    cut_likelihoods,
    em_frequencies,
    likelihoods,
    posteriors,
    raise_rare,
)
from deepcohort.joint.project_kernels import project_site
from deepcohort.joint.text_kernels import put_bytes, put_float, put_gt, put_int, put_int_or_dot, put_ints

_KIND, _DP, _SB, _MQ_SQ, _MQ_N = c.KIND, c.DP, c.SB, c.MQ_SQ, c.MQ_N
_TAB, _NEWLINE, _COLON, _COMMA, _DOT, _SEMICOLON, _ZERO = 9, 10, 58, 44, 46, 59, 48
_OK = 0
_PL_CAP = 9_999
_MAX_QUAL = 99_999.0
_WORDS = (
    "AC=", ";AF=", ";AN=", ";DP=", ";NS=", ";F_MISSING=", ";ExcHet=", ";HWE=", ";InbreedingCoeff=",
    ";MQ=", ";SOR=", ";DENOVO=", ";OA=",
)  # fmt: skip
# texts the kernel writes, flat, with offsets
_TEXTS = (
    *_WORDS, "PASS", "LowQual", "ExcHet", "GT:GQ:DP:AD:PL:RNC", "GT:GQ:DP:AD:PL:RNC:DNQ",
    "", "NO_COVERAGE", "LOW_GQ", "CONFLICT", "FILTERED",
)  # fmt: skip
_T_PASS, _T_LOW_QUAL, _T_EXC_HET, _T_FORMAT, _T_FORMAT_DN, _T_REASON = 13, 14, 15, 16, 17, 18
WORDS = np.frombuffer("".join(_TEXTS).encode(), dtype=np.uint8)
WORD_OFFSETS = np.cumsum([0, *(len(word) for word in _TEXTS)])


class Limits(NamedTuple):
    """Numbers of the JointConfig that the kernels need, in its units."""

    prior_samples: float  # negative: no population prior
    inbreeding: float
    ref_pseudo: float
    alt_pseudo: float
    min_frequency: float
    read_phred: float  # of one read in a reference block
    known_phred: float  # negative: reads are left to their caller
    read_weight: float
    read_error: float
    read_max_dp: int
    site_prior: float
    de_novo_rate: float
    de_novo_probability: float
    min_dp: int
    min_gq: int
    half_call_gq: int
    conflict_phred: int
    low_qual: float
    excess_het_phred: float
    max_pl_alleles: int
    haploid_from_mother: bool


@kernel
def _put_word(out: NDArray[np.uint8], at: int, word: int) -> int:
    return put_bytes(out, at, WORDS, WORD_OFFSETS[word], WORD_OFFSETS[word + 1])


@kernel
def _site_summaries(
    records: NDArray[np.int32], numbers: NDArray[np.int32], variant_of: NDArray[np.int32]
) -> tuple[float, float]:
    """RMS mapping quality and strand odds ratio of the variant records at a site; NaN where not given."""
    square = reads = 0.0
    strands = np.zeros(4, dtype=np.int64)
    has_strands = False
    for s in range(len(variant_of)):
        r = variant_of[s, 0]
        if r < 0:
            continue
        row = records[r]
        if row[_MQ_N] > 0:
            square += row[_MQ_SQ]
            reads += row[_MQ_N]
        elif row[_MQ_N] == 0 and row[_DP] > 0:
            square += float(row[_MQ_SQ]) * row[_MQ_SQ] * row[_DP]
            reads += row[_DP]
        if row[_SB] >= 0:
            has_strands = True
            for i in range(4):
                strands[i] += max(0, numbers[row[_SB] + i])
    mq = math.sqrt(square / reads) if reads > 0.0 else math.nan
    sor = strand_odds_ratio(strands[0], strands[1], strands[2], strands[3]) if has_strands else math.nan
    return mq, sor


@kernel
def site_quality(log10_ratio: float, site_prior: float) -> float:
    """QUAL: phred of P(all samples are reference | data), from log10 P(data | f) / P(data | reference)."""
    odds = log10_ratio + math.log10(site_prior) - math.log10(1.0 - site_prior)
    if odds > 30.0:
        return min(_MAX_QUAL, 10.0 * odds)
    return max(0.0, 10.0 * math.log10(1.0 + 10.0**odds))


@kernel
def surest_carrier(
    posterior: NDArray[np.float64], state: NDArray[np.int8], was_cut: NDArray[np.bool_]
) -> float:
    """Phred of the least P(reference) among the samples with a record of their own."""
    least = 1.0
    for s in range(len(state)):
        if state[s] == _OK and not was_cut[s]:
            least = min(least, posterior[s, 0])
    return -10.0 * math.log10(max(least, 1e-10))


@kernel
def prior_weight(state: NDArray[np.int8], prior_samples: float) -> float:
    """Weight of the population prior: n / (n + prior_samples) for n informative samples; 0 if negative."""
    if prior_samples < 0.0:
        return 0.0
    n = 0
    for s in range(len(state)):
        n += state[s] == _OK
    return n / (n + prior_samples) if n else 0.0


@kernel
def _put_info(
    out: NDArray[np.uint8],
    at: int,
    gt: NDArray[np.int16],
    dp: NDArray[np.int32],
    n_alleles: int,
    mq: float,
    sor: float,
    counts: NDArray[np.int64],
    hets: NDArray[np.int64],
    hwe: NDArray[np.float64],
    excess: NDArray[np.float64],
    an: int,
    ns: int,
) -> int:
    n = len(dp)
    at = _put_word(out, at, 0)
    for a in range(1, n_alleles):
        at = put_int(out, at, counts[a])
        out[at] = _COMMA
        at += 1
    at = _put_word(out, at - 1, 1)
    for a in range(1, n_alleles):
        at = put_float(out, at, counts[a] / an if an else math.nan, 6)
        out[at] = _COMMA
        at += 1
    at = _put_word(out, at - 1, 2)
    at = put_int(out, at, an)
    at = _put_word(out, at, 3)
    depth = 0
    for s in range(n):
        depth += max(0, dp[s])
    at = put_int(out, at, depth)
    at = _put_word(out, at, 4)
    at = put_int(out, at, ns)
    at = _put_word(out, at, 5)
    at = put_float(out, at, (n - ns) / n, 4)
    for word in range(6, 8):
        at = _put_word(out, at, word)
        for a in range(1, n_alleles):
            at = put_float(out, at, excess[a] if word == 6 else hwe[a], 4)
            out[at] = _COMMA
            at += 1
        at -= 1
    none, one, two = diploid_copies(gt, 0)
    called = none + one + two
    if called > 0:
        frequency = (2 * two + one) / (2.0 * called)
        expected = 2.0 * frequency * (1.0 - frequency) * called
        if expected > 0.0:
            at = _put_word(out, at, 8)
            at = put_float(out, at, 1.0 - one / expected, 4)
    if mq == mq:
        at = _put_word(out, at, 9)
        at = put_float(out, at, mq, 4)
    if sor == sor:
        at = _put_word(out, at, 10)
        at = put_float(out, at, sor, 4)
    return at


@kernel
def emit_sites(
    first_site: int,
    site_pos: NDArray[np.int64],
    n_alleles_of: NDArray[np.int32],
    star_of: NDArray[np.int32],
    is_snp: NDArray[np.bool_],
    prefix: NDArray[np.uint8],
    prefix_offsets: NDArray[np.int64],
    origin: NDArray[np.uint8],
    origin_offsets: NDArray[np.int64],
    names: NDArray[np.uint8],
    name_offsets: NDArray[np.int64],
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    table: NDArray[np.int32],
    offsets: NDArray[np.int64],
    variant_of: NDArray[np.int32],
    block_of: NDArray[np.int32],
    site_ploidy: NDArray[np.int8],
    kin: Kinship,
    limits: Limits,
    out: NDArray[np.uint8],
) -> tuple[int, int]:
    """VCF lines of sites from `first_site` on, until `out` might not hold the next one.

    Args:
        site_pos: int64 (S,). n_alleles_of: int32 (S,), `*` included. star_of: int32 (S,), its index or -1.
        is_snp: bool (S,), all alleles are single bases.
        prefix: uint8, "CHROM TAB POS TAB . TAB REF TAB ALT TAB" of each site by prefix_offsets (S+1,).
        origin: uint8, value of INFO OA of each site (may be empty) by origin_offsets.
        names: uint8, sample names by name_offsets (N+1,).
        variant_of: int32 (S, N, 3); block_of: int32 (S, N), from the sweep.
        site_ploidy: int8 (S, N), expected ploidy.
        kin: pedigrees of the cohort.
        out: uint8 buffer.

    Returns:
        Bytes written and the first site not written.
    """
    n = block_of.shape[1]
    most = 2
    for i in range(first_site, len(site_pos)):
        most = max(most, n_alleles_of[i])
    most_genotypes = most * (most + 1) // 2
    pl = np.empty((n, most_genotypes), dtype=np.int32)
    ad = np.empty((n, most), dtype=np.int32)
    dp = np.empty(n, dtype=np.int32)
    ploidy = np.empty(n, dtype=np.int8)
    state = np.empty(n, dtype=np.int8)
    was_cut = np.empty(n, dtype=np.bool_)
    likelihood = np.empty((n, most_genotypes))
    sure = np.empty((n, most_genotypes))
    posterior = np.empty((n, most_genotypes))
    de_novo = np.zeros(n)
    gt = np.empty((n, 2), dtype=np.int16)
    gq = np.empty(n, dtype=np.int16)
    frequency = np.empty(most)
    counted = np.empty(most)
    counts = np.empty(most, dtype=np.int64)
    hets = np.empty(most, dtype=np.int64)
    hwe = np.empty(most)
    excess = np.empty(most)
    at = 0
    for site in range(first_site, len(site_pos)):
        n_alleles = n_alleles_of[site]
        n_genotypes = n_alleles * (n_alleles + 1) // 2
        with_pl = n_alleles <= limits.max_pl_alleles
        room = 2_000 + n_alleles * 100 + (prefix_offsets[site + 1] - prefix_offsets[site])
        room += origin_offsets[site + 1] - origin_offsets[site] + name_offsets[n] + n
        room += n * (50 + n_alleles * 7 + (n_genotypes * 5 if with_pl else 2))
        if at + room > len(out):
            return at, site
        project_site(
            records, numbers, table, offsets, variant_of[site], block_of[site], site_pos[site], n_alleles,
            star_of[site], site_ploidy[site], is_snp[site], limits.read_phred, limits.min_dp,
            limits.conflict_phred, pl, ad, dp, ploidy, state, was_cut,
        )  # fmt: skip
        likelihoods(pl, state, ploidy, n_genotypes, likelihood)
        log_ratio = em_frequencies(
            likelihood, state, ploidy, n_alleles, limits.inbreeding, limits.ref_pseudo, limits.alt_pseudo,
            frequency,
        )  # fmt: skip
        if was_cut.any():
            # reads that differ in blocks help to genotype a site, not to find it: errors recur at a place
            cut_likelihoods(likelihood, was_cut, n_genotypes, sure)
            log_ratio = em_frequencies(
                sure,
                state,
                ploidy,
                n_alleles,
                limits.inbreeding,
                limits.ref_pseudo,
                limits.alt_pseudo,
                counted,
            )
        qual = site_quality(log_ratio, limits.site_prior)
        raise_rare(frequency, n_alleles, limits.min_frequency)
        weight = prior_weight(state, limits.prior_samples)
        posteriors(likelihood, state, ploidy, frequency, n_alleles, limits.inbreeding, weight, posterior)
        # a site is at least as sure as its surest carrier
        qual = max(qual, surest_carrier(posterior, state, was_cut))
        if (
            is_snp[site]
            and limits.known_phred >= 0.0
            and pool_reads(
                ad, dp, state, ploidy, was_cut, frequency, n_alleles, limits.inbreeding, limits.known_phred,
                limits.read_weight, limits.read_error, limits.read_max_dp if star_of[site] < 0 else NO_DP,
                likelihood,
            )
        ):  # fmt: skip
            # for genotypes alone: QUAL takes the callers' word, for errors recur at a place
            em_frequencies(
                likelihood, state, ploidy, n_alleles, limits.inbreeding, limits.ref_pseudo, limits.alt_pseudo,
                frequency,
            )  # fmt: skip
            raise_rare(frequency, n_alleles, limits.min_frequency)
            posteriors(likelihood, state, ploidy, frequency, n_alleles, limits.inbreeding, weight, posterior)
        any_new = False
        n_pedigrees = len(kin.person_offsets) - 1
        if n_pedigrees > 0:
            de_novo[:] = 0.0
        for k in range(n_pedigrees):
            pedigree_posteriors(
                kin, k, likelihood, state, ploidy, frequency, n_alleles, limits.inbreeding, weight,
                limits.de_novo_rate, limits.haploid_from_mother, posterior, de_novo,
            )  # fmt: skip
        decide(posterior, ploidy, n_alleles, limits.min_gq, limits.half_call_gq, state, gt, gq)
        if n_pedigrees > 0:
            for s in range(n):
                if de_novo[s] < limits.de_novo_probability or gt[s, 0] < 0:
                    de_novo[s] = 0.0
                else:
                    any_new = True
        an, ns, _ = count_alleles(gt, n_alleles, counts, hets)
        lowest_excess = 1.0
        for a in range(1, n_alleles):
            none, one, two = diploid_copies(gt, a)
            hwe[a], excess[a] = hwe_p_values(one, two, none)
            lowest_excess = min(lowest_excess, excess[a])
        mq, sor = _site_summaries(records, numbers, variant_of[site])

        at = put_bytes(out, at, prefix, prefix_offsets[site], prefix_offsets[site + 1])
        at = put_float(out, at, round(qual, 2), 7)
        out[at] = _TAB
        at += 1
        if qual < limits.low_qual:
            at = _put_word(out, at, _T_LOW_QUAL)
        elif -10.0 * math.log10(max(lowest_excess, 1e-300)) > limits.excess_het_phred:
            at = _put_word(out, at, _T_EXC_HET)
        else:
            at = _put_word(out, at, _T_PASS)
        out[at] = _TAB
        at = _put_info(out, at + 1, gt, dp, n_alleles, mq, sor, counts, hets, hwe, excess, an, ns)
        if any_new:
            at = _put_word(out, at, 11)
            for s in range(n):
                if de_novo[s] > 0.0:
                    at = put_bytes(out, at, names, name_offsets[s], name_offsets[s + 1])
                    out[at] = _COMMA
                    at += 1
            at -= 1
        if origin_offsets[site + 1] > origin_offsets[site]:
            at = _put_word(out, at, 12)
            at = put_bytes(out, at, origin, origin_offsets[site], origin_offsets[site + 1])
        out[at] = _TAB
        at = _put_word(out, at + 1, _T_FORMAT_DN if any_new else _T_FORMAT)
        for s in range(n):
            out[at] = _TAB
            at = put_gt(out, at + 1, gt[s, 0], gt[s, 1])
            out[at] = _COLON
            at = put_int_or_dot(out, at + 1, gq[s])
            out[at] = _COLON
            at = put_int_or_dot(out, at + 1, dp[s])
            missing = state[s] != _OK
            has_pl = with_pl and (gq[s] >= 0)
            last = 3 if ad[s, 0] >= 0 else 2
            last = 4 if has_pl else last
            last = 5 if missing else last
            last = 6 if de_novo[s] > 0.0 else last
            if last < 3:
                continue
            out[at] = _COLON
            at = put_ints(out, at + 1, ad[s], n_alleles, 2_000_000_000)
            if last < 4:
                continue
            out[at] = _COLON
            if has_pl:
                size = n_alleles if ploidy[s] == 1 else n_genotypes
                at = put_ints(out, at + 1, pl[s], size, _PL_CAP)
            else:
                out[at + 1] = _DOT
                at += 2
            if last < 5:
                continue
            out[at] = _COLON
            if missing:
                at = _put_word(out, at + 1, _T_REASON + state[s])
            else:
                out[at + 1] = _DOT
                at += 2
            if last == 6:
                out[at] = _COLON
                at = put_int(out, at + 1, min(99, int(-10.0 * math.log10(max(1e-10, 1.0 - de_novo[s])))))
        out[at] = _NEWLINE
        at += 1
    return at, len(site_pos)
