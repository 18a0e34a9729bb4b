"""The command from end to end on small files."""

import csv
import gzip
import json
import math
import random
import warnings
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.cli.evaluate import app
from deepcohort.core.io import ReferenceFasta
from deepcohort.evaluate import run as evaluate_run
from deepcohort.evaluate.callset_qc import describe
from deepcohort.evaluate.io_vcf import VcfFile
from deepcohort.evaluate.read_depth import depth_of, open_counted
from evaluate_builders import index_vcf, vcf_text
from pysam import bcftools
from typer.testing import CliRunner

SEQUENCE = "ACGTTGCATTAGGCATCCGATTACAGGATCCATTTGACAAAAAAAAAAATTGCCGTATATATATATAGGC" * 4
LENGTHS = {"chr1": len(SEQUENCE)}


def snp(pos: int, gt: str, qual: int = 50) -> str:
    """Row of a SNP at a 1-based position; transitions."""
    ref = SEQUENCE[pos - 1]
    return f"chr1 {pos} {ref} {dict(zip('ACGT', 'GTAC', strict=True))[ref]} {gt}:{min(qual, 99)} {qual}"


@pytest.fixture
def files(tmp_path: Path, write_reference):
    """Reference, truth of three SNPs and a deletion, two call sets, a BED."""
    reference = write_reference({"chr1": SEQUENCE})
    deletion = f"chr1 200 {SEQUENCE[199:202]} {SEQUENCE[199]} 0/1:40 40"
    truth = [snp(10, "0/1"), snp(50, "1/1"), snp(120, "0/1"), deletion]
    first = [snp(10, "0/1", 90), snp(50, "0/1", 30), deletion, snp(220, "0/1", 5)]
    second = [snp(10, "0/1", 80), snp(50, "1/1", 70), snp(120, "0/1", 60)]
    bed = tmp_path / "confident.bed"
    bed.write_text(f"chr1\t0\t{len(SEQUENCE)}\n")
    low = tmp_path / "low.bed"
    low.write_text("chr1\t0\t60\n")
    return {
        "reference": reference,
        "confident": bed,
        "low": low,
        "truth": index_vcf(tmp_path / "truth.vcf", vcf_text(truth, LENGTHS)),
        "first": index_vcf(tmp_path / "first.vcf", vcf_text(first, LENGTHS)),
        "second": index_vcf(tmp_path / "second.vcf", vcf_text(second, LENGTHS)),
    }


def rows(path: Path) -> list[dict[str, str]]:
    with open(path) as file:
        return list(csv.DictReader(file, delimiter="\t"))


