"""Haplotypes of records in the alleles that the reads show, however the caller spelled them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.select import Alleles
from deepcohort.core.sequence import encode_bases
from deepcohort.known.spelling import Change, changes_of

_REACH_BP = 60  # beyond a record; left-aligned alleles of a repeat may lie so far from it
_MOST_STEPS = 4_000  # of one search; what is not found by then is judged as it was written
_MOST_SPELLINGS = 4


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a haplotype.

    Attributes:
        changes: its SNPs and indels, one by one as candidates have them.
        hidden: shown alleles that reads cannot tell apart from others of `changes`: those are joined there.
    """

    changes: tuple[Change, ...]
    hidden: tuple[Change, ...] = ()


def changes_by_place(alleles: Alleles) -> list[Change]:
    """(position, REF bp, ALT codes) of each allele, in order."""
    text, offset = alleles.alt_seq.tobytes(), alleles.alt_offset.tolist()
    keys = zip(alleles.pos.tolist(), alleles.ref_len.tolist(), strict=True)
    return [(pos, n, text[offset[i] : offset[i + 1]]) for i, (pos, n) in enumerate(keys)]


def spellings_of(
    pos: int, ref: str, alt: str, shown: Sequence[Change], reference: NDArray[np.uint8]
) -> list[Spelling]:
    """Ways to write REF -> ALT, best with alleles of `shown` (sorted by position); else as the caller did.

    Empty where REF differs from `reference`, or there is no room for an anchor base.
    """
    own = changes_of(pos, ref, alt, reference)
    if not own:
        return []
    if not set(shown).issuperset(own):
        ways = spellings_among(pos, len(ref), encode_bases(alt).tobytes(), shown, reference)
        if ways:
            return ways
    return [Spelling(tuple(own))]


def spellings_among(
    pos: int, n_ref: int, alt: bytes, shown: Sequence[Change], reference: NDArray[np.uint8]
) -> list[Spelling]:
    """Ways to write reference[pos : pos + n_ref] -> `alt` (codes) with alleles of `shown` alone.

    The fewest alleles first. A search in order of position: between alleles haplotype and reference must
    be the same, so that nearly all paths end at once.

    Args:
        shown: sorted by position.
    """
    low = max(0, pos - _REACH_BP)
    high = min(len(reference), pos + n_ref + _REACH_BP)
    near = [c for c in shown if low <= c[0] and c[0] + c[1] <= high]
    if not near:
        return []
    text = reference[low:high].tobytes()
    target = text[: pos - low] + alt + text[pos + n_ref - low :]
    found: list[tuple[Change, ...]] = []
    # reference and target spelled so far, next allele to try, those taken
    stack: list[tuple[int, int, int, tuple[Change, ...]]] = [(0, 0, 0, ())]
    for _ in range(_MOST_STEPS):
        if not stack or len(found) == _MOST_SPELLINGS:
            break
        x, y, first, taken = stack.pop()
        if taken and text[x:] == target[y:]:
            found.append(taken)
        for i in range(first, len(near)):
            at, n, bases = near[i]
            shared = int(n != len(bases))  # the anchor of an indel
            start = at - low + shared
            if start < x:
                continue
            if text[x:start] != target[y : y + start - x]:
                break  # all others begin behind this one, but for anchors
            y_at = y + start - x
            if target[y_at : y_at + len(bases) - shared] == bases[shared:]:
                stack.append((start + n - shared, y_at + len(bases) - shared, i + 1, (*taken, near[i])))
    return [_joined(taken, reference) for taken in sorted(found, key=lambda t: (len(t), t))]


def _joined(changes: tuple[Change, ...], reference: NDArray[np.uint8]) -> Spelling:
    """The spelling with a deletion and an insertion that touch made one: no read shows either alone."""
    out: list[Change] = []
    hidden: list[Change] = []
    for change in changes:
        if out and _touch(out[-1], change):
            before = out.pop()
            hidden += [c for c in (before, change) if len(c[2]) > c[1]]
            start, stop = before[0], max(before[0] + before[1], change[0] + change[1])
            joined = before[2] + change[2][1:]
            change = (start, stop - start, joined)
        out.append(change)
    return Spelling(tuple(out), tuple(hidden))


def _touch(before: Change, change: Change) -> bool:
    """Whether an insertion and a deletion have no base between them."""
    kinds = {np.sign(len(c[2]) - c[1]) for c in (before, change)}
    return kinds == {-1, 1} and before[0] + before[1] == change[0] + 1
