"""Counts, carriers and candidates in families of an annotated VCF; cells that no spreadsheet runs."""

import csv
import json

import annotate_builders as b
import pytest
from deepcohort.annotate.consequence_order import gravest
from deepcohort.annotate.report import safe_cell, write_report
from deepcohort.annotate.run import AnnotateJob, annotate_vcf
from deepcohort.cli import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.joint.pedigree import EMPTY_PEDIGREE, Pedigree
from typer.testing import CliRunner

SAMPLES = ["kid", "dad", "mum", "other"]
FAMILY = Pedigree({"kid": ("dad", "mum")}, {}, {"kid": "F1", "dad": "F1", "mum": "F1"})
FORM = "GT:GQ:DP"


def people(*genotypes, gq=50, dp=30):
    return [f"{g}:{gq}:{dp}" for g in genotypes]


# position, REF, ALT and genotypes of kid, dad, mum, other
RECORDS = [
    (104, "G", "A", people("0/1", "0/1", "0/0", "0/0")),  # A2T, likely benign: of no interest
    (105, "C", "A", people("0/1", "0/1", "0/0", "0/0")),  # A2D 0.9999, from dad
    (105, "C", "T", people("1/1", "0/0", "0/0", "0/0")),  # A2V 1.0, new
    (107, "C", "A", people("0/1", "0/0", "0/1", "0/0")),  # R3S 0.34, from mum
    (110, "T", "C", people("0/1", "0/0", "0/0", "0/0", gq=19)),  # not believable
    (111, "G", "C", people("0/1", "0/0", "0/0", "1/1")),  # others have it
    (114, "A", "G", people("0/1", "./.", "0/0", "0/0")),  # a parent is unknown
    (118, "A", "G", people("0/0", "0/0", "0/0", "0/1")),  # synonymous, other alone
    (119, "T", "TA", people("0/1", "0/0", "0/0", "0/0")),  # frameshift, new
    (230, b.CHR1[229], "A" if b.CHR1[229] != "A" else "C", people("0/1", "0/1", "1/1", "0/0")),
]


@pytest.fixture
def annotated(tmp_path):
    records = [b.record(p, r, a, *g, form=FORM, name="=1+1" if p == 107 else ".") for p, r, a, g in RECORDS]
    vcf = b.write_vcf(tmp_path / "in.vcf", records, SAMPLES)
    out = tmp_path / "out.vcf.gz"
    annotate_vcf(
        AnnotateJob(
            vcf,
            b.write_reference(tmp_path),
            out,
            b.write_table(tmp_path / "am.tsv"),
            None,
            b.write_genes(tmp_path),
        )
    )
    return out


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_counts_by_consequence_class_and_reason(annotated, tmp_path):
    write_report(annotated, tmp_path / "r", EMPTY_PEDIGREE)
    rows = table(tmp_path / "r" / "counts.tsv")
    said = {(r["sample"], r["kind"], r["value"]): (r["alleles"], r["once"], r["twice"]) for r in rows}
    assert said["cohort", "consequence", "missense"] == ("7", "", "")
    assert said["cohort", "consequence", "frameshift"] == ("1", "", "")
    assert said["cohort", "consequence", "outside_genes"] == ("1", "", "")
    assert said["kid", "consequence", "missense"] == ("7", "6", "1")
    assert said["mum", "consequence", "outside_genes"] == ("1", "0", "1")
    assert said["other", "consequence", "synonymous"] == ("1", "1", "0")
    assert said["kid", "class", "likely_pathogenic"] == ("2", "1", "1")
    assert said["dad", "class", "likely_benign"] == ("1", "1", "0")
    assert said["kid", "reason", "indel"] == ("1", "1", "0")
    assert said["cohort", "reason", "not_coding"] == ("1", "", "")


def test_carriers_of_likely_pathogenic_alleles(annotated, tmp_path):
    write_report(annotated, tmp_path / "r", EMPTY_PEDIGREE)
    rows = table(tmp_path / "r" / "carriers.tsv")
    assert [
        (r["pos"], r["alt"], r["sample"], r["genotype"], r["gene"], r["am_max"], r["carriers"], r["gq"])
        for r in rows
    ] == [
        ("105", "A", "kid", "0/1", "ONE", "0.9999", "2", "50"),
        ("105", "A", "dad", "0/1", "ONE", "0.9999", "2", "50"),
        ("105", "T", "kid", "1/1", "ONE", "1.0", "1", "50"),
    ]


