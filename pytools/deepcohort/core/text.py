"""Text that users hand in."""

import gzip
import re
import zlib
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


def table_cell(value: str) -> str:
    """`value` as a cell of a TSV: one line, no tab, and never a formula to a spreadsheet.

    A text that a spreadsheet would run gets an apostrophe before it, which spreadsheets do not show.
    """
    plain = " ".join(re.split(r"[\t\r\n]+", value))
    return f"'{plain}" if _FORMULA.match(plain) else plain
