"""Small runs for real: simulated reads to report."""

import csv
import gzip
import hashlib
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pysam
import pytest
from nextflow_runs import Run, nextflow

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("real_run"),
]


def records(path: Path) -> list[str]:
    with gzip.open(path, "rt") as file:
        return [line for line in file if not line.startswith("#")]


def samples_of(path: Path) -> list[str]:
    with gzip.open(path, "rt") as file:
        return next(line for line in file if line.startswith("#CHROM")).split()[9:]


def test_reads_to_report(real_run: Run):
    out = real_run.folder / "out"
    assert samples_of(out / "cohort" / "cohort.vcf.gz") == ["child", "father", "mother"]
    assert records(out / "cohort" / "cohort.vcf.gz")
    for name in ("child", "father", "mother"):
        assert (out / "samples" / name / f"{name}.g.vcf.gz.tbi").exists()
        with open(out / "evaluation" / name / "summary.tsv") as file:
            rows = {row["type"]: row for row in csv.DictReader(file, delimiter="\t")}
        # 20x of easy sequence: below this something is broken, not merely unlucky
        assert float(rows["SNP"]["recall"]) > 0.9
        assert float(rows["SNP"]["precision"]) > 0.9
    html = (out / "report" / "multiqc_report.html").read_text()
    assert "child" in html


def test_tags_agree_with_the_merged_blocks(real_run: Run):
    """Reads with HP 1 show the alleles left of the bar, those with HP 2 the others."""
    folder = real_run.folder / "out" / "samples" / "child"
    n = n_agreeing = 0
    with pysam.AlignmentFile(str(folder / "child.haplotagged.bam")) as reads:
        assert reads.has_index()
        for line in records(folder / "child.vcf.gz"):
            x = line.split("\t")
            sample = dict(zip(x[8].split(":"), x[9].rstrip("\n").split(":"), strict=True))
            if "PS" not in sample or "|" not in sample["GT"] or {len(x[3]), len(x[4])} != {1}:
                continue
            left = x[3] if sample["GT"].startswith("0") else x[4]
            for column in reads.pileup(x[0], int(x[1]) - 1, int(x[1]), truncate=True, min_base_quality=25):
                for read in column.pileups:
                    tagged = (
                        read.alignment.has_tag("PS") and str(read.alignment.get_tag("PS")) == sample["PS"]
                    )
                    if tagged and read.query_position is not None:
                        n += 1
                        is_left = read.alignment.query_sequence[read.query_position] == left
                        n_agreeing += is_left == (read.alignment.get_tag("HP") == 1)
    assert n > 200
    assert n_agreeing > 0.98 * n


def test_the_last_lines_say_where_and_how_good(real_run: Run):
    tail = "\n".join(real_run.text.splitlines()[-25:])
    assert "multiqc_report.html" in tail
    assert "cohort.vcf.gz" in tail
    assert "recall" in tail.lower()
    assert "precision" in tail.lower()


def test_provenance_names_versions_settings_and_checksums(real_run: Run):
    out = real_run.folder / "out"
    account = json.loads((out / "pipeline_info" / "provenance.json").read_text())
    assert account["run"]["parameters"]["simulate"] is True
    assert {"CALL_SHARD", "MERGE_SAMPLE", "CONCAT_COHORT"} <= set(account["processes"])
    assert account["packages"]["numpy"]
    assert all("code" in line for lines in account["processes"].values() for line in lines)
    assert any(model["name"] == "illumina.dcmodel" and model["card"] for model in account["models"])
    assert {row["name"] for row in account["inputs"]} == {"samplesheet.csv", "reference.fa"}
    sums = {row["name"]: row["sha256"] for row in account["outputs"]}
    cohort = (out / "cohort" / "cohort.vcf.gz").read_bytes()
    assert sums["cohort.vcf.gz"] == hashlib.sha256(cohort).hexdigest()


def test_progress_and_cost_by_stage(real_run: Run):
    assert re.search(
        r"Called \d of 6 shards \(\d+ %\), .* of 0\.2 Mb; \d of 3 samples complete", real_run.text
    )
    assert re.search(r"CPU time [\d.]+ (min|h): .*call shard \d+ %", real_run.text)
    out = real_run.folder / "out"
    with open(out / "pipeline_info" / "costs.tsv") as file:
        rows = {row["stage"]: row for row in csv.DictReader(file, delimiter="\t")}
    counts = Counter(task["process"].split(":")[-1] for task in real_run.tasks())
    assert {name: int(row["tasks"]) for name, row in rows.items()} == counts
    assert float(rows["CALL_SHARD"]["cpu_hours"]) > 0
    html = (out / "report" / "multiqc_report.html").read_text()
    assert "<td>call shard</td><td>6</td>" in html


