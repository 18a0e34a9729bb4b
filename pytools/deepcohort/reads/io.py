"""CRAM and remote files through htslib: a stretch at a time as uncompressed BAM."""

import contextlib
import tempfile
from pathlib import Path

import pysam

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.bgzf_blocks import BgzfBlocks
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.reads.header import AlignmentHeader, header_text_facts, read_header

# names, flags, places, CIGAR, sequence and quality, no tags: decoding tags is a third of CRAM's cost
_REQUIRED_FIELDS, _WITH_GROUPS = "required_fields=0x7ff", "required_fields=0x17ff"
# CRAM slices (50 kb of a 30x genome) do not end where chunks do: fewer stretches, less is decoded twice.
# So each reaches over this many regions as long as the one asked for, which is short where reads are deep.
_REGIONS_AHEAD = 4
_MAX_STRETCH_BP = 1 << 20
_MARGIN_BP = 16_000  # before the region: one asked for again may begin a little earlier


def _index_copy(url: str, folder: Path) -> Path | None:
    """A checked copy, in `folder`, of the index beside the BAM at `url`; None when there is none.

    htslib would fetch it into the folder that it runs in, and crashes on some damaged ones.

    Raises:
        DeepcohortError: the index is damaged.
    """
    stem = url.removesuffix(".bam")
    for place in (f"{url}.bai", f"{stem}.bai", f"{url}.csi", f"{stem}.csi"):
        try:
            with pysam.HFile(place, "rb") as file:
                data = file.read()
        except OSError:
            continue
        copy = folder / place.rsplit("/", 1)[-1]
        copy.write_bytes(data)
        try:
            HtsIndex(copy, "index the file again")
        except DeepcohortError as error:
            raise DeepcohortError(f"index {place} is damaged; index the file again") from error
        return copy
    return None


class HtslibStretches:
    """Inflated stretches of a file that only htslib can read."""

    def __init__(self, path: str, reference_path: Path) -> None:
        """Open `path` (CRAM, or any file at a URL).

        Raises:
            DeepcohortError: missing, not indexed, or not readable with this reference.
        """
        self.path = path
        self.needs_groups = False  # whether reads must come with their read group
        self._reference = reference_path
        self._folder = tempfile.TemporaryDirectory(prefix="deepcohort-")
        self._stretch: tuple[Region, BgzfBlocks, int] | None = None
        # a CRAM's index is text, which htslib reads safely, but believes
        self._index = None if path.lower().endswith(".cram") else _index_copy(path, Path(self._folder.name))
        try:
            with pysam.AlignmentFile(
                path,
                reference_filename=str(reference_path),
                index_filename=str(self._index) if self._index else None,
            ) as file:
                header = file.header
                self.contigs = tuple(zip(header.references, header.lengths, strict=True))
                self._facts = header_text_facts(str(header))
                indexed = file.has_index()
        except (OSError, ValueError) as error:
            raise DeepcohortError(f"{path} cannot be read as BAM or CRAM: {error}") from error
        if not indexed:
            where = ", and copy the index there (or it cannot be read)" if "://" in path else ""
            raise DeepcohortError(f"{path} is not indexed; run: samtools index {path}{where}")

    def header(self) -> AlignmentHeader:
        """Header facts; offsets are those of stretches, so first_record is 0."""
        return AlignmentHeader(self.contigs, *self._facts, 0)

    def stretch(self, region: Region, contig_length: int) -> tuple[BgzfBlocks, int, bool]:
        """(blocks, virtual offset of the first record, whether this is a new stretch) covering `region`.

        Raises:
            DeepcohortError: htslib cannot decode the stretch, mostly for want of the reference.
        """
        if self._stretch is not None:
            covered, blocks, first = self._stretch
            if (
                covered.contig == region.contig
                and covered.start <= region.start
                and region.end <= covered.end
            ):
                return blocks, first, False
            blocks.close()
            self._stretch = None
        margin = min(_MARGIN_BP, len(region))
        ahead = max(len(region) + margin, min(_REGIONS_AHEAD * len(region), _MAX_STRETCH_BP))
        covered = Region(
            region.contig, max(0, region.start - margin), min(contig_length, region.start + ahead)
        )
        target = Path(self._folder.name) / "stretch.bam"
        try:
            pysam.view(
                "-u", "--no-PG", "-T", str(self._reference), "--input-fmt-option",
                _WITH_GROUPS if self.needs_groups else _REQUIRED_FIELDS,
                "-o", str(target), *(("-X", self.path, str(self._index)) if self._index else (self.path,)),
                f"{{{covered.contig}}}:{covered.start + 1}-{covered.end}",
                catch_stdout=False,
            )  # fmt: skip
        except pysam.SamtoolsError as error:
            reason = " ".join(str(error).split())
            remedy = (
                "the connection broke or the file is damaged"
                if self._index
                else "give the reference that it was made with"
            )
            raise DeepcohortError(
                f"{self.path} cannot be decoded at {covered} with reference {self._reference} ({reason}); "
                f"{remedy}"
            ) from error
        blocks = BgzfBlocks(target, kept_bytes=1 << 20)
        first = read_header(blocks).first_record
        self._stretch = (covered, blocks, first)
        return blocks, first, True

    def close(self) -> None:
        """Remove temporary files."""
        if self._stretch is not None:
            self._stretch[1].close()
            self._stretch = None
        with contextlib.suppress(OSError):
            self._folder.cleanup()
