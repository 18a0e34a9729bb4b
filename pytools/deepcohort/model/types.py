"""What callers of a model see, whichever runtime is behind it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepcohort.pileup.types import ExampleBatch

DEVICES = ("auto", "cpu", "cuda")
N_CLASSES = 3  # copies of the candidate's ALT: 0, 1, 2


class Predictor(Protocol):
    """A loaded model; `name` and `version` go to the VCF header."""

    name: str
    version: str

    def predict(self, examples: ExampleBatch) -> NDArray[np.float32]:
        """Calibrated probabilities, float32 (B, N_CLASSES), rows sum to 1."""
        ...
