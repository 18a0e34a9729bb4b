"""k-mers of tails that do not fit the reference, and the bases of reads that known k-mers cover."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

KMER_BP = 16
_MASK = (1 << 2 * KMER_BP) - 1
_INSERTION, _SOFT = 1, 4
_STRAY_SCORE, _STRAY_DROP = 6, 8
_OVERHANG_BP = 5
_SHORT_READ_BP = 500


@kernel
def _is_simple(kmer: int) -> bool:
    """Whether a k-mer repeats a unit of 1 to 3 bp in nearly all of its places."""
    for shift in range(1, 4):
        same = 0
        for k in range(KMER_BP - shift):
            same += ((kmer >> 2 * k) & 3) == ((kmer >> 2 * (k + shift)) & 3)
        if same >= KMER_BP - shift - 2:
            return True
    return False


@kernel
def _put_kmers(seq: NDArray[np.uint8], start: int, stop: int, out: NDArray[np.int64], n: int) -> int:
    """k-mers of seq[start:stop] into out[n:], low complexity and N left out; returns the new n.

    `seq` flat (B,), `out` (m,).
    """
    value = 0
    known = 0
    for i in range(start, stop):
        code = seq[i]
        if code > 3:
            known = 0
            continue
        value = ((value << 2) | code) & _MASK
        known += 1
        if known >= KMER_BP and not _is_simple(value):
            out[n] = value
            n += 1
    return n


@kernel
def _stray_bases(
    seq: NDArray[np.uint8], at: int, step: int, n: int, reference: NDArray[np.uint8], position: int
) -> int:
    """Length of the end of a read that does not fit the reference.

    The read's last base is seq[at], it goes on by `step` for n bases; `position` is that of seq[at] in
    `reference`. The end with the largest score counts: a base that differs is worth 1, one that fits -1.

    `seq` flat (B,), `reference` (L,).
    """
    best = score = length = 0
    for k in range(n):
        place = position + k * step
        if not 0 <= place < len(reference):
            break
        score += 1 if seq[at + k * step] != reference[place] else -1
        if score > best:
            best, length = score, k + 1
        if score < best - _STRAY_DROP:
            break
    return length if best >= _STRAY_SCORE else 0


@kernel
def _longest_run(
    cigar_op: NDArray[np.uint8], cigar_len: NDArray[np.int32], first: int, stop: int
) -> tuple[np.int64, np.int64, np.int64]:
    """(read bases, reference bases) before the longest run of operations [first, stop); its length."""
    query = place = np.int64(0)
    best_query = best_place = best = np.int64(0)
    for op in range(first, stop):
        kind, n = cigar_op[op], np.int64(cigar_len[op])
        aligned = kind == 0 or kind >= 7
        if aligned and n > best:
            best_query, best_place, best = query, place, n
        if aligned or kind == 1 or kind == _SOFT:
            query += n
        if aligned or kind == 2 or kind == 3:
            place += n
    return best_query, best_place, best


@kernel
def loose_tails(
    seq: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
    pos: NDArray[np.int64],
    reference: NDArray[np.uint8],
    start: int,
    tails: NDArray[np.int32],
) -> None:
    """Fill `tails` int32 (R, 2): bases at each read's left and right end that belong to no alignment.

    Soft clips; at ends without one, what differs too often from the reference where the read's longest run
    lies, as aligners that align reads from end to end leave it.

    Args:
        seq: uint8 flat codes, seq_offset int64 (R+1,). cigar_*: as in ReadBatch. pos: int64 (R,).
        reference: uint8 codes from contig position `start` on; may be empty.
    """
    for r in range(len(seq_offset) - 1):
        first, stop = cigar_offset[r], cigar_offset[r + 1]
        low, high = seq_offset[r], seq_offset[r + 1]
        query, place, n = _longest_run(cigar_op, cigar_len, first, stop)
        if high - low > _SHORT_READ_BP:
            n = np.int64(0)  # indels of the read, not of the sample, lead away from any run's diagonal
        shift = pos[r] - start + place - query  # of the reference against the read, along that run
        tails[r, 0] = tails[r, 1] = 0
        if cigar_op[first] == _SOFT:
            tails[r, 0] = cigar_len[first]
        elif n > 0:
            tails[r, 0] = _stray_bases(seq, low, 1, query + n, reference, shift)
        if stop - first > 1 and cigar_op[stop - 1] == _SOFT:
            tails[r, 1] = cigar_len[stop - 1]
        elif n > 0:
            last = high - low - 1
            tails[r, 1] = _stray_bases(seq, high - 1, -1, last + 1 - query, reference, shift + last)


@kernel
def tail_kmers(
    seq: NDArray[np.uint8], seq_offset: NDArray[np.int64], tails: NDArray[np.int32], out: NDArray[np.int64]
) -> tuple[int, int]:
    """Fill `out` int64 with the k-mers of all tails of KMER_BP and more.

    Args:
        seq: uint8 flat codes, seq_offset int64 (R+1,). tails: int32 (R, 2), of loose_tails.
        out: at least 2 * len(seq).

    Returns:
        (number of k-mers, number of tails).
    """
    n = n_tails = 0
    for r in range(len(seq_offset) - 1):
        left, right = tails[r]
        if left >= KMER_BP:
            n = _put_kmers(seq, seq_offset[r], seq_offset[r] + left, out, n)
            n_tails += 1
        if right >= KMER_BP and left < seq_offset[r + 1] - seq_offset[r]:
            n = _put_kmers(seq, seq_offset[r + 1] - right, seq_offset[r + 1], out, n)
            n_tails += 1
    return n, n_tails


@kernel
def _is_known(known: NDArray[np.int64], value: int) -> bool:
    """Whether `value` is one of the ascending `known` (K,)."""
    low = 0
    high = len(known)
    while low < high:
        middle = (low + high) // 2
        if known[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low < len(known) and known[low] == value


@kernel
def outermost(known: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(int64, int64): those of sorted k-mers `known` with which adapters open, and with which they close."""
    opens, closes = np.ones(len(known), np.bool_), np.ones(len(known), np.bool_)
    for k in range(len(known)):
        for code in range(4):
            opens[k] &= not _is_known(known, (known[k] >> 2) | (code << 2 * (KMER_BP - 1)))
            closes[k] &= not _is_known(known, ((known[k] << 2) & _MASK) | code)
    return known[opens], known[closes]


