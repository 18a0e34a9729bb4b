"""Segments of a VCF: all of it, or regions of it by its index."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from isal import igzip

from deepcohort.annotate.alleles import short_parts
from deepcohort.annotate.text_source import TabixIndex, TextSource, read_index
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.vcf_check import checker_of
from deepcohort.formats.vcf_text import Segment, VcfTextReader

_WHOLE_BP = 1 << 31


class _SeekingReader(VcfTextReader):
    _ended = ""  # the contig whose last record was read

    def seek(self, virtual_offset: int) -> None:
        """Go on at a BGZF virtual offset."""
        self._file.close()
        raw = open(self.path, "rb")  # noqa: SIM115 - closed with the reader
        raw.seek(virtual_offset >> 16)
        self._file = igzip.IGzipFile(fileobj=raw, mode="rb")
        self._file.read(virtual_offset & 0xFFFF)
        self._rest = b""
        self._segments.clear()

    def within(self, region: Region, offset: int) -> Iterator[Segment]:
        """Records with POS in `region`, which lies behind all that was asked for before.

        `offset`: where the index says that they begin. What was read ahead is used: contigs may be many and
        short, and a jump inflates megabytes.
        """
        if region.contig == self._ended:
            return
        if not self._holds(region):
            self.seek(offset)
        while (segment := self._next()) is not None:
            first, last = np.searchsorted(segment.lines[:, 0], [region.start, region.end])
            if segment.contig != region.contig:
                self._ended, first, last = region.contig, 0, 0
            if last > first:
                yield segment.part(int(first), int(last))
            if last < len(segment.lines):
                self._segments.appendleft(segment.part(int(last), len(segment.lines)))
                return

    def _holds(self, region: Region) -> bool:
        """Whether records of `region`, if any, begin in what was read; what lies before is let go."""
        is_there = False
        for i, segment in enumerate(self._segments):
            if segment.contig != region.contig and not is_there:
                continue
            if segment.contig != region.contig or segment.lines[-1, 0] >= region.start:
                for _ in range(i):
                    self._segments.popleft()
                return True
            is_there = True
        return False


def header_lines(path: Path) -> list[str]:
    """Every line of the header as it stands in the file."""
    source = TextSource(path, "VCF")
    try:
        return source.header()
    finally:
        source.close()


def segments_of(
    path: Path, regions: Sequence[Region] | None, checked: bool = False, repeats: bool = True
) -> Iterator[Segment]:
    """Records in file order, of all contigs or with POS in `regions` (disjoint, in the file's order).

    `checked`: each line is held against VCF and its header; `repeats`: the same alleles may come twice.

    Raises:
        DeepcohortError: damaged, unsorted or malformed.
    """
    reader = _SeekingReader(path)
    checker = checker_of(reader, repeats=repeats) if checked else None
    try:
        for segment in _chosen(reader, path, regions):
            if checker is not None:
                checker.check_text(np.frombuffer(segment.text, dtype=np.uint8))
            yield from short_parts(segment)
    finally:
        reader.close()


def within_contig(segment: Segment, length: int, path: Path) -> Segment:
    """The segment with ends that no index stumbles over (END beyond the contig, or before POS).

    Raises:
        DeepcohortError: a POS beyond the contig.
    """
    pos = segment.lines[:, 0]
    if (pos < 0).any() or (pos >= length).any():
        bad = int(pos[(pos < 0) | (pos >= length)][0]) + 1
        raise DeepcohortError(
            f"{path} has a record at {segment.contig}:{bad}, which is no position of the reference "
            f"({length} bp)"
        )
    lines = segment.lines.copy()
    lines[:, 1] = np.clip(lines[:, 1], pos + 1, length)
    return Segment(segment.contig, segment.text, lines)


class IndexedSegments:
    """Records of an indexed VCF by contig, as they are asked for; header and index are read once."""

    def __init__(self, path: Path) -> None:
        """Open `path`.

        Raises:
            DeepcohortError: damaged, no VCF, or without an index.
        """
        index = read_index(path, is_vcf=True)
        if index is None:
            raise DeepcohortError(f"{path} is not indexed; run: tabix -p vcf {path}")
        self._index = index
        self._reader = _SeekingReader(path)

    def of(self, contig: str) -> Iterator[Segment]:
        """Records of `contig`, which is asked for once, and read to its end before another is."""
        yield from _at(self._reader, self._index, Region(contig, 0, _WHOLE_BP))

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def _at(reader: _SeekingReader, index: TabixIndex, region: Region) -> Iterator[Segment]:
    offset = index.offset(region.contig, region.start)
    if offset is not None:
        yield from reader.within(region, offset)


def _chosen(reader: _SeekingReader, path: Path, regions: Sequence[Region] | None) -> Iterator[Segment]:
    if regions is None:
        yield from reader.segments()
        return
    index = read_index(path, is_vcf=True)
    if index is not None:
        for region in regions:
            yield from _at(reader, index, region)
        return
    wanted = by_contig(regions)
    for segment in reader.segments():
        for region in wanted.get(segment.contig, ()):
            part = inside(segment, region)
            if len(part.lines):
                yield part


def by_contig(regions: Sequence[Region]) -> dict[str, list[Region]]:
    """Regions of each contig, in their order."""
    found: dict[str, list[Region]] = {}
    for region in regions:
        found.setdefault(region.contig, []).append(region)
    return found


def inside(segment: Segment, region: Region) -> Segment:
    """The records whose POS lies in `region`."""
    first, last = np.searchsorted(segment.lines[:, 0], [region.start, region.end])
    return segment.part(int(first), int(last))


def in_order(regions: Sequence[Region], contig_lengths: Mapping[str, int]) -> list[Region]:
    """Regions in the order of the file's contigs."""
    rank = {name: i for i, name in enumerate(contig_lengths)}
    return sorted(regions, key=lambda r: (rank.get(r.contig, len(rank)), r.start))
