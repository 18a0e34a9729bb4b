"""How many of a sample's reads are another person's, told where the sample has two copies of an ALT.

There a read of REF is an error or another person's. Homozygotes of REF tell less: three errors in one place pass for
three reads of somebody, and there are a thousand such places for each where somebody differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.contamination_kernels import tally_alleles
from deepcohort.reads.library import SURE_MAPQ
from deepcohort.reads.merge import in_terms_of
from deepcohort.reads.qualities import placed_whole
from deepcohort.reads.scan import ReadColumns
from deepcohort.reads.types import LibraryProfile

LEAST_QUALITY, LEAST_DEPTH, APART_BP = 20, 6, 10


def site_counts(
    library: LibraryProfile,
    pieces: Sequence[ReadColumns],
    references: Sequence[tuple[int, NDArray[np.uint8]]],
) -> tuple[NDArray, NDArray, NDArray]:
    plain = replace(library, adapters=())
    tallies = []
    errors = np.zeros((4, 4)); bases = np.zeros(4)
    for w, (piece, (start, codes)) in enumerate(zip(pieces, references, strict=True)):
        own = in_terms_of(plain, piece)
        counts = tally_alleles(placed_whole(own, own.mapq >= SURE_MAPQ), start, len(codes), LEAST_QUALITY)
        tallies.append((w, start, codes, counts))
    rows = []
    for w, start, codes, counts in tallies:
        known = np.minimum(codes, 3)
        n = counts.sum(axis=1)
        at = np.arange(len(codes))
        ref = np.where(codes < 4, counts[at, known], 0)
        others = counts.copy(); others[at, known] = 0
        alt_base = others.argmax(axis=1); alt = others.max(axis=1)
        differ = others.sum(axis=1)
        plainpos = (codes < 4) & (n >= 4) & (differ <= np.maximum(1, n // 10))
        for a in range(4):
            rowsa = plainpos & (codes == a)
            bases[a] += n[rowsa].sum()
            errors[a] += others[rowsa].sum(axis=0)
        some = (differ >= 2) & (differ >= 0.1 * n)
        near = np.convolve(some, np.ones(2 * APART_BP + 1, int), "same")
        ok = (codes < 4) & (n >= LEAST_DEPTH) & (alt >= 2) & (near - some == 0)
        for i in np.flatnonzero(ok):
            rows.append((w, start + i, codes[i], alt_base[i], n[i], ref[i], alt[i], differ[i] - alt[i]))
    return np.array(rows).reshape(-1, 8), errors, bases
