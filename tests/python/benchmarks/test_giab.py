"""The GIAB script on stand-ins: a dry run, and its files are those that pipeline and evaluation take."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pysam
import pytest
from deepcohort.evaluate.options import read_manifest, read_stratifications

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "benchmarks" / "giab.py"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Empty files under the real names, of HG001, HG002 and both parents of HG002."""
    folder = tmp_path / "data"
    (folder / "GRCh38@all").mkdir(parents=True)
    names = ["GCA_000001405.15_GRCh38_no_alt_analysis_set.fasta", "GRCh38@all/low.bed.gz"]
    for sample in ("HG001", "HG002", "HG003", "HG004"):
        bed = "benchmark" if sample == "HG001" else "benchmark_noinconsistent"
        names += [f"{sample}.novaseq.pcr-free.35x.dedup.grch38_no_alt.bam{suffix}" for suffix in ("", ".bai")]
        names += [f"{sample}_GRCh38_1_22_v4.2.1_benchmark.vcf.gz{suffix}" for suffix in ("", ".tbi")]
        names += [f"{sample}_GRCh38_1_22_v4.2.1_{bed}.bed"]
    names += [f"GRCh38_HG2-T2TQ100-V1.1_smvar.{end}" for end in ("vcf.gz", "vcf.gz.tbi", "benchmark.bed")]
    for name in names:
        (folder / name).touch()
    (folder / "GRCh38@all" / "GRCh38-all-stratifications.tsv").write_text("low\tlow.bed.gz\n")
    return folder


def test_dry_run(data, tmp_path):
    out = tmp_path / "giab"
    done = run("--data", data, "--output", out, "--samples", "HG001", "HG002", "HG003", "HG004", "--dry-run")
    assert done.returncode == 0, done.stderr
    with open(out / "samplesheet.csv") as file:
        rows = {row["sample"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["HG001", "HG002", "HG003", "HG004"]
    assert (rows["HG002"]["father"], rows["HG002"]["mother"], rows["HG002"]["sex"]) == (
        "HG003",
        "HG004",
        "XY",
    )
    assert all(Path(row["reads"]).exists() for row in rows.values())
    sets = read_manifest(out / "manifest.tsv")
    assert [s.name for s in sets] == [
        "HG001_v4.2.1",
        "HG002_v4.2.1",
        "HG003_v4.2.1",
        "HG004_v4.2.1",
        "HG002_T2T-Q100",
    ]
    assert all(s.truth.exists() and s.confident and s.confident.exists() for s in sets)
    assert Path(json.loads((out / "params.json").read_text())["reference"]).exists()
    commands = done.stdout.splitlines()
    assert [Path(line.split()[0]).name for line in commands] == [
        "nextflow",
        "deepcohort",
        "deepcohort",
        "multiqc",
    ]
    strata = commands[1].split("--stratification ")[1].split()[0].strip("'")
    assert list(read_stratifications([strata])) == ["low"]


def test_what_is_missing_is_named(data, tmp_path):
    (data / "HG003_GRCh38_1_22_v4.2.1_benchmark.vcf.gz.tbi").unlink()
    done = run("--data", data, "--output", tmp_path / "giab", "--samples", "HG003", "HG005", "--dry-run")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("giab: error: ") for line in lines)
    assert "lacks its index" in lines[0]
    assert "HG005_GRCh38_1_22_v4.2.1_benchmark.bed" in lines[3]
    assert not (tmp_path / "giab").exists()


def test_the_commands_are_taken(data, tmp_path):
    """Evaluation and report run as the script writes them, on a genome of one SNP."""
    reference = data / "GCA_000001405.15_GRCh38_no_alt_analysis_set.fasta"
    reference.write_text(">chr20\n" + "ACGTTGCA" * 100 + "\n")
    pysam.faidx(str(reference))
    text = (
        '##fileformat=VCFv4.2\n##contig=<ID=chr20,length=800>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG003\nchr20\t101\t.\tT\tC\t50\tPASS\t.\tGT\t0/1\n"
    )
    out = tmp_path / "giab"
    calls = out / "results" / "samples" / "HG003"
    calls.mkdir(parents=True)
    for path in (data / "HG003_GRCh38_1_22_v4.2.1_benchmark.vcf", calls / "HG003.vcf"):
        path.write_text(text)
        pysam.tabix_index(str(path), preset="vcf", force=True)
    (data / "HG003_GRCh38_1_22_v4.2.1_benchmark_noinconsistent.bed").write_text("chr20\t0\t800\n")
    (data / "GRCh38@all" / "GRCh38-all-stratifications.tsv").write_text("low\tlow.bed\n")
    (data / "GRCh38@all" / "low.bed").write_text("chr20\t50\t200\n")
    done = run("--data", data, "--output", out, "--samples", "HG003", "--dry-run")
    assert done.returncode == 0, done.stderr
    import shlex

    from deepcohort.cli import app
    from typer.testing import CliRunner

    for line in done.stdout.splitlines()[1:3]:
        result = CliRunner().invoke(app, shlex.split(line)[1:])
        assert result.exit_code == 0, result.output
    with open(out / "evaluation" / "extended.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(r["stratum"], r["TP_truth"]) for r in rows if r["group"] == "bed"] == [("low", "1")]
    assert list((out / "content").glob("*summary_mqc.json"))
