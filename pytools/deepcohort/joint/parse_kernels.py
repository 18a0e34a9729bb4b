"""gVCF text to columns, 200-400 MB/s: no objects, no strings, one pass over the bytes.

Every field that is read is checked: what breaks VCF ends the pass (docs/joint.md lists what is tolerated).
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.formats.vcf_check_kernels import (
    BAD_ALT,
    BAD_END,
    BAD_FORMAT,
    BAD_GT,
    BAD_POS,
    BAD_QUAL,
    BAD_REF,
    BAD_VALUE,
    COLUMNS,
    COUNT,
    DROPPED,
    EMPTY,
    NEGATIVE,
    PLOIDY,
    SOUND,
    SURPLUS,
)
from deepcohort.formats.vcf_value_kernels import (
    MAX_INT,
    MAX_POS,
    genotype_ploidy,
    info_end,
    is_alt,
    is_number,
    is_ref,
    n_genotypes,
    natural,
)
from deepcohort.joint import columns as c

_TAB, _NEWLINE, _COLON, _COMMA, _DOT, _SEMICOLON = 9, 10, 58, 44, 46, 59
_ZERO, _MINUS, _HASH, _LESS, _MORE, _STAR, _EQUAL, _SLASH, _BAR = 48, 45, 35, 60, 62, 42, 61, 47, 124
_POS, _END, _KIND, _FILTERED, _N_ALT, _REF_LEN, _SEQ, _SEQ_LEN = (
    c.POS, c.END, c.KIND, c.FILTERED, c.N_ALT, c.REF_LEN, c.SEQ, c.SEQ_LEN,
)  # fmt: skip
_GT0, _GT1, _GQ, _DP, _PL, _PL_N, _AD, _AD_N, _SB, _MQ_SQ, _MQ_N, _X = (
    c.GT0, c.GT1, c.GQ, c.DP, c.PL, c.PL_N, c.AD, c.AD_N, c.SB, c.MQ_SQ, c.MQ_N, c.X,
)  # fmt: skip
_BLOCK, _VARIANT = c.BLOCK, c.VARIANT
_RANKS, _N_RANKS, _NO_RANK = c.RANKS, c.N_RANKS, c.NO_RANK
_PS, _PQ = c.PS, c.PQ
_INT_LIMIT = 1_000_000_000
_MOST_PL = 100_000_000  # beyond it no likelihood, nor depth, lies
_MAX_ALTS = 1_000  # the genotyping kernels hold as many

# why parsing stopped
DONE, NEXT_CONTIG, UNSORTED, GAP, TWICE, OTHER_REF, BEYOND = -1, -2, -3, -4, -5, -6, -7
# or the fault of the line, as in vcf_check_kernels

# FORMAT keys, by their code in _format_code
_K_GT, _K_GQ, _K_DP, _K_MIN_DP, _K_AD, _K_PL, _K_SB, _K_GQX, _K_OTHER = 0, 1, 2, 3, 4, 5, 6, 7, 8
_K_PS, _K_PQ = 9, 10
_MAX_KEYS = 64


@kernel
def _read_int(text: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """Integer at `at` (0 and no progress if none is there) and where it ends; cut at 1e9."""
    negative = at < stop and text[at] == _MINUS
    if negative:
        at += 1
    value = 0
    while at < stop:
        digit = text[at] - _ZERO
        if digit < 0 or digit > 9:
            break
        if value < _INT_LIMIT:
            value = value * 10 + digit
        at += 1
    return (-value if negative else value), at


@kernel
def _field_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Index of the next TAB or newline (or `stop`)."""
    while at < stop and text[at] > _NEWLINE:  # lesser ones are refused before
        at += 1
    return at


