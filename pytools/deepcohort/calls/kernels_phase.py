"""Kernel: reads that show two candidates of one site, together or apart."""
# mypy: ignore-errors

import numpy as np

from deepcohort.core.numba_options import kernel

_ALT, _REF = 1, 0


@kernel
def count_pairs(pos, is_snp, is_indel, rows, offset, read, allele):
    """See `calls.phase.same_site_phase`; reads of a candidate are ascending."""
    n = 0
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            if pos[rows[j]] != pos[rows[i]]:
                break
            a, b = rows[i], rows[j]
            n += (is_snp[a] and is_indel[b]) or (is_indel[a] and is_snp[b])
    pairs, reads = np.empty((n, 2), np.int64), np.zeros((n, 2), np.int64)
    n = 0
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            if pos[rows[j]] != pos[rows[i]]:
                break
            a, b = rows[i], rows[j]
            if is_snp[a] and is_indel[b]:
                pairs[n, 0], pairs[n, 1] = i, j
            elif is_indel[a] and is_snp[b]:
                pairs[n, 0], pairs[n, 1] = j, i
            else:
                continue
            x, y = offset[a], offset[b]
            while x < offset[a + 1] and y < offset[b + 1]:
                if read[x] < read[y]:
                    x += 1
                elif read[x] > read[y]:
                    y += 1
                else:
                    if allele[x] == _ALT and allele[y] == _ALT:
                        reads[n, 0] += 1
                    elif (allele[x] == _ALT and allele[y] == _REF) or (
                        allele[x] == _REF and allele[y] == _ALT
                    ):
                        reads[n, 1] += 1
                    x += 1
                    y += 1
            n += 1
    return pairs, reads
