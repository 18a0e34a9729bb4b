"""Fingerprints in the pipeline, with stubs."""

from collections import Counter

import pytest
from nextflow_runs import nextflow
from test_stub import write_cohort

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500)]


def test_a_task_per_sample_and_one_for_all(tmp_path):
    write_cohort(tmp_path, ["S1", "S2", "S3"])
    for name in ("snps.vcf.gz", "snps.vcf.gz.tbi"):
        (tmp_path / name).touch()
    arguments = [
        "-stub",
        "--samplesheet",
        "cohort.csv",
        "--reference",
        "ref.fa",
        "--fingerprints",
        "snps.vcf.gz",
    ]
    run = nextflow(tmp_path, *arguments)
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks("results"))
    assert (counts["FINGERPRINT_SAMPLE"], counts["COMPARE_FINGERPRINTS"]) == (3, 1)
    scripts = {path.parent: path.read_text() for path in (tmp_path / "work").glob("*/*/.command.run")}
    compared = next(folder for folder, text in scripts.items() if "COMPARE_FINGERPRINTS" in text)
    assert sorted(path.name for path in (compared / "samples").iterdir()) == [
        f"S{i}.fingerprint.json" for i in (1, 2, 3)
    ]
    report = next(folder for folder, text in scripts.items() if "BUILD_REPORT" in text)
    assert (report / "stats" / "fingerprints").is_dir()
