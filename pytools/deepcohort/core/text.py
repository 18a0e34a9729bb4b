"""Text that users hand in: lists, BED, PED, tables, settings."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from deepcohort.core.archives import gunzip
from deepcohort.core.errors import DeepcohortError

# what a spreadsheet would run when it opens a table: a formula, not a number or a range of numbers
_FORMULA = re.compile(r"[=@]|[+-].*[(|!=&]", re.DOTALL)
_GZIP_MAGIC = b"\x1f\x8b"


def text_of(path: Path) -> str:
    """What `path` holds, plain or gzipped, as UTF-8.

    Raises:
        DeepcohortError: it cannot be read, is a damaged gzip file or unpacks without end, or is not UTF-8
            text.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == _GZIP_MAGIC:
            raw = gunzip(raw)
        return raw.decode("utf-8-sig")  # without a byte order mark
    except UnicodeDecodeError as error:
        raise DeepcohortError(
            f"{path} is no UTF-8 text (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DeepcohortError(f"{path} is a damaged gzip file ({error}); copy or make it again") from error
    except ValueError as error:
        raise DeepcohortError(f"{path} cannot be read: {error}; copy or make it again") from error
    except OSError as error:
        raise DeepcohortError(f"{path} cannot be read: {error.strerror}") from error


def bed_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Rows of a BED file and their numbers, from 1; blank lines, comments and browser lines are passed over.

    Picard's interval list (1-based, with a SAM header) comes as BED: its name is column 4.

    Raises:
        DeepcohortError: see `text_of`; or a malformed line of an interval list.
    """
    is_list = False
    for number, line in enumerate(io.StringIO(text_of(path), newline=None), start=1):
        if line.startswith("@") and (is_list or number == 1):
            is_list = True
        elif line.strip() and not line.startswith(("#", "track", "browser")):
            row = line.removesuffix("\n")
            yield number, _bed_of_interval(row, path, number) if is_list else row


def _bed_of_interval(line: str, path: Path, number: int) -> str:
    fields = line.split("\t")
    if len(fields) < 3 or not (fields[1].isdecimal() and fields[2].isdecimal()) or int(fields[1]) < 1:
        raise DeepcohortError(
            f"{path} line {number} is no interval; write CONTIG, START (from 1), END, STRAND and NAME, "
            "separated by tabs"
        )
    return "\t".join((fields[0], str(int(fields[1]) - 1), fields[2], *fields[4:5]))


def table_cell(value: str) -> str:
    """`value` as a cell of a TSV: one line, no tab, and never a formula to a spreadsheet.

    A text that a spreadsheet would run gets an apostrophe before it, which spreadsheets do not show.
    """
    plain = " ".join(re.split(r"[\t\r\n]+", value))
    return f"'{plain}" if _FORMULA.match(plain) else plain
