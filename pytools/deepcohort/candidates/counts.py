"""Depth, mismatch counts and indel events of a window."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates import kernels
from deepcohort.candidates.columns import Window, aligned_reads
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch


@dataclass(slots=True)
class IndelEvents:
    """Indels in reads, E events in order of (anchor, length, key, read).

    Attributes:
        pos: int64 (E,), left-aligned anchor, relative to the window. length: int32, insertions
            positive. key: uint64, of the inserted bases. read: int32. index: int32, of the anchor
            in the read's seq as aligned. moved: int32, bp moved left from there.
    """

    pos: NDArray[np.int64]
    length: NDArray[np.int32]
    key: NDArray[np.uint64]
    read: NDArray[np.int32]
    index: NDArray[np.int32]
    moved: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pos)

    @property
    def columns(self) -> kernels.EventColumns:
        """For kernels; nothing is copied."""
        return kernels.EventColumns(self.pos, self.length, self.key, self.read, self.index, self.moved)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "IndelEvents":
        """The events `rows`."""
        return IndelEvents(
            self.pos[rows],
            self.length[rows],
            self.key[rows],
            self.read[rows],
            self.index[rows],
            self.moved[rows],
        )


@dataclass(slots=True)
class WindowCounts:
    """What the reads of a window show against its reference, L bases.

    Attributes:
        n_total: int32 (L,), usable bases and deletions; n_deleted: int32 (L,), the deletions.
        alt_count: int32 (4, L), mismatching bases by code.
        clip_count: int32 (L,), reads clipped just before this base (either side).
        indels: events.
    """

    n_total: NDArray[np.int32]
    n_deleted: NDArray[np.int32]
    alt_count: NDArray[np.int32]
    clip_count: NDArray[np.int32]
    indels: IndelEvents

    @property
    def tallies(self) -> kernels.Tallies:
        """For kernels; nothing is copied."""
        return kernels.Tallies(self.n_total, self.n_deleted, self.alt_count, self.clip_count)


def no_events(capacity: int = 0) -> IndelEvents:
    """Room for `capacity` events."""
    return IndelEvents(
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.uint64),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int32),
    )


def count_window(
    reads: ReadBatch, reference: NDArray[np.uint8], window: Region, config: CandidatesConfig
) -> WindowCounts:
    """Counts of all `reads` over `window`."""
    n = len(reference)
    counts = WindowCounts(
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros((4, n), np.int32),
        np.zeros(n, np.int32),
        no_events(),
    )
    counts.indels = add_reads(reads, np.arange(len(reads)), reference, window, config, 1, counts)
    return counts


def add_reads(
    reads: ReadBatch,
    rows: NDArray[np.int64],
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
    sign: int,
    counts: WindowCounts,
) -> IndelEvents:
    """Add (or with sign -1 take away) the reads `rows`; their indels, sorted."""
    # an operation is an indel at most, so this many events are enough
    capacity = int(np.count_nonzero((reads.cigar_op == 1) | (reads.cigar_op == 2)))
    events = no_events(capacity)
    n = kernels.count_reads(
        rows,
        aligned_reads(reads),
        Window(reference, window.start),
        kernels.CountRules(config.min_base_qual, config.max_indel_bp, sign),
        counts.tallies,
        events.columns,
    )
    return sort_events(events.take(np.arange(n)))


def sort_events(events: IndelEvents) -> IndelEvents:
    """`events` so that equal indels are neighbours."""
    return events.take(np.lexsort((events.read, events.key, events.length, events.pos)))


def join_events(parts: Sequence[IndelEvents]) -> IndelEvents:
    """Events of `parts` together, sorted."""
    return sort_events(
        IndelEvents(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("pos", "length", "key", "read", "index", "moved")
            )
        )
    )
