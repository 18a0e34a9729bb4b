"""Copies of each stretch of the genome that a sample has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.genome import MITOCHONDRIAL_NAMES, X_NAMES, Y_NAMES, pseudo_autosomal
from deepcohort.core.region import Region
from deepcohort.formats.bed import read_bed

SEXES = ("XX", "XY", "NA")


@dataclass(frozen=True, slots=True)
class PloidyMap:
    """Ploidy (0, 1 or 2) everywhere: `default` outside `intervals`; of overlapping intervals the last rules.

    Ploidy 0 (Y of an XX sample) means that nothing is called and blocks carry no genotype.
    """

    default: int = 2
    intervals: tuple[tuple[Region, int], ...] = ()

    def array(self, region: Region) -> NDArray[np.int8]:
        """Ploidy of every base of `region`, int8 (len(region),)."""
        ploidy = np.full(len(region), self.default, dtype=np.int8)
        for interval, value in self.intervals:
            if interval.contig == region.contig:
                low, high = max(interval.start, region.start), min(interval.end, region.end)
                if low < high:
                    ploidy[low - region.start : high - region.start] = value
        return ploidy


def ploidy_of_sex(sex: str, contig_lengths: Mapping[str, int]) -> list[tuple[Region, int]]:
    """Intervals that differ from diploid: X and Y outside the pseudo-autosomal regions of an XY sample,
    Y of an XX sample.

    The pseudo-autosomal regions are known for GRCh37 and GRCh38, told by the contigs' lengths; on
    another assembly X and Y have none. On Y they stay diploid: masked assemblies hold N there, on
    others reads of either copy align to both.

    Raises:
        DeepcohortError: unknown sex.
    """
    if sex not in SEXES:
        raise DeepcohortError(f"sex '{sex}' is unknown; give one of {', '.join(SEXES)}")
    found: list[tuple[Region, int]] = []
    if sex == "NA":
        return found
    for contig, length in contig_lengths.items():
        if (contig in X_NAMES and sex == "XX") or contig not in X_NAMES | Y_NAMES:
            continue
        found.append((Region(contig, 0, length), 1 if sex == "XY" else 0))
        if sex == "XY":
            found += [(Region(contig, start, end), 2) for start, end in pseudo_autosomal(contig, length)]
    return found


def read_ploidy_bed(path: str | Path, contig_lengths: Mapping[str, int]) -> list[tuple[Region, int]]:
    """Intervals of a BED file whose fourth column (or fifth, after a name) is the ploidy: 0, 1 or 2.

    Raises:
        InputProblems: every malformed line, with its number.
        DeepcohortError: see `read_bed`.
    """
    table = read_bed(path, contig_lengths, more_problem=_ploidy_problem)
    return [(region, int(_ploidy_text(more))) for region, more in table.rows()]


def _ploidy_text(more: tuple[str, ...]) -> str:
    return next((field for field in more[:2] if field in ("0", "1", "2")), "")


def _ploidy_problem(more: tuple[str, ...]) -> str:
    return "" if _ploidy_text(more) else "write contig, start, end and a ploidy of 0, 1 or 2"


def make_ploidy_map(
    contig_lengths: Mapping[str, int],
    sex: str = "NA",
    bed: str | Path | None = None,
    default: int = 2,
) -> PloidyMap:
    """Map from the sample's sex, overruled by a ploidy BED where given. Mitochondria have one copy.

    Raises:
        DeepcohortError: see `ploidy_of_sex` and `read_ploidy_bed`; or a default that is not 1 or 2.
    """
    if default not in (1, 2):
        raise DeepcohortError(f"ploidy {default} is not supported; choose 1 or 2")
    intervals: Sequence[tuple[Region, int]] = [
        *((Region(name, 0, bp), 1) for name, bp in contig_lengths.items() if name in MITOCHONDRIAL_NAMES),
        *ploidy_of_sex(sex, contig_lengths),
    ]
    if bed is not None:
        intervals = [*intervals, *read_ploidy_bed(bed, contig_lengths)]
    return PloidyMap(default, tuple(intervals))
