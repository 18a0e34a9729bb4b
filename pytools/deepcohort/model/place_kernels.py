"""Places where reads of one strand change the length of a run alike: errors there are not independent."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import Entries
from deepcohort.core.numba_options import kernel

_REVERSE = 0x10
_REF, _ALT = 0, 1
# How much more often than their qualities say (log10) reads of one strand misread a place, and the share of
# such places: of 67,000 strands of runs in Ultima's reads of NA12878.
_EXCESS = np.array([-1.25, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
_SHARE = np.array([0.447, 0.213, 0.18, 0.137, 0.021, 0.0016, 0.0003, 0.0001])
_MOST = 0.9  # of the reads of a strand are misread
_HOMOZYGOUS = -0.3  # log10, beside heterozygotes


@kernel
def _log10_places(sums: NDArray[np.float64]) -> float:
    """log10 of the chance of what a strand's reads show, of sums float64 (U,) by place, log10."""
    best = sums.max()
    total = 0.0
    for u in range(len(sums)):
        total += _SHARE[u] * 10.0 ** (sums[u] - best)
    return best + np.log10(total)


@kernel
def weigh_places(
    rows: NDArray[np.int64], prior: NDArray[np.float64], flag: NDArray[np.uint16], entries: Entries
) -> NDArray[np.float64]:
    """Log10 odds of 0, 1 and 2 copies of indels, float64 (n, 3), where places misread reads of a strand.

    Per read, the ratio is what a single misreading costs; reads of other alleles do not count.

    Args:
        rows: int64 (n,), indel candidates. prior: float64 (n,), log10 of the share of heterozygotes among
            such. flag: uint16 (R,), of the reads.
    """
    logs = np.zeros((len(rows), 3))
    none, both = np.empty((2, len(_EXCESS))), np.empty((2, len(_EXCESS)))
    for i in range(len(rows)):
        none[:], both[:] = 0.0, 0.0
        n = 0
        for e in range(entries.offset[rows[i]], entries.offset[rows[i] + 1]):
            allele = entries.allele[e]
            if allele != _REF and allele != _ALT:
                continue
            n += 1
            strand = 1 if flag[entries.read[e]] & _REVERSE else 0
            chance = 10.0 ** -abs(np.float64(entries.ratio[e]))
            for u in range(len(_EXCESS)):
                misread = min(_MOST, chance * 10.0 ** _EXCESS[u])
                none[strand, u] += np.log10(misread if allele == _ALT else 1.0 - misread)
                both[strand, u] += np.log10(misread if allele == _REF else 1.0 - misread)
        logs[i, 0] = _log10_places(none[0]) + _log10_places(none[1])
        logs[i, 1] = n * np.log10(0.5) + prior[i]
        logs[i, 2] = _log10_places(both[0]) + _log10_places(both[1]) + prior[i] + _HOMOZYGOUS
    return logs
