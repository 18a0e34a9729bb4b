"""Kernels: BAI, TBI and CSI indexes to arrays (SAM specification section 5, tabix and CSIv1)."""

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel

# columns of the bins
REF, NUMBER, LOFFSET, FIRST_CHUNK, N_CHUNKS = 0, 1, 2, 3, 4
N_COLUMNS = 5


@kernel
def _i32(raw: NDArray[np.uint8], at: int) -> int:
    """Signed number at `at` of `raw` (n,), lowest byte first."""
    value = np.int64(raw[at]) | np.int64(raw[at + 1]) << 8 | np.int64(raw[at + 2]) << 16
    value |= np.int64(raw[at + 3]) << 24
    return int(value - ((value & 0x80000000) << 1))


@kernel
def _u64(raw: NDArray[np.uint8], at: int) -> int:
    """Unsigned number at `at` of `raw` (n,), lowest byte first."""
    value = np.int64(0)
    for i in range(8):
        value |= np.int64(raw[at + i]) << (8 * i)
    return int(value)


@kernel
def _count_index(raw: NDArray[np.uint8], at: int, n_refs: int, is_csi: bool) -> tuple[int, int, int, int]:
    """Bins, chunks and linear entries of the `n_refs` contigs that begin at `at`, and where they end.

    The last is -1 where a count reaches beyond `raw` or is negative.

    `raw` (n,).
    """
    n_bins = n_chunks = n_linear = 0
    size = len(raw)
    extra = 8 if is_csi else 0
    for _ in range(n_refs):
        if at + 4 > size:
            return n_bins, n_chunks, n_linear, -1
        bins = _i32(raw, at)
        at += 4
        if bins < 0 or bins > size // 8:
            return n_bins, n_chunks, n_linear, -1
        for _ in range(bins):
            if at + 8 + extra > size:
                return n_bins, n_chunks, n_linear, -1
            chunks = _i32(raw, at + 4 + extra)
            at += 8 + extra
            if chunks < 0 or chunks > (size - at) // 16:
                return n_bins, n_chunks, n_linear, -1
            at += 16 * chunks
            n_chunks += chunks
        n_bins += bins
        if not is_csi:
            if at + 4 > size:
                return n_bins, n_chunks, n_linear, -1
            entries = _i32(raw, at)
            at += 4
            if entries < 0 or entries > (size - at) // 8:
                return n_bins, n_chunks, n_linear, -1
            at += 8 * entries
            n_linear += entries
    return n_bins, n_chunks, n_linear, at


@kernel
def read_index(
    raw: NDArray[np.uint8], at: int, n_refs: int, is_csi: bool
) -> tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int
]:  # fmt: skip
    """The `n_refs` contigs that begin at `at`, in one kernel, as each takes time to load.

    Returns:
        bins int64 (B, N_COLUMNS); bin_starts int64 (n_refs + 1,), rows of each contig; chunks int64 (C, 2),
        first and last virtual offset; linear int64 (L,), virtual offsets; linear_starts int64 (n_refs + 1,);
        and where they end, -1 where a count reaches beyond `raw` or is negative (the arrays are empty then).
    """
    n_bins_all, n_chunks, n_entries, end = _count_index(raw, at, n_refs, is_csi)
    if end < 0:
        n_bins_all = n_chunks = n_entries = n_refs = 0
    bins = np.empty((n_bins_all, N_COLUMNS), np.int64)
    bin_starts, linear_starts = np.empty(n_refs + 1, np.int64), np.empty(n_refs + 1, np.int64)
    chunks, linear = np.empty((n_chunks, 2), np.int64), np.empty(n_entries, np.int64)
    b = c = k = 0
    for ref in range(n_refs):
        bin_starts[ref], linear_starts[ref] = b, k
        n_bins = _i32(raw, at)
        at += 4
        for _ in range(n_bins):
            bins[b, REF], bins[b, NUMBER], bins[b, FIRST_CHUNK] = ref, _i32(raw, at) & 0xFFFFFFFF, c
            bins[b, LOFFSET] = _u64(raw, at + 4) if is_csi else 0
            at += 12 if is_csi else 4
            bins[b, N_CHUNKS] = _i32(raw, at)
            at += 4
            for _ in range(bins[b, N_CHUNKS]):
                chunks[c, 0], chunks[c, 1] = _u64(raw, at), _u64(raw, at + 8)
                at += 16
                c += 1
            b += 1
        if not is_csi:
            n_linear = _i32(raw, at)
            at += 4
            for _ in range(n_linear):
                linear[k] = _u64(raw, at)
                at += 8
                k += 1
    bin_starts[n_refs], linear_starts[n_refs] = b, k
    return bins, bin_starts, chunks, linear, linear_starts, end
