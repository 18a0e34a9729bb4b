"""Stored cohorts: what joint genotyping has read of many samples, in one file that is read by region.

A store holds the records of its samples' gVCFs without loss of anything genotyping uses, so that a
cohort VCF made from stores, gVCFs, or both has the same bytes. Layout: magic; chunks (each the records
of all samples over a stretch of bases, deflated); the chunk table; a JSON header; sizes; magic.
"""

import json
import os
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from deepcohort import __version__
from deepcohort.core.errors import DeepcohortError
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
from deepcohort.joint.window import RecordBatch

_MAGIC = b"DCSTORE1"
_TAIL = struct.Struct("<qqqq8s")  # offsets and sizes of the chunk table and of the header, magic
_FORMAT = 1
_CHUNK_SAMPLES_BP = 400_000  # about 8,000 records at 30x: enough to deflate well, little to read too much
_MIN_CHUNK_BP, _MAX_CHUNK_BP = 4_096, 65_536
# columns of the chunk table, int64; chunks of a region adjoin, and stand in order
_REGION, _START, _END, _OFFSET, _SIZE, _HEAD_SIZE, _CRC = range(7)
_DeflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]


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
    ) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by `close`
        self._file.write(_MAGIC)
        self._header = {
            "format": _FORMAT,
            "written_by": f"deepcohort {__version__}",
            "samples": list(samples),
            "contigs": [[name, length] for name, length in contigs.items()],
            "regions": [[r.contig, r.start, r.end] for r in regions],
            "pad_bp": pad_bp,
            "pedigree": pedigree_rows(pedigree),
        }
        self._regions = list(regions)
        self._region = 0
        self._pad_bp = pad_bp
        self._width = min(_MAX_CHUNK_BP, max(_MIN_CHUNK_BP, _CHUNK_SAMPLES_BP // max(1, len(samples))))
        self._table: list[tuple[int, ...]] = []

    def add(self, window: Region, batches: Sequence[RecordBatch]) -> None:
        """Chunks of `window`; where it ends a region, also of the bases that sites there look at."""
        while not holds(self._regions[self._region], window):
            self._region += 1
        edges = [*range(window.start, window.end, self._width), window.end]
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
        regions: where sites may start. pad_bp: how far beyond them records are kept.
        pedigree: families and sexes that the samples were stored with.
    """

    def __init__(self, path: Path) -> None:
        """Read header and chunk table.

        Raises:
            DeepcohortError: there is no such file, or it is no (whole) store.
        """
        self.path = path
        if not path.exists():
            raise DeepcohortError(f"stored cohort {path} does not exist; check --cohort")
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
            file.seek(table_at)
            packed = file.read(table_size)
            file.seek(header_at)
            packed_header = file.read(header_size)
        try:
            header = json.loads(isal_zlib.decompress(packed_header))
            self._table = np.frombuffer(isal_zlib.decompress(packed), dtype="<i8").reshape(-1, 7)
        except (_DeflateError, ValueError) as error:
            raise DeepcohortError(f"stored cohort {path} is damaged ({error}); make it again") from error
        if header["format"] != _FORMAT:
            raise DeepcohortError(
                f"stored cohort {path} was written by {header['written_by']} in format {header['format']}, "
                f"this is format {_FORMAT}; make it again"
            )
        self.samples: list[str] = header["samples"]
        self.contigs = {str(name): int(length) for name, length in header["contigs"]}
        self.regions = [Region(*row) for row in header["regions"]]
        self.pad_bp = int(header["pad_bp"])
        self.pedigree = pedigree_of_rows(header.get("pedigree", []))  # absent in stores of older versions
        self._first_row = np.searchsorted(self._table[:, _REGION], np.arange(len(self.regions) + 1))
        self._held: dict[int, tuple[NDArray[np.int32], bytes]] = {}

    @property
    def labels(self) -> list[str]:
        """Name of each sample's origin, for messages."""
        return [f"{self.path} (sample {name})" for name in self.samples]

    def seek(self, contig: str, pos: int) -> None:
        """Forget what is held; any window may be read next."""
        self._held = {}

    def read(self, window: Region, pad_bp: int) -> RecordBatch:
        """Records of all samples that overlap `window` grown to the right by `pad_bp`.

        Raises:
            DeepcohortError: a chunk is damaged.
        """
        until = window.end + pad_bp
        region = next(i for i, region in enumerate(self.regions) if holds(region, window))
        low, high = self._first_row[region : region + 2]
        mine = self._table[low:high]
        wanted = low + np.flatnonzero((mine[:, _END] > window.start) & (mine[:, _START] < until))
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
        decode_window(
            np.frombuffer(b"".join(self._held[i][1] for i in wanted), dtype=np.uint8), heads, starts,
            self._table[wanted, _START].astype(np.int64), window.start, until, records, numbers, letters,
            offsets,
        )  # fmt: skip
        return RecordBatch(records[: offsets[-1]], numbers, letters, offsets)

    def _load(self, chunk: int) -> tuple[NDArray[np.int32], bytes]:
        row = self._table[chunk]
        with open(self.path, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), int(row[_SIZE]), int(row[_OFFSET]))
        if len(data) != row[_SIZE] or isal_zlib.crc32(data) != row[_CRC]:
            raise DeepcohortError(
                f"stored cohort {self.path} is damaged at byte {row[_OFFSET]}; make it again"
            )
        raw = isal_zlib.decompress(data)
        head = np.frombuffer(raw, dtype="<i4", count=int(row[_HEAD_SIZE]) // 4).reshape(-1, N_HEAD)
        return head, raw[int(row[_HEAD_SIZE]) :]
