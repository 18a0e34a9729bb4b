"""Kernel: reads that show two candidates of one site, together or apart."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

_ALT, _REF = 1, 0


@kernel
def _is_pair(is_snp: NDArray[np.bool_], is_indel: NDArray[np.bool_], a: int, b: int) -> bool:
    """Whether one of the candidates `a`, `b` is in `is_snp` (N,) and the other in `is_indel` (N,)."""
    return (is_snp[a] and is_indel[b]) or (is_indel[a] and is_snp[b])


@kernel
def _list_pairs(
    pos: NDArray[np.int64], is_snp: NDArray[np.bool_], is_indel: NDArray[np.bool_], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs (SNP, indel) at one of `pos` (N,) among `rows` (n,), int64 (P, 2), indices into `rows`."""
    pairs = np.empty((0, 2), np.int64)
    for filling in range(2):
        n = 0
        for i in range(len(rows)):
            for j in range(i + 1, len(rows)):
                if pos[rows[j]] != pos[rows[i]]:
                    break
                if not _is_pair(is_snp, is_indel, rows[i], rows[j]):
                    continue
                if filling:
                    pairs[n, 0], pairs[n, 1] = (i, j) if is_snp[rows[i]] else (j, i)
                n += 1
        if not filling:
            pairs = np.empty((n, 2), np.int64)
    return pairs


@kernel
def count_pairs(
    pos: NDArray[np.int64],
    is_snp: NDArray[np.bool_],
    is_indel: NDArray[np.bool_],
    rows: NDArray[np.int64],
    offset: NDArray[np.int64],
    read: NDArray[np.int32],
    allele: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(pairs, reads), both int64 (P, 2): see `calls.phase.same_site_phase`; reads of a candidate are
    ascending.
    """
    pairs = _list_pairs(pos, is_snp, is_indel, rows)
    reads = np.zeros((len(pairs), 2), np.int64)
    for n in range(len(pairs)):
        a, b = rows[pairs[n, 0]], rows[pairs[n, 1]]
        x, y = offset[a], offset[b]
        while x < offset[a + 1] and y < offset[b + 1]:
            if read[x] < read[y]:
                x += 1
            elif read[x] > read[y]:
                y += 1
            else:
                if allele[x] == _ALT and allele[y] == _ALT:
                    reads[n, 0] += 1
                elif (allele[x] == _ALT and allele[y] == _REF) or (allele[x] == _REF and allele[y] == _ALT):
                    reads[n, 1] += 1
                x += 1
                y += 1
    return pairs, reads
