"""How often reads show a run of equal bases one base shorter or longer than the reference has it."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel


@kernel
def find_runs(codes: NDArray[np.uint8], least_bp: int) -> NDArray[np.int64]:
    """Runs of at least `least_bp` equal known bases of `codes`, uint8 (L,): int64 (T, 2), start and end."""
    out = np.empty((len(codes) // least_bp + 1, 2), np.int64)
    n, start = 0, 0
    for i in range(1, len(codes) + 1):
        if i == len(codes) or codes[i] != codes[start]:
            if i - start >= least_bp and codes[start] < 4:
                out[n, 0], out[n, 1] = start, i
                n += 1
            start = i
    return out[:n].copy()


@kernel
def run_passages(
    runs: NDArray[np.int64],
    pos: NDArray[np.int64],
    end: NDArray[np.int64],
    use: NDArray[np.bool_],
    cigar_op: NDArray[np.uint8],
    cigar_len: NDArray[np.int32],
    cigar_offset: NDArray[np.int64],
    flank_bp: int,
) -> NDArray[np.int64]:
    """Int64 (T, 2): reads that pass each run, and those of them that change its length by one base.

    `runs` int64 (T, 2) are reference intervals in order; `pos`, `end` int64 (R,) spans of the reads, of which
    those of `use`, bool (R,), count; read r has the CIGAR operations cigar_offset[r] : cigar_offset[r + 1].
    A read passes when it is aligned from `flank_bp` before to `flank_bp` after; one whose change is more
    than a base is not counted.
    """
    counts = np.zeros((len(runs), 2), np.int64)
    for r in range(len(pos)):
        if not use[r]:
            continue
        t = np.searchsorted(runs[:, 0], pos[r] + flank_bp)
        while t < len(runs) and runs[t, 1] + flank_bp <= end[r]:
            at, net = pos[r], np.int64(0)
            for k in range(cigar_offset[r], cigar_offset[r + 1]):
                op, n = cigar_op[k], np.int64(cigar_len[k])
                if op == 1 and runs[t, 0] <= at <= runs[t, 1]:
                    net += n
                elif op == 2 and at < runs[t, 1] and at + n > runs[t, 0]:
                    net -= n
                if op == 0 or op == 2 or op == 3 or op == 7 or op == 8:
                    at += n
            if -1 <= net <= 1:
                counts[t, 0] += 1
                counts[t, 1] += abs(net)
            t += 1
    return counts
