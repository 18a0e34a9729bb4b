"""How often sequencers change the length of repeats, by platform."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SlipRates:
    """log10 chance that a read shows a repeat one unit too long or too short; see `indel_kernels.slip_log10`.

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

    def array(self) -> NDArray[np.float64]:
        """The values in this order, for kernels."""
        return np.array(astuple(self), np.float64)


# Short reads as measured on PCR-free Illumina (NA12878 Platinum, and a 2x151 trio); long ones as learned
# into the profiles `hifi` and `ont` (HG003 and HG002 with their truth masked; decision 0013).
SLIPS = {
    "illumina": SlipRates(),
    "hifi": SlipRates(
        run_first=-3.5, run_from=1.0, run_step=0.28, repeat_first=-2.9, repeat_from=3.0, repeat_step=0.2,
        longer_unit=0.3, turn=7.0, late_step=0.06, most=-0.6, least=-5.0, further=0.8, other=-4.0,
        quality_slope=0.055, quality_middle=28.0, quality_most=0.9,
    ),
    "ont": SlipRates(
        run_first=-2.4, run_from=1.0, run_step=0.2, repeat_first=-1.8, repeat_from=3.0, repeat_step=0.1,
        longer_unit=0.8, turn=7.0, late_step=0.07, most=-0.45, least=-5.0, further=0.65, other=-3.0,
        quality_slope=0.07, quality_middle=25.0, quality_most=1.3,
    ),
}  # fmt: skip
