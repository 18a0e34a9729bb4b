"""How often sequencers change the length of repeats, by platform."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class StutterRates(NamedTuple):
    """log10 chance that a read shows a repeat one unit too long or too short.

    See `support.indel_kernels.slip_log10`.

    Kernels take it as it is, so all values are floats.

    Attributes:
        run_first: in a run of `run_from` equal bases or fewer. run_step: more for each further base, up
            to `turn` of them. late_step: for each beyond those.
        repeat_first: of units of two bases, `repeat_from` of them or fewer. repeat_step: more for each
            further unit up to `turn`. longer_unit: less for each base of the unit beyond two (up to four).
        most, least: bounds. further: less for each further unit. other: changes by no whole unit.
        quality_slope: more for each phred by which the worst base in and beside the repeat lies below
            `quality_middle`, at most `quality_most` either way; 0 = qualities say nothing of lengths.
    """

    run_first: float = -4.8
    run_from: float = 3.0
    run_step: float = 0.3
    repeat_first: float = -4.8
    repeat_from: float = 2.0
    repeat_step: float = 0.3
    longer_unit: float = 0.0
    turn: float = 7.0
    late_step: float = 0.13
    most: float = -0.5
    least: float = -6.0
    further: float = 0.8
    other: float = -5.5
    quality_slope: float = 0.0
    quality_middle: float = 0.0
    quality_most: float = 0.0


# Short reads as measured on PCR-free Illumina (NA12878 Platinum, and a 2x151 trio); long ones as learned
# into the profiles `hifi` and `ont` (HG003 and HG002 with their truth masked; decision 0013).
SLIPS = {
    "illumina": StutterRates(),
    "hifi": StutterRates(
        run_first=-3.5, run_from=1.0, run_step=0.28, repeat_first=-2.9, repeat_from=3.0, repeat_step=0.2,
        longer_unit=0.3, turn=7.0, late_step=0.06, most=-0.6, least=-5.0, further=0.8, other=-4.0,
        quality_slope=0.055, quality_middle=28.0, quality_most=0.9,
    ),
    "ont": StutterRates(
        run_first=-2.4, run_from=1.0, run_step=0.2, repeat_first=-1.8, repeat_from=3.0, repeat_step=0.1,
        longer_unit=0.8, turn=7.0, late_step=0.07, most=-0.45, least=-5.0, further=0.65, other=-3.0,
        quality_slope=0.07, quality_middle=25.0, quality_most=1.3,
    ),
}  # fmt: skip


# A run of a person differs from the reference's in length at this rate; two thirds of those are heterozygous.
_VARIABLE, _HETEROZYGOUS = 0.05, 2 / 3
_USUAL_SD = 0.5  # of log10 of the excess over libraries: a handful of variants must not look like slips
_MOST_EXCESS, _STEP = 2.0, 0.1
# The excess that is believed is the least whose likelihood is within this many nats of the best: 95 % sure.
_DOUBT = 1.92
# Reads pass runs of a quality so often, or it tells nothing; of all that pass, so many change a run; and
# log10 of the rate falls by so much from poor to good qualities, or they do not tell lengths. Ultima: .007
# and 2.3; other short reads .0014 at most, or, with indel errors made ten times as many, no fall.
_LEAST_PASSED, _LEAST_SLIPS, _LEAST_FALL = 200, 2e-3, 0.8
_LATE_STEP_BY_QUALITY, _FURTHER_BY_QUALITY = 0.1, 1.7
_STEP_BY_QUALITY = 0.04  # more for each further base of a run whose qualities are as good


def slip_excess(rates: StutterRates, runs: Sequence[tuple[int, int, int]]) -> float:
    """log10 by which a library's reads change the lengths of runs more often than `rates` say; 0 to 2.

    Each run either is as in the reference, and reads differ from it by slips, or is a variant. The answer is
    the lower end of the 95 % interval: too few reads, or a library like those that `rates` are of, give 0.

    Args:
        runs: (bp, reads that pass, reads that show one base more or less) of each; LibraryProfile.runs.
    """
    if not runs:
        return 0.0
    bp, passed, changed = np.array(runs, np.float64).T
    extra = np.maximum(bp - rates.run_from, 0.0)
    table = rates.run_first + rates.run_step * np.minimum(extra, rates.turn)
    table += rates.late_step * np.maximum(extra - rates.turn, 0.0)
    steps = np.arange(round(_MOST_EXCESS / _STEP) + 1) * _STEP
    slips = 2 * 10.0 ** np.minimum(table + steps[:, None], rates.most)  # longer, and shorter
    same, other = _binomial(changed, passed, slips), _binomial(passed - changed, passed, slips)
    half = passed * np.log(0.5)
    variable = np.logaddexp(np.log(_HETEROZYGOUS) + half, np.log(1 - _HETEROZYGOUS) + other)
    fit = np.logaddexp(np.log1p(-_VARIABLE) + same, np.log(_VARIABLE) + variable).sum(axis=1)
    fit -= 0.5 * (steps / _USUAL_SD) ** 2
    return float(steps[np.flatnonzero(fit >= fit.max() - _DOUBT)[0]])


def times(rates: StutterRates, usual: StutterRates) -> float:
    """How many times as often as in `usual` a run is read too long or too short in `rates`."""
    return float(10.0 ** (rates.run_first - usual.run_first))


def by_quality(rates: StutterRates, slips: Sequence[tuple[int, int, int]]) -> StutterRates | None:
    """Rates of a library whose qualities tell how sure the length of a run is; None of the usual one.

    Between two qualities log10 of the rate falls in a straight line, below and above it stays.

    Args:
        slips: LibraryProfile.slips.
    """
    counts = np.array(slips, np.float64).reshape(-1, 3)
    phred, passed, changed = counts[counts[:, 1] >= _LEAST_PASSED].T
    if len(phred) < 2 or changed.sum() < _LEAST_SLIPS * passed.sum():
        return None
    log10, weight = np.log10((changed + 0.5) / (passed + 1.0)), np.sqrt(changed + 1.0)
    best = (np.inf, 0.0, 0.0, 0.0, 0.0)
    for first, last in combinations(phred, 2):
        fallen = np.clip((phred - first) / (last - first), 0.0, 1.0)
        line, rest, *_ = np.linalg.lstsq(
            np.column_stack((np.ones_like(fallen), fallen)) * weight[:, None], log10 * weight
        )
        best = min(best, (float(rest.sum()), float(first), float(last), float(line[0]), float(line[1])))
    _, first, last, high, fall = best
    if fall > -_LEAST_FALL:
        return None
    return rates._replace(
        run_first=high + fall / 2 - np.log10(2.0), run_from=1.0, run_step=_STEP_BY_QUALITY,
        late_step=_LATE_STEP_BY_QUALITY, further=_FURTHER_BY_QUALITY, quality_slope=-fall / (last - first),
        quality_middle=(first + last) / 2, quality_most=-fall / 2,
    )  # fmt: skip


def _binomial(
    k: NDArray[np.float64], n: NDArray[np.float64], rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Natural log of the chance of k of n in one order."""
    return np.asarray(k * np.log(rate) + (n - k) * np.log1p(-rate))


