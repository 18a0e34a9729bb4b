"""Libraries whose chemistry changes bases on purpose, to show methylation: C is read as T.

Bisulfite and enzymes change each C that is not methylated; TAPS and its like change those that are, nearly
all of them before G. Only the strand that was sequenced is changed: a fragment of the forward strand shows T
for C, one of the reverse strand A for G. There nothing tells a changed base from a variant; fragments of the
other strand do. So a base that may have been changed says nothing (Nunn et al. 2022,
doi:10.1186/s12864-022-08691-6, do so with bisulfite reads).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.sequence import CODE_EQUAL
from deepcohort.reads.clip_kernels import Placed
from deepcohort.reads.conversion_kernels import (
    Stretch,
    fill_equal,
    find_insertions,
    place_bases,
    silence_converted,
    spell_insertions,
    tally_conversions,
)
from deepcohort.reads.placed import placed_reads
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import LONG_READS_BP, Conversion, LibraryProfile

_REVERSE, _SECOND = 0x10, 0x80
# of the Cs (Gs) of the strand that is changed, beyond the other's, and as often as that, or as bases that no
# conversion makes: damage and variants stay below
_LEAST_SHARE, _TIMES_OTHER, _LEAST_BASES = 0.05, 2.0, 400
_LEAST_OF_LONG = 0.25  # reads, whose own errors may lie at CpGs of one strand


def with_bases(columns: ReadColumns, codes: NDArray[np.uint8], start: int) -> ReadColumns:
    """`columns` with bases written as `=` (SAM 1.4, SEQ) told by the reference, `codes` from `start` on."""
    reads = placed_reads(columns)
    fill_equal(columns.seq, columns.qual, _places(reads), Stretch(codes, start))
    return columns


def has_equal(columns: ReadColumns) -> bool:
    """Whether some base is written as `=`."""
    return bool(len(columns.seq)) and int(columns.seq.max()) == CODE_EQUAL


def measure_conversion(
    pieces: Sequence[ReadColumns], references: Sequence[tuple[int, NDArray[np.uint8]]]
) -> Conversion:
    """How often C is read as T on the strand that was sequenced, by context; both 0 of usual libraries.

    `references` are (start, base codes) of each piece's stretch of the reference.
    """
    counts = np.zeros((2, 3, 2), np.int64)
    for piece, (start, codes) in zip(pieces, references, strict=True):
        if len(piece.pos) and len(codes):
            reads = placed_reads(piece)
            counts += tally_conversions(reads, _of_forward(piece), _places(reads), Stretch(codes, start))
    n, changed = counts.sum(axis=1), counts[:, 1]  # by context, by strand
    is_seen = (n >= _LEAST_BASES) & (changed >= _TIMES_OTHER * counts[:, 2])
    shares = np.where(is_seen, changed / np.maximum(n, 1), 0.0)
    lengths = np.concatenate([np.empty(0, np.int64), *(piece.seq_length for piece in pieces)])
    least = _LEAST_OF_LONG if len(lengths) and np.median(lengths) > LONG_READS_BP else _LEAST_SHARE
    for own, is_swapped in ((1, False), (0, True)):
        other = shares[:, 1 - own]
        if (found := _from(shares[:, own], np.maximum(other + least, _TIMES_OTHER * other))).any():
            return Conversion(float(found[0]), float(found[1]), is_swapped)
    either = _from(shares.min(axis=1), np.full(2, least))
    return Conversion(float(either[0]), float(either[1]), is_told=not either.any())


def _from(shares: NDArray[np.float64], least: NDArray[np.float64]) -> NDArray[np.float64]:
    """`shares` that are as high as `least`, 0 for the others; float64 (2,) each."""
    return np.where(shares >= least, shares, 0.0)


def without_converted(
    columns: ReadColumns,
    profiles: Sequence[LibraryProfile],
    codes: NDArray[np.uint8],
    start: int,
    as_unknown: bool = False,
) -> ReadColumns:
    """`columns` whose bases say nothing where the conversion of their library may have changed them.

    Args:
        profiles: those that `columns.library` numbers, or one.
        codes: uint8, the reference from contig position `start` on.
        as_unknown: such bases become N, which no measure counts; else the reference's, which are not strange
            to networks and aligners, of quality 0.
    """
    found = [profile.conversion for profile in profiles]
    if not any(any(one.contexts) for one in found):
        return columns
    number = columns.library if len(profiles) > 1 else np.zeros(len(columns.pos), np.int64)
    contexts = np.array([one.contexts for one in found])[number]
    swapped = np.array([one.is_swapped for one in found])[number]
    columns = replace(columns, seq=columns.seq.copy(), qual=columns.qual.copy())
    reads = placed_reads(columns)
    own = _of_forward(columns) ^ swapped
    _spell_insertions(reads, own, np.asarray(contexts.any(axis=1)))
    silence_converted(reads, columns.qual, own, contexts, _places(reads), Stretch(codes, start), as_unknown)
    return columns


def _spell_insertions(reads: Placed, own: NDArray[np.bool_], is_converted: NDArray[np.bool_]) -> None:
    """Give inserted bases that may have been changed what fragments of the other strand show there, where
    they show the insertion: else one insertion would be two alleles."""
    found = np.empty((int((reads.cigar_op == 1).sum()), 4), np.int64)
    found = found[: find_insertions(reads, found)]
    spell_insertions(reads, found[np.lexsort(found.T[::-1])], own, is_converted)


def conversion_facts(conversion: Conversion) -> dict[str, str]:
    """For the library's header line; nothing of usual libraries."""
    found = {"ConvertedCpG": conversion.cpg, "ConvertedElsewhere": conversion.elsewhere}
    facts = {key: f"{share:.3f}" for key, share in found.items() if share}
    return facts if conversion.is_told else {**facts, "ConvertedStrand": "unknown"}


def conversion_told(conversion: Conversion) -> str:
    """For people, what becomes of such reads; empty of usual libraries."""
    shares = ((conversion.cpg, "before G"), (conversion.elsewhere, "before other bases"))
    found = " and ".join(f"{100 * share:.0f}% of the Cs {where}" for share, where in shares if share)
    if not found:
        return ""
    if conversion.is_told:
        return (
            f"{found} read as T on the strand that was sequenced, as bisulfite, EM-seq or TAPS make them; "
            "bases that may have been changed are left out: expect the calls of half the depth there"
        )
    return (
        f"{found} read as T, and Gs as A, on fragments of either strand: the bases seem converted (by "
        "bisulfite, enzymes), but not which strand a fragment shows; do not believe C>T and G>A"
    )


def _of_forward(columns: ReadColumns) -> NDArray[np.bool_]:
    """Bool (R,): reads that show the forward strand: first mates (and single reads) that lie on it, second
    mates that lie on the other."""
    return np.asarray(((columns.flag & _REVERSE) != 0) == ((columns.flag & _SECOND) != 0))


def _places(reads: Placed) -> NDArray[np.int64]:
    place = np.empty(len(reads.seq), np.int64)
    place_bases(reads, place)
    return place
