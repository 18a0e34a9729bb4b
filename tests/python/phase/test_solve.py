"""Phasing against trying every phase in plain Python, and its symmetries."""

from itertools import product

import numpy as np
import pytest
from deepcohort.phase.config import PhaseConfig
from deepcohort.phase.kernels import MICRO, group_sites, improve_phase, join_links, switch_losses
from deepcohort.phase.solve import _sorted_links, phase_sites
from deepcohort.phase.types import Evidence, Phases
from hypothesis import given, settings
from hypothesis import strategies as st


def evidence_of(fragments: list[dict[int, int]], n_sites: int) -> Evidence:
    """Evidence of fragments given as {site: odds in units}; site h lies at POS 100 h."""
    entries = [(f, h, x) for f, said in enumerate(fragments) for h, x in sorted(said.items()) if x]
    columns = np.array(entries, np.int64).reshape(-1, 3)
    return Evidence(
        "chr1",
        np.arange(n_sites, dtype=np.int64) * 100,
        columns[:, 0].astype(np.uint64),
        columns[:, 1].astype(np.int32),
        columns[:, 2].astype(np.int8),
    )


def likelihood(fragments: list[dict[int, int]], signs: tuple[int, ...]) -> float:
    """log10 likelihood of phases, up to a constant."""
    total = 0.0
    for said in fragments:
        s = sum(signs[h] * x for h, x in said.items()) / 20
        total += np.log10(10 ** (s / 2) + 10 ** (-s / 2))
    return total


def blocks_of(phases: Phases) -> dict[int, list[tuple[int, bool]]]:
    found: dict[int, list[tuple[int, bool]]] = {}
    for pos, flipped, block in zip(phases.pos, phases.flipped, phases.block, strict=True):
        found.setdefault(int(block), []).append((int(pos), bool(flipped)))
    return found


def solved(fragments: list[dict[int, int]], n_sites: int, exact: int) -> tuple[np.ndarray, np.ndarray]:
    """(sign, losses of single flips) without any cut; all sites must be linked."""
    evidence = evidence_of(fragments, n_sites)
    offset = np.flatnonzero(np.append(True, np.diff(evidence.fragment.astype(np.int64)) != 0))
    offset = np.append(offset, len(evidence.fragment)).astype(np.int64)
    site = evidence.site.astype(np.int64)
    sign = join_links(n_sites, *_sorted_links(offset, site, evidence.odds, n_sites))
    first = np.array([0, n_sites], np.int64)
    alone = improve_phase(first, offset, site, evidence.odds, sign, exact, 3)
    return sign, alone


