"""What the pileup room hands on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ExampleBatch:
    """Network inputs of B candidates.

    Attributes:
        pixels: uint8 (B, channels, reads, positions), channel names in pileup.config.CHANNELS;
            empty rows are 0. Row order is deterministic (ref reads and alt reads, by hash), not
            input order.
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
