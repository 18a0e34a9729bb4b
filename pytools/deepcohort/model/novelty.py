"""How unlike its training data a model finds the sites of a sample."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.pileup.features import FEATURE_NAMES, F

LEAST_SITES = 40  # fewer say nothing
# mean share of features outside (0.002 on training data), share of sites where one feature is;
# models of long reads know real ones less well, and call them well all the same
BOUNDS, LONG_READ_BOUNDS = (0.02, 0.3), (0.08, 0.6)
# of long reads these vary from library to library, at all sites alike, and none of them makes errors by
# itself (reads of 0.5 to 200 kb, 60x); long reads have no mates
_OF_LONG_LIBRARIES = ("read_length_log", "depth_log", "alt_odd_pair", "ref_odd_pair")

# Training had short reads of up to 251 bp. Those of up to 355 (pairs of 2x300, Ultima's) are called as well;
# long ones cut to 400 are not.
_LONGER = 0.05  # of read_length_log


@dataclass(frozen=True, slots=True)
class Novelty:
    """Sites of a sample beside the training data of the model.

    Attributes:
        n_sites: candidates looked at. outside: share of their features that lie beyond what 99.8 % of
            the training data show. strangest: the feature that most often does. strangest_share: how often.
        bounds: of both shares, beyond which it is alarming.
    """

    n_sites: int = 0
    outside: float = 0.0
    strangest: str = ""
    strangest_share: float = 0.0
    bounds: tuple[float, float] = BOUNDS

    @property
    def is_alarming(self) -> bool:
        """Whether calls should be mistrusted: the reads are of a kind that the model was not trained on."""
        enough = self.n_sites >= LEAST_SITES
        return enough and (self.outside > self.bounds[0] or self.strangest_share > self.bounds[1])

    def line(self, model: str) -> str:
        """One line for people."""
        return (
            f"the reads are unlike those that model {model} was trained on: {100 * self.outside:.1f} % of "
            f"the features of {self.n_sites} sites lie outside, most of all {self.strangest} "
            f"(at {100 * self.strangest_share:.0f} % of sites); mistrust the calls, compare them with "
            "truth, or train"
        )


def novelty(
    features: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    platform: str = "illumina",
) -> Novelty:
    """Novelty of sites of `features` float32 (N, F), where training showed `low`..`high` (F,)."""
    if len(features) == 0:
        return Novelty()
    tolerance = 1e-4 * (1.0 + np.abs(high - low))
    is_long = platform != "illumina"
    above = tolerance.copy()
    above[F.read_length_log] += 0.0 if is_long else _LONGER
    outside = ((features < low - tolerance) | (features > high + above)).mean(axis=0)
    telling = np.array([not (is_long and name in _OF_LONG_LIBRARIES) for name in FEATURE_NAMES])
    top = int(np.where(telling, outside, -1.0).argmax())
    bounds = LONG_READ_BOUNDS if is_long else BOUNDS
    return Novelty(len(features), float(outside.mean()), FEATURE_NAMES[top], float(outside[top]), bounds)
