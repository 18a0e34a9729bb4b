"""ALTs of records to primitives: trimmed, left-aligned, MNPs cut into their substitutions."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c
from deepcohort.joint.line_kernels import alt_end

_LESS, _STAR, _OPEN, _CLOSE, _DOT = 60, 42, 91, 93, 46
_POS, _KIND, _FILTERED, _N_ALT, _REF_LEN, _SEQ, _SEQ_LEN = (
    c.POS, c.KIND, c.FILTERED, c.N_ALT, c.REF_LEN, c.SEQ, c.SEQ_LEN,
)  # fmt: skip
_GT0, _GT1, _PL, _PL_N, _X, _VARIANT = c.GT0, c.GT1, c.PL, c.PL_N, c.X, c.VARIANT
_P_REC, _P_ALT, _P_POS, _P_REF_LEN, _P_SEQ, _P_SEQ_LEN, _P_CALLED, _P_ALLELE = range(8)


@kernel
def genotype_alleles(index: int) -> tuple[int, int]:
    """Alleles j <= k of the diploid genotype at `index` of VCF order."""
    k = 0
    while (k + 1) * (k + 2) // 2 <= index:
        k += 1
    return index - k * (k + 1) // 2, k


@kernel
def mark_called(row: NDArray[np.int32], numbers: NDArray[np.int32], called: NDArray[np.bool_]) -> None:
    """Set called[a] for the alleles of a record that its GT or its likeliest PL holds.

    `row` (N_COLUMNS,), `numbers` flat (n,), `called` (A,).
    """
    n_alleles = row[_N_ALT] + 1
    for a in range(n_alleles):
        called[a] = False
    if row[_FILTERED]:
        return
    for a in (row[_GT0], row[_GT1]):
        if a >= 0 and a < n_alleles:
            called[a] = True
    best = 0
    first = row[_PL]
    for g in range(1, row[_PL_N]):
        if numbers[first + g] < numbers[first + best]:
            best = g
    if row[_PL_N] == n_alleles * (n_alleles + 1) // 2:
        j, k = genotype_alleles(best)
        called[j] = True
        called[k] = True
    elif row[_PL_N] == n_alleles:
        called[best] = True


@kernel
def normalise(
    alt: NDArray[np.uint8],
    head: int,
    tail: int,
    pos: int,
    ref_len: int,
    reference: NDArray[np.uint8],
    reference_start: int,
    max_shift: int,
) -> tuple[int, int, int, int]:
    """Parsimonious, left-aligned form of REF = reference[pos:pos+ref_len], ALT = alt[head:tail].

    `alt` has at least `max_shift` free bytes before `head`. Tan et al. 2015 (vt normalize).

    Returns:
        head, tail, pos, ref_len.

    `alt` (n,), codes as text; `reference` (L,).
    """
    lowest = max(reference_start, pos - max_shift)
    while ref_len > 0 and tail > head and reference[pos + ref_len - 1 - reference_start] == alt[tail - 1]:
        if (ref_len == 1 or tail - head == 1) and pos <= lowest:
            break
        if ref_len == 1 and tail - head == 1:
            break  # no variant: REF equals ALT
        ref_len -= 1
        tail -= 1
        if ref_len == 0 or tail == head:
            pos -= 1
            head -= 1
            ref_len += 1
            alt[head] = reference[pos - reference_start]
    while ref_len > 1 and tail - head > 1 and reference[pos - reference_start] == alt[head]:
        pos += 1
        head += 1
        ref_len -= 1
    return head, tail, pos, ref_len


@kernel
def _add(
    table: NDArray[np.int32],
    n: int,
    record: int,
    allele: int,
    pos: int,
    ref_len: int,
    seq: int,
    seq_len: int,
    called: bool,
) -> int:
    """Write a primitive to row `n` of `table` (P, N_PRIMITIVE_COLUMNS); the next row."""
    row = table[n]
    row[_P_REC], row[_P_ALT], row[_P_POS], row[_P_REF_LEN] = record, allele, pos, ref_len
    row[_P_SEQ], row[_P_SEQ_LEN], row[_P_CALLED], row[_P_ALLELE] = seq, seq_len, called, 0
    return n + 1


@kernel
def _is_symbolic(text: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether the ALT text[at:end] of `text` (n,) is no sequence: <symbolic>, or a breakend."""
    if text[at] == _LESS:
        return True
    for i in range(at, end):  # noqa: SIM110 - numba compiles no generators
        if text[i] == _OPEN or text[i] == _CLOSE or text[i] == _DOT:
            return True
    return False


