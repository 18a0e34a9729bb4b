"""Text of big tables: plain, gzip or BGZF, in pieces of whole lines; by index where there is one."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip, igzip_lib, isal_zlib
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.bgzf import EOF_BLOCK

PIECE_BYTES = 8 << 20
_MAGIC = b"\x1f\x8b"
_DAMAGED: tuple[type[Exception], ...] = (EOFError, OSError, igzip_lib.IsalError, isal_zlib.error)  # type: ignore[assignment]
_BAD_INDEX: tuple[type[Exception], ...] = (*_DAMAGED, ValueError, struct.error)
_WINDOW_SHIFT = 14


class TextSource:
    """Whole lines of a text file, forward; from anywhere in a BGZF file."""

    def __init__(self, path: str | Path, what: str) -> None:
        """Open `path`; `what` it is, for messages.

        Raises:
            DeepcohortError: missing, unreadable, or a BGZF file that is cut short.
        """
        self.path, self.what = Path(path), what
        if not self.path.is_file():
            raise DeepcohortError(f"{what} {self.path} does not exist; check its path")
        try:
            self._raw = open(self.path, "rb")  # noqa: SIM115 - closed by close()
            head = self._raw.read(18)
            self.is_bgzf = (
                head[:2] == _MAGIC and len(head) == 18 and head[3] & 4 != 0 and head[12:14] == b"BC"
            )
            if self.is_bgzf:
                self._raw.seek(-min(len(EOF_BLOCK), os.fstat(self._raw.fileno()).st_size), os.SEEK_END)
                if self._raw.read() != EOF_BLOCK:
                    raise DeepcohortError(
                        f"{what} {self.path} has no BGZF end-of-file block: it is truncated; download "
                        f"it again"
                    )
        except OSError as error:
            raise DeepcohortError(f"{what} {self.path} cannot be read: {error.strerror}") from error
        self._is_gzip = head[:2] == _MAGIC
        self._stream: Any = None
        self._rest = b""
        self.lines_before = 0  # lines handed out so far; counts from a seek on
        self.seek(0)

    def seek(self, virtual_offset: int) -> None:
        """Go on at a BGZF virtual offset (0: the beginning of any file)."""
        self._raw.seek(virtual_offset >> 16)
        self._stream = igzip.IGzipFile(fileobj=self._raw, mode="rb") if self._is_gzip else self._raw
        self._rest = b""
        self.lines_before = 0
        if virtual_offset & 0xFFFF:
            self._read(virtual_offset & 0xFFFF)

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._stream.read(size)
        except _DAMAGED as error:
            raise DeepcohortError(
                f"{self.what} {self.path} is truncated or damaged ({error}); download it again"
            ) from error
        return data

    def read_lines(self, size: int = PIECE_BYTES) -> bytes:
        """The next whole lines, about `size` bytes of them; b"" at the end. The last one gets its newline."""
        data = self._rest
        while True:
            more = self._read(size)
            if not more:
                self._rest = b""
                return data + b"\n" if data and not data.endswith(b"\n") else data
            cut = more.rfind(b"\n") + 1
            if cut:
                self._rest = more[cut:]
                return data + more[:cut]
            data += more

    def header(self) -> list[str]:
        """Lines at the beginning that start with #, without newlines; the rest comes from read_lines.

        Raises:
            DeepcohortError: they are no text.
        """
        self.seek(0)
        found: list[str] = []
        data = self.read_lines(1 << 16)
        while data:
            at = 0
            while at < len(data) and data[at] == ord("#"):
                stop = data.index(b"\n", at)
                try:
                    found.append(data[at:stop].decode().rstrip("\r"))
                except UnicodeDecodeError as error:
                    raise DeepcohortError(f"{self.what} {self.path} is no text in its header") from error
                at = stop + 1
            if at < len(data):
                self._rest = data[at:] + self._rest
                break
            data = self.read_lines(1 << 16)
        self.lines_before = len(found)
        return found

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


class TabixIndex:
    """Where the lines of a contig begin, by the linear index of a .tbi file."""

    def __init__(self, names: list[str], linear: list[NDArray[np.uint64]]) -> None:
        self.names = names
        self._linear = dict(zip(names, linear, strict=True))

    def offset(self, contig: str, pos: int) -> int | None:
        """Virtual offset at or before the first line that reaches `pos` (0-based); None: no such line."""
        linear = self._linear.get(contig)
        if linear is None or not len(linear):
            return None
        window = pos >> _WINDOW_SHIFT
        if window >= len(linear):
            return None
        later = np.flatnonzero(linear[window:])
        return int(linear[window + later[0]]) if len(later) else None


def read_index(path: Path) -> TabixIndex | None:
    """Index of `path` from the .tbi beside it; None where there is none.

    Raises:
        DeepcohortError: it is damaged, or older than the file.
    """
    beside = Path(f"{path}.tbi")
    if not beside.is_file():
        return None
    try:
        data = igzip.decompress(beside.read_bytes())
        if data[:4] != b"TBI\1":
            raise ValueError("no tabix index")
        n_ref, names_size = struct.unpack_from("<i", data, 4)[0], struct.unpack_from("<i", data, 32)[0]
        names = [name.decode() for name in data[36 : 36 + names_size].split(b"\0")[:-1]]
        at, linear = 36 + names_size, []
        for _ in range(n_ref):
            (n_bins,) = struct.unpack_from("<i", data, at)
            at += 4
            for _ in range(n_bins):
                at += 8 + 16 * struct.unpack_from("<Ii", data, at)[1]
            (n_windows,) = struct.unpack_from("<i", data, at)
            linear.append(np.frombuffer(data, dtype="<u8", count=n_windows, offset=at + 4))
            at += 4 + 8 * n_windows
        if len(names) != n_ref:
            raise ValueError("names and contigs differ in number")
    except _BAD_INDEX as error:
        raise DeepcohortError(f"index {beside} is damaged ({error}); run tabix on {path} again") from error
    return TabixIndex(names, linear)


_REFSEQ = {f"NC_{i:06d}": str(i) for i in range(1, 23)} | {
    "NC_000023": "X",
    "NC_000024": "Y",
    "NC_012920": "M",
}


def plain_name(contig: str) -> str:
    """Name of a human chromosome without its dress: chr1, 1 and NC_000001.11 are one; others as they are."""
    name = _REFSEQ.get(contig.split(".")[0], contig)
    name = name[3:] if name.lower().startswith("chr") else name
    return "M" if name == "MT" else name


def names_of(wanted: Iterator[str] | list[str], have: list[str]) -> dict[str, str]:
    """Name in a table (have) of each wanted contig that it holds: the same, else the same chromosome."""
    by_plain = {plain_name(name): name for name in have}
    found = {}
    for name in wanted:
        if name in have:
            found[name] = name
        elif plain_name(name) in by_plain:
            found[name] = by_plain[plain_name(name)]
    return found
