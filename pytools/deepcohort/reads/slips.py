"""What base qualities say of the lengths of runs of equal bases, for instruments that read a run at once.

Ultima and Ion Torrent measure how long a run is; a quality in it says how sure of that they are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.run_kernels import find_runs, run_passages
from deepcohort.reads.scan import ReadColumns, offsets_of
from deepcohort.reads.slip_kernels import Spelled, tally_slips

_MOST_BP, _FLANK_BP = 5, 5  # of a run; of aligned read on both sides
# reads that change a run, and their share of those that pass it, from which on it may be a variant
_VARIANT_READS, _VARIANT_SHARE = 2, 0.25


def slips_by_quality(
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
    uses: Sequence[NDArray[np.bool_]],
    table: NDArray[np.uint8],
) -> tuple[tuple[int, int, int], ...]:
    """LibraryProfile.slips, by the reads `uses`, bool (R,) of each piece.

    Args:
        references: (start, base codes) of each piece's stretch of the reference. table: uint8 (256,), phred
            that bases of each reported phred count with.
    """
    total = np.zeros((256, 2), np.int64)
    for piece, (start, codes), use in zip(pieces, references, uses, strict=True):
        runs = find_runs(codes, 1)
        runs = runs[runs[:, 1] - runs[:, 0] <= _MOST_BP] + start
        cigar = piece.cigar_op, piece.cigar_len, offsets_of(piece.n_ops)
        passed, changed = run_passages(runs, piece.pos, piece.end, use, *cigar, _FLANK_BP).T
        is_variant = (changed >= _VARIANT_READS) & (changed >= _VARIANT_SHARE * passed)
        reads = Spelled(
            piece.pos, piece.end, use, piece.seq, table[piece.qual], offsets_of(piece.seq_length), *cigar
        )
        total += tally_slips(runs[~is_variant], codes, start, reads, _FLANK_BP)
    return tuple((int(q), int(total[q, 0]), int(total[q, 1])) for q in np.flatnonzero(total[:, 0]))
