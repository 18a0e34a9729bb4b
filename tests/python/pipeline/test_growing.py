"""A cohort that grows, and one that is stored in batches: the bytes of doing all at once, by real runs."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from nextflow_runs import Run, nextflow

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("real_run"),
]


def write_sheet(path: Path, rows: list[dict[str, str]]) -> str:
    with open(path, "w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path.name


@pytest.mark.nightly
def test_gvcfs_stored_in_batches(real_run: Run):
    arguments = ["-profile", "test", "--outdir", "batched", "--cohort_batch", "2", "-resume"]
    arguments += ["--export", "zarr,plink2" if shutil.which("plink2") else "zarr"]
    run = nextflow(real_run.folder, *arguments)
    assert run.status == 0, run.text
    tasks = Counter((t["process"].split(":")[-1], t["status"]) for t in run.tasks("batched"))
    assert (tasks["STORE_BATCH", "COMPLETED"], tasks["CALL_SHARD", "COMPLETED"]) == (2, 0)
    one_level, batched = real_run.folder / "out" / "cohort", real_run.folder / "batched" / "cohort"
    assert (batched / "cohort.vcf.gz").read_bytes() == (one_level / "cohort.vcf.gz").read_bytes()
    tables = [json.loads((folder / "store" / "cohort.json").read_text()) for folder in (one_level, batched)]
    for table, folder in zip(tables, (one_level, batched), strict=True):
        assert [part["regions"] for part in table["parts"]] == [
            part["regions"] for part in tables[0]["parts"]
        ]
        assert sorted(table["samples"]) == ["child", "father", "mother"]
        assert {part["file"] for part in table["parts"]} < {
            path.name for path in (folder / "store").iterdir()
        }
    exported = {path.name for path in batched.iterdir()}
    assert "cohort.vcz.zip" in exported
    assert ({"cohort.pgen", "cohort.pvar.zst", "cohort.psam"} <= exported) == bool(shutil.which("plink2"))


@pytest.mark.nightly
def test_a_child_joins_its_stored_parents(real_run: Run, tmp_path: Path):
    source = real_run.folder / "out" / "simulated"
    with open(source / "samplesheet.csv") as file:
        rows = {row["sample"]: row for row in csv.DictReader(file)}
    # parents that are stored cannot be looked at again for what the child brings
    base = ["--base_dir", str(source), "--reference", str(source / "reference.fa"), "--second_look", "false"]
    parents = write_sheet(tmp_path / "parents.csv", [rows["mother"], rows["father"]])
    first = nextflow(tmp_path, "--samplesheet", parents, *base, "--outdir", "first")
    assert first.status == 0, first.text
    store = tmp_path / "first" / "cohort" / "store"
    assert json.loads((store / "cohort.json").read_text())["samples"] == ["father", "mother"]

    child = write_sheet(tmp_path / "child.csv", [rows["child"]])
    # shards other than those that the store was written in
    arguments = ["--samplesheet", child, *base, "--shard_bp", "25000", "--cohort", str(store)]
    second = nextflow(tmp_path, *arguments, "--outdir", "second")
    assert second.status == 0, second.text
    called = {t["tag"].split(".")[0] for t in second.tasks("second") if t["process"].endswith(":CALL_SHARD")}
    assert called == {"child"}
    together = (real_run.folder / "out" / "cohort" / "cohort.vcf.gz").read_bytes()
    assert (tmp_path / "second" / "cohort" / "cohort.vcf.gz").read_bytes() == together
    assert (tmp_path / "second" / "evaluation" / "child.cohort" / "summary.tsv").exists()

    # the run's own store holds all three: the child cannot join again
    third = nextflow(tmp_path, *arguments[:-1], str(tmp_path / "second/cohort/store"), "--outdir", "third")
    assert third.status != 0
    assert any("row 2: sample child is already in the stored cohort" in line for line in third.errors())
    assert not (tmp_path / "third" / "samples").exists()
