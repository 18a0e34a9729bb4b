"""Which runs look again at the reads of every sample, and what they do then: with stubs."""

from collections import Counter

import pytest
from nextflow_runs import nextflow
from test_stub import write_cohort

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500)]


def test_every_sample_looks_at_every_shard(tmp_path):
    write_cohort(tmp_path, ["S1", "S2", "S3"])
    (tmp_path / "sites.vcf.gz").touch()
    arguments = ["-stub", "--samplesheet", "cohort.csv", "--reference", "ref.fa", "--second_look", "true"]
    run = nextflow(tmp_path, *arguments)
    assert run.status == 0, run.text
    counts = Counter(task["process"].split(":")[-1] for task in run.tasks("results"))
    assert (counts["LIST_SITES"], counts["LOOK_SHARD"], counts["MERGE_LOOK"]) == (2, 6, 3)
    assert (tmp_path / "results" / "samples" / "S3" / "S3.second.g.vcf.gz").exists()
    # what is genotyped is the second gVCF of each sample
    staged = set()
    for script in (tmp_path / "work").glob("*/*/.command.run"):
        if "GENOTYPE_SHARD" in script.read_text():
            staged |= {path.name for path in script.parent.glob("gvcfs/*.gz")}
    assert staged == {f"S{i}.second.g.vcf.gz" for i in (1, 2, 3)}

    known = ["--alleles", "sites.vcf.gz", "--panel", "sites.vcf.gz"]
    run = nextflow(tmp_path, *arguments[:-1], "all", "--cohort", "x", *known)
    assert run.status == 2
    told = "\n".join(run.errors())
    assert "--second_look all looks at the reads of every sample" in told
    assert "--alleles sites.vcf.gz is not indexed; run: bcftools index sites.vcf.gz" in told
    assert "--panel sites.vcf.gz is not indexed; run: bcftools index sites.vcf.gz" in told


def test_every_call_has_the_panel(tmp_path):
    write_cohort(tmp_path, ["S1", "S2"])
    for name in ("panel.vcf.gz", "panel.vcf.gz.tbi"):
        (tmp_path / name).touch()
    arguments = ["-stub", "--samplesheet", "cohort.csv", "--reference", "ref.fa"]
    run = nextflow(tmp_path, *arguments, "--panel", "panel.vcf.gz", "--panel_population", "EUR")
    assert run.status == 0, run.text
    tasks = (tmp_path / "work").glob("*/*/.command.run")
    folders = [path.parent for path in tasks if "CALL_SHARD" in path.read_text()]
    assert len(folders) == 4
    assert all((folder / "panel" / "panel.vcf.gz.tbi").exists() for folder in folders)
    run = nextflow(tmp_path, *arguments, "--panel_population", "EUR")
    assert run.status == 2
    assert "--panel_population needs a panel; give --panel" in "\n".join(run.errors())
