"""QUAL in shallow cohorts: what many carriers show together, and errors that recur at a place."""

import math

import numpy as np
import pytest
from deepcohort.joint.config import JointConfig
from deepcohort.joint.pool_kernels import read_likelihoods
from deepcohort.joint.quality_kernels import ShallowRules, is_shallow, recurring_error, shallow_quality
from deepcohort.joint.states import OK

CONFIG = JointConfig()
RULES = ShallowRules(
    0.0, CONFIG.ref_pseudo_count, CONFIG.alt_pseudo_count, CONFIG.read_weight, CONFIG.read_error,
    CONFIG.read_max_dp, CONFIG.error_steepness,
)  # fmt: skip


def quality(depths):
    """Both log10 ratios of samples (REF reads, ALT reads) whose gVCFs say what their reads say."""
    ad = np.array(depths, np.int32)
    dp = ad.sum(axis=1).astype(np.int32)
    n = len(ad)
    likelihood, row = np.ones((n, 3)), np.empty(3)
    for s in range(n):
        read_likelihoods(ad[s], 2, 2, CONFIG.read_error, row)
        likelihood[s] = 10.0 ** (row - row.max())
    return shallow_quality(ad, dp, np.full(n, OK, np.int8), np.full(n, 2, np.int8), likelihood, 2, RULES)


def test_one_rate_of_errors_by_hand():
    assert recurring_error(100, 0, 0.003, 10.0) == 0.0
    by_hand = 10 * math.log10(0.1 / 0.003) + 90 * math.log10(0.9 / 0.997) - 1.0
    assert recurring_error(90, 10, 0.003, 10.0) == pytest.approx(by_hand, abs=0.3)
    assert recurring_error(90, 10, 0.003, 10.0) >= by_hand


def test_errors_that_recur_are_no_variant():
    """The same reads, spread over all samples or gathered in carriers."""
    spread = quality([(7, 1)] * 12)
    gathered = quality([(4, 4)] * 3 + [(8, 0)] * 9)
    assert spread[1] < 0.0 < 3.0 < gathered[1]
    assert gathered[0] > spread[1]


def test_carriers_add_up():
    one, three = quality([(4, 3)] + [(7, 0)] * 9), quality([(4, 3)] * 3 + [(7, 0)] * 7)
    assert three[0] > one[0] > 0.0
    assert three[1] > one[1] > 0.0


def test_a_block_whose_reads_are_unknown_shows_ref():
    """ad -1: as if all of its reads showed REF."""
    ad = np.array([[-1, 0], [3, 3]], np.int32)
    dp, two = np.array([6, 6], np.int32), np.full(2, 2, np.int8)
    likelihood = np.array([[1.0, 0.015, 1e-9], [1e-4, 1.0, 1e-4]])
    rest = dp, np.full(2, OK, np.int8), two, likelihood, 2, RULES._replace(ref_pseudo=0.5, alt_pseudo=0.1)
    known = np.array([[6, 0], [3, 3]], np.int32)
    assert shallow_quality(ad, *rest)[1] == pytest.approx(shallow_quality(known, *rest)[1])


def test_which_cohorts_are_shallow():
    state = np.full(6, OK, np.int8)
    depths = np.array([5, 9, 15, 30, 40, 6], np.int32)
    assert is_shallow(state, depths, 15, 5.0)
    assert not is_shallow(state, depths, 8, 5.0)
    assert not is_shallow(state[:4], depths[:4], 15, 5.0)
