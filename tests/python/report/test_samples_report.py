"""Coverage and calls of samples: MultiQC content, the page of one sample, how the run was made, a real report."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from deepcohort.cli.report import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.report.page import page_of, write_pages
from deepcohort.report.page_plots import bars, curve
from deepcohort.report.run import run_html, versions_of, write_run
from deepcohort.report.samples import call_numbers, change_classes, shares, write_samples
from deepcohort.report.sex import inferred_sex, sex_row
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parents[3]


def coverage(bp=1_000_000, depth=30.5, share=0.9, **more):
    shares = {f"at_least_{x}x": share for x in (10, 20, 30)}
    return {"bp": bp, "mean_depth": depth, **shares, "callable": 0.95, **more}


def quality(**more):
    counts = {
        "het_snp": 600,
        "hom_snp": 300,
        "het_indel": 60,
        "hom_indel": 40,
        "haploid": 0,
        "multiallelic": 3,
    }
    return {
        "coverage": {
            "all": coverage(),
            "contigs": {"chr1": coverage(900_000), "chrX": coverage(90_000, 15.2), "chrUn": coverage(100)},
            "depths": [0] * 25 + [100, 300, 400, 200],
        },
        "calls": {
            "pass": 1000, **counts, "ti": 640, "tv": 320, "insertions": 45, "deletions": 55,
            "changes": {"A>G": 100, "T>C": 110, "C>T": 200, "G>A": 230, "A>C": 320},
            "indel_lengths": {"-3": 5, "1": 45, "-1": 50},
            "gq": [0] * 50 + [400, 600], "dp": [0] * 30 + [1000], "qual": [0] * 40 + [1000],
            "vaf": [0] * 24 + [300, 360] + [0] * 25,
        },
        "contamination": {"sites": 280, "reference_reads": 0.004, "error": 0.001, "estimate": 0.009, "standard_error": 0.002},
        "sex": {"x_depth": 0.507, "y_depth": 0.48, "x_het": 0, "x_hom": 12},
        **more,
    }  # fmt: skip


def facts(sample="child", sex=None, **more):
    library = {
        "Reads": 5_000,
        "ReadLength": 150,
        "Paired": 0.98,
        "Inserts": [300, 450, 700],
        "OddPairs": 0.01,
    }
    library |= {"TypicalMAPQ": 60, "Clipped": 0.02, "Duplicates": 0.0712, "Copies": 0.001}
    return {
        "sample": sample,
        "model": "illumina 4",
        "library": library,
        "reads": {"Mapped": 0.9981},
        "unlike_training": {"Alarm": False, "Outside": 0.0, "Sites": 9},
        "sex": sex,
        "records": {"PASS": 1000, "LowQual": 7, "RefCall": 3, "Disputed": 0, "other": 0},
        "called": {"snp": 900, "indel": 100},
        "quality": quality(**more),
    }


def interval(name, share, depth=20.0):
    return {"name": name, "region": "chr1:1-100", **coverage(100, depth), "callable": share}


def targets(*rows):
    return {"all": coverage(300, 25.0), "depth_share": 0.7, "intervals": list(rows)}


def sections(samples, folder):
    return {path.name: json.loads(path.read_text()) for path in write_samples(samples, folder)}


def test_numbers():
    numbers = call_numbers(facts())
    assert (numbers["ti_tv"], numbers["het_hom"], numbers["het_hom_snp"]) == (2.0, round(660 / 340, 4), 2.0)
    assert change_classes(facts())["A>G"] == 210
    assert change_classes(facts())["C>T"] == 430
    assert shares([1, 0, 3]) == [[0, 25], [1, 0], [2, 75]]
    assert shares([]) == []


def test_general_statistics_and_tables(tmp_path):
    found = sections([facts("b"), facts("a")], tmp_path)
    general = found["deepcohort_samples_general_mqc.json"]
    assert general["plot_type"] == "generalstats"
    assert list(general["data"]) == ["a", "b"]
    assert general["data"]["a"] == {
        "mean_depth": 30.5, "at_least_20x": 90, "callable": 95, "snps": 900, "indels": 100, "ti_tv": 2.0,
        "het_hom": round(660 / 340, 4), "duplicates": 7.12, "mapped": 99.81, "insert": 450, "contamination": 0.9,
        "sex": "XY",
    }  # fmt: skip
    assert {next(iter(header)) for header in [general["headers"][0]]} == {"mean_depth"}
    table = found["deepcohort_samples_coverage_mqc.json"]
    assert table["data"]["a"]["bp"] == 1.0
    assert set(table["data"]["a"]) == set(table["headers"])
    for path, section in found.items():
        if section["plot_type"] == "bargraph":
            for row in section["data"].values():
                assert set(row) <= set(section["categories"]), path
    contigs = found["deepcohort_samples_contigs_mqc.json"]["data"][0]["a"]
    assert contigs == [["chr1", 30.5], ["chrX", 15.2]]  # small ones are not drawn
    cumulative = found["deepcohort_samples_depths_mqc.json"]["data"][1]["a"]
    assert [y for x, y in cumulative if x in (0, 25, 26, 28)] == [100, 100, 90, 20]
    assert "deepcohort_samples_targets_mqc.json" not in found


def test_targets_and_the_weakest(tmp_path):
    one = facts("a", targets=targets(interval("good", 1.0), interval("bad", 0.2)))
    two = facts("b", targets=targets(interval("good", 0.9), interval("bad", 0.6, 10.0)))
    found = sections([one, two], tmp_path)
    assert found["deepcohort_samples_targets_mqc.json"]["data"]["a"]["on_target"] == 70
    weak = found["deepcohort_samples_weak_targets_mqc.json"]["data"]
    assert weak["1"] == {
        "name": "bad", "region": "chr1:1-100", "least": 20, "sample": "a", "mean": 40, "depth": 15,
    }  # fmt: skip
    assert weak["2"]["sample"] == "b"


def test_y_of_women_is_no_weak_target(tmp_path):
    row = {**interval("SRY", 0.0), "region": "chrY:1-100"}
    woman = facts("a", {"Sex": "XX", "From": "coverage"}, targets=targets(row))
    assert "deepcohort_samples_weak_targets_mqc.json" not in sections([woman], tmp_path / "1")
    man = facts("b", {"Sex": "XY", "From": "coverage"}, targets=targets(row))
    found = sections([woman, man], tmp_path / "2")["deepcohort_samples_weak_targets_mqc.json"]["data"]
    assert [r["sample"] for r in found.values()] == ["b"]


def test_nought_is_shown(tmp_path):
    woman = facts("a", sex={"Sex": "XX", "From": "coverage"})
    woman["quality"]["sex"] = {"x_depth": 1.0, "y_depth": 0.0, "x_het": 0, "x_hom": 0}
    row = sections([woman], tmp_path)["deepcohort_samples_checks_mqc.json"]["data"]["a"]
    assert (row["y_depth"], row["x_het"], row["check"]) == (0.0, 0, "ok")


def test_samples_without_quality_are_left_out(tmp_path):
    assert write_samples([{**facts(), "quality": None}], tmp_path) == []


@pytest.mark.parametrize(
    ("x", "y", "sex"),
    [
        (1.0, 0.01, "XX"),
        (0.5, 0.4, "XY"),
        (0.5, None, ""),
        (1.0, None, "XX"),
        (0.5, 0.0, ""),
        (1.0, 0.5, ""),
        (None, None, ""),
    ],
)
def test_sex_by_depth(x, y, sex):
    assert inferred_sex(x, y) == sex


def test_sex_check():
    assert sex_row(facts(sex={"Sex": "XX", "From": "option"}))["check"] == "MISMATCH"
    assert sex_row(facts(sex={"Sex": "XY", "From": "coverage"}))["check"] == "ok"
    assert sex_row(facts(sex={"Sex": "XY", "From": "coverage"}))["called_as"] == "XY (coverage)"
    assert sex_row(facts())["check"] == ""


class _Balanced(HTMLParser):
    """Raises where tags do not close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "line", "rect", "polygon", "polyline", "br") or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag in ("polygon", "polyline", "line", "meta"):
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_page_of_one_sample(tmp_path):
    name = "<b>x & y"
    given = facts(name, sex={"Sex": "XX", "From": "option"}, targets=targets(interval("gene<1>", 0.4)))
    page = page_of(given)
    parser = _Balanced()
    parser.feed(page)
    assert parser.open == []
    for text in (
        name,
        "30.5x",
        "Ti/Tv",
        "2.00",
        "0.90 % ± 0.20",
        "MISMATCH",
        "gene<1>",
        "99.81 %",
        "7.12 %",
        "illumina 4",
    ):
        assert text in parser.text, text
    assert "prefers-color-scheme: dark" in page
    assert "http" not in page  # no other file needed
    assert "Libraries" not in page
    library = {**given["library"], "ID": "<L 1>", "Share": 0.123, "Inserts": [0, 0, 0], "Profile": "own"}
    more = _Balanced()
    more.feed(page_of({**given, "libraries": [library, {**library, "ID": "2", "Profile": "sample"}]}))
    assert more.open == []
    for text in ("<L 1>", "12.3 %", "its own reads", "all reads"):
        assert text in more.text, text
    assert "unlike those" in page_of({**given, "unlike_training": {"Alarm": True}})


