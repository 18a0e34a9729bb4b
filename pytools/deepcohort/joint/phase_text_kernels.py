"""Phase written into the lines of a window: `|`, and FORMAT PS, PQ and DNO."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.phase_kernels import FAMILY_SET, Lineage, SiteCalls, new_allele_origin
from deepcohort.joint.text_kernels import put_bytes, put_int, put_int_or_dot

_TAB, _COLON, _DOT, _SLASH, _BAR, _NEWLINE = 9, 58, 46, 47, 124, 10
_KEYS = np.frombuffer(b":PS:PQ:DNO", dtype=np.uint8)
_PARENTS = np.frombuffer(b"FM", dtype=np.uint8)
_FORMAT_COLUMN = 8
CELL_BYTES = 60  # that a phased cell may grow by
LINE_BYTES = 20  # and a line beside its cells


@kernel
def final_phase(
    calls: SiteCalls, lineage: Lineage, i: int, s: int, order: NDArray[np.int8], pq: NDArray[np.int16]
) -> tuple[int, int, int]:
    """(phase set, order, quality) of a genotype as it is written; the order is -1 where it is unphased."""
    if order[i, s] >= 0:
        return FAMILY_SET, order[i, s], pq[i, s]
    taken = lineage.related[s] and calls.read_set[i, s] == FAMILY_SET
    if calls.read_set[i, s] < 0 or taken:
        return -1, -1, -1
    return calls.read_set[i, s], calls.read_order[i, s], calls.read_pq[i, s]


@kernel
def _put_genotype(
    out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, order: int
) -> tuple[int, int]:
    """The genotype text[start:], "a/b", as a|b or b|a; where it ends in both. `out` (B,), `text` (n,)."""
    middle = start
    while text[middle] != _SLASH:
        middle += 1
    stop = middle + 1
    while text[stop] >= 48 and text[stop] <= 57:
        stop += 1
    if order == 0:
        at = put_bytes(out, at, text, start, middle)
        out[at] = _BAR
        return put_bytes(out, at + 1, text, middle + 1, stop), stop
    at = put_bytes(out, at, text, middle + 1, stop)
    out[at] = _BAR
    return put_bytes(out, at + 1, text, start, middle), stop


@kernel
def _put_cell(
    out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, stop: int, n_keys: int,
    phase: tuple[int, int, int],
) -> int:  # fmt: skip
    """A phased cell: its genotype, what followed, `.` for what was left out of n_keys, PS and PQ.

    `out` (B,), `text` (n,).
    """
    at, rest = _put_genotype(out, at, text, start, phase[1])
    n = 1
    for k in range(rest, stop):
        n += text[k] == _COLON
    at = put_bytes(out, at, text, rest, stop)
    for _ in range(n, n_keys):
        out[at], out[at + 1] = _COLON, _DOT
        at += 2
    out[at] = _COLON
    at = put_int(out, at + 1, phase[0]) if phase[0] > 0 else put_int_or_dot(out, at + 1, -1)
    out[at] = _COLON
    return put_int_or_dot(out, at + 1, phase[2])


@kernel
def _origins(
    calls: SiteCalls, lineage: Lineage, i: int, order: NDArray[np.int8], origin: NDArray[np.int8]
) -> bool:
    """Fill origin (N,), whose haplotype a new allele lies on (`new_allele_origin`); whether any is known."""
    origin[:] = -1
    known = False
    for trio in lineage.trios:
        if calls.is_new[i, trio[0]]:
            origin[trio[0]] = new_allele_origin(calls, i, trio, order)
            known = known or origin[trio[0]] >= 0
    return known


@kernel
def _line(
    out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], calls: SiteCalls, lineage: Lineage, i: int,
    order: NDArray[np.int8], pq: NDArray[np.int16], origin: NDArray[np.int8],
) -> int:  # fmt: skip
    """One line with the phase of its genotypes; as it was where none is phased.

    `out` (B,), `text` (n,), `order`, `pq` (L, N), `origin` (N,).
    """
    start, stop = calls.line[i, 0], calls.line[i, 1]
    phased = False
    for s in range(order.shape[1]):
        phased = phased or final_phase(calls, lineage, i, s, order, pq)[1] >= 0
    if not phased:
        return put_bytes(out, at, text, start, stop)
    has_origin = _origins(calls, lineage, i, order, origin)
    k, column = start, 0
    n_keys = 1
    while column < _FORMAT_COLUMN or text[k] != _TAB:
        n_keys += column == _FORMAT_COLUMN and text[k] == _COLON
        column += text[k] == _TAB
        k += 1
    at = put_bytes(out, at, text, start, k)
    at = put_bytes(out, at, _KEYS, 0, len(_KEYS) if has_origin else len(_KEYS) - 4)
    for s in range(order.shape[1]):
        out[at] = _TAB
        at, k = at + 1, k + 1
        end = k
        while text[end] != _TAB and text[end] != _NEWLINE:
            end += 1
        phase = final_phase(calls, lineage, i, s, order, pq)
        if phase[1] < 0:
            at = put_bytes(out, at, text, k, end)
        else:
            at = _put_cell(out, at, text, k, end, n_keys, phase)
            if origin[s] >= 0 and has_origin:
                out[at], out[at + 1] = _COLON, _PARENTS[origin[s]]
                at += 2
        k = end
    out[at] = _NEWLINE
    return at + 1


@kernel
def put_phase(
    text: NDArray[np.uint8], calls: SiteCalls, first: int, last: int, lineage: Lineage,
    order: NDArray[np.int8], pq: NDArray[np.int16], out: NDArray[np.uint8],
) -> int:  # fmt: skip
    """Lines first:last, which stand in `text`, with their phase; bytes written to `out`.

    `out`: uint8, as long as `text` and CELL_BYTES a cell and LINE_BYTES a line more.

    `text` (n,), `order`, `pq` (L, N), `out` (B,).
    """
    origin = np.empty(order.shape[1], dtype=np.int8)
    at = 0
    for i in range(first, last):
        at = _line(out, at, text, calls, lineage, i, order, pq, origin)
    return at
