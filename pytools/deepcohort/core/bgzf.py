"""BGZF (SAM spec section 4.1) through igzip: two to three times zlib's speed."""

import struct
from pathlib import Path
from types import TracebackType

from isal import isal_zlib

MAX_BLOCK_BYTES = 65_280  # as htslib: leaves room for incompressible data within 64 KiB
EOF_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_HEADER = struct.Struct("<4BI2BH2BHH")


def compress_block(data: bytes | memoryview, level: int = 2) -> bytes:
    """One BGZF block of at most MAX_BLOCK_BYTES bytes of `data`."""
    deflate = isal_zlib.compressobj(level, isal_zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    size = len(body) + 26
    header = _HEADER.pack(31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, size - 1)
    return b"".join((header, body, struct.pack("<II", isal_zlib.crc32(data), len(data))))


class BgzfWriter:
    """Writes bytes as BGZF to `path`; blocks are full except the last, whatever the write sizes.

    Attributes:
        block_offsets: file offset of every block written so far; of the EOF block too once closed.
            Byte u of the data lies in block u // MAX_BLOCK_BYTES.
    """

    def __init__(self, path: str | Path, level: int = 2) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by close()
        self._level = level
        self._pending = bytearray()
        self._offset = 0
        self.block_offsets: list[int] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append `data`."""
        self._pending += data
        if len(self._pending) >= MAX_BLOCK_BYTES:
            view = memoryview(bytes(self._pending))
            whole = len(view) // MAX_BLOCK_BYTES * MAX_BLOCK_BYTES
            for start in range(0, whole, MAX_BLOCK_BYTES):
                self._put(compress_block(view[start : start + MAX_BLOCK_BYTES], self._level))
            self._pending = bytearray(view[whole:])

    def close(self) -> None:
        """Flush what is pending, write the EOF block and close."""
        if self._file.closed:
            return
        if self._pending:
            self._put(compress_block(bytes(self._pending), self._level))
            self._pending.clear()
        self._put(EOF_BLOCK)
        self._file.close()

    def _put(self, block: bytes) -> None:
        self.block_offsets.append(self._offset)
        self._offset += len(block)
        self._file.write(block)

    def __enter__(self) -> "BgzfWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()
