"""The packed form of AlphaMissense: blocks of columns, deflated, that are found by position.

File: MAGIC; blocks; a JSON table of contents, deflated; its offset (uint64, little-endian); MAGIC. A block
holds the
bytes of its columns one after another (position as steps); columns of more than one byte are written plane
by plane,
lowest first, which deflates better. No position is split between blocks.
"""

import json
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from deepcohort.annotate.alphamissense import WHAT, BuildCheck, PublishedTable, rows_of_alleles, tracked
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.text_source import ContigNames, names_of
from deepcohort.annotate.types import DTYPES, ScoreRows, TableAbout, join_rows, no_rows
from deepcohort.core.archives import DAMAGED_ARCHIVE, bound_of, inflate
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs

MAGIC = b"DCAMISS1"
_KEPT_BLOCKS = 4
_ROW_BYTES = sum(np.dtype(dtype).itemsize for dtype in DTYPES.values())
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_BAD_CONTENTS: tuple[type[Exception], ...] = (*DAMAGED_ARCHIVE, _InflateError, TypeError, IndexError)


def _encode(rows: ScoreRows) -> bytes:
    parts = []
    for name, dtype in DTYPES.items():
        column = getattr(rows, name)
        if name == "pos":
            column = np.diff(column, prepend=column[:1] * 0)
        flat = np.ascontiguousarray(column, dtype=np.dtype(dtype).newbyteorder("<")).view(np.uint8)
        parts.append(flat.reshape(len(rows), -1).T.tobytes())
    return b"".join(parts)


def _decode(data: bytes, n: int) -> ScoreRows:
    columns, at = [], 0
    for name, dtype in DTYPES.items():
        size = np.dtype(dtype).itemsize
        planes = np.frombuffer(data, dtype=np.uint8, count=size * n, offset=at).reshape(size, n)
        column = planes[0].astype(dtype)
        for k in range(1, size):
            if planes[k].any():
                column |= planes[k].astype(dtype) << dtype(8 * k)
        columns.append(np.cumsum(column, dtype=dtype) if name == "pos" else column)
        at += size * n
    return ScoreRows(*columns)


class _PackWriter:
    def __init__(self, file: object, config: AnnotateConfig) -> None:
        self._file, self._config = file, config
        self._at = len(MAGIC)
        self._pending: list[ScoreRows] = []
        self._n = 0
        self.contigs: list[str] = []
        self.blocks: list[tuple[int, int, int, int, int, int]] = []
        file.write(MAGIC)  # type: ignore[attr-defined]

    def add(self, contig: str, rows: ScoreRows) -> None:
        if not self.contigs or self.contigs[-1] != contig:
            self.flush()
            self.contigs.append(contig)
        self._pending.append(rows)
        self._n += len(rows)
        if self._n >= self._config.block_rows:
            self._put(whole=False)

    def flush(self) -> None:
        self._put(whole=True)

    def _put(self, whole: bool) -> None:
        rows = join_rows(self._pending)
        size = self._config.block_rows
        while len(rows) and (whole or len(rows) > size):
            stop = len(rows)
            if stop > size:  # no position is split
                stop = int(np.searchsorted(rows.pos, rows.pos[size], side="left")) or int(
                    np.searchsorted(rows.pos, rows.pos[0], side="right")
                )
            block = rows.take(slice(0, stop))
            data = isal_zlib.compress(_encode(block), self._config.level)
            entry = (
                len(self.contigs) - 1,
                len(block),
                int(block.pos[0]),
                int(block.pos[-1]),
                self._at,
                len(data),
            )
            self.blocks.append(entry)
            self._file.write(data)  # type: ignore[attr-defined]
            self._at += len(data)
            rows = rows.take(slice(stop, len(rows)))
        self._pending, self._n = ([rows], len(rows)) if len(rows) else ([], 0)

    def finish(self, about: TableAbout) -> None:
        self.flush()
        contents = {
            "name": about.name,
            "comment": about.comment,
            "genome": about.genome,
            "contigs": self.contigs,
            "pairs": ["\t".join(pair) for pair in about.pairs],
            "blocks": self.blocks,
        }
        self._file.write(isal_zlib.compress(json.dumps(contents).encode(), 2))  # type: ignore[attr-defined]
        self._file.write(struct.pack("<Q", self._at) + MAGIC)  # type: ignore[attr-defined]


def pack(
    table: Path,
    output: Path,
    fasta: ReferenceFasta | None = None,
    config: AnnotateConfig | None = None,
    quiet: bool = True,
) -> tuple[int, TableAbout]:
    """Write the packed form of a published table; returns its rows and what it says of itself.

    Raises:
        DeepcohortError: see `PublishedTable`; another build than `fasta`, where that is given.
    """
    config = config or AnnotateConfig()
    source = PublishedTable(table)
    n = 0
    check: BuildCheck | None = None
    contigs = ContigNames(fasta.contig_lengths if fasta is not None else ())
    try:
        with atomic_outputs(output) as (temporary,), open(temporary, "wb") as file:
            writer = _PackWriter(file, config)
            for chunk in tracked(source, quiet):
                if fasta is not None:
                    check = check or BuildCheck(f"{WHAT} {table}", fasta, config, source.about.genome)
                    check.see(contigs.of(chunk.contig) or "", chunk.rows.pos, chunk.rows.code)
                writer.add(chunk.contig, chunk.rows)
                n += len(chunk.rows)
            if not n:
                raise DeepcohortError(f"{WHAT} {table} has a header and no row; download it again")
            writer.finish(source.about)
    finally:
        source.close()
    return n, source.about


