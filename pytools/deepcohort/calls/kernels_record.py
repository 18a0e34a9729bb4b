"""Kernels: one VCF line as bytes. A pysam record costs 8 us; these lines a few tens of nanoseconds.

Buffers are uint8 arrays that the caller makes long enough; every writer returns the new fill.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import SiteColumns, TextRules
from deepcohort.calls.kernels_bias import fisher_strand, strand_odds_ratio
from deepcohort.calls.kernels_genotype import genotype_alleles, genotype_count
from deepcohort.candidates.columns import Int
from deepcohort.core.numba_options import kernel
from deepcohort.core.phred import MAX_PL
from deepcohort.core.sequence import ASCII_OF_CODE


def as_bytes(value: str) -> NDArray[np.uint8]:
    """ASCII codes of `value`, uint8 (n,), as a constant of kernels."""
    return np.frombuffer(value.encode(), dtype=np.uint8).copy()


_TAB, _NEWLINE, _COMMA, _COLON, _SEMICOLON, _SLASH, _DOT, _ZERO = 9, 10, 44, 58, 59, 47, 46, 48
_NON_REF = as_bytes("<NON_REF>")
_PASS, _LOW_QUAL, _REF_CALL = as_bytes("PASS"), as_bytes("LowQual"), as_bytes("RefCall")
_DISPUTED = as_bytes("Disputed")
_SITE_FORMAT = as_bytes("\tGT:GQ:DP:AD:VAF:PL\t")
_BIAS_FORMAT = as_bytes("\tGT:GQ:DP:AD:VAF:PL:SB\t")
_GIVEN = as_bytes("GIVEN")
_BASE_Q, _FS, _MQ, _MQ_RANK = (
    as_bytes("BaseQRankSum="),
    as_bytes("FS="),
    as_bytes(";MQ="),
    as_bytes(";MQRankSum="),
)
_QD, _RAW_MQ = as_bytes(";QD="), as_bytes(";RAW_MQandDP=")
_READ_POS, _SOR = as_bytes(";ReadPosRankSum="), as_bytes(";SOR=")
_MINUS = 45
_READ_ERROR = 0.01  # of reads that show an allele the genotype lacks, where <NON_REF> is weighed


@kernel
def put_text(buffer: NDArray[np.uint8], n: int, text: NDArray[np.uint8]) -> int:
    """`text` (t,) into `buffer` (B,)."""
    for i in range(len(text)):
        buffer[n + i] = text[i]
    return n + len(text)


@kernel
def put_int(buffer: NDArray[np.uint8], n: int, value: int) -> int:
    """Decimal digits of a value >= 0 into `buffer` (B,)."""
    if value < 10:
        buffer[n] = _ZERO + value
        return n + 1
    digits, rest = 0, value
    while rest > 0:
        digits += 1
        rest //= 10
    for i in range(digits):
        buffer[n + digits - 1 - i] = _ZERO + value % 10
        value //= 10
    return n + digits


@kernel
def put_fixed(buffer: NDArray[np.uint8], n: int, value: float, decimals: int) -> int:
    """A value >= 0 with up to `decimals` decimals into `buffer` (B,), trailing zeros left off."""
    scale = 10**decimals
    whole = int(np.floor(value * scale + 0.5))
    n = put_int(buffer, n, whole // scale)
    rest = whole % scale
    if rest == 0:
        return n
    buffer[n] = _DOT
    n += 1
    while rest > 0:
        scale //= 10
        buffer[n] = _ZERO + rest // scale
        rest %= scale
        n += 1
    return n


@kernel
def _put_bases(buffer: NDArray[np.uint8], n: int, codes: NDArray[np.uint8]) -> int:
    """Letters of `codes` (c,) into `buffer` (B,)."""
    for i in range(len(codes)):
        buffer[n + i] = ASCII_OF_CODE[codes[i]]
    return n + len(codes)


@kernel
def put_start(
    buffer: NDArray[np.uint8], n: int, contig: NDArray[np.uint8], pos: int, name: NDArray[np.uint8]
) -> int:
    """CHROM (c,), POS and ID (a dot where `name` (k,) is empty) into `buffer` (B,), with the tab after it."""
    n = put_text(buffer, n, contig)
    buffer[n] = _TAB
    n = put_int(buffer, n + 1, pos + 1)
    buffer[n] = _TAB
    if len(name):
        n = put_text(buffer, n + 1, name)
    else:
        buffer[n + 1] = _DOT
        n += 2
    buffer[n] = _TAB
    return n + 1


@kernel
def put_genotype(buffer: NDArray[np.uint8], n: int, first: int, second: int) -> int:
    """GT text into `buffer` (B,); -1 = missing, second -2 = haploid."""
    for k in range(2):
        allele = first if k == 0 else second
        if allele == -2:
            break
        if k == 1:
            buffer[n] = _SLASH
            n += 1
        if allele < 0:
            buffer[n] = _DOT
            n += 1
        else:
            n = put_int(buffer, n, allele)
    return n


@kernel
def _put_signed(buffer: NDArray[np.uint8], n: int, value: float) -> int:
    """A value of either sign with up to two decimals into `buffer` (B,); never -0."""
    if value < -0.005:
        buffer[n] = _MINUS
        return put_fixed(buffer, n + 1, -value, 2)
    return put_fixed(buffer, n, max(value, 0.0), 2)


@kernel
def _put_bias(
    buffer: NDArray[np.uint8],
    n: int,
    qual: float,
    dp: int,
    is_called: bool,
    strands: NDArray[np.int32],
    mapping: NDArray[np.int64],
    ranks: NDArray[np.float64],
    in_gvcf: bool,
) -> int:
    """INFO of a site that its reads give, into `buffer` (B,).

    `strands` (4,), `mapping` (2,), `ranks` (3,): see `SiteBias`.
    """
    if ranks[0] == ranks[0]:
        n = put_text(buffer, n, _BASE_Q)
        n = _put_signed(buffer, n, ranks[0])
        buffer[n] = _SEMICOLON
        n += 1
    n = put_text(buffer, n, _FS)
    n = put_fixed(buffer, n, fisher_strand(strands[0], strands[1], strands[2], strands[3]), 2)
    if mapping[1] > 0:
        n = put_text(buffer, n, _MQ)
        n = put_fixed(buffer, n, np.sqrt(mapping[0] / mapping[1]), 2)
    if ranks[1] == ranks[1]:
        n = put_text(buffer, n, _MQ_RANK)
        n = _put_signed(buffer, n, ranks[1])
    if is_called and dp > 0:
        n = put_text(buffer, n, _QD)
        n = put_fixed(buffer, n, qual / dp, 2)
    if in_gvcf:
        n = put_text(buffer, n, _RAW_MQ)
        n = put_int(buffer, n, mapping[0])
        buffer[n] = _COMMA
        n = put_int(buffer, n + 1, mapping[1])
    if ranks[2] == ranks[2]:
        n = put_text(buffer, n, _READ_POS)
        n = _put_signed(buffer, n, ranks[2])
    n = put_text(buffer, n, _SOR)
    return put_fixed(buffer, n, strand_odds_ratio(strands[0], strands[1], strands[2], strands[3]), 2)


@kernel
def allele_fit(x: int, y: int, ploidy: int, depths: NDArray[np.int32]) -> float:
    """log10 likelihood of genotype x/y (haploid: y) from `depths` (A,) alone; index len(depths) is an
    unseen allele.

    Reads of alleles that the genotype lacks are errors.
    """
    score = 0.0
    for a in range(len(depths)):
        if ploidy == 1:
            share = 1.0 if y == a else 0.0
        else:
            share = 0.5 * ((x == a) + (y == a))
        score += depths[a] * np.log10(_READ_ERROR + (1.0 - _READ_ERROR) * share)
    return score


@kernel
def _genotype_fit(g: int, ploidy: int, depths: NDArray[np.int32]) -> float:
    """`allele_fit` of genotype number `g` to `depths` (A,)."""
    x, y = genotype_alleles(g, ploidy)
    if ploidy == 1:
        return allele_fit(-1, x, ploidy, depths)
    return allele_fit(x, y, ploidy, depths)


@kernel
def _put_pl(
    buffer: NDArray[np.uint8],
    n: int,
    gl: NDArray[np.float64],
    n_alleles: int,
    ploidy: int,
    depths: NDArray[np.int32],
    with_non_ref: bool,
) -> int:
    """PL of `gl` (G,) in VCF order into `buffer` (B,); with <NON_REF> as one more allele where asked for.

    Genotypes with <NON_REF> are weighed by `depths` (A,) against the best genotype of seen alleles.
    """
    n_seen = genotype_count(n_alleles, ploidy)
    total = genotype_count(n_alleles + 1, ploidy) if with_non_ref else n_seen
    best = -np.inf
    if with_non_ref:
        for g in range(n_seen):
            best = max(best, _genotype_fit(g, ploidy, depths))
    for g in range(total):
        if g > 0:
            buffer[n] = _COMMA
            n += 1
        value = gl[g] if g < n_seen else min(0.0, _genotype_fit(g, ploidy, depths) - best)
        n = put_int(buffer, n, int(min(float(MAX_PL), -10.0 * value) + 0.5))
    return n


@kernel
def _put_depths(
    buffer: NDArray[np.uint8], n: int, dp: int, depths: NDArray[np.int32], with_non_ref: bool
) -> int:
    """DP:AD:VAF: of `depths` (A,) into `buffer` (B,), with the colon after it."""
    n = put_int(buffer, n, dp)
    buffer[n] = _COLON
    n += 1
    for a in range(len(depths)):
        n = put_int(buffer, n, depths[a])
        buffer[n] = _COMMA
        n += 1
    if with_non_ref:
        buffer[n], buffer[n + 1] = _ZERO, _COLON
        n += 2
    else:
        buffer[n - 1] = _COLON
    for a in range(1, len(depths)):
        n = put_fixed(buffer, n, depths[a] / dp if dp > 0 else 0.0, 4)
        buffer[n] = _COMMA
        n += 1
    if with_non_ref:
        buffer[n], buffer[n + 1] = _ZERO, _COLON
        return n + 2
    buffer[n - 1] = _COLON
    return n


@kernel
def _reads_of(gt: NDArray[np.int8], depths: NDArray[np.int32]) -> np.int64:
    """Reads, of `depths` (A,), that show an ALT of the genotype `gt` (2,)."""
    low, high = min(gt[0], gt[1]), max(gt[0], gt[1])
    n = np.int64(depths[high])
    if low > 0 and low != high:
        n += depths[low]
    return n


@kernel
def _holds_indel(gt: NDArray[np.int8], ref_len: int, alt_offset: NDArray[np.int64], first_alt: Int) -> bool:
    """Whether an ALT of the genotype `gt` (2,) is not as long as REF.

    `alt_offset`: int64, of the ALTs; `first_alt`: the row of the site's first.
    """
    for copy in range(2):
        if gt[copy] > 0:
            row = first_alt + gt[copy] - 1
            if alt_offset[row + 1] - alt_offset[row] != ref_len:
                return True
    return False


@kernel
def _is_sure(
    gt: NDArray[np.int8], qual: float, depths: NDArray[np.int32], is_indel: bool, rules: TextRules
) -> bool:
    """Whether a called site gets FILTER PASS; `gt` (2,), `depths` (A,)."""
    if _reads_of(gt, depths) > 1:
        return qual >= rules.low_qual
    return qual >= max(rules.low_qual, rules.single_indel_qual if is_indel else rules.single_qual)


@kernel
def passes(sites: SiteColumns, rules: TextRules) -> NDArray[np.bool_]:
    """Bool (S,): sites with FILTER PASS, those whose genotype holds an ALT and is sure enough."""
    found = np.zeros(len(sites.gt), np.bool_)
    for s in range(len(found)):
        gt = sites.gt[s]
        if gt[0] >= 0 and max(gt[0], gt[1]) > 0:
            depths = sites.ad[sites.ad_offset[s] : sites.ad_offset[s + 1]]
            is_indel = _holds_indel(gt, sites.ref_len[s], sites.alt_offset, sites.site_offset[s])
            found[s] = _is_sure(gt, sites.qual[s], depths, is_indel, rules)
    return found


class Record(NamedTuple):
    """What one line says.

    pos: 0-based. name: uint8 (n,), of the ID column. ref: uint8 (r,), codes. alt_seq, alt_offset: of the
    ALTs,
    of which `n_alts` from `first_alt` on are the record's. gt: int8 (2,). gl: float64 (g,), log10. depths:
    int32 (n_alts+1,), AD. strands (4,), mapping (2,), ranks (3,): as in `SiteBias`, where `has_bias`.
    """

    pos: int
    name: NDArray[np.uint8]
    ref: NDArray[np.uint8]
    alt_seq: NDArray[np.uint8]
    alt_offset: NDArray[np.int64]
    first_alt: np.int64
    n_alts: np.int64
    ploidy: int
    gt: NDArray[np.int8]
    gl: NDArray[np.float64]
    gq: int
    qual: float
    dp: int
    depths: NDArray[np.int32]
    is_disputed: bool
    is_given: bool
    has_bias: bool
    strands: NDArray[np.int32]
    mapping: NDArray[np.int64]
    ranks: NDArray[np.float64]


@kernel
def _put_filter(buffer: NDArray[np.uint8], n: int, record: Record, rules: TextRules) -> int:
    """FILTER into `buffer` (B,)."""
    gt = record.gt
    if gt[0] < 0:
        buffer[n] = _DOT
        return n + 1
    if gt[0] <= 0 and gt[1] <= 0:
        return put_text(buffer, n, _DISPUTED if record.is_disputed else _REF_CALL)
    is_indel = _holds_indel(gt, len(record.ref), record.alt_offset, record.first_alt)
    is_sure = _is_sure(gt, record.qual, record.depths, is_indel, rules)
    return put_text(buffer, n, _PASS if is_sure else _LOW_QUAL)


@kernel
def _put_info(buffer: NDArray[np.uint8], n: int, record: Record, has_bias: bool, in_gvcf: bool) -> int:
    """INFO and FORMAT into `buffer` (B,), with the tabs around."""
    if record.is_given:
        n = put_text(buffer, n, _GIVEN)
    if record.is_given and has_bias:
        buffer[n] = _SEMICOLON
        n += 1
    if has_bias:
        is_called = record.gt[0] > 0 or record.gt[1] > 0
        n = _put_bias(
            buffer,
            n,
            record.qual,
            record.dp,
            is_called,
            record.strands,
            record.mapping,
            record.ranks,
            in_gvcf,
        )
        return put_text(buffer, n, _BIAS_FORMAT)
    if not record.is_given:
        buffer[n] = _DOT
        n += 1
    return put_text(buffer, n, _SITE_FORMAT)


@kernel
def _put_alts(buffer: NDArray[np.uint8], n: int, record: Record, with_non_ref: bool) -> int:
    """REF and ALT into `buffer` (B,), with the tab after each."""
    n = _put_bases(buffer, n, record.ref)
    buffer[n] = _TAB
    n += 1
    for a in range(record.first_alt, record.first_alt + record.n_alts):
        n = _put_bases(buffer, n, record.alt_seq[record.alt_offset[a] : record.alt_offset[a + 1]])
        buffer[n] = _COMMA
        n += 1
    if with_non_ref:
        n = put_text(buffer, n, _NON_REF) + 1
    buffer[n - 1] = _TAB
    return n


@kernel
def put_site(
    buffer: NDArray[np.uint8],
    n: int,
    contig: NDArray[np.uint8],
    record: Record,
    rules: TextRules,
    with_non_ref: bool,
) -> int:
    """One variant (or RefCall, Disputed or given) record into `buffer` (B,), with the newline.

    `contig`: uint8 (c,), its name. INFO and SB are there where the record has bias.
    """
    strands = record.strands
    has_bias = record.has_bias and strands[0] + strands[1] + strands[2] + strands[3] > 0
    has_bias = has_bias and record.dp > 0  # given alleles without a copy: no read counts
    n = put_start(buffer, n, contig, record.pos, record.name)
    n = _put_alts(buffer, n, record, with_non_ref)
    n = put_fixed(buffer, n, record.qual, 1)
    buffer[n] = _TAB
    n = _put_filter(buffer, n + 1, record, rules)
    buffer[n] = _TAB
    n = _put_info(buffer, n + 1, record, has_bias, with_non_ref)
    n = put_genotype(buffer, n, record.gt[0], record.gt[1])
    buffer[n] = _COLON
    n = put_int(buffer, n + 1, record.gq)
    buffer[n] = _COLON
    n = _put_depths(buffer, n + 1, record.dp, record.depths, with_non_ref)
    n = _put_pl(buffer, n, record.gl, record.n_alts + 1, record.ploidy, record.depths, with_non_ref)
    if has_bias:
        for k in range(4):
            buffer[n] = _COLON if k == 0 else _COMMA
            n = put_int(buffer, n + 1, strands[k])
    buffer[n] = _NEWLINE
    return n + 1


@kernel
def is_given(sites: SiteColumns, s: int) -> bool:
    """Whether an ALT of site `s` is in `sites.given` (A,)."""
    for a in range(sites.site_offset[s], sites.site_offset[s + 1]):  # noqa: SIM110 - numba has no any()
        if sites.given[a]:
            return True
    return False
