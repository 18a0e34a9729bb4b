"""What the pileup room hands on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import AlleleCounts, CandidateTable, ReadSupport
from deepcohort.pileup.config import PileupConfig
from deepcohort.reads.types import ReadBatch


@dataclass(frozen=True, slots=True)
class ExampleBatch:
    """Network inputs of B candidates.

    Attributes:
        pixels: uint8 (B, channels, reads, positions), channel names in pileup.config.CHANNELS;
            (0, ...) after a features-only pass. Rows hold one read each: ALT, then REF, OTHER and
            NONE reads, each group in ReadBatch order, sampled by name hash; empty rows are 0.
        features: float32 (B, F), names in pileup.features.FEATURE_NAMES.
        candidate_index: int32 (B,), row in the CandidateTable.
        label: int8 (B,), copies of this ALT in the truth (0, 1, 2), -1 = ambiguous; None at call time.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float32]
    candidate_index: NDArray[np.int32]
    label: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.candidate_index)


class Evidence(Protocol):
    """What the encoder needs of `candidates.find.CandidateEvidence`."""

    @property
    def counts(self) -> AlleleCounts:
        """See the candidates and reads rooms."""
        ...

    @property
    def table(self) -> CandidateTable:
        """See the candidates and reads rooms."""
        ...

    @property
    def support(self) -> ReadSupport:
        """See the candidates and reads rooms."""
        ...

    @property
    def reads(self) -> ReadBatch:
        """See the candidates and reads rooms."""
        ...


class LazyPredictor(Protocol):
    """A model that asks for pixels only where features do not settle a site (`model.load`)."""

    name: str
    version: str
    platform: str
    config: PileupConfig

    def predict_lazily(
        self, features: NDArray[np.float32], pixels_of: Callable[[NDArray[np.int64]], NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        """Calibrated P(0, 1, 2 copies), float32 (B, 3); `pixels_of` paints ascending rows."""
        ...
