"""Alleles given by the user: a record each, whatever the reads show."""

import os
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pysam
import pytest
from deepcohort.calls.merge import merge_shards
from deepcohort.calls.ploidy import PloidyMap
from deepcohort.candidates.config import candidates_for
from deepcohort.compose.call_shard import ShardConfig
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.region import Region
from deepcohort.joint.genotype import genotype_cohort
from known_helpers import bcftools, call, given_of, made_up, rows_of, sample_of, write_sites

WHOLE = Region(CONTIG, 0, LENGTH_BP)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """(reference, BAM, text of the genome, truth) of a small genome with known variants."""
    reference, bams, truth = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    with pysam.FastaFile(str(reference)) as fasta:
        return reference, bams[0], fasta.fetch(CONTIG).upper(), truth


def other(base, n=1):
    """Another base than `base`."""
    return "ACGT"[("ACGT".index(base) + n) % 4]


def random_sites(genome, n, seed):
    """Rows of SNPs, insertions, deletions, MNPs and multi-allelic sites at random places."""
    rng = np.random.default_rng(seed)
    rows = []
    for pos in sorted(rng.choice(np.arange(20, LENGTH_BP - 120), n, replace=False).tolist()):
        base = genome[pos]
        kind = rng.integers(6)
        ref, alt = base, other(base)
        if kind == 1:
            alt = base + "".join(rng.choice(list("ACGT"), rng.integers(1, 9)))
        elif kind == 2:
            ref = genome[pos : pos + 1 + int(rng.integers(1, 60))]
            alt = base
        elif kind == 3:
            alt = f"{other(base)},{other(base, 2)}"
        elif kind == 4:
            ref = genome[pos : pos + 3]
            alt = f"{other(base)}{genome[pos + 1]}{other(genome[pos + 2])}"
        elif kind == 5:
            ref = genome[pos : pos + 4]
            alt = f"{ref[0]},{ref}{other(base)}"
        rows.append((CONTIG, pos + 1, f"rs{pos}", ref, alt))
    return rows


TEXT = "".join(np.random.default_rng(11).choice(list("ACGT"), 600))


def with_base(start, n, at, base):
    """Read of TEXT from 1-based `start` with `base` at the 1-based `at`."""
    bases = TEXT[start - 1 : start - 1 + n]
    return bases[: at - start] + base + bases[at - start + 1 :]


def test_what_few_reads_say(tmp_path):
    """Likelihoods worked out by hand: a read of phred 40 weighs no more than an error of .002."""
    alt, third = other(TEXT[299]), other(TEXT[299], 2)
    reads = [(251, "100M", TEXT[250:350])] * 7 + [(252, "100M", with_base(252, 100, 300, alt))]
    reference, bam = made_up(tmp_path, TEXT, reads)
    sites = write_sites(
        tmp_path, {"c": 600}, [("c", 300, "a", TEXT[299], alt), ("c", 310, "b", TEXT[309], other(TEXT[309])),
                               ("c", 500, "c", TEXT[499], other(TEXT[499]))],
    )  # fmt: skip
    gvcf, vcf = call(tmp_path, reference, bam, [Region("c", 0, 600)], alleles=sites)
    for path, extra in ((gvcf, True), (vcf, False)):
        rows = given_of(path)
        assert list(rows) == [300, 310, 500]
        assert [row[2] for row in rows.values()] == ["a", "b", "c"]
        one = sample_of(rows[300])
        assert (one["GT"], one["DP"], one["AD"].split(",")[:2]) == ("0/0", "8", ["7", "1"])
        # one read for: log10((1 + 500) / 2); seven against: log10((1 + 1 / 500) / 2) each
        het = np.log10((1 + 500) / 2) + 7 * np.log10((1 + 1 / 500) / 2)
        hom = -6 * np.log10(500)
        assert het > 0
        assert one["PL"].split(",")[:3] == [str(round(10 * het)), "0", str(round(10 * (het - hom)))]
        none = sample_of(rows[310])
        assert (none["GT"], none["AD"].split(",")[:2]) == ("0/0", ["8", "0"])
        assert none["PL"].split(",")[:2] == ["0", none["GQ"]] == ["0", "24"]
        nothing = sample_of(rows[500])
        assert (nothing["GT"], nothing["GQ"], nothing["DP"]) == ("./.", "0", "0")
        assert set(nothing["PL"].split(",")) == {"0"}
        assert rows[500][6] == "."
        assert ("<NON_REF>" in rows[300][4]) == extra
    assert third not in given_of(vcf)[300][4]


