"""The wiring, with stubs: every process, every mode, no science."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from nextflow_runs import REPOSITORY, nextflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500)]


def write_cohort(folder: Path, samples: list[str]) -> None:
    """Files by name only: stubs never open them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["sample,reads,truth_vcf,truth_bed"]
    for name in samples:
        for suffix in (".bam", ".bam.bai", ".vcf.gz", ".vcf.gz.tbi", ".bed"):
            if not (folder / (name + suffix)).exists():  # -resume looks at the time stamp
                (folder / (name + suffix)).touch()
        rows.append(f"{name},{name}.bam,{name}.vcf.gz,{name}.bed")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n")
    if not (folder / "ref.fa").exists():
        (folder / "ref.fa").write_text(">chr1\nACGT\n")


def test_help_and_parameter_problems(tmp_path):
    run = nextflow(tmp_path, "--help")
    assert run.status == 0
    assert "--samplesheet" in run.text
    assert "--shard_bp" in run.text
    run = nextflow(
        tmp_path, "--samplesheeet", "x.csv", "--shard_bp", "many", "--mode", "fly", "--reference", "none.fa"
    )
    assert run.status == 2
    assert set(run.errors()) == {
        "deepcohort: error: --shard_bp must be a whole number, not 'many'",
        "deepcohort: error: --mode 'fly' is unknown; use one of: call, plan, evaluate, filter, train, popgen",
        "deepcohort: error: --reference 'none.fa' does not exist",
        "deepcohort: error: unknown parameter --samplesheeet; did you mean --samplesheet?",
        "deepcohort: error: --samplesheet is missing; see --help, or try -profile demo",
    }


def test_whole_dag_in_a_hostile_folder_and_one_sample_more(tmp_path):
    safe = tmp_path / 'it\'s; "my" (data) & more'
    write_cohort(safe, ["S1", "S2"])
    arguments = [
        "-stub",
        "--samplesheet",
        "cohort.csv",
        "--reference",
        "ref.fa",
        "--outdir",
        "out; 'x'",
        "--haplotag",
    ]
    run = nextflow(safe, *arguments)
    assert run.status == 0, run.text
    assert "Calling 2 samples over 200 bp: 2 x 2 shards = 4 call tasks." in run.text
    out = "out; 'x'"
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks(out))
    assert counts == {
        "INDEX_REFERENCE": 1,
        "CHECK_INPUTS": 1,
        "SHARD_REFERENCE": 1,
        "SHARD_COHORT": 1,
        "FIND_PARALOGS": 1,
        "CALL_SHARD": 4,
        "MERGE_SAMPLE": 2,
        "HAPLOTAG_SAMPLE": 2,
        "EVALUATE_SAMPLE": 4,  # own calls and the cohort's genotypes
        "GENOTYPE_SHARD": 2,
        "INDEX_STORE": 1,
        "CONCAT_COHORT": 1,
        "COHORT_STATS": 1,
        "BUILD_REPORT": 1,
        "WRITE_PROVENANCE": 1,
    }
    results = {str(p.relative_to(safe / out)) for p in (safe / out).rglob("*") if p.is_file()}
    assert {
        "cohort/cohort.vcf.gz",
        "cohort/cohort.vcf.gz.tbi",
        "cohort/cohort.ped",
        "samples/S1/S1.haplotagged.bam",
        "samples/S1/S1.haplotagged.bam.bai",
        "cohort/store/cohort.json",
        "cohort/store/shard_00001.store",
        "samples/S1/S1.g.vcf.gz",
        "samples/S1/S1.vcf.gz.tbi",
        "samples/S1/S1.facts.json",
        "evaluation/S2/summary.tsv",
        "report/multiqc_report.html",
        "pipeline_info/provenance.json",
        "pipeline_info/shards.bed",
        "pipeline_info/report.html",
        "pipeline_info/timeline.html",
        "pipeline_info/trace.tsv",
        "pipeline_info/dag.html",
    } <= results
    account = json.loads((safe / out / "pipeline_info" / "provenance.json").read_text())
    assert account["parameters"]["samplesheet"] == "cohort.csv"

    write_cohort(safe, ["S0", "S1", "S2"])
    more = nextflow(safe, *arguments, "-resume")
    assert more.status == 0, more.text
    status = {(t["process"].split(":")[-1], t["tag"]): t["status"] for t in more.tasks(out)}
    assert [s for (name, _), s in status.items() if name == "SHARD_REFERENCE"] == ["CACHED"]
    calls = {tag: s for (name, tag), s in status.items() if name == "CALL_SHARD"}
    assert {tag for tag, s in calls.items() if s == "CACHED"} == {
        f"S{i}.shard_0000{j}" for i in (1, 2) for j in (1, 2)
    }
    assert {tag for tag, s in calls.items() if s == "COMPLETED"} == {"S0.shard_00001", "S0.shard_00002"}
    assert [s for (name, tag), s in status.items() if name == "MERGE_SAMPLE" and tag == "S1"] == ["CACHED"]


