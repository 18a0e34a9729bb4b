"""k-mers of soft-clipped tails, and the bases of reads that known k-mers cover."""
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from deepcohort.core.numba_options import kernel

KMER_BP = 16
_MASK = (1 << 2 * KMER_BP) - 1
_SOFT = 4


@kernel
def _is_simple(kmer):
    """Whether a k-mer repeats a unit of 1 to 3 bp in nearly all of its places."""
    for shift in range(1, 4):
        same = 0
        for k in range(KMER_BP - shift):
            same += ((kmer >> 2 * k) & 3) == ((kmer >> 2 * (k + shift)) & 3)
        if same >= KMER_BP - shift - 2:
            return True
    return False


@kernel
def _put_kmers(seq, start, stop, out, n):
    """k-mers of seq[start:stop] into out[n:], low complexity and N left out; returns the new n."""
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
def tail_kmers(seq, seq_offset, cigar_op, cigar_len, cigar_offset, out):
    """Fill `out` int64 with the k-mers of all soft-clipped tails of KMER_BP and more.

    Args:
        seq: uint8 flat codes, seq_offset int64 (R+1,). cigar_*: as in ReadBatch. out: at least len(seq).

    Returns:
        (number of k-mers, number of tails).
    """
    n = tails = 0
    for r in range(len(seq_offset) - 1):
        first = cigar_offset[r]
        last = cigar_offset[r + 1] - 1
        if cigar_op[first] == _SOFT and cigar_len[first] >= KMER_BP:
            n = _put_kmers(seq, seq_offset[r], seq_offset[r] + cigar_len[first], out, n)
            tails += 1
        if last > first and cigar_op[last] == _SOFT and cigar_len[last] >= KMER_BP:
            n = _put_kmers(seq, seq_offset[r + 1] - cigar_len[last], seq_offset[r + 1], out, n)
            tails += 1
    return n, tails


@kernel
def _is_known(known, value):
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
def mask_known(seq, qual, seq_offset, cigar_op, cigar_len, cigar_offset, known):
    """Set `qual` to 0 (in place) of the bases that k-mers `known` (sorted int64) cover.

    A soft clip that such a k-mer touches is masked whole: behind an adapter lies something else.
    """
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
                for k in range(i - KMER_BP + 1, i + 1):
                    qual[k] = 0
                low = min(low, i - KMER_BP + 1)
                high = max(high, i + 1)
        if low >= high:
            continue
        first = cigar_offset[r]
        last = cigar_offset[r + 1] - 1
        if cigar_op[first] == _SOFT and low < start + cigar_len[first]:
            qual[start : start + cigar_len[first]] = 0
        if last > first and cigar_op[last] == _SOFT and high > stop - cigar_len[last]:
            qual[stop - cigar_len[last] : stop] = 0
