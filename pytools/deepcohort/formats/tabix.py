"""Indexed BGZF output: tabix (.tbi) index, or CSI for contigs beyond 512 Mb, made while writing.

Formats: tabix specification (https://samtools.github.io/hts-specs/tabix.pdf) and CSIv1.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from deepcohort.formats.bgzf import MAX_BLOCK_BYTES, BgzfWriter
from deepcohort.formats.tabix_kernels import MIN_SHIFT, index_lines

_TBI_DEPTH = 5
TBI_LIMIT_BP = 1 << 29
# format VCF, columns of CHROM, POS, (no end), comment '#', skip 0
VCF_COLUMNS = (2, 1, 2, 0, ord("#"), 0)
INDEX_SUFFIXES = (".tbi", ".csi")


class IndexedVcfWriter:
    """Writes VCF text as BGZF and its index beside it (`<path>.tbi`, or `.csi`)."""

    def __init__(self, path: str | Path, contig_lengths: Mapping[str, int], n_stored_bytes: int = 0) -> None:
        """Open `path`; every contig of the file and its length in bp must be known.

        Args:
            n_stored_bytes: of the text's beginning, that are not deflated: for a file soon read and removed.
        """
        self.path = Path(path)
        longest = max(contig_lengths.values(), default=0)
        self._depth = _TBI_DEPTH
        while longest > 1 << (MIN_SHIFT + 3 * self._depth):
            self._depth += 1
        self._is_csi = longest > TBI_LIMIT_BP
        self._windows = {name: (length >> MIN_SHIFT) + 1 for name, length in contig_lengths.items()}
        self._bgzf = BgzfWriter(path, n_stored_bytes=n_stored_bytes)
        self._byte = 0
        self._order: list[str] = []
        self._runs: dict[str, list[NDArray[np.int64]]] = {}
        self._n_records: dict[str, int] = {}
        self._linear: dict[str, NDArray[np.int64]] = {}

    def write_header(self, text: str) -> None:
        """Write header text, which no index entry points to."""
        data = text.encode()
        self._bgzf.write(data)
        self._byte += len(data)

    def write_lines(self, contig: str, data: bytes | memoryview, lines: NDArray[np.int64]) -> None:
        """Write records of one contig.

        Args:
            data: whole lines. lines: int64 (n, 3), ascending: start, end (0-based half-open), first
                byte within `data`.
        """
        if len(lines):
            if contig not in self._runs:
                self._order.append(contig)
                self._runs[contig] = []
                self._n_records[contig] = 0
                self._linear[contig] = np.full(self._windows[contig], -1, dtype=np.int64)
            absolute = lines.copy()
            absolute[:, 2] += self._byte
            runs = np.empty((len(lines), 3), dtype=np.int64)
            n = index_lines(absolute, self._byte + len(data), self._depth, runs, self._linear[contig])
            self._runs[contig].append(runs[:n].copy())
            self._n_records[contig] += len(lines)
        self._bgzf.write(data)
        self._byte += len(data)

    def write_changed(self, contig: str, texts: Sequence[bytes], lines: NDArray[np.int64]) -> None:
        """Write records whose text changed, but not their places.

        Args:
            texts: whole lines. lines: int64 (n, 3) as in `write_lines`; the bytes are those of the old text.
        """
        spans = lines.copy()
        spans[:, 2] = np.cumsum([0] + [len(text) for text in texts[:-1]])
        self.write_lines(contig, b"".join(texts), spans)

    def close(self) -> None:
        """Finish the file, then write its index."""
        self._bgzf.close()
        suffix = ".csi" if self._is_csi else ".tbi"
        with BgzfWriter(f"{self.path}{suffix}") as index:
            index.write(self._index_bytes())

    def _virtual(self, byte: NDArray[np.int64]) -> NDArray[np.int64]:
        """BGZF virtual offsets of bytes of the data."""
        blocks = np.asarray(self._bgzf.block_offsets, dtype=np.int64)
        return blocks[byte // MAX_BLOCK_BYTES] << 16 | byte % MAX_BLOCK_BYTES

    def _index_bytes(self) -> bytes:
        names = b"".join(name.encode() + b"\0" for name in self._order)
        columns = struct.pack("<6i", *VCF_COLUMNS) + struct.pack("<i", len(names)) + names
        if self._is_csi:
            parts = [b"CSI\1", struct.pack("<3i", MIN_SHIFT, self._depth, len(columns)), columns]
            parts.append(struct.pack("<i", len(self._order)))
        else:
            parts = [b"TBI\1", struct.pack("<i", len(self._order)), columns]
        for name in self._order:
            parts += self._contig_index(name)
        return b"".join(parts)

    def _contig_index(self, name: str) -> list[bytes]:
        runs = np.concatenate(self._runs[name])
        runs = runs[np.argsort(runs[:, 0], kind="stable")]
        # runs that meet are one, so that the index does not show how lines came in
        meets = (runs[1:, 0] == runs[:-1, 0]) & (runs[1:, 1] == runs[:-1, 2])
        opens, closes = np.concatenate(([True], ~meets)), np.concatenate((~meets, [True]))
        runs = np.column_stack((runs[opens, 0], runs[opens, 1], runs[closes, 2]))
        first, last = self._virtual(runs[:, 1]), self._virtual(runs[:, 2])
        linear = self._filled_linear(name)
        numbers, starts = np.unique(runs[:, 0], return_index=True)
        stops = np.append(starts[1:], len(runs))
        parts = [struct.pack("<i", len(numbers) + 1)]
        for number, start, stop in zip(numbers.tolist(), starts.tolist(), stops.tolist(), strict=True):
            parts.append(struct.pack("<I", number))
            if self._is_csi:
                parts.append(struct.pack("<Q", self._first_offset(number, linear)))
            parts.append(struct.pack("<i", stop - start))
            parts.append(np.column_stack((first[start:stop], last[start:stop])).astype("<u8").tobytes())
        parts.append(self._metadata(name, int(first.min()), int(last.max())))
        if not self._is_csi:
            parts += [struct.pack("<i", len(linear)), linear.astype("<u8").tobytes()]
        return parts

    def _metadata(self, name: str, first: int, last: int) -> bytes:
        """Pseudo-bin with the extent and the number of records of a contig, as htslib writes it."""
        number = ((1 << (3 * self._depth + 3)) - 1) // 7 + 1
        loffset = struct.pack("<Q", 0) if self._is_csi else b""
        counts = struct.pack("<i4Q", 2, first, last, self._n_records[name], 0)
        return struct.pack("<I", number) + loffset + counts

    def _filled_linear(self, name: str) -> NDArray[np.int64]:
        """Virtual offset by 16 kb window up to the last that has records; empty ones take the one before."""
        linear = self._linear[name]
        used = np.flatnonzero(linear >= 0)
        linear = linear[: used[-1] + 1]
        source = np.maximum.accumulate(np.where(linear >= 0, np.arange(len(linear)), 0))
        known = np.maximum(linear[source], 0)
        virtual = self._virtual(known)
        virtual[: used[0]] = 0
        return virtual

    def _first_offset(self, number: int, linear: NDArray[np.int64]) -> int:
        """CSI loffset: smallest virtual offset of records that overlap the first window of a bin."""
        level, offset = 0, 0
        while number >= offset + (1 << (3 * level)):
            offset += 1 << (3 * level)
            level += 1
        window = (number - offset) << (3 * (self._depth - level))
        return int(linear[window]) if window < len(linear) else 0

    def __enter__(self) -> "IndexedVcfWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._bgzf.__exit__(kind, error, trace)
