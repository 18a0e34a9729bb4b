"""Measures on tables worked by hand."""

import math

import numpy as np
import pytest
from deepcohort.evaluate import metrics
from deepcohort.evaluate.compare_sets import paired_tests
from deepcohort.evaluate.counted_records import CountedRecords
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TOO_HARD, TP
from deepcohort.evaluate.strata import strata
from deepcohort.evaluate.tables import format_value, make_tables


def counted(decisions: list[int], qual: list[float] | None = None, **columns: object) -> CountedRecords:
    """A table of SNPs, one per 1 kb, with these decisions."""
    n = len(decisions)
    values: dict[str, object] = {
        "contig": np.zeros(n, np.int32),
        "pos": np.arange(n, dtype=np.int32) * 1000,
        "decision": np.array(decisions, np.uint8),
        "weight": np.ones(n, np.float32),
        "is_snp": np.ones(n, bool),
        "kind": np.zeros(n, np.uint8),
        "length": np.zeros(n, np.int32),
        "zygosity": np.zeros(n, np.uint8),
        "transition": np.ones(n, np.int8),
        "qual": np.array(qual if qual is not None else np.arange(n), np.float32),
        "gq": np.full(n, np.nan, np.float32),
        "mapq": np.full(n, np.nan, np.float32),
        "depth": np.full(n, -1, np.int32),
        "homopolymer": np.full(n, 1, np.uint8),
        "tandem": np.zeros(n, np.uint8),
        "gc": np.full(n, 40, np.uint8),
        "ploidy_region": np.zeros(n, np.uint8),
        "beds": np.zeros((n, 0), np.uint8),
        "other": np.full(n, -1, np.int32),
        "bases": np.ones(n, np.float32),
        "bases_right": np.ones(n, np.float32),
        "key": np.arange(n, dtype=np.uint64) * np.uint64(7919),
    }
    values.update(columns)
    return CountedRecords(**values)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.277533),
        (5, 10, 0.236593, 0.763407),
        (10, 10, 0.722467, 1.0),
        (95, 100, 0.888246, 0.978464),
    ],
)
def test_wilson(successes, total, low, high):
    """Against values of the closed formula computed apart (R: binom::binom.wilson)."""
    got = metrics.wilson(successes, total)
    assert got == pytest.approx((low, high), abs=2e-4)


def test_wilson_of_nothing():
    assert all(math.isnan(x) for x in metrics.wilson(0, 0))


def test_counts():
    counts = metrics.count(
        np.array([TP, TP, TP, MISS, ALLELE_ONLY, TOO_HARD], np.uint8),
        np.array([TP, TP, MISS, ALLELE_ONLY], np.uint8),
    )
    row = counts.row()
    assert (row["TP_truth"], row["FN"], row["TP_call"], row["FP"]) == (3, 2, 2, 2)
    assert (row["FN_genotype"], row["FP_genotype"], row["too_hard"]) == (1, 1, 1)
    assert row["precision"] == 0.5
    assert row["recall"] == 0.6
    assert row["f1"] == pytest.approx(2 * 0.5 * 0.6 / 1.1)


def test_curve_worked_by_hand():
    """Scores 9 TP, 8 FP, 7 TP, 7 TP, 3 FP of 5 true records."""
    calls = counted([TP, MISS, TP, TP, MISS], qual=[9, 8, 7, 7, 3])
    curve = metrics.precision_recall_curve(calls, calls.qual, 5)
    assert curve.threshold.tolist() == [9, 8, 7, 3]
    assert curve.recall.tolist() == [0.2, 0.2, 0.6, 0.6]
    assert curve.precision == pytest.approx([1, 0.5, 0.75, 0.6])
    # area: 0.2 x 1 + 0 x 0.5 + 0.4 x 0.75 + 0 x 0.6
    assert metrics.area(curve) == pytest.approx(0.5)
    assert metrics.recall_at(curve, 0.7) == 0.6
    assert metrics.recall_at(curve, 0.9) == 0.2
    best, threshold = metrics.best_f1(curve)
    assert (best, threshold) == (pytest.approx(2 * 0.75 * 0.6 / 1.35), 7)


def test_curve_counts_truth_by_weight_and_unscored_last():
    calls = counted([TP, TP, MISS], qual=[np.nan, 5, 6], weight=np.array([1, 3, 1], np.float32))
    curve = metrics.precision_recall_curve(calls, calls.qual, 4)
    assert curve.threshold.tolist() == [6, 5, -math.inf]
    assert curve.tp_truth.tolist() == [0, 3, 4]
    assert curve.tp_call.tolist() == [0, 1, 2]
    assert curve.n_unscored == 1


