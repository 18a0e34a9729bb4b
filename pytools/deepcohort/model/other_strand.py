"""Examples of SNPs as they would be, had the reference been written from its other strand.

Indels stay: their alleles stand at the left end of a repeat, and would at the right one.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.pileup.config import CHANNELS
from deepcohort.pileup.features import F
from deepcohort.pileup.shards import Examples

_BASE, _STRAND = CHANNELS.index("base"), CHANNELS.index("strand")
_BASES = ((64, 255), (128, 192))  # A with T, C with G
_STRANDS = ((255, 128),)
_SWAPPED = ((F.lod_forward, F.lod_reverse), (F.nearest_left, F.nearest_right))
_SHARES = ((F.alt_forward, F.n_alt_log), (F.ref_forward, F.n_ref_log))  # 0 where there are no reads


def _exchange(pairs: tuple[tuple[int, int], ...]) -> NDArray[np.uint8]:
    """Table uint8 (256,) that exchanges the values of each pair."""
    table = np.arange(256, dtype=np.uint8)
    for a, b in pairs:
        table[a], table[b] = b, a
    return table


_COMPLEMENT, _TURN = _exchange(_BASES), _exchange(_STRANDS)


def flip_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures uint8 (B, channels, rows, columns) of the other strand."""
    out = np.ascontiguousarray(pixels[..., ::-1])
    out[:, _BASE] = _COMPLEMENT[out[:, _BASE]]
    out[:, _STRAND] = _TURN[out[:, _STRAND]]
    return out


def flip_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Site features float32 (B, F) of the other strand; all others are the same from both."""
    out = features.copy()
    for a, b in _SWAPPED:
        out[:, a], out[:, b] = features[:, b], features[:, a]
    for share, reads in _SHARES:
        out[:, share] = np.where(features[:, reads] > 0, 1 - features[:, share], features[:, share])
    out[:, F.strand_log_odds] = -features[:, F.strand_log_odds]
    return out


def seen_from_other_strand(examples: Examples, rows: NDArray[np.bool_]) -> Examples:
    """`examples` with the SNPs among `rows` bool (B,) flipped."""
    chosen = np.flatnonzero(rows & (examples.features[:, F.is_snp] > 0))
    pixels, features = examples.pixels.copy(), examples.features.copy()
    if pixels.size:
        pixels[chosen] = flip_pixels(pixels[chosen])
    features[chosen] = flip_features(features[chosen])
    return replace(examples, pixels=pixels, features=features)
