"""How often reads show another length of a repeat: values worked by hand, what they do to an indel, and libraries."""

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig, candidates_for
from deepcohort.candidates.repeat_stutter import SLIPS, by_quality, fitted, slip_excess, times
from deepcohort.candidates.support.indel_kernels import quality_adjustment, slip_log10
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.profile import profiled
from deepcohort.reads.types import LibraryProfile


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
    slips = SLIPS[platform]
    assert slip_log10(difference, period, float(units), slips, adjustment) == pytest.approx(expected)


def test_the_worst_base_in_a_repeat_tells_of_slips():
    qual = np.array([40, 12, 40, 40], np.uint8)
    ont = SLIPS["ont"]
    assert quality_adjustment(qual, 0, 3, ont) == pytest.approx(0.07 * (25 - 12))
    assert quality_adjustment(qual, 2, 4, ont) == pytest.approx(-0.07 * 15)
    assert quality_adjustment(np.array([2], np.uint8), 0, 1, ont) == pytest.approx(1.3)
    assert quality_adjustment(qual, 2, 2, ont) == 0.0
    assert quality_adjustment(qual, 0, 4, SLIPS["illumina"]) == 0.0


def test_short_reads_have_the_plain_settings_and_long_ones_their_own():
    assert candidates_for("illumina") == CandidatesConfig()
    assert candidates_for("ont").slips == SLIPS["ont"]
    assert candidates_for("hifi").min_fraction_indel > CandidatesConfig().min_fraction_indel


def runs_of(rng, excess: float, n: int = 200, depth: int = 30, variable: float = 0.0):
    """Runs of 6 to 16 bp and what reads show of them at 10 ** excess times the rates of short reads."""
    slips, found = SLIPS["illumina"], []
    for bp in rng.integers(6, 17, n).tolist():
        rate = 2 * 10 ** (slip_log10(1, 1, float(bp), slips, 0.0) + excess)
        if rng.random() < variable:
            rate = float(rng.choice([0.5, 1 - rate]))
        found.append((bp, depth, int(rng.binomial(depth, rate))))
    return tuple(sorted(found))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("depth", [6, 30])
@pytest.mark.parametrize("variable", [0.0, 0.04])
def test_a_library_that_slips_more_is_known_by_its_reads(seed, depth, variable):
    rng = np.random.default_rng(seed)
    illumina = SLIPS["illumina"]
    assert slip_excess(illumina, runs_of(rng, 0.0, depth=depth, variable=variable)) <= 0.2
    assert 0.5 <= slip_excess(illumina, runs_of(rng, 0.8, depth=depth, variable=variable)) <= 0.9


def test_too_little_to_tell_leaves_the_rates_as_they_are():
    illumina = SLIPS["illumina"]
    assert fitted(illumina, ()) is illumina
    assert fitted(illumina, ((6, 30, 0),) * 50) is illumina
    assert fitted(illumina, ((12, 8, 4), (14, 9, 9))) is illumina  # a variant each
    long = ((8, 30, 10),) * 50
    assert fitted(SLIPS["ont"], long) is SLIPS["ont"]  # there qualities tell
    raised = fitted(illumina, long)
    assert times(raised, illumina) > 10
    assert raised.repeat_first - illumina.repeat_first == pytest.approx(np.log10(times(raised, illumina)))


def slips_of(log10_rates, passed=100_000):
    return tuple((q, passed, round(passed * 10.0**rate)) for q, rate in log10_rates)


def test_qualities_that_tell_lengths():
    """As of Ultima's reads: one run in 250 is misread, one of good quality in 6,000."""
    illumina = SLIPS["illumina"]
    measured = (
        (3, -1.17),
        (6, -1.3),
        (9, -1.46),
        (12, -1.52),
        (15, -1.68),
        (17, -1.89),
        (19, -2.06),
        (25, -2.53),
    )
    rates = by_quality(illumina, (*slips_of(measured), (35, 4_000_000, 650)))
    assert rates is not None
    for phred, log10 in (*measured, (35, -3.79)):
        quals = np.array([40, phred, 40], np.uint8)
        each = slip_log10(1, 1, 1.0, rates, quality_adjustment(quals, 0, 3, rates))
        assert each + np.log10(2.0) == pytest.approx(log10, abs=0.25)
    longer = slip_log10(-1, 1, 9.0, rates, 0.0) - slip_log10(-1, 1, 1.0, rates, 0.0)
    assert longer == pytest.approx(7 * 0.04 + 0.1)
    assert slip_log10(2, 1, 5.0, rates, 0.0) < slip_log10(1, 1, 5.0, rates, 0.0) - 1.5
    assert rates.repeat_first == illumina.repeat_first


@pytest.mark.parametrize(
    "slips",
    [
        (),
        slips_of(((10, -1.5), (37, -1.6))),  # often, and whatever the quality
        slips_of(((10, -3.0), (37, -4.5))),  # seldom
        ((30, 1_000_000, 10_000),),  # one quality
        ((10, 150, 100), (37, 1_000_000, 9_000)),  # too few to tell
    ],
)
def test_qualities_that_do_not(slips):
    assert by_quality(SLIPS["illumina"], slips) is None
    assert not candidates_for("illumina", LibraryProfile(slips=slips)).by_place


def test_real_libraries(shared_data):
    """A HiSeq library made with PCR slips several times as often as PCR-free NovaSeq reads do."""
    hiseq, novaseq = shared_data / "na12878_hiseq_35x", shared_data / "hg002_illumina_30x"
    reads = [hiseq / f"NA12878.chr3.slice{k}.bam" for k in range(3)]
    illumina = SLIPS["illumina"]
    found = profiled(reads, hiseq / "hg19.chr3.fa.gz", ReadsConfig()).library
    assert 2 < times(candidates_for("illumina", found).slips, illumina) < 10
    found = profiled([novaseq / "HG002.bam"], novaseq / "b37.20.fa.gz", ReadsConfig()).library
    assert candidates_for("illumina", found) == CandidatesConfig()
