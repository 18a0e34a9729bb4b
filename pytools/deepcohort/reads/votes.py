"""How often a fragment's base is wrong that was read more than once: errors from before the reading remain.

Damage, and the first cycles of a PCR, make copies and mates that agree on a wrong base. How often they do is
the library's own: it tells whether a variant that one fragment alone shows is to be believed.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.copy_kernels import MOST_PHRED
from deepcohort.reads.library import SURE_MAPQ, mapq_table
from deepcohort.reads.mate_kernels import pair_mates
from deepcohort.reads.merge import in_terms_of
from deepcohort.reads.purpose import soft_clips
from deepcohort.reads.qualities import BY_HETEROZYGOTES, count_mismatches
from deepcohort.reads.quality_kernels import PlacedReads
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.types import LibraryProfile
from deepcohort.reads.vote_kernels import tally_read_twice

_LEAST_BASES = 50_000  # fewer tell nothing about errors as rare as variants
_TWICE_SHARE = 0.3  # of the fragments' bases that mates must agree on, for single fragments to be looked at
_SOFT, _HARD = 4, 5


def vote_errors(
    library: LibraryProfile,
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
) -> float:
    """LibraryProfile.vote_errors of the reads of `pieces`, each a window's, with its (start, base codes).

    Counted are bases that copies agree on, 5 bp within their reads, where four fragments or more lie and they
    alone disagree with the reference. What heterozygotes add to that is taken off.
    """
    if not library.drops_copies:
        return 0.0
    plain = replace(library, lowered=(), adapters=())
    found = np.zeros(3)
    for piece, (start, codes) in zip(pieces, references, strict=True):
        merged = in_terms_of(plain, piece)
        counts = count_mismatches(merged, merged.mapq >= SURE_MAPQ, start, codes)
        found += counts[:, MOST_PHRED]
    return _share(*found)


def mate_errors(
    library: LibraryProfile,
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
) -> float:
    """LibraryProfile.mate_errors, likewise, of bases that both mates read, where most of the bases are.

    Reads without indels count, clipped ones too: mates that pass each other's ends are.
    """
    if library.drops_copies or library.paired_share == 0:
        return 0.0
    mapq, found = mapq_table(library), np.zeros(4)
    for piece, (start, codes) in zip(pieces, references, strict=True):
        sure = mapq[piece.mapq] >= SURE_MAPQ
        found += _read_twice(piece, sure, start, codes)
    agreed, mismatches, variants, bases = found
    return _share(agreed, mismatches, variants) if agreed >= _TWICE_SHARE * bases else 0.0


def _read_twice(
    columns: ReadColumns, sure: NDArray[np.bool_], start: int, codes: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Float64 (4,), see `tally_read_twice`, of the reads `sure`, bool (R,), of a window."""
    n_reads = len(columns.pos)
    clip = soft_clips(columns)[:, 0]
    row_of_op = np.repeat(np.arange(n_reads), columns.n_ops)
    lies_apart = np.isin(columns.cigar_op, (_SOFT, _HARD, 0, 7, 8), invert=True)
    use = sure & (np.bincount(row_of_op[lies_apart], minlength=n_reads) == 0)
    use &= columns.seq_length >= clip + columns.end - columns.pos  # some have no bases
    mate = np.empty(n_reads, np.int32)
    pair_mates(columns.name_hash, columns.flag, mate)
    reads = PlacedReads(
        columns.pos, columns.pos, columns.end, columns.seq, columns.qual,
        offsets_of(columns.seq_length)[:-1] + clip,
    )  # fmt: skip
    return np.asarray(tally_read_twice(reads, mate, use, codes, start, BY_HETEROZYGOTES))


def _share(bases: float, mismatches: float, variants: float) -> float:
    """Wrong bases of `bases`, one added to what was seen; 0 where these are few."""
    if bases < _LEAST_BASES:
        return 0.0
    return float((max(mismatches - variants, 0.0) + 1.0) / bases)
