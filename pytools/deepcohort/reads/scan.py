"""Reads of one file and one region as columns, piece by piece so that memory stays bounded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import CODE_OF_BAM_NIBBLE
from deepcohort.formats.bgzf import MOST_INFLATED
from deepcohort.formats.bgzf_blocks import BgzfBlocks
from deepcohort.reads import kernels
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import NO_GROUP, LibraryKey, ReadGroups
from deepcohort.reads.left_out_kernels import KINDS, tell_reasons
from deepcohort.reads.types import no_libraries

BUFFER_BYTES = 4 << 20  # inflated; larger buffers leave the cache, smaller ones cost calls
_MOST_KEPT_BYTES = 4 * BUFFER_BYTES  # of a buffer that grew in a deep place
_SMALL_BP = 20_000  # for regions up to this,
_SMALL_BUFFER_BYTES = 512 << 10  # so much is asked for at a time
DEPTH_BIN_SHIFT = 7  # reads are thinned by bins of 128 bp of absolute position
_CHECKPOINT_ROWS = 64
_NIBBLES = CODE_OF_BAM_NIBBLE.astype(np.uint16)
# both bases of a byte at once, the first in the low byte (little-endian order of the two codes)
_CODES_OF_BAM_BYTE = (_NIBBLES[None, :] << 8 | _NIBBLES[:, None]).reshape(256)


@dataclass(slots=True)
class ReadColumns:
    """Columns of some reads of one file; names, dtypes and order as in ReadBatch."""

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    flag: NDArray[np.uint16]
    insert_size: NDArray[np.int32]
    name_hash: NDArray[np.uint64]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_length: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    n_ops: NDArray[np.int64]
    mapq0_pos: NDArray[np.int64]
    mapq0_end: NDArray[np.int64]
    library: NDArray[np.uint16] = field(default_factory=no_libraries)


class Near(NamedTuple):
    """Half-open stretches of a contig, int64 (N,), sorted and apart; reads outside them may be left out."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> "Near":
        """Stretches in any order, joined where they touch or overlap."""
        order = np.argsort(starts, kind="stable")
        starts, reached = starts[order], np.maximum.accumulate(ends[order])
        apart = starts[1:] > reached[:-1]
        some = np.ones(min(1, len(starts)), np.bool_)
        return cls(starts[np.concatenate((some, apart))], reached[np.concatenate((apart, some))])


class _GroupNames(NamedTuple):
    """IDs of all read groups of a file: uint8 flat `ids`, int64 (G+1,) `offsets`."""

    ids: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, groups: ReadGroups) -> "_GroupNames":
        """Those of a header."""
        names = [key.encode() for key, _ in groups]
        offsets = np.cumsum([0, *(len(name) for name in names)]).astype(np.int64)
        return cls(np.frombuffer(b"".join(names), np.uint8), offsets)

    def numbers(self, buffer: NDArray[np.uint8], rows_at: NDArray[np.int64]) -> NDArray[np.int32]:
        """Int32 (N,): which group the records at `rows_at` (N,) of `buffer` name; -1 for none of them."""
        found = np.empty(len(rows_at), np.int32)
        kernels.find_groups(buffer, rows_at, self.ids, self.offsets, found)
        return found


class ChosenGroups(NamedTuple):
    """Read groups whose reads count: `names` of all, `mine` bool (G,)."""

    names: _GroupNames
    mine: NDArray[np.bool_]

    @classmethod
    def of(cls, groups: ReadGroups, chosen: frozenset[str]) -> "ChosenGroups":
        """`chosen` of the read groups of a header."""
        return cls(_GroupNames.of(groups), np.array([key in chosen for key, _ in groups], np.bool_))


