"""BAM records to columns (SAM spec section 4.2): one scan to measure, one to fill."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.core.sequence import CODE_N

# why scan_records stopped
NEEDS_MORE = 0  # the piece ends within a record, or before the last complete bin is known
PAST_REGION = 1  # a record beyond the region was seen
UNSORTED = 2
MALFORMED = 3

# kinds of records
SKIPPED = 0
USABLE = 1
MAPQ_ZERO = 2
UNALIGNED = 3  # and its mate lies there

UNNAMED_HASH = np.uint64(0x74F191B694D32786)  # what _hash_name makes of `*`, the name of all that have none
_FIXED = 36  # block_size and the fixed fields
_LARGEST_RECORD = 1 << 28  # bytes; a length field beyond this is damage, not a read
_CONSUMES_QUERY = 0b110010011  # MIS=X
_CONSUMES_REFERENCE = 0b110001101  # MDN=X
_EQUAL = 7  # and X, 8, are matches as M is


class RecordRows(NamedTuple):
    """What a scan finds of records that may matter, room for N.

    kind: uint8 (N,), USABLE, MAPQ_ZERO or UNALIGNED. pos, end: int64 (N,), 0-based half-open.
    name_hash: uint64 (N,). flag: uint16 (N,). at, cigar_at: int64 (N,), where record and CIGAR begin in the
    buffer. n_ops: int32 (N,).
    """

    kind: NDArray[np.uint8]
    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    name_hash: NDArray[np.uint64]
    flag: NDArray[np.uint16]
    at: NDArray[np.int64]
    cigar_at: NDArray[np.int64]
    n_ops: NDArray[np.int32]


class FilledColumns(NamedTuple):
    """Columns of R reads, as in ReadBatch; the offsets (R+1,) are given, the rest is filled."""

    mapq: NDArray[np.uint8]
    insert_size: NDArray[np.int32]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]


@kernel
def uint16_at(buffer: NDArray[np.uint8], at: int) -> np.int64:
    """Unsigned number at `at` of `buffer` (n,)."""
    return np.int64(buffer[at]) | (np.int64(buffer[at + 1]) << 8)


@kernel
def int32_at(buffer: NDArray[np.uint8], at: int) -> np.int64:
    """Signed number at `at` of `buffer` (n,)."""
    value = (
        np.int64(buffer[at])
        | (np.int64(buffer[at + 1]) << 8)
        | (np.int64(buffer[at + 2]) << 16)
        | (np.int64(buffer[at + 3]) << 24)
    )
    return value - ((value & 0x80000000) << 1)


@kernel
def _u32(buffer: NDArray[np.uint8], at: int) -> np.int64:
    """Unsigned number at `at` of `buffer` (n,)."""
    return int32_at(buffer, at) & np.int64(0xFFFFFFFF)


@kernel
def _hash_name(buffer: NDArray[np.uint8], at: int, length: int) -> np.uint64:
    """64-bit FNV-1a of the name at `at` of `buffer` (n,), then splitmix64's finaliser, so that every bit is
    fair.
    """
    value = np.uint64(0xCBF29CE484222325)
    for i in range(length):
        value = (value ^ np.uint64(buffer[at + i])) * np.uint64(0x100000001B3)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def hash_names(buffer: NDArray[np.uint8], offset: NDArray[np.int64]) -> NDArray[np.uint64]:
    """`ReadBatch.name_hash` of names, uint64 (N,); name i owns buffer[offset[i]:offset[i + 1]]."""
    hashes = np.empty(len(offset) - 1, np.uint64)
    for i in range(len(hashes)):
        hashes[i] = _hash_name(buffer, offset[i], offset[i + 1] - offset[i])
    return hashes


@kernel
def _tag_value_bytes(buffer: NDArray[np.uint8], at: int, kind: int) -> int:
    """Bytes of a tag's value at `at` of `buffer` (n,), or -1 for an unknown type."""
    if kind == 65 or kind == 99 or kind == 67:  # A c C
        return 1
    if kind == 115 or kind == 83:  # s S
        return 2
    if kind == 105 or kind == 73 or kind == 102:  # i I f
        return 4
    if kind == 90 or kind == 72:  # Z H
        length = 0
        while at + length < len(buffer) and buffer[at + length] != 0:
            length += 1
        return length + 1
    if kind == 66:  # B
        width = 4
        if buffer[at] == 99 or buffer[at] == 67:
            width = 1
        elif buffer[at] == 115 or buffer[at] == 83:
            width = 2
        return 5 + width * int32_at(buffer, at + 1)
    return -1


