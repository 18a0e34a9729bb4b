import numpy as np
import pytest
from deepcohort.cohort.config import ShardConfig
from deepcohort.cohort.sharding import cut_shards, sequence_runs
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region, intersect, merge_regions
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "min_gap_bp", "runs"),
    [
        ("ACGT", 1, [(0, 4)]),
        ("NNACNNGTNN", 2, [(2, 4), (6, 8)]),
        ("NNACNGTNN", 2, [(2, 7)]),  # one N is shorter than the gap
        ("NNNN", 2, []),
        ("NNNN", 5, [(0, 4)]),
        ("", 1, []),
        ("N", 1, []),
        ("NA", 1, [(1, 2)]),
    ],
)
def test_sequence_runs_leave_out_long_runs_of_n(text, min_gap_bp, runs):
    is_n = np.array([base == "N" for base in text], np.bool_)
    assert sequence_runs(is_n, min_gap_bp) == runs


def test_equal_shards_of_one_contig():
    shards = cut_shards([Region("a", 0, 100)], ShardConfig(shard_bp=30))
    assert [str(r) for s in shards for r in s.regions] == ["a:1-25", "a:26-50", "a:51-75", "a:76-100"]
    assert [s.name for s in shards] == ["shard_00001", "shard_00002", "shard_00003", "shard_00004"]


def test_a_shard_spans_contigs():
    shards = cut_shards([Region("a", 0, 60), Region("b", 10, 50)], ShardConfig(shard_bp=50))
    assert [s.regions for s in shards] == [
        (Region("a", 0, 50),),
        (Region("a", 50, 60), Region("b", 10, 50)),
    ]


def test_a_cut_moves_to_a_contig_end_that_is_near():
    shards = cut_shards([Region("a", 0, 102), Region("b", 0, 98)], ShardConfig(shard_bp=100))
    assert [s.regions for s in shards] == [(Region("a", 0, 102),), (Region("b", 0, 98),)]


def test_ten_thousand_tiny_contigs_are_grouped():
    regions = [Region(f"c{i}", 0, 200) for i in range(10_000)]
    shards = cut_shards(regions, ShardConfig(shard_bp=500_000))
    assert len(shards) == 4
    assert [len(s) for s in shards] == [500_000] * 4
    assert [r for s in shards for r in s.regions] == regions


def test_nothing_to_call_is_an_error():
    with pytest.raises(DeepcohortError, match="nothing to call"):
        cut_shards([])
    with pytest.raises(DeepcohortError, match="too small"):
        cut_shards([Region("a", 0, 9)], ShardConfig(shard_bp=0))


def test_intersection_by_hand():
    callable_regions = [Region("b", 0, 100), Region("a", 0, 50), Region("a", 60, 100)]
    wanted = [
        Region("a", 40, 70),
        Region("a", 90, 200),
        Region("b", 5, 6),
        Region("b", 5, 10),
        Region("z", 0, 9),
    ]
    assert intersect(callable_regions, wanted) == [
        Region("b", 5, 10),
        Region("a", 40, 50),
        Region("a", 60, 70),
        Region("a", 90, 100),
    ]


intervals = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(0, 500), st.integers(1, 200)).map(
        lambda t: Region(t[0], t[1], t[1] + t[2])
    ),
    min_size=1,
    max_size=30,
)


@given(intervals, st.integers(1, 400), st.floats(0, 0.3))
def test_shards_cover_exactly_and_never_overlap(regions, shard_bp, snap):
    regions = merge_regions(regions)
    total = sum(len(r) for r in regions)
    shards = cut_shards(regions, ShardConfig(shard_bp=shard_bp, snap_fraction=snap))
    pieces = [r for s in shards for r in s.regions]
    assert all(len(piece) for piece in pieces)
    assert sum(len(piece) for piece in pieces) == total  # with the next line: no overlap
    assert merge_regions(pieces) == regions
    assert pieces == sorted(pieces)  # genome order
    assert [s.index for s in shards] == list(range(len(shards)))
    even = total / (-(-total // shard_bp))
    assert len(shards) <= -(-total // shard_bp)
    assert max(len(s) for s in shards) <= even * (1 + snap) + 1


@given(intervals, intervals)
def test_intersection_is_what_both_hold(a, b):
    def bases(regions):
        return {(r.contig, i) for r in regions for i in range(r.start, r.end)}

    first = merge_regions(a)
    assert bases(intersect(first, b)) == bases(first) & bases(b)
