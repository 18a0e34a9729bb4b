"""gVCF files: header, index and streaming text, straight from BGZF blocks."""

import os
import shutil
import struct
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pysam
from isal import isal_zlib

from deepcohort.calls.header import REGION_KEY
from deepcohort.core.bgzf import EOF_BLOCK
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import make_again
from deepcohort.core.region import Region, parse_region

_READ_BYTES = 96 * 1024  # more than the largest block
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_REGION_LINE = f"##{REGION_KEY}="
_TBI_SHIFT = 14
_TBI_LIMIT_BP = 1 << 29


@dataclass(frozen=True, slots=True)
class GvcfHeader:
    """What joint genotyping needs of a gVCF's header.

    Attributes:
        sample: name. contigs: name -> length (0 where the header does not say), in header order.
        formats: FORMAT keys that are declared.
        regions: what the file answers for; empty where the header does not say.
    """

    sample: str
    contigs: dict[str, int]
    formats: frozenset[str]
    regions: tuple[Region, ...] = ()


def _block_size(data: bytes | memoryview, at: int) -> int:
    """Bytes of the BGZF block at `at`; 0 if its header is not complete; -1 if it is no BGZF block."""
    if len(data) - at < 18:
        return 0
    if data[at] != 31 or data[at + 1] != 139 or not data[at + 3] & 4:
        return -1
    extra_len = data[at + 10] | data[at + 11] << 8
    field = at + 12
    while field < at + 12 + extra_len:
        size = data[field + 2] | data[field + 3] << 8
        if data[field] == 66 and data[field + 1] == 67:
            return (data[field + 4] | data[field + 5] << 8) + 1
        field += 4 + size
    return -1


def inflate_blocks(path: Path, offset: int) -> Generator[tuple[bytes, int], None, None]:
    """Text of each BGZF block from file offset `offset` on, with the offset that follows it.

    The file is open only while blocks are taken; what is not asked for is not kept.

    Raises:
        DeepcohortError: the file is cut short or is not BGZF.
    """
    with open(path, "rb", buffering=0) as file:
        while True:
            data = os.pread(file.fileno(), _READ_BYTES, offset)
            if not data:
                return
            at = 0
            while True:
                size = _block_size(data, at)
                if size < 0:
                    raise DeepcohortError(
                        f"{path} is not bgzip-compressed; run: bgzip and tabix -p vcf on it"
                    )
                if size == 0 or at + size > len(data):
                    break
                extra_len = data[at + 10] | data[at + 11] << 8
                try:
                    body = data[at + 12 + extra_len : at + size - 8]
                    text = isal_zlib.decompress(body, -15, 65_536)
                except _InflateError as error:
                    raise DeepcohortError(
                        f"{path} is damaged at byte {offset + at} ({error}); {make_again(path)}"
                    ) from error
                if isal_zlib.crc32(text) != int.from_bytes(data[at + size - 8 : at + size - 4], "little"):
                    raise DeepcohortError(
                        f"{path} is damaged at byte {offset + at} (checksum); {make_again(path)}"
                    )
                at += size
                yield text, offset + at
            if at == 0:
                raise DeepcohortError(f"{path} is truncated (cut at byte {offset}); {make_again(path)}")
            offset += at


def read_header(path: Path) -> GvcfHeader:
    """Header of a bgzipped gVCF of one sample.

    Raises:
        DeepcohortError: missing, truncated, not a VCF, not exactly one sample, or without PL.
    """
    if not path.exists():
        raise DeepcohortError(f"gVCF {path} does not exist; check --gvcf")
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - len(EOF_BLOCK)))
        tail = file.read()
        file.seek(0)
        if file.read(2) != b"\x1f\x8b":
            raise DeepcohortError(
                f"{path} is not bgzip-compressed; run: bgzip {path}, then tabix -p vcf on it"
            )
    if tail != EOF_BLOCK:
        raise DeepcohortError(f"{path} is truncated (its BGZF end marker is missing); {make_again(path)}")
    text = b""
    for piece, _ in inflate_blocks(path, 0):
        text += piece
        if b"\n#CHROM" in text and b"\n" in text[text.index(b"\n#CHROM") + 1 :]:
            break
    return _parse_header(path, text.decode("utf-8", "replace"))


