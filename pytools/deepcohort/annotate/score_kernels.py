"""Kernel: INFO of alleles that have one row of AlphaMissense and nothing else."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

# pieces of text, in the order in which `write_scores` is told of them; the classes follow
PIECES = (
    "AM_SCORE=", ";AM_CLASS=", ";AM_TRANSCRIPT=", ";AM_UNIPROT=", ";AM_PROTEIN=", ";AM_MAX=",
    ";AM_SOURCE=allele",
)  # fmt: skip
_N_PIECES = len(PIECES)
LONGEST_NUMBERS = 2 * 6 + 7  # two scores, a protein change


class Scores(NamedTuple):
    """Columns of ScoreRows, (n,) each; see there."""

    score: NDArray[np.uint16]
    klass: NDArray[np.uint8]
    pair: NDArray[np.uint32]
    aa_pos: NDArray[np.uint16]
    aa: NDArray[np.uint16]


class Texts(NamedTuple):
    """Texts one after another, uint8 (m,), and their ends, int64, 0 first.

    pieces: those of PIECES, then of the classes. names: transcript and UniProt id of each pair.
    """

    pieces: NDArray[np.uint8]
    piece_ends: NDArray[np.int64]
    names: NDArray[np.uint8]
    name_ends: NDArray[np.int64]


@kernel
def _put(pool: NDArray[np.uint8], ends: NDArray[np.int64], k: int, out: NDArray[np.uint8], w: int) -> int:
    """Text number `k` of `pool` (p,), which end at `ends` (k,), to out[w:] of `out` (m,); the new end."""
    for i in range(ends[k], ends[k + 1]):
        out[w] = pool[i]
        w += 1
    return w


@kernel
def _put_score(value: int, out: NDArray[np.uint8], w: int) -> int:
    """Ten-thousandths as 0.203, 1.0, 0.0, what Python writes of the number, to `out` (m,); the new end."""
    out[w] = 48 + value // 10_000
    out[w + 1] = 46
    w += 2
    rest, unit = value % 10_000, 1_000
    while unit > 0:
        out[w] = 48 + rest // unit
        w += 1
        rest %= unit
        unit //= 10
        if rest == 0:
            break
    return w


@kernel
def _put_change(place: int, aa: int, out: NDArray[np.uint8], w: int) -> int:
    """A protein change like V2L to out[w:] of `out` (m,); the new end."""
    out[w] = 65 + (aa >> 5)
    w += 1
    unit = 1
    while unit * 10 <= place:
        unit *= 10
    while unit > 0:
        out[w] = 48 + place // unit % 10
        w += 1
        unit //= 10
    out[w] = 65 + (aa & 31)
    return w + 1


@kernel
def write_scores(rows: Scores, texts: Texts, out: NDArray[np.uint8], places: NDArray[np.int64]) -> int:
    """INFO text of each row.

    Args:
        rows: a `Scores`. texts: a `Texts`. out: uint8 (m,), long enough.
        places: int64 (n, 2), filled: begin and end.

    Returns:
        bytes of `out` used.
    """
    pieces, piece_ends, names, name_ends = texts.pieces, texts.piece_ends, texts.names, texts.name_ends
    score, klass, pair, aa_pos, aa = rows.score, rows.klass, rows.pair, rows.aa_pos, rows.aa
    w = 0
    for i in range(len(score)):
        places[i, 0] = w
        value, p = int(score[i]), int(pair[i])
        w = _put_score(value, out, _put(pieces, piece_ends, 0, out, w))
        w = _put(pieces, piece_ends, _N_PIECES + klass[i], out, _put(pieces, piece_ends, 1, out, w))
        w = _put(names, name_ends, 2 * p, out, _put(pieces, piece_ends, 2, out, w))
        if name_ends[2 * p + 2] > name_ends[2 * p + 1]:
            w = _put(names, name_ends, 2 * p + 1, out, _put(pieces, piece_ends, 3, out, w))
        w = _put_change(int(aa_pos[i]), int(aa[i]), out, _put(pieces, piece_ends, 4, out, w))
        w = _put_score(value, out, _put(pieces, piece_ends, 5, out, w))
        w = _put(pieces, piece_ends, 6, out, w)
        places[i, 1] = w
    return w
