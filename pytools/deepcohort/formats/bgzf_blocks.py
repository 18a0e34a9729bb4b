"""BGZF blocks (SAM spec section 4.1), inflated one by one with igzip and kept while still of use."""

import os
from collections import OrderedDict
from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.bgzf import EOF_BLOCK, MOST_INFLATED, DamagedBlock, block_size, inflate_block

_READ_BYTES = 1 << 20


class BgzfBlocks:
    """Random access to the blocks of a BGZF file; recently inflated ones are kept.

    Successive regions of a sorted file overlap by their padding, so a small memory of blocks saves
    inflating anything twice.
    """

    def __init__(self, path: str | Path, kept_bytes: int) -> None:
        """Open `path`; at most about `kept_bytes` of inflated data are remembered."""
        self.path = Path(path)
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self.size = os.fstat(self._file.fileno()).st_size
        self._kept: OrderedDict[int, tuple[bytes, int]] = OrderedDict()
        self._kept_limit = kept_bytes
        self._kept_now = 0
        self._raw = bytearray(_READ_BYTES)  # the file from _raw_start on, _raw_length bytes
        self._raw_start = self._raw_length = 0

    def has_eof_block(self) -> bool:
        """Whether the file ends with the empty block that marks a whole BGZF file."""
        tail = os.pread(self._file.fileno(), len(EOF_BLOCK), max(0, self.size - len(EOF_BLOCK)))
        return tail == EOF_BLOCK

    def read(self, offset: int) -> tuple[bytes, int]:
        """Inflated bytes of the block at file `offset`, and the offset of the next block.

        At the end of the file: (b"", offset).

        Raises:
            DeepcohortError: the block is cut or damaged.
        """
        kept = self._kept.get(offset)
        if kept is not None:
            return kept
        if offset >= self.size:
            return b"", offset
        data, following = self._inflate(offset)
        self._kept[offset] = (data, following)
        self._kept_now += len(data)
        while self._kept_now > self._kept_limit:
            _, (dropped, _) = self._kept.popitem(last=False)
            self._kept_now -= len(dropped)
        return data, following

    def _inflate(self, offset: int) -> tuple[bytes, int]:
        start = offset - self._raw_start
        if start < 0 or start + MOST_INFLATED > self._raw_length:
            self._raw_length = os.preadv(self._file.fileno(), [self._raw], offset)
            self._raw_start, start = offset, 0
        if self._raw_length < start + 28:
            raise self._damaged(offset, "is cut short")
        size = block_size(self._raw, start)
        if size < 0:
            raise self._damaged(offset, "is not a BGZF block")
        if size < 26 or start + size > self._raw_length:
            raise self._damaged(offset, "is cut short")
        try:
            return inflate_block(self._raw, start, size), offset + size
        except DamagedBlock as error:
            raise self._damaged(offset, str(error)) from error

    def _damaged(self, offset: int, what: str) -> DeepcohortError:
        return DeepcohortError(
            f"{self.path} is truncated or damaged: the block at byte {offset} {what}; "
            f"copy the file again (check with: samtools quickcheck {self.path})"
        )

    def close(self) -> None:
        """Close the file and forget the blocks."""
        self._file.close()
        self._kept.clear()
