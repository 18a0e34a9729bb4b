"""Coverage, shape of calls, contamination and sex that `merge --facts` reads out of a gVCF."""

import json

import numpy as np
import pysam
import pytest
from deepcohort.calls.kernels_quality import N_PURE, PURE_ALT, PURE_OTHER, PURE_REF, PURE_SHARE, PURE_SITES
from deepcohort.calls.merge import merge_files
from deepcohort.calls.quality import contamination_of
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.vcf_header import make_header

LENGTHS = {"chr1": 1_000, "chrX": 500}


def block(contig, start, end, gq=60, dp=20, cov="", gt="0/0"):
    """Block line; start and end 1-based inclusive."""
    pl = f"0,{gq},{9 * gq}"
    return f"{contig}\t{start}\t.\tA\t<NON_REF>\t.\t.\tEND={end}{cov}\tGT:GQ:DP:MIN_DP:PL\t{gt}:{gq}:{dp}:{dp}:{pl}"


def site(contig, pos, ref, alt, cell, word="PASS", qual=50):
    alts = f"{alt},<NON_REF>"
    return f"{contig}\t{pos}\t.\t{ref}\t{alts}\t{qual}\t{word}\tFS=1\tGT:GQ:DP:AD:PL\t{cell}"


PL3, PL6 = "40,0,50,90,90,99", "9,9,9,9,9,9,9,9,9,9"
LINES = [
    block("chr1", 1, 100, dp=18, cov=";COV=2400,80,10"),
    site("chr1", 101, "A", "G", f"0/1:40:30:15,15,0:{PL3}"),
    block("chr1", 102, 200, dp=40),
    site("chr1", 201, "ACG", "A", f"1/1:50:25:0,25,0:{PL3}"),
    site("chr1", 202, "C", "T", f"0/1:30:22:11,11,0:{PL3}"),  # inside the deletion: its base counts once
    block("chr1", 204, 300, dp=8, gq=15),
    site("chr1", 301, "C", "CTT,G", f"1/2:30:20:0,10,10,0:{PL6}"),
    site("chr1", 302, "C", "G", f"0/1:5:9:6,3,0:{PL3}", word="LowQual", qual=2),
    block("chr1", 303, 1000, dp=0, gq=0, gt="./."),
    block("chrX", 1, 250, dp=10),
    site("chrX", 251, "G", "C", "1:40:10:0,10,0:90,0,99"),
    block("chrX", 252, 500, dp=10),
]


def facts_of(folder, lines=LINES, **more):
    path = folder / "in.vcf.gz"
    regions = [Region(name, 0, length) for name, length in LENGTHS.items()]
    with pysam.BGZFile(str(path), "w") as out:
        header = make_header("S", LENGTHS, regions, "r.fa", "m", "1", (0, 20))
        out.write((header + "".join(line + "\n" for line in lines)).encode())
    merge_files([path], None, folder / "out.vcf.gz", None, folder / "f.json", **more)
    return json.loads((folder / "f.json").read_text())["quality"]


def test_coverage_by_hand(tmp_path):
    coverage = facts_of(tmp_path)["coverage"]
    # 100 bases by COV; a SNP; 99 at 40x; a deletion of 3; 97 at 8x; two sites; 698 without reads
    depth = 2400 + 30 + 99 * 40 + 3 * 25 + 97 * 8 + 20 + 9
    assert coverage["contigs"]["chr1"] == {
        "bp": 1000,
        "mean_depth": depth / 1000,
        "at_least_10x": (100 + 1 + 99 + 3 + 1) / 1000,
        "at_least_20x": (80 + 1 + 99 + 3 + 1) / 1000,
        "at_least_30x": (10 + 1 + 99) / 1000,
        "callable": (100 + 1 + 99 + 3 + 1) / 1000,  # not GQ 15, GQ 5, and no genotype
    }
    assert coverage["all"]["bp"] == 1500
    assert sum(coverage["depths"]) == 1500
    assert coverage["depths"][24] == 100  # a block counts by its mean


def test_phase_changes_no_count(tmp_path):
    """`1|0` is a heterozygote as `0/1` is, its reads of REF and ALT included."""
    hets = [site("chr1", 101 + i, "A", "G", f"0/1:40:30:2,28,0:{PL3}") for i in range(4)]
    lines = [block("chr1", 1, 100), *hets, block("chr1", 105, 1000)]
    turned = [line.replace("\t0/1:", "\t1|0:") for line in lines]
    plain, phased = (facts_of(tmp_path, given) for given in (lines, turned))
    assert plain["contamination"]["sites"] == 4
    assert sum(plain["calls"]["vaf"]) == 4
    assert phased == plain


def test_more_alleles_than_are_looked_at_leave_the_other_columns(tmp_path):
    alts = ",".join("A" + "C" * (i + 1) for i in range(70))
    n = 72 * 73 // 2
    cell = f"1/2:40:30:{','.join(['0'] * 72)}:{','.join(['0'] * n)}"
    facts = facts_of(tmp_path, [block("chr1", 1, 100), site("chr1", 101, "A", alts, cell)])
    assert (facts["calls"]["pass"], facts["calls"]["insertions"]) == (1, 2)
    assert facts["calls"]["gq"][40] == 1
    assert facts["coverage"]["contigs"]["chr1"]["mean_depth"] == round((100 * 20 + 30) / 101, 3)


