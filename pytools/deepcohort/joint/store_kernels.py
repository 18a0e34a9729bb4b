"""Records of many samples to compact bytes and back: integers of variable length, blocks in 5-8 bytes."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c

_POS, _END, _KIND, _N_ALT, _REF_LEN, _SEQ, _SEQ_LEN = (
    c.POS, c.END, c.KIND, c.N_ALT, c.REF_LEN, c.SEQ, c.SEQ_LEN,
)  # fmt: skip
_FILTERED, _GT0, _GT1, _GQ, _DP, _PL, _PL_N, _AD, _AD_N, _SB = (
    c.FILTERED, c.GT0, c.GT1, c.GQ, c.DP, c.PL, c.PL_N, c.AD, c.AD_N, c.SB,
)  # fmt: skip
_MQ_SQ, _MQ_N, _X, _BLOCK = c.MQ_SQ, c.MQ_N, c.X, c.BLOCK
_RANKS, _N_RANKS, _NO_RANK = c.RANKS, c.N_RANKS, c.NO_RANK
_PS, _PQ = c.PS, c.PQ
N_COLUMNS = c.N_COLUMNS

# columns of a chunk's head, int32 per sample: what starts before the chunk, then what starts in it
H_CARRIED, H_OWN, H_CARRIED_BYTES, H_OWN_BYTES, H_NUMBERS, H_LETTERS = range(6)
N_HEAD = 6

# first byte of a record: its form, and whether it starts where the one before ended
_ANY, _REF_BLOCK, _REF_BLOCK_PL = 0, 1, 2
_FOLLOWS = 4
_PLAIN_COLUMNS = np.array(
    [c.KIND, c.FILTERED, c.N_ALT, c.REF_LEN, c.SEQ_LEN, c.GT0, c.GT1, c.GQ, c.DP, c.PL_N, c.AD_N, c.MQ_SQ,
     c.MQ_N, c.X]
)  # fmt: skip
MAX_RECORD_BYTES = 200  # beyond its numbers (5 bytes each) and letters


@kernel
def put_varint(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Signed integer, 7 bits a byte (zigzag: small negative numbers stay short). `out` (B,)."""
    left = 2 * value if value >= 0 else -2 * value - 1
    while left >= 128:
        out[at] = 128 | (left & 127)
        left >>= 7
        at += 1
    out[at] = left
    return at + 1