def test_both_alternates_of_a_site_and_those_of_the_reads(tmp_path):
    """A third allele that the reads show stays beside two that were given."""
    a, b, c = (other(TEXT[299], n) for n in (1, 2, 3))
    reads = [(251, "100M", TEXT[250:350])] * 10 + [(252, "100M", with_base(252, 100, 300, c))] * 10
    reference, bam = made_up(tmp_path, TEXT, reads)
    sites = write_sites(tmp_path, {"c": 600}, [("c", 300, "x;y", TEXT[299], f"{a},{b}")])
    _, vcf = call(tmp_path, reference, bam, [Region("c", 0, 600)], alleles=sites)
    (row,) = rows_of(vcf)
    alts = row[4].split(",")
    assert (row[2], sorted(alts)) == ("x;y", sorted([a, b, c]))
    sample = sample_of(row)
    assert sample["GT"] == f"0/{alts.index(c) + 1}"
    assert len(sample["PL"].split(",")) == 10
    assert sample["AD"].split(",")[alts.index(c) + 1] == "10"


def test_no_allele_is_lost(inputs, tmp_path):
    reference, bam, genome, _ = inputs
    rows = random_sites(genome, 400, 1)
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, rows)
    gvcf, vcf = call(tmp_path, reference, bam, [WHOLE], alleles=sites)
    # one ALT a line, shortest and leftmost
    norm = bcftools("norm", "-m", "-any", "-a", "-f", reference, sites)
    wanted = {tuple(x.split("\t")[k] for k in (1, 3, 4)) for x in norm.splitlines() if x[0] != "#"}
    for path in (gvcf, vcf):
        own = bcftools("norm", "-m", "-any", "-f", reference, path)
        found = {tuple(x.split("\t")[k] for k in (1, 3, 4)) for x in own.splitlines() if x[0] != "#"}
        # `*` stands for the overlap with another allele of the line
        assert {x for x in wanted if x not in found and x[2] != "*"} == set()
        for row in given_of(path).values():
            pls = sample_of(row)["PL"].split(",")
            n = row[4].count(",") + 2
            assert len(pls) == n * (n + 1) // 2
            assert "0" in pls
    names = {name for row in given_of(vcf).values() for name in row[2].split(";")}
    assert names >= {row[2] for row in rows if len(row[3]) == 1}


def test_other_records_stay(inputs, tmp_path):
    """What nobody gave is called as without the option, byte for byte."""
    reference, bam, genome, _ = inputs
    rows = [row for row in random_sites(genome, 100, 2) if len(row[3]) == 1]
    plain = call(tmp_path, reference, bam, [WHOLE], name="plain")[1]
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, rows)
    forced = call(tmp_path, reference, bam, [WHOLE], name="forced", alleles=sites)[1]
    given = {str(pos) for pos in given_of(forced)}
    assert [x for x in rows_of(forced) if x[1] not in given] == [
        x for x in rows_of(plain) if x[1] not in given
    ]
    known = {(x[1], x[3]): x for x in rows_of(forced)}
    for row in rows_of(plain):
        assert sample_of(known[row[1], row[3]])["GT"] == sample_of(row)["GT"]


def test_called_variants_are_flagged(inputs, tmp_path):
    """The truth given: genotypes as they were, each record marked; --alleles-only gives the same records."""
    reference, bam, _, truth = inputs
    with pysam.VariantFile(str(truth)) as file:
        rows = [(r.chrom, r.pos, f"v{r.pos}", r.ref, ",".join(r.alts)) for r in file]
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, rows)
    plain = rows_of(call(tmp_path, reference, bam, [WHOLE], name="plain")[1])
    _, vcf = call(tmp_path, reference, bam, [WHOLE], name="forced", alleles=sites)
    both = [(x[1], x[3], x[4], sample_of(x)["GT"], sample_of(x)["AD"]) for x in rows_of(vcf)]
    assert both == [(x[1], x[3], x[4], sample_of(x)["GT"], sample_of(x)["AD"]) for x in plain]
    assert {row[2] for row in rows_of(vcf)} >= {row[2] for row in rows}
    only = call(tmp_path, reference, bam, [WHOLE], name="only", alleles=sites, alleles_only=True)
    assert rows_of(only[1]) == list(given_of(vcf).values())
    assert rows_of(only[0]) == list(given_of(tmp_path / "forced.g.vcf.gz").values())


@pytest.mark.parametrize("only", [False, True])
def test_shards_and_chunks_do_not_show(inputs, tmp_path, only):
    reference, bam, genome, _ = inputs
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, random_sites(genome, 500, 3))
    settings = {"alleles": sites, "alleles_only": only}
    whole = call(tmp_path, reference, bam, [WHOLE], name="whole", **settings)
    small = ShardConfig(max_chunk_bp=997, min_chunk_bp=100, batch_examples=1)
    cut = call(tmp_path, reference, bam, [WHOLE], name="cut", shard_config=small, **settings)
    for a, b in zip(whole, cut, strict=True):
        assert a.read_bytes() == b.read_bytes()
    edges = [0, 2_001, 3_002, 6_015, 6_016, 9_007, LENGTH_BP]
    shards = [
        call(tmp_path, reference, bam, [Region(CONTIG, a, b)], name=f"s{a}", **settings)
        for a, b in pairwise(edges)
    ]
    for kind, expected in enumerate(whole):
        merged = tmp_path / f"merged{kind}.vcf.gz"
        merge_shards([pair[kind] for pair in shards], merged, [WHOLE])
        assert merged.read_bytes() == expected.read_bytes()


