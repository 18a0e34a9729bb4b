"""Copies of each stretch of the genome that a sample has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.core.text import bed_lines

# Pseudo-autosomal regions, 0-based half-open, by length of the contig (Genome Reference Consortium)
_PAR = {
    156_040_895: ((10_000, 2_781_479), (155_701_382, 156_030_895)),  # X, GRCh38
    57_227_415: ((10_000, 2_781_479), (56_887_902, 57_217_415)),  # Y, GRCh38
    155_270_560: ((60_000, 2_699_520), (154_931_043, 155_260_560)),  # X, GRCh37
    59_373_566: ((10_000, 2_649_520), (59_034_049, 59_363_566)),  # Y, GRCh37
}
X_NAMES = frozenset(("X", "chrX"))
Y_NAMES = frozenset(("Y", "chrY"))
MITOCHONDRIAL_NAMES = frozenset(("M", "MT", "chrM", "chrMT"))
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
            found += [(Region(contig, start, end), 2) for start, end in _PAR.get(length, ())]
    return found


def read_ploidy_bed(path: str | Path, contig_lengths: Mapping[str, int]) -> list[tuple[Region, int]]:
    """Intervals of a BED file whose fourth column (or fifth, after a name) is the ploidy: 0, 1 or 2.

    Raises:
        InputProblems: every malformed line, with its number.
        DeepcohortError: no such file.
    """
    found: list[tuple[Region, int]] = []
    problems: list[str] = []
    for number, line in bed_lines(Path(path)):
        fields = line.split()
        value = next((f for f in fields[3:5] if f in ("0", "1", "2")), None)
        if value is None or not (fields[1].isdecimal() and fields[2].isdecimal()):
            problems.append(f"{path} line {number}: write contig, start, end and a ploidy of 0, 1 or 2")
        elif fields[0] not in contig_lengths:
            problems.append(f"{path} line {number}: the reference has no contig {fields[0]}")
        elif int(fields[1]) >= min(int(fields[2]), contig_lengths[fields[0]]):
            problems.append(f"{path} line {number}: the interval is empty or beyond the end of {fields[0]}")
        else:
            end = min(int(fields[2]), contig_lengths[fields[0]])
            found.append((Region(fields[0], int(fields[1]), end), int(value)))
    if problems:
        raise InputProblems(problems)
    return found


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
