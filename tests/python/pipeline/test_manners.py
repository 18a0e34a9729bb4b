"""What people who know nf-core try first: its names, samplesheets, institutions' profiles, FASTQ files."""

import csv
import gzip
import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import jsonschema
import pysam
import pytest
import yaml
from deepcohort.align.tools import missing_aligners
from nextflow_runs import REPOSITORY, nextflow

SAREK = (
    "patient,sex,status,sample,lane,fastq_1,fastq_2,bam,bai\n"
    "p1,female,0,S1,L1,S1_L1_1.fq.gz,S1_L1_2.fq.gz,,\n"
    "p1,female,0,S1,L2,S1_L2_1.fq.gz,S1_L2_2.fq.gz,,\n"
    "p2,M,0,S2,,,,S2.bam,S2.bam.bai\n"
)


def institution(folder: Path) -> Path:
    """What nf-core's configs are: nfcore_custom.config that names profiles, each in a file of its own."""
    (folder / "conf").mkdir(parents=True)
    (folder / "nfcore_custom.config").write_text(
        'profiles {\n    here { includeConfig "${params.custom_config_base}/conf/here.config" }\n}\n'
    )
    (folder / "conf" / "here.config").write_text(
        "params {\n    config_profile_description = 'A place'\n    max_memory = 8.GB\n"
        "    igenomes_base = '/sw/igenomes'\n}\nprocess.ext.place = 'here'\n"
    )
    return folder


@pytest.mark.pipeline
@pytest.mark.timeout(1500)
def test_a_sarek_samplesheet_by_nf_core_names(tmp_path):
    (tmp_path / "ref.fa").write_text(">chr1\nACGT\n")
    for name in SAREK.replace("\n", ",").split(","):
        if "." in name:
            (tmp_path / name).touch()
    (tmp_path / "cohort.csv").write_text(SAREK)
    institution(tmp_path / "configs")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sendmail").write_text(f"#!/bin/sh\ncat > '{tmp_path}/mail.txt'\n")
    (tmp_path / "bin" / "sendmail").chmod(0o755)
    (tmp_path / "own.yml").write_text("title: Mine\n")
    names = ["--input", "cohort.csv", "--fasta", "ref.fa", "--outdir", "out", "--publish_dir_mode", "symlink"]
    names += ["--custom_config_base", str(tmp_path / "configs"), "-profile", "standard,here", "--save_reads"]
    names += ["--email", "me@example.org", "--multiqc_config", "own.yml"]
    run = nextflow(tmp_path, "-stub", *names, path=tmp_path / "bin")
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert [counts[name] for name in ("INDEX_ALIGNER", "ALIGN_LANE", "FINISH_SAMPLE")] == [1, 2, 1]
    assert (counts["CALL_SHARD"], counts["MERGE_SAMPLE"]) == (4, 2)
    assert "unknown parameter igenomes_base of a configuration is not used" in run.text
    assert "Note: row 1: not used: column patient, status" in run.text
    mail = (tmp_path / "mail.txt").read_text()
    assert "To: me@example.org" in mail
    assert "finished" in mail
    assert (tmp_path / "out/samples/S1/S1.cram").is_symlink()
    assert (tmp_path / "out/samples/S1/S1.cram.crai").exists()
    assert not (tmp_path / "out/samples/S2/S2.cram").exists()
    called = [
        sorted(p.resolve().name for p in script.parent.glob("reads/*/*"))
        for script in (tmp_path / "work").glob("*/*/.command.run")
        if "CALL_SHARD" in script.read_text()
    ]
    assert sorted(called) == [["S1.cram", "S1.cram.crai"]] * 2 + [["S2.bam", "S2.bam.bai"]] * 2
    versions = yaml.safe_load((tmp_path / "out/pipeline_info/software_versions.yml").read_text())
    assert versions["Workflow"]["Nextflow"]
    assert set(versions["CALLING:CALL_SAMPLE:CALL_SHARD"]) == {"deepcohort", "code"}


