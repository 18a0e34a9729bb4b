"""Substitutions fall where nature puts them."""

import numpy as np
import pytest
from deepcohort.core.sequence import encode_bases
from deepcohort.simulate import spectra
from deepcohort.simulate.substitutions import SubstitutionPlaces


def test_shares_of_cpg_and_of_transitions():
    rng = np.random.default_rng(3)
    reference = rng.integers(0, 4, 50_000).astype(np.uint8)
    places = SubstitutionPlaces(reference, ti_tv=2.0)
    drawn = [places.draw(int(pos), rng) for pos in rng.integers(0, len(reference), 6_000)]
    at = np.array([d[0] for d in drawn])
    base = np.array([d[1] for d in drawn])
    old = reference[at]
    assert (base != old).all()
    transition = (base ^ old) == 2
    behind, before = reference[np.minimum(at + 1, len(reference) - 1)], reference[np.maximum(at - 1, 0)]
    cpg = ((old == 1) & (behind == 2)) | ((old == 2) & (before == 1))
    assert transition.mean() == pytest.approx(2 / 3, abs=0.02)
    assert cpg[transition].mean() == pytest.approx(spectra.TRANSITION_CLASSES[0], abs=0.02)
    assert cpg[~transition].mean() == pytest.approx(spectra.TRANSVERSION_CLASSES[0], abs=0.02)


def test_they_stay_near_and_leave_unknown_bases_alone():
    rng = np.random.default_rng(4)
    reference = np.full(20_000, 4, np.uint8)
    reference[9_000:9_100] = rng.integers(0, 4, 100)
    places = SubstitutionPlaces(reference, ti_tv=2.0)
    assert places.draw(2_000, rng) is None
    for _ in range(50):
        found = places.draw(9_050, rng)
        assert found is not None
        assert 9_000 <= found[0] < 9_100
    assert places.draw_at(8_999, rng) is None
    assert places.draw_at(-1, rng) is None
    at, base = places.draw_at(9_000, rng)
    assert at == 9_000
    assert base != reference[9_000]


def test_without_cpg_they_fall_where_they_are():
    places = SubstitutionPlaces(encode_bases("A" * 500), ti_tv=2.0)
    rng = np.random.default_rng(5)
    assert all(places.draw(250, rng) is not None for _ in range(200))
