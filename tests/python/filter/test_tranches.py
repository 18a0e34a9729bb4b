"""Tranches by sensitivity to known alleles, by hand."""

import gzip

import pysam
import pytest
from deepcohort.cli import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.filter.tranches import tranches_of, trimmed
from deepcohort.formats.vcf_text import VcfTextReader
from typer.testing import CliRunner


def test_tranches():
    found = tranches_of("SNP", [90, 50], [float(k) for k in range(10)])
    assert found.levels == (50, 90, 100)
    assert found.thresholds == (5, 1, 0)  # 5, 9 and 10 of 10
    names = ["VQSRTrancheSNP50.00to90.00", "VQSRTrancheSNP90.00to100.00", "VQSRTrancheSNP90.00to100.00+"]
    assert found.names() == names
    assert [found.name(s) for s in (9, 5, 4.9, 1, 0.5, 0, -0.1)] == [
        "",
        "",
        names[0],
        names[0],
        *names[1:2] * 2,
        names[2],
    ]
    assert tranches_of("INDEL", [99, 100], [1.5]).thresholds == (1.5, 1.5)
    assert "VQSRTrancheSNP50.00to90.00" in found.header_lines()[0]
    assert "1.000 <= x < 5.000, by 10 known" in found.header_lines()[0]


@pytest.mark.parametrize(
    ("allele", "expected"),
    [
        ((4, b"a", b"G"), (4, b"A", b"G")),
        ((4, b"ACC", b"GCC"), (4, b"A", b"G")),
        ((4, b"TACC", b"TGCC"), (5, b"A", b"G")),
        ((4, b"AC", b"A"), (4, b"AC", b"A")),
        ((4, b"GGAC", b"GGA"), (6, b"AC", b"A")),
    ],
)
def test_trimmed(allele, expected):
    assert trimmed(*allele) == expected


