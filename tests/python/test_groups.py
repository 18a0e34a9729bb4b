"""Tests that share a dear fixture run in one process."""

import pytest


@pytest.mark.xdist_group("guard")
def test_groups_stay_together(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("loadgroup", False):
        pytest.skip("not run with --dist loadgroup")
    assert request.node.nodeid.endswith(
        "@guard"
    )  # what xdist divides by; pytest 9.2 took its way of saying so
