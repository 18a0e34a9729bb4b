"""Where in its files a sample's reads are looked at for the profile of their library."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region

# the profile of a library is taken from so many windows of its genome, of so many bp each
PROFILE_WINDOWS, PROFILE_WINDOW_BP = 12, 8_192
MORE_WINDOWS = 48  # where the reads of another person seem to be among them
_BIN_BP = 16_384  # leaf bins of a BAI


class StoredBytes(NamedTuple):
    """About how many bytes of a contig's reads begin where: int64 (B,) starts in bp, int64 (B,) bytes."""

    starts: NDArray[np.int64]
    n_bytes: NDArray[np.int64]

    @classmethod
    def none(cls) -> "StoredBytes":
        """No reads, or nothing is known of them."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    @classmethod
    def joined(cls, files: Sequence["StoredBytes"]) -> "StoredBytes":
        """Of several files together, by bins of 16,384 bp."""
        bins = np.concatenate([file.starts for file in files]) // _BIN_BP
        numbers, at = np.unique(bins, return_inverse=True)
        n_bytes = np.zeros(len(numbers), np.int64)
        np.add.at(n_bytes, at, np.concatenate([file.n_bytes for file in files]))
        return cls(numbers * _BIN_BP, n_bytes)


class Places(Protocol):
    """What is asked of a sample's files."""

    contig_lengths: dict[str, int]

    def first_start(self, region: Region) -> int | None:
        """Where the first usable read that begins in `region` begins, or None."""

    def stored_bytes(self, contig: str) -> StoredBytes:
        """About how many bytes the files have where, by bins of 16,384 bp."""


def profile_windows(source: Places, n_windows: int = PROFILE_WINDOWS) -> list[Region]:
    """So many windows that hold reads, spread over the genome; the same however files and regions are cut.

    The genome of the files is cut into equal intervals. Those that hold reads share the windows: each
    gets its own from where its reads begin.
    """
    parts = [_windows_in(source, part) for part in _intervals(source.contig_lengths, n_windows)]
    begun = [(window, rest) for rest in parts if (window := next(rest, None)) is not None]
    windows: list[Region] = []
    for number, (window, rest) in enumerate(begun):
        first, last = (k * n_windows // len(begun) for k in (number, number + 1))
        windows += [window, *islice(rest, last - first - 1)]
    return windows


def _windows_in(source: Places, part: Sequence[Region]) -> Iterator[Region]:
    """Windows one after the other, each from where the next read begins."""
    for region in part:
        start = source.first_start(region)
        while start is not None:
            end = min(region.end, start + PROFILE_WINDOW_BP)
            yield Region(region.contig, start, end)
            start = source.first_start(Region(region.contig, end, region.end)) if end < region.end else None


def _intervals(contig_lengths: dict[str, int], n: int) -> list[list[Region]]:
    """The genome as `n` lists of regions of the same length in all."""
    total = sum(contig_lengths.values())
    cuts = [k * total // n for k in range(n + 1)]
    parts: list[list[Region]] = [[] for _ in range(n)]
    begin, k = 0, 0
    for contig, length in contig_lengths.items():
        start = 0
        while start < length:
            while cuts[k + 1] <= begin + start:
                k += 1
            end = min(length, cuts[k + 1] - begin)
            parts[k].append(Region(contig, start, end))
            start = end
        begin += length
    return parts


def dense_windows(source: Places, n_windows: int = PROFILE_WINDOWS) -> list[Region]:
    """At most so many windows among most of the reads.

    For files where most of the genome has strays alone (exomes, panels, slices). They lie at equal steps
    through what the files store of the contigs, by their indexes. None where these do not tell.
    """
    found = [(contig, source.stored_bytes(contig)) for contig in source.contig_lengths]
    reached = np.cumsum(np.concatenate([[0], *(stored.n_bytes for _, stored in found)]))
    total = int(reached[-1])
    steps = [(2 * k + 1) * total // (2 * n_windows) for k in range(n_windows)]
    wanted = np.unique(np.searchsorted(reached, steps, side="right") - 1) if total else np.empty(0, np.int64)
    places = [(contig, start) for contig, stored in found for start in stored.starts.tolist()]
    windows: list[Region] = []
    for number in wanted.tolist():
        contig, start = places[number]
        end = min(start + _BIN_BP, source.contig_lengths[contig])
        if windows and windows[-1].contig == contig:
            start = max(start, windows[-1].end)
        first = source.first_start(Region(contig, start, end)) if start < end else None
        if first is not None:
            last = min(first + PROFILE_WINDOW_BP, source.contig_lengths[contig])
            windows.append(Region(contig, first, last))
    return windows