class LibraryNumbers(NamedTuple):
    """Libraries of read groups: `names` of all; `numbers` uint16 (G+1,), the last of reads without group."""

    names: _GroupNames
    numbers: NDArray[np.uint16]

    @classmethod
    def of(
        cls, groups: ReadGroups, libraries: Sequence[LibraryKey], numbers: Mapping[LibraryKey, int]
    ) -> "LibraryNumbers":
        """Of a header; libraries that `numbers` does not know have 0."""
        known = [numbers.get(key, 0) for key in (*libraries, NO_GROUP)]
        return cls(_GroupNames.of(groups), np.array(known, np.uint16))

    def of_rows(self, buffer: NDArray[np.uint8], rows_at: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Uint16 (N,): of the records at `rows_at` (N,) of `buffer`."""
        return np.asarray(self.numbers[self.names.numbers(buffer, rows_at)])


def _room_for(n_bytes: int) -> kernels.RecordRows:
    """A row for each record that `n_bytes` may hold."""
    n = n_bytes // 36 + 1
    return kernels.RecordRows(
        kind=np.empty(n, np.uint8),
        pos=np.empty(n, np.int64),
        end=np.empty(n, np.int64),
        name_hash=np.empty(n, np.uint64),
        flag=np.empty(n, np.uint16),
        at=np.empty(n, np.int64),
        cigar_at=np.empty(n, np.int64),
        n_ops=np.empty(n, np.int32),
    )


class _BlockBuffer:
    """Consecutive inflated blocks as one buffer, from a block boundary; one memory for all buffers."""

    def __init__(self, blocks: BgzfBlocks) -> None:
        self._blocks = blocks
        self._memory = np.empty(0, np.uint8)

    def start(self, virtual_offset: int) -> None:
        """Forget what was read; go on from `virtual_offset`."""
        if len(self._memory) > _MOST_KEPT_BYTES:
            self._memory = np.empty(0, np.uint8)
        self._parts: list[tuple[int, int]] = []  # (file offset, inflated size)
        self._next = virtual_offset >> 16
        self.at = virtual_offset & 0xFFFF
        self.at_end_of_file = False
        self.buffer = self._memory[:0]

    def extend(self, n_bytes: int) -> None:
        """Drop blocks before `at`, then add at least `n_bytes` where the file has them."""
        dropped = 0
        while self._parts and self.at >= self._parts[0][1]:
            size = self._parts.pop(0)[1]
            dropped += size
            self.at -= size
        kept = len(self.buffer) - dropped
        # what is added ends within a block of at most 64 KiB
        memory = self._memory
        if len(memory) < kept + n_bytes + MOST_INFLATED:
            memory = np.empty(kept + n_bytes + MOST_INFLATED, np.uint8)
        memory[:kept] = self.buffer[dropped:]
        self._memory, used = memory, kept
        while used < kept + n_bytes:
            data, following = self._blocks.read(self._next)
            if following == self._next:
                self.at_end_of_file = True
                break
            self._parts.append((self._next, len(data)))
            self._next = following
            memory[used : used + len(data)] = np.frombuffer(data, np.uint8)
            used += len(data)
        self.buffer = memory[:used]

    def virtual_offsets(self, at: NDArray[np.int64]) -> list[int]:
        """Virtual offsets of buffer positions `at`."""
        starts = np.cumsum([0] + [size for _, size in self._parts])
        part = np.searchsorted(starts, at, side="right") - 1
        return [self._parts[p][0] << 16 | int(a - starts[p]) for p, a in zip(part, at, strict=True)]


def _thinned_from(start: int, config: ReadsConfig) -> int:
    """Where the first bin begins in which a read may begin that is thinned and reaches `start`."""
    return max(0, start - config.max_capped_span_bp) >> DEPTH_BIN_SHIFT << DEPTH_BIN_SHIFT


def _next_bin(end: int) -> int:
    """Where the first bin begins that holds nothing before `end`."""
    return -(-end >> DEPTH_BIN_SHIFT) << DEPTH_BIN_SHIFT


def whole_bins(region: Region, config: ReadsConfig) -> Region:
    """`region` and the bins whole in which reads begin that are thinned and reach it."""
    return Region(region.contig, _thinned_from(region.start, config), _next_bin(region.end))


class RegionScanner:
    """Scans regions of one BGZF-compressed BAM; a later region starts where the last one allows."""

    def __init__(self, blocks: BgzfBlocks, config: ReadsConfig) -> None:
        self._blocks = blocks
        self._config = config
        self._rows = _room_for(0)  # kept from piece to piece
        self._inflated = _BlockBuffer(blocks)
        self.groups: ChosenGroups | None = None  # None: all reads count
        self.libraries: LibraryNumbers | None = None  # None: reads are not told apart
        # of the last scan: (tid, first position wanted), and (largest end before, virtual offset)
        self._scanned: tuple[int, int] = (-1, 0)
        self._checkpoints: list[tuple[int, int]] = []

    def lookback(self, region: Region) -> int:
        """Where reads must be scanned from, so that thinning does not depend on `region`."""
        return _thinned_from(region.start, self._config)

    def later_start(self, tid: int, first_pos: int, virtual_offset: int) -> int:
        """The latest known virtual offset from which no read beyond `first_pos` is missed."""
        if self._scanned[0] == tid and first_pos >= self._scanned[1]:
            for largest_end, offset in self._checkpoints:
                if largest_end > first_pos:
                    break
                virtual_offset = max(virtual_offset, offset)
        return virtual_offset

    def scan(
        self, tid: int, region: Region, virtual_offset: int, near: Near | None = None
    ) -> Iterator[ReadColumns]:
        """Usable reads that overlap `region`, by buffers, from `virtual_offset` on; of `near` if given.

        Raises:
            DeepcohortError: the file is damaged, cut short or not sorted.
        """
        config = self._config
        first_pos = self.lookback(region)
        stop_pos = _next_bin(region.end)
        inflated = self._inflated
        inflated.start(virtual_offset)
        self._scanned, self._checkpoints = (tid, first_pos), []
        usual = BUFFER_BYTES if len(region) > _SMALL_BP else _SMALL_BUFFER_BYTES
        last_pos, largest_end, wanted = -1, 0, usual
        while True:
            inflated.extend(wanted)
            if len(self._rows.kind) <= len(inflated.buffer) // 36:
                self._rows = _room_for(len(inflated.buffer))
            rows = self._rows
            n, after, why, last_pos = kernels.scan_records(
                inflated.buffer, inflated.at, tid, first_pos, stop_pos, last_pos, config.min_mapq,
                config.excluded_flags, config.lays_unaligned or config.keeps_unaligned, rows,
            )  # fmt: skip
            self._check(why, inflated, after, region)
            if self.groups is not None:
                n = self._of_groups(inflated.buffer, n, self.groups, region)
            finished = why == kernels.PAST_REGION or inflated.at_end_of_file
            n_whole = n
            if not finished and n:
                # the last bin may go on in the next piece: leave it for then
                n_whole = int(
                    np.searchsorted(rows.pos[:n], rows.pos[n - 1] >> DEPTH_BIN_SHIFT << DEPTH_BIN_SHIFT)
                )
            if n_whole:
                largest_end = self._remember(inflated, n_whole, largest_end)
                yield self._columns(inflated.buffer, n_whole, region, near)
            if finished:
                return
            if n_whole < n:
                inflated.at, last_pos = int(rows.at[n_whole]), int(rows.pos[n_whole])
                wanted = usual if n_whole else max(usual, len(inflated.buffer))
            else:
                inflated.at = int(after)

    def reasons(self, tid: int, region: Region, virtual_offset: int) -> NDArray[np.int64]:
        """Int64 (KINDS,): aligned records that begin in `region`, by why they do not count."""
        inflated = _BlockBuffer(self._blocks)
        inflated.start(virtual_offset)
        found, why = np.zeros(KINDS, np.int64), kernels.NEEDS_MORE
        while why == kernels.NEEDS_MORE and not inflated.at_end_of_file:
            inflated.extend(_SMALL_BUFFER_BYTES)
            buffer = inflated.buffer
            room = len(buffer) // 36 + 1
            rows_at, told = np.empty(room, np.int64), np.empty(room, np.uint8)
            n, after, why = tell_reasons(
                buffer, inflated.at, tid, region.start, region.end, self._config.min_mapq, rows_at, told
            )
            rows_at, told = rows_at[:n], told[:n]
            if self.groups is not None:
                group = self.groups.names.numbers(buffer, rows_at)
                told = told[(group >= 0) & self.groups.mine[group]]
            found += np.bincount(told, minlength=KINDS)
            inflated.at = int(after)
        return found

    def _of_groups(self, buffer: NDArray[np.uint8], n: int, groups: ChosenGroups, region: Region) -> int:
        """Leave only the rows whose read group counts; returns how many."""
        rows = self._rows
        found = groups.names.numbers(buffer, rows.at[:n])
        if n and found.min() < 0:
            stray = int(found.argmin())
            raise DeepcohortError(
                f"{self._blocks.path} holds reads of several samples, and one at "
                f"{region.contig}:{rows.pos[stray] + 1} has no read group (RG) of its header; "
                "set it with samtools addreplacerg, or split the file by sample"
            )
        kept = np.flatnonzero(groups.mine[found])
        for column in rows:
            column[: len(kept)] = column[kept]
        return len(kept)

    def _check(self, why: int, inflated: _BlockBuffer, after: int, region: Region) -> None:
        path = self._blocks.path
        if why == kernels.UNSORTED:
            raise DeepcohortError(
                f"{path} is not sorted by coordinate near {region}; run: samtools sort, then samtools index"
            )
        if why == kernels.MALFORMED or (
            why == kernels.NEEDS_MORE and inflated.at_end_of_file and after < len(inflated.buffer)
        ):
            raise DeepcohortError(
                f"{path} is truncated or damaged near {region}: a record is cut or malformed; "
                "copy the file again"
            )

    def _remember(self, inflated: _BlockBuffer, n: int, largest_end: int) -> int:
        """Note from where later regions may start; the largest end of any read so far."""
        ends = np.maximum.accumulate(self._rows.end[:n])
        picked = np.arange(0, n, _CHECKPOINT_ROWS)
        before = np.maximum(np.where(picked, ends[picked - 1], 0), largest_end)
        offsets = inflated.virtual_offsets(self._rows.at[picked])
        self._checkpoints.extend(zip(before.tolist(), offsets, strict=True))
        return max(largest_end, int(ends[-1]))

    def _columns(self, buffer: NDArray[np.uint8], n: int, region: Region, near: Near | None) -> ReadColumns:
        rows, config = self._rows, self._config
        if (rows.name_hash[:n] == kernels.UNNAMED_HASH).any():
            kernels.tell_unnamed_apart(buffer, rows, n)
        usable = rows.kind[:n] == kernels.USABLE
        keep = usable.copy()
        kernels.keep_by_depth(
            rows.pos[:n], rows.end[:n], rows.name_hash[:n], config.max_depth,
            config.max_capped_span_bp, DEPTH_BIN_SHIFT, keep,
        )  # fmt: skip
        inside = (rows.pos[:n] < region.end) & (rows.end[:n] > region.start)
        if near is not None:
            kernels.keep_near(buffer, rows, n, near.starts, near.ends, inside)
        unaligned = rows.kind[:n] == kernels.UNALIGNED
        order = kernels.order_rows(rows.pos[:n], rows.name_hash[:n], rows.flag[:n], n)
        order = order[((keep | unaligned) & inside)[order]]
        unused = inside & (rows.kind[:n] == kernels.MAPQ_ZERO)
        seq_length = kernels.sequence_lengths(buffer, order, rows.at)
        n_ops = rows.n_ops[order].astype(np.int64)
        n_bases, n_operations = int(seq_length.sum()), int(n_ops.sum())
        columns = ReadColumns(
            pos=rows.pos[order],
            end=rows.end[order],
            mapq=np.empty(len(order), np.uint8),
            flag=rows.flag[order],
            insert_size=np.empty(len(order), np.int32),
            name_hash=rows.name_hash[order],
            seq=np.empty(n_bases, np.uint8),
            qual=np.empty(n_bases, np.uint8),
            seq_length=seq_length,
            cigar_op=np.empty(n_operations, np.uint8),
            cigar_len=np.empty(n_operations, np.int32),
            n_ops=n_ops,
            mapq0_pos=rows.pos[:n][unused],
            mapq0_end=rows.end[:n][unused],
        )
        if self.libraries is not None:
            columns.library = self.libraries.of_rows(buffer, rows.at[order])
        filled = kernels.FilledColumns(
            columns.mapq, columns.insert_size, columns.seq, columns.qual, offsets_of(seq_length),
            columns.cigar_op, columns.cigar_len, offsets_of(n_ops),
        )  # fmt: skip
        kernels.fill_records(buffer, order, rows, _CODES_OF_BAM_BYTE, config.default_qual, filled)
        # or what a read says would depend on how its aligner writes matches, and CRAM knows M alone
        left = kernels.plain_operations(columns.cigar_op, columns.cigar_len, columns.n_ops)
        columns.cigar_op, columns.cigar_len = columns.cigar_op[:left], columns.cigar_len[:left]
        return columns


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """CSR offsets, int64 (n+1,), of buffers of the given lengths."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