@kernel
def find_left_out(
    records: NDArray[np.int32], allele_text: NDArray[np.uint8], start: int, end: int
) -> tuple[int, int]:
    """Symbolic ALTs but that of any other allele, of variant records with POS in [start, end).

    Returns:
        How many, and the least POS of them (0-based; -1 where there is none).

    `records` (R, N_COLUMNS), `allele_text` flat (n,).
    """
    n, first = 0, -1
    for r in range(len(records)):
        row = records[r]
        if row[_KIND] != _VARIANT or row[_POS] < start or row[_POS] >= end:
            continue
        at = row[_SEQ] + row[_REF_LEN] + 1
        stop = row[_SEQ] + row[_SEQ_LEN]
        allele = 1
        while at < stop:
            after = alt_end(allele_text, at, stop)
            if allele != row[_X] and _is_symbolic(allele_text, at, after):
                n += 1
                first = row[_POS] if first < 0 else min(first, row[_POS])
            at = after + 1
            allele += 1
    return n, first


@kernel
def count_primitives(records: NDArray[np.int32]) -> tuple[int, int]:
    """Upper bounds of primitives and of their bases for all variants of `records` (R, N_COLUMNS)."""
    rows = bases = 0
    for i in range(len(records)):
        if records[i, _KIND] == _VARIANT:
            # an MNP gives at most as many rows as it has bases
            rows += records[i, _N_ALT] + records[i, _SEQ_LEN]
            bases += records[i, _SEQ_LEN] + records[i, _N_ALT] * 2
    return rows, bases


@kernel
def list_primitives(
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    allele_text: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    reference_start: int,
    max_shift: int,
    table: NDArray[np.int32],
    seq: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Fill `table` with the primitives of every record; offsets[r]:offsets[r+1] are record r's.

    Args:
        reference: uint8 ASCII, upper case, from `reference_start`; records that reach outside it
            are left without primitives.
        seq: uint8 flat, gets the ALT bases.

    Returns:
        Primitives, bases used, and the first record whose REF differs from the reference (or -1).

    `records` (R, N_COLUMNS), `table` (P, N_PRIMITIVE_COLUMNS), `offsets` (R+1,).
    """
    n = used = 0
    wrong = -1
    called = np.zeros(1024, dtype=np.bool_)
    longest = 0
    for r in range(len(records)):
        longest = max(longest, records[r, _SEQ_LEN])
    scratch = np.empty(max_shift + longest + 2, dtype=np.uint8)
    reference_end = reference_start + len(reference)
    for r in range(len(records)):
        offsets[r] = n
        row = records[r]
        if row[_KIND] != _VARIANT:
            continue
        if row[_POS] < reference_start or row[_POS] + row[_REF_LEN] > reference_end:
            continue
        mark_called(row, numbers, called)
        text = row[_SEQ]
        for i in range(row[_REF_LEN]):
            base = reference[row[_POS] + i - reference_start]
            # an IUPAC letter in the reference (N here) may be anything in REF
            if allele_text[text + i] != base and base != 78 and allele_text[text + i] != 78 and wrong < 0:
                wrong = r
        at = text + row[_REF_LEN] + 1
        stop = text + row[_SEQ_LEN]
        allele = 1
        while at < stop:
            end = alt_end(allele_text, at, stop)
            size = end - at
            if allele_text[at] == _STAR:
                n = _add(table, n, r, allele, row[_POS], 0, used, -1, called[allele])
            elif not _is_symbolic(allele_text, at, end):
                for i in range(size):
                    scratch[max_shift + i] = allele_text[at + i]
                head, tail, pos, ref_len = normalise(
                    scratch, max_shift, max_shift + size, row[_POS], row[_REF_LEN],
                    reference, reference_start, max_shift,
                )  # fmt: skip
                if tail - head == ref_len:
                    for i in range(ref_len):
                        if scratch[head + i] != reference[pos + i - reference_start]:
                            seq[used] = scratch[head + i]
                            n = _add(table, n, r, allele, pos + i, 1, used, 1, called[allele])
                            used += 1
                else:
                    for i in range(head, tail):
                        seq[used + i - head] = scratch[i]
                    n = _add(table, n, r, allele, pos, ref_len, used, tail - head, called[allele])
                    used += tail - head
            at = end + 1
            allele += 1
    offsets[len(records)] = n
    return n, used, wrong


@kernel
def hash_primitives(table: NDArray[np.int32], seq: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64-bit FNV-1a of (ref_len, ALT) of each primitive; equal alleles of one POS hash alike."""
    hashes = np.empty(len(table), dtype=np.uint64)
    for i in range(len(table)):
        value = np.uint64(14695981039346656037)
        value = (value ^ np.uint64(table[i, _P_REF_LEN])) * np.uint64(1099511628211)
        for j in range(table[i, _P_SEQ_LEN]):
            value = (value ^ np.uint64(seq[table[i, _P_SEQ] + j])) * np.uint64(1099511628211)
        hashes[i] = value
    return hashes
