"""Strand, mapping quality and rank sums of a site's reads: against scipy, counts by hand, and in both files."""

import math

import numpy as np
import pytest
from deepcohort.calls.columns import TextRules
from deepcohort.calls.kernels_bias import fisher_strand, measure_bias, rank_sum_z, strand_odds_ratio
from deepcohort.calls.kernels_record import Record, put_site
from deepcohort.candidates.types import ALLELE_ALT, ALLELE_NONE, ALLELE_OTHER, ALLELE_REF
from hypothesis import given, settings
from hypothesis import strategies as st

scipy_stats = pytest.importorskip("scipy.stats")
counts = st.integers(0, 60)


@settings(max_examples=200, deadline=None)
@given(counts, counts, counts, counts)
def test_fisher_against_scipy(a, b, c, d):
    p = scipy_stats.fisher_exact([[a, b], [c, d]]).pvalue if min(a + b, c + d, a + c, b + d) else 1.0
    assert fisher_strand(a, b, c, d) == pytest.approx(-10 * math.log10(p) + 0.0, abs=1e-6)


def test_fisher_of_a_deep_table_is_that_of_200_reads():
    assert fisher_strand(1000, 1000, 900, 1100) == fisher_strand(50, 50, 45, 55)


def test_strand_odds_ratio_by_hand():
    assert strand_odds_ratio(10, 10, 10, 10) == pytest.approx(math.log(2))
    assert strand_odds_ratio(10, 10, 20, 0) > 3


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=30),
    st.lists(st.integers(0, 40), min_size=1, max_size=30),
)
def test_rank_sum_against_scipy(ref, alt):
    z = rank_sum_z(*(np.bincount(values, minlength=256).astype(np.int32) for values in (ref, alt)))
    if len(set(ref + alt)) == 1:
        assert z == 0
        return
    result = scipy_stats.mannwhitneyu(alt, ref, use_continuity=False, method="asymptotic")
    assert 2 * scipy_stats.norm.sf(abs(z)) == pytest.approx(min(result.pvalue, 1.0), abs=1e-9)
    assert z == pytest.approx(0) or (z > 0) == (result.statistic > len(ref) * len(alt) / 2)


def test_rank_sum_without_a_side():
    none = np.zeros(256, np.int32)
    assert math.isnan(rank_sum_z(none, np.bincount([3, 4], minlength=256).astype(np.int32)))


def measured(first_row, alleles, flags, mapq=60, read_index=5, qual=30):
    """Bias of sites whose candidate i has `alleles[i]`, one for each read of 100 bp."""
    n_reads = len(flags)
    offset = np.arange(len(alleles) + 1) * n_reads
    read = np.tile(np.arange(n_reads), len(alleles)).astype(np.int32)
    as_array = lambda x, t: np.full(n_reads, x, t) if np.isscalar(x) else np.array(x, t)  # noqa: E731
    index = np.tile(as_array(read_index, np.int32), len(alleles))
    quals = np.repeat(as_array(qual, np.uint8), 100)
    return measure_bias(
        np.array(first_row), np.arange(len(alleles)), offset, read, np.array(alleles, np.int8).ravel(), index,
        np.array(flags, np.uint16), as_array(mapq, np.uint8), quals, np.arange(n_reads + 1) * 100,
    )  # fmt: skip


def test_counts_of_one_candidate():
    alleles = [[ALLELE_REF, ALLELE_REF, ALLELE_ALT, ALLELE_ALT, ALLELE_OTHER, ALLELE_NONE]]
    strands, mapping, ranks = measured(
        [(0, 1)],
        alleles,
        [0, 16, 16, 16, 0, 0],
        mapq=[60, 60, 30, 20, 0, 0],
        read_index=[50, 40, 1, 98, 5, 5],
    )
    assert strands.tolist() == [[1, 1, 0, 2]]
    assert mapping.tolist() == [[2 * 3600 + 900 + 400, 4]]
    assert ranks[0, 0] == 0  # base qualities are equal
    assert ranks[0, 1] < 0
    assert ranks[0, 2] < 0  # ALT at the ends of reads


def test_reads_of_another_candidate_of_the_site_are_alt():
    one, two = (
        [ALLELE_REF, ALLELE_ALT, ALLELE_OTHER, ALLELE_OTHER],
        [ALLELE_REF, ALLELE_OTHER, ALLELE_ALT, ALLELE_OTHER],
    )
    strands, _, _ = measured([(0, 2)], [one, two], [0, 0, 16, 0])
    assert strands.tolist() == [[1, 0, 1, 1]]
    alone, _, _ = measured([(0, 1), (1, 2)], [one, two], [0, 0, 16, 0])
    assert alone.tolist() == [[1, 0, 1, 0], [1, 0, 0, 1]]  # nothing is left over from the site before


def test_a_site_without_rows():
    strands, mapping, ranks = measured([(0, 0)], [[ALLELE_REF]], [0])
    assert strands.sum() == mapping.sum() == 0
    assert np.isnan(ranks).all()


@pytest.mark.parametrize("dp", [0, 4])
def test_a_record_that_counts_no_read_says_nothing_of_reads(dp):
    """A given allele where the sample has no copy has DP 0, whatever lies there."""
    ad, no_text = np.array([dp, 0], np.int32), np.empty(0, np.uint8)
    record = Record(
        9, no_text, np.array([0], np.uint8), np.array([1], np.uint8), np.array([0, 1]), np.int64(0), np.int64(1), 2,
        np.array([-1, -1], np.int8), np.zeros(3), 0, 0.0, dp, ad, False, True, True,
        np.array([2, 2, 0, 0], np.int32), np.array([14_400, 4]), np.full(3, np.nan),
    )  # fmt: skip
    buffer = np.empty(500, np.uint8)
    n = put_site(buffer, 0, np.frombuffer(b"c", np.uint8), record, TextRules(3.0, 13.0, 8.0, False), True)
    fields = buffer[:n].tobytes().decode().rstrip().split("\t")
    told = (fields[7] == "GIVEN", fields[8].endswith(":SB"), len(fields[9].split(":")))
    assert told == ((True, False, 6) if dp == 0 else (False, True, 7))