@kernel
def _get_long(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The integer of up to 63 bits at `at` of `text` (n,) and where it ends; beyond the end of `text` where
    damaged.
    """
    value = shift = 0
    while True:
        if at >= len(text) or shift > 62:
            return 0, len(text) + 1  # damaged; whoever reads on sees that it is beyond the end
        byte = int(text[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


@kernel
def get_varint(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The integer at `at` and where it ends; beyond the end of `text` where it is cut off. `text` (n,)."""
    if at >= len(text):
        return 0, at + 1
    byte = int(text[at])
    if byte < 128:  # by far the most are: small enough to be inlined
        return (byte >> 1) ^ -(byte & 1), at + 1
    return _get_long(text, at)


@kernel
def _block_form(row: NDArray[np.int32], numbers: NDArray[np.int32]) -> int:
    """Form in which a record is written: the short ones are those of usual reference blocks.

    `row` (N_COLUMNS,), `numbers` flat (n,).
    """
    usual = row[_KIND] == _BLOCK and row[_N_ALT] == 1 and row[_X] == 1 and row[_REF_LEN] == 1
    usual = usual and row[_GT0] == 0 and row[_GT1] == 0 and row[_FILTERED] == 0 and row[_PL_N] == 3
    usual = usual and row[_AD_N] == 0 and row[_SB] < 0 and row[_MQ_SQ] == -1 and row[_MQ_N] == -1
    usual = usual and row[_PS] < 0
    if not usual or numbers[row[_PL]] != 0:
        return _ANY
    return _REF_BLOCK if numbers[row[_PL] + 1] == row[_GQ] else _REF_BLOCK_PL


@kernel
def _has_ranks(row: NDArray[np.int32]) -> bool:
    """Whether `row` (N_COLUMNS,) has any rank-sum statistic."""
    for k in range(_N_RANKS):  # noqa: SIM110 - numba compiles no generators
        if row[_RANKS + k] != _NO_RANK:
            return True
    return False


@kernel
def _put_record(
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    letters: NDArray[np.uint8],
    expected_pos: int,
    out: NDArray[np.uint8],
    at: int,
) -> int:
    """A record, `row` (N_COLUMNS,), to out[at:] of `out` (B,); where it ends."""
    form = _block_form(row, numbers)
    follows = row[_POS] == expected_pos
    out[at] = form + (_FOLLOWS if follows else 0)
    at += 1
    if not follows:
        at = put_varint(out, at, row[_POS] - expected_pos)
    at = put_varint(out, at, row[_END] - row[_POS])
    if form != _ANY:
        at = put_varint(out, at, row[_GQ])
        at = put_varint(out, at, row[_DP])
        if form == _REF_BLOCK_PL:
            at = put_varint(out, at, numbers[row[_PL] + 1])
        return put_varint(out, at, numbers[row[_PL] + 2])
    for column in _PLAIN_COLUMNS:
        at = put_varint(out, at, row[column])
    has_ranks = _has_ranks(row)
    is_phased = row[_PS] >= 0
    at = put_varint(out, at, (1 if row[_SB] >= 0 else 0) + (2 if has_ranks else 0) + (4 if is_phased else 0))
    for i in range(row[_PL_N]):
        at = put_varint(out, at, numbers[row[_PL] + i])
    for i in range(row[_AD_N]):
        at = put_varint(out, at, numbers[row[_AD] + i])
    if row[_SB] >= 0:
        for i in range(4):
            at = put_varint(out, at, numbers[row[_SB] + i])
    if has_ranks:
        for k in range(_N_RANKS):
            at = put_varint(out, at, row[_RANKS + k])
    if is_phased:
        at = put_varint(out, at, row[_POS] - row[_PS])
        at = put_varint(out, at, row[_PQ])
    for i in range(row[_SEQ_LEN]):
        out[at] = letters[row[_SEQ] + i]
        at += 1
    return at


@kernel
def encoded_bound(records: NDArray[np.int32], rows: NDArray[np.int64]) -> int:
    """Bytes that records[low:high] of all `rows` (N, 2) cannot exceed."""
    total = 0
    for s in range(len(rows)):
        for i in range(rows[s, 0], rows[s, 1]):
            row = records[i]
            total += MAX_RECORD_BYTES + 5 * (row[_PL_N] + row[_AD_N]) + row[_SEQ_LEN]
    return total


@kernel
def chunk_rows(
    records: NDArray[np.int32],
    sample_offsets: NDArray[np.int64],
    start: int,
    end: int,
    rows: NDArray[np.int64],
) -> None:
    """Advance rows[s] to sample s's first record that may overlap `start`, and its first from `end` on.

    `records` (R, N_COLUMNS), `sample_offsets` (N + 1,), `rows` (N, 2).
    """
    for s in range(len(rows)):
        low, stop = rows[s, 0], sample_offsets[s + 1]
        while low < stop and records[low, _END] <= start:
            low += 1
        high = max(low, rows[s, 1])
        while high < stop and records[high, _POS] < end:
            high += 1
        rows[s, 0], rows[s, 1] = low, high


@kernel
def encode_chunk(
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    letters: NDArray[np.uint8],
    rows: NDArray[np.int64],
    start: int,
    head: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> int:
    """Bytes written to `out`: each sample's records that overlap `start`, then those with POS from it on.

    Args:
        rows: int64 (N, 2), from chunk_rows. head: int32 (N, N_HEAD), filled.
        out: uint8, as long as encoded_bound of all these rows.
    """
    at = 0
    for s in range(len(rows)):
        head[s, :] = 0
        expected = start
        begin = at
        own_begin = -1
        for i in range(rows[s, 0], rows[s, 1]):
            row = records[i]
            if row[_END] <= start:
                continue
            if row[_POS] >= start and own_begin < 0:
                own_begin = at
                expected = start
            at = _put_record(row, numbers, letters, expected, out, at)
            expected = row[_END]
            head[s, H_OWN if own_begin >= 0 else H_CARRIED] += 1
            head[s, H_NUMBERS] += row[_PL_N] + row[_AD_N] + (4 if row[_SB] >= 0 else 0)
            head[s, H_LETTERS] += row[_SEQ_LEN]
        if own_begin < 0:
            own_begin = at
        head[s, H_CARRIED_BYTES] = own_begin - begin
        head[s, H_OWN_BYTES] = at - own_begin
    return at


@kernel
def _get_block(
    text: NDArray[np.uint8],
    at: int,
    form: int,
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    used: int,
) -> tuple[int, int]:
    """A block in one of the short forms to `row` (N_COLUMNS,); where it ends in `text` (n,), numbers
    (m,) used.
    """
    row[_KIND], row[_FILTERED], row[_N_ALT], row[_REF_LEN], row[_SEQ_LEN] = _BLOCK, 0, 1, 1, 0
    row[_GT0], row[_GT1], row[_PL_N], row[_AD_N] = 0, 0, 3, 0
    row[_MQ_SQ], row[_MQ_N], row[_X] = -1, -1, 1
    quality, at = get_varint(text, at)
    depth, at = get_varint(text, at)
    second = quality
    if form == _REF_BLOCK_PL:
        second, at = get_varint(text, at)
    third, at = get_varint(text, at)
    row[_GQ], row[_DP] = quality, depth
    if used + 3 > len(numbers):
        return len(text) + 1, used
    numbers[used], numbers[used + 1], numbers[used + 2] = 0, second, third
    return at, used + 3


@kernel
def _get_numbers(
    text: NDArray[np.uint8], at: int, count: int, numbers: NDArray[np.int32], used: int
) -> tuple[int, int]:
    """`count` integers at `at` of `text` (n,) to numbers[used:] of `numbers` (m,); where they end, and
    used.
    """
    for _ in range(count):
        value, at = get_varint(text, at)
        numbers[used] = value
        used += 1
    return at, used


@kernel
def _get_record(
    text: NDArray[np.uint8],
    at: int,
    expected_pos: int,
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    used: int,
    letters: NDArray[np.uint8],
    n_letters: int,
) -> tuple[int, int, int]:
    """Fill `row`; returns where the record ends, and the numbers and letters used after it.

    What is damaged ends beyond `text`, and nothing is written beyond the arrays.

    `text` (n,), `row` (N_COLUMNS,), `numbers` and `letters` flat (n,).
    """
    beyond = len(text) + 1
    if at >= len(text):
        return beyond, used, n_letters
    form = text[at] & 3
    pos = expected_pos
    follows = text[at] & _FOLLOWS
    at += 1
    if not follows:
        step, at = get_varint(text, at)
        pos += step
    length, at = get_varint(text, at)
    row[_POS], row[_END] = pos, pos + length
    row[_SEQ], row[_PL], row[_AD], row[_SB] = 0, used, 0, -1
    row[_PS] = row[_PQ] = -1
    for k in range(_N_RANKS):
        row[_RANKS + k] = _NO_RANK
    if form != _ANY:
        at, used = _get_block(text, at, form, row, numbers, used)
        return at, used, n_letters
    for column in _PLAIN_COLUMNS:
        value, at = get_varint(text, at)
        row[column] = value
    also, at = get_varint(text, at)
    has_strands = also & 1
    n_pl, n_ad, n_seq = row[_PL_N], row[_AD_N], row[_SEQ_LEN]
    # each of them takes a byte at least, so that no sum can overflow
    if min(n_pl, n_ad, n_seq) < 0 or max(n_pl, n_ad, n_seq) > len(text) or at + n_seq > len(text):
        return beyond, used, n_letters
    n_strands = 4 if has_strands else 0
    if used + n_pl + n_ad + n_strands > len(numbers) or n_letters + n_seq > len(letters):
        return beyond, used, n_letters
    at, used = _get_numbers(text, at, row[_PL_N], numbers, used)
    row[_AD] = used
    at, used = _get_numbers(text, at, row[_AD_N], numbers, used)
    if has_strands:
        row[_SB] = used
        at, used = _get_numbers(text, at, 4, numbers, used)
    if also & 2:
        for k in range(_N_RANKS):
            value, at = get_varint(text, at)
            row[_RANKS + k] = value
    if also & 4:
        value, at = get_varint(text, at)
        row[_PS] = pos - value
        value, at = get_varint(text, at)
        row[_PQ] = value
    row[_SEQ] = n_letters
    if at + n_seq > len(text):
        return beyond, used, n_letters
    for _ in range(row[_SEQ_LEN]):
        letters[n_letters] = text[at]
        n_letters += 1
        at += 1
    return at, used, n_letters


@kernel
def decode_window(
    text: NDArray[np.uint8],
    heads: NDArray[np.int32],
    starts: NDArray[np.int64],
    chunk_starts: NDArray[np.int64],
    from_pos: int,
    until_pos: int,
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    letters: NDArray[np.uint8],
    sample_offsets: NDArray[np.int64],
) -> bool:
    """Records of all samples of B adjoining chunks with END > from_pos and POS < until_pos.

    False where the bytes are not what the heads say; nothing is then written beyond the arrays.

    Args:
        text: uint8, the chunks' bytes. heads: int32 (B, N, N_HEAD).
        starts: int64 (B, N), where each sample's bytes begin in `text`.
        chunk_starts: int64 (B,), first position of each chunk.
        records, numbers, letters: filled; as long as the heads say. sample_offsets: int64 (N+1,), filled.
    """
    n = used = n_letters = 0
    sample_offsets[0] = 0
    for s in range(heads.shape[1]):
        for b in range(heads.shape[0]):
            head = heads[b, s]
            at = starts[b, s]
            # what a later chunk carries was read as an earlier one's own
            sections = ((0, head[H_CARRIED]), (1, head[H_OWN]))
            for which, count in sections:
                expected = chunk_starts[b]
                if which == 0 and b > 0:
                    at += head[H_CARRIED_BYTES]
                    continue
                for _ in range(count):
                    row = records[n]
                    at, after, after_letters = _get_record(
                        text, at, expected, row, numbers, used, letters, n_letters
                    )
                    if at > len(text):
                        return False
                    expected = row[_END]
                    if row[_END] > from_pos and row[_POS] < until_pos:
                        n, used, n_letters = n + 1, after, after_letters
            if at != starts[b, s] + head[H_CARRIED_BYTES] + head[H_OWN_BYTES]:
                return False
        sample_offsets[s + 1] = n
    return True
