"""Intervals that have names: targets, genes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.core.text import bed_lines

_MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """An interval and its name; without one the name is the region's text."""

    region: Region
    name: str


def read_named(path: Path, contig_lengths: Mapping[str, int]) -> list[NamedRegion]:
    """Intervals of a BED file or interval list with the names of column 4, in file order.

    Raises:
        InputProblems: every malformed line, unknown contig and interval beyond its contig, by line number.
        DeepcohortError: the file is missing, unreadable or has no interval.
    """
    found: list[NamedRegion] = []
    problems: list[str] = []
    for number, line in bed_lines(path):
        fields = line.split("\t") if "\t" in line else line.split()
        if len(fields) < 3 or not (fields[1].isdecimal() and fields[2].strip().isdecimal()):
            problems.append(f"{path} line {number}: write CONTIG, START, END and a name, separated by tabs")
        elif int(fields[1]) > int(fields[2]) or int(fields[2]) > contig_lengths.get(fields[0], 0):
            problems.append(
                f"{path} line {number}: {fields[0]}:{fields[1]}-{fields[2]} is no interval of the reference"
            )
        else:
            region = Region(fields[0], int(fields[1]), int(fields[2]))
            found.append(NamedRegion(region, fields[3].strip() if len(fields) > 3 else str(region)))
    if problems:
        raise InputProblems(problems[:_MAX_PROBLEMS])
    if not any(len(target.region) for target in found):
        raise DeepcohortError(
            f"{path} holds no interval; give CONTIG, START, END and a name, separated by tabs"
        )
    return found
