"""Cohort VCF text for statistical phasing: genotypes read, input for the phaser written, phase put back."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.phase_kernels import FAMILY_SET
from deepcohort.joint.text_kernels import put_bytes, put_int

_TAB, _NEWLINE, _COLON, _DOT, _SLASH, _BAR, _ZERO = 9, 10, 58, 46, 47, 124, 48
_P, _S, _Q = 80, 83, 81
_NEW_KEYS = np.frombuffer(b":PS:PQ", dtype=np.uint8)
_PLAIN = np.frombuffer(b"\t.\tPASS\t.\tGT", dtype=np.uint8)
_PASS = np.frombuffer(b"PASS", dtype=np.uint8)
LINE_BYTES, CELL_BYTES = 60, 40  # that a line, and a cell of it, may grow by
# columns of LineTable.place
START, STOP, ID, REF, ALT_END, FORMAT, CELLS = range(7)


class LineTable(NamedTuple):
    """Lines of a VCF with N samples, L of them.

    Attributes:
        place: int64 (L, 7), offsets of start, stop (behind the newline), ID, REF, end of ALT, FORMAT, cells.
        keys: int16 (L, 3), number of FORMAT keys, which is PS, and which PQ (-1: none).
        number: int64 (L,), the ID as a number, -1 if it is none. passed: bool (L,), FILTER.
        gt: int16 (L, N, 2), as written, -1 missing, second -2 haploid.
        phase_set: int32 (L, N), PS, 0 where a phased genotype has none, -1 unphased.
    """

    place: NDArray[np.int64]
    keys: NDArray[np.int16]
    number: NDArray[np.int64]
    passed: NDArray[np.bool_]
    gt: NDArray[np.int16]
    phase_set: NDArray[np.int32]


@kernel
def _next(text: NDArray[np.uint8], at: int) -> int:
    """Where the field at `at` of `text` (n,) ends."""
    while text[at] != _TAB and text[at] != _NEWLINE:
        at += 1
    return at


@kernel
def _number(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Digits text[at:stop] of `text` (n,) as a number; -1 where it is none."""
    if at >= stop:
        return -1
    value = 0
    for i in range(at, stop):
        digit = text[i] - _ZERO
        if digit < 0 or digit > 9 or value > 1_000_000_000:
            return -1
        value = value * 10 + digit
    return value


@kernel
def _read_keys(text: NDArray[np.uint8], at: int, stop: int, keys: NDArray[np.int16]) -> None:
    """Fill `keys` (3,): keys of FORMAT, text[at:stop] of `text` (n,), and which of them are PS and PQ, or
    -1.
    """
    keys[0], keys[1], keys[2] = 0, -1, -1
    while at < stop:
        end = at
        while end < stop and text[end] != _COLON:
            end += 1
        if end - at == 2 and text[at] == _P:
            if text[at + 1] == _S:
                keys[1] = keys[0]
            elif text[at + 1] == _Q:
                keys[2] = keys[0]
        keys[0] += 1
        at = end + 1


@kernel
def _read_cell(text: NDArray[np.uint8], at: int, stop: int, ps_key: int, gt: NDArray[np.int16]) -> int:
    """Genotype of a cell into gt (2,); its phase set as in `LineTable`."""
    gt[0], gt[1] = -1, -2
    phased = False
    hap, i = 0, at
    while i < stop and text[i] != _COLON and hap < 2:
        end = i
        while end < stop and text[end] != _COLON and text[end] != _SLASH and text[end] != _BAR:
            end += 1
        gt[hap] = _number(text, i, end)
        if end < stop and text[end] != _COLON:
            phased = text[end] == _BAR
            gt[1] = -1
        hap, i = hap + 1, end + 1
        if end >= stop or text[end] == _COLON:
            break
    if not phased:
        return -1
    key = 0
    i = at
    while i < stop and key < ps_key:
        key += text[i] == _COLON
        i += 1
    if ps_key < 0 or key < ps_key:
        return 0
    end = i
    while end < stop and text[end] != _COLON:
        end += 1
    return max(0, _number(text, i, end))


@kernel
def read_lines(text: NDArray[np.uint8], table: LineTable) -> None:
    """Fill `table` from whole lines of `text`, as many as it has room for. `text` (n,)."""
    at = 0
    for line in range(len(table.place)):
        place = table.place[line]
        place[START] = at
        at = _next(text, at) + 1  # POS
        at = _next(text, at) + 1
        place[ID] = at
        end = _next(text, at)
        table.number[line] = _number(text, at, end)
        place[REF] = end + 1
        at = _next(text, end + 1) + 1
        place[ALT_END] = _next(text, at)
        at = _next(text, place[ALT_END] + 1) + 1  # FILTER
        end = _next(text, at)
        passed = end - at == 1 and text[at] == _DOT
        if end - at == 4:
            passed = True
            for k in range(4):
                passed = passed and text[at + k] == _PASS[k]
        table.passed[line] = passed
        at = _next(text, end + 1) + 1
        place[FORMAT] = at
        end = _next(text, at)
        _read_keys(text, at, end, table.keys[line])
        place[CELLS] = end + 1
        for s in range(table.gt.shape[1]):
            at = end + 1
            end = _next(text, at)
            table.phase_set[line, s] = _read_cell(text, at, end, table.keys[line, 1], table.gt[line, s])
        place[STOP] = end + 1
        at = end + 1


