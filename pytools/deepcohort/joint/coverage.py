"""Which gVCFs answer for less of the genome than the others."""

from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.region import Region, intersect, merge_regions, subtract

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
        gaps = list(subtract(asked, regions))
        if gaps:
            named = ", ".join(str(gap) for gap in gaps[:_MAX_NAMED])
            more = f" and {len(gaps) - _MAX_NAMED} more" if len(gaps) > _MAX_NAMED else ""
            lines.append(
                f"{path} does not answer for {named}{more}, as other gVCFs do: its genotypes there are ./."
            )
    if len(lines) > _MAX_FILES:
        lines = [*lines[:_MAX_FILES], f"{len(lines) - _MAX_FILES} more gVCFs leave out such regions"]
    return lines
