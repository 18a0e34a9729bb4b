"""Whether base qualities keep what they promise: measured where the sample is like the reference.

Flat labels, binned or raised ones and those of over-optimistic instruments let errors pass for variants.
Qualities that promise materially more than the library keeps are lowered to what it keeps. Where most
promise so little that no base would count (placeholders of 0, a scale subtracted twice), they are raised.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from math import comb

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.mate_kernels import pair_mates
from deepcohort.reads.quality_kernels import MANY_DISAGREE, PlacedReads, tally_qualities
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import LEAST_QUALITY, LibraryProfile

_POOR_SHARE = 0.5  # of the bases: with more below that, labels are on no scale at all
# phred: below the least, too many mismatches lie in places that are taken for variants; the most that is
# believed; and what is taken for usual where there are too few bases
_LEAST_RAISED, _MOST_RAISED, _UNMEASURED = 15, 40, 30
_LEAST_BASES = 1_000  # that a label must have for its mismatches to tell its quality
_MARGIN_BP = 5  # of a read's ends, which may hide an indel or an adapter
_LEAST_READS, _MOST_READS = 4, 64  # at a position; beyond the latter no heterozygote passes for an error
_HETEROZYGOTES = 0.001  # per bp
_MISMATCHES = 50  # values that lie side by side are judged together until they have so many
_SIGMAS = 4.0  # of chance: that many below what was counted lies the least that must be true
_LEAST_FACTOR, _LEAST_DROP = 10**0.15, 2  # of mismatches over those promised, at the least; phred
_ODD_SIGMAS, _ODD_MISMATCHES = 5.0, 5.0  # windows with so many more than the others hold strays
_POOREST, _POOR_BASES, _POOR_FACTOR = 5, 1_000, 0.1  # phred; bases that tell; of the mismatches promised


def quality_table(library: LibraryProfile) -> NDArray[np.uint8]:
    """Uint8 (256,): phred that bases of each reported phred count with."""
    table = np.arange(256, dtype=np.uint8)
    for reported, kept in (*library.lowered, *library.raised):
        table[reported] = kept
    return table


def changed_text(changed: Sequence[tuple[int, int]]) -> str:
    """LibraryProfile.lowered or raised as `30:-3|31-40:+5`: values reported, how they count otherwise."""
    parts = []
    for more, pairs in groupby(changed, lambda pair: pair[1] - pair[0]):
        values = [reported for reported, _ in pairs]
        span = f"{values[0]}-{values[-1]}" if len(values) > 1 else f"{values[0]}"
        parts.append(f"{span}:{more:+d}")
    return "|".join(parts)


def are_too_poor(pieces: Sequence[ReadColumns]) -> bool:
    """Whether so many bases, N apart, are too poor to count that their labels are doubted."""
    n_unknown = sum(int(np.count_nonzero(piece.seq > 3)) for piece in pieces)  # of quality 0, as they come
    n_poor = sum(int(np.count_nonzero(piece.qual < LEAST_QUALITY)) for piece in pieces) - n_unknown
    return n_poor > _POOR_SHARE * (sum(len(piece.seq) for piece in pieces) - n_unknown)


def with_zeros_told(columns: ReadColumns) -> ReadColumns:
    """`columns` with every quality one higher, as no base of quality 0 is counted; N apart."""
    return replace(
        columns, qual=np.where(columns.seq < 4, np.minimum(columns.qual, 254) + 1, 0).astype(np.uint8)
    )


def raised_qualities(
    pieces: Sequence[ReadColumns], counts: NDArray[np.float64]
) -> tuple[tuple[int, int], ...]:
    """LibraryProfile.raised of the labels of `pieces`.

    `counts` are those of each window, float64 (W, 3, 256), by `with_zeros_told` of the pieces. Labels of too
    few bases are taken for what all are together.
    """
    labels = sum(np.bincount(piece.qual[piece.seq < 4], minlength=256) for piece in pieces)
    counts = np.roll(counts, -1, axis=2)
    together = _kept_phred(counts, list(range(256)))
    kept = {q: _UNMEASURED if together is None else together for q in np.flatnonzero(labels).tolist()}
    for values in groups_of(counts[:, 0].sum(axis=0), counts[:, 1].sum(axis=0)):
        phred = _kept_phred(counts, values)
        kept |= {q: phred for q in values if phred is not None}
    return tuple((q, phred) for q, phred in sorted(kept.items()) if q < phred >= _LEAST_RAISED)


def _kept_phred(counts: NDArray[np.float64], values: list[int]) -> int | None:
    """What bases of these labels keep, phred; None of too few bases."""
    bases, mismatches, by_variants = (counts[:, k][:, values].sum(axis=1) for k in range(3))
    if bases.sum() < _LEAST_BASES:
        return None
    usual = usual_windows(mismatches, bases)
    wrong = max(float((mismatches - by_variants)[usual].sum()), 1.0)
    return min(int(-10 * np.log10(wrong / bases[usual].sum())), _MOST_RAISED)


def count_mismatches(
    columns: ReadColumns, use: NDArray[np.bool_], start: int, codes: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Float64 (3, 256), see `tally_qualities`, of the reads `use`, bool (R,), of a window, `placed_whole`.

    `codes` uint8: the reference from `start` on.
    """
    return np.asarray(tally_qualities(placed_whole(columns, use), codes, start, BY_HETEROZYGOTES))


def placed_whole(columns: ReadColumns, use: NDArray[np.bool_]) -> PlacedReads:
    """The reads `use`, bool (R,), that lie without clip, insertion or deletion, less 5 bp at their ends.

    Where others lie is less sure, and mismatches are what put them there. Of a fragment one read votes.
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
    return PlacedReads(
        columns.pos[rows], first[rows], columns.end[rows] - _MARGIN_BP, columns.seq, columns.qual,
        offsets_of(columns.seq_length)[rows],
    )  # fmt: skip


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


def least_quality(counts: NDArray[np.float64]) -> int:
    """LibraryProfile.least_quality by `counts` of each window, float64 (W, 3, 256).

    What reads a run of one base at once gives long runs poor qualities: their length is in doubt, not their
    base. Such bases count like others. Poor bases of other instruments are wrong as often as they say.
    """
    values = np.arange(_POOREST, LEAST_QUALITY)
    bases, mismatches, variants = counts.sum(axis=0)[:, values]
    promised = bases @ 10.0 ** (-values / 10)
    is_better = mismatches.sum() - variants.sum() <= _POOR_FACTOR * promised
    return _POOREST if bases.sum() >= _POOR_BASES and is_better else LEAST_QUALITY


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


def usual_windows(mismatches: NDArray[np.float64], due: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bool (W,): windows without many more `mismatches` than the others for what is `due`, float64 (W,).

    Those that stand out hold strays of a repeat. `due` may be of any scale.
    """
    some = due > 0
    usual = np.median(mismatches[some] / due[some]) * due if some.any() else due
    return np.asarray(mismatches <= usual + _ODD_SIGMAS * np.sqrt(usual) + _ODD_MISMATCHES)
