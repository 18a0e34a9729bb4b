"""gVCF text to columns, 200-400 MB/s: no objects, no strings, one pass over the bytes."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c

_TAB, _NEWLINE, _COLON, _COMMA, _DOT, _SEMICOLON = 9, 10, 58, 44, 46, 59
_ZERO, _MINUS, _HASH, _LESS, _STAR, _EQUAL, _SLASH, _BAR = 48, 45, 35, 60, 42, 61, 47, 124
_POS, _END, _KIND, _FILTERED, _N_ALT, _REF_LEN, _SEQ, _SEQ_LEN = (
    c.POS, c.END, c.KIND, c.FILTERED, c.N_ALT, c.REF_LEN, c.SEQ, c.SEQ_LEN,
)  # fmt: skip
_GT0, _GT1, _GQ, _DP, _PL, _PL_N, _AD, _AD_N, _SB, _MQ_SQ, _MQ_N, _X = (
    c.GT0, c.GT1, c.GQ, c.DP, c.PL, c.PL_N, c.AD, c.AD_N, c.SB, c.MQ_SQ, c.MQ_N, c.X,
)  # fmt: skip
_BLOCK, _VARIANT = c.BLOCK, c.VARIANT
_INT_LIMIT = 1_000_000_000
_MAX_ALTS = 1_000  # the genotyping kernels hold as many

# why parsing stopped
DONE, NEXT_CONTIG, MALFORMED = 0, 1, 2

# FORMAT keys, by their code in _format_code
_K_GT, _K_GQ, _K_DP, _K_MIN_DP, _K_AD, _K_PL, _K_SB, _K_GQX, _K_OTHER = 0, 1, 2, 3, 4, 5, 6, 7, 8
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
    """Index of the next TAB (or `stop`)."""
    while at < stop and text[at] != _TAB:
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
        if a == 80 and b == 76:
            return _K_PL
        if a == 83 and b == 66:
            return _K_SB
    elif size == 6 and text[at] == 77 and text[at + 3] == 95 and text[at + 4] == 68:  # MIN_DP
        return _K_MIN_DP
    elif size == 3 and text[at] == 71 and text[at + 1] == 81 and text[at + 2] == 88:  # GQX
        return _K_GQX
    return _K_OTHER


@kernel
def _info_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Value of END= in the INFO text[at:stop], or -1."""
    start = True
    while at + 4 < stop:
        if start and text[at] == 69 and text[at + 1] == 78 and text[at + 2] == 68 and text[at + 3] == _EQUAL:
            value, _ = _read_int(text, at + 4, stop)
            return value
        start = text[at] == _SEMICOLON
        at += 1
    return -1