def test_pages_are_written_by_sample(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(facts("a")))
    assert [path.name for path in write_pages([tmp_path / "a.json"], tmp_path / "pages")] == ["a.html"]
    (tmp_path / "a.json").write_text(json.dumps({**facts("a"), "quality": None}))
    with pytest.raises(DeepcohortError, match="the facts of a hold no coverage"):
        write_pages([tmp_path / "a.json"], tmp_path / "pages")


def test_pictures_of_nothing():
    assert curve([], "x", "y") == bars([("a", 0)]) == "<p>No data.</p>"
    assert "nan" not in curve([[0, 0.0], [1, 0.0]], "x", "y")


def test_versions_in_both_forms():
    flat = "CALL_SHARD: deepcohort, version 0.1.0, code abc; samtools 1.16\nBUILD_REPORT: multiqc, version 1.35\n"
    nested = '"CALL:CALL_SHARD":\n    deepcohort: 0.1.0\n    samtools: "1.16"\n    code: 3af12\n'
    assert versions_of(flat) == {"deepcohort": {"0.1.0"}, "samtools": {"1.16"}, "multiqc": {"1.35"}}
    assert versions_of(nested) == {"deepcohort": {"0.1.0"}, "samtools": {"1.16"}}


def test_run_is_told_without_what_is_not_set():
    account = {
        "parameters": {"reference": "r.fa", "joint": True, "cohort": None, "simulate": False, "<x>": "&"},
        "command": "nextflow run .",
    }
    text = run_html(account, {"samtools": {"1.16"}}, ["illumina 4"])
    assert all(
        word in text
        for word in ("samtools 1.16", "nextflow run .", "illumina 4", "joint = True", "&lt;x&gt; = &amp;")
    )
    assert "cohort" not in text.replace("deepcohort", "")
    assert "simulate" not in text


