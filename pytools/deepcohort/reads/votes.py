"""How often the vote of a fragment's copies is wrong: errors from before the copies were made remain.

Damage and the first cycles of a PCR make copies that agree on a wrong base. How often they do is the library's
own: it tells whether a variant that one fragment alone shows, in all its copies, is to be believed.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.copy_kernels import MOST_PHRED
from deepcohort.reads.library import SURE_MAPQ
from deepcohort.reads.merge import in_terms_of
from deepcohort.reads.qualities import count_mismatches
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import LibraryProfile

_LEAST_BASES = 50_000  # fewer tell nothing about errors as rare as variants


def vote_errors(
    library: LibraryProfile,
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
) -> float:
    """LibraryProfile.vote_errors of the reads of `pieces`, each a window's with (start, base codes) around it.

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
    bases, mismatches, variants = found
    if bases < _LEAST_BASES:
        return 0.0
    return float((max(mismatches - variants, 0.0) + 1.0) / bases)