def test_candidates_in_a_family(annotated, tmp_path):
    write_report(annotated, tmp_path / "r", FAMILY)
    rows = table(tmp_path / "r" / "candidates.tsv")
    assert [(r["kind"], r["pos"], r["alt"], r["pair"], r["inherited_from"]) for r in rows] == [
        ("de_novo", "105", "T", "", ""),
        ("de_novo", "119", "TA", "", ""),
        ("compound_het", "105", "A", "1", "father"),
        ("compound_het", "107", "A", "1", "mother"),
    ]
    assert {r["family"] for r in rows} == {"F1"}
    assert rows[3]["id"] == "'=1+1"
    assert [rows[2][f"{who}_genotype"] for who in ("child", "father", "mother")] == ["0/1", "0/1", "0/0"]
    summary = json.loads((tmp_path / "r" / "annotation.json").read_text())
    assert (summary["de_novo"], summary["compound_heterozygous"], summary["trios"]) == (2, 1, ["kid"])


def test_sections_of_the_report(annotated, tmp_path):
    write_report(annotated, tmp_path / "r", FAMILY)
    sections = {p.name: json.loads(p.read_text()) for p in (tmp_path / "r").glob("*_mqc.json")}
    assert sorted(sections) == [
        f"deepcohort_annotation_{k}_mqc.json" for k in ("candidates", "class", "consequence", "reason")
    ]
    assert sections["deepcohort_annotation_class_mqc.json"]["data"]["kid"] == {
        "likely_benign": 1,
        "ambiguous": 1,
        "likely_pathogenic": 2,
    }
    assert "Licensed under TEST terms" in sections["deepcohort_annotation_class_mqc.json"]["description"]
    assert sections["deepcohort_annotation_candidates_mqc.json"]["data"] == {
        "kid": {"de_novo": 2, "compound_het": 1}
    }


def test_vcf_without_samples_counts_alleles(tmp_path):
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(105, "C", "A")])
    out = tmp_path / "out.vcf.gz"
    annotate_vcf(AnnotateJob(vcf, b.write_reference(tmp_path), out, b.write_table(tmp_path / "am.tsv")))
    write_report(out, tmp_path / "r", EMPTY_PEDIGREE)
    assert [(r["sample"], r["value"], r["alleles"]) for r in table(tmp_path / "r" / "counts.tsv")] == [
        ("cohort", "likely_pathogenic", "1")
    ]


def test_vcf_that_is_not_annotated(tmp_path):
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(105, "C", "A")])
    with pytest.raises(DeepcohortError, match="is not annotated"):
        write_report(vcf, tmp_path / "r", EMPTY_PEDIGREE)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("a=b", "a=b"),
        ("a\tb\nc", "a b c"),
        (7, "7"),
        ("", ""),
    ],
)
def test_safe_cells(value, cell):
    assert safe_cell(value) == cell


def test_gravest():
    assert gravest(["splice_region&synonymous", "missense"]) == "missense"
    assert gravest(["*missense"]) == "missense"
    assert gravest([]) == "outside_genes"
    assert gravest(["made_up"]) == "other"


def test_command_line(annotated, tmp_path):
    ped = tmp_path / "f.ped"
    ped.write_text("F1\tkid\tdad\tmum\t1\t2\nF1\tdad\t0\t0\t1\t1\nF1\tmum\t0\t0\t2\t1\n")
    done = CliRunner().invoke(
        app, ["annotate", "--vcf", str(annotated), "--report", str(tmp_path / "r"), "--pedigree", str(ped)]
    )
    assert done.exit_code == 0, done.output
    assert (
        "3 carriers of likely pathogenic alleles, 2 de novo and 1 compound heterozygous candidates"
        in done.output
    )


def test_a_report_that_cannot_come_is_said_before_the_work(tmp_path):
    frequency = '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">'
    vcf = b.write_vcf(tmp_path / "in.vcf.gz", [b.record(105, "C", "A", info="AF=0.5")], extra=[frequency])
    out = tmp_path / "out.vcf.gz"
    words = ["annotate", "--vcf", vcf, "--reference", b.write_reference(tmp_path), "--output", out]
    words += ["--scores", f"other={vcf}:AF", "--report", tmp_path / "r"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, DeepcohortError)
    assert "is not annotated" in str(result.exception)
    assert not out.exists()


def test_names_are_no_html(annotated, tmp_path):
    """MultiQC puts what it is given into a page."""
    text = "\n".join(b.lines_of(annotated)) + "\n"
    vcf = tmp_path / "odd.vcf"
    vcf.write_text(text.replace("\tother\n", "\t<b>x\n").replace("TEST terms", "<i>TEST"))
    write_report(vcf, tmp_path / "r", EMPTY_PEDIGREE)
    section = json.loads((tmp_path / "r" / "deepcohort_annotation_class_mqc.json").read_text())
    assert "&lt;b&gt;x" in section["data"]
    assert "&lt;i&gt;TEST" in section["description"]
