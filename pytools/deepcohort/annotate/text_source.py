"""Text of big tables: plain, gzip or BGZF, in pieces of whole lines; by index where there is one."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from isal import igzip, igzip_lib, isal_zlib

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.bgzf import EOF_BLOCK
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.formats.vcf_index import open_vcf_index

BUFFER_BYTES = 8 << 20
_MAGIC = b"\x1f\x8b"
_DAMAGED: tuple[type[Exception], ...] = (EOFError, OSError, igzip_lib.IsalError, isal_zlib.error)  # type: ignore[assignment]


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

    def read_lines(self, size: int = BUFFER_BYTES) -> bytes:
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
    """Where the lines of a contig begin, by the index of a bgzipped table or VCF."""

    def __init__(self, index: HtsIndex) -> None:
        self.names = list(index.names)
        self._index = index
        self._number = {name: number for number, name in enumerate(index.names)}

    def offset(self, contig: str, pos: int) -> int | None:
        """Virtual offset at or before the first line that reaches `pos` (0-based); None: no such line."""
        number = self._number.get(contig)
        return None if number is None else self._index.start_of(number, pos)


def read_index(path: Path, is_vcf: bool = False) -> TabixIndex | None:
    """Index of `path` from the .tbi or .csi beside it; None where there is none.

    `is_vcf`: it is held against the whole file; of other tables nobody knows where their lines begin.

    Raises:
        DeepcohortError: it is damaged, or not that of the file.
    """
    beside = next((p for s in (".tbi", ".csi") if (p := Path(f"{path}{s}")).is_file()), None)
    if beside is None:
        return None
    if is_vcf:
        return TabixIndex(open_vcf_index(path))
    index = HtsIndex(beside, f"run tabix on {path} again")
    if not index.names and index.n_contigs:
        raise DeepcohortError(f"index {beside} names no contigs; run tabix on {path} again")
    return TabixIndex(index)


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


class ContigNames:
    """Names of a file's contigs, found by another file's: the same name, else the same chromosome."""

    def __init__(self, have: Collection[str]) -> None:
        self._have = set(have)
        self._by_plain = {plain_name(name): name for name in have}

    def of(self, name: str) -> str | None:
        """The file's name of contig `name`; None where it has no such contig."""
        return name if name in self._have else self._by_plain.get(plain_name(name))


def names_of(wanted: Iterable[str], have: Collection[str]) -> dict[str, str]:
    """Name in a table (have) of each wanted contig that it holds."""
    names = ContigNames(have)
    return {name: theirs for name in wanted if (theirs := names.of(name)) is not None}
