"""From what fragments show to their haplotype."""

import numpy as np
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.tags import decide
from hypothesis import given
from hypothesis import strategies as st

CONFIG = HaplotagConfig()  # phred 10 is 0.954 log10: 20 units and more


def decided(entries, config=CONFIG):
    """{fragment: (haplotype, block)} of (fragment, block, odds in units)."""
    columns = [np.array(x) for x in zip(*entries, strict=True)] if entries else [np.empty(0, np.int64)] * 3
    fragment, block, odds = columns[0].astype(np.uint64), columns[1], columns[2]
    tags = decide(fragment, block, odds, config)
    assert (np.diff(tags.fragment.astype(np.int64)) > 0).all()
    found = zip(tags.haplotype.tolist(), tags.block.tolist(), strict=True)
    return dict(zip(tags.fragment.tolist(), found, strict=True)), tags


def test_the_surest_block_decides():
    entries = [(7, 100, 30), (7, 100, -5), (7, 200, -40), (7, 200, -8), (9, 100, 40)]
    found, tags = decided(entries)
    assert found == {7: (2, 200), 9: (1, 100)}
    assert (tags.n_shown, tags.n_against) == (3, 0)


def test_what_speaks_against_is_counted():
    found, tags = decided([(1, 5, 40), (1, 5, 40), (1, 5, -20)])
    assert found == {1: (1, 5)}
    assert (tags.n_shown, tags.n_against) == (3, 1)


def test_doubtful_fragments_have_none():
    assert decided([(1, 5, 19), (2, 5, 20), (3, 5, 40), (3, 5, -40)])[0] == {2: (1, 5)}
    assert decided([(1, 5, 19)], HaplotagConfig(min_quality_phred=1))[0] == {1: (1, 5)}
    assert decided([])[0] == {}


def test_of_equal_blocks_the_first():
    assert decided([(1, 8, -40), (1, 5, 40)])[0] == {1: (1, 5)}


entry = st.tuples(st.integers(1, 6), st.sampled_from([10, 20, 30]), st.integers(-40, 40).filter(bool))


@given(st.lists(entry, max_size=30))
def test_as_counted_by_hand(entries):
    sums: dict[int, dict[int, int]] = {}
    for fragment, block, odds in entries:
        own = sums.setdefault(fragment, {})
        own[block] = own.get(block, 0) + odds
    expected = {}
    for fragment, own in sums.items():
        block = min(own, key=lambda b: (-abs(own[b]), b))
        if abs(own[block]) >= 20:
            expected[fragment] = (1 if own[block] > 0 else 2, block)
    assert decided(entries)[0] == expected
