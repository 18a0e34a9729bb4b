"""Records of a VCF in blocks of the genome that do not depend on where reading began."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from deepcohort.core.region import Region, merge_regions
from deepcohort.formats.vcf_text import Segment

BLOCK_BP = 50_000
CONTEXT_BP = 1_000  # alleles of other records so near may bear on how reads are weighed


@dataclass(frozen=True, slots=True)
class Block:
    """Record lines (without line ends) of one stretch of a contig, and those beside it.

    Attributes:
        lines: in file order. spans: (start, end) of each, 0-based half-open.
        first, last: lines[first:last] are the block's own; the others lie within CONTEXT_BP of it.
    """

    contig: str
    lines: tuple[bytes, ...]
    spans: tuple[tuple[int, int], ...]
    first: int
    last: int


@dataclass(slots=True)
class _Part:
    contig: str
    number: int
    lines: list[bytes]
    spans: list[tuple[int, int]]


def blocks_of(segments: Iterable[Segment]) -> Iterator[Block]:
    """Blocks of BLOCK_BP, cut at its multiples, of the records of `segments`."""
    before: _Part | None = None
    current: _Part | None = None
    for after in _parts(segments):
        if current is not None:
            yield _with_context(before, current, after)
        before, current = current, after
    if current is not None:
        yield _with_context(before, current, None)


def _parts(segments: Iterable[Segment]) -> Iterator[_Part]:
    part: _Part | None = None
    for segment in segments:
        numbers = segment.lines[:, 0] // BLOCK_BP
        lines = segment.text.split(b"\n")[:-1]
        spans = list(zip(segment.lines[:, 0].tolist(), segment.lines[:, 1].tolist(), strict=True))
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(lines)]
        for first, last in pairwise(cuts):
            number = int(numbers[first])
            if part is None or (part.contig, part.number) != (segment.contig, number):
                if part is not None:
                    yield part
                part = _Part(segment.contig, number, [], [])
            part.lines += lines[first:last]
            part.spans += spans[first:last]
    if part is not None:
        yield part


def _with_context(before: _Part | None, part: _Part, after: _Part | None) -> Block:
    start, stop = part.number * BLOCK_BP - CONTEXT_BP, (part.number + 1) * BLOCK_BP + CONTEXT_BP
    left = right = 0
    if before is not None and before.contig == part.contig:
        left = sum(span[0] >= start for span in before.spans)
    if after is not None and after.contig == part.contig:
        right = sum(span[0] < stop for span in after.spans)
    lines, spans = list(part.lines), list(part.spans)
    if before is not None and left:
        lines, spans = before.lines[-left:] + lines, before.spans[-left:] + spans
    if after is not None and right:
        lines, spans = lines + after.lines[:right], spans + after.spans[:right]
    return Block(part.contig, tuple(lines), tuple(spans), left, left + len(part.lines))


def to_be_read(regions: Sequence[Region], contig_lengths: dict[str, int]) -> list[Region]:
    """The whole blocks that `regions` touch, with what lies beside them."""
    grown = []
    for region in regions:
        start = region.start // BLOCK_BP * BLOCK_BP - CONTEXT_BP
        end = -(-region.end // BLOCK_BP) * BLOCK_BP + CONTEXT_BP
        length = contig_lengths.get(region.contig, end)
        grown.append(Region(region.contig, max(0, start), min(end, length)))
    return merge_regions(grown)