@kernel
def _is_het(gt: NDArray[np.int16]) -> bool:
    """Whether `gt` (2,) has two different alleles, both known."""
    return gt[0] >= 0 and gt[1] >= 0 and gt[0] != gt[1]


@kernel
def put_input(
    text: NDArray[np.uint8], table: LineTable, chosen: NDArray[np.int64], first_number: int,
    out: NDArray[np.uint8],
) -> tuple[int, int]:  # fmt: skip
    """Lines for the phaser: those that pass with a heterozygote among `chosen`; bytes and lines written.

    ID is the line's number; GT alone of the chosen samples, unphased, half-calls missing, one copy as two.
    `out`: as long as `text` and LINE_BYTES a line.

    `text` (n,), `chosen` (k,), `out` (B,).
    """
    at = n = 0
    for line in range(len(table.place)):
        has_het = False
        for s in chosen:
            has_het = has_het or _is_het(table.gt[line, s])
        if not has_het or not table.passed[line]:
            continue
        place = table.place[line]
        at = put_bytes(out, at, text, place[START], place[ID])
        at = put_int(out, at, first_number + line)
        out[at] = _TAB
        at = put_bytes(out, at + 1, text, place[REF], place[ALT_END])
        at = put_bytes(out, at, _PLAIN, 0, len(_PLAIN))
        for s in chosen:
            a, b = table.gt[line, s, 0], table.gt[line, s, 1]
            b = a if b == -2 else b
            out[at] = _TAB
            if a < 0 or b < 0:
                out[at + 1], out[at + 2], out[at + 3] = _DOT, _SLASH, _DOT
                at += 4
            else:
                at = put_int(out, at + 1, a)
                out[at] = _SLASH
                at = put_int(out, at + 1, b)
        out[at] = _NEWLINE
        at, n = at + 1, n + 1
    return at, n


@kernel
def statistical_order(
    table: LineTable, first_number: int, chosen: NDArray[np.int64], found: LineTable, order: NDArray[np.int8]
) -> int:
    """Fill order (L, N) by the phaser's lines `found`, ID by ID; how many of these were taken.

    0: the first haplotype has the allele that is written first, 1: the second, -1: nothing is known.
    """
    order[:] = -1
    k = 0
    while k < len(found.number) and found.number[k] < first_number + len(table.place):
        line = found.number[k] - first_number
        if line >= 0:
            for j in range(len(chosen)):
                s = chosen[j]
                mine, theirs = table.gt[line, s], found.gt[k, j]
                if not _is_het(mine):
                    continue
                if mine[0] == theirs[0] and mine[1] == theirs[1]:
                    order[line, s] = 0
                elif mine[0] == theirs[1] and mine[1] == theirs[0]:
                    order[line, s] = 1
        k += 1
    return k


@kernel
def _put_changed(
    out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, stop: int, turned: bool,
    keys: NDArray[np.int16], keeps_pq: bool,
) -> int:  # fmt: skip
    """A cell with its genotype phased (and turned), PS the contig's, PQ as it was or missing.

    `out` (B,), `text` (n,), `keys` (k,).
    """
    middle = start
    while text[middle] != _SLASH and text[middle] != _BAR:
        middle += 1
    rest = middle
    while rest < stop and text[rest] != _COLON:
        rest += 1
    if turned:
        at = put_bytes(out, at, text, middle + 1, rest)
        out[at] = _BAR
        at = put_bytes(out, at + 1, text, start, middle)
    else:
        at = put_bytes(out, at, text, start, middle)
        out[at] = _BAR
        at = put_bytes(out, at + 1, text, middle + 1, rest)
    n_keys = keys[0] + (2 if keys[1] < 0 else 0)
    ps_key, pq_key = keys[1], keys[2]
    if keys[1] < 0:
        ps_key, pq_key = keys[0], keys[0] + 1
    last = max(ps_key, pq_key)
    k = rest
    for key in range(1, n_keys):
        has = k < stop
        end = k + 1
        while end < stop and text[end] != _COLON:
            end += 1
        if not has and key > last:
            break
        out[at] = _COLON
        at += 1
        if key == ps_key:
            at = put_int(out, at, FAMILY_SET)
        elif not has or (key == pq_key and not keeps_pq):
            out[at] = _DOT
            at += 1
        else:
            at = put_bytes(out, at, text, k + 1, end)
        if has:
            k = end
    return at


@kernel
def put_lines(
    text: NDArray[np.uint8], table: LineTable, order: NDArray[np.int8], out: NDArray[np.uint8]
) -> int:
    """All lines, with the phase of the genotypes whose order (L, N) is 0 (as written) or 1 (turned)."""
    at = 0
    for line in range(len(table.place)):
        place, keys = table.place[line], table.keys[line]
        changes = False
        for s in range(order.shape[1]):
            changes = changes or order[line, s] >= 0
        if not changes:
            at = put_bytes(out, at, text, place[START], place[STOP])
            continue
        at = put_bytes(out, at, text, place[START], place[CELLS] - 1)
        if keys[1] < 0:
            at = put_bytes(out, at, _NEW_KEYS, 0, len(_NEW_KEYS))
        start = place[CELLS]
        for s in range(order.shape[1]):
            end = _next(text, start)
            out[at] = _TAB
            if order[line, s] < 0:
                at = put_bytes(out, at + 1, text, start, end)
            else:
                is_read = table.phase_set[line, s] > 0
                at = _put_changed(out, at + 1, text, start, end, order[line, s] == 1, keys, is_read)
            start = end + 1
        out[at] = _NEWLINE
        at += 1
    return at
