"""Alleles of any VCF in the form that candidates have: SNPs apart, indels anchored and left-aligned."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.select import Alleles
from deepcohort.core.sequence import CODE_N, encode_bases

Change = tuple[int, int, bytes]  # position relative to the window, REF bp, ALT codes


@dataclass(frozen=True, slots=True)
class RecordAlleles:
    """What a VCF record says: 0-based POS, REF and ALT texts, and which ALTs (from 0) its genotypes hold."""

    pos: int
    ref: str
    alts: tuple[str, ...]
    called: tuple[int, ...]


def is_sequence(allele: str) -> bool:
    """Whether an allele is spelled out (not symbolic, `*`, a breakend or missing) in A, C, G, T."""
    return bool(allele) and all(base in "ACGTacgt" for base in allele)


def changes_of(pos: int, ref: str, alt: str, reference: NDArray[np.uint8]) -> list[Change] | None:
    """The changes that turn REF into ALT: one per SNP of an equal-length replacement, else one indel.

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
    at, deleted, inserted = pos + head, n - head, b[head:m].tobytes()
    if at == 0:
        return None
    if not deleted or not inserted:
        at, inserted = _shift_left(at, deleted, inserted, reference)
    return [(at - 1, deleted + 1, bytes([reference[at - 1]]) + inserted)]


def _shift_left(at: int, deleted: int, inserted: bytes, reference: NDArray[np.uint8]) -> tuple[int, bytes]:
    """Leftmost place of a pure insertion or deletion (VCF normal form) and the inserted bases there."""
    while at > 1 and reference[at - 1] != CODE_N:
        last = reference[at - 1 + deleted] if deleted else inserted[-1]
        if reference[at - 1] != last:
            break
        if inserted:
            inserted = inserted[-1:] + inserted[:-1]
        at -= 1
    return at, inserted


def to_alleles(changes: Iterable[Change]) -> Alleles:
    """Sorted, distinct alleles of some changes, as the candidates room holds them."""
    rows = sorted({(pos, n_ref, len(alt), alt) for pos, n_ref, alt in changes})
    return Alleles(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int32),
        np.frombuffer(b"".join(row[3] for row in rows), np.uint8).copy(),
        np.cumsum([0] + [row[2] for row in rows]).astype(np.int64),
    )
