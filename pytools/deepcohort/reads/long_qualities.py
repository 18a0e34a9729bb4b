"""What qualities of long reads are worth: brought to the scale that the models of a platform know.

Basecallers and tools that lower, raise, bin or leave out qualities change what a value means: Q20 is a good
base of one ONT run and a poor one of another. How often bases of each value differ from the reference says
which value the usual run of the platform would have given them. In the usual run nothing changes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.qualities import BY_HETEROZYGOTES, groups_of, usual_windows, with_zeros_told
from deepcohort.reads.quality_kernels import PlacedReads, tally_qualities
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import LibraryProfile

# (reported phred, phred by mismatches) of the usual run: simulated reads of the profiles `hifi` and `ont`,
# which real HG003 (hifi) and HG002 (R10.4) follow within 3 phred up to 30
_USUAL = {
    "hifi": (
        (2, 15.0), (5, 17.5), (8, 19.0), (11, 20.0), (13, 22.0), (16, 27.0), (22, 30.0), (28, 32.5),
        (32, 36.0), (40, 39.0), (60, 43.0), (80, 47.0), (93, 54.0),
    ),
    "ont": (
        (2, 7.0), (5, 8.7), (8, 11.4), (11, 13.0), (13, 14.4), (16, 18.4), (22, 21.0), (25, 27.4),
        (28, 29.5), (32, 37.0), (37, 44.0), (93, 48.0),
    ),
}  # fmt: skip
# mismatches per base of all those counted there, and times as many that are told
_USUAL_ERRORS, MANY_ERRORS = {"hifi": 1.4e-4, "ont": 3.3e-3}, 2.0
_FULL = 40  # phred; beyond it values make no difference
_LEAST_SHIFT = 3.0  # phred up to _FULL, mean over the bases: less is the usual run
_SIGMAS = 4.0  # of chance, of the square root of a count
_MARGIN_BP = 5  # of matches, beside indels and clips
_RUN_BP = 4  # runs of equal bases from here on tell how qualities lie where lengths slip


def seen_qualities(
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
    uses: Sequence[NDArray[np.bool_]],
) -> tuple[tuple[int, int, int, float], ...]:
    """LibraryProfile.seen by the matches of the reads `uses`, bool (R,) of each piece.

    `references` are (start, base codes) of each piece's stretch of the reference. Where most bases have
    quality 0, it is a placeholder, not that of an N.
    """
    windows, shift = [], int(are_placeholders(pieces))
    if shift:
        pieces = [with_zeros_told(piece) for piece in pieces]
    for piece, (start, codes), use in zip(pieces, references, uses, strict=True):
        matches = matches_of(piece, use, start, start + len(codes))
        windows.append(tally_qualities(matches, codes, start, BY_HETEROZYGOTES))
    counts = np.stack(windows)
    bases, mismatches = counts[:, 0].sum(axis=1), counts[:, 1].sum(axis=1)
    total = counts[usual_windows(mismatches, bases)].sum(axis=0)
    rows = np.flatnonzero(total[0])
    return tuple((int(q) - shift, int(total[0, q]), int(total[1, q]), float(total[2, q])) for q in rows)


def are_placeholders(pieces: Sequence[ReadColumns]) -> bool:
    """Whether most bases, N apart, have the quality 0."""
    known = [piece.qual[piece.seq < 4] for piece in pieces]
    return 2 * sum(int(np.count_nonzero(qual == 0)) for qual in known) > sum(map(len, known))


def least_in_runs(pieces: Sequence[ReadColumns]) -> tuple[tuple[int, int], ...]:
    """LibraryProfile.least: (phred, how often) of the least quality in and beside runs of _RUN_BP bases."""
    counts = np.zeros(256, np.int64)
    for piece in pieces:
        starts = offsets_of(piece.seq_length)
        begins = np.ones(len(piece.seq) + 1, np.bool_)
        begins[1:-1] = piece.seq[1:] != piece.seq[:-1]
        begins[starts] = True
        edges = np.flatnonzero(begins)
        runs = np.flatnonzero(np.diff(edges) >= _RUN_BP)
        first, stop = edges[runs] - 1, edges[runs + 1] + 1
        read = np.searchsorted(starts, edges[runs], side="right") - 1
        whole = (first >= starts[read]) & (stop < starts[read + 1])
        spans = np.column_stack((first[whole], stop[whole])).ravel()
        if len(spans):
            counts += np.bincount(np.minimum.reduceat(piece.qual, spans)[::2], minlength=256)
    return tuple((int(q), int(counts[q])) for q in np.flatnonzero(counts))


def matches_of(
    columns: ReadColumns, use: NDArray[np.bool_], start: int, stop: int, margin_bp: int = _MARGIN_BP
) -> PlacedReads:
    """Stretches of the reads `use`, bool (R,), that match without gap, where they reach start:stop.

    Their first and last `margin_bp` do not count.
    """
    length = columns.cigar_len.astype(np.int64)
    op, row = columns.cigar_op, np.repeat(np.arange(len(columns.pos)), columns.n_ops)
    is_match = (op == 0) | (op >= 7)
    begins = offsets_of(columns.n_ops)[:-1]
    on_reference = _before(np.where(is_match | (op == 2) | (op == 3), length, 0), begins, row)
    on_read = _before(np.where(is_match | (op == 1) | (op == 4), length, 0), begins, row)
    # = and X are one stretch
    goes_on = np.zeros(len(op), np.bool_)
    goes_on[1:] = is_match[1:] & is_match[:-1] & (row[1:] == row[:-1])
    first = np.flatnonzero(is_match & ~goes_on)
    number = np.cumsum(is_match & ~goes_on) - 1
    bp = np.bincount(number[is_match], weights=length[is_match], minlength=len(first)).astype(np.int64)
    pos = columns.pos[row[first]] + on_reference[first]
    kept = use[row[first]] & (pos < stop) & (pos + bp > start)
    kept &= on_read[first] + bp <= columns.seq_length[row[first]]  # some have no bases
    first, bp, pos = first[kept], bp[kept], pos[kept]
    return PlacedReads(
        pos, pos + margin_bp, pos + bp - margin_bp, columns.seq, columns.qual,
        offsets_of(columns.seq_length)[row[first]] + on_read[first],
    )  # fmt: skip


def _before(
    length: NDArray[np.int64], begins: NDArray[np.int64], row: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Int64 (O,): sum of `length` (O,) before each operation within its read `row`, begun at `begins`."""
    total = np.cumsum(length) - length
    return total - total[begins][row] if len(total) else total