def stored_cohort(folder: Path) -> Path:
    """A stored cohort of two persons by name only; its parts are cut otherwise than the stub's shards."""
    folder.mkdir()
    parts = [("a.store", [["chr1", 0, 150]]), ("b.store", [["chr1", 150, 200]])]
    for name, _ in parts:
        (folder / name).touch()
    table = {
        "format": 1,
        "samples": ["F", "M"],
        "contigs": [["chr1", 4]],
        "pedigree": [["fam", "F", "0", "0", "XY"], ["fam", "M", "0", "0", "XX"]],
        "parts": [{"file": name, "bytes": 0, "regions": regions} for name, regions in parts],
    }
    (folder / "cohort.json").write_text(json.dumps(table))
    return folder


def test_batches_and_a_stored_cohort(tmp_path):
    write_cohort(tmp_path, ["S1", "S2", "S3"])
    sheet = (tmp_path / "cohort.csv").read_text().splitlines()
    rows = [sheet[0] + ",family,father,mother", sheet[1] + ",fam,F,M", *(row + ",,," for row in sheet[2:])]
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    stored = stored_cohort(tmp_path / "old one")
    arguments = ["-stub", "--samplesheet", "cohort.csv", "--reference", "ref.fa", "--outdir", "out"]
    arguments += ["--cohort", str(stored), "--cohort_batch", "2", "--export", "zarr,plink2"]
    run = nextflow(tmp_path, *arguments)
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert (counts["STORE_BATCH"], counts["GENOTYPE_SHARD"], counts["INDEX_STORE"]) == (2, 2, 1)
    assert counts["EXPORT_COHORT"] == 2
    assert (tmp_path / "out" / "cohort" / "cohort.vcz.zip").exists()
    assert (tmp_path / "out" / "cohort" / "cohort.pvar.zst").exists()
    persons = [
        line.split()[:4] for line in (tmp_path / "out" / "cohort" / "cohort.ped").read_text().splitlines()
    ]
    assert persons[:3] == [["fam", "F", "0", "0"], ["fam", "M", "0", "0"], ["fam", "S1", "F", "M"]]
    # each shard gets its part of each batch, and the parts of the stored cohort that reach into it
    staged = {}
    for script in (tmp_path / "work").glob("*/*/.command.run"):
        if "GENOTYPE_SHARD" in script.read_text():
            names = sorted(path.resolve().name for path in script.parent.glob("stores/*/*"))
            shard = next(script.parent.glob("*.cohort.vcf.gz")).name.split(".")[0]
            assert not (script.parent / "gvcfs").exists()
            staged[shard] = names
    assert staged == {
        "shard_00001": ["a.store", "shard_00001.store", "shard_00001.store"],
        "shard_00002": ["a.store", "b.store", "shard_00002.store", "shard_00002.store"],
    }

    # a sample at the end of the samplesheet leaves whole batches as they are
    write_cohort(tmp_path, ["S1", "S2", "S3", "A0"])
    rows += [(tmp_path / "cohort.csv").read_text().splitlines()[-1] + ",,,"]
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    more = nextflow(tmp_path, *arguments, "-resume")
    assert more.status == 0, more.text
    batches = {t["tag"]: t["status"] for t in more.tasks() if t["process"].endswith(":STORE_BATCH")}
    assert batches == {"batch_00001": "CACHED", "batch_00002": "COMPLETED"}


def test_a_stored_cohort_that_cannot_be_used(tmp_path):
    write_cohort(tmp_path, ["S1"])
    stored = stored_cohort(tmp_path / "old")
    (stored / "b.store").write_text("grown")
    (tmp_path / "plain").mkdir()
    arguments = ["--samplesheet", "cohort.csv", "--reference", "ref.fa"]
    run = nextflow(tmp_path, *arguments, "--outdir", "out", "--cohort", "old,nowhere,plain")
    assert run.status == 2
    found = [line.replace(str(tmp_path) + "/", "") for line in run.errors()]
    grown = "b.store is not the one that cohort.json names; finish the run that wrote it"
    assert found == [
        f"deepcohort: error: --cohort 'old': {grown}",
        "deepcohort: error: --cohort 'nowhere' does not exist",
        "deepcohort: error: --cohort 'plain' has no cohort.json; name the cohort/store folder of a finished run, "
        "or a store",
    ]
    run = nextflow(tmp_path, *arguments, "--outdir", ".", "--cohort", "old")
    assert "lies in --outdir, where this run's own would replace it" in run.errors()[0]