@kernel
def _overhang(
    seq: NDArray[np.uint8], start: int, stop: int, opens: NDArray[np.int64], closes: NDArray[np.int64]
) -> tuple[int, int]:
    """Bases at the (left, right) end of seq[start:stop] that an adapter's last, or first, bases spell."""
    left = right = 0
    if stop - start <= KMER_BP:
        return left, right
    first = last = np.int64(0)
    for k in range(KMER_BP - 1):
        first = (first << 2) | (seq[start + k] & 3)
        last = (last << 2) | (seq[stop - KMER_BP + 1 + k] & 3)
    for n in range(_OVERHANG_BP, KMER_BP):
        whole = (np.int64(1) << 2 * n) - 1
        for kmer in closes:
            if kmer & whole == first >> 2 * (KMER_BP - 1 - n):
                left = n
        for kmer in opens:
            if kmer >> 2 * (KMER_BP - n) == last & whole:
                right = n
    return left, right


@kernel
def _hide(seq: NDArray[np.uint8], qual: NDArray[np.uint8], start: int, stop: int) -> None:
    """Bases that nobody read: N, as a base of quality 0 alone still links its neighbours in assemblies.

    `seq`, `qual` flat (B,).
    """
    seq[start:stop] = 4
    qual[start:stop] = 0


@kernel
def _mask_insertions(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    start: int,
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    first: int,
    last: int,
    low: int,
    high: int,
) -> None:
    """Mask whole the insertions of a read that touch its bases [low, high).

    `seq`, `qual` flat (B,), `cigar_op`, `cigar_len` (K,).
    """
    query = np.int64(start)
    for op in range(first, last + 1):
        n = np.int64(cigar_len[op])
        if cigar_op[op] == _INSERTION and query < high and query + n > low:
            _hide(seq, qual, query, query + n)
        if cigar_op[op] == 0 or cigar_op[op] >= 7 or cigar_op[op] == _INSERTION or cigar_op[op] == _SOFT:
            query += n


@kernel
def mask_known(
    seq: NDArray[np.uint8],
    qual: NDArray[np.uint8],
    seq_offset: NDArray[np.int64],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
    known: NDArray[np.int64],
) -> None:
    """Make N of quality 0 (in place) of the bases that k-mers `known` (sorted int64) cover.

    A soft clip or an insertion that such a k-mer touches is masked whole: it is not of the sample. Within
    the alignment it is what lies on the adapter's shorter side: aligners that do not clip leave it there.
    So they do with an adapter's first bases where the read ends in them.

    `known` (K,); the others as in ReadBatch.
    """
    opens, closes = outermost(known)
    filter_ = np.zeros(1 << 16, np.bool_)  # most k-mers are refused by a look at their last 8 bases
    for value in known:
        filter_[value & 0xFFFF] = True
    for r in range(len(seq_offset) - 1):
        start = seq_offset[r]
        stop = seq_offset[r + 1]
        value = 0
        length = 0
        low = stop
        high = start
        for i in range(start, stop):
            code = seq[i]
            if code > 3:
                length = 0
                continue
            value = ((value << 2) | code) & _MASK
            length += 1
            if length >= KMER_BP and filter_[value & 0xFFFF] and _is_known(known, value):
                _hide(seq, qual, i - KMER_BP + 1, i + 1)
                low = min(low, i - KMER_BP + 1)
                high = max(high, i + 1)
        first = cigar_offset[r]
        last = cigar_offset[r + 1] - 1
        if low >= high:
            over_left, over_right = _overhang(seq, start, stop, opens, closes)
            if cigar_op[first] != _SOFT:
                _hide(seq, qual, start, start + over_left)
            if cigar_op[last] != _SOFT:
                _hide(seq, qual, stop - over_right, stop)
            continue
        left = cigar_len[first] if cigar_op[first] == _SOFT else 0
        right = cigar_len[last] if last > first and cigar_op[last] == _SOFT else 0
        if low < start + left:
            _hide(seq, qual, start, start + left)
        if high > stop - right:
            _hide(seq, qual, stop - right, stop)
        _mask_insertions(seq, qual, start, cigar_op, cigar_len, first, last, low, high)
        if low >= start + left and high <= stop - right:
            if low - start < stop - high:
                _hide(seq, qual, start, low)
            else:
                _hide(seq, qual, high, stop)
