"""What can be added to a cohort, all in one run with stubs; and what of it is refused."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from nextflow_runs import Run, nextflow
from test_stub import write_cohort

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500), pytest.mark.xdist_group("additions")]
BASE = ["-stub", "--samplesheet", "cohort.csv", "--reference", "ref.fa", "--outdir", "out"]
TABLES = ("am.tsv.gz", "aa.tsv.gz", "genes.gff3", "gnomad.vcf.gz", "gnomad.vcf.gz.tbi", "cadd.tsv")
OPTIONS = {
    "--second_look": "true",
    "--panel": "panel.vcf.gz",
    "--panel_population": "EUR",
    "--fingerprints": "snps.vcf.gz",
    "--phase_cohort": "beagle",
    "--filter": "true",
    "--scan": "balancing",
    "--alphamissense": "am.tsv.gz",
    "--amino_acids": "aa.tsv.gz",
    "--genes": "genes.gff3",
    "--scores": "gnomad=gnomad.vcf.gz:AF cadd=cadd.tsv:PHRED",
}
TaskFolders = Callable[[str], list[Path]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three samples in two shards, with everything that can be added."""
    folder = tmp_path_factory.mktemp("additions")
    write_cohort(folder, ["S1", "S2", "S3"])
    for name in ("panel", "snps"):
        (folder / f"{name}.vcf.gz").touch()
        (folder / f"{name}.vcf.gz.tbi").touch()
    for name in (*TABLES, "haplotypes.chr1.vcf.gz"):
        (folder / name).touch()
    words = [word for pair in OPTIONS.items() for word in pair]
    done = nextflow(folder, *BASE, *words, "--phase_panel", f"{folder}/haplotypes.{{contig}}.vcf.gz")
    assert done.status == 0, done.text
    return done


@pytest.fixture(scope="module")
def tasks(run: Run) -> Counter[str]:
    return Counter(task["process"].split(":")[-1] for task in run.tasks())


@pytest.fixture(scope="module")
def folders_of(run: Run) -> TaskFolders:
    """Work folders of a process."""
    scripts = {p.parent: p.read_text() for p in (run.folder / "work").glob("*/*/.command.run")}

    def find(process: str) -> list[Path]:
        return sorted(folder for folder, text in scripts.items() if process in text)

    return find


def test_every_sample_looks_at_every_shard(run: Run, tasks: Counter[str], folders_of: TaskFolders):
    assert (tasks["LIST_SITES"], tasks["LOOK_SHARD"], tasks["MERGE_LOOK"]) == (2, 6, 3)
    assert (run.folder / "out" / "samples" / "S3" / "S3.second.g.vcf.gz").exists()
    # what is genotyped is the second gVCF of each sample
    staged = {path.name for folder in folders_of("GENOTYPE_SHARD") for path in folder.glob("gvcfs/*.gz")}
    assert staged == {f"S{i}.second.g.vcf.gz" for i in (1, 2, 3)}


def test_every_call_has_the_panel(folders_of: TaskFolders):
    folders = folders_of("CALL_SHARD")
    assert len(folders) == 6
    assert all((folder / "panel" / "panel.vcf.gz.tbi").exists() for folder in folders)


def test_a_fingerprint_per_sample_and_one_comparison(tasks: Counter[str], folders_of: TaskFolders):
    assert (tasks["FINGERPRINT_SAMPLE"], tasks["COMPARE_FINGERPRINTS"]) == (3, 1)
    (compared,) = folders_of("COMPARE_FINGERPRINTS")
    assert sorted(path.name for path in (compared / "samples").iterdir()) == [
        f"S{i}.fingerprint.json" for i in (1, 2, 3)
    ]
    (report,) = folders_of("BUILD_REPORT")
    assert (report / "stats" / "fingerprints").is_dir()


def test_the_phaser_takes_the_panel_of_its_contig(run: Run, tasks: Counter[str], folders_of: TaskFolders):
    assert (tasks["PHASE_CONTIG"], tasks["CONCAT_PHASED"]) == (1, 1)
    assert (run.folder / "out" / "cohort" / "cohort.phased.vcf.gz").exists()
    assert (run.folder / "out" / "cohort" / "cohort.vcf.gz").exists()
    (phased,) = folders_of("PHASE_CONTIG")
    assert [path.name for path in phased.glob("panel/*")] == ["haplotypes.chr1.vcf.gz"]
    assert "phased without a panel" not in run.text


def test_the_cohort_is_filtered_by_all_reads(run: Run, tasks: Counter[str], folders_of: TaskFolders):
    assert (tasks["FILTER_SHARD"], tasks["CONCAT_FILTERED"]) == (2, 1)
    assert (run.folder / "out" / "cohort" / "cohort.filtered.vcf.gz").exists()
    for folder in folders_of("FILTER_SHARD"):
        assert sorted(path.name for path in folder.glob("reads/*/S?.bam")) == [f"S{i}.bam" for i in (1, 2, 3)]


def test_the_cohort_is_annotated_and_scanned(run: Run, tasks: Counter[str]):
    annotation = ("PACK_ALPHAMISSENSE", "ANNOTATE_SHARD", "CONCAT_ANNOTATED", "REPORT_ANNOTATION")
    assert [tasks[name] for name in annotation] == [1, 2, 1, 1]
    assert (run.folder / "out" / "cohort" / "cohort.annotated.vcf.gz.tbi").exists()
    assert tasks["POPGEN_SCAN"] == 1
    assert (run.folder / "out" / "popgen" / "scan").is_dir()


def told(run: Run) -> set[str]:
    assert run.status == 2
    return {line.removeprefix("deepcohort: error: ") for line in run.errors()}


def test_what_needs_a_cohort_is_refused_without(tmp_path: Path):
    write_cohort(tmp_path, ["S1"])
    for name in ("aa.tsv.gz", "cadd.tsv"):
        (tmp_path / name).touch()
    run = nextflow(
        tmp_path, *BASE, "--joint", "false", "--scores", "a=none.vcf.gz:AF b=cadd.tsv", "--amino_acids", "aa.tsv.gz",
        "--cohort", "old", "--phase_panel", "panel.{contig}.vcf.gz", "--haplotag", "--no_phase", "--panel_population", "EUR",
    )  # fmt: skip
    assert told(run) >= {
        "--alphamissense, --genes and --scores annotate the cohort VCF: --mode call, without --joint false",
        "--amino_acids needs --alphamissense and --genes",
        "--scores 'none.vcf.gz' does not exist",
        "--scores 'b=cadd.tsv' is not NAME=FILE:ITEM,ITEM; see docs/annotation.md",
        "--cohort is for joint genotyping: --mode call, without --joint false",
        "--haplotag is by the phase of the calls: --mode call, without --no_phase",
        "--phase_panel needs --phase_cohort beagle",
        "--panel_population needs a panel; give --panel",
    }


def test_what_does_not_go_together_is_refused(tmp_path: Path):
    write_cohort(tmp_path, ["S1"])
    (tmp_path / "sites.vcf.gz").touch()
    run = nextflow(
        tmp_path, *BASE, "--second_look", "all", "--cohort", "x", "--phase_cohort", "eagle",
        "--alleles", "sites.vcf.gz", "--panel", "sites.vcf.gz",
    )  # fmt: skip
    found = told(run)
    assert found >= {
        "--phase_cohort 'eagle' is unknown; use one of: beagle",
        "--alleles sites.vcf.gz is not indexed; run: bcftools index sites.vcf.gz",
        "--panel sites.vcf.gz is not indexed; run: bcftools index sites.vcf.gz",
    }
    assert any("--second_look all looks at the reads of every sample" in line for line in found)
