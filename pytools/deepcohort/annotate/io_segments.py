"""Segments of a VCF: all of it, or regions of it by its index."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from isal import igzip

from deepcohort.annotate.alleles import short_parts
from deepcohort.annotate.text_source import TextSource, read_index
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.vcf_check import checker_of
from deepcohort.formats.vcf_text import Segment, VcfTextReader


class _SeekingReader(VcfTextReader):
    def seek(self, virtual_offset: int) -> None:
        """Go on at a BGZF virtual offset."""
        self._file.close()
        raw = open(self.path, "rb")  # noqa: SIM115 - closed with the reader
        raw.seek(virtual_offset >> 16)
        self._file = igzip.IGzipFile(fileobj=raw, mode="rb")
        self._file.read(virtual_offset & 0xFFFF)
        self._rest = b""
        self._segments.clear()


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


def _chosen(reader: _SeekingReader, path: Path, regions: Sequence[Region] | None) -> Iterator[Segment]:
    if regions is None:
        yield from reader.segments()
        return
    index = read_index(path, is_vcf=True)
    if index is not None:
        for region in regions:
            offset = index.offset(region.contig, region.start)
            if offset is not None:
                reader.seek(offset)
                yield from _until(reader, region)
        return
    by_contig: dict[str, list[Region]] = {}
    for region in regions:
        by_contig.setdefault(region.contig, []).append(region)
    for segment in reader.segments():
        for region in by_contig.get(segment.contig, []):
            part = inside(segment, region)
            if len(part.lines):
                yield part


def _until(reader: VcfTextReader, region: Region) -> Iterator[Segment]:
    for segment in reader.segments():
        if segment.contig != region.contig or segment.lines[0, 0] >= region.end:
            return
        part = inside(segment, region)
        if len(part.lines):
            yield part


def inside(segment: Segment, region: Region) -> Segment:
    """The records whose POS lies in `region`."""
    first, last = np.searchsorted(segment.lines[:, 0], [region.start, region.end])
    return segment.part(int(first), int(last))


def in_order(regions: Sequence[Region], contig_lengths: Mapping[str, int]) -> list[Region]:
    """Regions in the order of the file's contigs."""
    rank = {name: i for i, name in enumerate(contig_lengths)}
    return sorted(regions, key=lambda r: (rank.get(r.contig, len(rank)), r.start))
