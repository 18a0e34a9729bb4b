"""The ancestry of a locus that is linked to a selected allele: what every tree must hold."""

import numpy as np
import pytest
from deepcohort.popgen.coalescent_kernels import linked_history, set_seed

LOCUS_BP, N, GENERATIONS = 50_000.0, 12, 600


def history(seed, recombination=1e-6, most=20_000):
    set_seed(seed)
    state = np.zeros(N, np.int8)
    edges, node_time = np.zeros((most, 4)), np.zeros(most)
    frequency = np.append(np.linspace(0.9, 0.01, GENERATIONS), 0.0)
    n_edges, n_nodes = linked_history(
        np.zeros(N), frequency, np.full(GENERATIONS + 1, 1_000), np.array([1.0, 1.05, 1.1]), LOCUS_BP,
        LOCUS_BP / 2, recombination, state, edges, node_time,
    )  # fmt: skip
    return n_edges, n_nodes, edges[: max(n_edges, 0)], node_time[:n_nodes], state


@pytest.mark.parametrize("seed", range(5))
def test_every_place_has_a_tree_that_goes_back_in_time(seed):
    n_edges, n_nodes, edges, time, state = history(seed)
    assert n_edges > 0
    left, right, parent, child = edges[:, 0], edges[:, 1], edges[:, 2].astype(int), edges[:, 3].astype(int)
    assert (left < right).all()
    assert left.min() >= 0
    assert right.max() <= LOCUS_BP
    assert (time[parent] > time[child]).all()
    assert parent.max() == n_nodes - 1
    assert set(state.tolist()) <= {0, 1}
    for x in np.linspace(0, LOCUS_BP - 1, 41):
        here = (left <= x) & (x < right)
        assert len(set(child[here].tolist())) == here.sum()  # one parent each
        children = np.bincount(parent[here], minlength=n_nodes)
        assert (children[children > 0] >= 2).all()


def test_without_recombination_all_places_share_one_tree():
    _, _, edges, _, _ = history(1, recombination=0.0)
    assert set(edges[:, 0].tolist()) == {0.0}
    assert set(edges[:, 1].tolist()) == {LOCUS_BP}


def test_a_seed_decides_and_full_arrays_are_told():
    assert history(3)[2].tobytes() == history(3)[2].tobytes()
    assert history(3)[2].tobytes() != history(4)[2].tobytes()
    assert history(3, most=20)[:2] == (-1, 0)


@pytest.mark.parametrize("seed", range(5))
def test_carriers_meet_the_others_before_the_allele_arose(seed):
    set_seed(seed)
    state, edges, time = np.zeros(N, np.int8), np.zeros((4_000, 4)), np.zeros(4_000)
    frequency = np.concatenate([np.linspace(0.5, 0.005, 21), np.zeros(4_000)])
    n_edges, n_nodes = linked_history(
        np.zeros(N), frequency, np.full(len(frequency), 200), np.ones(3), LOCUS_BP, LOCUS_BP / 2, 0.0, state,
        edges, time,
    )  # fmt: skip
    assert 0 < state.sum() < N
    children = set(edges[:n_edges, 3].astype(int).tolist())
    assert len(set(range(n_nodes)) - children) == 1  # one root within 20 times the size of the population
