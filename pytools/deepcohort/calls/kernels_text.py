"""Kernels: VCF lines as bytes. A pysam record costs 8 us; these lines a few tens of nanoseconds.

Buffers are uint8 arrays that the caller makes long enough (`text_capacity`); every writer returns the
new fill. `lines` int64 (n, 3) collects (POS 0-based, end 0-based exclusive, first byte) for the index.
"""
# mypy: ignore-errors

import numpy as np

from deepcohort.calls.kernels_bias import fisher_strand, strand_odds_ratio
from deepcohort.calls.kernels_genotype import genotype_alleles, genotype_count
from deepcohort.core.numba_options import kernel
from deepcohort.core.phred import MAX_GQ, MAX_PL
from deepcohort.core.sequence import ASCII_OF_CODE
from deepcohort.core.vcf_constants import COVERED_AT


def _text(value: str) -> np.ndarray:
    return np.frombuffer(value.encode(), dtype=np.uint8).copy()


_TAB, _NEWLINE, _COMMA, _COLON, _SEMICOLON, _SLASH, _DOT, _ZERO = 9, 10, 44, 58, 59, 47, 46, 48
_NON_REF = _text("<NON_REF>")
_PASS, _LOW_QUAL, _REF_CALL = _text("PASS"), _text("LowQual"), _text("RefCall")
_DISPUTED = _text("Disputed")
_BLOCK_FORMAT = _text("\tGT:GQ:DP:MIN_DP:PL\t")
_SITE_FORMAT = _text("\tGT:GQ:DP:AD:VAF:PL\t")
_BIAS_FORMAT = _text("\tGT:GQ:DP:AD:VAF:PL:SB\t")
_GIVEN = _text("GIVEN")
_COV = _text(";COV=")
_BASE_Q, _FS, _MQ, _MQ_RANK = _text("BaseQRankSum="), _text("FS="), _text(";MQ="), _text(";MQRankSum=")
_QD, _RAW_MQ, _READ_POS, _SOR = (
    _text(";QD="),
    _text(";RAW_MQandDP="),
    _text(";ReadPosRankSum="),
    _text(";SOR="),
)
_MINUS = 45
_BLOCK_INFO = _text("\t<NON_REF>\t.\t.\tEND=")
_READ_ERROR = 0.01  # of reads that show an allele the genotype lacks, where <NON_REF> is weighed

# open reference block: columns of the state array, int64 (N_STATE,)
OPEN, START, END, CLASS, DEPTH, MIN_DEPTH, PL_ONE, PL_TWO, REF_CODE, COVERED, SUM, AT_LEAST = range(12)
N_STATE = AT_LEAST + len(COVERED_AT)
_COVERED_AT = np.array(COVERED_AT)
# columns of `lines`
LINE_POS, LINE_END, LINE_BYTE = range(3)


@kernel
def _put(buffer, n, text):
    for i in range(len(text)):
        buffer[n + i] = text[i]
    return n + len(text)


