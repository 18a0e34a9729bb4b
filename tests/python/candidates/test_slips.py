"""How often reads show another length of a repeat: values worked by hand, and what they do to an indel."""

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig, candidates_of
from deepcohort.candidates.indel_kernels import quality_adjustment, slip_log10
from deepcohort.candidates.slips import SLIPS


@pytest.mark.parametrize(
    ("platform", "difference", "period", "units", "adjustment", "expected"),
    [
        ("illumina", 0, 1, 9, 0.0, 0.0),
        ("illumina", 1, 1, 3, 0.0, -4.8),
        ("illumina", -1, 1, 12, 0.0, -4.8 + 7 * 0.3 + 2 * 0.13),
        ("illumina", 2, 1, 6, 0.0, -4.8 + 3 * 0.3 - 0.8),
        ("illumina", 4, 2, 5, 0.0, -4.8 + 3 * 0.3 - 0.8),
        ("illumina", 3, 2, 5, 0.0, -5.5),
        ("ont", -1, 1, 1, 0.0, -2.4),
        ("ont", -1, 1, 8, 0.0, -2.4 + 7 * 0.2),
        ("ont", -1, 1, 8, -1.3, -2.4 + 7 * 0.2 - 1.3),
        ("ont", -1, 1, 30, 1.3, -0.45),  # bounded
        ("ont", 4, 4, 3, 0.0, -1.8 - 2 * 0.8),
        ("hifi", 1, 1, 4, 0.0, -3.5 + 3 * 0.28),
    ],
)
def test_slips_by_hand(platform, difference, period, units, adjustment, expected):
    slips = SLIPS[platform].array()
    assert slip_log10(difference, period, float(units), slips, adjustment) == pytest.approx(expected)


def test_the_worst_base_in_a_repeat_tells_of_slips():
    qual = np.array([40, 12, 40, 40], np.uint8)
    ont = SLIPS["ont"].array()
    assert quality_adjustment(qual, 0, 3, ont) == pytest.approx(0.07 * (25 - 12))
    assert quality_adjustment(qual, 2, 4, ont) == pytest.approx(-0.07 * 15)
    assert quality_adjustment(np.array([2], np.uint8), 0, 1, ont) == pytest.approx(1.3)
    assert quality_adjustment(qual, 2, 2, ont) == 0.0
    assert quality_adjustment(qual, 0, 4, SLIPS["illumina"].array()) == 0.0


def test_short_reads_have_the_plain_settings_and_long_ones_their_own():
    assert candidates_of("illumina") == CandidatesConfig()
    assert candidates_of("ont").slips == SLIPS["ont"]
    assert candidates_of("hifi").min_fraction_indel > CandidatesConfig().min_fraction_indel
