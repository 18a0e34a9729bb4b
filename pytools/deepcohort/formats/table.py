"""Tables of text in: the one reader of TSV and CSV files with a header.

What is taken: plain or gzipped UTF-8 with or without a byte order mark; lines ended by LF, CRLF or CR; cells
in double quotes, as spreadsheets write them; blanks around cells are dropped, rows without any cell passed
over. The header is the first line. Everything else is refused: a blank first line, columns that are missing,
unknown or there twice, rows of more or fewer cells than the header, and numbers that are none.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.text import text_of

MAX_PROBLEMS = 20
_SHOWN = 40  # characters of a cell in a message
_NAMES = {"\t": "tabs", ",": "commas"}


class MalformedTable(ValueError):
    """Text that is no CSV from `line` (counted from 1) on."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: `place` is what messages call it, `line` its last line in the file (from 1), cells by column."""

    place: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def get(self, column: str) -> str:
        """The cell, or "" where the table lacks the column."""
        return self.cells.get(column, "")

    def whole(self, column: str) -> int:
        """A whole number; `9.0` is one.

        Raises:
            DeepcohortError: it is none.
        """
        value = self.real(column)
        if not value.is_integer():
            raise DeepcohortError(f"{self.place}: {column} must be a whole number, not {self._shown(column)}")
        return int(value)

    def real(self, column: str) -> float:
        """A number; `nan` and `inf` are.

        Raises:
            DeepcohortError: it is none.
        """
        text = self.cells[column]
        try:
            if text.isascii() and "_" not in text:
                return float(text)
        except ValueError:
            pass
        raise DeepcohortError(f"{self.place}: {column} must be a number, not {self._shown(column)}")

    def _shown(self, column: str) -> str:
        return repr(self.cells[column][:_SHOWN])


def read_table(
    path: Path,
    what: str,
    needed: Sequence[str],
    known: Sequence[str] | None = None,
    delimiter: str = "\t",
    unfinished: bool = False,
) -> list[TableRow]:
    """Rows of a table, in file order.

    Args:
        path: the file. what: what messages call it, such as "manifest".
        needed: columns that must be there. known: all that may be; None takes others too.
        delimiter: tab or comma.
        unfinished: its writer may have been killed: a last line that does not end is left out.

    Raises:
        InputProblems: every malformed row, by its line (the first 20, and how many more there are).
        DeepcohortError: the file is missing or unreadable, or its header is not as asked for.
    """
    lines = _lines_of(path, what, delimiter, unfinished=unfinished)
    if not lines:
        raise DeepcohortError(f"{what} {path} is empty; it needs a header with {', '.join(needed)}")
    header = lines[0][1]
    _check_header(f"{what} {path}", header, needed, known, delimiter)
    rows, problems = [], []
    for number, cells in lines[1:]:
        place = f"{what} {path} line {number}"
        if len(cells) == len(header):
            rows.append(TableRow(place, number, dict(zip(header, cells, strict=True))))
        elif any(cells):
            problems.append(f"{place} has {len(cells)} cells; its header has {len(header)} columns")
    _refuse(problems, f"{what} {path}")
    return [row for row in rows if any(row.cells.values())]


def read_columns(path: Path, what: str, columns: Sequence[str]) -> list[TableRow]:
    """Rows of a tab-separated list that needs no header: the first cells are `columns`, others are ignored.

    Lines that begin with `#` are comments; a line that names the columns is a header.

    Raises:
        InputProblems: every row of fewer cells, by its line.
        DeepcohortError: the file is missing or unreadable.
    """
    rows, problems = [], []
    for number, cells in _lines_of(path, what, "\t", quoted=False):
        if not any(cells) or cells[0].startswith("#") or cells[: len(columns)] == list(columns):
            continue
        place = f"{what} {path} line {number}"
        if len(cells) < len(columns):
            shown = "\t".join(cells)[:_SHOWN]
            problems.append(f"{place} has no tab between {' and '.join(columns)}: {shown!r}")
        else:
            rows.append(TableRow(place, number, dict(zip(columns, cells, strict=False))))
    _refuse(problems, f"{what} {path}")
    return rows


def _lines_of(
    path: Path, what: str, delimiter: str, unfinished: bool = False, quoted: bool = True
) -> list[tuple[int, list[str]]]:
    """`table_lines` of a file; of an `unfinished` one without a last line that does not end.

    Raises:
        DeepcohortError: the file is missing, unreadable or malformed.
    """
    if not path.exists():
        raise DeepcohortError(f"{what} {path} does not exist")
    text = text_of(path)
    if unfinished:
        text = text[: text.rfind("\n") + 1]
    try:
        return list(table_lines(text, delimiter, quoted))
    except MalformedTable as error:
        raise DeepcohortError(f"{what} {path} line {error.line} is malformed ({error})") from error


def table_lines(text: str, delimiter: str, quoted: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Last line (from 1) and stripped cells of each record, the header's and blank ones too.

    `quoted`: cells may stand in double quotes, as CSV has them; otherwise quotes are letters.

    Raises:
        MalformedTable: quotes that do not end, or text after them.
    """
    reader = csv.reader(
        io.StringIO(text.removeprefix("\ufeff"), newline=None),
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise MalformedTable(reader.line_num, str(error)) from error


def _check_header(
    name: str, header: Sequence[str], needed: Sequence[str], known: Sequence[str] | None, delimiter: str
) -> None:
    """Refuse a header without `needed`, with others than `known`, or with a column twice."""
    if not any(header):
        raise DeepcohortError(f"{name} line 1 is blank; the header must be the first line")
    missing = [column for column in needed if column not in header]
    unknown = [column for column in header if known is not None and column not in known]
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise DeepcohortError(f"{name} has two columns {twice[0][:_SHOWN]}; keep one")
    if missing or unknown:
        optional = [column for column in known or () if column not in needed]
        raise DeepcohortError(
            f"{name} needs a header with the columns {', '.join(needed)}, separated by {_NAMES[delimiter]}"
            + (f"; it may have {', '.join(optional)}" if optional else "")
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; unknown: {', '.join(column[:_SHOWN] for column in unknown)}" if unknown else "")
        )


def _refuse(problems: list[str], name: str) -> None:
    if problems:
        n_more = len(problems) - MAX_PROBLEMS
        more = [f"{name}: {n_more} more lines are wrong"] if n_more > 0 else []
        raise InputProblems(problems[:MAX_PROBLEMS] + more)