def fitted(rates: StutterRates, runs: Sequence[tuple[int, int, int]]) -> StutterRates:
    """`rates`, raised for a library that slips more often; see `slip_excess`.

    Only where qualities say nothing of lengths: for long reads they tell how a library is.
    """
    excess = 0.0 if rates.quality_slope else slip_excess(rates, runs)
    if excess == 0.0:
        return rates
    return rates._replace(run_first=rates.run_first + excess, repeat_first=rates.repeat_first + excess)


def centred(
    rates: StutterRates, least: Sequence[tuple[int, int]], table: NDArray[np.uint8], usual_log10: float
) -> StutterRates:
    """`rates` whose qualities add as much to the slips of a library, in the mean, as in the usual run.

    Qualities that are flat, or of few values, lie elsewhere in repeats than those that `rates` are of.

    Args:
        least: LibraryProfile.least. table: uint8 (256,), phred that each of them counts with.
        usual_log10: what the usual run's add, log10, in the mean.
    """
    values, counts = np.array(least, np.int64).reshape(-1, 2).T
    if not counts.sum():
        return rates
    middles = np.arange(0.0, 94.0, 0.5)
    added = rates.quality_slope * (middles[:, None] - table[values])
    mean = np.clip(added, -rates.quality_most, rates.quality_most) @ (counts / counts.sum())
    return rates._replace(quality_middle=float(middles[np.abs(mean - usual_log10).argmin()]))
