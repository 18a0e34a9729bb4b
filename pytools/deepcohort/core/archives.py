"""Archives that came from outside: .npz, zip, deflated streams, unpacked no further than they may be.

A deflated stream of 6 MB can hold 6 GB. Every reader names the most that its file may unpack to, and
stops there; what the file says of its own size is not believed.
"""

import gzip
import io
import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]
# RuntimeError: a flipped bit says "encrypted", or names a compression that Python does not know;
# TokenError, SyntaxError: the header of an array is read before its checksum is; RecursionError and
# OverflowError: JSON nested a thousand deep, numbers beyond a float. These files are small: only a lie
# can ask for more memory than there is.
DAMAGED_ARCHIVE: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    SyntaxError,
    OverflowError,
    MemoryError,
    struct.error,
    tokenize.TokenError,
    lzma.LZMAError,
    zlib.error,
    ISAL_ERROR,
    zipfile.BadZipFile,
)

_LEAST_BOUND = 64 << 20
_MOST_RATIO = 50  # text and numbers of this field deflate to a third or a tenth
_CHUNK = 1 << 20
_NPY_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def bound_of(packed_bytes: int) -> int:
    """Most bytes that `packed_bytes` of deflated data may unpack to: 64 MiB and 50 times its size."""
    return _LEAST_BOUND + _MOST_RATIO * packed_bytes


def _told(most: int) -> ValueError:
    return ValueError(f"it unpacks to more than {most >> 20} MiB, which no such file holds")


def gunzip(data: bytes, most: int | None = None) -> bytes:
    """What gzip `data` (of one or more members) holds.

    Raises:
        ValueError: more than `most` bytes (default: `bound_of` its size).
        OSError, EOFError, zlib.error: damaged.
    """
    most = bound_of(len(data)) if most is None else most
    pieces, n_bytes = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while piece := file.read(_CHUNK):
            n_bytes += len(piece)
            if n_bytes > most:
                raise _told(most)
            pieces.append(piece)
    return b"".join(pieces)


def inflate(data: bytes, most: int) -> bytes:
    """What the zlib stream `data` holds.

    Raises:
        ValueError: more than `most` bytes, or the stream is cut.
        isal_zlib.error: damaged.
    """
    stream = isal_zlib.decompressobj()
    out = stream.decompress(data, most + 1)
    if len(out) > most:
        raise _told(most)
    if not stream.eof:
        raise ValueError("cut short")
    return bytes(out)


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Member `name` of a zip archive, stored or deflated.

    Raises:
        ValueError: more than `most` bytes, or a compression that unpacks without bound.
        KeyError, zipfile.BadZipFile, ...: see `DAMAGED_ARCHIVE`.
    """
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in an unknown way")
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _told(most)
    return data


def array_of(data: bytes) -> NDArray[np.generic]:
    """The array of .npy `data`, no larger than the data themselves.

    Raises:
        ValueError: Python objects, or a shape that does not fit the data.
    """
    file = io.BytesIO(data)
    read_header = _NPY_HEADERS.get(np.lib.format.read_magic(file))
    if read_header is None:
        raise ValueError("an array of an unknown format")
    shape, fortran, dtype = read_header(file)
    body = data[file.tell() :]
    n = 1
    for length in shape:
        n *= length
    if dtype.hasobject or min(shape, default=0) < 0 or n * dtype.itemsize != len(body):
        raise ValueError(f"an array of shape {shape} and type {dtype} in {len(body)} bytes")
    flat = np.frombuffer(body, dtype, count=n) if n and dtype.itemsize else np.zeros(n, dtype)
    return flat.reshape(shape, order="F" if fortran else "C").copy()


def read_arrays(
    source: Path | IO[bytes], names: Collection[str] | None = None, most: int | None = None
) -> dict[str, NDArray[np.generic]]:
    """The arrays `names` (default: all) of the .npz file `source`, together no larger than `most` bytes.

    `most` is `bound_of` the file's size unless given.

    Raises:
        ValueError, KeyError, zipfile.BadZipFile, ...: see `DAMAGED_ARCHIVE`.
    """
    with zipfile.ZipFile(source) as archive:
        if most is None:
            file = archive.fp
            assert file is not None
            most = bound_of(file.seek(0, io.SEEK_END))
        found = {}
        for name in [n.removesuffix(".npy") for n in archive.namelist()] if names is None else names:
            data = read_member(archive, f"{name}.npy", most)
            most -= len(data)
            found[name] = array_of(data)
    return found
