"""Families and sexes in whole cohorts."""

import numpy as np
from deepcohort.joint.config import JointConfig
from deepcohort.joint.pedigree import Pedigree
from deepcohort.joint.ploidy import expected_ploidy
from joint_helpers import block, genotype, gts, het, write_gvcf, write_reference

TRIO = Pedigree({"kid": ("dad", "mom")}, {"dad": "XY", "mom": "XX", "kid": "XY"}, {})


def trio(folder, dad, mom, kid, pedigree=TRIO):
    write_reference(folder)
    paths = [write_gvcf(folder, name, rows) for name, rows in (("dad", dad), ("mom", mom), ("kid", kid))]
    return genotype(folder, paths, pedigree=pedigree)


REF = [block(1, 300, gq=90)]
HET = [block(1, 12), het(13, "G", "A"), block(14, 300)]


def weak(cell):
    return [block(1, 12), f"13 G A,<NON_REF> . GT:GQ:DP:AD:PL {cell}", block(14, 300)]


def test_new_allele_is_marked(tmp_path):
    row = trio(tmp_path, REF, REF, HET)["13 G A"]
    assert gts(row, "dad", "mom", "kid") == ["0/0", "0/0", "0/1"]
    assert row["INFO"]["DENOVO"] == "kid"
    assert int(row["kid"]["DNQ"]) > 10
    assert "DNQ" not in row["dad"] or row["dad"]["DNQ"] == "."


def test_inherited_allele_is_not(tmp_path):
    row = trio(tmp_path, HET, REF, HET)["13 G A"]
    assert gts(row, "dad", "mom", "kid") == ["0/1", "0/0", "0/1"]
    assert "DENOVO" not in row["INFO"]


def test_weak_parent_is_lifted_by_the_child(tmp_path):
    unsure = weak("0/0:4:4:3,1,0:0,4,60,20,60,80")
    row = trio(tmp_path, unsure, REF, HET)["13 G A"]
    assert gts(row, "dad", "mom", "kid") == ["0/1", "0/0", "0/1"]
    assert row["dad"]["PL"] == "0,4,60"
    assert "DENOVO" not in row["INFO"]


def test_weak_child_is_held_by_its_parents(tmp_path):
    unsure = weak("0/1:6:3:2,1,0:6,0,50,60,50,80")
    row = trio(tmp_path, REF, HET, weak("1/1:5:3:1,2,0:30,5,0,60,50,80"))["13 G A"]
    assert gts(row, "kid") == ["0/1"]  # homozygous needs both parents
    other = tmp_path / "x"
    other.mkdir()
    assert trio(other, REF, REF, unsure) == {}  # 0/0: nobody carries the ALT, and the line goes


def test_one_parent_in_the_cohort(tmp_path):
    row = trio(tmp_path, HET, HET, HET, Pedigree({"kid": ("", "mom")}, {}, {}))["13 G A"]
    assert gts(row, "kid") == ["0/1"]


def test_haploid_x_and_absent_y(tmp_path):
    length = 300
    write_reference(tmp_path, {"chrX": "ACGTTGCAAC" * 30, "chrY": "ACGTTGCAAC" * 30})
    contigs = {"chrX": length, "chrY": length}

    def rows(contig, cell):
        keys = "GT:GQ:DP:AD:PL"
        return [f"{contig} 13 . G A,<NON_REF> . . . {keys} {cell}"]

    diploid_call = "0/1:10:20:5,15,0:90,0,10,200,200,300"
    haploid_call = "1:60:10:0,10,0:80,0,120"
    man = write_gvcf(
        tmp_path, "man", rows("chrX", diploid_call) + rows("chrY", haploid_call), contigs=contigs
    )
    woman = write_gvcf(
        tmp_path, "woman", rows("chrX", diploid_call) + rows("chrY", diploid_call), contigs=contigs
    )
    unknown = write_gvcf(tmp_path, "who", rows("chrX", haploid_call), contigs=contigs)
    out = genotype(
        tmp_path,
        [man, woman, unknown],
        JointConfig(population_prior=False),
        sexes={"man": "XY", "woman": "XX"},
    )
    # both contigs have the site at 13: the dict keeps Y's; look at X through a region
    y = out["13 G A"]
    assert (y["man"]["GT"], y["man"]["PL"]) == ("1", "80,0")
    assert (y["woman"]["GT"], y["woman"]["RNC"]) == ("./.", "NO_COVERAGE") or y["woman"]["GT"] == "."
    from deepcohort.core.region import Region

    x = genotype(
        tmp_path, [man, woman, unknown], JointConfig(population_prior=False),
        sexes={"man": "XY", "woman": "XX"}, regions=[Region("chrX", 0, 300)],
    )["13 G A"]  # fmt: skip
    assert (x["man"]["GT"], x["man"]["PL"]) == ("1", "80,0")  # PL of 0/0 and 1/1 of the diploid call
    assert x["woman"]["GT"] == "0/1"
    assert x["who"]["GT"] == "1"  # as its gVCF says
    assert x["INFO"]["AN"] == "4"


def test_pseudo_autosomal_regions():
    pos = np.array([5_000, 10_000, 2_781_478, 2_781_479, 155_701_382])
    ploidy = expected_ploidy("chrX", 156_040_895, pos, ["XY", "XX", ""])
    assert ploidy[:, 0].tolist() == [1, 2, 2, 1, 2]
    assert ploidy[:, 1].tolist() == [2, 2, 2, 2, 2]
    assert ploidy[:, 2].tolist() == [0, 0, 0, 0, 0]
    y = expected_ploidy("Y", 59_373_566, np.array([5_000_000]), ["XY", "XX", ""])
    assert y[0].tolist() == [1, -1, 0]
    assert (expected_ploidy("chr1", 1000, pos, ["XY"]) == 0).all()  # as the gVCF says