def test_curve_of_one_type_ends_at_its_counts():
    """A SNP called within a complex record: the weights of the SNP calls say 4, found are 3."""
    calls = counted([TP, TP, MISS], qual=[9, 5, 6], weight=np.array([1, 3, 1], np.float32))
    curve = metrics.precision_recall_curve(calls, calls.qual, 4, 3)
    assert curve.tp_truth.tolist() == [0.75, 0.75, 3]
    assert curve.recall[-1] == 0.75


def test_recall_at_unreachable_precision_is_zero():
    calls = counted([MISS, TP], qual=[9, 1])
    curve = metrics.precision_recall_curve(calls, calls.qual, 1)
    assert metrics.recall_at(curve, 0.99) == 0.0


def test_bootstrap_is_deterministic_and_covers():
    rng = np.random.default_rng(0)
    decisions = np.where(rng.random(2000) < 0.9, TP, MISS)
    calls = counted(decisions.tolist(), qual=rng.random(2000).tolist())
    truth = counted([TP] * int((decisions == TP).sum()) + [MISS] * 100)
    a = metrics.bootstrap(truth, calls, calls.qual)
    assert a == metrics.bootstrap(truth, calls, calls.qual)
    curve = metrics.precision_recall_curve(calls, calls.qual, len(truth))
    low, high = a["auprc"]
    assert low < metrics.area(curve) < high
    assert 0 < high - low < 0.1


def test_few_blocks_give_no_interval():
    few = counted([TP, MISS])
    assert math.isnan(metrics.bootstrap(few, few, few.qual)["f1"][0])


def test_calibration_bins():
    """20 calls of GQ 10 to 19, two of them false: observed error 0.1, phred 10."""
    calls = counted([TP] * 18 + [MISS] * 2 + [TP], gq=np.array([12] * 20 + [99], np.float32))
    rows = metrics.calibration(calls)
    assert [(r["gq_low"], r["calls"], r["TP"]) for r in rows] == [(10, 20, 18), (90, 1, 1)]
    assert rows[0]["observed_phred"] == pytest.approx(10)
    assert rows[0]["promised_error"] == pytest.approx(10**-1.2)
    assert math.isinf(rows[1]["observed_phred"])


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 10, 2 / 1024), (1, 9, 22 / 1024)]
)
def test_mcnemar(only_a, only_b, p):
    assert metrics.mcnemar(only_a, only_b) == pytest.approx(p)


def test_paired_tests_pair_records_by_key():
    truth_a, truth_b = counted([TP, TP, MISS, TP, TOO_HARD]), counted([TP, MISS, MISS, ALLELE_ONLY, TP])
    calls_a, calls_b = counted([MISS, TP]), counted([MISS, MISS])
    a, b = ((t.kept(True), c.kept(True)) for t, c in ((truth_a, calls_a), (truth_b, calls_b)))
    row = next(r for r in paired_tests(a, b) if r["type"] == "SNP")
    assert (row["both_found"], row["only_a_found"], row["only_b_found"], row["neither_found"]) == (1, 2, 0, 1)
    assert (row["fp_both"], row["fp_only_a"], row["fp_only_b"]) == (1, 0, 1)
    assert row["mcnemar_p"] == 0.5


def test_strata_names_are_the_same_on_both_sides_and_partition():
    side = counted([TP] * 6, homopolymer=np.array([1, 3, 4, 7, 12, 200], np.uint8))
    table = {(g, n): mask for g, n, mask in strata(side, [])}
    parts = [mask for (group, _), mask in table.items() if group == "homopolymer_bp"]
    assert np.sum(parts, axis=0).tolist() == [1] * 6
    assert table["homopolymer_bp", ">=12"].tolist() == [False] * 4 + [True] * 2


def test_user_beds_become_strata():
    beds = np.packbits(np.array([[1, 0], [1, 1]], bool), axis=1)
    table = {
        n: mask.tolist() for g, n, mask in strata(counted([TP, TP], beds=beds), ["x", "y"]) if g == "bed"
    }
    assert table == {"x": [True, True], "y": [False, True]}


def test_tables_of_empty_sides():
    empty = counted([])
    tables = make_tables(empty, empty, [], False)
    assert [row["type"] for row in tables.summary] == ["SNP", "INDEL"]
    assert all(math.isnan(row["precision"]) for row in tables.summary)
    assert tables.extended == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "NA"),
        (math.inf, "inf"),
        (0.5, "0.5"),
        (1.0, "1.0"),
        (3, "3"),
        (1 / 3, "0.333333"),
        (0.0, "0.0"),
        (2.5e-9, "2.5e-09"),
        ("x", "x"),
    ],
)
def test_cells(value, text):
    assert format_value(value) == text
