"""gVCF files: header, index and streaming text, straight from BGZF blocks."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pysam

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region, parse_region
from deepcohort.formats.bgzf import check_bgzf_vcf, inflate_blocks
from deepcohort.formats.tabix import TBI_LIMIT_BP
from deepcohort.formats.vcf_header import REGION_KEY
from deepcohort.formats.vcf_index import open_vcf_index
from deepcohort.formats.vcf_text import read_header_lines

_REGION_LINE = f"##{REGION_KEY}="


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


def read_header(path: Path) -> GvcfHeader:
    """Header of a bgzipped gVCF of one sample.

    Raises:
        DeepcohortError: missing, truncated, not a VCF, not exactly one sample, or without PL.
    """
    if not path.exists():
        raise DeepcohortError(f"gVCF {path} does not exist; check --gvcf")
    check_bgzf_vcf(path)
    return _parse_header(path, read_header_lines(path))


_BLOCK_MARKS = (b"<NON_REF>", b"<*>", b"\tEND=", b";END=")
_DEFINES = re.compile("##(INFO|FORMAT|ALT|GVCFBlock)")
_FEW_RECORDS = 100  # of a file whose header speaks of blocks: it may be cut to a few places
_MOST_LOOKED_AT = 200_000  # records before a file without a block counts as a plain VCF


def check_has_blocks(path: Path) -> None:
    """See that a file with records has reference blocks, so that what it leaves out means something.

    Raises:
        DeepcohortError: it is a plain VCF.
    """
    header = b"".join(line.encode().lower() for line in read_header_lines(path) if _DEFINES.match(line))
    speaks_of_blocks = b"block" in header or b"<id=non_ref" in header or b"<id=*" in header
    rest, n_records = b"", 0
    for text, _ in inflate_blocks(path, 0):
        lines = (rest + text).split(b"\n")
        rest = lines.pop()
        records = [line for line in lines if line and not line.startswith(b"#")]
        n_records += len(records)
        joined = b"\n".join(records)
        if any(mark in joined for mark in _BLOCK_MARKS) or any(
            r.split(b"\t", 5)[4:5] == [b"."] for r in records
        ):
            return
        if n_records > _MOST_LOOKED_AT:
            break
    if n_records > (_FEW_RECORDS if speaks_of_blocks else 0):
        raise DeepcohortError(
            f"{path} is a plain VCF, not a gVCF: none of its records is a reference block, so nobody knows "
            "where the sample is reference; call it again with gVCF output"
        )


def _parse_header(path: Path, lines: list[str]) -> GvcfHeader:
    contigs: dict[str, int] = {}
    formats: set[str] = set()
    sample: str | None = None
    regions: list[str] = []
    for line in lines:
        if line.startswith("##contig=<"):
            fields = _header_fields(line)
            contigs[fields.get("ID", "")] = int(fields.get("length", "0") or 0)
        elif line.startswith("##FORMAT=<"):
            formats.add(_header_fields(line).get("ID", ""))
        elif line.startswith(_REGION_LINE):
            regions.append(line[len(_REGION_LINE) :])
        elif line.startswith("#CHROM"):
            names = line.split("\t")[9:]
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
        """Read the index beside `path`, and see that it fits.

        Raises:
            DeepcohortError: there is none, it cannot be read, or it is not that of this file.
        """
        self._index = open_vcf_index(path)
        self._number = {name: i for i, name in enumerate(self._index.names)}

    def start_of(self, contig: str, pos: int) -> int | None:
        """Virtual offset at or before the first record that overlaps `pos` or lies after it."""
        number = self._number.get(contig)
        return None if number is None else self._index.start_of(number, pos)


class GvcfStream:
    """Text of one gVCF, read once from a position on, in order; holds no open file between calls."""

    def __init__(self, path: Path, index: GvcfIndex) -> None:
        self.path = path
        self._index = index
        self._offset: int | None = None  # of the next block to read; None: nothing is left
        self._text = b""
        self.fresh_at = self.floor = 0  # lines from that byte on have not been read yet; their least POS

    def seek(self, contig: str, pos: int) -> None:
        """Go to the first record that may overlap `pos` (0-based) of `contig`."""
        start = self._index.start_of(contig, pos)
        self._text = b""
        self.fresh_at = self.floor = 0
        self._offset = None
        if start is None:
            return
        blocks = inflate_blocks(self.path, start >> 16)
        text, self._offset = next(blocks, (b"", None))
        blocks.close()
        at = start & 0xFFFF
        if at and text[at - 1 : at] != b"\n":
            raise DeepcohortError(
                f"the index of {self.path} points into a line, at {contig}:{pos + 1}: it is another file's; "
                f"run: tabix -f -p vcf {self.path}"
            )
        self._text = text[at:]

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

    def keep(self, spanning: bytes, offset: int, floor: int) -> None:
        """Forget what lies before `offset` of the text held, except the lines `spanning`.

        What follows has POS >= `floor` (0-based).
        """
        self._text = spanning + self._text[offset:]
        self.fresh_at, self.floor = len(spanning), floor


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
    # a POS that is no number is for the parser to tell
    return fields[0] != contig or not fields[1].isdigit() or int(fields[1]) - 1 >= pos


def index_vcf(path: Path, longest_contig_bp: int) -> None:
    """Index a bgzipped VCF: .tbi, or .csi where a contig is too long for it.

    Raises:
        DeepcohortError: the index cannot be written.
    """
    try:
        pysam.tabix_index(str(path), preset="vcf", force=True, csi=longest_contig_bp > TBI_LIMIT_BP)
    except OSError as error:
        full = shutil.disk_usage(path.parent).free < 1 << 20
        reason = "disk full; free space and run again" if full else str(error)
        raise DeepcohortError(f"the index of {path} cannot be written: {reason}") from error
