"""Annotation in the pipeline: a real run on the cohort of the test profile."""

import csv
import gzip
import json
from pathlib import Path

import pytest
from nextflow_runs import Run, nextflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1500)]


def sequence_of(fasta: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in fasta.read_text().split(">")[1:]:
        name, *lines = block.split("\n")
        found[name.split()[0]] = "".join(lines).upper()
    return found


def write_tables(folder: Path, fasta: Path, vcf: Path) -> tuple[int, int]:
    """A gene over all of each contig, and scores of every second SNV of the cohort; SNVs, and those with a score."""
    genes, rows, n = ["##gff-version 3"], [], 0
    for name, text in sequence_of(fasta).items():
        end = len(text) // 3 * 3
        genes += [
            f"{name}\tt\tgene\t1\t{end}\t.\t+\t.\tID=gene:G_{name};Name=G_{name};biotype=protein_coding",
            f"{name}\tt\tmRNA\t1\t{end}\t.\t+\t.\tID=transcript:T_{name};Parent=gene:G_{name};biotype=protein_coding",
            f"{name}\tt\texon\t1\t{end}\t.\t+\t.\tParent=transcript:T_{name}",
            f"{name}\tt\tCDS\t1\t{end}\t.\t+\t0\tParent=transcript:T_{name}",
        ]
    with gzip.open(vcf, "rt") as file:
        for line in file:
            fields = line.split("\t")
            if line[0] == "#" or len(fields[3]) != 1 or len(fields[4]) != 1:
                continue
            n += 1
            if n % 2:
                rows.append(
                    f"{fields[0]}\t{fields[1]}\t{fields[3]}\t{fields[4]}\thg38\tP\tT_{fields[0]}\tA2V\t0.9\tlikely_pathogenic\n"
                )
    (folder / "genes.gff3").write_text("\n".join(genes) + "\n")
    head = "# Licensed under TEST terms\n#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class\n"
    (folder / "am.tsv.gz").write_bytes(gzip.compress((head + "".join(rows)).encode()))
    return n, len(rows)


@pytest.mark.nightly
@pytest.mark.xdist_group("real_run")
def test_a_real_cohort_is_annotated(real_run: Run, tmp_path: Path):
    cohort = real_run.folder / "out" / "cohort" / "cohort.vcf.gz"
    _, n_scored = write_tables(tmp_path, real_run.folder / "out" / "simulated" / "reference.fa", cohort)
    assert n_scored > 10
    arguments = ["--alphamissense", str(tmp_path / "am.tsv.gz"), "--genes", str(tmp_path / "genes.gff3")]
    run = nextflow(real_run.folder, "-profile", "test", "--outdir", "annotated", "-resume", *arguments)
    assert run.status == 0, run.text
    out = real_run.folder / "annotated"
    with (
        gzip.open(cohort, "rt") as before,
        gzip.open(out / "cohort" / "cohort.annotated.vcf.gz", "rt") as after,
    ):
        old = [line.split("\t") for line in before if line[0] != "#"]
        new = [line.split("\t") for line in after if line[0] != "#"]
    assert [f[:7] + f[8:] for f in old] == [f[:7] + f[8:] for f in new]
    assert sum("AM_MAX=0.9" in f[7] for f in new) == n_scored
    assert all("DC_CSQ=" in f[7] for f in new if set(f[4]) <= set("ACGT"))
    with open(out / "annotation" / "carriers.tsv") as file:
        assert {row["am_max"] for row in csv.DictReader(file, delimiter="\t")} == {"0.9"}
    assert json.loads((out / "annotation" / "annotation.json").read_text())["trios"] == ["child"]
    html = (out / "report" / "multiqc_report.html").read_text()
    assert "deepcohort_annotation_consequence" in html