def test_calls_by_hand(tmp_path):
    calls = facts_of(tmp_path)["calls"]
    assert {k: calls[k] for k in ("pass", "het_snp", "hom_snp", "het_indel", "hom_indel", "haploid", "multiallelic")} == {
        "pass": 5, "het_snp": 2, "hom_snp": 0, "het_indel": 1, "hom_indel": 1, "haploid": 1, "multiallelic": 1,
    }  # fmt: skip
    assert (calls["ti"], calls["tv"]) == (2, 2)
    assert {k: n for k, n in calls["changes"].items() if n} == {"A>G": 1, "C>T": 1, "C>G": 1, "G>C": 1}
    assert calls["indel_lengths"] == {"-2": 1, "2": 1}
    assert calls["gq"][30] == 2
    assert calls["dp"][20] == 1
    assert calls["vaf"][25] == 2  # 0/1 alone
    assert sum(calls["vaf"]) == 2


def test_targets(tmp_path):
    bed = tmp_path / "t.bed"
    bed.write_text("chr1\t50\t150\tone\nchr1\t100\t102\tinner\nchrX\t0\t500\tX\nchr1\t400\t500\tempty\n")
    table = tmp_path / "t.tsv"
    targets = facts_of(tmp_path, targets=bed, target_table=table)["targets"]
    rows = {row["name"]: row for row in targets["intervals"]}
    assert rows["inner"]["region"] == "chr1:101-102"
    assert rows["inner"]["mean_depth"] == 35
    assert rows["one"]["mean_depth"] == pytest.approx(
        (1200 + 30 + 49 * 40) / 100
    )  # half a block, in proportion
    assert rows["empty"] == {**rows["empty"], "mean_depth": 0, "callable": 0}
    assert targets["all"]["bp"] == 700  # overlapping targets count once
    total = 2400 + 30 + 99 * 40 + 75 + 97 * 8 + 29 + 5000
    assert targets["depth_share"] == pytest.approx((1200 + 30 + 49 * 40 + 5000) / total, abs=1e-5)
    assert table.read_text().splitlines()[0].startswith("name\tregion\tbp\tmean_depth")
    assert len(table.read_text().splitlines()) == 5


def test_a_picard_interval_list_is_as_good_as_a_bed(tmp_path):
    listed = tmp_path / "t.interval_list"
    listed.write_text("@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:1000\nchr1\t101\t102\t+\tinner\n")
    rows = facts_of(tmp_path, targets=listed)["targets"]["intervals"]
    assert [(row["name"], row["region"]) for row in rows] == [("inner", "chr1:101-102")]
    listed.write_text("@HD\tVN:1.6\nchr1\t0\t102\t+\tinner\n")
    with pytest.raises(DeepcohortError, match="line 2 is no interval"):
        facts_of(tmp_path, targets=listed)


def test_targets_that_do_not_fit(tmp_path):
    bed = tmp_path / "t.bed"
    bed.write_text("chr9\t50\t150\tone\n")
    with pytest.raises(DeepcohortError, match="line 1: contig chr9 is not in the reference"):
        facts_of(tmp_path, targets=bed)
    with pytest.raises(DeepcohortError, match="--targets goes with --facts"):
        merge_files([tmp_path / "in.vcf.gz"], None, tmp_path / "o.vcf.gz", None, None, bed)


def test_sex_by_depth(tmp_path):
    sex = facts_of(tmp_path)["sex"]
    assert sex["x_depth"] == pytest.approx(10 / 7.27, abs=0.01)
    assert (sex["y_depth"], sex["x_het"], sex["x_hom"]) == (None, 0, 0)


def pure(sites, ref, alt, other):
    row = np.zeros(N_PURE)
    row[[PURE_SITES, PURE_REF, PURE_ALT, PURE_OTHER]] = sites, ref, alt, other
    row[PURE_SHARE] = sites * ref / (ref + alt)
    return row


def test_contamination_by_hand():
    errors = pure(1000, 30, 29_970, 60)  # no more REF reads than half of those of neither allele
    assert contamination_of(errors)["estimate"] == pytest.approx(0, abs=1e-4)
    found = contamination_of(pure(1000, 330, 29_670, 60))
    assert found["estimate"] == pytest.approx(0.03, abs=1e-3)  # 1 % of REF reads more, three times
    assert contamination_of(pure(99, 330, 29_670, 60))["estimate"] is None


def test_only_snps_of_autosomes_with_too_few_reference_reads_count(tmp_path):
    good = [site("chr1", 10 * i, "A", "G", f"1/1:50:30:1,28,0:{PL3}") for i in range(1, 51)]
    good.append(
        site("chr1", 700, "A", "G", f"0/1:5:30:5,25,0:{PL3}")
    )  # 15 - 5 > 3.3 times half the root of 30
    bad = [
        site("chr1", 701, "A", "G", f"0/1:5:30:6,24,0:{PL3}"),
        site("chr1", 702, "A", "G", f"1/1:50:14:0,14,0:{PL3}"),
        site("chr1", 703, "AT", "A", f"1/1:50:30:9,20,0:{PL3}"),
        site("chr1", 705, "A", "G", f"0/1:50:30:9,20,0:{PL3}"),
        site("chr1", 706, "A", "G", f"1/1:50:30:9,20,0:{PL3}", word="LowQual"),
        site("chrX", 10, "A", "G", f"1/1:50:30:9,20,0:{PL3}"),
    ]
    assert facts_of(tmp_path, good + bad)["contamination"]["sites"] == 51


def test_date_stands_in_the_header_where_asked_for(tmp_path):
    facts_of(tmp_path, date="20261129")
    with pysam.BGZFile(str(tmp_path / "out.vcf.gz")) as file:
        assert next(iter(file)) == b"##fileformat=VCFv4.2"
    header = pysam.VariantFile(str(tmp_path / "out.vcf.gz")).header
    assert "##fileDate=20261129" in str(header)
    with pytest.raises(DeepcohortError, match="YYYYMMDD"):
        facts_of(tmp_path, date="29.11.")
