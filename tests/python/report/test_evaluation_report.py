"""Evaluation folders to MultiQC content, and to a real report."""

import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from deepcohort.cli.report import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.evaluate.tables import write_json, write_tsv
from deepcohort.report.evaluation import read_evaluations, write_report
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parents[3]


def summary_row(kind: str, f1: float | None) -> dict:
    names = ("precision", "recall", "f1")
    row: dict = {"type": kind, "TP_truth": 90, "FN": 10, "TP_call": 92, "FP": 8, "FP_genotype": 2}
    row |= {"FN_genotype": 2, "too_hard": 0}
    for name in names:
        row |= {name: f1, f"{name}_low": f1, f"{name}_high": f1}
    for score in ("qual", "gq"):
        for key in (
            "auprc",
            "best_f1",
            *(f"recall_at_precision_{p}" for p in ("70", "80", "90", "95", "99", "99.9")),
        ):
            row |= {f"{key}_{score}": f1, f"{key}_{score}_low": f1, f"{key}_{score}_high": f1}
        row[f"best_f1_threshold_{score}"] = 12.5
    return row


def make_evaluation(folder: Path, name: str, depth: str = "", f1: float | None = 0.9) -> Path:
    """A folder as the evaluator writes it, with a few rows in every table."""
    folder.mkdir(parents=True)
    counts = ("filtered", "symbolic", "ploidy", "too_long", "off_reference", "bad_allele", "outside_regions")
    info = {
        "name": name,
        "sample": name,
        "caller": "x",
        "depth": depth,
        "confident_bp": 1_000_000,
        "left_out": {side: dict.fromkeys(counts, 1) for side in ("calls", "truth")},
        "summary": [summary_row("SNP", f1), summary_row("INDEL", f1)],
        "all": summary_row("ALL", f1),
    }
    write_json(folder / "summary.json", info)
    counted = {"TP_truth": 9, "FN": 1, "TP_call": 9, "FP": 1, "precision": 0.9, "recall": 0.9, "f1": 0.9}
    kinds = ("SNP", "INDEL")
    write_tsv(
        folder / "extended.tsv",
        [
            {"type": k, "group": g, "stratum": s, **counted}
            for k in kinds
            for g, s in (("all", "all"), ("bed", "low"))
        ],
    )
    write_tsv(
        folder / "curves.tsv",
        [
            {
                "type": k,
                "score": score,
                "threshold": 10.0 - i,
                **counted,
                "precision": 1 - i / 20,
                "recall": i / 10,
            }
            for k in kinds
            for score in ("QUAL", "GQ")
            for i in range(10)
        ],
    )
    write_tsv(
        folder / "confusion.tsv",
        [
            {"type": k, "truth": a, "call": b, "records": 5}
            for k in kinds
            for a, b in (("het", "het"), ("het", "absent"))
        ],
    )
    write_tsv(
        folder / "calibration.tsv",
        [{"type": k, "mean_gq": 10.0 * i, "observed_phred": 9.0 * i} for k in kinds for i in range(1, 4)]
        + [{"type": "SNP", "mean_gq": 60.0, "observed_phred": np.inf}],
    )
    write_tsv(
        folder / "indel_lengths.tsv",
        [{"length_bp": n, "TP_truth": 5, "FN": 1, "TP_call": 5, "FP": 1} for n in (-3, -1, 1, 2)],
    )
    return folder


def content(folder: Path, name: str) -> dict:
    return json.loads((folder / f"deepcohort_evaluation_{name}_mqc.json").read_text())


