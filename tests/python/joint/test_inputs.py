"""Input that cannot be used: one clear line each, nothing half-written."""

import re

import pysam
import pytest
from deepcohort.calls.merge import merge_shards
from deepcohort.cli.genotype import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.pedigree import read_pedigree, read_sexes
from joint_helpers import SEQUENCE, block, genotype, het, write_gvcf, write_reference
from typer.testing import CliRunner

ROWS = [block(1, 12), het(13, "G", "A"), block(14, 300)]


@pytest.fixture
def folder(tmp_path):
    write_reference(tmp_path)
    return tmp_path


def truncated(folder):
    path = write_gvcf(folder, "T", ROWS)
    path.write_bytes(path.read_bytes()[:-40])
    return [path]


def damaged(folder):
    path = write_gvcf(folder, "D", ROWS)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    return [path]


def plain(folder):
    path = write_gvcf(folder, "P", ROWS)
    path.write_bytes((folder / "P.g.vcf").read_bytes())
    return [path]


BAD = {
    "missing": (lambda f: [f / "none.g.vcf.gz"], "does not exist"),
    "truncated": (truncated, "truncated|damaged"),
    "damaged": (damaged, "damaged|not bgzip|truncated|not a sorted VCF record|no #CHROM"),
    "plain": (plain, "not bgzip-compressed"),
    "no index": (lambda f: [write_gvcf(f, "A", ROWS, index=False)], "not indexed; run: tabix"),
    "no PL": (lambda f: [write_gvcf(f, "A", ROWS, pl=False)], "lacks FORMAT PL"),
    "twice": (
        lambda f: [write_gvcf(f, "A", ROWS), write_gvcf(f, "A", ROWS, name="again")],
        r"sample A is given twice, by .*A\.g\.vcf\.gz and .*again",
    ),
    "other names": (lambda f: [write_gvcf(f, "A", [], contigs={"chr1": 300})], "shares no contig"),
    "other length": (
        lambda f: [write_gvcf(f, "A", ROWS, contigs={"c1": 299})],
        r"contig c1 of 299 bp, .*ref.fa of 300 bp",
    ),
    "other bases": (
        lambda f: [write_gvcf(f, "A", [block(1, 12), het(13, "C", "A"), block(14, 300)])],
        "A.g.vcf.gz has REF C at c1:13 where the reference has G",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_gvcf(folder, case):
    make, message = BAD[case]
    with pytest.raises(DeepcohortError, match=message) as error:
        genotype(folder, make(folder))
    assert "\n" not in str(error.value)
    assert not (folder / "cohort.vcf.gz").exists()
    assert not list(folder.glob(".tmp-*"))


def test_contig_order_and_all_problems_together(tmp_path):
    reference = write_reference(tmp_path, {"c1": SEQUENCE, "c2": SEQUENCE})
    swapped = write_gvcf(tmp_path, "A", [], contigs={"c2": 300, "c1": 300})
    no_pl = write_gvcf(tmp_path, "B", ROWS, contigs={"c1": 300, "c2": 300}, pl=False)
    with pytest.raises(DeepcohortError) as error:
        genotype_cohort([swapped, no_pl], reference, tmp_path / "o.vcf.gz", quiet=True)
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert "another order" in lines[0]
    assert "lacks FORMAT PL" in lines[1]


def test_pedigree_and_sex_tables(tmp_path):
    ped = tmp_path / "a.ped"
    ped.write_text("F kid dad mom 1 0\nF dad 0 0 1 0\nF mom 0 0 2 0\n")
    family = read_pedigree(ped)
    assert family.parents == {"kid": ("dad", "mom")}
    assert family.sex == {"kid": "XY", "dad": "XY", "mom": "XX"}
    ped.write_text("F kid dad mom 7 0\nF dad 0 0 2 0\nF dad 0 0 1 0\nF x\n")
    with pytest.raises(DeepcohortError) as error:
        read_pedigree(ped)
    problems = str(error.value).splitlines()
    assert [
        bool(re.search(p, t))
        for p, t in zip(["sex '7'", "twice", "columns", "wrong sex"], problems, strict=True)
    ]
    table = tmp_path / "sex.tsv"
    table.write_text("sample\tsex\na\tXX\nb\tmale\nc\tNA\n")
    assert read_sexes(table) == {"a": "XX", "b": "XY"}


def test_wrong_words_and_samples_twice_in_sex_tables(tmp_path):
    table = tmp_path / "sex.tsv"
    table.write_text("a\tXX\nb\t7\na\tXX\na\tXY\n")
    with pytest.raises(DeepcohortError) as error:
        read_sexes(table)
    assert str(error.value).splitlines() == [
        f"sex table {table} line 2: '7' is not XX, XY or NA",
        f"sex table {table} line 4: a stands there twice, with another sex; keep one row",
    ]


def test_command_line_end_to_end(folder):
    paths = [write_gvcf(folder, "A", ROWS), write_gvcf(folder, "B", [block(1, 300)])]
    listed = folder / "list.txt"
    listed.write_text(f"{paths[1]}\n")
    arguments = ["--gvcf", str(paths[0]), "--gvcf-list", str(listed), "--reference", str(folder / "ref.fa")]
    arguments += ["--region", "c1:10-20", "--output", str(folder / "o.vcf.gz"), "--quiet"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    import cyvcf2

    vcf = cyvcf2.VCF(str(folder / "o.vcf.gz"))
    records = list(vcf("c1:13-13"))
    assert vcf.samples == ["A", "B"]
    assert [(r.POS, r.REF, r.ALT, r.gt_types.tolist(), r.INFO["AC"]) for r in records] == [
        (13, "G", ["A"], [1, 0], 1)
    ]
    assert "##deepcohort_region=c1:10-20" in vcf.raw_header


def test_gvcf_that_lacks_a_shard_of_the_others_is_named(folder):
    def answering(sample, *texts):
        path = write_gvcf(folder, sample, ROWS, index=False)
        plain = folder / f"{sample}.g.vcf"
        lines = plain.read_text().splitlines()
        lines[1:1] = [f"##deepcohort_region={text}" for text in texts]
        plain.write_text("\n".join(lines) + "\n")
        pysam.tabix_compress(str(plain), str(path), force=True)
        pysam.tabix_index(str(path), preset="vcf", force=True)
        return path

    paths = [answering("A", "c1:1-300"), answering("B", "c1:1-100", "c1:151-300"), answering("C")]
    summary = genotype_cohort(paths, folder / "ref.fa", folder / "o.vcf.gz", quiet=True)
    assert len(summary.warnings) == 1
    assert f"{paths[1]} does not answer for c1:101-150, as other gVCFs do" in summary.warnings[0]
    part = [Region("c1", 0, 100)]
    assert not genotype_cohort(paths, folder / "ref.fa", folder / "o.vcf.gz", part, quiet=True).warnings
    result = CliRunner().invoke(
        app, [*(x for p in paths for x in ("--gvcf", str(p))), "--reference", str(folder / "ref.fa"),
              "--output", str(folder / "o.vcf.gz"), "--quiet"],
    )  # fmt: skip
    assert "warning: " in result.output


def test_overlapping_and_missing_cohort_shards_are_named(folder):
    paths = [write_gvcf(folder, "A", ROWS), write_gvcf(folder, "B", [block(1, 300)])]

    def shard(name, start, end):
        out = folder / f"{name}.vcf.gz"
        genotype_cohort(paths, folder / "ref.fa", out, [Region("c1", start, end)], quiet=True)
        return out

    one, two, three = shard("one", 0, 100), shard("two", 90, 200), shard("three", 200, 300)
    merged = folder / "merged.vcf.gz"
    with pytest.raises(
        DeepcohortError, match=r"one\.vcf\.gz \(c1:1-100\) and .*two\.vcf\.gz \(c1:91-200\) overlap"
    ):
        merge_shards([one, two, three], merged)
    with pytest.raises(DeepcohortError, match="no input answers for c1:101-200"):
        merge_shards([one, three], merged, [Region("c1", 0, 300)])
    assert not merged.exists()
    two = shard("two", 100, 200)
    merge_shards([three, one, two], merged, [Region("c1", 0, 300)])
    assert merged.read_bytes() == shard("whole", 0, 300).read_bytes()
