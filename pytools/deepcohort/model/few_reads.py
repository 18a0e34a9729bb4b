"""One copy or two where a few reads show ALT and none REF, in samples shallower than the networks know.

They were trained on deeper samples. There so few reads are the exception, and SNPs nearby tell whether the
place is homozygous; at 1x and 2x they are the rule and nothing nearby is sure. What decides is the likelihood
of the reads, and how often people have one copy or two.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.model.predictions import NATURAL_SHARES
from deepcohort.pileup.features import F
from deepcohort.reads.types import LibraryProfile

_KNOWN_DEPTH = 3.0  # x; samples as deep as this are the networks' to judge
_FEW_READS = 3
_ONE, _TWO = NATURAL_SHARES[1:]


def with_few_reads(
    features: NDArray[np.float32], probabilities: NDArray[np.float32], library: LibraryProfile
) -> NDArray[np.float32]:
    """`probabilities`, float32 (N, 3), with 1 and 2 copies as _FEW_READS reads of ALT and none of REF say.

    What speaks for 0 copies stays. Long reads are left to their networks.

    Args:
        features: float32 (N, F). library: of the sample; nothing changes where its depth is not known.

    Returns:
        float32 (N, 3); the same array where nothing changes.
    """
    if not 0 < library.depth < _KNOWN_DEPTH or library.is_long:
        return probabilities
    n_alt = np.rint(features[:, F.n_alt_small] * 10)
    rows = np.flatnonzero((n_alt >= 1) & (n_alt <= _FEW_READS) & (features[:, F.n_ref_log] == 0))
    if len(rows) == 0:
        return probabilities
    one, two = (_log10(features[rows, k]) for k in (F.lod_het, F.lod_hom))
    share = _TWO / (_TWO + _ONE * 10.0 ** np.clip(one - two, -10, 10))
    variant = 1.0 - probabilities[rows, 0].astype(np.float64)
    made = probabilities.copy()
    made[rows, 1], made[rows, 2] = variant * (1 - share), variant * share
    return made


def _log10(feature: NDArray[np.float32]) -> NDArray[np.float64]:
    """The log10 likelihood ratio whose signed log1p a feature holds."""
    x = feature.astype(np.float64)
    return np.asarray(np.sign(x) * np.expm1(np.abs(x)))
