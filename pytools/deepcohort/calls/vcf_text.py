"""VCF files as text and line positions: bytes in bulk, not records one by one."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from isal import igzip, igzip_lib
from numpy.typing import NDArray

from deepcohort.calls.header import REGION_KEY
from deepcohort.calls.kernels_scan import find_fault, scan_lines
from deepcohort.core.bgzf import EOF_BLOCK
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import make_again
from deepcohort.core.region import Region, merge_regions, parse_region

_READ_BYTES = 4 << 20
_INTEGER_KEY = re.compile(r"##FORMAT=<ID=([^,>]+),Number=[^,>]+,Type=Integer[,>]")
_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")
_CONTIG = re.compile(r"##contig=<ID=([^,>]+)(?:.*?length=(\d+))?")


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


_FAULTS = (
    "",
    "a byte that is no printable ASCII",
    "an empty, missing or surplus field",
    "a POS that is no position",
    "a REF that is not of bases",
    "a QUAL that is no number",
    "more values than FORMAT has keys",
    "a GT that is no genotype",
    "an END before POS",
    "a value that is no whole number",
    "a FORMAT with a key twice or too many",
)


class LineChecker:
    """Checks the form of record lines: fields, numbers, genotypes."""

    def __init__(self, path: Path, header: VcfHeader) -> None:
        """For the lines of `path`, which has this header."""
        self._path = path
        self._n_fields = header.lines[-1].count("\t") + 1
        keys = [m[1].encode() for line in header.lines if (m := _INTEGER_KEY.match(line))]
        self._integer_keys = np.array(
            [int.from_bytes(k, "big") for k in keys if len(k) <= 8], dtype=np.uint64
        )

    def check(self, segment: Segment) -> None:
        """Pass over every line of `segment`.

        Raises:
            DeepcohortError: the first malformed line, and what is wrong with it.
        """
        text = np.frombuffer(segment.text, dtype=np.uint8)
        line, fault = find_fault(text, self._n_fields, self._integer_keys)
        if line >= 0:
            shown = segment.part(line, line + 1).text.decode("ascii", errors="replace")[:80].strip()
            raise DeepcohortError(
                f"{self._path} holds a malformed line: {_FAULTS[fault]} in '{shown}'; "
                f"{make_again(self._path)}"
            )


def parse_header(text: str, path: Path) -> VcfHeader:
    """Parsed header text.

    Raises:
        DeepcohortError: there is no column line, or a region line is malformed.
    """
    lines = text.splitlines()
    if not lines or not lines[-1].startswith("#CHROM\t"):
        raise DeepcohortError(f"{path} has no VCF header; is it a VCF?")
    columns = lines[-1].split("\t")
    samples = columns[9:]
    if (
        tuple(columns[:9]) not in (_COLUMNS, _COLUMNS[:8])
        or not all(line.startswith("##") for line in lines[:-1])
        or not all(samples)
        or len(set(samples)) < len(samples)
        or "\0" in text  # htslib's header ends there
    ):
        raise DeepcohortError(
            f"{path} has a malformed VCF header: lines begin with ##, the last one names "
            f"{' '.join(_COLUMNS)} and every sample once"
        )
    contig_lengths: dict[str, int] = {}
    for line in lines:
        found = _CONTIG.match(line)
        if found:
            contig_lengths[found[1]] = int(found[2] or 1 << 29)
    prefix = f"##{REGION_KEY}="
    regions = [parse_region(x[len(prefix) :], contig_lengths) for x in lines if x.startswith(prefix)]
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
            compressed = raw.read(2) == b"\x1f\x8b"
            if compressed:
                raw.seek(max(0, self.path.stat().st_size - len(EOF_BLOCK)))
                if raw.read() != EOF_BLOCK:
                    raise DeepcohortError(
                        f"{self.path} has no BGZF end-of-file block: it is truncated; {make_again(self.path)}"
                    )
        self._file = igzip.open(self.path, "rb") if compressed else open(self.path, "rb")  # noqa: SIM115
        self._rest = b""
        self._segments: deque[Segment] = deque()
        self.header = parse_header(self._read_header(), self.path)

    def _read(self) -> bytes:
        try:
            data: bytes = self._file.read(_READ_BYTES)
        except (EOFError, OSError, igzip_lib.IsalError) as error:  # type: ignore[misc]
            raise DeepcohortError(
                f"{self.path} is truncated or damaged ({error}); {make_again(self.path)}"
            ) from error
        return data

    def _read_header(self) -> str:
        data = b""
        while True:
            more = self._read()
            data += more
            at = data.find(b"\n#CHROM\t")
            stop = data.find(b"\n", at + 1) if at >= 0 or data.startswith(b"#CHROM\t") else -1
            if stop >= 0 or not more:
                break
        if stop < 0:
            raise DeepcohortError(f"{self.path} has no VCF header; is it a VCF?")
        self._rest = data[stop + 1 :]
        try:
            return data[: stop + 1].decode()
        except UnicodeDecodeError as error:
            raise DeepcohortError(
                f"{self.path} has a header that is not UTF-8 text; {make_again(self.path)}"
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
                self._segments.extend(self._split(text if text.endswith(b"\n") else text + b"\n"))
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
            contig = part.text[: part.text.index(b"\t")].decode()
            if (np.diff(part.lines[:, 0]) < 0).any():
                raise DeepcohortError(f"{self.path} is not sorted by position on {contig}; sort it first")
            found.append(Segment(contig, part.text, part.lines))
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()
