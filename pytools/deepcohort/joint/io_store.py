"""Stored cohorts: what joint genotyping has read of many samples, in one file that is read by region.

A store holds the records of its samples' gVCFs without loss of anything genotyping uses, so that a
cohort VCF made from stores, gVCFs, or both has the same bytes. Layout: magic; chunks (each the records
of all samples over a stretch of bases, deflated); the chunk table; a JSON header; sizes; magic.
"""

import json
import os
import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from deepcohort import __version__
from deepcohort.core.archives import DAMAGED_ARCHIVE, inflate
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.names import name_problem
from deepcohort.core.region import Region
from deepcohort.joint import columns as c
from deepcohort.joint.pedigree import EMPTY_PEDIGREE, Pedigree, pedigree_of_rows, pedigree_rows
from deepcohort.joint.store_kernels import (
    H_CARRIED,
    H_CARRIED_BYTES,
    H_LETTERS,
    H_NUMBERS,
    H_OWN,
    H_OWN_BYTES,
    N_HEAD,
    chunk_rows,
    decode_window,
    encode_chunk,
    encoded_bound,
)
from deepcohort.joint.validate_kernels import records_valid
from deepcohort.joint.window import RecordBatch

_MAGIC = b"DCSTORE1"
_TAIL = struct.Struct("<qqqq8s")  # offsets and sizes of the chunk table and of the header, magic
_FORMAT = 3  # 1: without rank sums; 2: without phase, and without records before the regions
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED_ARCHIVE, TypeError, AttributeError, DeepcohortError)
_CHUNK_SAMPLES_BP = 400_000  # about 8,000 records at 30x: enough to deflate well, little to read too much
_MIN_CHUNK_BP, _MAX_CHUNK_BP = 4_096, 65_536
# columns of the chunk table, int64; chunks of a region adjoin, and stand in order
_COLUMNS = _REGION, _START, _END, _OFFSET, _SIZE, _HEAD_SIZE, _CRC = range(7)
# what the parts of a store may unpack to: a header of a million samples has 30 MB; no chunk takes less than
# 8 bytes of the file; 16 KiB of records per sample are ten times a chunk's of a dense gVCF
_MOST_HEADER_BYTES, _MOST_HEADER_LISTS = 64 << 20, 4_000_000
_LEAST_CHUNK_BYTES = 8
_MOST_TEXT_BYTES, _MOST_SAMPLE_TEXT_BYTES, _MOST_TEXT_RATIO = 64 << 20, 16 << 10, 100


def holds(region: Region, inner: Region) -> bool:
    """Whether `inner` lies within `region`."""
    return region.contig == inner.contig and region.start <= inner.start and inner.end <= region.end