@pytest.mark.pipeline
@pytest.mark.timeout(1500)
def test_two_names_of_one_setting(tmp_path):
    for name in ("a.csv", "b.csv", "ref.fa"):
        (tmp_path / name).touch()
    run = nextflow(
        tmp_path, "--input", "a.csv", "--samplesheet", "b.csv", "--fasta", "none.fa", "--email", "nobody",
        "--publish_dir_mode", "link", "--igenomes_base", "x",
    )  # fmt: skip
    assert run.status == 2
    assert set(run.errors()) == {
        "deepcohort: error: --input 'a.csv' and --samplesheet 'b.csv' are one setting; give one of them",
        "deepcohort: error: --fasta 'none.fa' does not exist",
        "deepcohort: error: --email 'nobody' is no e-mail address",
        "deepcohort: error: unknown parameter --igenomes_base; see --help",
    }


def test_the_schema_of_samplesheets():
    schema = json.loads((REPOSITORY / "assets" / "schema_input.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    def fits(text: str) -> bool:
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(text.splitlines())]
        return jsonschema.Draft202012Validator(schema).is_valid(rows)

    assert fits(SAREK)
    assert fits((REPOSITORY / "tests/data/trio.csv").read_text())
    assert fits("sample,cram,crai,sex\nA,a.cram,a.cram.crai,1\n")
    assert not fits("sample,sex\nA,XX\n")
    assert not fits("sample,reads\nA,a.txt\n")
    assert not fits("sample,fastq_2\nA,a.fq\n")
    assert not fits("sample,reads,sex\nA,a.bam,woman\n")


def test_schema_names_what_forms_need():
    schema = json.loads((REPOSITORY / "nextflow_schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    group = schema["$defs"]["input"]
    assert group["required"] == ["input", "fasta", "outdir"]
    assert (REPOSITORY / group["properties"]["input"]["schema"]).exists()
    rules = {name: rule for g in schema["$defs"].values() for name, rule in g["properties"].items()}
    assert all(rule.get("exists") for rule in rules.values() if rule.get("format") == "file-path")
    for rule in rules.values():
        if "alias" in rule:
            assert rules[rule["alias"]]["hidden"]
    config = (REPOSITORY / "nextflow.config").read_text()
    for name, rule in rules.items():
        if "alias" in rule:
            assert f"params.{rule['alias']}" in config
            assert f"params.{name}" in config


def test_reports_for_seqera_name_what_is_published():
    reports = yaml.safe_load((REPOSITORY / "tower.yml").read_text())["reports"]
    told = (REPOSITORY / "docs" / "output.md").read_text()
    for pattern in reports:
        assert pattern.split("/")[-1].replace("*", "SAMPLE").split("SAMPLE")[-1] in told, pattern


def as_fastq(bam: Path, folder: Path) -> list[tuple[str, str]]:
    """Two lanes of FASTQ files with the pairs of `bam`; names of each lane's two files."""
    mates: dict[str, dict[bool, str]] = {}
    with pysam.AlignmentFile(str(bam)) as file:
        for read in file:
            if not read.is_secondary and not read.is_supplementary:
                text = f"@{read.query_name}\n{read.get_forward_sequence()}\n+\n"
                text += pysam.qualities_to_qualitystring(read.get_forward_qualities()) + "\n"
                mates.setdefault(read.query_name or "", {})[read.is_read1] = text
    names = sorted(mates)
    lanes = []
    for lane, own in enumerate((names[::2], names[1::2]), 1):
        files = (f"L{lane}_1.fq.gz", f"L{lane}_2.fq.gz")
        for name, first in zip(files, (True, False), strict=True):
            text = "".join(mates[read][first] for read in own)
            (folder / name).write_bytes(gzip.compress(text.encode(), 1, mtime=0))
        lanes.append(files)
    return lanes


def digests(folder: Path) -> dict[str, str]:
    wanted = [p for name in ("samples", "cohort") for p in (folder / name).rglob("*") if p.is_file()]
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in wanted
        if p.suffix in (".gz", ".tbi", ".cram", ".crai")
    }


@pytest.mark.nightly
@pytest.mark.pipeline
@pytest.mark.timeout(1500)
def test_fastq_to_variants_for_real_and_resumed(tmp_path):
    """Reads of a simulated sample taken out of their BAM and aligned again give that sample's variants."""
    lacking = missing_aligners({"illumina"})
    if lacking:
        pytest.skip(lacking[0])
    from deepcohort.cli import app
    from typer.testing import CliRunner

    words = [
        "simulate",
        "--samples",
        "1",
        "--genome-bp",
        "60000",
        "--contigs",
        "2",
        "--coverage",
        "25",
        "--seed",
        "3",
        "--output",
    ]
    assert CliRunner().invoke(app, [*words, str(tmp_path / "sim")]).exit_code == 0
    rows = ["sample,lane,fastq_1,fastq_2,truth_vcf,truth_bed"]
    for number, (first, second) in enumerate(as_fastq(tmp_path / "sim" / "sample1.bam", tmp_path), 1):
        rows.append(f"sample1,L{number},{first},{second},sim/sample1.truth.vcf.gz,sim/sample1.confident.bed")
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    names = ["--input", "cohort.csv", "--fasta", "sim/reference.fa", "--outdir", "out", "--save_reads"]
    run = nextflow(tmp_path, *names)
    assert run.status == 0, run.text
    with open(tmp_path / "out" / "evaluation" / "sample1" / "summary.tsv") as file:
        scores = {
            row["type"]: row
            for row in csv.DictReader(file, delimiter="\t")
            if row.get("filter", "PASS") == "PASS"
        }
    assert float(scores["SNP"]["recall"]) > 0.95
    assert float(scores["SNP"]["precision"]) > 0.95
    before = digests(tmp_path / "out")
    assert "samples/sample1/sample1.cram" in before
    again = nextflow(tmp_path, *names, "-resume")
    assert again.status == 0, again.text
    assert {task["status"] for task in again.tasks()} == {"CACHED"}
    assert digests(tmp_path / "out") == before
    # from nothing, in another folder: the same bytes, the CRAM's among them
    fresh = nextflow(tmp_path, *names[:-2], "out2", names[-1], "-work-dir", "work2")
    assert fresh.status == 0, fresh.text
    other = digests(tmp_path / "out2")
    assert other["samples/sample1/sample1.cram"] == before["samples/sample1/sample1.cram"]
    assert other["cohort/cohort.vcf.gz"] == before["cohort/cohort.vcf.gz"]
    assert os.path.getsize(tmp_path / "out2/samples/sample1/sample1.cram") > 0


@pytest.mark.pipeline
@pytest.mark.timeout(1500)
def test_a_plan_calls_nothing(tmp_path):
    (tmp_path / "ref.fa").write_text(f">chr1\n{'ACGTTGCA' * 1000}\n")
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 8000}]}
    with pysam.AlignmentFile(str(tmp_path / "a.bam"), "wb", header=header):
        pass
    pysam.index(str(tmp_path / "a.bam"))
    (tmp_path / "cohort.csv").write_text("sample,bam\nA,a.bam\nB,\n")
    names = ["--mode", "plan", "--input", "cohort.csv", "--fasta", "ref.fa", "--outdir", "out"]
    names += [
        "--shard_bp",
        "4000",
        "--plan_price",
        "0.5",
        "--plan_slots",
        "7",
        "--plan_rates",
        "call_s_per_mb=2",
    ]
    run = nextflow(tmp_path, *names)
    assert any("row 3: reads is empty" in line for line in run.errors())
    (tmp_path / "cohort.csv").write_text("sample,bam\nA,a.bam\n")
    run = nextflow(tmp_path, *names)
    assert run.status == 0, run.text
    assert (
        "1 sample, 0.0 Mb in 2 shards; on local: 7 cores at once, 0.5 s before each task, 0.5 dollars"
        in run.text
    )
    done = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert done == {"INDEX_REFERENCE": 1, "CHECK_INPUTS": 1, "SHARD_REFERENCE": 1, "PLAN_RUN": 1}
    with open(tmp_path / "out" / "plan" / "plan.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["stage"], row["tasks"]) for row in rows if row["stage"] == "call"] == [("call", "2")]
    assert not (tmp_path / "out" / "samples").exists()
