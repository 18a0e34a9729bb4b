"""Names: refused where a file cannot carry them, escaped in reports, never a formula in tables."""

import json
from pathlib import Path

import pytest
from deepcohort.cohort.samplesheet import parse_samplesheet
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.escape import escaped
from deepcohort.core.names import MOST_BYTES, blank_problem, name_problem
from deepcohort.core.text import table_cell
from deepcohort.evaluate.options import plan, read_stratifications
from deepcohort.export.io_export import _psam_lines
from deepcohort.joint.pedigree import Pedigree, read_pedigree, unmatched

EVIL = "<img src=x onerror=alert(3)>"


@pytest.mark.parametrize(
    "name", ["a", "HG002", "mother of x", "Zoë", "a.b-c+d_e", "=1", EVIL, "x" * MOST_BYTES]
)
def test_names_that_files_can_carry(name: str):
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "is empty"), (" a", "blank"), ("a ", "blank"), ("a\tb", "U+0009"), ("a\nb", "U+000A"), ("a\rb", "U+000D"), ("\x00", "U+0000"), ("a\x1b[1m", "U+001B"),
        ("a\x7f", "U+007F"), ("a\u2028b", "U+2028"), ("a\u200bb", "U+200B"), ("\ufeffa", "U+FEFF"), ("a\udcffb", "U+DCFF"), ("a\x85b", "U+0085"), ("é" * MOST_BYTES, "longer"), ("a\ufffd", "no UTF-8"),
    ],
)  # fmt: skip
def test_names_that_they_cannot(name: str, told: str):
    assert told in (name_problem(name) or "")


def test_blanks_divide_the_columns_of_plink():
    assert blank_problem("fam 1") == "holds a blank"
    assert blank_problem("fam1") is None


def problems_of(*rows: str) -> list[str]:
    sheet = parse_samplesheet("\n".join(("sample,reads,family,father,mother", *rows)), Path)
    return sheet.problems


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('a,a.bam,"fam\tx",,', "family 'fam\\tx'"), ('a,a.bam,"fam\nx\t0\t0",,', "family"), ("a,a.bam,my family,,", "holds a blank"),
        ('a,a.bam,f,"b\tc",', "father"), ("all,a.bam,,,", "results of the whole cohort"), ("Cohort,a.bam,,,", "results of the whole cohort"),
        ("a.cohort,a.bam,,,", "results of the whole cohort"), (f"{'x' * 200},a.bam,,,", "longer than 128"),
    ],
)  # fmt: skip
def test_names_in_a_samplesheet(row: str, told: str):
    found = problems_of(row)
    assert any(told in line for line in found), found
    assert not any("\n" in line or "\t" in line for line in found)


def test_sound_names_in_a_samplesheet():
    assert problems_of("a,a.bam,fam-1,,", "a.b,b.bam,fam-1,a,", "overall,c.bam,,,") == []


def test_reports_show_names_as_they_are():
    content = {
        "plot_type": "table",
        "section_name": f"Genotypes: {EVIL}",
        "description": "<b>ours</b>",
        "data": {EVIL: {"x": 1.5, "check": EVIL}},
        "xcats": [EVIL],
        "pconfig": {"id": "x", "data_labels": [{"name": EVIL}], "min": 0},
    }
    text = json.dumps(escaped(content))
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(3)&gt;") == 5
    assert escaped(content)["description"] == "<b>ours</b>"
    assert escaped({"plot_type": "html", "data": "<p>ours</p>"})["data"] == "<p>ours</p>"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"), ("@SUM(1)", "'@SUM(1)"), ("+1+cmd|x", "'+1+cmd|x"), ("-HYPERLINK(1)", "'-HYPERLINK(1)"), ("a\tb\nc", "a b c"),
        ("-5", "-5"), ("-10 to -1", "-10 to -1"), ("+", "+"), ("-", "-"), ("1e-5", "1e-5"), ("HG002", "HG002"), ("", ""), ("\t=1", " =1"),
    ],
)  # fmt: skip
def test_cells_of_tables_are_no_formulas(value: str, cell: str):
    assert table_cell(value) == cell


def test_the_pedigree_says_who_matches_nobody():
    pedigree = Pedigree({}, {}, {name: "f" for name in ("a", "B", "c", "d", "e", "f", "g")})
    told = unmatched(pedigree, {"a": "XX", "x": "XY"}, ["a", "b"])
    assert told[0].startswith("6 of 7 rows of the pedigree name no sample here (B, c, d, e, f, ...)")
    assert told[1].startswith("1 of 2 rows of the table of sexes name no sample here (x)")
    assert unmatched(Pedigree({}, {}, {"a": "f"}), {}, ["a", "b"]) == []


@pytest.mark.parametrize(
    "line", ["f\ta\x01\t0\t0\t1", "f\t\t0\t0\t1", "f\x07\ta\t0\t0\t1", "f\ta\tb\x00\t0\t1"]
)
def test_pedigrees_of_odd_names_are_refused(line: str, tmp_path: Path):
    (tmp_path / "x.ped").write_text(line + "\n")
    with pytest.raises(InputProblems, match=r"x\.ped line 1"):
        read_pedigree(tmp_path / "x.ped")


def test_plink2_gets_families_of_tabbed_pedigrees(tmp_path: Path):
    ped = tmp_path / "x.ped"
    ped.write_text("fam1\ta\tb\t0\t1\n")
    assert _psam_lines(["a"], ped)[1] == "fam1\ta\tb\t0\t1"
    ped.write_text("my family\ta\tb\t0\t1\n")
    with pytest.raises(InputProblems, match="'my family' holds a blank"):
        _psam_lines(["a"], ped)


def test_names_of_evaluations():
    with pytest.raises(InputProblems, match="--name"):
        plan([Path("x")], Path("t"), None, [], None, ["a\nb"], None, None)
    with pytest.raises(DeepcohortError, match="stratification"):
        read_stratifications(["a\tb=x.bed"])