def run(*options: object) -> None:
    result = CliRunner().invoke(app, [str(o) for o in options], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_one_call_set(files, tmp_path):
    out = tmp_path / "out"
    run("--vcf", files["first"], "--truth", files["truth"], "--confident", files["confident"],
        "--reference", files["reference"], "--output", out, "--stratification", f"low={files['low']}")  # fmt: skip
    summary = rows(out / "summary.tsv")
    assert list(summary[0])[:8] == ["type", "TP_truth", "FN", "TP_call", "FP", "precision", "recall", "f1"]
    got = [[row[c] for c in ("type", "TP_truth", "FN", "TP_call", "FP")] for row in summary]
    assert got == [["SNP", "1", "2", "1", "2"], ["INDEL", "1", "0", "1", "0"]]
    assert (summary[0]["FP_genotype"], summary[0]["FN_genotype"]) == ("1", "1")
    assert summary[0]["best_f1_threshold_qual"] == "90.0"
    low = [row for row in rows(out / "extended.tsv") if row["group"] == "bed"]
    assert [(r["type"], r["stratum"], r["TP_truth"], r["FN"], r["TP_call"], r["FP"]) for r in low] == [
        ("SNP", "low", "1", "1", "1", "1")
    ]
    confusion = {
        (r["truth"], r["call"]): r["records"] for r in rows(out / "confusion.tsv") if r["type"] == "SNP"
    }
    assert confusion == {
        ("het", "het"): "1",
        ("het", "absent"): "1",
        ("hom_alt", "het"): "1",
        ("absent", "het"): "1",
    }
    info = json.loads((out / "summary.json").read_text())
    assert info["confident_bp"] == len(SEQUENCE)
    assert info["summary"][0]["TP_truth"] == 1
    with pysam.TabixFile(str(out / "annotated.vcf.gz")) as vcf:
        lines = {int(line.split("\t")[1]): line.split("\t")[9:] for line in vcf.fetch("chr1")}
    assert lines[10][0] == "0/1:TP:gm:same_haplotypes:."
    assert lines[10][1] == "0/1:TP:gm:same_haplotypes:90"
    assert lines[50] == ["1/1:FN:am:genotype_differs:.", "0/1:FP:am:genotype_differs:30"]
    assert lines[120] == ["0/1:FN:.:allele_not_found:.", ".:.:.:.:."]
    assert lines[220] == [".:.:.:.:.", "0/1:FP:.:allele_not_found:5"]


def test_outside_regions_is_not_counted_but_a_match_across_the_edge_is(files, tmp_path):
    """The deletion of 200..202 removes bases 201 and 202: a region that ends at 201 still counts it."""
    out = tmp_path / "out"
    edge = tmp_path / "edge.bed"
    edge.write_text("chr1\t195\t201\n")
    run("--vcf", files["first"], "--truth", files["truth"], "--confident", edge,
        "--reference", files["reference"], "--output", out)  # fmt: skip
    assert [row["TP_truth"] for row in rows(out / "summary.tsv")] == ["0", "1"]
    edge.write_text("chr1\t190\t200\n")
    run("--vcf", files["first"], "--truth", files["truth"], "--confident", edge,
        "--reference", files["reference"], "--output", out)  # fmt: skip
    assert [row["TP_truth"] for row in rows(out / "summary.tsv")] == ["0", "0"]


def test_two_call_sets_are_compared(files, tmp_path):
    out = tmp_path / "out"
    run("--vcf", files["first"], "--vcf", files["second"], "--truth", files["truth"],
        "--confident", files["confident"], "--reference", files["reference"], "--output", out)  # fmt: skip
    test = next(row for row in rows(out / "mcnemar.tsv") if row["type"] == "ALL")
    assert (test["a"], test["b"]) == ("first", "second")
    assert [test[c] for c in ("both_found", "only_a_found", "only_b_found", "neither_found")] == [
        "1",
        "1",
        "2",
        "0",
    ]
    loci = rows(out / "differences" / "first_vs_second.tsv")
    assert [(r["pos"], r["side"], r["first"], r["second"]) for r in loci] == [
        ("50", "call", "FP", "-"),
        ("50", "truth", "genotype", "TP"),
        ("120", "truth", "absent", "TP"),
        ("200", "truth", "TP", "absent"),
        ("220", "call", "FP", "-"),
    ]
    assert loci[0]["command"].startswith("deepcohort show --reads READS.bam --reference ")
    assert loci[0]["command"].endswith(" --site chr1:50 --output chr1_50.png")


def test_manifest(files, tmp_path):
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text(
        "name\tcalls\ttruth\tconfident\tdepth\n"
        f"a\t{files['first'].name}\ttruth.vcf.gz\tconfident.bed\t10\n"
        f"b\t{files['second'].name}\ttruth.vcf.gz\tconfident.bed\t30\n"
    )
    run("--manifest", manifest, "--reference", files["reference"], "--output", tmp_path / "out")
    assert json.loads((tmp_path / "out/b/summary.json").read_text())["depth"] == "30"
    assert (tmp_path / "out/mcnemar.tsv").exists()


def test_same_bytes_whatever_the_threads(files, tmp_path):
    for threads in (1, 3):
        run("--vcf", files["first"], "--truth", files["truth"], "--confident", files["confident"],
            "--reference", files["reference"], "--output", tmp_path / str(threads), "--threads", threads)  # fmt: skip
    for name in ("summary.tsv", "curves.tsv", "extended.tsv", "annotated.vcf.gz"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()


def test_depth_and_mapq_from_reads(files, tmp_path):
    sam = tmp_path / "reads.sam"
    header = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:{len(SEQUENCE)}\n"
    line = "r{0}\t0\tchr1\t1\t{1}\t60M\t*\t0\t0\t" + SEQUENCE[:60] + "\t" + "I" * 60 + "\n"
    sam.write_text(header + "".join(line.format(k, 60 if k < 8 else 0) for k in range(12)))
    bam = tmp_path / "reads.bam"
    pysam.sort("-o", str(bam), str(sam))
    pysam.index(str(bam))
    run("--vcf", files["second"], "--truth", files["truth"], "--confident", files["confident"],
        "--reference", files["reference"], "--output", tmp_path / "out", "--reads", bam)  # fmt: skip
    table = {(r["group"], r["stratum"]): r for r in rows(tmp_path / "out/extended.tsv") if r["type"] == "SNP"}
    assert table["depth", "10-19"]["TP_truth"] == "2"  # both inside the reads
    assert table["depth", "0-9"]["TP_truth"] == "1"
    assert table["mapq", "40-55"]["TP_truth"] == "2"  # mean of 8 x 60 and 4 x 0


def test_depth_is_that_of_a_plain_count(files, tmp_path):
    """Read by read: primary reads only, whatever their MAPQ, over deletions too; nothing beyond the reads."""
    rng = random.Random(5)
    reads = []
    for k in range(300):
        start, flag = rng.randint(1, 90), rng.choice((0, 16, 0, 4, 256, 512, 1024, 2048))
        cigar = rng.choice(("20M", "8M4D12M", "5S10M3I2M"))
        reads.append((start, flag, rng.randint(0, 60), cigar, k))
    reads.sort()
    sam = tmp_path / "reads.sam"
    sam.write_text(
        f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:{len(SEQUENCE)}\n"
        + "".join(
            f"r{k}\t{flag}\tchr1\t{start}\t{q}\t{c}\t*\t0\t0\t{'A' * 20}\t{'I' * 20}\n"
            for start, flag, q, c, k in reads
        )
    )
    bam = tmp_path / "reads.bam"
    pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
    pysam.index(str(bam))
    bp = {"20M": 20, "8M4D12M": 24, "5S10M3I2M": 12}
    wanted = rng.sample(range(len(SEQUENCE)), 60)
    with open_counted(bam, files["reference"]) as source:
        found = depth_of(source, "chr1", np.array(wanted + wanted[:9]))
    assert found.pos.tolist() == sorted(wanted)
    for pos, depth, mapq in zip(*(x.tolist() for x in (found.pos, found.depth, found.mapq)), strict=True):
        over = [q for s, flag, q, c, _ in reads if not flag & 0xF04 and s - 1 <= pos < s - 1 + bp[c]]
        assert depth == len(over)
        assert mapq == pytest.approx(sum(over) / len(over)) if over else math.isnan(mapq)


def test_bcf_calls(files, tmp_path):
    bcf = tmp_path / "first.bcf"
    with (
        pysam.VariantFile(str(files["first"])) as source,
        pysam.VariantFile(str(bcf), "wb", header=source.header) as out,
    ):
        for record in source:
            out.write(record)
    bcftools.index(str(bcf))
    run(
        "--vcf",
        bcf,
        "--truth",
        files["truth"],
        "--reference",
        files["reference"],
        "--output",
        tmp_path / "o",
    )
    assert [row["TP_truth"] for row in rows(tmp_path / "o" / "summary.tsv")] == ["1", "1"]


def test_without_truth(files, tmp_path):
    trio = [
        snp(10, "0/1;0/1;0/0"),  # child, father, mother: fine
        snp(50, "1/1;0/1;0/0"),  # mother cannot have given it
        snp(120, "0/1;0/0;0/0"),  # new in the child
        snp(150, "0/0;0/1;1/1"),  # mother gives an ALT for sure
        snp(180, "./.;0/1;0/0"),  # not called: no site
    ]
    cohort = index_vcf(
        tmp_path / "trio.vcf", vcf_text([r.replace(":50", "") for r in trio], LENGTHS, ("c", "f", "m"))
    )
    ped = tmp_path / "trio.ped"
    ped.write_text("fam c f m 1 0\nfam f 0 0 1 0\n")
    out = tmp_path / "out"
    describe([cohort], files["reference"], out, ped, ["c,f"], files["truth"])
    (found,) = rows(out / "mendelian.tsv")
    assert (found["sites"], found["violations"], found["violation_rate"], found["de_novo_like"]) == (
        "4", "3", "0.75", "1",
    )  # fmt: skip
    assert (found["haplotype_records"], found["haplotype_violations"]) == ("3", "2")
    child = rows(out / "samples.tsv")[0]
    assert (child["snps"], child["ti"], child["tv"], child["het_hom_snp"]) == ("3", "3", "0", "2.0")
    replicate = rows(out / "replicates.tsv")[0]
    assert (replicate["variants_either"], replicate["same_genotype"], replicate["both_variant"]) == (
        "5",
        "1",
        "2",
    )
    novelty = rows(out / "novelty.tsv")[0]
    assert (novelty["known"], novelty["novel"]) == ("3", "0")


def test_families_are_judged_where_both_parents_pass_on_a_copy(tmp_path, write_reference):
    """A son has his X of his mother, and mitochondria are hers: no violation, and no site."""
    names = ("chr1", "chrX", "chrY", "chrM")
    reference = write_reference(dict.fromkeys(names, SEQUENCE))
    calls = ("1/1;0/1;0/1", "1;0;0/1", "1;1;.", "1/1;0/0;1/1")
    text = [
        snp(50, gt).replace(":50", "").replace("chr1", name) for name, gt in zip(names, calls, strict=True)
    ]
    lengths = dict.fromkeys(names, len(SEQUENCE))
    cohort = index_vcf(tmp_path / "trio.vcf", vcf_text(text, lengths, ("c", "f", "m")))
    ped = tmp_path / "trio.ped"
    ped.write_text("fam c f m 1 0\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        describe([cohort], reference, tmp_path / "out", ped, [], None)
    (found,) = rows(tmp_path / "out" / "mendelian.tsv")
    assert (found["sites"], found["violations"]) == ("1", "0")
    assert (found["haplotype_records"], found["haplotype_violations"]) == ("1", "0")


def test_gvcf_blocks_take_no_part(files, tmp_path):
    calls = [f"chr1 1 {SEQUENCE[0]} <NON_REF> 0/0", snp(10, "0/1"), f"chr1 11 {SEQUENCE[10]} <NON_REF> 0/0"]
    gvcf = index_vcf(tmp_path / "s.g.vcf", vcf_text(calls, LENGTHS))
    run(
        "--vcf",
        gvcf,
        "--truth",
        files["truth"],
        "--reference",
        files["reference"],
        "--output",
        tmp_path / "o",
    )
    with gzip.open(tmp_path / "o/annotated.vcf.gz", "rt") as vcf:
        assert sum("NON_REF" in line for line in vcf) == 0
    assert rows(tmp_path / "o/summary.tsv")[0]["TP_call"] == "1"


def many_contigs(tmp_path, write_reference, n=40):
    """Reference of n contigs, and rows of a SNP on every second of them."""
    names = [f"c{k}" for k in range(n)]
    reference = write_reference(dict.fromkeys(names, SEQUENCE))
    row = snp(10, "0/1").removeprefix("chr1")
    return reference, dict.fromkeys(names, len(SEQUENCE)), [f"{name}{row}" for name in names[::2]]


def test_a_reference_is_opened_once_for_each_thread(tmp_path, write_reference, monkeypatch):
    """To open it reads all of its index, and contigs may be tens of thousands."""
    reference, lengths, lines = many_contigs(tmp_path, write_reference)
    calls = index_vcf(tmp_path / "calls.vcf", vcf_text(lines, lengths))
    opened = []
    begin = ReferenceFasta.__init__
    monkeypatch.setattr(
        ReferenceFasta, "__init__", lambda self, path: opened.append(path) or begin(self, path)
    )
    run(
        "--reference", reference, "--vcf", calls, "--truth", calls, "--threads", 2, "--output", tmp_path / "o"
    )
    assert rows(tmp_path / "o" / "summary.tsv")[0]["TP_truth"] == "20"
    assert len(opened) <= 4


def test_reads_are_opened_once(tmp_path, write_reference, monkeypatch):
    reference, lengths, lines = many_contigs(tmp_path, write_reference)
    calls = index_vcf(tmp_path / "calls.vcf", vcf_text(lines, lengths))
    bam = tmp_path / "reads.bam"
    header = {"HD": {"SO": "coordinate"}, "SQ": [{"SN": name, "LN": n} for name, n in lengths.items()]}
    with pysam.AlignmentFile(str(bam), "wb", header=header) as out:
        for tid in range(0, len(lengths), 2):
            for k in range(3):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.query_sequence = f"r{tid}.{k}", SEQUENCE[:50]
                read.reference_id, read.reference_start, read.mapping_quality = tid, 0, 30 + tid % 4
                read.cigartuples, read.query_qualities = [(0, 50)], pysam.qualitystring_to_array("I" * 50)
                out.write(read)
    pysam.index(str(bam))
    opened = []
    begin = evaluate_run.open_counted
    monkeypatch.setattr(evaluate_run, "open_counted", lambda *args: opened.append(args) or begin(*args))
    run(
        "--reference",
        reference,
        "--vcf",
        calls,
        "--truth",
        calls,
        "--reads",
        bam,
        "--threads",
        1,
        "--output",
        tmp_path / "o",
    )
    strata = {
        row["stratum"]: row["TP_truth"]
        for row in rows(tmp_path / "o" / "extended.tsv")
        if row["group"] == "depth"
    }
    assert strata["0-9"] == "20"
    assert len(opened) == 1


def test_a_bcf_has_the_contigs_that_have_records(tmp_path, write_reference):
    reference, lengths, lines = many_contigs(tmp_path, write_reference)
    calls = index_vcf(tmp_path / "calls.vcf", vcf_text(lines, lengths))
    bcftools.view("-Ob", "-o", str(tmp_path / "calls.bcf"), str(calls), catch_stdout=False)
    bcftools.index(str(tmp_path / "calls.bcf"))
    assert VcfFile(tmp_path / "calls.bcf", "S", "calls").contigs == list(lengths)[::2]
    for name in ("calls.bcf", "calls.vcf.gz"):
        run(
            "--reference",
            reference,
            "--vcf",
            tmp_path / name,
            "--truth",
            calls,
            "--output",
            tmp_path / name[-3:],
        )
    assert rows(tmp_path / "bcf" / "summary.tsv") == rows(tmp_path / ".gz" / "summary.tsv")


def test_calls_without_records_are_described(tmp_path, write_reference):
    reference, lengths, _ = many_contigs(tmp_path, write_reference)
    calls = index_vcf(tmp_path / "calls.vcf", vcf_text([], lengths))
    describe([calls], reference, tmp_path / "o", None, [], None)
    assert rows(tmp_path / "o" / "samples.tsv")[0]["snps"] == "0"