def test_sections_of_two_samples(tmp_path):
    a = make_evaluation(tmp_path / "a", "A", "10x", 0.8)
    b = make_evaluation(tmp_path / "b", "B", "30x", 0.9)
    result = CliRunner().invoke(
        app,
        ["--evaluation", str(a), "--evaluation", str(b), "--output", str(tmp_path / "out")],
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    out = tmp_path / "out"
    assert set(content(out, "summary")["data"]) == {"A SNP", "A INDEL", "B SNP", "B INDEL"}
    assert content(out, "summary")["data"]["A SNP"]["f1"] == 80.0
    line = content(out, "precision_recall")["data"][0]["A"]
    assert line[0] == [0, 100]
    assert all(x[0] < y[0] for x, y in itertools.pairwise(line))
    assert content(out, "depth")["data"][0] == {"A x": [[10, 80]], "B x": [[30, 90]]}
    assert content(out, "strata")["ycats"] == ["all", "bed low"]
    assert content(out, "calibration")["data"][0]["A"] == [[10, 9], [20, 18], [30, 27]]
    assert content(out, "confusion_1")["data"][0] == [50, 0, 0, 0, 50]
    assert "hugs the axis" in content(out, "roc")["description"]
    for path in out.glob("*_mqc.json"):
        section = json.loads(path.read_text())
        assert section["plot_type"] == "generalstats" or section.get("description") or section["data"]


def test_many_samples_pool_the_genotype_heatmaps(tmp_path):
    folders = [make_evaluation(tmp_path / str(k), f"S{k}") for k in range(6)]
    written = write_report(folders, tmp_path / "out")
    assert [p.name for p in written if "confusion" in p.name] == [
        "deepcohort_evaluation_confusion_0_mqc.json"
    ]
    assert content(tmp_path / "out", "confusion_0")["ycats"][0] == "SNP het (60)"


def test_folders_of_folders_and_equal_names(tmp_path):
    make_evaluation(tmp_path / "run" / "gatk", "HG002")
    make_evaluation(tmp_path / "run" / "ours", "HG002")
    row = {"a": "gatk", "b": "ours", "type": "SNP", "both_found": 9, "only_a_found": 1, "only_b_found": 0}
    row |= {"neither_found": 0, "mcnemar_p": 1.0, "fp_both": 0, "fp_only_a": 1, "fp_only_b": 2}
    write_tsv(tmp_path / "run" / "mcnemar.tsv", [row])
    evaluations, tests, _ = read_evaluations([tmp_path / "run"])
    assert [e.name for e in evaluations] == ["gatk", "ours"]
    assert tests[0]["fp_only_b"] == "2"
    write_report([tmp_path / "run"], tmp_path / "out")
    assert content(tmp_path / "out", "paired")["data"]["gatk vs ours SNP"]["only_a"] == 1


def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path):
    folders = [make_evaluation(tmp_path / caller / "evaluation", "HG002") for caller in ("gatk", "ours")]
    assert [e.name for e in read_evaluations(folders)[0]] == ["gatk/evaluation", "ours/evaluation"]
    with pytest.raises(DeepcohortError, match="given more than once"):
        read_evaluations([folders[0], tmp_path / "ours" / ".." / "gatk" / "evaluation"])


def test_a_column_that_the_first_row_lacks(tmp_path):
    rows = [{"sample": "A", "snps": 0, "ti_tv": None}, {"sample": "B", "snps": 9, "ti_tv": 2.0}]
    write_json(tmp_path / "without_truth.json", {"samples": rows})
    write_report([tmp_path], tmp_path / "out")
    table = content(tmp_path / "out", "untrue_samples")
    assert set(table["headers"]) == {"snps", "ti_tv"}
    assert table["data"] == {"A": {"snps": 0}, "B": {"snps": 9, "ti_tv": 2.0}}


@pytest.mark.parametrize("text", ["[]", '{"name": "A"}'])
def test_a_summary_of_something_else(tmp_path, text):
    folder = make_evaluation(tmp_path / "a", "A")
    (folder / "summary.json").write_text(text)
    with pytest.raises(DeepcohortError, match=r"cannot be read \(summary\.json"):
        write_report([folder], tmp_path / "out")


@pytest.mark.parametrize("text", ["[]", "{"])
def test_a_damaged_description_without_truth(tmp_path, text):
    (tmp_path / "without_truth.json").write_text(text)
    with pytest.raises(DeepcohortError, match="cannot be read"):
        write_report([tmp_path], tmp_path / "out")


def test_nothing_known_is_left_blank(tmp_path):
    write_report([make_evaluation(tmp_path / "a", "A", f1=None)], tmp_path / "out")
    assert "f1" not in content(tmp_path / "out", "summary")["data"]["A SNP"]


def test_no_evaluation(tmp_path):
    with pytest.raises(DeepcohortError, match="no folder"):
        write_report([tmp_path / "nothing"], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeepcohortError, match=r"no summary\.json"):
        write_report([tmp_path / "empty"], tmp_path / "out")
    (tmp_path / "empty" / "summary.json").write_text("{")
    with pytest.raises(DeepcohortError, match="cannot be read"):
        write_report([tmp_path / "empty"], tmp_path / "out")


def test_multiqc_takes_it_whole(tmp_path):
    """Every section arrives in the report, which needs no network to be read."""
    multiqc = Path(sys.executable).with_name("multiqc")
    if not multiqc.exists() and shutil.which("multiqc") is None:
        pytest.skip("multiqc is not installed")
    folders = [make_evaluation(tmp_path / name, name, depth) for name, depth in (("A", "10"), ("B", "30"))]
    written = write_report(folders, tmp_path / "content")
    config = REPOSITORY / "assets" / "multiqc_config.yml"
    command = [str(multiqc) if multiqc.exists() else "multiqc", "--force", "--no-version-check", "--strict"]
    command += [
        "--config",
        str(config),
        "--outdir",
        str(tmp_path),
        "--filename",
        "r.html",
        str(tmp_path / "content"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    html = (tmp_path / "r.html").read_text()
    for path in written:
        assert json.loads(path.read_text())["id"] in html
    assert not re.search(
        r'<script[^>]*\ssrc=["\']http|<link[^>]*stylesheet[^>]*http|@import\s+url\(http', html
    )