@kernel
def _format_code(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Code of the FORMAT key text[at:stop]."""
    size = stop - at
    if size == 2:
        a, b = text[at], text[at + 1]
        if a == 71:  # G
            return _K_GT if b == 84 else (_K_GQ if b == 81 else _K_OTHER)
        if a == 68 and b == 80:
            return _K_DP
        if a == 65 and b == 68:
            return _K_AD
        if a == 80:  # P
            return _K_PL if b == 76 else (_K_PS if b == 83 else (_K_PQ if b == 81 else _K_OTHER))
        if a == 83 and b == 66:
            return _K_SB
    elif size == 6 and text[at] == 77 and text[at + 3] == 95 and text[at + 4] == 68:  # MIN_DP
        return _K_MIN_DP
    elif size == 3 and text[at] == 71 and text[at + 1] == 81 and text[at + 2] == 88:  # GQX
        return _K_GQX
    return _K_OTHER


@kernel
def _is_word(text: NDArray[np.uint8], at: int, stop: int, word: NDArray[np.uint8]) -> bool:
    if stop - at != len(word):
        return False
    for i in range(len(word)):  # noqa: SIM110 - numba compiles no generators
        if text[at + i] != word[i]:
            return False
    return True


_W_RAW_MQ = np.frombuffer(b"RAW_MQandDP", dtype=np.uint8)
_W_MQ = np.frombuffer(b"MQ", dtype=np.uint8)
_W_BASE_Q = np.frombuffer(b"BaseQRankSum", dtype=np.uint8)
_W_MQ_RANK = np.frombuffer(b"MQRankSum", dtype=np.uint8)
_W_READ_POS = np.frombuffer(b"ReadPosRankSum", dtype=np.uint8)
_W_PASS = np.frombuffer(b"PASS", dtype=np.uint8)
_W_REF_CALL = np.frombuffer(b"RefCall", dtype=np.uint8)
_W_LOW_QUAL = np.frombuffer(b"LowQual", dtype=np.uint8)
_W_DISPUTED = np.frombuffer(b"Disputed", dtype=np.uint8)
_W_NO_CALL = np.frombuffer(b"NoCall", dtype=np.uint8)


@kernel
def _read_milli(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Decimal number text[at:stop] in thousandths, cut at 1e6; NO_RANK where it is none."""
    negative = at < stop and text[at] == _MINUS
    if negative:
        at += 1
    value, decimals, digits = 0, -1, 0
    while at < stop:
        digit = text[at] - _ZERO
        if text[at] == _DOT and decimals < 0:
            decimals = 0
        elif digit < 0 or digit > 9:
            return _NO_RANK
        else:
            digits += 1
            if decimals < 3 and value < _INT_LIMIT:
                value = value * 10 + digit
                decimals += 1 if decimals >= 0 else 0
        at += 1
    if digits == 0:
        return _NO_RANK
    for _ in range(3 - max(decimals, 0)):
        value *= 10
    value = min(value, _INT_LIMIT)
    return -value if negative else value


@kernel
def _read_info(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> None:
    """Fill MQ_SQ and MQ_N from RAW_MQandDP=sum,n or from MQ=x (weight 0: the record's DP), and RANKS."""
    while at < stop:
        end = equals = at
        while end < stop and text[end] != _SEMICOLON:
            if text[end] == _EQUAL and equals == at:
                equals = end
            end += 1
        if equals > at:
            if _is_word(text, at, equals, _W_RAW_MQ):
                square, after = _read_int(text, equals + 1, end)
                count, _ = _read_int(text, after + 1, end)
                row[_MQ_SQ], row[_MQ_N] = square, count
            elif _is_word(text, at, equals, _W_MQ) and row[_MQ_N] < 0:
                whole, _ = _read_int(text, equals + 1, end)
                row[_MQ_SQ], row[_MQ_N] = whole, 0
            elif _is_word(text, at, equals, _W_BASE_Q):
                row[_RANKS] = _read_milli(text, equals + 1, end)
            elif _is_word(text, at, equals, _W_MQ_RANK):
                row[_RANKS + 1] = _read_milli(text, equals + 1, end)
            elif _is_word(text, at, equals, _W_READ_POS):
                row[_RANKS + 2] = _read_milli(text, equals + 1, end)
        at = end + 1


@kernel
def _filter_bars(text: NDArray[np.uint8], at: int, stop: int) -> bool:
    """Whether FILTER rejects the record; RefCall, Disputed, NoCall, LowQual leave it to the PLs."""
    if stop - at == 1 and text[at] == _DOT:
        return False
    while at < stop:
        word_end = at
        while word_end < stop and text[word_end] != _SEMICOLON:
            word_end += 1
        known = (
            _is_word(text, at, word_end, _W_PASS)
            or _is_word(text, at, word_end, _W_REF_CALL)
            or _is_word(text, at, word_end, _W_LOW_QUAL)
            or _is_word(text, at, word_end, _W_NO_CALL)
            or _is_word(text, at, word_end, _W_DISPUTED)
        )
        if not known:
            return True
        at = word_end + 1
    return False


@kernel
def _read_alts(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> bool:
    """Count the ALTs of text[at:stop]; set N_ALT, X and KIND. False where one of them is no allele."""
    row[_X] = -1
    if stop - at == 1 and text[at] == _DOT:
        row[_N_ALT], row[_KIND] = 0, _BLOCK
        return True
    count = 0
    solid = 0
    while True:
        end = at
        inside = False  # of <...>, which may hold commas
        while end < stop and (inside or text[end] != _COMMA):
            inside = (inside or text[end] == _LESS) and text[end] != _MORE
            end += 1
        if not is_alt(text, at, end):
            return False
        count += 1
        if text[at] == _LESS:
            # <NON_REF>, <*> and bcftools 1.2's <X> stand for any allele not seen; others are not genotyped
            is_x = text[at + 1] == 88 and text[at + 2] == _MORE
            if text[at + 1] == _STAR or is_x or (text[at + 1] == 78 and text[at + 2] == 79):
                row[_X] = count
            else:
                solid += 1
        else:
            solid += 1
        at = end + 1
        if end >= stop:
            break
    row[_N_ALT] = count
    row[_KIND] = _VARIANT if solid else _BLOCK
    return count <= _MAX_ALTS


@kernel
def _read_list(
    text: NDArray[np.uint8], at: int, stop: int, numbers: NDArray[np.int32], used: int
) -> tuple[int, int, int]:
    """Comma-separated natural numbers text[at:stop] to numbers[used:]; `.` is -1.

    Returns:
        New used, how many are `.`, and a fault.
    """
    missing = 0
    while True:
        value = 0
        first = at
        while at < stop and text[at] != _COMMA:
            digit = text[at] - _ZERO
            if digit < 0 or digit > 9 or value > _MOST_PL:
                break
            value = value * 10 + digit
            at += 1
        if at == first and at < stop and text[at] == _DOT:
            value = -1
            missing += 1
            at += 1
        elif at == first:
            return used, missing, NEGATIVE if at < stop and text[at] == _MINUS else BAD_VALUE
        if value > _MOST_PL or (at < stop and text[at] != _COMMA):
            return used, missing, BAD_VALUE
        numbers[used] = value
        used += 1
        if at >= stop:
            return used, missing, SOUND
        at += 1


@kernel
def _read_gt(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> int:
    """GT text[at:stop] to GT0 and GT1; a fault where it is none of one or two of these alleles.

    Beside ALT `.` allele 1 stands for the unseen one; `_read_sample` asks for its PLs.
    """
    ploidy = genotype_ploidy(text, at, stop, max(1, row[_N_ALT]))
    if ploidy < 0:
        return BAD_GT
    if ploidy > 2:
        return PLOIDY
    if at < stop and (text[at] == _SLASH or text[at] == _BAR):
        at += 1
    value, after = _read_int(text, at, stop)
    if after == at:
        row[_GT0] = -1
        after = at + 1
    else:
        row[_GT0] = value
    row[_GT1] = -2
    if after < stop and (text[after] == _SLASH or text[after] == _BAR):
        value, end = _read_int(text, after + 1, stop)
        row[_GT1] = value if end > after + 1 else -1
        row[_PS] = 0 if text[after] == _BAR else -1
    return SOUND


@kernel
def _pl_fits(count: int, row: NDArray[np.int32]) -> bool:
    """Whether a record may have `count` PLs: one for each genotype of its alleles.

    Tolerated: those of two copies beside a haploid GT; three where ALT is `.` (the unseen allele counted).
    """
    n_alleles = row[_N_ALT] + 1
    if count == n_genotypes(n_alleles, 2) or (n_alleles == 1 and count == 3):
        return True
    haploid = row[_GT1] == -2 or (row[_GT0] < 0 and row[_GT1] < 0)
    return haploid and count == n_alleles


@kernel
def _read_numbers(
    text: NDArray[np.uint8], code: int, at: int, stop: int, row: NDArray[np.int32],
    numbers: NDArray[np.int32], used: int,
) -> tuple[int, int]:  # fmt: skip
    """Read the list of PL, AD or SB (by `code`), text[at:stop]; new used, and a fault."""
    first = used
    used, missing, fault = _read_list(text, at, stop, numbers, used)
    count = used - first
    if code == _K_SB:
        if fault != SOUND or count != 4 or missing > 0:  # other callers' SB is another number
            return first, SOUND
        row[_SB] = first
        return used, SOUND
    if fault == NEGATIVE and row[_FILTERED] and row[_GT0] < 0 and row[_GT1] < 0:
        return first, SOUND  # xAtlas fills what it has no data for
    if fault != SOUND:
        return first, fault
    if missing == count:
        return first, SOUND
    if code == _K_PL:
        if missing > 0 or not _pl_fits(count, row):
            return first, COUNT
        row[_PL], row[_PL_N] = first, count
    else:
        if count != row[_N_ALT] + 1 and row[_N_ALT] > 0:
            return first, COUNT
        row[_AD], row[_AD_N] = first, count
    return used, SOUND


@kernel
def _read_scalar(text: NDArray[np.uint8], code: int, at: int, stop: int) -> tuple[int, int]:
    """Value of GQ, GQX, DP or MIN_DP, text[at:stop]: (-1 for `.`, fault). GQ may have decimals."""
    if stop - at == 1 and text[at] == _DOT:
        return -1, SOUND
    if at < stop and text[at] == _MINUS:
        return -1, NEGATIVE
    value = natural(text, at, stop)
    if value > MAX_INT:
        return -1, BAD_VALUE
    if value < 0:
        if (code != _K_GQ and code != _K_GQX) or not is_number(text, at, stop):
            return -1, BAD_VALUE
        value, _ = _read_int(text, at, stop)
    return min(value, _INT_LIMIT), SOUND


@kernel
def _read_phase(text: NDArray[np.uint8], code: int, at: int, stop: int, row: NDArray[np.int32]) -> None:
    """PS or PQ text[at:stop] of a phased GT, which stands before them; a PS that is no number unphases it."""
    if row[_PS] < 0 or (stop - at == 1 and text[at] == _DOT):
        return
    value = natural(text, at, stop)
    if code == _K_PQ:
        row[_PQ] = value if value <= _INT_LIMIT else -1
    else:
        row[_PS] = value if value <= MAX_INT else -1


@kernel
def _read_format(text: NDArray[np.uint8], at: int, stop: int, codes: NDArray[np.int8]) -> int:
    """Codes of the keys of FORMAT text[at:stop]; how many, -1 where one is empty, known and repeated."""
    n = 0
    while True:
        end = at
        while end < stop and text[end] != _COLON:
            end += 1
        if end == at or n == _MAX_KEYS:
            return -1
        codes[n] = _format_code(text, at, end)
        for k in range(n):
            if codes[k] == codes[n] and codes[n] != _K_OTHER:
                return -1
        if n > 0 and codes[n] == _K_GT:
            return -1
        n += 1
        if end >= stop:
            return n
        at = end + 1


@kernel
def _read_sample(
    text: NDArray[np.uint8],
    codes: NDArray[np.int8],
    n_keys: int,
    at: int,
    stop: int,
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    used: int,
) -> tuple[int, int]:
    """Read the sample column text[at:stop] by the keys of FORMAT; `used` and a fault."""
    row[_GT0], row[_GT1], row[_GQ], row[_DP] = -1, -1, -1, -1
    row[_PL], row[_PL_N], row[_AD], row[_AD_N], row[_SB] = 0, 0, 0, 0, -1
    row[_PS] = row[_PQ] = -1
    has_min_dp = False
    key = 0
    while True:
        end = at
        while end < stop and text[end] != _COLON:
            end += 1
        if key >= n_keys:
            return used, SURPLUS
        if end == at:
            return used, EMPTY
        code = codes[key]
        fault = SOUND
        if code == _K_GT:
            fault = _read_gt(text, at, end, row)
        elif code in (_K_PS, _K_PQ):
            _read_phase(text, code, at, end, row)
        elif code in (_K_PL, _K_AD, _K_SB):
            used, fault = _read_numbers(text, code, at, end, row, numbers, used)
        elif code != _K_OTHER:
            value, fault = _read_scalar(text, code, at, end)
            if value >= 0:
                if code == _K_GQ or (code == _K_GQX and row[_GQ] < 0):
                    row[_GQ] = value
                elif code == _K_MIN_DP:
                    row[_DP] = value
                    has_min_dp = True
                elif code == _K_DP and not has_min_dp:
                    row[_DP] = value
        if fault != SOUND:
            return used, fault
        key += 1
        if end >= stop:
            unseen = row[_N_ALT] == 0 and (row[_GT0] > 0 or row[_GT1] > 0)
            if unseen and row[_PL_N] != 3:
                return used, BAD_GT
            if row[_GT0] >= 0 or row[_GT1] >= 0:
                for k in range(key, n_keys):  # VCF lets trailing values go, but not those of a genotype
                    if codes[k] == _K_PL:
                        return used, DROPPED
            return used, SOUND
        at = end + 1


@kernel
def _same_bytes(text: NDArray[np.uint8], a: int, a_stop: int, b: int, b_stop: int) -> bool:
    if a_stop - a != b_stop - b:
        return False
    for i in range(a_stop - a):  # noqa: SIM110 - numba compiles no generators
        if text[a + i] != text[b + i]:
            return False
    return True


@kernel
def _known_before(
    text: NDArray[np.uint8], line: int, stop: int, ref_at: int, alt_end: int, line_starts: NDArray[np.int64],
    records: NDArray[np.int32], n: int, pos: int,
) -> int:  # fmt: skip
    """Whether a record before n at `pos` has REF and ALT of the line: 0 no, 1 the same line, 2 another."""
    k = n - 1
    while k >= 0 and records[k, _POS] == pos:
        start = line_starts[k]
        end = start
        while end < len(text) and text[end] != _NEWLINE:
            end += 1
        at = start
        for _ in range(3):
            at = _field_end(text, at, end) + 1
        other_end = _field_end(text, _field_end(text, at, end) + 1, end)
        if _same_bytes(text, at, other_end, ref_at, alt_end):
            return 1 if _same_bytes(text, start, end, line, stop) else 2
        k -= 1
    return 0


@kernel
def _ref_differs(
    text: NDArray[np.uint8], ref_at: int, ref_end: int, pos: int, bases: NDArray[np.uint8], bases_start: int
) -> bool:
    """Whether REF contradicts the reference, where `bases` (A, C, G, T, N from bases_start on) reach."""
    at = pos - bases_start
    if at < 0:
        return False
    for i in range(ref_at, ref_end):
        if at >= len(bases):
            return False
        base = text[i]
        if base >= 97:
            base -= 32
        # N, and an IUPAC letter (N in `bases`), may be anything
        if base != bases[at] and base != 78 and bases[at] != 78 and _IS_BASE[base]:
            return True
        at += 1
    return False


_IS_BASE: NDArray[np.bool_] = np.zeros(256, dtype=np.bool_)
_IS_BASE[np.frombuffer(b"ACGT", dtype=np.uint8)] = True


@kernel
def first_gap(stated: NDArray[np.int64], start: int, stop: int) -> int:
    """First base of [start, stop) inside the sorted intervals `stated`, int64 (n, 2); -1: none."""
    for i in range(len(stated)):
        if stated[i, 1] > start:
            first = max(start, stated[i, 0])
            return first if first < stop else -1
    return -1


@kernel
def parse_records(
    text: NDArray[np.uint8],
    contig: NDArray[np.uint8],
    contig_length: int,
    from_pos: int,
    until_pos: int,
    stated: NDArray[np.int64],
    tile_end: int,
    fresh_at: int,
    floor: int,
    bases: NDArray[np.uint8],
    bases_start: int,
    records: NDArray[np.int32],
    line_starts: NDArray[np.int64],
    numbers: NDArray[np.int32],
    allele_text: NDArray[np.uint8],
) -> tuple[int, int, int, int, int]:
    """Parse whole lines of `text` that overlap [from_pos, until_pos) of `contig`.

    Args:
        text: uint8, whole lines, sorted by position.
        contig: uint8, the name to read; lines of another contig end the pass. contig_length: bp.
        from_pos, until_pos: 0-based; records with END <= from_pos are left out, the first with
            POS >= until_pos ends the pass.
        stated: int64 (n, 2), sorted: what the file answers for on this contig. Between from_pos and
            tile_end records must leave out nothing of it.
        fresh_at: where lines begin that no pass before has seen; these must not lie before `floor`.
        bases: uint8 ASCII, the reference in capitals, N for what is not A, C, G, T; from bases_start on.
        records: int32 (>= lines, N_COLUMNS), filled. line_starts: int64, offset of each record's line.
        numbers: int32 flat for PL, AD and SB; as long as commas + 3 x lines suffice.
        allele_text: uint8 flat for REF<TAB>ALT of variants, as long as `text`.

    Returns:
        Records, numbers used, allele bytes used, offset where the pass ended (GAP: the first base left
        out), and why it ended.
    """
    n = used = letters = 0
    at = 0
    size = len(text)
    last_pos = -1
    covered = from_pos
    codes = np.empty(_MAX_KEYS, dtype=np.int8)
    n_keys, format_from, format_to = 0, 0, -1
    why = DONE
    ended = size
    while at < size:
        line = at
        if text[at] == _HASH:
            while at < size and text[at] != _NEWLINE:
                at += 1
            at += 1
            continue
        end = _field_end(text, at, size)
        if not _is_word(text, at, end, contig):
            why, ended = NEXT_CONTIG, line
            break
        pos_end = _field_end(text, end + 1, size)
        pos = natural(text, end + 1, pos_end) - 1
        if pos < 0 or pos > MAX_POS:
            return n, used, letters, line, BAD_POS
        if pos < last_pos or (line >= fresh_at and pos < floor):
            return n, used, letters, line, UNSORTED
        last_pos = pos
        if pos >= until_pos:
            ended = line
            break
        if pos >= contig_length:
            return n, used, letters, line, BEYOND
        if pos > covered and len(stated):
            gap = first_gap(stated, covered, min(pos, tile_end))
            if gap >= 0:
                return n, used, letters, gap, GAP
        row = records[n]
        ref_at = _field_end(text, pos_end + 1, size) + 1
        ref_end = _field_end(text, ref_at, size)
        alt_end = _field_end(text, ref_end + 1, size)
        filter_at = _field_end(text, alt_end + 1, size) + 1
        filter_end = _field_end(text, filter_at, size)
        info_stop = _field_end(text, filter_end + 1, size)
        format_end = _field_end(text, info_stop + 1, size)
        stop = _field_end(text, format_end + 1, size)
        if format_end >= size or text[format_end] != _TAB or stop >= size or text[stop] != _NEWLINE:
            return n, used, letters, line, COLUMNS
        at = stop + 1
        sample_end = stop - 1 if text[stop - 1] == 13 else stop
        if ref_at == pos_end + 2 or filter_end == filter_at or info_stop == filter_end + 1:
            return n, used, letters, line, EMPTY
        if not is_ref(text, ref_at, ref_end):
            return n, used, letters, line, BAD_REF
        if not is_number(text, alt_end + 1, filter_at - 1):
            return n, used, letters, line, BAD_QUAL
        row[_POS] = pos
        row[_REF_LEN] = ref_end - ref_at
        if not _read_alts(text, ref_end + 1, alt_end, row):
            return n, used, letters, line, BAD_ALT
        finish = pos + row[_REF_LEN]
        last = info_end(text, filter_end + 1, info_stop)
        if last == -2 or (last >= 0 and last <= pos):
            return n, used, letters, line, BAD_END
        if row[_KIND] == _BLOCK and last > 0:
            finish = last
        if finish > contig_length or last > contig_length:
            return n, used, letters, line, BEYOND
        row[_END] = finish
        if finish <= from_pos:
            continue
        if _ref_differs(text, ref_at, ref_end, pos, bases, bases_start):
            return n, used, letters, line, OTHER_REF
        if n > 0 and records[n - 1, _POS] == pos:
            known = _known_before(text, line, stop, ref_at, alt_end, line_starts, records, n, pos)
            if known == 2:
                return n, used, letters, line, TWICE
            if known == 1:
                continue
        covered = max(covered, finish)
        row[_FILTERED] = 1 if _filter_bars(text, filter_at, filter_end) else 0
        row[_MQ_SQ] = row[_MQ_N] = -1
        for k in range(_N_RANKS):
            row[_RANKS + k] = _NO_RANK
        row[_SEQ] = row[_SEQ_LEN] = 0
        if row[_KIND] == _VARIANT:
            row[_SEQ], row[_SEQ_LEN] = letters, alt_end - ref_at
            for i in range(ref_at, alt_end):
                base = text[i]
                allele_text[letters] = base - 32 if base >= 97 and base <= 122 else base
                letters += 1
            _read_info(text, filter_end + 1, info_stop, row)
        if not _same_bytes(text, info_stop + 1, format_end, format_from, format_to):
            n_keys = _read_format(text, info_stop + 1, format_end, codes)
            if n_keys < 0:
                return n, used, letters, line, BAD_FORMAT
            format_from, format_to = info_stop + 1, format_end
        used, fault = _read_sample(text, codes, n_keys, format_end + 1, sample_end, row, numbers, used)
        if fault != SOUND:
            return n, used, letters, line, fault
        line_starts[n] = line
        n += 1
    if len(stated) and covered < tile_end:
        gap = first_gap(stated, covered, tile_end)
        if gap >= 0:
            return n, used, letters, gap, GAP
    return n, used, letters, ended, why


@kernel
def shift_offsets(records: NDArray[np.int32], numbers: int, letters: int) -> None:
    """Add to the records' offsets what stands before their numbers and allele text in a longer table."""
    for i in range(len(records)):
        row = records[i]
        row[_PL] += numbers
        row[_AD] += numbers
        if row[_SB] >= 0:
            row[_SB] += numbers
        row[_SEQ] += letters
