"""Whether records that did not come from gVCF text keep what its parser promises."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c
from deepcohort.joint.line_kernels import alt_end

_POS, _END, _KIND, _N_ALT, _REF_LEN, _SEQ, _SEQ_LEN = (
    c.POS, c.END, c.KIND, c.N_ALT, c.REF_LEN, c.SEQ, c.SEQ_LEN,
)  # fmt: skip
_PL, _PL_N, _AD, _AD_N, _SB, _X = c.PL, c.PL_N, c.AD, c.AD_N, c.SB, c.X
_PS, _PQ = c.PS, c.PQ
_BLOCK, _VARIANT = c.BLOCK, c.VARIANT
_TAB = 9
_MAX_ALTS = 1_000  # as the parser's


@kernel
def _alleles_valid(row: NDArray[np.int32], letters: NDArray[np.uint8]) -> bool:
    """Whether a variant's text is REF, TAB, and as many ALTs as the row says.

    `row` (N_COLUMNS,), `letters` flat (n,).
    """
    at, size = row[_SEQ], row[_SEQ_LEN]
    ref_len = row[_REF_LEN]
    if at < 0 or size > len(letters) - at or ref_len >= size or letters[at + ref_len] != _TAB:
        return False
    for i in range(ref_len + 1, size):
        if letters[at + i] == _TAB:
            return False
    n_alts, first, stop = 0, at + ref_len + 1, at + size
    while first <= stop:
        n_alts += 1
        first = alt_end(letters, first, stop) + 1
    return n_alts == row[_N_ALT]


@kernel
def _inside(at: int, count: int, size: int) -> bool:
    return count == 0 or (at >= 0 and count > 0 and count <= size - at)


@kernel
def records_valid(
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    letters: NDArray[np.uint8],
    sample_offsets: NDArray[np.int64],
) -> bool:
    """Whether every record's lists lie inside `numbers` and `letters` and each sample's records are sorted.

    Args:
        records: int32 (R, N_COLUMNS). sample_offsets: int64 (N+1,), rows of each sample.
    """
    for s in range(len(sample_offsets) - 1):
        last_pos = -1
        for i in range(sample_offsets[s], sample_offsets[s + 1]):
            row = records[i]
            if row[_POS] < last_pos or row[_REF_LEN] < 0 or row[_SEQ_LEN] < 0:
                return False
            last_pos = row[_POS]
            if row[_N_ALT] < 0 or row[_N_ALT] > _MAX_ALTS or row[_X] == 0 or row[_X] > row[_N_ALT]:
                return False
            if row[_PS] < -1 or row[_PQ] < -1:
                return False
            size = len(numbers)
            lists = _inside(row[_PL], row[_PL_N], size) and _inside(row[_AD], row[_AD_N], size)
            if not lists or row[_SB] > size - 4 or row[_SB] < -1:
                return False
            if row[_KIND] == _VARIANT:
                if row[_END] != row[_POS] + row[_REF_LEN] or not _alleles_valid(row, letters):
                    return False
            elif row[_KIND] != _BLOCK:
                return False
    return True