def _parse_header(path: Path, text: str) -> GvcfHeader:
    contigs: dict[str, int] = {}
    formats: set[str] = set()
    sample: str | None = None
    regions: list[str] = []
    for line in text.split("\n"):
        if line.startswith("##contig=<"):
            fields = _header_fields(line)
            contigs[fields.get("ID", "")] = int(fields.get("length", "0") or 0)
        elif line.startswith("##FORMAT=<"):
            formats.add(_header_fields(line).get("ID", ""))
        elif line.startswith(_REGION_LINE):
            regions.append(line[len(_REGION_LINE) :].rstrip("\r"))
        elif line.startswith("#CHROM"):
            names = line.rstrip("\r").split("\t")[9:]
            if len(names) != 1:
                raise DeepcohortError(
                    f"{path} holds {len(names)} samples; joint genotyping takes one gVCF per sample "
                    "(bcftools +split divides it)"
                )
            sample = names[0]
            break
        elif not line.startswith("#"):
            break
    if sample is None:
        raise DeepcohortError(f"{path} has no #CHROM line; is it a gVCF?")
    if "PL" not in formats:
        raise DeepcohortError(
            f"{path} lacks FORMAT PL, which joint genotyping needs; call it again with genotype likelihoods"
        )
    answers = tuple(parse_region(region, contigs) for region in regions)
    return GvcfHeader(sample, contigs, frozenset(formats), answers)


def _header_fields(line: str) -> dict[str, str]:
    """Keys before Description of a structured header line."""
    inside = line[line.index("<") + 1 :].split(",Description", 1)[0].rstrip(">\r")
    return dict(part.split("=", 1) for part in inside.split(",") if "=" in part)


class GvcfIndex:
    """First virtual offset of the records that overlap a position, from .tbi or .csi."""

    def __init__(self, path: Path) -> None:
        """Read the index beside `path`.

        Raises:
            DeepcohortError: there is none, or it cannot be read.
        """
        self._linear: dict[str, list[int]] = {}
        self._bins: dict[str, dict[int, int]] = {}
        self._min_shift, self._depth = _TBI_SHIFT, 5
        for suffix, parse in ((".tbi", self._parse_tbi), (".csi", self._parse_csi)):
            beside = Path(f"{path}{suffix}")
            if beside.exists():
                try:
                    parse(_gunzip(beside))
                except (struct.error, ValueError, IndexError, _InflateError) as error:
                    raise DeepcohortError(
                        f"index {beside} cannot be read ({error}); run: tabix -f -p vcf {path}"
                    ) from error
                return
        raise DeepcohortError(f"{path} is not indexed; run: tabix -p vcf {path}")

    def _parse_tbi(self, data: bytes) -> None:
        if data[:4] != b"TBI\1":
            raise ValueError("no TBI magic")
        n_ref, *_, name_bytes = struct.unpack_from("<8i", data, 4)
        names = data[36 : 36 + name_bytes].split(b"\0")[:n_ref]
        at = 36 + name_bytes
        for name in names:
            (n_bin,) = struct.unpack_from("<i", data, at)
            at += 4
            for _ in range(n_bin):
                (n_chunk,) = struct.unpack_from("<i", data, at + 4)
                at += 8 + 16 * n_chunk
            (n_linear,) = struct.unpack_from("<i", data, at)
            self._linear[name.decode()] = list(struct.unpack_from(f"<{n_linear}Q", data, at + 4))
            at += 4 + 8 * n_linear

    def _parse_csi(self, data: bytes) -> None:
        if data[:4] != b"CSI\1":
            raise ValueError("no CSI magic")
        self._min_shift, self._depth, aux = struct.unpack_from("<3i", data, 4)
        if aux < 28:
            raise ValueError("not a tabix-style CSI")
        (name_bytes,) = struct.unpack_from("<i", data, 16 + 24)
        names = data[44 : 44 + name_bytes].split(b"\0")
        at = 16 + aux
        (n_ref,) = struct.unpack_from("<i", data, at)
        at += 4
        meta_bin = ((1 << (self._depth + 1) * 3) - 1) // 7 + 1
        for i in range(n_ref):
            (n_bin,) = struct.unpack_from("<i", data, at)
            at += 4
            starts: dict[int, int] = {}
            for _ in range(n_bin):
                number, loffset, n_chunk = struct.unpack_from("<IQi", data, at)
                at += 16 + 16 * n_chunk
                if number < meta_bin:
                    starts[number] = loffset
            self._bins[names[i].decode()] = starts

    def start_of(self, contig: str, pos: int) -> int | None:
        """Virtual offset at or before the first record that overlaps `pos` or lies after it."""
        if contig in self._linear:
            offsets = self._linear[contig]
            for offset in offsets[pos >> _TBI_SHIFT :]:
                if offset:
                    return offset
            return None
        if contig in self._bins:
            return self._csi_start(self._bins[contig], pos)
        return None

    def _csi_start(self, starts: dict[int, int], pos: int) -> int | None:
        """loffset of the smallest bin that holds `pos`; failing that, of the contig's first bin."""
        level, shift = self._depth, self._min_shift
        while level >= 0:
            number = ((1 << 3 * level) - 1) // 7 + (pos >> shift)
            if number in starts:
                return starts[number]
            level -= 1
            shift += 3
        return min(starts.values()) if starts else None


