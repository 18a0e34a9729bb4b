"""Text that users hand in: lists, BED, PED, tables, settings."""

import gzip
import zlib
from pathlib import Path

from deepcohort.core.errors import DeepcohortError

_GZIP_MAGIC = b"\x1f\x8b"


def text_of(path: Path) -> str:
    """What `path` holds, plain or gzipped, as UTF-8.

    Raises:
        DeepcohortError: it cannot be read, is a damaged gzip file, or is not UTF-8 text.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == _GZIP_MAGIC:
            raw = gzip.decompress(raw)
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DeepcohortError(
            f"{path} is no UTF-8 text (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DeepcohortError(f"{path} is a damaged gzip file ({error}); copy or make it again") from error
    except OSError as error:
        raise DeepcohortError(f"{path} cannot be read: {error.strerror}") from error