@kernel
def _put_int(buffer, n, value):
    """Decimal digits of a value >= 0."""
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
def _put_fixed(buffer, n, value, decimals):
    """A value >= 0 with up to `decimals` decimals, trailing zeros left off."""
    scale = 10**decimals
    whole = int(np.floor(value * scale + 0.5))
    n = _put_int(buffer, n, whole // scale)
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
def _put_bases(buffer, n, codes):
    for i in range(len(codes)):
        buffer[n + i] = ASCII_OF_CODE[codes[i]]
    return n + len(codes)


@kernel
def _put_start(buffer, n, contig, pos, name):
    """CHROM, POS and ID (a dot where `name` is empty), with the tab after it."""
    n = _put(buffer, n, contig)
    buffer[n] = _TAB
    n = _put_int(buffer, n + 1, pos + 1)
    buffer[n] = _TAB
    if len(name):
        n = _put(buffer, n + 1, name)
    else:
        buffer[n + 1] = _DOT
        n += 2
    buffer[n] = _TAB
    return n + 1


@kernel
def _put_genotype(buffer, n, first, second):
    """GT text; -1 = missing, second -2 = haploid."""
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
            n = _put_int(buffer, n, allele)
    return n


@kernel
def _put_signed(buffer, n, value):
    """A value of either sign with up to two decimals; never -0."""
    if value < -0.005:
        buffer[n] = _MINUS
        return _put_fixed(buffer, n + 1, -value, 2)
    return _put_fixed(buffer, n, max(value, 0.0), 2)


@kernel
def _put_coverage(buffer, n, state):
    """INFO COV of the open block, unless every base has MIN_DP."""
    bp = state[END] - state[START]
    if state[SUM] == bp * state[MIN_DEPTH]:
        return n
    n = _put(buffer, n, _COV)
    n = _put_int(buffer, n, state[SUM])
    for k in range(len(_COVERED_AT)):
        if state[MIN_DEPTH] >= _COVERED_AT[k]:
            continue  # all bases
        if state[AT_LEAST + k] == 0:
            break  # nor any deeper
        buffer[n] = _COMMA
        n = _put_int(buffer, n + 1, state[AT_LEAST + k])
    return n


@kernel
def _put_bias(buffer, n, qual, dp, is_called, strands, mapping, ranks, in_gvcf):
    """INFO of a site that its reads give."""
    if ranks[0] == ranks[0]:
        n = _put(buffer, n, _BASE_Q)
        n = _put_signed(buffer, n, ranks[0])
        buffer[n] = _SEMICOLON
        n += 1
    n = _put(buffer, n, _FS)
    n = _put_fixed(buffer, n, fisher_strand(strands[0], strands[1], strands[2], strands[3]), 2)
    if mapping[1] > 0:
        n = _put(buffer, n, _MQ)
        n = _put_fixed(buffer, n, np.sqrt(mapping[0] / mapping[1]), 2)
    if ranks[1] == ranks[1]:
        n = _put(buffer, n, _MQ_RANK)
        n = _put_signed(buffer, n, ranks[1])
    if is_called and dp > 0:
        n = _put(buffer, n, _QD)
        n = _put_fixed(buffer, n, qual / dp, 2)
    if in_gvcf:
        n = _put(buffer, n, _RAW_MQ)
        n = _put_int(buffer, n, mapping[0])
        buffer[n] = _COMMA
        n = _put_int(buffer, n + 1, mapping[1])
    if ranks[2] == ranks[2]:
        n = _put(buffer, n, _READ_POS)
        n = _put_signed(buffer, n, ranks[2])
    n = _put(buffer, n, _SOR)
    return _put_fixed(buffer, n, strand_odds_ratio(strands[0], strands[1], strands[2], strands[3]), 2)


@kernel
def close_block(buffer, n, lines, n_lines, state, contig):
    """Write the open reference block, if any, and mark it closed; returns (n, n_lines)."""
    if state[OPEN] == 0:
        return n, n_lines
    state[OPEN] = 0
    lines[n_lines, 0], lines[n_lines, 1], lines[n_lines, 2] = state[START], state[END], n
    n = _put_start(buffer, n, contig, state[START], contig[:0])
    buffer[n] = ASCII_OF_CODE[state[REF_CODE]]
    n = _put(buffer, n + 1, _BLOCK_INFO)
    n = _put_int(buffer, n, state[END])
    n = _put_coverage(buffer, n, state)
    n = _put(buffer, n, _BLOCK_FORMAT)
    copies, covered = state[CLASS] // 64, state[CLASS] % 64 > 0
    allele = 0 if covered else -1
    n = _put_genotype(buffer, n, allele, -2 if copies == 1 else allele)
    buffer[n] = _COLON
    n = _put_int(buffer, n + 1, min(state[PL_ONE], state[PL_TWO], MAX_GQ))
    buffer[n] = _COLON
    n = _put_int(buffer, n + 1, state[DEPTH])
    buffer[n] = _COLON
    n = _put_int(buffer, n + 1, state[MIN_DEPTH])
    buffer[n], buffer[n + 1], buffer[n + 2] = _COLON, _ZERO, _COMMA
    n += 3
    if copies != 1:
        n = _put_int(buffer, n, state[PL_ONE])
        buffer[n] = _COMMA
        n += 1
    n = _put_int(buffer, n, state[PL_TWO])
    buffer[n] = _NEWLINE
    return n + 1, n_lines + 1


@kernel
def allele_fit(x, y, ploidy, depths):
    """log10 likelihood of genotype x/y (haploid: y) from AD alone; index len(depths) is an unseen allele.

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
def _genotype_fit(g, ploidy, depths):
    x, y = genotype_alleles(g, ploidy)
    if ploidy == 1:
        return allele_fit(-1, x, ploidy, depths)
    return allele_fit(x, y, ploidy, depths)


@kernel
def _put_pl(buffer, n, gl, n_alleles, ploidy, depths, with_non_ref):
    """PL in VCF order; with <NON_REF> as one more allele where asked for.

    Genotypes with <NON_REF> are weighed by AD against the best genotype of seen alleles.
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
        n = _put_int(buffer, n, int(min(float(MAX_PL), -10.0 * value) + 0.5))
    return n


@kernel
def _put_depths(buffer, n, dp, depths, with_non_ref):
    """DP:AD:VAF: with the colon after it."""
    n = _put_int(buffer, n, dp)
    buffer[n] = _COLON
    n += 1
    for a in range(len(depths)):
        n = _put_int(buffer, n, depths[a])
        buffer[n] = _COMMA
        n += 1
    if with_non_ref:
        buffer[n], buffer[n + 1] = _ZERO, _COLON
        n += 2
    else:
        buffer[n - 1] = _COLON
    for a in range(1, len(depths)):
        n = _put_fixed(buffer, n, depths[a] / dp if dp > 0 else 0.0, 4)
        buffer[n] = _COMMA
        n += 1
    if with_non_ref:
        buffer[n], buffer[n + 1] = _ZERO, _COLON
        return n + 2
    buffer[n - 1] = _COLON
    return n


@kernel
def _reads_of(gt, depths):
    """Reads that show an ALT of the genotype."""
    low, high = min(gt[0], gt[1]), max(gt[0], gt[1])
    n = np.int64(depths[high])
    if low > 0 and low != high:
        n += depths[low]
    return n


@kernel
def _is_sure(gt, qual, depths, low_qual, single_qual):
    """Whether a called site gets FILTER PASS."""
    return qual >= (max(low_qual, single_qual) if _reads_of(gt, depths) <= 1 else low_qual)


@kernel
def passes(gt, qual, ad, ad_offset, low_qual, single_qual):
    """Bool (S,): sites with FILTER PASS, those whose genotype holds an ALT and is sure enough."""
    found = np.zeros(len(gt), np.bool_)
    for s in range(len(gt)):
        if gt[s, 0] >= 0 and max(gt[s, 0], gt[s, 1]) > 0:
            found[s] = _is_sure(gt[s], qual[s], ad[ad_offset[s] : ad_offset[s + 1]], low_qual, single_qual)
    return found


@kernel
def put_site(
    buffer, n, contig, pos, ref_codes, alt_seq, alt_offset, first_alt, n_alts, ploidy, gt, gl, gq, qual,
    dp, depths, low_qual, single_qual, with_non_ref, is_disputed, name, is_given, has_bias, strands, mapping,
    ranks,
):  # fmt: skip
    """One variant (or RefCall, Disputed or given) record, with the newline; INFO and SB where `has_bias`."""
    n = _put_start(buffer, n, contig, pos, name)
    has_bias = has_bias and strands[0] + strands[1] + strands[2] + strands[3] > 0
    n = _put_bases(buffer, n, ref_codes)
    buffer[n] = _TAB
    n += 1
    for a in range(first_alt, first_alt + n_alts):
        n = _put_bases(buffer, n, alt_seq[alt_offset[a] : alt_offset[a + 1]])
        buffer[n] = _COMMA
        n += 1
    if with_non_ref:
        n = _put(buffer, n, _NON_REF) + 1
    buffer[n - 1] = _TAB
    n = _put_fixed(buffer, n, qual, 1)
    buffer[n] = _TAB
    if gt[0] < 0:
        buffer[n + 1] = _DOT
        n += 2
    elif gt[0] <= 0 and gt[1] <= 0:
        n = _put(buffer, n + 1, _DISPUTED if is_disputed else _REF_CALL)
    else:
        is_sure = _is_sure(gt, qual, depths, low_qual, single_qual)
        n = _put(buffer, n + 1, _PASS if is_sure else _LOW_QUAL)
    buffer[n] = _TAB
    n += 1
    if is_given:
        n = _put(buffer, n, _GIVEN)
    if is_given and has_bias:
        buffer[n] = _SEMICOLON
        n += 1
    if has_bias:
        is_called = gt[0] > 0 or gt[1] > 0
        n = _put_bias(buffer, n, qual, dp, is_called, strands, mapping, ranks, with_non_ref)
        n = _put(buffer, n, _BIAS_FORMAT)
    else:
        if not is_given:
            buffer[n] = _DOT
            n += 1
        n = _put(buffer, n, _SITE_FORMAT)
    n = _put_genotype(buffer, n, gt[0], gt[1])
    buffer[n] = _COLON
    n = _put_int(buffer, n + 1, gq)
    buffer[n] = _COLON
    n = _put_depths(buffer, n + 1, dp, depths, with_non_ref)
    n = _put_pl(buffer, n, gl, n_alts + 1, ploidy, depths, with_non_ref)
    if has_bias:
        for k in range(4):
            buffer[n] = _COLON if k == 0 else _COMMA
            n = _put_int(buffer, n + 1, strands[k])
    buffer[n] = _NEWLINE
    return n + 1


@kernel
def text_capacity(contig_bytes, classes, ref_len, n_alts, alt_bytes):
    """Bytes that suffice for one chunk, and lines: (bytes, lines)."""
    lines = 2
    for i in range(1, len(classes)):
        if classes[i] != classes[i - 1]:
            lines += 1
    lines += 2 * len(ref_len)
    size = lines * (contig_bytes + 192) + alt_bytes
    for s in range(len(ref_len)):
        alleles = n_alts[s] + 2
        size += contig_bytes + 384 + ref_len[s] + alleles * 32 + 6 * alleles * (alleles + 1) // 2
    return size, lines


@kernel
def _cover(state, depth):
    """Add a base of the open block to what COV says."""
    state[SUM] += depth
    for k in range(len(_COVERED_AT)):
        if depth >= _COVERED_AT[k]:
            state[AT_LEAST + k] += 1


@kernel
def write_gvcf(
    buffer, lines, state, contig, start, end, reference, reference_start, classes, n_total, one, two,
    pos, ref_len, n_alts, alt_seq, alt_offset, site_offset, ploidy, gt, gl, gl_offset, gq, qual, dp, ad,
    ad_offset, low_qual, single_qual, disputed, given, covers, id_text, id_offset, given_only, strands,
    mapping, ranks,
):  # fmt: skip
    """gVCF lines of start:end. Sites may begin before `start`: they only cover bases then.

    `classes`, `n_total`, `one`, `two` begin at `start`. The last block stays open in `state`. `given_only`:
    sites with given alleles alone, no blocks. `strands`, `mapping` and `ranks` are those of `SiteBias`, or of
    length 0 where nothing is known.

    Returns:
        (bytes, lines) written.
    """
    n, n_lines, s = 0, 0, 0
    has_bias = len(strands) > 0
    while s < len(pos) and pos[s] < start:
        state[COVERED] = max(state[COVERED], pos[s] + covers[s])
        s += 1
    for p in range(start, end):
        i = p - start
        here = s < len(pos) and pos[s] == p
        if given_only and not (here and given[site_offset[s] : site_offset[s + 1]].any()):
            s += here
            continue
        if here:
            n, n_lines = close_block(buffer, n, lines, n_lines, state, contig)
            at = p - reference_start
            lines[n_lines, 0], lines[n_lines, 1], lines[n_lines, 2] = p, p + ref_len[s], n
            n = put_site(
                buffer, n, contig, p, reference[at : at + ref_len[s]], alt_seq, alt_offset, site_offset[s],
                n_alts[s], ploidy[s], gt[s], gl[gl_offset[s] : gl_offset[s + 1]], gq[s], qual[s], dp[s],
                ad[ad_offset[s] : ad_offset[s + 1]], low_qual, single_qual, True, disputed[s],
                id_text[id_offset[s] : id_offset[s + 1]], given[site_offset[s] : site_offset[s + 1]].any(),
                has_bias, strands[s if has_bias else 0], mapping[s if has_bias else 0],
                ranks[s if has_bias else 0],
            )  # fmt: skip
            n_lines += 1
            state[COVERED] = max(state[COVERED], p + covers[s])
            s += 1
            continue
        if p < state[COVERED]:
            continue
        if state[OPEN] and state[CLASS] == classes[i] and state[END] == p:
            state[END] = p + 1
            _cover(state, n_total[i])
            state[MIN_DEPTH] = min(state[MIN_DEPTH], n_total[i])
            state[PL_ONE] = min(state[PL_ONE], one[i])
            state[PL_TWO] = min(state[PL_TWO], two[i])
            continue
        n, n_lines = close_block(buffer, n, lines, n_lines, state, contig)
        state[OPEN], state[START], state[END], state[CLASS] = 1, p, p + 1, classes[i]
        state[DEPTH] = state[MIN_DEPTH] = n_total[i] if classes[i] % 64 else 0
        state[PL_ONE], state[PL_TWO] = one[i], two[i]
        state[SUM:] = 0
        _cover(state, n_total[i])
        state[REF_CODE] = reference[p - reference_start]
    return n, n_lines


@kernel
def _called_alleles(gt, given, kept):
    """Indices of REF and of the alternates in the genotype or given, ascending, into `kept`; their number."""
    kept[0] = 0
    n = 1
    for a in range(1, len(given) + 1):
        if given[a - 1] or a == gt[0] or a == gt[1]:
            kept[n] = a
            n += 1
    return n


@kernel
def write_called(
    buffer, lines, contig, start, end, reference, reference_start, pos, ref_len, n_alts, alt_seq, alt_offset,
    site_offset, ploidy, gt, gl, gl_offset, gq, qual, dp, ad, ad_offset, low_qual, single_qual,
    disputed, given, id_text, id_offset, given_only, strands, mapping, ranks,
):  # fmt: skip
    """VCF lines of the sites of start:end whose genotype holds an ALT, cut to the alleles called.

    Disputed sites are written too, with the ALT that most reads show; and sites with given alleles, with
    those (`given_only`: no others).

    Returns:
        (bytes, lines) written.
    """
    n, n_lines = 0, 0
    has_bias = len(strands) > 0
    room = 3
    for s in range(len(pos)):
        room = max(room, n_alts[s] + 1)
    kept = np.empty(room, np.int64)
    new_offset = np.zeros(room, np.int64)
    new_gl, new_ad = np.empty(room * (room + 1) // 2), np.empty(room, np.int32)
    for s in range(len(pos)):
        is_called = max(gt[s, 0], gt[s, 1]) > 0
        own_given = given[site_offset[s] : site_offset[s + 1]]
        is_given = own_given.any()
        if not start <= pos[s] < end or not (is_called or disputed[s] or is_given):
            continue
        if given_only and not is_given:
            continue
        n_kept = _called_alleles(gt[s], own_given, kept)
        if not is_called and not is_given:
            kept[1] = 1 + np.argmax(ad[ad_offset[s] + 1 : ad_offset[s + 1]])
            n_kept = 2
        # bases that all kept alleles share on the right go
        first, drop = site_offset[s], ref_len[s] - 1
        at = pos[s] - reference_start
        for a in range(1, n_kept):
            k = first + kept[a] - 1
            length = alt_offset[k + 1] - alt_offset[k]
            shared = 0
            while shared < min(drop, length - 1) and (
                alt_seq[alt_offset[k + 1] - 1 - shared] == reference[at + ref_len[s] - 1 - shared]
            ):
                shared += 1
            drop = min(drop, shared)
        size = 0
        for a in range(1, n_kept):
            k = first + kept[a] - 1
            size += alt_offset[k + 1] - alt_offset[k] - drop
        new_seq = np.empty(size, np.uint8)
        size = 0
        for a in range(1, n_kept):
            k = first + kept[a] - 1
            for b in range(alt_offset[k], alt_offset[k + 1] - drop):
                new_seq[size] = alt_seq[b]
                size += 1
            new_offset[a] = size
        m = 0
        for y in range(n_kept):
            new_ad[y] = ad[ad_offset[s] + kept[y]]
            for x in range(y + 1):
                if ploidy[s] == 1:
                    if x == 0:
                        new_gl[m] = gl[gl_offset[s] + kept[y]]
                        m += 1
                else:
                    new_gl[m] = gl[gl_offset[s] + kept[y] * (kept[y] + 1) // 2 + kept[x]]
                    m += 1
        new_gt = np.empty(2, np.int8)
        for h in range(2):
            new_gt[h] = gt[s, h]
            for a in range(1, n_kept):
                if gt[s, h] == kept[a]:
                    new_gt[h] = a
        n_ref = ref_len[s] - drop
        lines[n_lines, 0], lines[n_lines, 1], lines[n_lines, 2] = pos[s], pos[s] + n_ref, n
        n = put_site(
            buffer, n, contig, pos[s], reference[at : at + n_ref], new_seq, new_offset, 0,
            n_kept - 1, ploidy[s], new_gt, new_gl[:m], gq[s], qual[s], dp[s], new_ad[:n_kept], low_qual,
            single_qual, False, disputed[s], id_text[id_offset[s] : id_offset[s + 1]], is_given, has_bias,
            strands[s if has_bias else 0], mapping[s if has_bias else 0], ranks[s if has_bias else 0],
        )  # fmt: skip
        n_lines += 1
    return n, n_lines