def _gunzip(path: Path) -> bytes:
    return b"".join(text for text, _ in inflate_blocks(path, 0))


class GvcfStream:
    """Text of one gVCF, read once from a position on, in order; holds no open file between calls."""

    def __init__(self, path: Path, index: GvcfIndex) -> None:
        self.path = path
        self._index = index
        self._offset: int | None = None  # of the next block to read; None: nothing is left
        self._text = b""

    def seek(self, contig: str, pos: int) -> None:
        """Go to the first record that may overlap `pos` (0-based) of `contig`."""
        start = self._index.start_of(contig, pos)
        self._text = b""
        self._offset = None
        if start is None:
            return
        blocks = inflate_blocks(self.path, start >> 16)
        text, self._offset = next(blocks, (b"", None))
        blocks.close()
        self._text = text[start & 0xFFFF :]

    def until(self, contig: bytes, pos: int) -> bytes:
        """Whole lines held now, of which the last is of another contig or has POS >= `pos` (0-based).

        At the end of the file it is all that is left.
        """
        pieces = [self._text]
        if self._offset is not None and not _reaches(self._text, True, contig, pos):
            blocks = inflate_blocks(self.path, self._offset)
            self._offset = None
            for text, offset in blocks:
                if len(pieces) == 1 and len(pieces[0]) < 2_000:
                    pieces[0] += text
                else:
                    pieces.append(text)
                if _reaches(pieces[-1], len(pieces) == 1, contig, pos):
                    self._offset = offset
                    break
            blocks.close()
        self._text = b"".join(pieces)
        cut = len(self._text) if self._offset is None else self._text.rfind(b"\n") + 1
        return self._text[:cut]

    def keep(self, spanning: bytes, offset: int) -> None:
        """Forget what lies before `offset` of the text held, except the lines `spanning`."""
        self._text = spanning + self._text[offset:]


def _reaches(text: bytes, starts_line: bool, contig: bytes, pos: int) -> bool:
    """Whether the last whole line of `text` is of another contig or has POS >= `pos`.

    Where `text` need not start with a line (`starts_line`), its first line does not count.
    """
    end = text.rfind(b"\n")
    start = text.rfind(b"\n", 0, end) + 1 if end > 0 else 0
    if end <= 0 or (start == 0 and not starts_line):
        return False
    fields = text[start:end].split(b"\t", 2)
    if len(fields) < 3 or fields[0].startswith(b"#"):
        return False
    return fields[0] != contig or int(fields[1]) - 1 >= pos


def index_vcf(path: Path, longest_contig_bp: int) -> None:
    """Index a bgzipped VCF: .tbi, or .csi where a contig is too long for it.

    Raises:
        DeepcohortError: the index cannot be written.
    """
    try:
        pysam.tabix_index(str(path), preset="vcf", force=True, csi=longest_contig_bp >= _TBI_LIMIT_BP)
    except OSError as error:
        full = shutil.disk_usage(path.parent).free < 1 << 20
        reason = "disk full; free space and run again" if full else str(error)
        raise DeepcohortError(f"the index of {path} cannot be written: {reason}") from error
