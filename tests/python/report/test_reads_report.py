"""Facts of samples to the table of reads, to a real report, and to the last lines of a run."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deepcohort.cli.report import app
from deepcohort.cli.summary import app as summary_app
from deepcohort.core.errors import DeepcohortError
from deepcohort.report.reads import read_facts, write_reads
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parents[3]
RED, GREEN, YELLOW = "#d9534f", "#5cb85c", "#f0ad4e"  # MultiQC's fail, pass and warn


def write_facts(
    folder: Path, sample: str, alarm: bool | None = False, inserts=(170, 400, 650), **records
) -> Path:
    folder.mkdir(exist_ok=True)
    library = {"Reads": 5_000, "ReadLength": 150, "Paired": 0.98, "Inserts": list(inserts), "OddPairs": 0.105}
    library |= {"TypicalMAPQ": 42, "Clipped": 0.02, "Copies": 0.31, "CopiesDropped": True, "Qualities": 4}
    library |= {"Duplicates": 0.05, "Slips": 2.5, "QualitiesLowered": "30:-3"}
    library |= {"QualitiesRaised": "0:+27", "ClipsDropped": "starts"}
    library |= {
        "Contamination": 0.0376,
        "ContaminationGiven": 0.05,
        "Repeated": 0.5,
        "StrandErrors": "ACG-ATG:forward:0.102",
        "ConvertedCpG": 0.703,
        "ConvertedElsewhere": 0.99,
        "Unbalanced": 35.8,
    }
    library |= {"WrongPlatform": "short_reads"} if alarm else {}
    library |= {"LeftOut": 0.8029, "LeftOutBy": "qc_fail:0.2000|duplicate:0.6029"}
    unlike = {"Sites": 812, "Outside": 0.031, "Strangest": "alt_clip", "StrangestShare": 0.42, "Alarm": alarm}
    facts = {
        "sample": sample,
        "model": "illumina 4",
        "library": None if alarm is None else library,
        "reads": None if alarm is None else {"Mapped": 0.9981},
        "unlike_training": None if alarm is None else unlike,
        "records": {"PASS": 900, "LowQual": 7, "RefCall": 3, "Disputed": 0, "other": 0, **records},
        "called": {"snp": 800, "indel": 100},
    }
    path = folder / f"{sample}.facts.json"
    path.write_text(json.dumps(facts))
    return path


def table_of(path: Path) -> dict:
    return json.loads(path.read_text())


def test_names_are_no_html(tmp_path):
    path = write_facts(tmp_path / "in", "odd", alarm=True)
    path.write_text(path.read_text().replace('"sample": "odd"', '"sample": "<b>A&B"'))
    (path,) = write_reads([tmp_path / "in"], tmp_path / "out")
    assert "<b>A&B" not in path.read_text()
    assert list(table_of(path)["data"]) == ["&lt;b&gt;A&amp;B"]
    assert "<strong>The reads of &lt;b&gt;A&amp;B are unlike" in table_of(path)["description"]


def test_cells(tmp_path):
    write_facts(tmp_path / "in", "fine")
    write_facts(tmp_path / "in", "odd", alarm=True, inserts=(0, 0, 0), Disputed=12)
    write_facts(tmp_path / "in", "old", alarm=None)
    (path,) = write_reads([tmp_path / "in"], tmp_path / "out")
    table = table_of(path)
    assert list(table["data"]) == ["odd", "fine", "old"]  # alarms first
    assert table["pconfig"]["sort_rows"] is False
    fine = {
        "alarm": "as trained",
        "outside": 3.1,
        "strangest": "alt_clip",
        "strangest_share": 42.0,
        "sites": 812,
        "read_length": 150,
        "paired": 98.0,
        "inserts": "170 - 400 - 650",
        "odd_pairs": 10.5,
        "mapq": 42,
        "clipped": 2.0,
        "mapped": 99.81,
        "duplicates": 5.0,
        "unbalanced": 35.8,
        "converted_cpg": 70.3,
        "converted_elsewhere": 99.0,
        "repeated": 50.0,
        "left_out": 80.29,
        "left_out_by": "qc_fail:0.2000|duplicate:0.6029",
        "copies": 31.0,
        "copies_dropped": "left out",
        "slips": 2.5,
        "qualities": 4,
        "lowered": "30:-3",
        "raised": "0:+27",
        "clips_dropped": "starts",
        "strand_errors": "ACG-ATG:forward:0.102",
        "contamination": 3.76,
        "contamination_given": 5.0,
        "snp": 800,
        "indel": 100,
        "low_qual": 7,
        "disputed": 0,
    }
    assert table["data"]["fine"] == fine
    odd = {**fine, "alarm": "unlike training", "wrong_platform": "short_reads", "disputed": 12}
    del odd["inserts"]  # single reads have none
    assert table["data"]["odd"] == odd
    assert table["data"]["old"] == {
        "alarm": "unknown",
        "snp": 800,
        "indel": 100,
        "low_qual": 7,
        "disputed": 0,
    }
    assert {*fine, *odd} == set(table["headers"])
    assert "The reads of odd are unlike" in table["description"]


def with_libraries(path: Path, *alarms: bool | None) -> Path:
    """The facts of `path` with libraries, whose alarm is so; None: with too few reads to say."""
    facts = json.loads(path.read_text())
    facts["libraries"] = [
        {**facts["library"], "ID": f"L{k}", "Platform": "ILLUMINA", "Share": 0.5, "Profile": "own", "TypicalMAPQ": 60 + k}
        | ({} if alarm is None else {"Alarm": alarm})
        for k, alarm in enumerate(alarms)
    ]  # fmt: skip
    path.write_text(json.dumps(facts))
    return path


def test_a_row_for_each_library(tmp_path):
    """Below the sample's; one that alone is unlike training makes the sample's first."""
    paths = [
        write_facts(tmp_path, "a"),
        with_libraries(write_facts(tmp_path, "b"), False, None),
        with_libraries(write_facts(tmp_path, "c"), False, True),
    ]
    (path,) = write_reads(paths, tmp_path / "out")
    data = table_of(path)["data"]
    assert list(data) == ["c", "c, library L0", "c, library L1", "a", "b", "b, library L0", "b, library L1"]
    assert [row.get("alarm") for row in data.values()] == [
        "as trained", "as trained", "unlike training", "as trained", "as trained", "as trained", None,
    ]  # fmt: skip
    assert [row["mapq"] for row in data.values()] == [42, 60, 61, 42, 42, 60, 61]
    assert "snp" not in data["c, library L1"]
    assert "The reads of c are unlike" in table_of(path)["description"]


def test_libraries_have_no_rows_where_the_table_is_full(tmp_path):
    for k in range(499):
        write_facts(tmp_path / "in", f"s{k:03}")
    with_libraries(tmp_path / "in" / "s007.facts.json", False, False)
    (path,) = write_reads([tmp_path / "in"], tmp_path / "out")
    assert len(table_of(path)["data"]) == 499


def test_no_alarm_says_nothing(tmp_path):
    (path,) = write_reads([write_facts(tmp_path, "fine")], tmp_path / "out")
    assert "unlike those" not in table_of(path)["description"]
    assert write_reads([], tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_red_rows_outlive_many_samples(tmp_path):
    """Beyond 500 rows MultiQC draws violins; the samples with an alarm then have a table of their own."""
    for k in range(520):
        write_facts(tmp_path / "in", f"s{k:03}", alarm=k % 20 == 0)
    alarming, whole = write_reads([tmp_path / "in"], tmp_path / "out")
    assert set(table_of(alarming)["data"]) == {f"s{k:03}" for k in range(0, 520, 20)}
    assert len(table_of(whole)["data"]) == 520
    assert "s380 and 6 more are unlike" in table_of(whole)["description"]


def test_refusals(tmp_path):
    write_facts(tmp_path, "a")
    with pytest.raises(DeepcohortError, match="sample a are given more than once"):
        read_facts([tmp_path, tmp_path / "a.facts.json"])
    for text in ("", "[]", "{}", '{"sample": 1}', '{"sample": "b", "library": 3, "unlike_training": null}'):
        (tmp_path / "b.json").write_text(text)
        with pytest.raises(
            DeepcohortError, match=r"b\.json is no file of deepcohort merge --facts"
        ) as caught:
            read_facts([tmp_path])
        assert "\n" not in str(caught.value)
    with pytest.raises(DeepcohortError, match="is no file of"):
        read_facts([tmp_path / "none.json"])
    result = CliRunner().invoke(app, ["--output", str(tmp_path / "out")])
    assert "nothing to report; give --evaluation or --facts" in str(result.exception)


def test_last_lines_name_the_samples(tmp_path):
    write_facts(tmp_path / "in", "fine")
    text = tmp_path / "summary.txt"
    arguments = ["--facts", str(tmp_path / "in"), "--output", str(text)]
    assert CliRunner().invoke(summary_app, arguments).exit_code == 0
    assert text.read_text() == ""
    write_facts(tmp_path / "in", "odd", alarm=True)
    assert CliRunner().invoke(summary_app, arguments).exit_code == 0
    assert text.read_text() == (
        "  Warning: the reads of odd are unlike those that the model was trained on: mistrust their calls; see the "
        "report's section on reads.\n"
    )


def test_multiqc_paints_the_alarm_red(tmp_path):
    """Without truth and joint genotyping: facts are all there is."""
    multiqc = Path(sys.executable).with_name("multiqc")
    if not multiqc.exists() and shutil.which("multiqc") is None:
        pytest.skip("multiqc is not installed")
    for sample, alarm in (("fine", False), ("odd", True), ("old", None)):
        write_facts(tmp_path / "in", sample, alarm)
    result = CliRunner().invoke(app, ["--facts", str(tmp_path / "in"), "--output", str(tmp_path / "content")])
    assert result.exit_code == 0, result.output
    command = [str(multiqc) if multiqc.exists() else "multiqc", "--force", "--no-version-check", "--strict"]
    command += ["--config", str(REPOSITORY / "assets" / "multiqc_config.yml"), "--outdir", str(tmp_path)]
    run = subprocess.run(
        [*command, "--filename", "r.html", str(tmp_path / "content")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    html = (tmp_path / "r.html").read_text()
    badges = re.findall(r'<span class="badge" style="background-color:(#\w+)">([^<]+)</span>', html)
    assert set(badges) == {(RED, "unlike training"), (GREEN, "as trained"), (YELLOW, "unknown")}
    assert "Reads and library" in html
