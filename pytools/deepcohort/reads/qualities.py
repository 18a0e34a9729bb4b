"""Whether base qualities keep what they promise: measured where the sample is like the reference.

Flat labels, binned or raised ones and those of over-optimistic instruments let errors pass for variants.
Qualities that promise materially more than the library keeps are lowered to what it keeps.
"""

from collections.abc import Sequence
from itertools import groupby
from math import comb

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.mate_kernels import pair_mates
from deepcohort.reads.quality_kernels import MANY_DISAGREE, PlacedReads, tally_qualities
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import LibraryProfile

LEAST_QUALITY = 10  # phred; no quality is lowered below: bases that say less are not read at all
_MARGIN_BP = 5  # of a read's ends, which may hide an indel or an adapter
_LEAST_READS, _MOST_READS = 4, 64  # at a position; beyond the latter no heterozygote passes for an error
_HETEROZYGOTES = 0.001  # per bp
_MISMATCHES = 50  # values that lie side by side are judged together until they have so many
_SIGMAS = 4.0  # of chance: that many below what was counted lies the least that must be true
_LEAST_FACTOR, _LEAST_DROP = 10**0.15, 2  # of mismatches over those promised, at the least; phred
_ODD_SIGMAS, _ODD_MISMATCHES = 5.0, 5.0  # windows with so many more than the others hold strays


def quality_table(library: LibraryProfile) -> NDArray[np.uint8]:
    """Uint8 (256,): phred that bases of each reported phred count with."""
    table = np.arange(256, dtype=np.uint8)
    for reported, kept in library.lowered:
        table[reported] = kept
    return table


def lowered_text(lowered: Sequence[tuple[int, int]]) -> str:
    """LibraryProfile.lowered as `30:-3|31-40:+5`: values reported, by how much more or less they count."""
    parts = []
    for drop, pairs in groupby(lowered, lambda pair: pair[0] - pair[1]):
        values = [reported for reported, _ in pairs]
        span = f"{values[0]}-{values[-1]}" if len(values) > 1 else f"{values[0]}"
        parts.append(f"{span}:{-drop:+d}")
    return "|".join(parts)


def count_mismatches(
    columns: ReadColumns, use: NDArray[np.bool_], start: int, codes: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Float64 (3, 256), see `tally_qualities`, of the reads `use`, bool (R,), of a window.

    Only reads without clip, insertion or deletion count: where others lie is less sure, and mismatches are
    what put them there. Of a fragment one read votes. `codes` uint8: the reference from `start` on.
    """
    n_reads = len(columns.pos)
    row_of_op = np.repeat(np.arange(n_reads), columns.n_ops)
    is_match = (columns.cigar_op == 0) | (columns.cigar_op >= 7)
    whole = np.bincount(row_of_op[~is_match], minlength=n_reads) == 0
    whole &= columns.seq_length == columns.end - columns.pos  # some have no bases
    mate = np.empty(n_reads, np.int32)
    pair_mates(columns.name_hash, columns.flag, mate)
    first = columns.pos + _MARGIN_BP
    second = np.flatnonzero((mate >= 0) & (mate < np.arange(n_reads)))
    first[second] = np.maximum(first[second], columns.end[mate[second]])
    rows = np.flatnonzero(use & whole)
    reads = PlacedReads(
        columns.pos[rows], first[rows], columns.end[rows] - _MARGIN_BP, columns.seq, columns.qual,
        offsets_of(columns.seq_length)[rows],
    )  # fmt: skip
    return np.asarray(tally_qualities(reads, codes, start, BY_HETEROZYGOTES))


def _by_heterozygotes() -> NDArray[np.float64]:
    """Float64 (_MOST_READS,): see `tally_qualities`."""
    expected = np.full(_MOST_READS, np.nan)
    for n in range(_LEAST_READS, _MOST_READS):
        ways = sum(comb(n - 1, k - 1) for k in range(1, max(1, n // MANY_DISAGREE) + 1))
        expected[n] = _HETEROZYGOTES * ways / 2**n
    return expected


BY_HETEROZYGOTES = _by_heterozygotes()


def lowered_qualities(counts: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """LibraryProfile.lowered by `counts` of each window, float64 (W, 3, 256)."""
    bases, mismatches = counts[:, 0], counts[:, 1]
    promised = bases * 10.0 ** (-np.arange(256) / 10) + counts[:, 2]
    lowered: list[tuple[int, int]] = []
    for values in groups_of(bases.sum(axis=0), mismatches.sum(axis=0)):
        drop = _drop(mismatches[:, values].sum(axis=1), promised[:, values].sum(axis=1))
        lowered += [(q, max(q - drop, LEAST_QUALITY)) for q in values if drop and q > LEAST_QUALITY]
    return tuple(lowered)


def groups_of(bases: NDArray[np.float64], mismatches: NDArray[np.float64]) -> list[list[int]]:
    """Values in use, those side by side together until they have _MISMATCHES; few left go to the last."""
    groups: list[list[int]] = []
    group: list[int] = []
    for q in np.flatnonzero(bases).tolist():
        group.append(q)
        if mismatches[group].sum() >= _MISMATCHES:
            groups.append(group)
            group = []
    if groups and group:
        groups[-1] += group
    return groups or [group]


def _drop(mismatches: NDArray[np.float64], promised: NDArray[np.float64]) -> int:
    """By how many phred qualities must be lowered; 0 where they keep what they promise, or nearly.

    `mismatches`, `promised`: float64 (W,), by window. A window with many more than the others is left out.
    """
    seen = promised > 0
    if not seen.any():
        return 0
    mismatches, promised = mismatches[seen], promised[seen]
    kept = usual_windows(mismatches, promised)
    n, due = float(mismatches[kept].sum()), float(promised[kept].sum())
    if due <= 0 or max(np.sqrt(n) - _SIGMAS / 2, 0.0) ** 2 < _LEAST_FACTOR * due:  # sd of the root is 1/2
        return 0
    drop = int(np.rint(10 * np.log10(n / due)))
    return drop if drop >= _LEAST_DROP else 0


def usual_windows(mismatches: NDArray[np.float64], promised: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bool (W,): windows without many more `mismatches`, for what is `promised`, than others; both (W,).

    Those that stand out hold strays of a repeat. `promised` may be of any scale.
    """
    usual = (
        np.median(mismatches[promised > 0] / promised[promised > 0]) * promised
        if promised.any()
        else promised
    )
    return np.asarray(mismatches <= usual + _ODD_SIGMAS * np.sqrt(usual) + _ODD_MISMATCHES)
