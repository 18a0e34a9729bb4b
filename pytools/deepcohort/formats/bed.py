"""BED and Picard interval lists in: the one reader of every command.

What is taken: plain or gzipped UTF-8 with or without a byte order mark; lines ended by LF or CRLF; blank
lines, comments, `track` and `browser` lines are passed over; columns apart by tabs or, in a line without
tabs, by blanks. Intervals may overlap and come in any order. An interval of no base is valid BED and holds
nothing. Everything else is refused, all lines together.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.genome import other_naming
from deepcohort.core.region import Region, merge_regions
from deepcohort.core.text import text_of

MAX_PROBLEMS = 20
_MOST_DIGITS = 15  # fits int64
Intervals = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """An interval and its name (column 4); without one the name is the region's text."""

    region: Region
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class BedTable:
    """N intervals of a BED file, in file order; each holds a base.

    Attributes:
        path: the file. contigs: names that occur, in order of appearance.
        contig: int32 (N,), index into `contigs`. start, end: int64 (N,), bp, 0-based half-open.
        line: int32 (N,), number in the file, from 1. more: N tuples, the columns after the third.
    """

    path: Path
    contigs: tuple[str, ...]
    contig: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    line: NDArray[np.int32]
    more: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def bp(self) -> int:
        """Bases of all intervals; where two overlap they count twice."""
        return int((self.end - self.start).sum())

    def regions(self) -> list[Region]:
        """Intervals in file order."""
        return [region for region, _ in self.rows()]

    def rows(self) -> list[tuple[Region, tuple[str, ...]]]:
        """Intervals in file order and the columns after the third."""
        columns = zip(self.contig.tolist(), self.start.tolist(), self.end.tolist(), self.more, strict=True)
        return [(Region(self.contigs[c], start, end), more) for c, start, end, more in columns]

    def named(self) -> list[NamedRegion]:
        """Intervals in file order and their names."""
        return [NamedRegion(r, more[0] if more and more[0] else str(r)) for r, more in self.rows()]

    def merged(self) -> list[Region]:
        """The union: sorted, disjoint; intervals that touch become one."""
        return merge_regions(self.regions())

    def columns(self) -> Intervals:
        """The union as sorted disjoint (starts, ends), int64, by contig; intervals that touch become one."""
        order = np.argsort(self.contig, kind="stable")
        ends = np.cumsum(np.bincount(self.contig, minlength=len(self.contigs)))
        own = np.split(order, ends[:-1])
        return {
            name: _union(self.start[rows], self.end[rows])
            for name, rows in zip(self.contigs, own, strict=True)
        }