@pytest.mark.nightly
def test_an_upgrade_takes_up_nothing_that_older_code_wrote(tmp_path):
    pipeline = tmp_path / "pipeline"
    for name in ("modules", "lib", "conf", "assets", "bin", "pytools"):
        shutil.copytree(
            REPOSITORY / name, pipeline / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("main.nf", "nextflow.config", "nextflow_schema.json"):
        shutil.copy(REPOSITORY / name, pipeline / name)
    (pipeline / ".venv").symlink_to(REPOSITORY / ".venv")
    write_cohort(tmp_path, ["S1"])
    arguments = ["-stub", "--samplesheet", "cohort.csv", "--reference", "ref.fa", "--outdir", "out"]
    assert nextflow(tmp_path, *arguments, pipeline=pipeline).status == 0
    with open(pipeline / "pytools" / "deepcohort" / "cohort" / "check.py", "a") as file:
        file.write("# newer\n")
    again = nextflow(tmp_path, *arguments, "-resume", pipeline=pipeline)
    assert again.status == 0, again.text
    assert {task["status"] for task in again.tasks()} == {"COMPLETED"}


def test_modes_evaluate_and_train(tmp_path):
    write_cohort(tmp_path, ["S1"])
    truth = ["--truth_vcf", "S1.vcf.gz", "--truth_bed", "S1.bed", "--reference", "ref.fa"]
    run = nextflow(tmp_path, "-stub", "--mode", "evaluate", "--calls", "S1.vcf.gz", *truth, "--outdir", "out")
    assert run.status == 0, run.text
    assert (tmp_path / "out" / "evaluation" / "S1" / "summary.tsv").exists()
    run = nextflow(tmp_path, "-stub", "--mode", "train", "--simulations", "2", "--outdir", "out")
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert (counts["SIMULATE_COHORT"], counts["MAKE_EXAMPLES"], counts["TRAIN_MODEL"]) == (2, 4, 1)
    assert not counts["SIMULATE_NATURAL"] + counts["MAKE_NATURAL"]


def test_training_calibrates_on_natural_examples(tmp_path):
    """Of genomes that were not learned from, or of the samplesheet's own samples."""
    run = nextflow(tmp_path, "-stub", "--mode", "train", "--simulations", "5", "--natural", "--outdir", "out")
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert (counts["SIMULATE_COHORT"], counts["SIMULATE_NATURAL"]) == (5, 2)
    assert (counts["MAKE_EXAMPLES"], counts["MAKE_NATURAL"], counts["TRAIN_MODEL"]) == (10, 4, 1)
    write_cohort(tmp_path / "own", ["S1", "S2"])
    own = ["--samplesheet", "cohort.csv", "--reference", "ref.fa", "--natural", "--outdir", "out"]
    run = nextflow(tmp_path / "own", "-stub", "--mode", "train", *own)
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks())
    assert (counts["MAKE_EXAMPLES"], counts["MAKE_NATURAL"], counts["TRAIN_MODEL"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("no_cascade", "asks"), [("false", {"TRAIN_MODEL"}), ("true", {"TRAIN_MODEL", "CALL_SHARD"})]
)
def test_calls_take_a_gpu_only_where_it_has_work(tmp_path, no_cascade, asks):
    """Through a `docker` that does nothing: which tasks were to be given a GPU."""
    names = ("CALL_SHARD", "TRAIN_MODEL", "MERGE_SAMPLE")
    processes = "".join(f"process {name} {{\n    container 'x/y'\n    script: 'true'\n}}\n" for name in names)
    (tmp_path / "main.nf").write_text(
        processes + "workflow {\n" + "".join(f"    {n}()\n" for n in names) + "}\n"
    )
    (tmp_path / "nextflow.config").write_text(
        "params { gpus = 1; gpu_type = null; gpu_queue = null; queue = null; backend = null; gpu_workers = 2\n"
        f"  cluster_options = null; machine_type = null; no_cascade = {no_cascade} }}\n"
        f"docker.enabled = true\nincludeConfig '{REPOSITORY}/conf/gpu.config'\n"
    )
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    (tmp_path / "docker").chmod(0o755)
    nextflow(tmp_path, pipeline=tmp_path, path=tmp_path)
    scripts = [path.read_text() for path in tmp_path.glob("work/*/*/.command.run")]
    assert len(scripts) == 3
    given = {n for n in names for text in scripts if f"name: '{n}'" in text and "--gpus all" in text}
    assert given == asks


def test_a_bad_samplesheet_stops_before_any_work(tmp_path):
    write_cohort(tmp_path, ["S1"])
    (tmp_path / "ref.fa").write_text(">chr1\n" + "ACGT" * 20 + "\n")
    (tmp_path / "cohort.csv").write_text(
        "sample,reads,sex,platform\nS1,gone.bam,XX,illumina\nS1,$(touch pwned).bam,XY,\n"
        "S 2,`touch pwned`.bam,,nanopore\n"
    )
    run = nextflow(tmp_path, "--samplesheet", "cohort.csv", "--reference", "ref.fa", "--outdir", "out")
    assert run.status != 0
    found = run.errors()
    for row, what in (
        (2, "does not exist"),
        (3, "holds the character '$'"),
        (3, "more than one sex: XX in row 2, XY in row 3"),
        (4, "sample 'S 2' may hold"),
        (4, "unknown platform 'nanopore'"),
    ):
        assert any(f"row {row}" in line and what in line for line in found), (row, what, found)
    assert not list(tmp_path.rglob("pwned*"))
    assert not (tmp_path / "out" / "samples").exists()
    assert {t["process"].split(":")[-1] for t in run.tasks()} == {"INDEX_REFERENCE", "CHECK_INPUTS"}