def write_vcf(path, rows, header=()):
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=c,length=9000>", "##contig=<ID=d,length=9000>", *header]
    lines += ['##INFO=<ID=DC_SCORE,Number=1,Type=Float,Description="x">', '##FILTER=<ID=q10,Description="q">']
    lines += ['##FILTER=<ID=DCLow,Description="x">', "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    path.write_text("\n".join([*lines, *("\t".join(row.split()) for row in rows)]) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return f"{path}.gz"


def run(*words):
    result = CliRunner().invoke(app, ["filter", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows_of(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file if line[0] != "#"]


def test_a_vcf(tmp_path):
    rows = [
        "c 10 . A C . . DC_SCORE=5",
        "c 20 . A C . PASS DC_SCORE=4",
        "c 30 . AT GT . DCLow DC_SCORE=-3;X=1",
        "c 40 . A C,G . q10 DC_SCORE=-4",
        "c 50 . A T . q10;DCLow DC_SCORE=-9",
        "c 60 . A <DEL> . q10;DCLow X=1",
        "c 70 . A AT . DCLow DC_SCORE=-2",
        "d 80 . A C . VQSRTrancheSNP1.00to2.00 DC_SCORE=3",
    ]
    vcf = write_vcf(tmp_path / "v.vcf", rows)
    known = [
        "c 10 . A C . . .",
        "c 20 . A G,C . . .",
        "c 30 . A G . . .",
        "c 40 . A G . . .",
        "d 80 . A T . . .",
    ]
    known += ["d 500 . A T . . ."]
    resource = write_vcf(tmp_path / "k.vcf", known)
    out = tmp_path / "out.vcf.gz"
    run("--vcf", vcf, "--resource", resource, "--tranche", "50", "--tranche", "75", "--output", str(out))
    after = rows_of(out)
    low = "VQSRTrancheSNP75.00to100.00"
    assert [row[6] for row in after] == [
        "PASS", "PASS", "VQSRTrancheSNP50.00to75.00", f"q10;{low}", f"q10;{low}+", "q10;DCLow",
        "DCLow",  # no known indel: as it was
        "VQSRTrancheSNP50.00to75.00",
    ]  # fmt: skip
    assert [row[:6] + row[7:] for row in after] == [row[:6] + row[7:] for row in rows_of(vcf)]
    with pysam.VariantFile(str(out)) as file:
        assert {f"{low}", f"{low}+", "VQSRTrancheSNP50.00to75.00"} < set(file.header.filters)
        assert len(list(file.fetch("d"))) == 1
    again = tmp_path / "again.vcf.gz"
    run(
        "--vcf",
        str(out),
        "--resource",
        resource,
        "--tranche",
        "50",
        "--tranche",
        "75",
        "--output",
        str(again),
    )
    assert again.read_bytes() == out.read_bytes()


def test_problems(tmp_path):
    vcf = write_vcf(tmp_path / "v.vcf", ["c 10 . A C . . DC_SCORE=5"])
    other = write_vcf(tmp_path / "k.vcf", ["d 10 . A C . . ."])
    out = str(tmp_path / "out.vcf.gz")
    for words, message in (
        (["--resource", other, "--vcf", vcf, "--output", out], "allele of the resource; score it first"),
        (["--resource", "gone.vcf.gz", "--vcf", vcf, "--output", out], "gone.vcf.gz does not exist"),
        (["--resource", vcf, "--vcf", vcf, "--output", out, "--tranche", "100"], "one of them below 100"),
        (["--resource", vcf, "--vcf", vcf, "--output", out, "--tranche", "0"], "above 0"),
        (["--resource", vcf, "--vcf", vcf, "--output", out, "--reads", "x.bam"], "excludes --reads"),
        (["--resource", vcf, "--vcf", vcf], "--output is needed"),
        (["--vcf", vcf, "--reads", "x", "--output", out], "--reference is needed"),
        (
            ["--vcf", vcf, "--reads", "x", "--output", out, "--reference", "r", "--tranche", "9"],
            "needs --resource",
        ),
    ):
        with pytest.raises(DeepcohortError, match=message):
            run(*words)
    (tmp_path / "k.vcf.gz.tbi").unlink()
    with pytest.raises(DeepcohortError, match="is not indexed; run: tabix"):
        run("--resource", other, "--vcf", vcf, "--output", out)
    assert not (tmp_path / "out.vcf.gz").exists()


def test_a_resource_is_opened_once(tmp_path, monkeypatch):
    """Contigs may be many, and its header names them all."""
    vcf = write_vcf(tmp_path / "v.vcf", [f"{c} {p} . A C . . DC_SCORE=1" for c in "cd" for p in (10, 20)])
    known = write_vcf(tmp_path / "k.vcf", [f"{c} 10 . A C . . ." for c in "cd"])
    opened, begin = [], VcfTextReader.__init__
    monkeypatch.setattr(
        VcfTextReader, "__init__", lambda self, path: opened.append(str(path)) or begin(self, path)
    )
    run("--vcf", vcf, "--resource", known, "--output", str(tmp_path / "o.vcf.gz"))
    assert opened.count(known) == 1


def test_a_missing_score(tmp_path):
    vcf = write_vcf(tmp_path / "v.vcf", ["c 10 . A C . . DC_SCORE=1", "c 20 . A C . q10 DC_SCORE=."])
    known = write_vcf(tmp_path / "k.vcf", ["c 10 . A C . . .", "c 20 . A C . . ."])
    for words in (("--resource", known), ("--snp-threshold", "2")):
        run("--vcf", vcf, *words, "--output", str(tmp_path / "o.vcf.gz"))
        assert rows_of(tmp_path / "o.vcf.gz")[1] == rows_of(vcf)[1]


def test_options_that_would_do_nothing(tmp_path):
    vcf = write_vcf(tmp_path / "v.vcf", ["c 10 . A C . . DC_SCORE=5"])
    out = str(tmp_path / "out.vcf.gz")
    base, by_tranche = ["--vcf", vcf, "--output", out], ["--vcf", vcf, "--output", out, "--resource", vcf]
    for words, message in (
        ([*by_tranche, "--sensitivity", "5"], "excludes thresholds, --sensitivity and --fdr"),
        ([*by_tranche, "--regions", "x"], "excludes --regions"),
        ([*by_tranche, "--threads", "3"], "excludes --threads"),
        ([*by_tranche, "--samplesheet", "x"], "excludes --samplesheet"),
        ([*base, "--snp-threshold", "1", "--tranche", "5"], "--tranche needs --resource"),
        ([*base, "--snp-threshold", "1", "--confident", "x"], "--confident needs reads"),
        ([*base, "--snp-threshold", "1", "--threads", "3"], "--threads needs reads"),
        ([*base, "--snp-threshold", "nan"], "--snp-threshold nan is no number"),
        (["--vcf", vcf, "--reads", "x", "--truth", vcf, "--reference", "r", "--train", str(tmp_path / "t"),
          "--snp-threshold", "1"], "--train excludes"),
    ):  # fmt: skip
        with pytest.raises(DeepcohortError, match=message):
            run(*words)
    assert not (tmp_path / "out.vcf.gz").exists()
    table = tmp_path / "sums.tsv"
    run(*by_tranche, "--tranche", "50", "--checksums", str(table))
    assert "out.vcf.gz" in table.read_text()
