"""VCF files as text and line positions: bytes in bulk, not records one by one."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from isal import igzip, igzip_lib
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import remedy_for
from deepcohort.core.region import Region, merge_regions, parse_region
from deepcohort.formats.bgzf import check_bgzf_vcf, inflate_blocks
from deepcohort.formats.vcf_declarations import check_declarations, contig_lengths_of
from deepcohort.formats.vcf_header import REGION_KEY
from deepcohort.formats.vcf_scan_kernels import scan_lines

_READ_BYTES = 4 << 20
_FIRST_LINE = re.compile(r"##fileformat=VCFv4\.\d\s*")
_OTHER_LINE = re.compile(rb"\n[^#\r\n]")
_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")
UNKNOWN_LENGTH = 1 << 29  # bp of a contig whose header line gives none


@dataclass(frozen=True, slots=True)
class VcfHeader:
    """Header of a VCF file.

    Attributes:
        lines: without the lines that name regions; the last is the column line.
        contig_lengths: bp by name in file order (2^29 where the header gives none).
        regions: what the file answers for, by its header; empty where it does not say.
    """

    lines: tuple[str, ...]
    contig_lengths: dict[str, int]
    regions: tuple[Region, ...]

    @property
    def samples(self) -> tuple[str, ...]:
        """Sample names."""
        return tuple(self.lines[-1].split("\t")[9:])


@dataclass(frozen=True, slots=True)
class Segment:
    """Whole lines of one contig: text, and int64 (n, 3) of start, end, first byte (see scan_lines)."""

    contig: str
    text: bytes
    lines: NDArray[np.int64]

    def part(self, first: int, last: int) -> "Segment":
        """Lines first:last as a segment of their own."""
        if first == 0 and last == len(self.lines):
            return self
        begin = int(self.lines[first, 2]) if first < len(self.lines) else len(self.text)
        stop = int(self.lines[last, 2]) if last < len(self.lines) else len(self.text)
        lines = self.lines[first:last].copy()
        lines[:, 2] -= begin
        return Segment(self.contig, self.text[begin:stop], lines)


def check_header_lines(lines: Sequence[str], path: Path) -> None:
    """See that `lines` are a VCF header, of which the last names the columns.

    Raises:
        DeepcohortError: they are none.
    """
    if not lines or not lines[-1].startswith("#CHROM\t"):
        if lines and not lines[0].strip():
            raise DeepcohortError(f"{path} begins with a blank line, before its header; remove it")
        raise DeepcohortError(f"{path} has no VCF header (no #CHROM line); is it a VCF?")
    columns = lines[-1].split("\t")
    samples = columns[9:]
    blank = next((i for i, line in enumerate(lines) if not line.strip()), None)
    if blank is not None:
        raise DeepcohortError(f"{path} has a blank line in its header (line {blank + 1}); remove it")
    if not _FIRST_LINE.fullmatch(lines[0]):
        raise DeepcohortError(
            f"{path} has a malformed VCF header: it begins with '{lines[0][:40]}' instead of "
            "##fileformat=VCFv4.x; add that line"
        )
    if (
        tuple(columns[:9]) not in (_COLUMNS, _COLUMNS[:8])
        or not all(line.startswith("##") for line in lines[:-1])
        or not all(samples)
        or len(set(samples)) < len(samples)
        or any(ord(c) < 32 and c != "\t" for line in lines for c in line)  # htslib ends at a NUL
    ):
        raise DeepcohortError(
            f"{path} has a malformed VCF header: lines begin with ##, the last one names "
            f"{' '.join(_COLUMNS)} and every sample once"
        )
    check_declarations(lines, path)


def _end_of_header(data: bytes) -> int:
    """Where the line that names the columns ends in a file that begins with `data`; -1: not within."""
    at = data.find(b"\n#CHROM\t")
    return data.find(b"\n", at + 1) if at >= 0 or data.startswith(b"#CHROM\t") else -1


def _is_past_header(data: bytes, seen: int) -> bool:
    """Whether a line of `data` is none of a header, the first `seen` bytes being known: read no farther."""
    return data[:1] not in (b"", b"#", b"\r", b"\n") or _OTHER_LINE.search(data, max(0, seen - 1)) is not None


def read_header_lines(path: Path) -> list[str]:
    """Header lines of a bgzipped VCF, without line ends; the last names the columns.

    Raises:
        DeepcohortError: they are no VCF header, or no text.
    """
    data, stop = b"", -1
    for text, _ in inflate_blocks(path, 0):
        seen = len(data)
        data += text
        stop = _end_of_header(data)
        if 0 <= stop < len(data) - 1:  # with a byte of what follows
            break
        if stop < 0 and _is_past_header(data, seen):
            break
    if stop >= 0:
        if data[stop + 1 : stop + 2] == b"#":
            raise DeepcohortError(
                f"{path} has a malformed VCF header: lines follow the one that names the columns; "
                f"{remedy_for(path)}"
            )
        data = data[:stop]
    try:
        # not splitlines: other line ends of Unicode may stand in a description
        lines = [line.removesuffix("\r") for line in data.decode().split("\n")]
    except UnicodeDecodeError as error:
        raise DeepcohortError(f"{path} has a header that is not UTF-8 text; {remedy_for(path)}") from error
    check_header_lines(lines, path)
    return lines


def parse_header(text: str, path: Path) -> VcfHeader:
    """Parsed header text.

    Raises:
        DeepcohortError: it is none, or a region line is malformed.
    """
    # not splitlines: other line ends of Unicode may stand in a description
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    check_header_lines(lines, path)
    contig_lengths = {
        name: UNKNOWN_LENGTH if length is None else length
        for name, length in contig_lengths_of(lines).items()
    }
    prefix = f"##{REGION_KEY}="
    try:
        regions = [parse_region(x[len(prefix) :], contig_lengths) for x in lines if x.startswith(prefix)]
    except DeepcohortError as error:
        raise DeepcohortError(
            f"{path} has a malformed VCF header: of its lines ##{REGION_KEY} one names no place of its "
            f"contigs ({error}); make it again"
        ) from error
    kept = tuple(line for line in lines if not line.startswith(prefix))
    return VcfHeader(kept, contig_lengths, tuple(merge_regions(regions)))


class VcfTextReader:
    """Reads a (b)gzipped or plain VCF forward, segment by segment."""

    def __init__(self, path: str | Path) -> None:
        """Open `path` and read its header.

        Raises:
            DeepcohortError: missing, truncated, or not a VCF.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise DeepcohortError(f"{self.path} does not exist; check the path of the VCF")
        with open(self.path, "rb") as raw:
            head = raw.read(3)
        compressed = head[:2] == b"\x1f\x8b"
        if compressed or head in (b"", b"BCF"):
            check_bgzf_vcf(self.path)
        self._file = igzip.open(self.path, "rb") if compressed else open(self.path, "rb")  # noqa: SIM115
        self._rest = b""
        self._segments: deque[Segment] = deque()
        self.header = parse_header(self._read_header(), self.path)

    def _read(self) -> bytes:
        try:
            data: bytes = self._file.read(_READ_BYTES)
        except (EOFError, OSError, igzip_lib.IsalError) as error:  # type: ignore[misc]
            raise DeepcohortError(
                f"{self.path} is truncated or damaged ({error}); {remedy_for(self.path)}"
            ) from error
        return data

    def _read_header(self) -> str:
        data = b""
        while True:
            more, seen = self._read(), len(data)
            data += more
            stop = _end_of_header(data)
            if stop >= 0 or not more or _is_past_header(data, seen):
                break
        if stop < 0:
            check_header_lines(data[:2].decode("latin-1").split("\n"), self.path)
        self._rest = data[stop + 1 :]
        try:
            return data[: stop + 1].decode()
        except UnicodeDecodeError as error:
            raise DeepcohortError(
                f"{self.path} has a header that is not UTF-8 text; {remedy_for(self.path)}"
            ) from error

    def segments(self) -> Iterator[Segment]:
        """All that has not been taken yet."""
        while (segment := self._next()) is not None:
            yield segment

    def take(self, region: Region) -> Iterator[Segment]:
        """Lines that come next and have POS in `region`, in segments."""
        while (segment := self._next()) is not None:
            n = 0
            if segment.contig == region.contig and segment.lines[0, 0] >= region.start:
                n = int(np.searchsorted(segment.lines[:, 0], region.end))
            if n:
                yield segment.part(0, n)
            if n < len(segment.lines):
                self._segments.appendleft(segment.part(n, len(segment.lines)))
                return

    def _next(self) -> Segment | None:
        while not self._segments:
            more = self._read()
            data = self._rest + more
            if not data:
                return None
            cut = data.rfind(b"\n") + 1 if more else len(data)
            self._rest = data[cut:]
            if cut:
                text = data[:cut]
                if not text.endswith(b"\n"):
                    raise DeepcohortError(
                        f"{self.path} ends within a line: it was cut; {remedy_for(self.path)}"
                    )
                self._segments.extend(self._split(text))
        return self._segments.popleft()

    def _split(self, text: bytes) -> list[Segment]:
        n_lines = text.count(b"\n")
        lines = np.empty((n_lines, 3), dtype=np.int64)
        new_contig = np.empty(n_lines, dtype=bool)
        n = scan_lines(np.frombuffer(text, dtype=np.uint8), lines, new_contig)
        if n < 0:
            begin = int(lines[-2 - n, 2]) if n < -1 else 0
            shown = text[begin : begin + 200].decode(errors="replace").splitlines()[-1 if n < -1 else 0]
            raise DeepcohortError(f"{self.path} holds a line that is no VCF record near: {shown[:80]}")
        starts = np.flatnonzero(new_contig[:n]).tolist()
        whole = Segment("", text, lines[:n])
        found = []
        for first, last in zip(starts, [*starts[1:], n], strict=True):
            part = whole.part(first, last)
            contig = part.text[: part.text.index(b"\t")].decode(errors="replace")
            if "\ufffd" in contig:
                raise DeepcohortError(f"{self.path} has a CHROM that is no text: {contig!r}; make it again")
            if (np.diff(part.lines[:, 0]) < 0).any():
                raise DeepcohortError(f"{self.path} is not sorted by position on {contig}; sort it first")
            found.append(Segment(contig, part.text, part.lines))
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()
