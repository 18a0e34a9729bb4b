"""Components and embedding of samples."""

import numpy as np
import pytest
from deepcohort.core.sample_places import genetic_covariance, neighbour_embedding, principal_components


def two_populations(missing: float) -> np.ndarray:
    """Shares of 12 + 8 individuals of two populations at 800 sites, with holes."""
    rng = np.random.default_rng(1)
    p = rng.uniform(0.1, 0.9, (800, 2))
    p[:, 1] = np.clip(p[:, 0] + rng.normal(0, 0.2, 800), 0.02, 0.98)
    share = rng.binomial(2, np.repeat(p, [12, 8], axis=1)) / 2.0
    share[rng.random(share.shape) < missing] = np.nan
    return share


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_two_populations_lie_apart(missing):
    components, shares = principal_components(genetic_covariance(two_populations(missing)))
    first, second = components[:12, 0], components[12:, 0]
    gap = abs(first.mean() - second.mean())
    assert gap > 3 * max(first.std(), second.std())
    assert shares[0] > shares[1]
    places = neighbour_embedding(components)
    inner = [np.linalg.norm(x - x.mean(axis=0), axis=1).mean() for x in (places[:12], places[12:])]
    assert np.linalg.norm(places[:12].mean(axis=0) - places[12:].mean(axis=0)) > 1.5 * max(inner)


def test_a_sample_full_of_holes_is_not_drawn_to_the_middle():
    share = two_populations(0.0)
    share[np.random.default_rng(2).random(800) < 0.9, 0] = np.nan
    components, _ = principal_components(genetic_covariance(share))
    others = components[1:12, 0].mean()
    assert abs(components[0, 0] - others) < 0.5 * abs(others - components[12:, 0].mean())


def test_the_same_data_give_the_same_picture():
    components, _ = principal_components(genetic_covariance(two_populations(0.1)))
    assert (neighbour_embedding(components) == neighbour_embedding(components)).all()
