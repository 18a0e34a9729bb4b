"""Where in a BGZF file a region's records begin: BAI, TBI and CSI indexes, held against their file."""

import struct
import zlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import gunzip
from deepcohort.core.errors import DeepcohortError
from deepcohort.formats import hts_index_kernels as ik
from deepcohort.formats.bgzf import EOF_BLOCK, next_block

_MOST_BYTES = 1 << 28  # an index of the largest genomes takes some 50 MB
_BAI_SHIFT, _BAI_DEPTH = 14, 5
_WIDEST_SPREAD_SHIFT = 20  # bits of the widest bin of a CSI whose bytes are told by stretches of 16 kb
_TABIX_FIXED = struct.Struct("<7i")  # format, columns of name, begin and end, comment, skip, bytes of names


def beside(path: Path, suffixes: Sequence[str]) -> Path | None:
    """The index that lies beside `path`, or None: `path` + suffix, or the suffix in the place of its own."""
    for suffix in suffixes:
        for candidate in (Path(f"{path}{suffix}"), path.with_suffix(suffix)):
            if candidate.exists() and candidate != path:
                return candidate
    return None


def load_index(path: Path, remedy: str) -> "HtsIndex":
    """`HtsIndex`, kept while the file stays as it is."""
    try:
        found = path.stat()
    except OSError as error:
        raise DeepcohortError(f"index {path} cannot be read: {error.strerror}") from error
    return _load(path, remedy, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=8)
def _load(path: Path, remedy: str, _size: int, _changed: int) -> "HtsIndex":
    return HtsIndex(path, remedy)


