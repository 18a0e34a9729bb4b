"""Labels of candidates: copies of each ALT under the best match of haplotypes, not of strings.

The same change can be written in several ways (an indel in a repeat, a SNP beside an indel, a block
of changes as one or several records). Where every true allele of a neighbourhood is also a candidate,
string equality is enough. Elsewhere the two true haplotypes are spelled out, and candidates are
sought that spell the same (as evaluators do: Cleary et al. 2015, doi 10.1101/023754).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import CandidateTable
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases
from deepcohort.pileup.io import TruthAllele

AMBIGUOUS = -1
_GAP_BP = 30  # candidates and true alleles nearer than this are judged together
_MAX_HETS = 6
_MAX_STEPS = 4_000  # of one search; beyond, the neighbourhood is ambiguous


@dataclass(frozen=True, slots=True)
class _Change:
    pos: int
    ref: str
    alt: str
    row: int  # of the candidate table, or -1

    @property
    def end(self) -> int:
        return self.pos + len(self.ref)


def label_candidates(
    table: CandidateTable,
    reference: str,
    window: Region,
    truth: Sequence[TruthAllele],
    confident: Sequence[Region] | None,
) -> NDArray[np.int8]:
    """Copies of each candidate's ALT in the truth, int8 (N,): 0, 1, 2, or AMBIGUOUS.

    `reference` is the upper-case text of `window`, which holds all candidates and `truth`.
    `confident`: sorted disjoint intervals of the contig, None = everywhere. A candidate is ambiguous
    where it is not wholly confident, or where true alleles beside it cannot be explained.
    """
    labels = np.zeros(len(table), dtype=np.int8)
    changes = [
        _Change(
            int(table.pos[i]),
            reference[table.pos[i] - window.start : table.pos[i] - window.start + table.ref_len[i]],
            decode_bases(table.alt_seq[table.alt_offset[i] : table.alt_offset[i + 1]]),
            i,
        )
        for i in range(len(table))
    ]
    for cluster, alleles in _clusters(changes, truth):
        for row, label in _label_cluster(cluster, alleles, reference, window).items():
            labels[row] = label
    if confident is not None:
        _drop_unconfident(labels, changes, confident)
    return labels


def _clusters(
    changes: list[_Change], truth: Sequence[TruthAllele]
) -> Iterator[tuple[list[_Change], list[TruthAllele]]]:
    """Groups of neighbours, in order; every candidate is in exactly one."""
    items = sorted(
        [(c.pos, c.end, c, None) for c in changes] + [(t.pos, t.pos + len(t.ref), None, t) for t in truth],
        key=lambda item: item[:2],
    )
    cluster: list[_Change] = []
    alleles: list[TruthAllele] = []
    reach = -(10**9)
    for pos, end, change, allele in items:
        if pos > reach + _GAP_BP and (cluster or alleles):
            yield cluster, alleles
            cluster, alleles = [], []
        reach = max(reach, end) if cluster or alleles else end
        if change is not None:
            cluster.append(change)
        if allele is not None:
            alleles.append(allele)
    if cluster or alleles:
        yield cluster, alleles


def _label_cluster(
    cluster: list[_Change], alleles: list[TruthAllele], reference: str, window: Region
) -> dict[int, int]:
    exact = {(c.pos, c.ref, c.alt): c.row for c in cluster}
    labels = {c.row: 0 for c in cluster}
    missed = []
    for t in alleles:
        row = exact.get((t.pos, t.ref, t.alt))
        if row is None:
            missed.append(t)
        else:
            labels[row] = min(2, labels[row] + t.copies)
    if not missed or not cluster:
        return labels
    # leave out as few of the alleles that no candidate shows as possible
    for left_out in range(min(len(missed), 3)):
        for absent in combinations(missed, left_out):
            kept = [t for t in alleles if t not in absent]
            found = _explain(cluster, kept, reference, window)
            if found is not None:
                return _doubt(found, cluster, list(absent))
    return _doubt(labels, cluster, missed)


def _doubt(labels: dict[int, int], cluster: list[_Change], absent: list[TruthAllele]) -> dict[int, int]:
    """Candidates called 0 near an allele that stays unexplained may be part of it."""
    for c in cluster:
        if labels[c.row] == 0 and any(
            c.pos <= t.pos + len(t.ref) + _GAP_BP and t.pos <= c.end + _GAP_BP for t in absent
        ):
            labels[c.row] = AMBIGUOUS
    return labels


def _explain(
    cluster: list[_Change], alleles: list[TruthAllele], reference: str, window: Region
) -> dict[int, int] | None:
    """Copies by row under which the candidates spell both true haplotypes, or None."""
    start = max(window.start, min([c.pos for c in cluster] + [t.pos for t in alleles]) - 1)
    end = min(window.end, max([c.end for c in cluster] + [t.pos + len(t.ref) for t in alleles]) + 1)
    text = reference[start - window.start : end - window.start]
    ordered = sorted(cluster, key=lambda c: (c.pos, c.ref, c.alt))
    for phase in _phasings(alleles):
        chosen = []
        for copy in (0, 1):
            true = [
                _Change(t.pos, t.ref, t.alt, -1) for t, on in zip(alleles, phase, strict=True) if on[copy]
            ]
            target = _spell(true, text, start)
            rows = None if target is None else _spelling(ordered, text, start, target)
            if rows is None:
                break
            chosen.append(rows)
        if len(chosen) == 2:
            labels = {c.row: 0 for c in cluster}
            for row in chosen[0] + chosen[1]:
                labels[row] += 1
            return labels
    return None


def _phasings(alleles: list[TruthAllele]) -> Iterator[list[tuple[bool, bool]]]:
    """Assignments of alleles to the two haplotypes; alleles of one record swap together."""
    given = [t.haplotypes for t in alleles]
    yield given
    records = sorted({t.record for t in alleles if t.copies == 1 and not t.phased})
    if len(records) > _MAX_HETS:
        return
    for swaps in product((False, True), repeat=len(records)):
        if not any(swaps):
            continue
        flip = {r for r, s in zip(records, swaps, strict=True) if s}
        yield [(h[1], h[0]) if t.record in flip else h for t, h in zip(alleles, given, strict=True)]


def _spell(changes: list[_Change], text: str, start: int) -> str | None:
    """Sequence with `changes` applied, None where they overlap."""
    out: list[str] = []
    at = start
    for c in sorted(changes, key=lambda c: c.pos):
        if c.pos < at:
            # an insertion and a deletion may share nothing but their anchor base
            if c.pos == at - 1 and c.ref[0] == c.alt[0] and out and out[-1][-1:] == c.ref[0]:
                out.append(c.alt[1:])
                at = c.end
                continue
            return None
        out.append(text[at - start : c.pos - start])
        out.append(c.alt)
        at = c.end
    out.append(text[at - start :])
    return "".join(out)


def _spelling(ordered: list[_Change], text: str, start: int, target: str) -> list[int] | None:
    """Rows of candidates that spell `target`, fewest extra changes first; None where none do."""
    steps = 0

    def search(index: int, at: int, done: int, rows: list[int]) -> list[int] | None:
        # reference up to `at` and target up to `done` agree so far
        nonlocal steps
        steps += 1
        if steps > _MAX_STEPS:
            return None
        if text[at - start :] == target[done:]:
            return rows
        for k in range(index, len(ordered)):
            c = ordered[k]
            same = text[at - start : c.pos - start]
            if c.pos < at:
                continue
            if target[done : done + len(same)] != same:
                return None
            here = done + len(same)
            if target[here : here + len(c.alt)] == c.alt:
                found = search(k + 1, c.end, here + len(c.alt), [*rows, c.row])
                if found is not None:
                    return found
        return None

    return search(0, start, 0, [])


def _drop_unconfident(labels: NDArray[np.int8], changes: list[_Change], confident: Sequence[Region]) -> None:
    starts = np.array([r.start for r in confident], dtype=np.int64)
    for c in changes:
        k = int(np.searchsorted(starts, c.pos, side="right")) - 1
        if k < 0 or c.end > confident[k].end:
            labels[c.row] = AMBIGUOUS
