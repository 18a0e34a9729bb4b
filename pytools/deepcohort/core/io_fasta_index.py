"""Indexes of FASTA files (.fai, and .gzi of bgzipped ones), held against their file."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError

_MOST_LINE_ENDS = 8  # bytes between a sequence and the next title
_MOST_TITLE_BYTES = 1 << 20
_MOST_LOOKED_AT = 1_000  # contigs of one file that are held against its index
_MOST_INFLATED = 60  # of a bgzipped one, where each costs a few blocks
_BLOCK_HEAD_BYTES = 18
_GZI_PAIR = np.dtype([("packed", "<u8"), ("text", "<u8")])


class _Text(Protocol):
    """The text of a FASTA, at any place."""

    size: int

    def at(self, offset: int, n_bytes: int) -> bytes:
        """`n_bytes` from `offset` on; fewer at the end."""
        ...


class _PlainText:
    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        self.size = self._file.seek(0, 2)

    def at(self, offset: int, n_bytes: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(n_bytes)

    def close(self) -> None:
        self._file.close()


class _BgzfText:
    """The same of a bgzipped file, whose .gzi index is seen to be its own."""

    def __init__(self, path: Path) -> None:
        self._blocks = read_gzi(path)
        self._file = pysam.BGZFile(str(path), "rb", None)
        self.size = int(self._blocks["text"][-1]) + len(self._from_block(-1, 2 << 16))

    def _from_block(self, row: int, n_bytes: int) -> bytes:
        self._file.seek(int(self._blocks["packed"][row]) << 16)
        return bytes(self._file.read(n_bytes))

    def at(self, offset: int, n_bytes: int) -> bytes:
        row = int(np.searchsorted(self._blocks["text"], offset, side="right")) - 1
        skipped = offset - int(self._blocks["text"][row])
        return self._from_block(row, skipped + n_bytes)[skipped:]

    def close(self) -> None:
        self._file.close()


def read_gzi(path: Path) -> NDArray[np.void]:
    """Where the blocks of a bgzipped file begin, packed and in its text, by its .gzi index; (0, 0) first.

    Raises:
        DeepcohortError: the index is malformed, or not that of the file.
    """
    index = Path(f"{path}.gzi")
    stale = DeepcohortError(f"index {index} does not belong to {path}; run: samtools faidx {path}")
    raw = index.read_bytes()
    n = struct.unpack_from("<Q", raw)[0] if len(raw) >= 8 else -1
    if len(raw) != 8 + 16 * n:
        raise stale
    blocks = np.concatenate((np.zeros(1, _GZI_PAIR), np.frombuffer(raw, _GZI_PAIR, offset=8)))
    packed, text = blocks["packed"].astype(np.int64), blocks["text"].astype(np.int64)
    if (np.diff(packed) <= 0).any() or (np.diff(text) < 0).any():
        raise stale
    step = -(-len(blocks) // _MOST_LOOKED_AT)
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        for row in (*range(0, len(blocks) - 1, step), len(blocks) - 1):
            at, rest = int(packed[row]), 0
            while at < size:
                file.seek(at)
                n_bytes = _block_bytes(file.read(_BLOCK_HEAD_BYTES))
                file.seek(at + n_bytes - 4)
                rest += int.from_bytes(file.read(4), "little") if n_bytes else 1 << 17
                at += n_bytes
                if row + 1 < len(blocks) or rest > 1 << 16:
                    break
            follows = (
                (int(packed[row + 1]), int(text[row + 1] - text[row]))
                if row + 1 < len(blocks)
                else (size, rest)
            )
            if (at, rest) != follows or rest > 1 << 16:
                raise stale
    return blocks


def _block_bytes(head: bytes) -> int:
    """Bytes of the BGZF block that begins with `head`; 0 where none does."""
    is_block = len(head) == _BLOCK_HEAD_BYTES and head[:2] == b"\x1f\x8b" and head[12:14] == b"BC"
    return int.from_bytes(head[16:18], "little") + 1 if is_block else 0


def is_bgzipped(path: Path) -> bool:
    """Whether the file is BGZF, whatever its name: `x.fa.gz`, `x.fa.bgz`."""
    with open(path, "rb") as file:
        return _block_bytes(file.read(_BLOCK_HEAD_BYTES)) > 0


@contextmanager
def _opened(path: Path) -> Iterator[_Text]:
    text = _BgzfText(path) if is_bgzipped(path) else _PlainText(path)
    try:
        yield text
    finally:
        text.close()


def check_fai(path: Path) -> None:
    """See that a FASTA's .fai index (and .gzi) is its own: names and line widths stand where it says.

    Raises:
        DeepcohortError: they do not, or the index is malformed.
    """
    index = Path(f"{path}.fai")
    stale = DeepcohortError(f"index {index} does not belong to {path}; run: samtools faidx {path}")
    try:
        rows = [line.split("\t") for line in index.read_text().splitlines() if line]
        numbers = [(int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in rows]
    except (UnicodeDecodeError, ValueError, IndexError) as error:
        raise stale from error
    if any(a[1] >= b[1] for a, b in pairwise(numbers)):  # samtools writes contigs as they stand
        raise stale
    most = _MOST_INFLATED if is_bgzipped(path) else _MOST_LOOKED_AT
    step = -(-len(rows) // most) if rows else 1
    with _opened(path) as text:
        reached: int | None = 0  # where the contig before ends; None: not looked at
        for i in range(len(rows)):
            is_last = i + 1 == len(rows)
            if i % step and not is_last:
                reached = None
                continue
            start, end = _row_place(text, rows[i][0], numbers[i], is_last)
            if start < 0 or (reached is not None and start - reached > _MOST_LINE_ENDS):
                raise stale
            reached = end


def _row_place(text: _Text, name: str, row: tuple[int, int, int, int], is_last: bool) -> tuple[int, int]:
    """Where a contig's title begins and its sequence ends; -1 where they are not what its row says.

    Args:
        row: columns 2 to 5 of the .fai: bp, offset, bases and bytes of a line.
    """
    length, offset, bases, width = row
    if length < 0 or offset < 2 or offset > text.size or (length and not 0 < bases < width <= bases + 2):
        return -1, -1
    title_at, title = _title_before(text, offset)
    words = title[1:].split(None, 1)
    if title[:1] != b">" or not title.endswith(b"\n") or not words or words[0] != name.encode():
        return -1, -1
    if length == 0:
        return title_at, offset
    end = offset + (length - 1) // bases * width + (length - 1) % bases + 1
    if end > text.size:
        return -1, -1
    if length > bases:
        around = text.at(offset + bases - 1, width - bases + 2)
        if around[:1] in b"\r\n" or around[1 : 1 + width - bases].strip() or around[-1:] in b"\r\n>":
            return -1, -1
    tail = text.at(end - 1, 64)
    after = tail[1:].lstrip(b"\r\n")
    if tail[:1] in (b"", b"\n", b"\r", b">") or (tail[1:] and tail[1:2] not in b"\r\n"):
        return -1, -1
    if after[:1] != b">" and not (is_last and not after):
        return -1, -1
    if is_last and after:
        return -1, -1  # contigs that the index does not list
    return title_at, end


def _title_before(text: _Text, offset: int) -> tuple[int, bytes]:
    """Where the line that ends at `offset` begins, and the line: titles may hold `>`, and be long."""
    n_bytes = 4_096
    while True:
        first = max(0, offset - n_bytes)
        line = text.at(first, offset - first)
        start = line.rfind(b"\n", 0, -1) + 1
        if start or first == 0 or n_bytes >= _MOST_TITLE_BYTES:
            return first + start, line[start:]
        n_bytes *= 8