@pytest.mark.nightly
def test_a_model_trained_by_the_pipeline_calls(tmp_path: Path, real_run: Run):
    (tmp_path / "tiny.toml").write_text(
        "read_channels = [8, 8]\nsite_channels = [16]\nsmall_units = [16]\nepochs = 1\nsmall_epochs = 2\n"
        'threads = 1\ndevice = "cpu"\n'
    )
    cohort = "--genome-bp 60000 --contigs 2 --samples 2 --coverage 20"
    run = nextflow(
        tmp_path, "--mode", "train", "--simulations", "1", f"--simulate_args={cohort}", "--model_name", "tiny",
        "--train_config", "tiny.toml", "--outdir", "out",
    )  # fmt: skip
    assert run.status == 0, run.text
    models = tmp_path / "out" / "models" / "tiny"
    assert (models / "tiny.md").read_text()
    assert "tiny" in (models / "report.html").read_text()
    simulated = real_run.folder / "out" / "simulated"
    (tmp_path / "one.csv").write_text("sample,reads\nchild,child.bam\n")
    called = nextflow(
        tmp_path, "--samplesheet", "one.csv", "--base_dir", str(simulated),
        "--reference", str(simulated / "reference.fa"), "--model", str(models / "tiny.dcmodel"), "--outdir", "called",
    )  # fmt: skip
    assert called.status == 0, called.text
    account = json.loads((tmp_path / "called" / "pipeline_info" / "provenance.json").read_text())
    assert [model["name"] for model in account["models"]] == ["tiny.dcmodel"]
    assert records(tmp_path / "called" / "samples" / "child" / "child.vcf.gz")


def test_resume_does_no_work_twice(real_run: Run):
    cohort = real_run.folder / "out" / "cohort" / "cohort.vcf.gz"
    before = cohort.read_bytes()
    again = nextflow(real_run.folder, "-profile", "test", "--outdir", "out", "--haplotag", "-resume")
    assert again.status == 0, again.text
    assert {task["status"] for task in again.tasks()} == {"CACHED"}
    assert cohort.read_bytes() == before


def test_a_hostile_folder_regions_and_an_unindexed_reference(real_run: Run, tmp_path: Path):
    """Spaces, quotes and semicolons in every path; the same calls as the plain run inside the regions."""
    source = real_run.folder / "out" / "simulated"
    folder = tmp_path / 'it\'s; "my" (data)'
    folder.mkdir()
    for name in ("child.bam", "child.bam.bai"):
        shutil.copy(source / name, folder / f"a b;'{name}")
    shutil.copy(source / "reference.fa", folder / "re f';.fa")
    with open(source / "reference.fa.fai") as file:
        contig = file.readline().split("\t")[0]
    (folder / "r;.bed").write_text(f"{contig}\t2000\t12000\n")
    (folder / "s;.csv").write_text("sample,reads,sex\nchild,a b;'child.bam,XX\n")
    run = nextflow(
        folder,
        "--samplesheet", "s;.csv", "--reference", "re f';.fa", "--regions", "r;.bed", "--outdir", "out",
    )  # fmt: skip
    assert run.status == 0, run.text
    whole = records(real_run.folder / "out" / "samples" / "child" / "child.vcf.gz")
    inside = [r for r in whole if r.split("\t")[0] == contig and 2000 < int(r.split("\t")[1]) <= 12000]
    assert inside
    assert records(folder / "out" / "samples" / "child" / "child.vcf.gz") == inside


def test_cells_of_the_samplesheet_are_never_run(tmp_path: Path):
    """Names with spaces, quotes, $(), semicolons and line breaks: every row is refused, none is executed."""
    data = Path(__file__).parents[2] / "nextflow" / "data" / "reads"
    trap = f"touch {tmp_path}/run"
    names = [
        "a b",
        "a'b",
        'a"b',
        f"$({trap})",
        f"`{trap}`",
        f"a;{trap}",
        f"a\n{trap}",
        f"a'; {trap} #",
        f"--x={trap}",
    ]
    with open(tmp_path / "cohort.csv", "w", newline="") as file:
        sheet = csv.writer(file, quoting=csv.QUOTE_ALL)
        sheet.writerow(["sample", "reads"])
        sheet.writerows([name, data / "sample1.bam"] for name in names)
        sheet.writerows([f"S{i}", f"{tmp_path}/{name}.bam"] for i, name in enumerate(names))
    run = nextflow(
        tmp_path, "--samplesheet", "cohort.csv", "--reference", data / "reference.fa", "--outdir", "out"
    )
    assert run.status != 0
    assert "exit status (2)" in run.text
    # the line break of a quoted cell takes a line of its own, but a row is a row
    rows = {int(row) for row in re.findall(r"row (\d+)", run.text)}
    assert len(rows) >= 2 * len(names), run.text
    assert not list(tmp_path.rglob("run"))
    assert not (tmp_path / "out" / "samples").exists()
