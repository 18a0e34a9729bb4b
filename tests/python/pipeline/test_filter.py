"""--mode filter: the wiring with stubs, problems of the samplesheet, and a real run."""

import gzip
from collections import Counter

import pysam
import pytest
from deepcohort.compose.io_warm import write_warm_inputs
from nextflow_runs import nextflow
from test_stub import write_cohort

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500)]


def processes(run):
    return Counter(task["process"].split(":")[-1] for task in run.tasks())


def test_vcfs_that_exist(tmp_path):
    write_cohort(tmp_path, ["S1", "S2", "S3"])
    (tmp_path / "trio.vcf.gz").touch()
    (tmp_path / "wrong.csv").write_text(
        "vcf,sample,reads,platform\ntrio.vcf.gz,S1,S1.bam,nanopore\ntrio.vcf,S2,S2.bam,\ngone.vcf.gz,,S3.bam,\n"
        "trio.vcf.gz,S1,S1.bam,\nS3.vcf.gz,S3,S9.bam\n"
    )
    arguments = ["-stub", "--mode", "filter", "--reference", "ref.fa", "--outdir", "out"]
    run = nextflow(tmp_path, *arguments, "--samplesheet", "wrong.csv", "--contigs", "chr1")
    assert run.status == 2
    assert run.errors() == [
        "deepcohort: error: --contigs is not for --mode filter, which filters whole VCFs; leave it out",
        "deepcohort: error: samplesheet row 2: platform nanopore is none of illumina, hifi, ont",
        "deepcohort: error: samplesheet row 3: vcf trio.vcf does not end in .vcf.gz; run: bcftools view -Oz",
        "deepcohort: error: samplesheet row 3: trio.vcf does not exist",
        "deepcohort: error: samplesheet row 4: sample is empty",
        "deepcohort: error: samplesheet row 6: S9.bam does not exist",
        "deepcohort: error: samplesheet row 5: reads S1.bam are listed already in row 2",
    ]
    (tmp_path / "vcfs.csv").write_text(
        "vcf,sample,reads\ntrio.vcf.gz,S1,S1.bam\ntrio.vcf.gz,S2,S2.bam\nS3.vcf.gz,S3,S3.bam\n"
    )
    run = nextflow(tmp_path, *arguments, "--samplesheet", "vcfs.csv")
    assert run.status == 0, run.text
    counts = processes(run)
    assert counts["FILTER_SAMPLE"] == counts["SHARD_VCFS"] == counts["CONCAT_FILTERED"] == 1
    assert counts["FILTER_SHARD"] == 2
    results = {path.name for path in (tmp_path / "out" / "filtered").iterdir()}
    assert results == {f"{name}.filtered.vcf.gz{end}" for name in ("trio", "S3") for end in ("", ".tbi")}


@pytest.mark.nightly
def test_a_real_run(tmp_path):
    """A cohort of two and one of its samples alone; the cohort's file is that of the command line's one run."""
    reference, bams, _ = write_warm_inputs(tmp_path)
    text = pysam.FastaFile(str(reference)).fetch("warm")
    other = {"A": "C", "C": "T", "G": "A", "T": "G"}
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID=warm,length={len(text)}>"]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="g">']
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    for name, samples in (("two", ["person0", "person1"]), ("one", ["person0"])):
        rows = ["\t".join([*columns, *samples])]
        for pos in (1_500, 2_000, 5_004, 8_000):
            cells = ["0/1"] * len(samples)
            rows.append(
                "\t".join(
                    ["warm", str(pos + 1), ".", text[pos], other[text[pos]], "9", ".", ".", "GT", *cells]
                )
            )
        (tmp_path / f"{name}.vcf").write_text("\n".join([*lines, *rows]) + "\n")
        pysam.tabix_index(str(tmp_path / f"{name}.vcf"), preset="vcf")
    sheet = [f"{name}.vcf.gz,person{i},{bams[i].name}" for name, i in (("two", 0), ("two", 1), ("one", 0))]
    (tmp_path / "vcfs.csv").write_text("\n".join(["vcf,sample,reads", *sheet]) + "\n")
    run = nextflow(
        tmp_path, "--mode", "filter", "--samplesheet", "vcfs.csv", "--reference", reference.name,
        "--shard_bp", "5000", "--outdir", "out",
    )  # fmt: skip
    assert run.status == 0, run.text
    assert processes(run)["FILTER_SHARD"] == 3
    for name in ("two", "one"):
        with gzip.open(tmp_path / "out" / "filtered" / f"{name}.filtered.vcf.gz", "rt") as file:
            rows = [line.split("\t") for line in file if line[0] != "#"]
        low = [row[6] == "DCLow" for row in rows]
        assert low == [True, False, False, True]
    assert (tmp_path / "out" / "report" / "multiqc_report.html").exists()