def read_bed(
    path: str | Path,
    contig_lengths: Mapping[str, int] | None,
    unknown: Literal["refuse", "skip"] = "refuse",
    overhang: Literal["refuse", "cut"] = "refuse",
    more_problem: Callable[[tuple[str, ...]], str] = lambda more: "",
) -> BedTable:
    """Intervals of a BED file or interval list.

    Args:
        path: the file.
        contig_lengths: of the reference, to check against; None takes any contig and any end.
        unknown: what becomes of lines on contigs that the reference lacks.
        overhang: what becomes of intervals that reach beyond the end of their contig.
        more_problem: what is wrong with the columns after the third of a line, or "".

    Raises:
        InputProblems: every malformed line, by its number (the first 20, and how many more there are).
        DeepcohortError: the file is missing or unreadable, or holds no base of the reference.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"BED {path} does not exist")
    reader = _Reader(path, contig_lengths, unknown, overhang, more_problem)
    for number, fields in bed_lines(path):
        reader.take(number, fields)
    return reader.table()


def write_bed(path: Path, regions: list[Region]) -> None:
    """Three columns, a line each."""
    path.write_text("".join(f"{r.contig}\t{r.start}\t{r.end}\n" for r in regions))


class _Reader:
    """Collects rows and problems of one file."""

    def __init__(
        self,
        path: Path,
        lengths: Mapping[str, int] | None,
        unknown: str,
        overhang: str,
        more_problem: Callable[[tuple[str, ...]], str],
    ) -> None:
        self.path, self.lengths, self.unknown, self.overhang = path, lengths, unknown, overhang
        self.more_problem = more_problem
        self.index: dict[str, int] = {}
        self.rows: list[tuple[int, int, int, int]] = []
        self.more: list[tuple[str, ...]] = []
        self.strangers: dict[str, None] = {}
        self.problems: list[str] = []

    def take(self, number: int, fields: list[str]) -> None:
        """One line."""
        more = tuple(fields[3:])
        problem = self._problem(fields) or self.more_problem(more)
        if problem:
            self.problems.append(f"{self.path} line {number}: {problem}")
            return
        contig, start, end = fields[0], int(fields[1]), int(fields[2])
        if self.lengths is not None:
            length = self.lengths.get(contig)
            if length is None:
                self.strangers.setdefault(contig)
                return
            if end > length:
                end = length
        if start < end:
            self.rows.append((self.index.setdefault(contig, len(self.index)), start, end, number))
            self.more.append(more)

    def _problem(self, fields: list[str]) -> str:
        """What is wrong with the columns of a line, or nothing."""
        if len(fields) < 3:
            return "fewer than 3 columns (CONTIG, START, END)"
        contig = fields[0]
        if not contig:
            return "no contig in column 1"
        if self.lengths is not None and contig not in self.lengths and self.unknown == "refuse":
            other = other_naming(contig)
            hint = f"; did you mean {other}?" if other in self.lengths else ""
            return f"contig {contig} is not in the reference{hint}"
        if not (_is_count(fields[1]) and _is_count(fields[2])):
            return f"start and end must be whole numbers, not {fields[1][:20]!r} and {fields[2][:20]!r}"
        start, end = int(fields[1]), int(fields[2])
        if start > end:
            return f"start {start} lies after end {end}"
        length = None if self.lengths is None else self.lengths.get(contig)
        if length is not None and end > length and self.overhang == "refuse":
            return f"end {end} lies beyond {contig} ({length} bp); is it for another reference?"
        return ""

    def table(self) -> BedTable:
        """Everything taken, if nothing was wrong and something is there."""
        if self.problems:
            n_more = len(self.problems) - MAX_PROBLEMS
            told = [f"{self.path}: {n_more} more lines are wrong"] if n_more > 0 else []
            raise InputProblems(self.problems[:MAX_PROBLEMS] + told)
        if not self.rows:
            if self.strangers and self.lengths is not None:
                theirs, ours = (", ".join(list(names)[:3]) for names in (self.strangers, self.lengths))
                raise DeepcohortError(
                    f"BED {self.path} names no contig of the reference (BED: {theirs}; reference: {ours}); "
                    "use a BED for this reference"
                )
            raise DeepcohortError(f"{self.path} holds no interval; give CONTIG, START, END separated by tabs")
        columns = np.array(self.rows, dtype=np.int64)
        return BedTable(
            self.path,
            tuple(self.index),
            columns[:, 0].astype(np.int32),
            columns[:, 1],
            columns[:, 2],
            columns[:, 3].astype(np.int32),
            tuple(self.more),
        )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _union(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    fresh = np.concatenate([[True], starts[1:] > ends[:-1]])
    last = np.concatenate([fresh[1:], [True]])
    return starts[fresh], ends[last]


def bed_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Columns of the lines that hold an interval, as BED has them, and their numbers."""
    is_list = False
    for number, line in enumerate(io.StringIO(text_of(path), newline=None), start=1):
        if line.startswith("@") and (is_list or number == 1):
            is_list = True
        elif line.strip() and not _is_header(line):
            cells = line.rstrip().split("\t") if "\t" in line else line.split()
            if " " in line:
                cells = [cell.strip() for cell in cells]
            yield number, _of_list(cells, path, number) if is_list else cells


def _is_header(line: str) -> bool:
    """A comment, or a line for a genome browser; a contig may be called track1."""
    return line[0] == "#" or (line[0] in "tb" and line.split(None, 1)[0] in ("track", "browser"))


def _of_list(fields: list[str], path: Path, number: int) -> list[str]:
    """A line of Picard's interval list (1-based, with a SAM header) as BED: its name is column 4."""
    if len(fields) < 3 or not (_is_count(fields[1]) and _is_count(fields[2])) or int(fields[1]) < 1:
        raise DeepcohortError(
            f"{path} line {number} is no interval; write CONTIG, START (from 1), END, STRAND and NAME, "
            "separated by tabs"
        )
    return [fields[0], str(int(fields[1]) - 1), fields[2], *fields[4:5]]