def test_report_in_multiqc_with_users_own_files(tmp_path):
    multiqc = Path(sys.executable).with_name("multiqc")
    if not multiqc.exists() and shutil.which("multiqc") is None:
        pytest.skip("multiqc is not installed")
    (tmp_path / "facts").mkdir()
    for name, sex in (("child", {"Sex": "XX", "From": "option"}), ("father", None)):
        given = facts(name, sex, targets=targets(interval("GENE1", 0.4)))
        (tmp_path / "facts" / f"{name}.facts.json").write_text(json.dumps(given))
    (tmp_path / "run.json").write_text(
        json.dumps({"command": "nextflow run . --outdir x", "parameters": {"outdir": "x"}})
    )
    done = CliRunner().invoke(
        app,
        ["--facts", str(tmp_path / "facts"), "--output", str(tmp_path / "content"), "--run", str(tmp_path / "run.json"),
         "--pages", str(tmp_path / "pages")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["child.html", "father.html"]
    (tmp_path / "own.yml").write_text('title: "Mine"\n')
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "x_mqc.html").write_text(
        '<!--\nid: "mine"\nsection_name: "My section"\n-->\n<p>hello</p>\n'
    )
    subprocess.run(
        [str(multiqc), "--quiet", "--force", "--no-version-check", "--config", str(REPOSITORY / "assets/multiqc_config.yml"),
         "--config", "own.yml", "--filename", "r.html", "content", "extra"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    page = (tmp_path / "r.html").read_text()
    for text in (
        "My section",
        "Weakest targets",
        "Changes of base",
        "Contamination and sex",
        "nextflow run . --outdir x",
        "Mine",
        "GENE1",
    ):
        assert text in page, text
    order = [page.index(f'id="{anchor}"') for anchor in ("deepcohort_samples_calls", "deepcohort_run")]
    assert order == sorted(order)
    stats = (tmp_path / "r_data" / "multiqc_general_stats.txt").read_text()
    assert re.search(r"child\t", stats)
    assert "30.5" in stats


@pytest.mark.parametrize(
    ("account", "versions", "told"),
    [
        ("[1]", "", r"run\.json is no account of a run"),
        ('"x"', "", r"run\.json is no account of a run"),
        ('{"parameters": [1]}', "", r"run\.json is no account of a run"),
        ("[", "", r"run\.json cannot be read as JSON"),
        ("{}", None, r"versions\.yml cannot be read"),
    ],
)
def test_accounts_that_are_none(account, versions, told, tmp_path):
    (tmp_path / "run.json").write_text(account)
    if versions is not None:
        (tmp_path / "versions.yml").write_text(versions)
    with pytest.raises(DeepcohortError, match=told):
        write_run(tmp_path / "run.json", tmp_path / "versions.yml", [], tmp_path / "out")
    assert not (tmp_path / "out").exists()