class StoreWriter:
    """Writes a store, window after window in the order of `regions`."""

    def __init__(
        self,
        path: Path,
        samples: Sequence[str],
        contigs: dict[str, int],
        regions: Sequence[Region],
        pad_bp: int,
        pedigree: Pedigree = EMPTY_PEDIGREE,
        left_bp: int = 0,
        has_phase: bool = False,
    ) -> None:
        """A store of `samples` in `regions`, with records `pad_bp` beyond and `left_bp` before each."""
        self._file = open(path, "wb")  # noqa: SIM115 - closed by `close`
        self._file.write(_MAGIC)
        self._header = {
            "format": _FORMAT,
            "written_by": f"deepcohort {__version__}",
            "samples": list(samples),
            "contigs": [[name, length] for name, length in contigs.items()],
            "regions": [[r.contig, r.start, r.end] for r in regions],
            "pad_bp": pad_bp,
            "left_bp": left_bp,
            "has_phase": has_phase,
            "pedigree": pedigree_rows(pedigree),
        }
        self._regions = list(regions)
        self._region = 0
        self._pad_bp, self._left_bp = pad_bp, left_bp
        self._width = min(_MAX_CHUNK_BP, max(_MIN_CHUNK_BP, _CHUNK_SAMPLES_BP // max(1, len(samples))))
        self._table: list[tuple[int, ...]] = []

    def add(self, window: Region, batches: Sequence[RecordBatch]) -> None:
        """Chunks of `window`; where it ends a region, also of the bases that sites there look at."""
        while not holds(self._regions[self._region], window):
            self._region += 1
        edges = [*range(window.start, window.end, self._width), window.end]
        if window.start == self._regions[self._region].start and min(window.start, self._left_bp):
            edges.insert(0, max(0, window.start - self._left_bp))
        if window.end == self._regions[self._region].end:
            edges.append(window.end + self._pad_bp)
        rows = []
        for batch in batches:
            first = batch.sample_offsets[:-1, None]
            rows.append(np.repeat(first, 2, axis=1).astype(np.int64))
        for start, end in pairwise(edges):
            heads, pieces = [], []
            for batch, mine in zip(batches, rows, strict=True):
                chunk_rows(batch.records, batch.sample_offsets, start, end, mine)
                out = np.empty(encoded_bound(batch.records, mine), dtype=np.uint8)
                head = np.empty((len(mine), N_HEAD), dtype=np.int32)
                used = encode_chunk(batch.records, batch.numbers, batch.allele_text, mine, start, head, out)
                heads.append(head)
                pieces.append(out[:used].tobytes())
            self._put(start, end, np.concatenate(heads), b"".join(pieces))

    def _put(self, start: int, end: int, head: NDArray[np.int32], text: bytes) -> None:
        raw = head.tobytes() + text
        data = isal_zlib.compress(raw, 1)
        row = (self._region, start, end, self._file.tell(), len(data), head.nbytes,
               isal_zlib.crc32(data))  # fmt: skip
        self._table.append(row)
        self._file.write(data)

    def close(self) -> None:
        """Write chunk table and header."""
        table = isal_zlib.compress(np.array(self._table, dtype="<i8").reshape(-1, 7).tobytes(), 1)
        header = isal_zlib.compress(json.dumps(self._header).encode(), 1)
        at = self._file.tell()
        self._file.write(table + header)
        self._file.write(_TAIL.pack(at, len(table), at + len(table), len(header), _MAGIC))
        self._file.close()

    def abort(self) -> None:
        """Close what is half-written."""
        self._file.close()


class CohortStore:
    """A stored cohort, read by window; holds no open file between calls.

    Attributes:
        samples: names. contigs: name -> length of the reference it was made on.
        regions: where sites may start. pad_bp, left_bp: how far beyond and before them records are kept.
        has_phase: some sample's gVCF tells phase.
        pedigree: families and sexes that the samples were stored with.
    """

    def __init__(self, path: Path) -> None:
        """Read header and chunk table.

        Raises:
            DeepcohortError: there is no such file, or it is no (whole) store.
        """
        self.path = path
        header, self._table = _read_ends(path)
        try:
            self.samples = distinct_names(header["samples"])
            self.contigs = {str(name): int(length) for name, length in header["contigs"]}
            self.regions = [Region(str(name), int(start), int(end)) for name, start, end in header["regions"]]
            self.pad_bp, self.left_bp = int(header["pad_bp"]), int(header.get("left_bp", 0))
            self.has_phase = bool(header.get("has_phase", False))
            self.pedigree = pedigree_of_rows(header.get("pedigree", []))  # absent in stores of older versions
            check_names(self.samples, self.pedigree, self.contigs)
            self._check_layout()
        except _DAMAGED as error:
            raise _damaged(path, error) from error
        self._first_row = np.searchsorted(self._table[:, _REGION], np.arange(len(self.regions) + 1))
        self._held: dict[int, tuple[NDArray[np.int32], bytes]] = {}

    def _check_layout(self) -> None:
        """See that the chunks tile the regions, so that no window can ask for what is not there.

        Raises:
            ValueError: the header contradicts itself or the chunk table.
        """
        if not self.regions or self.pad_bp < 0 or self.left_bp < 0:
            raise ValueError("no region")
        for region in self.regions:
            if region.end > self.contigs.get(region.contig, 0) or not len(region):
                raise ValueError(f"region {region}")
        table = self._table
        edges = np.searchsorted(table[:, _REGION], np.arange(len(self.regions) + 1))
        if np.any(np.diff(table[:, _REGION]) < 0) or edges[0] != 0 or edges[-1] != len(table):
            raise ValueError("chunks out of order")
        for number, region in enumerate(self.regions):
            mine = table[edges[number] : edges[number + 1]]
            tiled = len(mine) and mine[0, _START] == max(0, region.start - self.left_bp)
            tiled = tiled and np.array_equal(mine[1:, _START], mine[:-1, _END])
            if not tiled or np.any(mine[:, _END] < mine[:, _START]) or mine[-1, _END] < region.end:
                raise ValueError(f"chunks of {region}")

    @property
    def labels(self) -> list[str]:
        """Name of each sample's origin, for messages."""
        return [f"{self.path} (sample {name})" for name in self.samples]

    def seek(self, contig: str, pos: int) -> None:
        """Forget what is held; any window may be read next."""
        self._held = {}

    def read(self, window: Region, pad_bp: int, left_bp: int = 0) -> RecordBatch:
        """Records of all samples that overlap `window` grown by `pad_bp` (right) and `left_bp`.

        Raises:
            DeepcohortError: a chunk is damaged.
        """
        until, from_pos = window.end + pad_bp, max(0, window.start - left_bp)
        region = next(i for i, region in enumerate(self.regions) if holds(region, window))
        low, high = self._first_row[region : region + 2]
        mine = self._table[low:high]
        wanted = low + np.flatnonzero((mine[:, _END] > from_pos) & (mine[:, _START] < until))
        self._held = {i: held for i, held in self._held.items() if i in wanted}
        for i in wanted:
            if i not in self._held:
                self._held[i] = self._load(i)
        n = len(self.samples)
        heads = np.zeros((len(wanted), n, N_HEAD), dtype=np.int32)
        for b, i in enumerate(wanted):
            heads[b] = self._held[i][0]
        lengths = heads[:, :, H_CARRIED_BYTES].astype(np.int64) + heads[:, :, H_OWN_BYTES]
        starts = np.cumsum(lengths, axis=None).reshape(lengths.shape) - lengths
        n_rows = int(heads[:, :, H_CARRIED].sum()) + int(heads[:, :, H_OWN].sum())
        records = np.empty((n_rows + 1, c.N_COLUMNS), dtype=np.int32)
        numbers = np.empty(int(heads[:, :, H_NUMBERS].sum(dtype=np.int64)) + 1, dtype=np.int32)
        letters = np.empty(int(heads[:, :, H_LETTERS].sum(dtype=np.int64)) + 1, dtype=np.uint8)
        offsets = np.zeros(n + 1, dtype=np.int64)
        whole = decode_window(
            np.frombuffer(b"".join(self._held[i][1] for i in wanted), dtype=np.uint8), heads, starts,
            self._table[wanted, _START].astype(np.int64), from_pos, until, records, numbers, letters,
            offsets,
        )  # fmt: skip
        if not whole or not records_valid(records[: offsets[-1]], numbers, letters, offsets):
            raise _damaged(self.path, f"records at {window}")
        return RecordBatch(records[: offsets[-1]], numbers, letters, offsets)

    def _load(self, chunk: int) -> tuple[NDArray[np.int32], bytes]:
        row = self._table[chunk]
        with open(self.path, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), int(row[_SIZE]), int(row[_OFFSET]))
        if len(data) != row[_SIZE] or isal_zlib.crc32(data) != row[_CRC]:
            raise DeepcohortError(
                f"stored cohort {self.path} is damaged at byte {row[_OFFSET]}; make it again"
            )
        try:
            head_size = 4 * N_HEAD * len(self.samples)
            more = min(_MOST_SAMPLE_TEXT_BYTES * len(self.samples), _MOST_TEXT_RATIO * len(data))
            raw = inflate(data, head_size + _MOST_TEXT_BYTES + more)
            if head_size != row[_HEAD_SIZE] or len(raw) < head_size:
                raise ValueError("head of a chunk")
            head = np.frombuffer(raw, dtype="<i4", count=head_size // 4).reshape(-1, N_HEAD)
            _check_head(head.astype(np.int64), len(raw) - head_size)
        except DAMAGED_ARCHIVE as error:
            raise _damaged(self.path, error) from error
        return head, raw[head_size:]


def _check_head(head: NDArray[np.int64], n_bytes: int) -> None:
    """See that a chunk's head asks for no more memory than its bytes can fill, and divides just these.

    Raises:
        ValueError: it does not.
    """
    own_bytes = head[:, H_CARRIED_BYTES] + head[:, H_OWN_BYTES]
    wrong = (head < 0).any() or own_bytes.sum() != n_bytes
    # no record, number or letter takes less than a byte
    for columns in ([H_CARRIED, H_OWN], [H_NUMBERS], [H_LETTERS]):
        wrong = wrong or (head[:, columns].sum(axis=1) > own_bytes).any()
    if wrong:
        raise ValueError("head of a chunk")


def _damaged(path: Path, why: Exception | str) -> DeepcohortError:
    return DeepcohortError(f"stored cohort {path} is damaged ({why}); make it again")


def check_names(samples: Sequence[str], pedigree: Pedigree, contigs: Iterable[str]) -> None:
    """See that samples, families and contigs have names that a VCF and a PED can carry.

    Raises:
        ValueError: one has not.
    """
    people = {name for row in pedigree_rows(pedigree) for name in (*row[:2], *row[2:4]) if name != "0"}
    for name in (*samples, *sorted(people), *contigs):
        problem = name_problem(name)
        if problem:
            raise ValueError(f"the name {name[:40]!r} {problem}")


def distinct_names(names: object) -> list[str]:
    """`names` as a list of text.

    Raises:
        ValueError: they are none, or one stands twice.
    """
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and n for n in names):
        raise ValueError("names of samples")
    if len(set(names)) != len(names):
        raise ValueError("a sample twice")
    return names


def _read_ends(path: Path) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """Header and chunk table of the store at `path`; every chunk lies inside the file.

    Raises:
        DeepcohortError: there is no such file, or it is no (whole) store of this format.
    """
    if not path.exists():
        raise DeepcohortError(f"stored cohort {path} does not exist; check --cohort")
    if not path.is_file():
        raise DeepcohortError(f"stored cohort {path} is no file; check --cohort")
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.read(len(_MAGIC)) != _MAGIC:
            raise DeepcohortError(f"{path} is no stored cohort; make one with genotype --save-cohort")
        file.seek(max(0, size - _TAIL.size))
        tail = file.read()
        if len(tail) < _TAIL.size or tail[-len(_MAGIC) :] != _MAGIC:
            raise DeepcohortError(f"stored cohort {path} is truncated; make it again")
        table_at, table_size, header_at, header_size, _ = _TAIL.unpack(tail)
        # a number that lies must not become a seek or an allocation
        layout = [len(_MAGIC), table_at, table_at + table_size, header_at, header_at + header_size]
        if layout != sorted(layout) or layout[-1] + _TAIL.size != size or layout[2] != header_at:
            raise _damaged(path, "its end")
        file.seek(table_at)
        packed, packed_header = file.read(table_size), file.read(header_size)
    try:
        text = inflate(packed_header, _MOST_HEADER_BYTES)
        if text.count(b"[") + text.count(b"{") > _MOST_HEADER_LISTS:
            raise ValueError("a header of too many lists")
        header = json.loads(text)
        most = 8 * len(_COLUMNS) * (table_at // _LEAST_CHUNK_BYTES)
        table = np.frombuffer(inflate(packed, most), dtype="<i8").reshape(-1, len(_COLUMNS))
        told = header["format"], header["written_by"]
        stays = (table[:, _OFFSET] >= len(_MAGIC)) & (table[:, _SIZE] >= 0)
        stays &= table[:, _SIZE] <= table_at - table[:, _OFFSET]
        if not np.all(stays):
            raise ValueError("a chunk outside the file")
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    if told[0] not in (1, 2, _FORMAT):
        raise DeepcohortError(
            f"stored cohort {path} was written by {told[1]} in format {told[0]}, this is format {_FORMAT}; "
            "make it again"
        )
    return header, table