@kernel
def _find_long_cigar(buffer: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Where the CG:B,I tag's operations begin between `at` and `end` of `buffer` (n,), and how many; (-1,
    0) if none.
    """
    while at + 8 <= end:
        kind = buffer[at + 2]
        if buffer[at] == 67 and buffer[at + 1] == 71 and kind == 66 and buffer[at + 3] == 73:
            n_ops = int32_at(buffer, at + 4)
            if n_ops < 0 or at + 8 + 4 * n_ops > end:
                return -1, 0
            return at + 8, n_ops
        length = _tag_value_bytes(buffer, at + 3, kind)
        if length < 0:
            return -1, 0
        at += 3 + length
    return -1, 0


@kernel
def _cigar_spans(buffer: NDArray[np.uint8], at: int, n_ops: int) -> tuple[int, int]:
    """(query bp, reference bp) of `n_ops` operations at `at` of `buffer` (n,); query -1 where an operation
    is unknown.
    """
    query = 0
    reference = 0
    for i in range(n_ops):
        word = _u32(buffer, at + 4 * i)
        op = word & 15
        if op > 8:
            return -1, 0
        if (_CONSUMES_QUERY >> op) & 1:
            query += word >> 4
        if (_CONSUMES_REFERENCE >> op) & 1:
            reference += word >> 4
    return query, reference


@kernel
def scan_records(
    buffer: NDArray[np.uint8],
    at: int,
    tid: int,
    first_pos: int,
    stop_pos: int,
    last_pos: int,
    min_mapq: int,
    excluded_flags: int,
    with_unaligned: bool,
    rows: RecordRows,
) -> tuple[int, int, int, int]:
    """Measure the records of `buffer` from `at` on; `rows` receives those that may matter.

    Args:
        buffer: uint8 (n,), inflated BAM; `at` is the start of a record.
        tid: contig number; first_pos: reads that start before and end by it are passed over;
            stop_pos: scanning ends at the first read that starts there or later.
        last_pos: position of the record before, for the check of sortedness.
        with_unaligned: whether reads without alignment whose mate lies here matter; one base is theirs.
        rows: room for at least len(buffer) // 36 + 1.

    Returns:
        (rows, offset of the first record not scanned, why it stopped, last position seen).
    """
    n_rows = 0
    size = len(buffer)
    while at + 4 <= size:
        block = int32_at(buffer, at)
        if block < 32 or block > _LARGEST_RECORD:
            return n_rows, at, MALFORMED, last_pos
        after = at + 4 + block
        if after > size:
            break
        record_tid = int32_at(buffer, at + 4)
        pos = int32_at(buffer, at + 8)
        if record_tid != tid:
            if record_tid > tid or record_tid < 0:
                return n_rows, at, PAST_REGION, last_pos
            at = after
            continue
        if pos < last_pos:
            return n_rows, at, UNSORTED, last_pos
        last_pos = pos
        if pos >= stop_pos:
            return n_rows, at, PAST_REGION, last_pos
        l_name = np.int64(buffer[at + 12])
        mapq = buffer[at + 13]
        n_ops = uint16_at(buffer, at + 16)
        flag = uint16_at(buffer, at + 18)
        l_seq = int32_at(buffer, at + 20)
        cigar_at = at + _FIXED + l_name
        tags_at = cigar_at + 4 * n_ops + (l_seq + 1) // 2 + l_seq
        if l_seq < 0 or l_name < 1 or tags_at > after:
            return n_rows, at, MALFORMED, last_pos
        if (
            with_unaligned
            and flag & 0xD == 0x5
            and not flag & excluded_flags & ~4
            and l_seq > 0
            and pos >= first_pos
        ):
            rows.kind[n_rows] = UNALIGNED
            rows.pos[n_rows], rows.end[n_rows] = pos, pos + 1
            rows.name_hash[n_rows] = _hash_name(buffer, at + _FIXED, l_name - 1)
            rows.flag[n_rows] = flag
            rows.at[n_rows], rows.cigar_at[n_rows], rows.n_ops[n_rows] = at, cigar_at, 0
            n_rows += 1
            at = after
            continue
        if flag & excluded_flags or n_ops == 0 or l_seq == 0 or pos < 0 or (mapq != 0 and mapq < min_mapq):
            at = after
            continue
        query, reference = _cigar_spans(buffer, cigar_at, n_ops)
        # more than 65,535 operations: the real CIGAR is in the CG tag (SAM spec section 4.2.2)
        if n_ops == 2 and query == l_seq and _u32(buffer, cigar_at) == ((l_seq << 4) | 4):
            long_at, n_long = _find_long_cigar(buffer, tags_at, after)
            if long_at >= 0:
                cigar_at, n_ops = long_at, n_long
                query, reference = _cigar_spans(buffer, cigar_at, n_ops)
        if query == l_seq and reference > 0 and (pos >= first_pos or pos + reference > first_pos):
            rows.kind[n_rows] = USABLE if mapq >= min_mapq else MAPQ_ZERO
            rows.pos[n_rows] = pos
            rows.end[n_rows] = pos + reference
            rows.name_hash[n_rows] = _hash_name(buffer, at + _FIXED, l_name - 1)
            rows.flag[n_rows] = flag
            rows.at[n_rows] = at
            rows.cigar_at[n_rows] = cigar_at
            rows.n_ops[n_rows] = n_ops
            n_rows += 1
        at = after
    return n_rows, at, NEEDS_MORE, last_pos


@kernel
def _mix(value: np.uint64, more: int) -> np.uint64:
    """splitmix64's finaliser of both together."""
    value = (value ^ np.uint64(more)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def tell_unnamed_apart(buffer: NDArray[np.uint8], found: RecordRows, n_rows: int) -> None:
    """Give rows whose name is `*` a hash of what the read is in place of that of its name.

    That is its position, flag, MAPQ, CIGAR, bases and qualities; of reads equal in all of these, also
    which of them it is. So the hash knows neither shards nor files.

    Args:
        buffer: uint8 (n,), inflated BAM. found: rows ascend by `pos`, and those of one position are all here;
            `name_hash` is changed in place.
    """
    rows_pos, rows_hash, rows_flag, rows_at = found.pos, found.name_hash, found.flag, found.at
    first = 0
    while first < n_rows:
        stop = first + 1
        while stop < n_rows and rows_pos[stop] == rows_pos[first]:
            stop += 1
        rows = np.empty(stop - first, np.int64)
        own = np.empty(stop - first, np.uint64)
        n = 0
        for row in range(first, stop):
            if rows_hash[row] != UNNAMED_HASH:
                continue
            at = rows_at[row]
            begin = at + _FIXED + np.int64(buffer[at + 12])
            l_seq = int32_at(buffer, at + 20)
            length = 4 * uint16_at(buffer, at + 16) + (l_seq + 1) // 2 + l_seq
            rows[n] = row
            own[n] = _mix(_hash_name(buffer, begin, length), rows_pos[row])
            own[n] = _mix(own[n], 256 * np.int64(rows_flag[row]) + np.int64(buffer[at + 13]))
            n += 1
        order = np.argsort(own[:n], kind="mergesort")
        equal = 0
        for k in range(n):
            equal = equal + 1 if k > 0 and own[order[k]] == own[order[k - 1]] else 0
            rows_hash[rows[order[k]]] = _mix(own[order[k]], equal)
        first = stop


@kernel
def plain_operations(
    cigar_op: NDArray[np.uint8], cigar_len: NDArray[np.int32], n_ops: NDArray[np.int64]
) -> int:
    """Write CIGARs the one way that says the same in fewest operations, in place: = and X are M, none has
    length 0, no two neighbours are alike.

    `cigar_op`, `cigar_len` (K,); `n_ops` int64 (R,), operations of each read, is changed too; returns how
    many are left in all.
    """
    at = out = 0
    for row in range(len(n_ops)):
        begin = out
        for k in range(at, at + n_ops[row]):
            kind = cigar_op[k] if cigar_op[k] < _EQUAL else np.uint8(0)
            if out > begin and cigar_op[out - 1] == kind:
                cigar_len[out - 1] += cigar_len[k]
            elif cigar_len[k] > 0:
                cigar_op[out], cigar_len[out] = kind, cigar_len[k]
                out += 1
        at += n_ops[row]
        n_ops[row] = out - begin
    return out


@kernel
def _find_group(buffer: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Where the value of the RG:Z tag begins between `at` and `end` of `buffer` (n,), and its length; (-1,
    0) if none.
    """
    while at + 4 <= end:
        kind = buffer[at + 2]
        length = _tag_value_bytes(buffer, at + 3, kind)
        if length < 0:
            return -1, 0
        if buffer[at] == 82 and buffer[at + 1] == 71 and kind == 90:
            return at + 3, length - 1
        at += 3 + length
    return -1, 0


@kernel
def find_groups(
    buffer: NDArray[np.uint8],
    rows_at: NDArray[np.int64],
    ids: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Set out[i] to the number of the read group of record i; -1 where it has none of those named.

    Args:
        buffer: uint8, inflated BAM. rows_at: int64 (N,), offsets of records. ids: uint8 flat, IDs of read
        groups; offsets: int64 (G+1,). out: int32 (N,), filled.
    """
    for row in range(len(out)):
        at = rows_at[row]
        after = at + 4 + int32_at(buffer, at)
        n_bases = int32_at(buffer, at + 20)
        tags = (
            at
            + _FIXED
            + np.int64(buffer[at + 12])
            + 4 * uint16_at(buffer, at + 16)
            + (n_bases + 1) // 2
            + n_bases
        )
        value, length = _find_group(buffer, tags, after)
        out[row] = -1
        for g in range(len(offsets) - 1):
            if value < 0 or offsets[g + 1] - offsets[g] != length:
                continue
            same = True
            for i in range(length):
                if buffer[value + i] != ids[offsets[g] + i]:
                    same = False
                    break
            if same:
                out[row] = g
                break


@kernel
def keep_near(
    buffer: NDArray[np.uint8],
    found: RecordRows,
    n_rows: int,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> None:
    """Clear keep[i] of records that reach none of the stretches, with their soft-clipped start or without.

    `buffer`: uint8 (n,), inflated BAM. starts, ends: int64 (S,), half-open stretches, sorted and apart.
    keep: bool (n_rows,), changed.
    """
    for row in range(n_rows):
        if found.kind[row] == UNALIGNED:  # where it lies is not known yet
            continue
        begin = found.pos[row]
        for k in range(found.n_ops[row]):
            word = _u32(buffer, found.cigar_at[row] + 4 * k)
            if word & 15 == 4:
                begin -= word >> 4
            elif word & 15 != 5:
                break
        first = np.searchsorted(ends, begin, side="right")
        if first == len(starts) or starts[first] >= found.end[row]:
            keep[row] = False


@kernel
def order_rows(
    rows_pos: NDArray[np.int64], rows_hash: NDArray[np.uint64], rows_flag: NDArray[np.uint16], n_rows: int
) -> NDArray[np.int64]:
    """Row numbers in (pos, hash, flag) order, int64 (n_rows,); rows_pos must ascend already."""
    order = np.arange(n_rows)
    first = 0
    while first < n_rows:
        stop = first + 1
        while stop < n_rows and rows_pos[stop] == rows_pos[first]:
            stop += 1
        if stop - first > 64:
            order[first:stop] = first + np.argsort(rows_hash[first:stop], kind="mergesort")
        for i in range(first + 1, stop):
            row = order[i]
            j = i
            while j > first and (
                rows_hash[order[j - 1]] > rows_hash[row]
                or (rows_hash[order[j - 1]] == rows_hash[row] and rows_flag[order[j - 1]] > rows_flag[row])
            ):
                order[j] = order[j - 1]
                j -= 1
            order[j] = row
        first = stop
    return order


@kernel
def keep_by_depth(
    pos: NDArray[np.int64],
    end: NDArray[np.int64],
    name_hash: NDArray[np.uint64],
    max_depth: float,
    max_span: int,
    bin_shift: int,
    keep: NDArray[np.bool_],
) -> None:
    """Clear `keep` for a share of the reads of every bin where too many start.

    Args:
        pos, end, name_hash: (R,), ascending by pos, with every read that starts in the bins met.
        max_depth: x. max_span: bp; longer reads neither count nor go.
        bin_shift: bins are 2**bin_shift bp of absolute position.
        keep: bool (R,), changed in place.
    """
    first = 0
    n = len(pos)
    while first < n:
        number = pos[first] >> bin_shift
        stop = first
        bases = 0
        while stop < n and (pos[stop] >> bin_shift) == number:
            if keep[stop] and end[stop] - pos[stop] <= max_span:
                bases += end[stop] - pos[stop]
            stop += 1
        depth = bases / (1 << bin_shift)
        if depth > max_depth:
            share = max_depth / depth
            for i in range(first, stop):
                fraction = np.float64(name_hash[i] >> np.uint64(11)) * 2.0**-53
                if end[i] - pos[i] <= max_span and fraction >= share:
                    keep[i] = False
        first = stop


@kernel
def _decode_bases(
    packed: NDArray[np.uint8],
    pairs: NDArray[np.uint16],
    seq: NDArray[np.uint8],
    scratch: NDArray[np.uint16],
    bases: NDArray[np.uint8],
) -> None:
    """Unpack `packed` (m,), two bases per byte, into `seq` (2m,) or one less, by `pairs` (256,).

    `scratch` is uint16 (at least 64,), `bases` the same bytes as uint8.
    """
    # a table of pairs into an aligned scratch, then a copy: half the time of nibble by nibble
    done = 0
    step = len(scratch)
    while done < len(packed):
        part = packed[done : done + step]
        out = seq[2 * done : 2 * (done + len(part))]
        for k in range(len(part)):
            scratch[k] = pairs[part[k]]
        for k in range(len(out)):
            out[k] = bases[k]
        done += step


@kernel
def _copy_quals(raw: NDArray[np.uint8], seq: NDArray[np.uint8], qual: NDArray[np.uint8]) -> None:
    """Phred of `raw` (n,) into `qual` (n,), by the codes `seq` (n,)."""
    for k in range(len(raw)):
        # an N says nothing, whatever its quality
        qual[k] = raw[k] if seq[k] != CODE_N else 0


@kernel
def fill_records(
    buffer: NDArray[np.uint8],
    rows: NDArray[np.int64],
    found: RecordRows,
    pairs: NDArray[np.uint16],
    default_qual: int,
    columns: FilledColumns,
) -> None:
    """Copy the records `rows` (R,) of those found into columns.

    `buffer`: uint8 (n,), inflated BAM. `pairs`: uint16 (256,), a byte of two BAM bases to two codes, the
    first in the low byte.
    """
    seq, qual, seq_offset = columns.seq, columns.qual, columns.seq_offset
    cigar_op, cigar_len, cigar_offset = columns.cigar_op, columns.cigar_len, columns.cigar_offset
    scratch = np.empty(2048, np.uint16)
    bases = scratch.view(np.uint8)
    for i in range(len(rows)):
        row = rows[i]
        at = found.at[row]
        columns.mapq[i] = buffer[at + 13]
        columns.insert_size[i] = int32_at(buffer, at + 32)
        cigar_at = found.cigar_at[row]
        out = cigar_offset[i]
        for k in range(found.n_ops[row]):
            word = _u32(buffer, cigar_at + 4 * k)
            cigar_op[out + k] = word & 15
            cigar_len[out + k] = word >> 4
        out = seq_offset[i]
        length = seq_offset[i + 1] - out
        seq_at = at + _FIXED + np.int64(buffer[at + 12]) + 4 * uint16_at(buffer, at + 16)
        _decode_bases(
            buffer[seq_at : seq_at + ((length + 1) >> 1)], pairs, seq[out : out + length], scratch, bases
        )
        qual_at = seq_at + ((length + 1) >> 1)
        if buffer[qual_at] == 255:
            for k in range(length):
                qual[out + k] = default_qual if seq[out + k] < 4 else 0
        else:
            _copy_quals(buffer[qual_at : qual_at + length], seq[out : out + length], qual[out : out + length])


@kernel
def sequence_lengths(
    buffer: NDArray[np.uint8], rows: NDArray[np.int64], rows_at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """l_seq of each of `rows`, int64 (R,); `rows_at` (N,), where records begin in `buffer` (n,)."""
    lengths = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        lengths[i] = int32_at(buffer, rows_at[rows[i]] + 20)
    return lengths


@kernel
def gather_rows(
    flat: NDArray[Any],
    offset: NDArray[np.int64],
    order: NDArray[np.int64],
    new_offset: NDArray[np.int64],
    out: NDArray[Any],
) -> NDArray[Any]:
    """Copy the rows `order` (R,) of a flat array in CSR form to `out`, whose offsets are given; returns
    `out`.

    `offset` (N+1,) of `flat`, `new_offset` (R+1,) of `out`.
    """
    for k in range(len(order)):
        row = order[k]
        out[new_offset[k] : new_offset[k + 1]] = flat[offset[row] : offset[row + 1]]
    return out
