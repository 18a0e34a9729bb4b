"""QUAL that a call needs where a single read shows it, by platform and depth.

Measured in docs/experiments/single_reads.md: at 2x, 133 SNPs of single reads per Mb of a genome equal to the
reference have QUAL 3 or more, and 6 have QUAL 13. The deeper a sample, the fewer single reads it has, and the
more of them are true.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class SingleReadQual(NamedTuple):
    """From a depth on (x): QUAL (phred) that single reads must reach where the genotype holds SNPs alone, and
    where it holds an indel."""

    depth: float
    snp: float
    indel: float


# In proportion between these depths. Errors of bases make no indels, so those need less.
_SHORT = (SingleReadQual(4.0, 13.0, 8.0), SingleReadQual(6.5, 8.0, 8.0), SingleReadQual(9.0, 3.0, 3.0))
# By steps. A base of HiFi is seldom wrong; slips make indels, and one of many reads shows one.
_LONG = {
    "hifi": (
        SingleReadQual(0.0, 6.0, 13.0),
        SingleReadQual(6.0, 0.0, 13.0),
        SingleReadQual(12.0, 13.0, 13.0),
    ),
    "ont": (
        SingleReadQual(0.0, 8.0, 10.0),
        SingleReadQual(6.0, 0.0, 10.0),
        SingleReadQual(12.0, 13.0, 13.0),
    ),
}
_OF_LOWERED_LONG = (13.0, 13.0)


def single_read_quals(platform: str, depth: float, is_trusted: bool = True) -> tuple[float, float]:
    """(of SNPs, of indels), phred, of a sample of `depth` (x).

    `is_trusted`: whether base qualities mean what they say; otherwise single reads need most, at any depth.
    """
    if platform in _LONG:
        return _step(_LONG[platform], depth) if is_trusted else _OF_LOWERED_LONG
    return _between(_SHORT, depth if is_trusted else 0.0)


def _step(steps: Sequence[SingleReadQual], depth: float) -> tuple[float, float]:
    last = [step for step in steps if step.depth <= depth][-1]
    return last.snp, last.indel


def _between(points: Sequence[SingleReadQual], depth: float) -> tuple[float, float]:
    depths, *columns = zip(*points, strict=True)
    snp, indel = (float(np.interp(depth, depths, column)) for column in columns)
    return snp, indel
