"""What flows through the evaluate room."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RecordTable:
    """Records of one contig and one sample as read, R rows in file order.

    Attributes:
        pos: int32 (R,), 0-based. ref_len, alt_len, gt_len: int32 (R,), bytes.
        pool: uint8 flat; record i owns REF, a tab, ALT, GT from pool_offset[i] on.
        pool_offset: int64 (R,).
        gt: int16 (R, 4), allele ids, -1 missing, -2 beyond the ploidy. ploidy: int8 (R,), 0 without
            GT, -1 malformed. phased: bool (R,). phase_set: int64 (R,), PS, -1 absent.
            passed: bool (R,), FILTER and FT say PASS or nothing.
        line: int64 (R,), rank among the contig's records in the file.
        dp: int32 (R,), -1 absent. qual, gq, mapq: float64 (R,), NaN absent.
    """

    pos: NDArray[np.int32]
    ref_len: NDArray[np.int32]
    alt_len: NDArray[np.int32]
    gt_len: NDArray[np.int32]
    pool: NDArray[np.uint8]
    pool_offset: NDArray[np.int64]
    gt: NDArray[np.int16]
    ploidy: NDArray[np.int8]
    phased: NDArray[np.bool_]
    phase_set: NDArray[np.int64]
    passed: NDArray[np.bool_]
    line: NDArray[np.int64]
    dp: NDArray[np.int32]
    qual: NDArray[np.float64]
    gq: NDArray[np.float64]
    mapq: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pos)

    def text(self, row: int) -> tuple[str, str, str]:
        """REF, ALT and GT of a record as written in the file."""
        start = int(self.pool_offset[row])
        ref_end = start + int(self.ref_len[row])
        alt_end = ref_end + 1 + int(self.alt_len[row])
        raw = self.pool[start : alt_end + int(self.gt_len[row])].tobytes()
        return (
            raw[: ref_end - start].decode(),
            raw[ref_end + 1 - start : alt_end - start].decode(),
            raw[alt_end - start :].decode(),
        )


@dataclass(frozen=True, slots=True)
class CallSet:
    """One call set to be judged: where it is, and what to call it in reports."""

    calls: Path
    truth: Path
    confident: Path | None = None
    name: str | None = None
    sample: str | None = None
    truth_sample: str | None = None
    reads: Path | None = None
    caller: str = ""
    depth: str = ""