def test_vcf_bcf_and_genotypes_give_the_same(inputs, tmp_path):
    reference, bam, genome, _ = inputs
    rows = random_sites(genome, 60, 4)
    contigs = {CONTIG: LENGTH_BP}
    typed = [(*row, ".", "0|1", "./.") for row in rows]
    files = [
        write_sites(tmp_path, contigs, rows),
        write_sites(tmp_path, contigs, rows, name="b", kind="bcf"),
        write_sites(tmp_path, contigs, typed, name="t", samples=("A", "B")),
    ]
    found = [
        call(tmp_path, reference, bam, [WHOLE], name=f"x{i}", alleles=path, alleles_only=True)
        for i, path in enumerate(files)
    ]
    for pair in found[1:]:
        assert [path.read_bytes() for path in pair] == [path.read_bytes() for path in found[0]]


def test_ploidy(inputs, tmp_path):
    """Haploid genotypes where there is one copy, `./.` without a read where there is none."""
    reference, bam, genome, _ = inputs
    rows = [(CONTIG, pos, ".", genome[pos - 1], other(genome[pos - 1])) for pos in (1_500, 2_500, 4_700)]
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, rows)
    ploidy = PloidyMap(2, ((Region(CONTIG, 2_000, 3_000), 1), (Region(CONTIG, 4_500, 5_500), 0)))
    gvcf, vcf = call(tmp_path, reference, bam, [WHOLE], alleles=sites, ploidy=ploidy)
    for path in (gvcf, vcf):
        found = {pos: sample_of(row) for pos, row in given_of(path).items()}
        assert [found[pos]["GT"] for pos in (1_500, 2_500, 4_700)] == ["0/0", "0", "./."]
        assert found[4_700]["DP"] == "0"


@pytest.mark.parametrize("platform", ["hifi", "ont"])
def test_long_read_platforms(inputs, tmp_path, platform):
    reference, bam, genome, _ = inputs
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, random_sites(genome, 100, 5))
    settings = {"alleles": sites, "candidates_config": candidates_for(platform)}
    gvcf, vcf = call(tmp_path, reference, bam, [WHOLE], **settings)
    assert len(given_of(gvcf)) == len(given_of(vcf)) >= 95


def test_bcftools_and_genotype_take_the_gvcf(inputs, tmp_path):
    """Every base has a record; joint genotypes of the forced gVCF are those of the plain one."""
    reference, bam, genome, _ = inputs
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, random_sites(genome, 300, 6))
    forced, vcf = call(tmp_path, reference, bam, [WHOLE], name="forced", alleles=sites)
    plain, _ = call(tmp_path, reference, bam, [WHOLE], name="plain")
    for path in (forced, vcf):
        bcftools("norm", "--check-ref", "e", "-f", reference, path)
    bcftools("convert", "--gvcf2vcf", "-f", reference, forced)
    reached = 1
    for row in rows_of(forced):
        assert int(row[1]) <= reached
        info = row[7].split(";")
        end = int(info[0][4:]) if info[0].startswith("END=") else int(row[1]) + len(row[3]) - 1
        reached = max(reached, end + 1) if info[0] != "GIVEN" else max(reached, int(row[1]) + 1)
    assert reached >= LENGTH_BP + 1
    found = []
    for name, path in (("a", forced), ("b", plain)):
        joint = tmp_path / f"{name}.joint.vcf.gz"
        genotype_cohort([path], reference, joint, quiet=True)
        found.append({(x[1], x[3], x[4]): sample_of(x)["GT"] for x in rows_of(joint)})
    assert found[1].items() <= found[0].items()
    # nothing was planted at random places: no read shows what was given there
    assert len(found[0]) <= len(found[1]) + 3


GATK = os.environ.get("GATK") or shutil.which("gatk")


@pytest.mark.slow
@pytest.mark.skipif(GATK is None, reason="no GATK launcher on PATH or in the variable GATK")
def test_gatk_takes_the_gvcf(inputs, tmp_path):
    reference, bam, genome, _ = inputs
    with pysam.FastaFile(str(reference)) as fasta:
        lines = [f"@SQ\tSN:{n}\tLN:{k}" for n, k in zip(fasta.references, fasta.lengths, strict=True)]
    reference.with_suffix(".dict").write_text("\n".join(["@HD\tVN:1.6", *lines]) + "\n")
    sites = write_sites(tmp_path, {CONTIG: LENGTH_BP}, random_sites(genome, 200, 7))
    gvcf, vcf = call(tmp_path, reference, bam, [WHOLE], alleles=sites)
    # given alleles stay where nobody carries them, which GATK's check of ALLELES would refuse
    for options in (("-V", gvcf, "-gvcf"), ("-V", vcf, "--validation-type-to-exclude", "ALLELES")):
        command = [GATK, "ValidateVariants", "-R", reference, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
