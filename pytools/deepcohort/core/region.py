"""Genomic intervals: 0-based half-open inside, 1-based inclusive in text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deepcohort.core.errors import DeepcohortError

# START, START- or START-END; no position has 18 digits
_PLACE = re.compile(r"(\d[\d,]{0,17})(?:-(\d[\d,]{0,17})?)?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """Interval of one contig: `start` and `end` in bp, 0-based half-open."""

    contig: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.end < self.start:
            raise DeepcohortError(
                f"region {self.contig}:{self.start + 1}-{self.end} is reversed or starts before 1"
            )

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.contig}:{self.start + 1}-{self.end}"

    def padded(self, pad_bp: int, contig_length: int) -> "Region":
        """This region grown by `pad_bp` on both sides, cut at the contig's ends."""
        return Region(self.contig, max(0, self.start - pad_bp), min(contig_length, self.end + pad_bp))

    def contains(self, pos: int) -> bool:
        """Whether the 0-based `pos` lies inside."""
        return self.start <= pos < self.end


def parse_region(text: str, contig_lengths: dict[str, int]) -> Region:
    """Region named by samtools-style text (`chr1`, `chr1:5`, `chr1:1-1,000`; 1-based inclusive).

    Contig names that contain colons are tried whole first, as htslib does. `end` beyond the
    contig is cut to its length.

    Raises:
        DeepcohortError: unknown contig, malformed numbers, or an empty region.
    """
    if text in contig_lengths:
        return Region(text, 0, contig_lengths[text])
    head, _, tail = text.rpartition(":")
    match = _PLACE.fullmatch(tail) if head else None
    if match is None or head not in contig_lengths:
        known = ", ".join(list(contig_lengths)[:3])
        raise DeepcohortError(
            f"region '{text}' names no contig of the reference (it has {len(contig_lengths)}: {known}, ...); "
            "write CONTIG or CONTIG:START-END"
        )
    length = contig_lengths[head]
    start = int(match[1].replace(",", "")) - 1
    end = int(match[2].replace(",", "")) if match[2] else length
    if start < 0 or start >= min(end, length):
        raise DeepcohortError(f"region '{text}' is empty: {head} has positions 1 to {length}")
    return Region(head, start, min(end, length))


def merge_regions(regions: Iterable[Region]) -> list[Region]:
    """Union of `regions` as sorted, disjoint intervals; neighbours that touch become one."""
    merged: list[Region] = []
    for region in sorted(regions):
        last = merged[-1] if merged else None
        if last and last.contig == region.contig and region.start <= last.end:
            merged[-1] = Region(last.contig, last.start, max(last.end, region.end))
        elif len(region):
            merged.append(region)
    return merged


def intersect(regions: Iterable[Region], wanted: Iterable[Region]) -> list[Region]:
    """The parts of `regions` (disjoint, sorted within each contig) that lie in the union of `wanted`."""
    union: dict[str, list[Region]] = {}
    for region in merge_regions(wanted):
        union.setdefault(region.contig, []).append(region)
    reached: dict[str, int] = {}
    found = []
    for region in regions:
        theirs = union.get(region.contig, [])
        at = reached.get(region.contig, 0)
        while at < len(theirs) and theirs[at].end <= region.start:
            at += 1
        reached[region.contig] = at
        while at < len(theirs) and theirs[at].start < region.end:
            start, end = max(region.start, theirs[at].start), min(region.end, theirs[at].end)
            found.append(Region(region.contig, start, end))
            at += 1
    return found


def subtract(regions: Sequence[Region], others: Sequence[Region]) -> Iterator[Region]:
    """Stretches of `regions` that `others` do not hold; both are disjoint and sorted within their contigs."""
    holes_of = _by_contig(others)
    for contig, mine in _by_contig(regions).items():
        holes = holes_of.get(contig, [])
        j = 0
        for region in mine:
            start = region.start
            while j < len(holes) and holes[j].end <= start:
                j += 1
            k = j
            while k < len(holes) and holes[k].start < region.end:
                if holes[k].start > start:
                    yield Region(contig, start, holes[k].start)
                start = max(start, holes[k].end)
                k += 1
            if start < region.end:
                yield Region(contig, start, region.end)


def _by_contig(regions: Sequence[Region]) -> dict[str, list[Region]]:
    table: dict[str, list[Region]] = {}
    for region in regions:
        table.setdefault(region.contig, []).append(region)
    return table
