"""Which gVCFs answer for less of the genome than the others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from deepcohort.core.region import Region, intersect, merge_regions

_MAX_NAMED = 3
_MAX_FILES = 5


def uneven_coverage(stated: Sequence[tuple[Path, Sequence[Region]]], wanted: Sequence[Region]) -> list[str]:
    """Warnings, one line each: files that leave out regions which others answer for.

    Args:
        stated: files with what their headers say they answer for; none: the header does not say.
        wanted: regions to genotype.
    """
    known = [(path, merge_regions(regions)) for path, regions in stated if regions]
    anywhere = merge_regions([region for _, regions in known for region in regions])
    asked = intersect(wanted, anywhere)
    lines = []
    for path, regions in known:
        gaps = list(_without(asked, regions))
        if gaps:
            named = ", ".join(str(gap) for gap in gaps[:_MAX_NAMED])
            more = f" and {len(gaps) - _MAX_NAMED} more" if len(gaps) > _MAX_NAMED else ""
            lines.append(
                f"{path} does not answer for {named}{more}, as other gVCFs do: its genotypes there are ./."
            )
    if len(lines) > _MAX_FILES:
        lines = [*lines[:_MAX_FILES], f"{len(lines) - _MAX_FILES} more gVCFs leave out such regions"]
    return lines


def _by_contig(regions: Sequence[Region]) -> dict[str, list[Region]]:
    table: dict[str, list[Region]] = {}
    for region in regions:
        table.setdefault(region.contig, []).append(region)
    return table


def _without(a: Sequence[Region], b: Sequence[Region]) -> Iterator[Region]:
    """Stretches of `a` that `b` does not hold; each is merged and sorted within its contigs."""
    others = _by_contig(b)
    for contig, mine in _by_contig(a).items():
        holes = others.get(contig, [])
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
