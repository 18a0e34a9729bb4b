"""CRAM indexes (CRAM specification, appendix): what they must account for before htslib trusts them."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import gunzip
from deepcohort.core.errors import DeepcohortError

_FILE_DEFINITION_BYTES = 26
_EOF_BYTES = (38, 30)  # of CRAM 3 and 2.1
_LEAST_HEADER, _MOST_HEADER = 12, 100  # of a container with one slice; 5 more for each further one
_CONTIG, _START, _SPAN, _CONTAINER, _SLICE, _SIZE = range(6)


def check_crai(cram: Path, index: Path, n_contigs: int) -> None:
    """See that `index` accounts for every container of `cram`, in order: what it leaves out is never read.

    Raises:
        DeepcohortError: it does not, or is damaged.
    """
    try:
        rows = _rows(index)
        if len(rows):
            _check_order(rows, n_contigs)
            _check_tiling(rows, cram)
    except (OSError, EOFError, ValueError, OverflowError, struct.error, zlib.error) as error:
        raise DeepcohortError(
            f"index {index} is damaged, or of another file than {cram} ({error}); run: samtools index {cram}"
        ) from error


def _rows(index: Path) -> NDArray[np.int64]:
    """Contig, start, span, container offset, slice offset and slice size of each slice, int64 (N, 6)."""
    data = index.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gunzip(data)
    lines = data.decode("ascii").splitlines()
    rows = [[int(word) for word in line.split("\t")] for line in lines]
    if any(len(row) != 6 for row in rows):
        raise ValueError("a line has other than six columns")
    return np.array(rows, np.int64).reshape(-1, 6)


def _check_order(rows: NDArray[np.int64], n_contigs: int) -> None:
    contig, start, span = rows[:, _CONTIG], rows[:, _START], rows[:, _SPAN]
    if (contig < -1).any() or (contig >= n_contigs).any() or (span < 0).any() or (rows[:, _SIZE] <= 0).any():
        raise ValueError("a slice of no contig or no length")
    rank = np.where(contig < 0, n_contigs, contig)  # reads without a place come last
    later = np.diff(rank)
    if (later < 0).any() or ((later == 0) & (np.diff(start) < 0) & (contig[1:] >= 0)).any():
        raise ValueError("its slices are out of order")


def _check_tiling(rows: NDArray[np.int64], cram: Path) -> None:
    """See that slices adjoin within containers, and containers within the file."""
    places = np.unique(rows[:, [_CONTAINER, _SLICE, _SIZE]], axis=0)
    at = _first_container(cram)
    number = 0
    while number < len(places):
        container, piece, size = places[number].tolist()
        n_slices = 1
        while number + n_slices < len(places) and places[number + n_slices, 0] == container:
            if places[number + n_slices, 1] != piece + size:
                raise ValueError(f"it leaves out bytes of the container at {container}")
            _, piece, size = places[number + n_slices].tolist()
            n_slices += 1
        number += n_slices
        if container not in at:
            raise ValueError(f"a container begins at byte {container}, or one before it is left out")
        end = container + piece + size
        at = range(end + _LEAST_HEADER, end + _MOST_HEADER + 5 * n_slices)
    rest = cram.stat().st_size
    if not any(rest - n_bytes in at for n_bytes in _EOF_BYTES):
        raise ValueError(f"it leaves out bytes from {at.start} on, or reaches beyond the end of the file")


def _first_container(cram: Path) -> range:
    """Where the first container of reads may begin: behind that of the header."""
    with open(cram, "rb") as file:
        head = file.read(_FILE_DEFINITION_BYTES + 4)
    n_bytes = struct.unpack_from("<i", head, _FILE_DEFINITION_BYTES)[0]
    end = _FILE_DEFINITION_BYTES + int(n_bytes)
    return range(end + _LEAST_HEADER, end + _MOST_HEADER)
