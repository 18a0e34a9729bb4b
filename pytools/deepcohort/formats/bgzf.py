"""BGZF (SAM spec section 4.1) through igzip: two to three times zlib's speed."""

import os
import struct
from collections.abc import Generator
from pathlib import Path
from types import TracebackType

from isal import igzip_lib, isal_zlib

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.paths import remedy_for

MAX_BLOCK_BYTES = 65_280  # as htslib: leaves room for incompressible data within 64 KiB
EOF_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
MOST_INFLATED = 1 << 16  # bytes of a block, deflated or inflated
_HEADER = struct.Struct("<4BI2BH2BHH")
_STORED = struct.Struct("<BHH")  # last block, bytes of the data, their complement
_TRAILER = struct.Struct("<II")  # CRC-32 and bytes of the data
_READ_BYTES = 96 * 1024  # more than the largest block
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]


def compress_block(data: bytes | memoryview, level: int = 2) -> bytes:
    """One BGZF block of at most MAX_BLOCK_BYTES bytes of `data`."""
    deflate = isal_zlib.compressobj(level, isal_zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    size = len(body) + 26
    header = _HEADER.pack(31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, size - 1)
    return b"".join((header, body, _TRAILER.pack(isal_zlib.crc32(data), len(data))))


def stored_block(data: bytes | memoryview) -> bytes:
    """One BGZF block of at most MAX_BLOCK_BYTES bytes of `data`, not deflated (RFC 1951, section 3.2.4)."""
    n = len(data)
    header = _HEADER.pack(31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, n + 30)
    stored = _STORED.pack(1, n, n ^ 0xFFFF)
    return b"".join((header, stored, data, _TRAILER.pack(isal_zlib.crc32(data), n)))


class BgzfWriter:
    """Writes bytes as BGZF to `path`; blocks are full except the last, whatever the write sizes.

    Attributes:
        block_offsets: file offset of every block written so far; of the EOF block too once closed.
            Byte u of the data lies in block u // MAX_BLOCK_BYTES.
    """

    def __init__(self, path: str | Path, level: int = 2, n_stored_bytes: int = 0) -> None:
        """Open `path`; blocks before byte `n_stored_bytes` of the data are stored, not deflated."""
        self._file = open(path, "wb")  # noqa: SIM115 - closed by close()
        self._level = level
        self._n_stored_blocks = -(-n_stored_bytes // MAX_BLOCK_BYTES)
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
                self._put(self._block(view[start : start + MAX_BLOCK_BYTES]))
            self._pending = bytearray(view[whole:])

    def close(self) -> None:
        """Flush what is pending, write the EOF block and close."""
        if self._file.closed:
            return
        if self._pending:
            self._put(self._block(bytes(self._pending)))
            self._pending.clear()
        self._put(EOF_BLOCK)
        self._file.close()

    def _block(self, data: bytes | memoryview) -> bytes:
        if len(self.block_offsets) < self._n_stored_blocks:
            return stored_block(data)
        return compress_block(data, self._level)

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


def block_size(data: bytes | bytearray | memoryview, at: int) -> int:
    """Bytes of the BGZF block at `at`; 0 if its header is not complete; -1 if it is no BGZF block."""
    if len(data) - at < 18:
        return 0
    if data[at] != 31 or data[at + 1] != 139 or not data[at + 3] & 4:
        return -1
    extra_len = data[at + 10] | data[at + 11] << 8
    field = at + 12
    while field + 6 <= min(at + 12 + extra_len, len(data)):
        size = data[field + 2] | data[field + 3] << 8
        if data[field] == 66 and data[field + 1] == 67:
            return (data[field + 4] | data[field + 5] << 8) + 1
        field += 4 + size
    return -1


class DamagedBlock(ValueError):
    """What is wrong with a BGZF block, to follow its place."""


def inflate_block(data: bytes | bytearray, at: int, size: int) -> bytes:
    """What the whole BGZF block of `size` bytes (see `block_size`) at `at` holds.

    Raises:
        DamagedBlock: it does not inflate to what its end says: bytes and CRC-32.
    """
    extra_len = data[at + 10] | data[at + 11] << 8
    crc, n_bytes = _TRAILER.unpack_from(data, at + size - 8)
    if n_bytes > MOST_INFLATED:
        raise DamagedBlock(f"claims {n_bytes} bytes of data, more than BGZF allows")
    try:
        text: bytes = igzip_lib.decompress(
            memoryview(data)[at + 12 + extra_len : at + size - 8],
            flag=igzip_lib.DECOMP_DEFLATE,
            hist_bits=15,
            bufsize=max(n_bytes, 1),
        )
    except (_InflateError, EOFError, ValueError) as error:
        raise DamagedBlock(f"does not inflate ({error})") from error
    if len(text) != n_bytes or isal_zlib.crc32(text) != crc:
        raise DamagedBlock("fails its checksum")
    return text


def inflate_blocks(path: Path, offset: int) -> Generator[tuple[bytes, int], None, None]:
    """Text of each BGZF block from file offset `offset` on, with the offset that follows it.

    The file is open only while blocks are taken; what is not asked for is not kept.

    Raises:
        DeepcohortError: the file is cut short or is not BGZF.
    """
    with open(path, "rb", buffering=0) as file:
        while True:
            data = os.pread(file.fileno(), _READ_BYTES, offset)
            if not data:
                return
            at = 0
            while True:
                size = block_size(data, at)
                if size < 0 or 0 < size < 26:
                    raise DeepcohortError(
                        f"{path} is damaged at byte {offset + at} (no BGZF block begins there: is its index "
                        f"another file's?); {remedy_for(path)}"
                    )
                if size == 0 or at + size > len(data):
                    break
                try:
                    text = inflate_block(data, at, size)
                except DamagedBlock as error:
                    raise DeepcohortError(
                        f"{path} is damaged at byte {offset + at} (the block {error}); {remedy_for(path)}"
                    ) from error
                at += size
                yield text, offset + at
            if at == 0:
                raise DeepcohortError(f"{path} is truncated (cut at byte {offset}); {remedy_for(path)}")
            offset += at


def check_bgzf_vcf(path: Path, role: str = "") -> None:
    """See that `path` is a whole bgzipped text file: not plain, not gzip, not BCF, not cut short.

    Args:
        role: what the file is to the user ("calls", "truth"); stands before its name in messages.

    Raises:
        DeepcohortError: what it is instead, and what to run.
    """
    named = f"{role} {path}" if role else f"{path}"
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            head = file.read(18)
            file.seek(max(0, size - len(EOF_BLOCK)))
            tail = file.read()
    except OSError as error:
        raise DeepcohortError(f"{named} cannot be read: {error.strerror}") from error
    if size == 0:
        raise DeepcohortError(f"{named} is empty; {remedy_for(path)}")
    if head[:5] == b"BCF\2\2":
        raise _is_bcf(named, path)
    if head[:2] != b"\x1f\x8b":
        raise DeepcohortError(f"{named} is not bgzip-compressed; run: bgzip {path}, then tabix -p vcf on it")
    if block_size(head, 0) < 0:
        raise DeepcohortError(
            f"{named} is compressed by gzip, not bgzip-compressed; run: gunzip {path}, bgzip on the result, "
            "then tabix -p vcf on it"
        )
    if tail != EOF_BLOCK:
        raise DeepcohortError(f"{named} is truncated (its BGZF end marker is missing); {remedy_for(path)}")
    blocks = inflate_blocks(path, 0)
    if next(blocks, (b"", 0))[0][:5] == b"BCF\2\2":
        raise _is_bcf(named, path)


def is_bcf(path: Path) -> bool:
    """Whether `path` begins as BCF does, compressed or not."""
    with open(path, "rb") as file:
        head = file.read(18)
    if head[:2] == b"\x1f\x8b" and block_size(head, 0) > 0:
        head = next(inflate_blocks(path, 0), (b"", 0))[0]
    return head[:3] == b"BCF"


def _is_bcf(named: str, path: Path) -> DeepcohortError:
    return DeepcohortError(
        f"{named} is BCF, not VCF; run: bcftools view -Oz -o NEW.vcf.gz {path}, then tabix -p vcf on it"
    )


def next_block(path: Path, virtual_offset: int) -> int:
    """`virtual_offset`, or where the next data begin if it is the end of its block."""
    with open(path, "rb") as file:
        file_size = file.seek(0, 2)
        while virtual_offset >> 16 < file_size:
            at = virtual_offset >> 16
            file.seek(at)
            head = file.read(64)
            size = block_size(head, 0)
            if size < 26:
                return virtual_offset
            file.seek(at + size - 4)
            if int.from_bytes(file.read(4), "little") != virtual_offset & 0xFFFF:
                return virtual_offset
            virtual_offset = at + size << 16
    return virtual_offset
