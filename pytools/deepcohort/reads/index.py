"""Where in a BAM file a region's reads may begin: BAI and CSI indexes (SAM spec section 5)."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import gunzip
from deepcohort.core.bgzf import EOF_BLOCK
from deepcohort.core.errors import DeepcohortError

_MOST_SHIFT, _MOST_DEPTH = 30, 9
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


def _adjoin(end: int, begin: int) -> bool:
    """Whether no record fits between two virtual offsets: they are equal, or meet at a block's edge."""
    blocks = (begin >> 16) - (end >> 16)
    return begin <= end or (begin & 0xFFFF == 0 and blocks <= 1 << 16)


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
        try:
            raw = path.read_bytes()
            if raw[:2] == b"\x1f\x8b":
                raw = gunzip(raw)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise DeepcohortError(f"index {path} cannot be read ({error}); index the file again") from error
        self._raw = raw
        try:
            if raw[:4] == b"BAI\x01":
                self._is_csi, self._min_shift, self._depth = False, 14, 5
                self.n_contigs, self._at = struct.unpack_from("<i", raw, 4)[0], 8
            elif raw[:4] == b"CSI\x01":
                self._is_csi = True
                self._min_shift, self._depth, n_aux = struct.unpack_from("<3i", raw, 4)
                shifts = 1 <= self._min_shift <= _MOST_SHIFT and 0 <= self._depth <= _MOST_DEPTH
                if n_aux < 0 or not shifts:
                    raise DeepcohortError(f"index {path} is damaged; index the file again")
                self.n_contigs = struct.unpack_from("<i", raw, 16 + n_aux)[0]
                self._at = 20 + n_aux
            else:
                raise DeepcohortError(f"{path} is neither a BAI nor a CSI index; index the file again")
        except struct.error as error:
            raise self._cut() from error
        if not 0 <= self.n_contigs <= len(raw) // 4:
            raise DeepcohortError(f"index {path} is damaged; index the file again")
        self._n_numbers = ((1 << 3 * (self._depth + 1)) - 1) // 7
        self._starts = [self._at]
        self._parsed: dict[int, ContigIndex] = {}

    def _cut(self) -> DeepcohortError:
        return DeepcohortError(f"index {self.path} is cut short; index the file again")

    def _walk(self, at: int) -> tuple[int, list[tuple[int, int, int, int]], int, int]:
        """(end, [(bin, loffset, chunks at, n chunks)], linear at, n linear) of the contig at `at`."""
        raw, bins = self._raw, []
        n_bins = struct.unpack_from("<i", raw, at)[0]
        if not 0 <= n_bins <= len(raw):
            raise ValueError("number of bins")
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
            if n_chunks < 0:
                raise ValueError("number of chunks")
            at += 16 * n_chunks
        if self._is_csi:
            return at, bins, at, 0
        n_linear = struct.unpack_from("<i", raw, at)[0]
        if n_linear < 0:
            raise ValueError("number of windows")
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
        try:
            self._spans()
        except (struct.error, ValueError) as error:
            raise DeepcohortError(f"index {self.path} is damaged ({error}); index the file again") from error

    def check_fits(self, path: Path, n_contigs: int, first_record: int, file_size: int) -> None:
        """See that the index accounts for every byte of its BAM file: what it leaves out is never read.

        Its chunks of a contig adjoin, contigs adjoin, the first begins with the file's first record, and
        nothing follows the last but reads without a place.

        Args:
            path: of the BAM. n_contigs: in its header. first_record: virtual offset. file_size: bytes.

        Raises:
            DeepcohortError: the index is damaged, or of another file.
        """
        try:
            if self.n_contigs > n_contigs:
                raise ValueError(f"it knows {self.n_contigs} contigs, the file {n_contigs}")
            spans, n_unplaced = self._spans()
            at = first_record
            for begin, end in spans:
                if not _adjoin(at, begin):
                    raise ValueError(f"it leaves out bytes {at >> 16} to {begin >> 16}")
                at = end
            rest = file_size - len(EOF_BLOCK)
            if at >> 16 > rest:
                raise ValueError("it reaches beyond the end of the file")
            if n_unplaced == 0 and not _adjoin(at, rest << 16):
                raise ValueError(f"it leaves out bytes {at >> 16} to {rest}")
        except ValueError as error:
            raise DeepcohortError(
                f"index {self.path} is damaged, or of another file than {path} ({error}); "
                f"run: samtools index {path}"
            ) from error

    def _spans(self) -> tuple[list[tuple[int, int]], int | None]:
        """(virtual offsets of each contig's first read and end, in order; reads without a place).

        The latter is None in indexes that do not say.

        Raises:
            ValueError: a contradiction within the index.
        """
        at, spans = self._at, []
        for _ in range(self.n_contigs):
            try:
                at, bins, linear_at, n_linear = self._walk(at)
            except struct.error as error:
                raise ValueError("it is cut short") from error
            if at > len(self._raw):
                raise ValueError("it is cut short")
            columns = self._columns(bins, linear_at, n_linear)
            if len(columns.chunk_begin):
                spans.append(self._check_contig(columns, bins))
            elif any(b[0] != self._n_numbers + 1 for b in bins):
                raise ValueError("a bin without chunks")
        left = len(self._raw) - at
        if left not in (0, 8):
            raise ValueError(f"{left} bytes follow its contigs")
        return spans, struct.unpack_from("<Q", self._raw, at)[0] if left else None

    def _check_contig(self, contig: ContigIndex, bins: list[tuple[int, int, int, int]]) -> tuple[int, int]:
        """Virtual offsets of the first read of a contig and of its end."""
        order = np.argsort(contig.chunk_begin, kind="stable")
        begin, end = contig.chunk_begin[order], contig.chunk_end[order]
        reached = np.maximum.accumulate(end)
        if (begin > end).any():
            raise ValueError("a chunk ends before it begins")
        for before, after in zip(reached[:-1].tolist(), begin[1:].tolist(), strict=True):
            if not _adjoin(before, after):
                raise ValueError(f"it leaves out bytes {before >> 16} to {after >> 16}")
        first, last = int(begin[0]), int(reached[-1])
        for number, _, chunks_at, n_chunks in bins:
            if number > self._n_numbers + 1:
                raise ValueError(f"bin {number}")
            if number == self._n_numbers + 1 and n_chunks:
                told = np.frombuffer(self._raw, _CHUNK, count=1, offset=chunks_at)[0]
                if int(told["begin"]) != first or int(told["end"]) != last:
                    raise ValueError("its counts contradict its chunks")
        self._check_bounds(contig)
        return first, last

    def _check_bounds(self, contig: ContigIndex) -> None:
        """See that no lower bound hides a chunk, and that bins stand for their places.

        Raises:
            ValueError: one does not.
        """
        self._check_order(contig)
        least: dict[int, int] = {}
        for number, begin in zip(contig.chunk_bin.tolist(), contig.chunk_begin.tolist(), strict=True):
            least[number] = min(begin, least.get(number, begin))
        if self._is_csi:
            for number, loffset in zip(contig.bins.tolist(), contig.loffset.tolist(), strict=True):
                if loffset > least.get(number, loffset):
                    raise ValueError(f"the bound of bin {number}")
            return
        told = contig.linear[contig.linear > 0]
        if (told[1:] < told[:-1]).any():
            raise ValueError("its windows do not ascend")
        first = self._first_of(self._depth)
        for number, begin in least.items():
            if number >= first:
                window = number - first
                if window >= len(contig.linear) or int(contig.linear[window]) > begin:
                    raise ValueError(f"the bound of window {window}")
        self._check_windows(contig)

    @staticmethod
    def _first_of(level: int) -> int:
        """Number of the first bin of `level`, 0 being the whole contig."""
        return int(((1 << 3 * level) - 1) // 7)

    def _check_order(self, contig: ContigIndex) -> None:
        """See that bins apart from each other hold reads in the order of their places.

        Raises:
            ValueError: a bin has the number of another place.
        """
        numbers = np.unique(contig.chunk_bin)
        if len(numbers) != len(contig.bins) or len(np.unique(contig.bins)) != len(numbers):
            raise ValueError("a bin stands there twice, or without chunks")
        which = np.searchsorted(numbers, contig.chunk_bin)
        least = np.full(len(numbers), np.iinfo(np.uint64).max, np.uint64)
        most = np.zeros(len(numbers), np.uint64)
        np.minimum.at(least, which, contig.chunk_begin)
        np.maximum.at(most, which, contig.chunk_begin)
        firsts = np.array([self._first_of(level) for level in range(self._depth + 1)])
        level = np.searchsorted(firsts, numbers, side="right") - 1
        windows = 1 << 3 * (self._depth - level)  # of the lowest level
        start = (numbers - firsts[level]) * windows
        end = start + windows
        by_end = np.argsort(end, kind="stable")
        reached = np.maximum.accumulate(most[by_end])
        before = np.searchsorted(end[by_end], start, side="right")
        wrong = (before > 0) & (reached[np.maximum(before, 1) - 1] > least)
        if wrong.any():
            raise ValueError(f"bin {int(numbers[wrong][0])} lies elsewhere")

    def _check_windows(self, contig: ContigIndex) -> None:
        """See that the read at each window's bound lies in a bin over that window.

        Raises:
            ValueError: its bin has the number of another place, or lacks its chunks.
        """
        linear = contig.linear
        least = np.full(self._n_numbers, np.iinfo(np.uint64).max, np.uint64)
        most = np.zeros(self._n_numbers, np.uint64)
        np.minimum.at(least, contig.chunk_bin, contig.chunk_begin)
        np.maximum.at(most, contig.chunk_bin, contig.chunk_end)
        window = np.arange(len(linear))
        covered = linear == 0
        for level in range(self._depth + 1):
            number = self._first_of(level) + (window >> 3 * (self._depth - level))
            if int(number.max(initial=0)) >= self._n_numbers:
                raise ValueError("more windows than bins")
            covered |= (least[number] <= linear) & (linear < most[number])
        # windows without reads repeat a neighbour's bound
        runs = (
            np.concatenate([[0], np.cumsum(linear[1:] != linear[:-1])])
            if len(linear)
            else np.empty(0, np.int64)
        )
        told = np.zeros(int(runs[-1]) + 1 if len(runs) else 0, np.bool_)
        np.logical_or.at(told, runs, covered)
        if not told.all():
            raise ValueError(
                f"the bound of window {int(np.flatnonzero(~told[runs])[0])} lies in no bin of its own"
            )

    def _columns(self, bins: list[tuple[int, int, int, int]], linear_at: int, n_linear: int) -> ContigIndex:
        # the bin beyond the last holds metadata (counts), not chunks
        real = [b for b in bins if b[0] < self._n_numbers]
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
