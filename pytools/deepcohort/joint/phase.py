"""Phase of a window's lines: held until all its sites are known, then written into them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.region import Region
from deepcohort.joint.phase_kernels import Lineage, PhaseLimits, SiteCalls, phase_families
from deepcohort.joint.phase_text_kernels import CELL_BYTES, LINE_BYTES, put_phase


@dataclass(frozen=True, slots=True)
class Phasing:
    """How a cohort is phased.

    Attributes:
        is_on: phase is written. lineage: who descends from whom.
        context_bp: how far beyond a window sites are judged to phase those in it.
        reach_bp: of one step. rounds, min_gq: as in the JointConfig.
    """

    is_on: bool
    lineage: Lineage
    context_bp: int
    reach_bp: int
    rounds: int
    min_gq: int

    @classmethod
    def off(cls, n_samples: int) -> "Phasing":
        """No phase at all."""
        nobody = np.full(n_samples, -1, dtype=np.int32)
        lineage = Lineage(np.empty((0, 3), dtype=np.int32), nobody, np.zeros(n_samples, dtype=np.bool_))
        return cls(False, lineage, 0, 0, 0, 0)


def empty_calls(n_lines: int, n_samples: int) -> SiteCalls:
    """Room for the calls of `n_lines` lines."""
    shape = (n_lines, n_samples)
    return SiteCalls(
        np.empty(n_lines, dtype=np.int64),
        np.empty((*shape, 2), dtype=np.int16),
        np.empty(shape, dtype=np.int16),
        np.empty(shape, dtype=np.bool_),
        np.empty(shape, dtype=np.int32),
        np.empty(shape, dtype=np.int8),
        np.empty(shape, dtype=np.int16),
        np.empty((n_lines, 2), dtype=np.int64),
    )


def first_lines(calls: SiteCalls, n: int) -> SiteCalls:
    """The calls of the first `n` lines."""
    return SiteCalls(
        calls.pos[:n],
        calls.gt[:n],
        calls.gq[:n],
        calls.is_new[:n],
        calls.read_set[:n],
        calls.read_order[:n],
        calls.read_pq[:n],
        calls.line[:n],
    )


class PhasedLines:
    """Lines of one window in pieces of text; written with their phase once all are there."""

    def __init__(self, phasing: Phasing, window: Region, n_sites: int, haploid_from_mother: bool) -> None:
        self._phasing = phasing
        self._window = window
        self._limits = PhaseLimits(phasing.min_gq, phasing.reach_bp, phasing.rounds, haploid_from_mother)
        self.calls = empty_calls(n_sites if phasing.is_on else 0, len(phasing.lineage.heir))
        self._pieces: list[tuple[NDArray[np.uint8], int]] = []

    def add(self, text: NDArray[np.uint8], n_lines: int) -> None:
        """The next piece, with how many lines it holds."""
        self._pieces.append((text, n_lines))

    def written(self) -> Iterator[tuple[bytes, int]]:
        """The lines whose POS lies in the window, in pieces, with how many each holds."""
        n = sum(n_lines for _, n_lines in self._pieces)
        if not n:
            return
        calls = first_lines(self.calls, n)
        shape = calls.gq.shape
        order, pq = np.full(shape, -1, dtype=np.int8), np.full(shape, -1, dtype=np.int16)
        lineage = self._phasing.lineage
        if len(lineage.trios):
            phase_families(calls, lineage, self._limits, order, pq)
        low, high = np.searchsorted(calls.pos, [self._window.start, self._window.end]).tolist()
        first = 0
        for text, n_lines in self._pieces:
            start, stop = max(first, low), min(first + n_lines, high)
            first += n_lines
            if stop <= start:
                continue
            room = len(text) + (stop - start) * (LINE_BYTES + CELL_BYTES * shape[1])
            out = np.empty(room, dtype=np.uint8)
            used = put_phase(text, calls, start, stop, lineage, order, pq, out)
            yield out[:used].tobytes(), stop - start
