"""Alleles of any VCF in the form that candidates have: SNPs apart, indels anchored and left-aligned."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.select import Alleles
from deepcohort.core.sequence import CODE_N, encode_bases

_MAX_CELLS = 10_000  # of an alignment; longer replacements stay whole
_MAX_SHIFT_BP = 900  # less than the padding of any window, so that shards do not show
_FAR = 1 << 30
Change = tuple[int, int, bytes]  # position relative to the window, REF bp, ALT codes


def is_sequence(allele: str) -> bool:
    """Whether an allele is spelled out (not symbolic, `*`, a breakend or missing) in A, C, G, T."""
    return bool(allele) and all(base in "ACGTacgt" for base in allele)


def changes_of(pos: int, ref: str, alt: str, reference: NDArray[np.uint8]) -> list[Change] | None:
    """The SNPs and indels that turn REF into ALT, one by one as candidates have them.

    Args:
        pos: of the first REF base, an index into `reference` (uint8 codes).

    Returns:
        None where REF differs from `reference`, or there is no room for an anchor base.
    """
    a, b = encode_bases(ref), encode_bases(alt)
    if pos < 0 or pos + len(a) > len(reference) or not np.array_equal(a, reference[pos : pos + len(a)]):
        return None
    if len(a) == len(b):
        return [(pos + i, 1, bytes([b[i]])) for i in np.flatnonzero(a != b).tolist()]
    n = len(a)
    m = len(b)
    while n > 1 and m > 1 and a[n - 1] == b[m - 1]:
        n, m = n - 1, m - 1
    head = 0
    while head < min(n, m) and a[head] == b[head]:
        head += 1
    a, b = a[head:n], b[head:m]
    parts = [(0, len(a), b.tobytes())]
    if len(a) and len(b) and len(a) * len(b) <= _MAX_CELLS:
        parts = _aligned(a.tolist(), b.tolist())
    changes: list[Change] = []
    for start, deleted, inserted in parts:
        at = pos + head + start
        if deleted == len(inserted) == 1:
            changes.append((at, 1, inserted))
            continue
        if at == 0:
            return None
        if not deleted or not inserted:
            # not beyond the change before it: there it would be another one
            floor = changes[-1][0] + changes[-1][1] + 1 if changes else max(1, at - _MAX_SHIFT_BP)
            at, inserted = _shift_left(at, deleted, inserted, reference, floor)
        changes.append((at - 1, deleted + 1, bytes([reference[at - 1]]) + inserted))
    return changes


def _aligned(a: list[int], b: list[int]) -> list[tuple[int, int, bytes]]:
    """(start in `a`, bases deleted, bases inserted) of the steps that turn `a` into `b`.

    Affine global alignment (mismatch 2, gap open 3, extend 1); ties prefer a diagonal step.
    """
    n, m = len(a), len(b)
    diagonal = [[_FAR] * (m + 1) for _ in range(n + 1)]
    deleted = [[_FAR] * (m + 1) for _ in range(n + 1)]
    inserted = [[_FAR] * (m + 1) for _ in range(n + 1)]
    diagonal[0][0] = 0
    for i in range(n + 1):
        for j in range(m + 1):
            if i and j:
                before = min(diagonal[i - 1][j - 1], deleted[i - 1][j - 1], inserted[i - 1][j - 1])
                diagonal[i][j] = before + (0 if a[i - 1] == b[j - 1] else 2)
            if i:
                deleted[i][j] = min(min(diagonal[i - 1][j], inserted[i - 1][j]) + 4, deleted[i - 1][j] + 1)
            if j:
                inserted[i][j] = min(min(diagonal[i][j - 1], deleted[i][j - 1]) + 4, inserted[i][j - 1] + 1)
    tables = (diagonal, deleted, inserted)
    i, j = n, m
    layer = min(range(3), key=lambda k: tables[k][n][m])
    steps: list[tuple[int, int, bytes]] = []
    while i or j:
        here = tables[layer][i][j]
        if layer == 0:
            i, j = i - 1, j - 1
            if a[i] != b[j]:
                steps.append((i, 1, bytes([b[j]])))
            here -= 0 if a[i] == b[j] else 2
            layer = next(k for k in range(3) if tables[k][i][j] == here)
            continue
        size = 0
        while True:  # one whole gap
            size += 1
            cost = here - size
            pi, pj = (i - size, j) if layer == 1 else (i, j - size)
            other = next((k for k in range(3) if k != layer and tables[k][pi][pj] == cost - 3), -1)
            if other >= 0:
                break
        steps.append((pi, size, b"") if layer == 1 else (i, 0, bytes(b[pj:j])))
        i, j, layer = pi, pj, other
    return steps[::-1]


def _shift_left(
    at: int, deleted: int, inserted: bytes, reference: NDArray[np.uint8], floor: int
) -> tuple[int, bytes]:
    """Leftmost place, from `floor` on, of a pure insertion or deletion, and the inserted bases there."""
    while at > floor and reference[at - 1] != CODE_N:
        last = reference[at - 1 + deleted] if deleted else inserted[-1]
        if reference[at - 1] != last:
            break
        if inserted:
            inserted = inserted[-1:] + inserted[:-1]
        at -= 1
    return at, inserted


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Distinct changes in the order of candidates."""
    rows = [(pos, n_ref, len(alt), alt) for pos, n_ref, alt in set(changes)]
    rows.sort()
    return [(pos, n_ref, alt) for pos, n_ref, _, alt in rows]


def to_alleles(changes: Iterable[Change]) -> Alleles:
    """Sorted, distinct alleles of some changes, as the candidates room holds them."""
    return alleles_of(in_order(changes))


def alleles_of(rows: Sequence[Change]) -> Alleles:
    """The same of changes `in_order`."""
    alts = [row[2] for row in rows]
    return Alleles(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int32),
        np.frombuffer(b"".join(alts), np.uint8).copy(),
        np.cumsum([0, *map(len, alts)]).astype(np.int64),
    )