@dataclass(frozen=True, slots=True)
class _Block:
    n: int
    first: int
    last: int
    offset: int
    size: int


def is_packed(path: Path) -> bool:
    """Whether the file begins as a packed one."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class PackedTable:
    """Rows of AlphaMissense by allele, from the packed form."""

    def __init__(
        self, path: Path, fasta: ReferenceFasta | None = None, config: AnnotateConfig | None = None
    ) -> None:
        """Open `path`.

        Args:
            fasta: of the VCF: checks the build, and contigs may be named otherwise than in the table.

        Raises:
            DeepcohortError: truncated or damaged, or of another build.
        """
        self.path = path
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        try:
            contents = self._contents()
            pairs = [tuple(text.split("\t")) for text in contents["pairs"]]
            self.about = TableAbout(contents["name"], tuple(contents["comment"]), contents["genome"], pairs)  # type: ignore[arg-type]
            self._blocks: dict[str, list[_Block]] = {name: [] for name in contents["contigs"]}
            for contig, *rest in contents["blocks"]:
                self._blocks[contents["contigs"][contig]].append(_Block(*rest))
        except _BAD_CONTENTS as error:
            raise self._damaged(error) from error
        self._lasts = {
            name: np.array([b.last for b in blocks], dtype=np.int64) for name, blocks in self._blocks.items()
        }
        self._kept: OrderedDict[int, ScoreRows] = OrderedDict()
        self._names: dict[str, str] = {}
        self._fasta = fasta
        if fasta is not None:
            self._names = names_of(list(fasta.contig_lengths), list(self._blocks))
            check = BuildCheck(f"{WHAT} {path}", fasta, config or AnnotateConfig(), self.about.genome)
            for name, theirs in self._names.items():
                rows = self._rows(self._blocks[theirs][0])
                check.see(name, rows.pos[:200], rows.code[:200])

    def _contents(self) -> dict:  # type: ignore[type-arg]
        tail = 8 + len(MAGIC)
        self._file.seek(0, 2)
        size = self._file.tell()
        self._file.seek(max(0, size - tail))
        data = self._file.read()
        if len(data) != tail or data[8:] != MAGIC:
            raise ValueError("its end is missing")
        (offset,) = struct.unpack("<Q", data[:8])
        if offset > size - tail:
            raise ValueError("its table of contents lies outside")
        self._file.seek(offset)
        found: dict = json.loads(inflate(self._file.read(size - tail - offset), bound_of(size)))  # type: ignore[type-arg]
        return found

    def _damaged(self, error: Exception) -> DeepcohortError:
        return DeepcohortError(
            f"packed table {self.path} is truncated or damaged ({error}); make it again: deepcohort "
            f"annotate --pack"
        )

    def _rows(self, block: _Block) -> ScoreRows:
        rows = self._kept.pop(block.offset, None)
        if rows is None:
            self._file.seek(block.offset)
            try:
                rows = _decode(inflate(self._file.read(block.size), block.n * _ROW_BYTES), block.n)
            except (_InflateError, ValueError, EOFError) as error:
                raise self._damaged(error) from error
        self._kept[block.offset] = rows
        if len(self._kept) > _KEPT_BLOCKS:
            self._kept.popitem(last=False)
        return rows

    def hits(
        self, contig: str, pos: NDArray[np.int64], code: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], ScoreRows]:
        """See ScoreTable. Queries of a block together are quick; they need not ascend."""
        name = self._names.get(contig, contig)
        blocks = self._blocks.get(name)
        if not blocks or not len(pos):
            return np.zeros(len(pos) + 1, dtype=np.int64), no_rows()
        number = np.searchsorted(self._lasts[name], pos)
        if len(number) > 1 and (np.diff(number) < 0).any():
            return self._hits_anyhow(contig, pos, code)
        counts, parts = np.zeros(len(pos), dtype=np.int64), []
        used, starts = np.unique(number, return_index=True)
        for k, start, stop in zip(used.tolist(), starts, [*starts[1:], len(pos)], strict=True):
            if k == len(blocks) or pos[start:stop].max() < blocks[k].first:
                continue
            offsets, rows = rows_of_alleles(self._rows(blocks[k]), pos[start:stop], code[start:stop])
            counts[start:stop] = np.diff(offsets)
            parts.append(rows)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), join_rows(parts)

    def _hits_anyhow(
        self, contig: str, pos: NDArray[np.int64], code: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], ScoreRows]:
        order = np.argsort(pos, kind="stable")
        offsets, rows = self.hits(contig, pos[order], code[order])
        counts = np.empty(len(pos), dtype=np.int64)
        counts[order] = np.diff(offsets)
        new = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        source = np.empty(len(rows), dtype=np.int64)
        for i, query in enumerate(order.tolist()):
            source[new[query] : new[query + 1]] = np.arange(offsets[i], offsets[i + 1])
        return new, rows.take(source)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
