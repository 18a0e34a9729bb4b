"""Which records of a sample speak about each site: one sweep per sample."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint import columns as c

_POS, _END, _KIND, _GQ, _DP, _PL, _PL_N = c.POS, c.END, c.KIND, c.GQ, c.DP, c.PL, c.PL_N
_VARIANT = c.VARIANT
_P_REC, _P_POS, _P_REF_LEN, _P_SEQ_LEN, _P_CALLED, _P_ALLELE = (
    c.P_REC, c.P_POS, c.P_REF_LEN, c.P_SEQ_LEN, c.P_CALLED, c.P_ALLELE,
)  # fmt: skip

MAX_VARIANT_RECORDS = 3  # of one sample at one site; more cannot be told apart


class WindowRecords(NamedTuple):
    """Records of all samples in a window, R of them, as in `CohortRecords`.

    records: int32 (R, N_COLUMNS). numbers: int32 flat. table: int32 (P, N_PRIMITIVE_COLUMNS). offsets: int64
    (R+1,), primitives of each record.
    """

    records: NDArray[np.int32]
    numbers: NDArray[np.int32]
    table: NDArray[np.int32]
    offsets: NDArray[np.int64]


class SitePlaces(NamedTuple):
    """Where S sites lie. pos: int64 (S,). ref_len: int32 (S,). star: bool (S,), see `mark_deleted_sites`."""

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    star: NDArray[np.bool_]


@kernel
def mark_deleted_sites(
    table: NDArray[np.int32], site_pos: NDArray[np.int64], star: NDArray[np.bool_]
) -> None:
    """Set star (S,) where a called allele that starts before the site deletes or replaces its base."""
    for i in range(len(table)):
        row = table[i]
        if not row[_P_CALLED]:
            continue
        first, stop = row[_P_POS] + 1, row[_P_POS] + row[_P_REF_LEN]
        if row[_P_SEQ_LEN] < 0:  # the gVCF wrote `*` itself
            first, stop = row[_P_POS], row[_P_POS] + 1
        if stop > first:
            site = np.searchsorted(site_pos, first)
            while site < len(site_pos) and site_pos[site] < stop:
                star[site] = True
                site += 1


@kernel
def _touches(table: NDArray[np.int32], first: int, stop: int, pos: int, star: bool) -> bool:
    """Whether primitives first:stop of `table` (P, N_PRIMITIVE_COLUMNS) put an allele on the site at `pos`,
    which may have `*`.
    """
    for i in range(first, stop):
        row = table[i]
        if row[_P_SEQ_LEN] < 0:
            if star and row[_P_POS] == pos:
                return True
        elif row[_P_POS] == pos:
            if row[_P_ALLELE] > 0:
                return True
        elif star and row[_P_POS] < pos and pos < row[_P_POS] + row[_P_REF_LEN]:
            return True
    return False


@kernel
def _confidence(row: NDArray[np.int32], numbers: NDArray[np.int32], min_dp: int) -> int:
    """How sure a record (N_COLUMNS,) is of its genotype: GQ, else the second of a block's PLs; -1: too
    shallow.

    `numbers`: flat (n,).
    """
    if row[_DP] >= 0 and row[_DP] < min_dp:
        return -1
    if row[_GQ] >= 0:
        return row[_GQ]
    if row[_PL_N] >= 2:
        return numbers[row[_PL] + 1]
    return 0


@kernel
def sweep_sample(
    window: WindowRecords,
    first_record: int,
    last_record: int,
    sites: SitePlaces,
    max_shift: int,
    min_dp: int,
    variant_of: NDArray[np.int32],
    block_of: NDArray[np.int32],
) -> None:
    """Fill one sample's evidence: variant_of (S, 3), block_of (S,), record rows or -1.

    A site has either variant records (that put an allele on it, or delete it) or, failing those, the
    weakest record of those that cover its REF (its first `max_shift` bases); -1 if some base of it
    is covered by none. More than 3 variant records give variant_of[site, 0] = -2.
    """
    records, numbers, table, offsets = window.records, window.numbers, window.table, window.offsets
    site_pos, star = sites.pos, sites.star
    low = first_record
    shift = 0  # farthest a record of this sample was left-aligned: how far beyond a site to look
    for i in range(offsets[first_record], offsets[last_record]):
        shift = max(shift, records[table[i, _P_REC], _POS] - table[i, _P_POS])
    for site in range(len(site_pos)):
        pos = site_pos[site]
        for k in range(MAX_VARIANT_RECORDS):
            variant_of[site, k] = -1
        block_of[site] = -1
        while low < last_record and records[low, _END] <= pos:
            low += 1
        n_variant = 0
        weakest = -1
        covered_to = pos
        span_end = pos + min(sites.ref_len[site], max_shift)
        scan_end = max(span_end, pos + shift + 1)
        i = low
        while i < last_record and records[i, _POS] < scan_end:
            row = records[i]
            is_variant = row[_KIND] == _VARIANT
            if is_variant and _touches(table, offsets[i], offsets[i + 1], pos, star[site]):
                if n_variant < MAX_VARIANT_RECORDS:
                    variant_of[site, n_variant] = i
                n_variant += 1
            elif covered_to < span_end and row[_POS] <= covered_to and row[_END] > covered_to:
                speaks = covered_to == pos or not is_variant
                if speaks and (
                    weakest < 0
                    or _confidence(row, numbers, min_dp) < _confidence(records[weakest], numbers, min_dp)
                ):
                    weakest = i
                covered_to = row[_END]
            i += 1
        if n_variant > MAX_VARIANT_RECORDS:
            variant_of[site, 0] = -2
        elif n_variant == 0 and covered_to >= span_end:
            block_of[site] = weakest
