"""The index of a CRAM (.crai, CRAM specification section 12), held against its file."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError

_SPREAD_BP, _MOST_BP = 16_384, 1 << 31
_FILE_DEFINITION = 26  # bytes before the first container
_MOST_HEADER_BYTES = 400  # of a container: some ten numbers of up to nine bytes, and a few landmarks
_USUAL_HEADER_BYTES = 48  # with one landmark; more might hide a container of a read or two
_EOF_BYTES = {2: 30, 3: 38}  # of the container that ends a file, by major version


def check_crai(index: Path, cram: Path) -> None:
    """See that the slices that `index` lists follow each other through `cram`, from the first to the last.

    Raises:
        DeepcohortError: the index is damaged, or is not that of this file.
    """
    rows = _read(index, cram)
    major, last = _major_and_end(cram)
    first = _container_end(cram, _FILE_DEFINITION, major)
    slices = sorted({(offset, at, n_bytes) for _, _, _, offset, at, n_bytes in rows})
    reached, container, expected = first, -1, 0
    for offset, at, n_bytes in slices:
        if offset != container:
            # between the end of a container's slices and the next one's stands nothing
            gap = offset - reached
            if (container < 0 and offset != first) or not 0 <= gap <= _MOST_HEADER_BYTES:
                raise _misfit(index, cram, reached)
            if gap > _USUAL_HEADER_BYTES and _container_end(cram, container, major) != offset:
                raise _misfit(index, cram, reached)
            container, expected = offset, at
        if at != expected:
            raise _misfit(index, cram, offset)
        expected = at + n_bytes
        reached = offset + expected
    if last != (_container_end(cram, container, major) if slices else first):
        raise _misfit(index, cram, reached)
    places = [(ref, start) for ref, start, *_ in rows if ref >= 0]
    if places != sorted(places):
        raise _misfit(index, cram, first)


def crai_contents(index: Path, cram: Path) -> dict[int, tuple[int, int]]:
    """Bytes of the slices of each reference, and bp that they span.

    Raises:
        DeepcohortError: the index is damaged.
    """
    found: dict[int, tuple[int, int]] = {}
    for ref, _, span, _, _, n_bytes in _read(index, cram):
        if ref >= 0:
            before = found.get(ref, (0, 0))
            found[ref] = (before[0] + n_bytes, before[1] + span)
    return found


def crai_slices(index: Path, cram: Path) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """About how many bytes stretches of 16,384 bp of each reference hold: their starts in bp, bytes.

    Int64 (B,) both; the bytes of a slice are spread evenly over what it spans.

    Raises:
        DeepcohortError: the index is damaged.
    """
    found: dict[int, list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = {}
    for ref, start, span, _, _, size in _read(index, cram):
        if ref >= 0 and start > 0 and span > 0:
            bins = np.arange((start - 1) // _SPREAD_BP, min(start + span - 2, _MOST_BP) // _SPREAD_BP + 1)
            n_bytes = np.full(len(bins), size // max(len(bins), 1), np.int64)
            found.setdefault(ref, []).append((bins * _SPREAD_BP, n_bytes))
    return {
        ref: (np.concatenate([starts for starts, _ in parts]), np.concatenate([sizes for _, sizes in parts]))
        for ref, parts in found.items()
    }


def _read(index: Path, cram: Path) -> list[tuple[int, ...]]:
    """Rows: reference, start, span, offset of the container, offset and bytes of the slice within it."""
    try:
        raw = index.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("ascii")
        rows = [tuple(map(int, line.split("\t"))) for line in text.splitlines()]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DeepcohortError(f"index {index} is damaged ({error}); run: samtools index {cram}") from error
    if any(len(row) != 6 or min(row[3:]) < 0 for row in rows):
        raise DeepcohortError(f"index {index} is damaged; run: samtools index {cram}")
    return rows


def _misfit(index: Path, cram: Path, byte: int) -> DeepcohortError:
    return DeepcohortError(
        f"index {index} does not belong to {cram}: it leaves out or misplaces what stands at byte {byte}; "
        f"run: samtools index {cram}"
    )


def _major_and_end(cram: Path) -> tuple[int, int]:
    """Major version of the format, and where the containers that end the file begin.

    There may be several of them: `samtools reheader` adds one to that of the file.
    """
    with open(cram, "rb") as file:
        size = file.seek(0, 2)
        file.seek(4)
        major = int.from_bytes(file.read(1), "little")  # 0 of a file that was cut to its first four bytes
        n_bytes = _EOF_BYTES.get(major, 38)
        last = size - n_bytes
        file.seek(max(last, 0))
        ending = file.read()
        while last >= n_bytes and file.seek(last - n_bytes) >= 0 and file.read(n_bytes) == ending:
            last -= n_bytes
    return major, last


def _container_end(cram: Path, offset: int, major: int) -> int:
    """Where the container at `offset` ends (CRAM specification section 7)."""
    with open(cram, "rb") as file:
        file.seek(offset)
        data = file.read(4 * _MOST_HEADER_BYTES)
    try:
        (length,) = struct.unpack_from("<i", data)
        at = 4
        for _ in range(4):  # reference, start, span, records
            at += _itf8(data, at)[1]
        for _ in range(2):  # record counter, bases: LTF8 (the counter ITF8 in version 2)
            at += _ltf8_bytes(data[at])
        at += _itf8(data, at)[1]  # blocks
        n_landmarks, used = _itf8(data, at)
        at += used
        for _ in range(n_landmarks):
            at += _itf8(data, at)[1]
    except (struct.error, IndexError) as error:
        raise DeepcohortError(f"{cram} is truncated within its header; copy it again") from error
    return offset + at + (4 if major >= 3 else 0) + length


def _itf8(data: bytes, at: int) -> tuple[int, int]:
    """A number of ITF8 (below 2^28) and how many bytes it takes."""
    first = data[at]
    n = 1 + (first >= 0x80) + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)
    value = first & (0xFF >> n)
    for i in range(1, n):
        value = value << 8 | data[at + i]
    return value, n


def _ltf8_bytes(first: int) -> int:
    n = 1
    while n < 9 and first & (0x80 >> (n - 1)):
        n += 1
    return n
