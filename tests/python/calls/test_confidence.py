"""Reference confidence: the binomial by hand, caps in homopolymers, classes."""

import math

import numpy as np
import pytest
from deepcohort.calls.kernels_confidence import (
    apply_reference_sites,
    block_classes,
    gq_caps,
    reference_confidence,
    run_lengths,
)
from deepcohort.core.sequence import encode_bases
from hypothesis import given, settings
from hypothesis import strategies as st

ERROR = 0.002


def confidence(n_ref, n_total, ploidy=2, cap=99):
    one, two = reference_confidence(
        np.array([n_ref], np.int32), np.array([n_total], np.int32), np.array([ploidy], np.int8),
        np.array([cap], np.int32), ERROR,
    )  # fmt: skip
    return int(one[0]), int(two[0])


@pytest.mark.parametrize(
    ("n_ref", "n_total", "expected"),
    [
        (0, 0, (0, 0)),
        # one read: 10 (log10 .998 + log10 2) = 3.0; 10 log10(.998/.002) = 27
        (1, 1, (3, 27)),
        (10, 10, (30, 270)),
        # two of thirty differ: 28 (.3010 - .00087) - 2 (2.699 - .3010) = 8.404 - 4.796 = 3.61
        (28, 30, (36, 702)),
        # half differ: another genotype fits better
        (10, 20, (0, 0)),
        (0, 20, (0, 0)),
    ],
)
def test_confidence_table(n_ref, n_total, expected):
    assert confidence(n_ref, n_total) == expected


def test_haploid_has_one_other_genotype():
    assert confidence(10, 10, ploidy=1) == (270, 270)
    assert confidence(10, 10, ploidy=0) == (0, 0)


def test_cap_limits_the_first():
    assert confidence(30, 30, cap=20) == (20, 809)
    assert confidence(30, 30, ploidy=1, cap=20) == (20, 20)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 600), st.integers(0, 600))
def test_confidence_against_slow_oracle(a, b):
    n_ref, n_total = min(a, b), max(a, b)
    if n_total == 0:
        return
    other = n_total - n_ref
    hom = n_ref * math.log10(1 - ERROR) + other * math.log10(ERROR)
    het = n_total * math.log10(0.5)
    alt = n_ref * math.log10(ERROR) + other * math.log10(1 - ERROR)
    expected = [min(9999, max(0, math.floor(10 * (hom - g) + 0.5))) for g in (het, alt)]
    assert list(confidence(n_ref, n_total)) == expected


def test_more_reads_never_lower_the_confidence():
    values = [confidence(n, n)[0] for n in range(1, 200)]
    assert values == sorted(values)


def test_runs_and_caps():
    runs = run_lengths(encode_bases("AACGGGNNT"))
    assert runs.tolist() == [2, 2, 1, 3, 3, 3, 1, 1, 1]
    caps = gq_caps(np.array([1, 11, 12, 15, 30], np.int32), 11, 8, 20)
    assert caps.tolist() == [99, 99, 91, 67, 20]


def test_melted_sites_replace_the_counts():
    one, two = np.array([99, 5, 5, 50], np.int32), np.array([900, 40, 0, 300], np.int32)
    total, ploidy = np.full(4, 20, np.int32), np.full(4, 2, np.int8)
    # a deletion of bases 101, 102 examined at 100 and found absent with GQ 30
    apply_reference_sites(
        one, two, total, ploidy, 100, np.array([100]), np.array([3], np.int32), np.array([30], np.int32)
    )
    assert one.tolist() == [30, 30, 30, 50]
    assert two.tolist() == [900, 40, 30, 300]


def test_melted_sites_outside_and_without_coverage():
    one, two = np.zeros(3, np.int32), np.zeros(3, np.int32)
    total, ploidy = np.array([0, 5, 5], np.int32), np.full(3, 2, np.int8)
    pos, length, gq = np.array([97, 110]), np.array([5, 1], np.int32), np.array([30, 40], np.int32)
    apply_reference_sites(one, two, total, ploidy, 100, pos, length, gq)
    assert one.tolist() == [0, 30, 0]


def test_classes():
    one = np.array([0, 0, 4, 99, 99, 99], np.int32)
    two = np.array([0, 0, 80, 990, 990, 990], np.int32)
    total = np.array([0, 9, 9, 40, 40, 40], np.int32)
    ploidy = np.array([2, 2, 2, 2, 1, 0], np.int8)
    bands = np.array([0, 3, 50])
    # no coverage; bands 0, 1, 2; haploid band 2; ploidy 0
    assert block_classes(one, two, total, ploidy, bands).tolist() == [128, 129, 130, 131, 67, 0]