@kernel
def _info_mq(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> None:
    """Fill MQ_SQ and MQ_N from RAW_MQandDP=sum,n or from MQ=x (weight 0: the record's DP)."""
    start = True
    while at < stop:
        if start:
            if at + 12 < stop and text[at] == 82 and text[at + 3] == 95 and text[at + 9] == 68:
                square, after = _read_int(text, at + 12, stop)
                count, _ = _read_int(text, after + 1, stop)
                row[_MQ_SQ], row[_MQ_N] = square, count
                return
            if at + 3 < stop and text[at] == 77 and text[at + 1] == 81 and text[at + 2] == _EQUAL:
                whole, _ = _read_int(text, at + 3, stop)
                row[_MQ_SQ], row[_MQ_N] = whole, 0
        start = text[at] == _SEMICOLON
        at += 1


@kernel
def _is_word(text: NDArray[np.uint8], at: int, stop: int, word: NDArray[np.uint8]) -> bool:
    if stop - at != len(word):
        return False
    for i in range(len(word)):  # noqa: SIM110 - numba compiles no generators
        if text[at + i] != word[i]:
            return False
    return True


_W_PASS = np.frombuffer(b"PASS", dtype=np.uint8)
_W_REF_CALL = np.frombuffer(b"RefCall", dtype=np.uint8)
_W_LOW_QUAL = np.frombuffer(b"LowQual", dtype=np.uint8)
_W_DISPUTED = np.frombuffer(b"Disputed", dtype=np.uint8)
_W_NO_CALL = np.frombuffer(b"NoCall", dtype=np.uint8)


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
def _read_alts(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> None:
    """Count the ALTs of text[at:stop]; set N_ALT, X and KIND."""
    row[_X] = -1
    if stop - at == 1 and text[at] == _DOT:
        row[_N_ALT], row[_KIND] = 0, _BLOCK
        return
    count = 1
    solid = 0
    first = True
    while at < stop:
        if first:
            if text[at] == _LESS:
                # <NON_REF> and <*> stand for any allele not seen; other symbols are not genotyped
                if text[at + 1] == _STAR or (text[at + 1] == 78 and text[at + 2] == 79):
                    row[_X] = count
            else:
                solid += 1
            first = False
        if text[at] == _COMMA:
            count += 1
            first = True
        at += 1
    row[_N_ALT] = count
    row[_KIND] = _VARIANT if solid else _BLOCK


@kernel
def _read_list(
    text: NDArray[np.uint8], at: int, stop: int, numbers: NDArray[np.int32], used: int
) -> tuple[int, int]:
    """Comma-separated integers from `at` to numbers[used:]; (new used, end). Missing entries are -1."""
    while at < stop:
        value, after = _read_int(text, at, stop)
        numbers[used] = value if after > at else -1
        used += 1
        while after < stop and text[after] != _COMMA and text[after] != _COLON and text[after] != _TAB:
            after += 1
        at = after
        if at >= stop or text[at] != _COMMA:
            break
        at += 1
    return used, at


@kernel
def _read_gt(text: NDArray[np.uint8], at: int, stop: int, row: NDArray[np.int32]) -> None:
    """GT at `at` to GT0 and GT1."""
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


@kernel
def _read_sample(
    text: NDArray[np.uint8],
    format_at: int,
    format_end: int,
    at: int,
    stop: int,
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    used: int,
) -> int:
    """Read the sample column text[at:stop] by the keys of FORMAT; returns `used`."""
    row[_GT0], row[_GT1], row[_GQ], row[_DP] = -1, -1, -1, -1
    row[_PL], row[_PL_N], row[_AD], row[_AD_N], row[_SB] = 0, 0, 0, 0, -1
    has_min_dp = False
    key_at = format_at
    while key_at < format_end and at < stop:
        key_end = key_at
        while key_end < format_end and text[key_end] != _COLON:
            key_end += 1
        code = _format_code(text, key_at, key_end)
        if code == _K_GT:
            _read_gt(text, at, stop, row)
        elif code in (_K_PL, _K_AD, _K_SB):
            first = used
            used, at = _read_list(text, at, stop, numbers, used)
            if used - first == 1 and numbers[first] < 0:
                used = first
            elif code == _K_PL:
                row[_PL], row[_PL_N] = first, used - first
            elif code == _K_AD:
                row[_AD], row[_AD_N] = first, used - first
            elif used - first == 4:
                row[_SB] = first
        elif code != _K_OTHER:
            value, after = _read_int(text, at, stop)
            if after > at:
                if code == _K_GQ or (code == _K_GQX and row[_GQ] < 0):
                    row[_GQ] = value
                elif code == _K_MIN_DP:
                    row[_DP] = value
                    has_min_dp = True
                elif code == _K_DP and not has_min_dp:
                    row[_DP] = value
        while at < stop and text[at] != _COLON:
            at += 1
        at += 1
        key_at = key_end + 1
    return used


@kernel
def parse_records(
    text: NDArray[np.uint8],
    contig: NDArray[np.uint8],
    from_pos: int,
    until_pos: int,
    records: NDArray[np.int32],
    line_starts: NDArray[np.int64],
    numbers: NDArray[np.int32],
    allele_text: NDArray[np.uint8],
) -> tuple[int, int, int, int, int]:
    """Parse whole lines of `text` that overlap [from_pos, until_pos) of `contig`.

    Args:
        text: uint8, whole lines, sorted by position.
        contig: uint8, the name to read; lines of another contig end the pass.
        from_pos, until_pos: 0-based; records with END <= from_pos are left out, the first with
            POS >= until_pos ends the pass.
        records: int32 (>= lines, N_COLUMNS), filled. line_starts: int64, offset of each record's line.
        numbers: int32 flat for PL, AD and SB; as long as commas + 3 x lines suffice.
        allele_text: uint8 flat for REF<TAB>ALT of variants, as long as `text`.

    Returns:
        Records, numbers used, allele bytes used, offset where the pass ended, and why it ended.
    """
    n = used = letters = 0
    at = 0
    size = len(text)
    last_pos = -1
    while at < size:
        line = at
        stop = at
        if text[at] == _HASH:
            while at < size and text[at] != _NEWLINE:
                at += 1
            at += 1
            continue
        end = _field_end(text, at, size)
        same = end - at == len(contig)
        if same:
            for i in range(len(contig)):
                if text[at + i] != contig[i]:
                    same = False
                    break
        if not same:
            return n, used, letters, line, NEXT_CONTIG
        value, after = _read_int(text, end + 1, size)
        pos = value - 1
        if after == end + 1 or pos < last_pos:
            return n, used, letters, line, MALFORMED
        last_pos = pos
        if pos >= until_pos:
            return n, used, letters, line, DONE
        row = records[n]
        at = _field_end(text, after + 1, size)  # over ID
        ref_at = at + 1
        ref_end = _field_end(text, ref_at, size)
        alt_end = _field_end(text, ref_end + 1, size)
        filter_at = _field_end(text, alt_end + 1, size) + 1
        filter_end = _field_end(text, filter_at, size)
        info_end = _field_end(text, filter_end + 1, size)
        format_end = _field_end(text, info_end + 1, size)
        stop = format_end
        while stop < size and text[stop] != _NEWLINE:
            stop += 1
        if format_end >= stop:
            return n, used, letters, line, MALFORMED
        at = stop + 1
        sample_end = stop - 1 if text[stop - 1] == 13 else stop
        row[_POS] = pos
        row[_REF_LEN] = ref_end - ref_at
        _read_alts(text, ref_end + 1, alt_end, row)
        if row[_N_ALT] > _MAX_ALTS:
            return n, used, letters, line, MALFORMED
        finish = pos + row[_REF_LEN]
        if row[_KIND] == _BLOCK:
            last = _info_end(text, filter_end + 1, info_end)
            if last > 0:
                finish = last
        row[_END] = finish
        if finish <= from_pos:
            continue
        row[_FILTERED] = 1 if _filter_bars(text, filter_at, filter_end) else 0
        row[_MQ_SQ] = row[_MQ_N] = -1
        row[_SEQ] = row[_SEQ_LEN] = 0
        if row[_KIND] == _VARIANT:
            row[_SEQ], row[_SEQ_LEN] = letters, alt_end - ref_at
            for i in range(ref_at, alt_end):
                base = text[i]
                allele_text[letters] = base - 32 if base >= 97 and base <= 122 else base
                letters += 1
            _info_mq(text, filter_end + 1, info_end, row)
        used = _read_sample(text, info_end + 1, format_end, format_end + 1, sample_end, row, numbers, used)
        line_starts[n] = line
        n += 1
    return n, used, letters, size, DONE


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
