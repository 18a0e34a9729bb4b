"""Where reading a region of a BAM begins: what the index says, held against the records that it points to."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.bgzf_blocks import BgzfBlocks
from deepcohort.formats.hts_index import HtsIndex

# block size, reference, position, length of the name, MAPQ, bin, CIGAR operations, flag, length of SEQ
_RECORD = struct.Struct("<3iBB3Hi")


class RecordStarts:
    """Starts of regions by an index that may be damaged: no read is lost for a wrong bin or bound.

    Offsets of an index are places where records begin. One whose record has POS beyond the region's start is
    not believed: reading begins at one before, so that all that starts in the region is seen.
    """

    def __init__(self, blocks: BgzfBlocks, index: HtsIndex, contigs: tuple[tuple[str, int], ...]) -> None:
        """For the BAM whose header lists `contigs` (name, bp)."""
        self._blocks, self._index, self._contigs = blocks, index, contigs
        self._gaps: set[int] = set()  # between contigs with records that were looked at: how many lie before
        self._bounds: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def start(self, tid: int, first: int, end: int, known: int = 0) -> int | None:
        """Virtual offset before every record of contig `tid` that overlaps [first, end); None: it has none.

        `known`: such a place by earlier reading, 0 where there is none; the later of both is the answer.

        Raises:
            DeepcohortError: the index points to where no record of this contig begins.
        """
        span = self._index.span(tid) if tid < self._index.n_contigs else None
        if span is None:
            self._check_empty(tid)
            return None
        said = self._index.start_offset(tid, first, end)
        if said is not None and said <= known:
            return known
        bounds = self._bounds_of(tid)
        if said is None:
            return max(known, self._searched(tid, bounds, first))
        if said <= span[0] or self._pos(tid, said) <= first:
            return max(known, said, span[0])
        at = int(np.searchsorted(bounds, said)) - 1
        while at > 0 and self._pos(tid, int(bounds[at])) > first:
            at -= 1
        return max(known, int(bounds[max(at, 0)]))

    def _searched(self, tid: int, bounds: NDArray[np.int64], first: int) -> int:
        """The last known place whose record starts at or before `first`."""
        low, high = 0, len(bounds)
        while high - low > 1:
            middle = (low + high) // 2
            if self._pos(tid, int(bounds[middle])) <= first:
                low = middle
            else:
                high = middle
        self._pos(tid, int(bounds[low]))
        return int(bounds[low])

    def _bounds_of(self, tid: int) -> NDArray[np.int64]:
        if self._bounds[0] != tid:
            self._bounds = (tid, self._index.bounds(tid))
            self._pos(tid, int(self._bounds[1][0]))  # whose records these are
        return self._bounds[1]

    def _check_empty(self, tid: int) -> None:
        """See that the contigs around one without records own what the index says is theirs.

        Chunks tile the file, so nothing lies between them.
        """
        occupied = self._index.occupied
        at = int(np.searchsorted(occupied, tid))
        if at in self._gaps:
            return
        for ref in occupied[max(at - 1, 0) : at].tolist():
            self._pos(ref, int(self._index.bounds(ref)[-1]))
        for ref in occupied[at : at + 1].tolist():
            self._pos(ref, int(self._index.bounds(ref)[0]))
        self._gaps.add(at)

    def _pos(self, tid: int, place: int) -> int:
        """POS of the record at virtual offset `place`, which must be one of contig `tid`."""
        try:
            data, following = self._blocks.read(place >> 16)
            data = data[place & 0xFFFF :]
            while len(data) < _RECORD.size:
                more, after = self._blocks.read(following)
                if after == following:
                    raise self._misfit(tid, place)
                data, following = data + more, after
        except DeepcohortError as error:
            raise self._misfit(tid, place) from error
        size, ref, pos, name_bytes, _, _, n_ops, _, n_bases = _RECORD.unpack_from(data)
        least = 32 + name_bytes + 4 * n_ops + (n_bases + 1) // 2 + n_bases
        if (
            ref != tid
            or name_bytes < 1
            or n_bases < 0
            or size < least
            or not -1 <= pos < self._contigs[tid][1]
        ):
            raise self._misfit(tid, place)
        return int(pos)

    def _misfit(self, tid: int, place: int) -> DeepcohortError:
        return self._index.misfit(
            Path(self._blocks.path),
            f"it points to byte {place >> 16}, where no record of {self._contigs[tid][0]} begins",
        )
