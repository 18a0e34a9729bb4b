"""Where in a BAM file a region's reads may begin: BAI and CSI indexes (SAM spec section 5)."""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError

_CHUNK = np.dtype([("begin", "<u8"), ("end", "<u8")])


@dataclass(frozen=True, slots=True)
class ContigIndex:
    """Bins of one contig.

    Attributes:
        bins: int64 (B,), bin numbers; loffset: uint64 (B,), CSI's own lower bound per bin.
        chunk_bin: int64 (C,); chunk_begin, chunk_end: uint64 (C,), virtual offsets.
        linear: uint64 (W,), BAI's lower bound per 16 kb window (empty for CSI).
    """

    bins: NDArray[np.int64]
    loffset: NDArray[np.uint64]
    chunk_bin: NDArray[np.int64]
    chunk_begin: NDArray[np.uint64]
    chunk_end: NDArray[np.uint64]
    linear: NDArray[np.uint64]


def index_path_of(path: Path) -> Path | None:
    """Path of the index that lies beside `path`, or None."""
    for candidate in (
        Path(f"{path}.bai"),
        path.with_suffix(".bai"),
        Path(f"{path}.csi"),
        path.with_suffix(".csi"),
    ):
        if candidate.exists():
            return candidate
    return None


class BamIndex:
    """A BAI or CSI index; contigs are parsed when first asked for."""

    def __init__(self, path: Path) -> None:
        """Read `path`.

        Raises:
            DeepcohortError: neither BAI nor CSI, or cut short.
        """
        self.path = path
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        self._raw = raw
        try:
            if raw[:4] == b"BAI\x01":
                self._is_csi, self._min_shift, self._depth = False, 14, 5
                self.n_contigs, self._at = struct.unpack_from("<i", raw, 4)[0], 8
            elif raw[:4] == b"CSI\x01":
                self._is_csi = True
                self._min_shift, self._depth, n_aux = struct.unpack_from("<3i", raw, 4)
                self.n_contigs = struct.unpack_from("<i", raw, 16 + n_aux)[0]
                self._at = 20 + n_aux
            else:
                raise DeepcohortError(f"{path} is neither a BAI nor a CSI index; index the file again")
        except struct.error as error:
            raise self._cut() from error
        self._starts = [self._at]
        self._parsed: dict[int, ContigIndex] = {}

    def _cut(self) -> DeepcohortError:
        return DeepcohortError(f"index {self.path} is cut short; index the file again")

    def _walk(self, at: int) -> tuple[int, list[tuple[int, int, int, int]], int, int]:
        """(end, [(bin, loffset, chunks at, n chunks)], linear at, n linear) of the contig at `at`."""
        raw, bins = self._raw, []
        n_bins = struct.unpack_from("<i", raw, at)[0]
        at += 4
        for _ in range(n_bins):
            if self._is_csi:
                number, loffset, n_chunks = struct.unpack_from("<IQi", raw, at)
                at += 16
            else:
                number, n_chunks = struct.unpack_from("<Ii", raw, at)
                loffset = 0
                at += 8
            bins.append((number, loffset, at, n_chunks))
            at += 16 * max(0, n_chunks)
        if self._is_csi:
            return at, bins, at, 0
        n_linear = struct.unpack_from("<i", raw, at)[0]
        return at + 4 + 8 * n_linear, bins, at + 4, n_linear

    def contig(self, tid: int) -> ContigIndex:
        """Bins of the contig with number `tid` in the header."""
        if tid in self._parsed:
            return self._parsed[tid]
        try:
            while len(self._starts) <= tid:
                self._starts.append(self._walk(self._starts[-1])[0])
            _, bins, linear_at, n_linear = self._walk(self._starts[tid])
            parsed = self._columns(bins, linear_at, n_linear)
        except (struct.error, ValueError) as error:
            raise self._cut() from error
        self._parsed[tid] = parsed
        return parsed

    def check(self) -> None:
        """Look at every count and offset, for readers that trust them: htslib crashes on some.

        Raises:
            DeepcohortError: a count or an offset that cannot be.
        """
        damaged = DeepcohortError(f"index {self.path} is damaged; index the file again")
        metadata = ((1 << 3 * (self._depth + 1)) - 1) // 7 + 1  # a bin of counts, the last
        if self.n_contigs < 0 or self._min_shift < 1 or not 0 < self._depth < 10:
            raise damaged
        at = self._at
        try:
            for _ in range(self.n_contigs):
                at, bins, _, n_linear = self._walk(at)
                if n_linear < 0 or any(b[3] < 0 or b[0] > metadata for b in bins):
                    raise damaged
                for number, _, chunks_at, n_chunks in bins:
                    chunks = np.frombuffer(self._raw, _CHUNK, count=n_chunks, offset=chunks_at)
                    if number != metadata and (chunks["begin"] > chunks["end"]).any():
                        raise damaged
                if at > len(self._raw):
                    raise self._cut()
        except (struct.error, ValueError) as error:
            raise self._cut() from error

    def _columns(self, bins: list[tuple[int, int, int, int]], linear_at: int, n_linear: int) -> ContigIndex:
        # the bin beyond the last holds metadata (counts), not chunks
        n_numbers = ((1 << 3 * (self._depth + 1)) - 1) // 7
        real = [b for b in bins if b[0] < n_numbers]
        chunks = [np.frombuffer(self._raw, _CHUNK, count=b[3], offset=b[2]) for b in real]
        flat = np.concatenate(chunks) if chunks else np.empty(0, _CHUNK)
        return ContigIndex(
            bins=np.array([b[0] for b in real], np.int64),
            loffset=np.array([b[1] for b in real], np.uint64),
            chunk_bin=np.repeat(np.array([b[0] for b in real], np.int64), [b[3] for b in real]),
            chunk_begin=flat["begin"].copy(),
            chunk_end=flat["end"].copy(),
            linear=np.frombuffer(self._raw, "<u8", count=n_linear, offset=linear_at).copy(),
        )

    def start_offset(self, tid: int, start: int, end: int) -> int | None:
        """Virtual offset before every read that overlaps [start, end) of contig `tid`.

        None when the index knows of no read there.
        """
        if tid >= self.n_contigs:
            return None
        contig = self.contig(tid)
        floor = self._lower_bound(contig, start)
        wanted = np.zeros(len(contig.chunk_bin), np.bool_)
        for level in range(self._depth + 1):
            first = ((1 << 3 * level) - 1) // 7
            shift = self._min_shift + 3 * (self._depth - level)
            low, high = first + (start >> shift), first + ((max(end, start + 1) - 1) >> shift)
            wanted |= (contig.chunk_bin >= low) & (contig.chunk_bin <= high)
        wanted &= contig.chunk_end > np.uint64(floor)
        if not wanted.any():
            return None
        return max(int(contig.chunk_begin[wanted].min()), floor)

    def _lower_bound(self, contig: ContigIndex, start: int) -> int:
        if not self._is_csi:
            window = min(start >> 14, len(contig.linear) - 1)
            return int(contig.linear[window]) if window >= 0 else 0
        loffset = dict(zip(contig.bins.tolist(), contig.loffset.tolist(), strict=True))
        first = ((1 << 3 * self._depth) - 1) // 7
        number = first + (start >> self._min_shift)
        while number:
            if number in loffset:
                return int(loffset[number])
            parent = (number - 1) >> 3
            number = number - 1 if number > (parent << 3) + 1 else parent
        return int(loffset.get(0, 0))