fragments_of_six = st.lists(
    st.dictionaries(st.integers(0, 5), st.integers(-40, 40).filter(bool), min_size=2, max_size=4),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(fragments_of_six)
def test_small_groups_get_the_best_of_all_phases(fragments):
    sign, alone = solved(fragments, 6, exact=10)
    best = max(likelihood(fragments, (1, *rest)) for rest in product((1, -1), repeat=5))
    own = likelihood(fragments, tuple(sign.tolist()))
    assert own == pytest.approx(best, abs=1e-4)
    for h in range(6):
        flipped = sign.copy()
        flipped[h] *= -1
        assert alone[h] / MICRO == pytest.approx(
            own - likelihood(fragments, tuple(flipped.tolist())), abs=1e-4
        )


@settings(max_examples=60, deadline=None)
@given(fragments_of_six)
def test_a_switch_loses_what_the_likelihoods_say(fragments):
    evidence = evidence_of(fragments, 6)
    sizes = [len(said) for said in fragments]
    offset = np.cumsum([0, *sizes]).astype(np.int64)
    sign = np.array([1, -1, 1, 1, -1, 1], np.int8)
    losses = switch_losses(6, offset, evidence.site.astype(np.int64), evidence.odds, sign)
    own = likelihood(fragments, tuple(sign.tolist()))
    for h in range(6):
        switched = sign.copy()
        switched[h:] *= -1
        assert losses[h] / MICRO == pytest.approx(
            own - likelihood(fragments, tuple(switched.tolist())), abs=1e-4
        )


def drawn(seed: int, n_sites: int, n_fragments: int, reach: int, error: float):
    """(true phase, fragments of 2 to `reach` neighbouring sites that err with probability `error`)."""
    random = np.random.default_rng(seed)
    truth = random.choice([1, -1], n_sites)
    fragments = []
    for _ in range(n_fragments):
        n = int(random.integers(2, reach + 1))
        start = int(random.integers(0, n_sites - n + 1))
        side = random.choice([1, -1])
        wrong = random.random(n) < error
        x = side * truth[start : start + n] * np.where(wrong, -1, 1) * random.integers(20, 41, n)
        fragments.append(dict(zip(range(start, start + n), x.tolist(), strict=True)))
    return truth, fragments


@pytest.mark.parametrize("seed", range(4))
def test_local_search_finds_what_trying_all_finds(seed):
    _, fragments = drawn(seed, n_sites=12, n_fragments=60, reach=6, error=0.1)
    exact, _ = solved(fragments, 12, exact=12)
    searched, _ = solved(fragments, 12, exact=2)
    assert likelihood(fragments, tuple(searched.tolist())) == pytest.approx(
        likelihood(fragments, tuple(exact.tolist())), abs=1e-4
    )


@pytest.mark.parametrize(
    ("reach", "error"), [(3, 0.01), (40, 0.05), (60, 0.1)], ids=["short", "long", "noisy"]
)
def test_true_phase_is_found_in_large_groups(reach, error):
    truth, fragments = drawn(1, n_sites=600, n_fragments=600 * 30 // reach, reach=reach, error=error)
    phases = phase_sites(evidence_of(fragments, 600))
    sites = phases.pos // 100
    right = np.where(phases.flipped, -1, 1) * truth[sites]
    same_block = phases.block[1:] == phases.block[:-1]
    assert (right[1:] != right[:-1])[same_block].sum() == 0
    assert len(phases) >= 590


def test_order_and_names_of_fragments_do_not_matter():
    _, fragments = drawn(5, n_sites=200, n_fragments=900, reach=5, error=0.15)
    one, other = phase_sites(evidence_of(fragments, 200)), phase_sites(evidence_of(fragments[::-1], 200))
    for name in ("pos", "flipped", "block", "quality"):
        assert (getattr(one, name) == getattr(other, name)).all()


def test_swapped_alleles_swap_the_phase_and_nothing_else():
    _, fragments = drawn(6, n_sites=40, n_fragments=200, reach=5, error=0.05)
    swapped = [{h: (-x if h == 7 else x) for h, x in said.items()} for said in fragments]
    one, other = phase_sites(evidence_of(fragments, 40)), phase_sites(evidence_of(swapped, 40))
    assert (one.pos == other.pos).all()
    assert (one.quality == other.quality).all()
    assert (one.flipped != other.flipped)[one.pos == 700].all()
    assert (one.flipped == other.flipped)[one.pos != 700].all()


def test_weak_links_cut_blocks_and_lone_sites_stay_out():
    strong = [{0: 40, 1: 40}, {1: 40, 2: -40}, {4: 40, 5: 40}, {5: 40, 6: 40}] * 5
    weak = [{2: 40, 4: 4}]
    phases = phase_sites(evidence_of([*strong, *weak, {3: 40}], 8))
    assert blocks_of(phases) == {
        0: [(0, False), (100, False), (200, True)],
        400: [(400, False), (500, False), (600, False)],
    }


def test_contradiction_leaves_a_site_out():
    fragments = [{0: 40, 1: 40}] * 6 + [{0: 40, 2: 40}, {0: 40, 2: -40}] * 4
    phases = phase_sites(evidence_of(fragments, 3))
    assert blocks_of(phases) == {0: [(0, False), (100, False)]}


def test_blocks_may_lie_within_each_other():
    fragments = [{0: 40, 2: 40}, {1: 40, 3: -40}] * 3
    assert blocks_of(phase_sites(evidence_of(fragments, 4))) == {
        0: [(0, False), (200, False)],
        100: [(100, False), (300, True)],
    }


def test_quality_is_the_phred_of_what_speaks_for_the_phase():
    phases = phase_sites(evidence_of([{0: 40, 1: 40}], 2))
    # log10((1 + 10^4) / (2 * 10^2)) = 1.699: wrong with probability 0.0196
    assert phases.quality.tolist() == [17, 17]
    assert len(phase_sites(evidence_of([{0: 40, 1: 40}], 2), PhaseConfig(min_quality_phred=20))) == 0


def test_nothing_to_phase():
    assert len(phase_sites(evidence_of([], 0))) == 0
    assert len(phase_sites(evidence_of([{0: 40}], 3))) == 0


def test_groups_are_numbered_by_their_first_site():
    offset, site = np.array([0, 2, 4]), np.array([1, 3, 0, 2])
    assert group_sites(5, offset, site).tolist() == [0, 1, 0, 1, 2]