def _stored(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """About how many compressed bytes lie between virtual offsets; in one block a quarter of the inflated."""
    inflated = (ends & 0xFFFF) - (begins & 0xFFFF)
    return np.maximum((ends >> 16) - (begins >> 16) + inflated // 4, 0)


class HtsIndex:
    """A BAI, TBI or CSI index as arrays.

    Attributes:
        path: of the index. names: contigs of a tabix index, in its order; empty for a BAM's.
        n_contigs: how many it has. columns: of a tabix index: format, columns of name, begin and end, comment
            byte, lines to skip; empty for a BAM's.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        """Read `path`; `remedy` ends every message ("run: tabix -f -p vcf FILE").

        Raises:
            DeepcohortError: it cannot be read, is none of the three, is cut short or damaged.
        """
        self.path = path
        self._remedy = remedy
        raw = self._unpacked()
        try:
            at = self._read_start(raw)
        except (struct.error, ValueError) as error:
            raise self._damaged("its header is cut short") from error
        data = np.frombuffer(raw, np.uint8)
        if not (0 <= self.n_contigs <= len(raw) // 4 and 0 <= self._depth < 10 and 0 < self._min_shift < 31):
            raise self._damaged("its header gives numbers that cannot be")
        found = ik.read_index(data, at, self.n_contigs, self._is_csi)
        self._bins, self._bin_starts, self._chunks, self._linear, self._linear_starts, end = found
        if end < 0:
            raise self._damaged("it is cut short, or a count in it is wrong")
        if len(raw) - end not in (0, 8):
            raise self._damaged("bytes follow its end")
        self._n_unplaced = struct.unpack_from("<Q", raw, end)[0] if len(raw) > end else 0
        self._check_structure()

    def _unpacked(self) -> bytes:
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise DeepcohortError(f"index {self.path} cannot be read: {error.strerror}") from error
        try:
            return gunzip(raw, _MOST_BYTES) if raw[:2] == b"\x1f\x8b" else raw
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise self._damaged(f"it does not inflate ({error})") from error

    def _read_start(self, raw: bytes) -> int:
        """Read what stands before the contigs; returns where these begin."""
        self.names: tuple[str, ...] = ()
        self.columns: tuple[int, ...] = ()
        self._is_csi = raw[:4] == b"CSI\x01"
        self._min_shift, self._depth = _BAI_SHIFT, _BAI_DEPTH
        if raw[:4] == b"BAI\x01":
            self.n_contigs = struct.unpack_from("<i", raw, 4)[0]
            return 8
        if raw[:4] == b"TBI\x01":
            self.n_contigs = struct.unpack_from("<i", raw, 4)[0]
            return self._read_names(raw, 8)
        if not self._is_csi:
            raise DeepcohortError(f"{self.path} is neither a BAI nor a CSI nor a TBI index; {self._remedy}")
        self._min_shift, self._depth, n_aux = struct.unpack_from("<3i", raw, 4)
        if n_aux < 0 or n_aux > len(raw):
            raise self._damaged("its header gives numbers that cannot be")
        self.n_contigs = struct.unpack_from("<i", raw, 16 + n_aux)[0]
        if n_aux >= _TABIX_FIXED.size:
            self._read_names(raw, 16)
        return 20 + n_aux

    def _read_names(self, raw: bytes, at: int) -> int:
        *columns, n_bytes = _TABIX_FIXED.unpack_from(raw, at)
        self.columns = tuple(columns)
        at += _TABIX_FIXED.size
        if n_bytes < 0 or at + n_bytes > len(raw):
            raise self._damaged("its header gives numbers that cannot be")
        names = raw[at : at + n_bytes].split(b"\0")[:-1]
        try:
            self.names = tuple(name.decode() for name in names)
        except UnicodeDecodeError as error:
            raise self._damaged("a contig's name in it is no text") from error
        if len(self.names) != self.n_contigs or len(set(self.names)) != self.n_contigs:
            raise self._damaged("its contigs and their names are not as many, or a name stands twice")
        return at + n_bytes

    def _damaged(self, what: str) -> DeepcohortError:
        return DeepcohortError(f"index {self.path} is damaged: {what}; {self._remedy}")

    @property
    def _metadata_bin(self) -> int:
        """Number of the bin that holds counts instead of chunks."""
        return ((1 << 3 * (self._depth + 1)) - 1) // 7 + 1

    def _real(self) -> NDArray[np.bool_]:
        return self._bins[:, ik.NUMBER] < self._metadata_bin - 1

    def _check_structure(self) -> None:
        """See that every bin and offset can be.

        Raises:
            DeepcohortError: what cannot.
        """
        numbers = self._bins[:, ik.NUMBER]
        real = self._real()
        if (~real & (numbers != self._metadata_bin)).any():
            raise self._damaged("it has a bin that its depth does not allow")
        pairs = self._bins[:, ik.REF] * (self._metadata_bin + 1) + numbers
        if len(np.unique(pairs)) < len(pairs):
            raise self._damaged("a bin stands twice")
        if (self._linear < 0).any() or (self._bins[:, ik.LOFFSET] < 0).any():
            raise self._damaged("an offset lies beyond any file")
        chunks = self._chunks[np.repeat(real, self._bins[:, ik.N_CHUNKS])]
        if (chunks < 0).any() or (chunks[:, 0] > chunks[:, 1]).any():
            raise self._damaged("a chunk ends before it begins")
        for ref in range(self.n_contigs):
            self._check_order(ref)

    def _levels(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First bin of the level of each bin, and the level: 0 is the whole contig."""
        firsts = np.array([((1 << 3 * level) - 1) // 7 for level in range(self._depth + 1)])
        level = np.searchsorted(firsts, numbers, side="right") - 1
        return firsts[level], level

    def _check_order(self, ref: int) -> None:
        """See that the bins of each level follow each other, and so do the lower bounds."""
        rows = self._bins[self._bin_starts[ref] : self._bin_starts[ref + 1]]
        rows = rows[(rows[:, ik.NUMBER] < self._metadata_bin - 1) & (rows[:, ik.N_CHUNKS] > 0)]
        if not len(rows):
            return
        rows = rows[np.argsort(rows[:, ik.NUMBER])]
        numbers, begins = rows[:, ik.NUMBER], self._chunks[rows[:, ik.FIRST_CHUNK], 0]
        _, level = self._levels(numbers)
        if ((np.diff(begins) < 0) & (np.diff(level) == 0)).any():
            raise self._damaged("its bins do not follow the file")
        if self._is_csi:
            if (rows[:, ik.LOFFSET] > begins).any():
                raise self._damaged("a bin begins before its lower bound")
            return
        linear = self._linear[self._linear_starts[ref] : self._linear_starts[ref + 1]]
        known = linear[linear > 0]
        if (np.diff(known) < 0).any():
            raise self._damaged("its linear index does not follow the file")
        # no bound is held against its bin: samtools before 1.0 left unmapped reads out of the linear index

    def check_bounds(self) -> None:
        """See that the linear index of a .tbi bids no reader to begin after records that it wants.

        The window in which a bin begins has no bound beyond the first record of the bin.

        Raises:
            DeepcohortError: it would pass records over.
        """
        for ref in range(0 if self._is_csi else self.n_contigs):
            rows = self._rows(ref)
            rows = rows[rows[:, ik.N_CHUNKS] > 0]
            linear = self._linear[self._linear_starts[ref] : self._linear_starts[ref + 1]]
            if not len(rows) or not len(linear):
                continue
            firsts, level = self._levels(rows[:, ik.NUMBER])
            window = (rows[:, ik.NUMBER] - firsts) << 3 * (self._depth - level)
            begins = self._chunks[rows[:, ik.FIRST_CHUNK], 0]
            if (linear[np.minimum(window, len(linear) - 1)] > begins).any():
                raise self._damaged("its linear index begins after records")

    def check_fits(self, data: Path, first_record: int, has_unplaced: bool = False) -> None:
        """See that the chunks tile the records of the file `data`, from the first to the last.

        An index of another file, of a shorter or longer one, or one that lacks contigs does not.

        Args:
            first_record: virtual offset at which the records begin.
            has_unplaced: records without a place may follow the last (BAM).

        Raises:
            DeepcohortError: it does not fit.
        """
        size = data.stat().st_size
        real = np.repeat(self._real(), self._bins[:, ik.N_CHUNKS])
        chunks = self._chunks[real]
        chunks = chunks[np.argsort(chunks[:, 0], kind="stable")]
        begins = np.append(chunks[:, 0], size - len(EOF_BLOCK) << 16)
        ends = np.maximum.accumulate(np.concatenate(([first_record], chunks[:, 1])))
        if len(chunks) and chunks[:, 1].max() >> 16 > size:
            raise self.misfit(data, f"it points beyond the end of the file ({size} bytes)")
        spans = self._spans[self.occupied]
        spans = spans[np.lexsort((spans[:, 1], spans[:, 0]))]
        if (spans[:-1, 1] > spans[1:, 0]).any():
            raise self.misfit(data, "records of two contigs overlap in it")
        open_end = has_unplaced and self._n_unplaced > 0
        for i in np.flatnonzero(begins > ends).tolist():
            if i == len(chunks) and (open_end or not self._is_whole(data)):
                continue
            if next_block(data, int(ends[i])) < next_block(data, int(begins[i])):
                raise self.misfit(data, f"it leaves out the records from byte {int(ends[i]) >> 16} on")

    @staticmethod
    def _is_whole(data: Path) -> bool:
        with open(data, "rb") as file:
            file.seek(max(0, data.stat().st_size - len(EOF_BLOCK)))
            return file.read() == EOF_BLOCK

    def misfit(self, data: Path, what: str) -> DeepcohortError:
        """The error of an index that is not that of the file `data`, and why."""
        older = " and is older than it" if self.path.stat().st_mtime < data.stat().st_mtime else ""
        return DeepcohortError(f"index {self.path} does not belong to {data}{older}: {what}; {self._remedy}")

    def _rows(self, ref: int) -> NDArray[np.int64]:
        rows = self._bins[self._bin_starts[ref] : self._bin_starts[ref + 1]]
        return rows[rows[:, ik.NUMBER] < self._metadata_bin - 1]

    def _chunks_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Chunks of bins, int64 (n, 2), bin after bin."""
        counts = rows[:, ik.N_CHUNKS]
        ends = np.cumsum(counts)
        at = np.arange(int(ends[-1]) if len(ends) else 0)
        return self._chunks[at + np.repeat(rows[:, ik.FIRST_CHUNK] - (ends - counts), counts)]

    def read_counts(self, ref: int) -> tuple[int, int] | None:
        """Mapped and unmapped reads of contig `ref` (samtools' pseudo-bin); None where it is not there."""
        rows = self._bins[self._bin_starts[ref] : self._bin_starts[ref + 1]]
        told = rows[rows[:, ik.NUMBER] == self._metadata_bin]
        if not len(told) or told[0, ik.N_CHUNKS] != 2:
            return None
        mapped, unmapped = self._chunks[told[0, ik.FIRST_CHUNK] + 1].tolist()
        return mapped, unmapped

    @property
    def n_unplaced(self) -> int:
        """Reads without a place."""
        return int(self._n_unplaced)

    def covered_bp(self, ref: int) -> int:
        """About how much of contig `ref` has reads: windows of 16 kb of a BAI whose first read is another
        than in the window before; of a CSI the stretches of its bins.
        """
        if not self._is_csi:
            linear = self._linear[self._linear_starts[ref] : self._linear_starts[ref + 1]]
            return len(np.unique(linear[linear > 0])) << _BAI_SHIFT
        numbers = self._rows(ref)[:, ik.NUMBER]
        firsts, level = self._levels(numbers)
        shift = self._min_shift + 3 * (self._depth - level)
        starts = (numbers - firsts) << shift
        order = np.argsort(starts, kind="stable")
        reached = covered = 0
        for start, end in zip(starts[order].tolist(), (starts + (1 << shift))[order].tolist(), strict=True):
            covered += max(0, end - max(start, reached))
            reached = max(reached, end)
        return covered

    def stored_bytes(self, ref: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """About how many compressed bytes stretches of 16,384 bp of contig `ref` hold: starts in bp, bytes.

        Int64 (B,) both. By the linear index of a BAI; of a CSI by its bins up to 1 Mb, spread evenly, so that
        what little a wider one holds is left out.
        """
        span = self.span(ref)
        if span is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        if self._is_csi:
            return self._bytes_of_bins(ref)
        linear = self._linear[self._linear_starts[ref] : self._linear_starts[ref + 1]]
        later = np.append(np.where(linear > 0, linear, span[1]), span[1])
        # a stretch without reads begins where the next one does
        begins = np.minimum.accumulate(later[::-1])[::-1]
        return np.arange(len(linear)) << _BAI_SHIFT, _stored(begins[:-1], begins[1:])

    def _bytes_of_bins(self, ref: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows = self._rows(ref)
        firsts, level = self._levels(rows[:, ik.NUMBER])
        shift = self._min_shift + 3 * (self._depth - level)
        chunks = self._chunks_of(rows)
        n_bytes = np.zeros(len(rows), np.int64)
        np.add.at(n_bytes, np.repeat(np.arange(len(rows)), rows[:, ik.N_CHUNKS]), _stored(*chunks.T))
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for number, bits, size in zip(rows[:, ik.NUMBER] - firsts, shift, n_bytes, strict=True):
            if bits <= _WIDEST_SPREAD_SHIFT:
                starts = np.arange(number << bits, (number + 1) << bits, 1 << _BAI_SHIFT)
                found.append((starts, np.full(len(starts), size // len(starts))))
        none = np.empty(0, np.int64)
        return (
            np.concatenate([none, *(starts for starts, _ in found)]),
            np.concatenate([none, *(sizes for _, sizes in found)]),
        )

    def span(self, ref: int) -> tuple[int, int] | None:
        """First and last virtual offset of the records of contig `ref`; None where it has none."""
        first, last = self._spans[ref].tolist()
        return (first, last) if first >= 0 else None

    @cached_property
    def _spans(self) -> NDArray[np.int64]:
        """First and last virtual offset of the records of each contig, int64 (n_contigs, 2); -1 of none.

        Of all at once: assemblies have contigs by the hundred thousand.
        """
        rows = self._bins[self._real()]
        chunks = self._chunks_of(rows)
        ref = np.repeat(rows[:, ik.REF], rows[:, ik.N_CHUNKS])
        spans = np.full((self.n_contigs, 2), -1, np.int64)
        spans[ref, 0] = np.iinfo(np.int64).max
        np.minimum.at(spans[:, 0], ref, chunks[:, 0])
        np.maximum.at(spans[:, 1], ref, chunks[:, 1])
        return spans

    @cached_property
    def occupied(self) -> NDArray[np.int64]:
        """Contigs that have records, int64 ascending."""
        return np.flatnonzero(self._spans[:, 0] >= 0)

    def bounds(self, ref: int) -> NDArray[np.int64]:
        """Virtual offsets at which records of contig `ref` begin, as far as told, ascending; int64 (B,)."""
        begins = self._chunks_of(self._rows(ref))[:, 0]
        span = self.span(ref)
        if span is None or self._is_csi:
            return np.unique(begins)
        linear = self._linear[self._linear_starts[ref] : self._linear_starts[ref + 1]]
        return np.unique(np.concatenate((begins, linear[(linear > span[0]) & (linear < span[1])])))

    def start_offset(self, ref: int, start: int, end: int) -> int | None:
        """Virtual offset before every record that overlaps [start, end) of contig `ref`.

        None when the index knows of no record there.
        """
        if ref >= self.n_contigs:
            return None
        rows = self._rows(ref)
        floor = self._lower_bound(ref, rows, start)
        wanted = np.zeros(len(rows), np.bool_)
        for level in range(self._depth + 1):
            first = ((1 << 3 * level) - 1) // 7
            shift = self._min_shift + 3 * (self._depth - level)
            low, high = first + (start >> shift), first + ((max(end, start + 1) - 1) >> shift)
            wanted |= (rows[:, ik.NUMBER] >= low) & (rows[:, ik.NUMBER] <= high)
        chunks = self._chunks_of(rows[wanted])
        chunks = chunks[chunks[:, 1] > floor]
        return max(int(chunks[:, 0].min()), floor) if len(chunks) else None

    def _lower_bound(self, ref: int, rows: NDArray[np.int64], start: int) -> int:
        if not self._is_csi:
            linear = self._linear[self._linear_starts[ref] : self._linear_starts[ref + 1]]
            window = min(start >> _BAI_SHIFT, len(linear) - 1)
            return int(linear[window]) if window >= 0 else 0
        loffset = dict(zip(rows[:, ik.NUMBER].tolist(), rows[:, ik.LOFFSET].tolist(), strict=True))
        number = ((1 << 3 * self._depth) - 1) // 7 + (start >> self._min_shift)
        while number:
            if number in loffset:
                return int(loffset[number])
            parent = (number - 1) >> 3
            number = number - 1 if number > (parent << 3) + 1 else parent
        return int(loffset.get(0, 0))

    def start_of(self, ref: int, pos: int) -> int | None:
        """Virtual offset at or before the first record of contig `ref` that ends after `pos`."""
        if not self._is_csi:
            linear = self._linear[
                self._linear_starts[ref] + (pos >> _BAI_SHIFT) : self._linear_starts[ref + 1]
            ]
            known = linear[linear > 0]
            return int(known[0]) if len(known) else None
        rows = self._rows(ref)
        starts = dict(zip(rows[:, ik.NUMBER].tolist(), rows[:, ik.LOFFSET].tolist(), strict=True))
        level, shift = self._depth, self._min_shift
        while level >= 0:
            number = ((1 << 3 * level) - 1) // 7 + (pos >> shift)
            if number in starts:
                return int(starts[number])
            level -= 1
            shift += 3
        return min(starts.values()) if starts else None
