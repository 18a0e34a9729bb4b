"""A contig beyond 512 Mb, where .tbi and .bai end, through every command and the whole pipeline."""

import gzip
import json
import random
import sys
from pathlib import Path

import pysam
import pytest
from fuzz_base import run_here

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))

BIG_BP = 600_000_000
ISLANDS = (1_000_000, 590_000_000)  # 20 kb of sequence each, N elsewhere
ISLAND_BP = 20_000
SNPS_AT = tuple(island + at for island in ISLANDS for at in range(3_000, 18_000, 2_500))
_OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3 * 3600), pytest.mark.xdist_group("big_contigs")]


def _reads(islands: dict[int, str], changed: dict[int, str]) -> list[str]:
    rng, lines = random.Random(3), []
    for island, bases in islands.items():
        for number, at in enumerate(sorted(rng.randrange(ISLAND_BP - 150) for _ in range(4_000))):
            text = (changed[island] if rng.random() < 0.5 else bases)[at : at + 150]
            quals = "".join(chr(33 + rng.randrange(28, 40)) for _ in text)
            flag = rng.choice((0, 16))
            lines.append(
                f"r{island}.{number}\t{flag}\tbig\t{island + at + 1}\t60\t150M\t*\t0\t0\t{text}\t{quals}\tRG:Z:1"
            )
    return lines


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ref.fa of one contig, S.bam with .csi, truth.vcf.gz with .csi, truth.bed, sheet.csv."""
    folder, rng = tmp_path_factory.mktemp("big"), random.Random(11)
    islands = {at: "".join(rng.choice("ACGT") for _ in range(ISLAND_BP)) for at in ISLANDS}
    changed, rows = {}, []
    for island, bases in islands.items():
        letters = list(bases)
        for at in (place - island for place in SNPS_AT if 0 <= place - island < ISLAND_BP):
            letters[at] = _OTHER[bases[at]]
            rows.append(f"big\t{island + at + 1}\t.\t{bases[at]}\t{letters[at]}\t.\tPASS\t.\tGT\t0/1\n")
        changed[island] = "".join(letters)
    with open(folder / "ref.fa", "w") as out:  # one line: .fai allows it, and it is soon written
        out.write(">big\n")
        reached = 0
        for island, bases in islands.items():
            out.write("N" * (island - reached) + bases)
            reached = island + ISLAND_BP
        out.write("N" * (BIG_BP - reached) + "\n")
    pysam.faidx(str(folder / "ref.fa"))
    head = ["@HD\tVN:1.6\tSO:coordinate", f"@SQ\tSN:big\tLN:{BIG_BP}", "@RG\tID:1\tSM:S"]
    (folder / "S.sam").write_text("\n".join([*head, *_reads(islands, changed)]) + "\n")
    pysam.view("-b", "-o", str(folder / "S.bam"), str(folder / "S.sam"), catch_stdout=False)
    pysam.index("-c", str(folder / "S.bam"))
    header = f"##fileformat=VCFv4.2\n##contig=<ID=big,length={BIG_BP}>\n"
    header += '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    header += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    with pysam.BGZFile(str(folder / "truth.vcf.gz"), "wb") as out:
        out.write((header + "".join(rows)).encode())
    pysam.tabix_index(str(folder / "truth.vcf.gz"), preset="vcf", csi=True)
    (folder / "truth.bed").write_text("".join(f"big\t{i + 500}\t{i + ISLAND_BP - 500}\n" for i in ISLANDS))
    (folder / "sheet.csv").write_text("sample,reads,truth_vcf,truth_bed\nS,S.bam,truth.vcf.gz,truth.bed\n")
    return folder


def variants(vcf: Path) -> set[int]:
    """POS (0-based) of the records with a called alternate."""
    lines = gzip.decompress(vcf.read_bytes()).decode().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {int(row[1]) - 1 for row in rows if "1" in row[9].split(":")[0]}


def indexed(vcf: Path) -> bool:
    """Whether a .csi and no .tbi lies beside, and finds what stands at the far end."""
    with pysam.TabixFile(str(vcf), index=f"{vcf}.csi") as file:
        found = list(file.fetch("big", ISLANDS[1], BIG_BP))
    return bool(found) and not Path(f"{vcf}.tbi").exists()


def test_each_command(inputs: Path, tmp_path: Path):
    reference, bed = inputs / "ref.fa", inputs / "truth.bed"
    region = ["--regions", bed]
    run_here("check", "--samplesheet", inputs / "sheet.csv", "--reference", reference, *region)
    run_here("call", "--reads", inputs / "S.bam", "--reference", reference, *region, "--quiet",
             "--gvcf", tmp_path / "S.g.vcf.gz", "--vcf", tmp_path / "S.vcf.gz")  # fmt: skip
    run_here("merge", "--input", tmp_path / "S.g.vcf.gz", "--output", tmp_path / "m.g.vcf.gz")
    run_here("genotype", "--gvcf", tmp_path / "m.g.vcf.gz", "--reference", reference, *region,
             "--output", tmp_path / "cohort.vcf.gz", "--save-cohort", tmp_path / "cohort.store")  # fmt: skip
    run_here("genotype", "--cohort", tmp_path / "cohort.store", "--reference", reference, "--output", tmp_path / "again.vcf.gz")  # fmt: skip
    run_here("filter", "--vcf", tmp_path / "cohort.vcf.gz", "--reads", inputs / "S.bam", "--reference", reference,
             "--output", tmp_path / "filtered.vcf.gz")  # fmt: skip
    run_here("stats", "--vcf", tmp_path / "cohort.vcf.gz", "--output", tmp_path / "stats", "--quiet")
    run_here("examples", "--reads", inputs / "S.bam", "--reference", reference, "--truth", inputs / "truth.vcf.gz",
             "--confident", bed, "--output", tmp_path / "examples", "--quiet")  # fmt: skip
    run_here("evaluate", "--calls", tmp_path / "cohort.vcf.gz", "--truth", inputs / "truth.vcf.gz", "--confident", bed,
             "--reference", reference, "--output", tmp_path / "evaluation")  # fmt: skip
    for name in ("S.vcf.gz", "cohort.vcf.gz", "again.vcf.gz", "filtered.vcf.gz"):
        assert variants(tmp_path / name) == set(SNPS_AT), name
        assert indexed(tmp_path / name), name
    assert (tmp_path / "again.vcf.gz").read_bytes() == (tmp_path / "cohort.vcf.gz").read_bytes()
    annotated = next((tmp_path / "evaluation").glob("*.vcf.gz"), None)
    assert annotated is None or indexed(annotated)
    rows = (tmp_path / "evaluation" / "summary.tsv").read_text().splitlines()
    found = dict(zip(rows[0].split("\t"), rows[1].split("\t"), strict=True))
    assert (found["TP_truth"], found["FN"], found["FP"]) == (str(len(SNPS_AT)), "0", "0")


@pytest.mark.pipeline
def test_the_pipeline(inputs: Path):
    from nextflow_runs import nextflow

    run = nextflow(inputs, "--samplesheet", "sheet.csv", "--reference", "ref.fa", "--regions", "truth.bed",
                   "--outdir", "out", "--export", "zarr", timeout=2 * 3600)  # fmt: skip
    assert run.status == 0, run.text
    cohort = inputs / "out" / "cohort" / "cohort.vcf.gz"
    assert variants(cohort) == set(SNPS_AT)
    assert indexed(cohort)
    summary = json.loads((inputs / "out" / "evaluation" / "S" / "summary.json").read_text())
    assert "SNP" in json.dumps(summary)