def worth(platform: str, library: LibraryProfile) -> tuple[tuple[int, int], ...]:
    """LibraryProfile.lowered of long reads: (phred reported, phred of the usual run), higher or lower.

    Values side by side are judged together until they have enough mismatches; a group as wrong as the usual
    run's is left as it is. None where the mean base would change by less than _LEAST_SHIFT.
    """
    if not library.seen or platform not in _USUAL:
        return ()
    counts = np.zeros((3, 256))
    for reported, *of_value in library.seen:
        counts[:, reported] = of_value
    middles, shifts = _shifts(platform, counts)
    values = np.array([row[0] for row in library.seen])
    changed = np.maximum.accumulate(np.rint(values + np.interp(values, middles, shifts)))
    changed = np.clip(changed, 1, 93).astype(np.int64)
    weight = counts[0, values] / counts[0].sum()
    moved = np.abs(np.minimum(changed, _FULL) - np.minimum(values, _FULL))
    if float((weight * moved).sum()) < _LEAST_SHIFT:
        return ()
    every = np.arange(values[0], values[-1] + 1)  # values too rare to be counted too
    between = np.rint(np.interp(every, values, changed)).astype(np.int64)
    return tuple((int(q), int(to)) for q, to in zip(every, between, strict=True) if q != to)


def _shifts(platform: str, counts: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """(mean phred, by how many phred the usual run says more) of each group of values.

    `counts`: float64 (3, 256), see `tally_qualities`.
    """
    usual = _usual_errors(platform)
    middles: list[float] = []
    shifts: list[float] = []
    for values in groups_of(counts[0], counts[1]):
        bases, mismatches, by_variants = counts[:, values].sum(axis=1)
        due = float((counts[0, values] * usual[values]).sum())
        errors = max(mismatches - by_variants, 0.5)
        middle = float(np.average(values, weights=counts[0, values]))
        shift = _reported(platform, errors / bases) - _reported(platform, due / bases)
        # the sd of the root of a count is 1/2
        if abs(np.sqrt(mismatches) - np.sqrt(due + by_variants)) < _SIGMAS / 2:
            # values beyond _FULL are all alike: they go with those below
            shift = shifts[-1] if shifts and middle > _FULL else 0.0
        middles.append(middle)
        shifts.append(shift)
    return middles, shifts


def times_usual(platform: str, library: LibraryProfile) -> float:
    """How many times as many mismatches a library of long reads has as the usual run of its platform.

    The least that is sure by four standard deviations; 0 where nothing was counted.
    """
    if not library.seen or platform not in _USUAL:
        return 0.0
    _, bases, mismatches, by_variants = np.array(library.seen, np.float64).T
    due = bases.sum() * _USUAL_ERRORS[platform]
    sure = max(np.sqrt(mismatches.sum()) - _SIGMAS / 2, 0.0) ** 2 - by_variants.sum()  # sd of the root is 1/2
    return float(max(sure, 0.0) / due)


def _usual_errors(platform: str) -> NDArray[np.float64]:
    """Float64 (256,): mismatches per base of each reported phred in the usual run."""
    reported, kept = zip(*_USUAL[platform], strict=True)
    return np.asarray(10.0 ** (-np.interp(np.arange(256), reported, kept) / 10))


def _reported(platform: str, errors: float) -> float:
    """Phred that the usual run reports of bases with so many mismatches each."""
    reported, kept = zip(*_USUAL[platform], strict=True)
    return float(np.interp(-10 * np.log10(errors), kept, reported))
