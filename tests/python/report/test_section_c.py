"""Plots and tables that said something else than their numbers do."""

import json

import pytest
from deepcohort.report.cohort_multiqc import mendelian_table, pca_plot, relatedness_table, sample_table
from deepcohort.report.evaluation import write_report
from deepcohort.report.evaluation_plots import calibration, precision_recall
from deepcohort.report.evaluation_types import Evaluation


def read(path):
    return json.loads(path.read_text())


def test_bins_without_errors_are_drawn_at_their_bound():
    rows = [
        {"type": "SNP", "mean_gq": "10", "observed_phred": "12.5", "observed_error_high": "0.1"},
        {"type": "SNP", "mean_gq": "20", "observed_phred": "inf", "observed_error_high": "0.001"},
        {"type": "SNP", "mean_gq": "40", "observed_phred": "inf", "observed_error_high": "0.001"},
        {"type": "SNP", "mean_gq": "45", "observed_phred": "inf", "observed_error_high": "0.001"},
        {"type": "SNP", "mean_gq": "50", "observed_phred": "inf", "observed_error_high": "NA"},
    ]
    section = calibration([Evaluation("a", {}, {"calibration": rows})])
    assert section["data"]["a"] == [[10, 12.5], [20, 30.0], [40, 40.0]]


def test_precision_recall_shows_where_the_curve_bends():
    rows = [
        {"type": "SNP", "score": "QUAL", "recall": str(r), "precision": str(p)}
        for r, p in ((0.1, 1.0), (0.9, 0.9999), (0.97, 0.999), (0.99, 0.98))
    ]
    section = precision_recall([Evaluation("a", {}, {"curves": rows})])
    assert section["pconfig"]["data_labels"][0]["xmin"] == pytest.approx(80)


def test_call_sets_stand_in_the_order_of_the_tables(tmp_path, monkeypatch):
    from deepcohort.report import evaluation as room

    sets = [Evaluation(name, {}, {}) for name in ("child.cohort", "child", "b")]
    seen = []
    monkeypatch.setattr(room, "read_evaluations", lambda folders: (sets, [], []))
    monkeypatch.setattr(room.tables, "summary_table", lambda found: seen.extend(e.name for e in found) or {})
    with pytest.raises(KeyError):  # the sets are empty: the sections after the first need more
        write_report([], tmp_path)
    assert seen == ["b", "child", "child.cohort"]


def test_axes_of_the_pca_have_no_unit(tmp_path):
    plot = read(
        pca_plot(tmp_path, ["a", "b"], [[0.1, 0.2], [0.3, 0.4]], [0.551, 0.2], {"a": "F1", "b": "F2"})
    )
    assert plot["pconfig"]["xsuffix"] == plot["pconfig"]["ysuffix"] == ""
    assert "(" not in plot["pconfig"]["xlab"]
    assert plot["data"]["a"]["annotation"] == "a"
    assert plot["data"]["a"]["color"] != plot["data"]["b"]["color"]
    assert "Joint genotypes" in plot["parent_description"]


def trio(**more):
    row = {"family": "F", "child": "kid", "father": "dad", "mother": "mom", "rate": 0.00074}
    return {
        **row,
        "snp_checked": 2500,
        "snp_violations": 1,
        "indel_checked": 199,
        "indel_violations": 1,
        **more,
    }


def test_violations_come_with_their_counts(tmp_path):
    table = read(mendelian_table(tmp_path, [trio(), trio(family="", child="k2", rate="")]))
    assert table["data"]["F: kid"]["rate"] == 0.074
    assert set(table["data"]["F: kid"]) == set(table["headers"])
    assert table["headers"]["rate"]["max"] == 5  # a bar of 0.07 % is not a full one
    assert "rate" not in table["data"]["k2"]


def test_relatedness_says_what_was_expected(tmp_path):
    row = {
        "sample_1": "a",
        "sample_2": "b",
        "kinship": 0.2,
        "ibs0": 0.0,
        "sites": 1200,
        "observed": "siblings",
    }
    table = read(relatedness_table(tmp_path, [{**row, "expected": "not stated", "check": "unexpected"}]))
    assert {"expected", "observed", "check", "sites"} <= set(table["headers"])


def test_missing_has_a_scale_and_decimals(tmp_path):
    keys = (
        "snp",
        "indel",
        "ti_tv",
        "het_hom",
        "singleton",
        "de_novo",
        "mean_dp",
        "mean_gq",
        "sex_inferred",
        "sex_check",
    )
    table = read(
        sample_table(tmp_path, [{"sample": "a", "missing_rate": 0.00035, **dict.fromkeys(keys, "")}])
    )
    assert table["data"]["a"]["missing_rate"] == 0.035
    header = table["headers"]["missing_rate"]
    assert (header["max"], header["format"]) == (10, "{:,.3f}")
