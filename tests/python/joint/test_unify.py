"""Alleles of several samples on one site; nothing that a sample calls is lost."""

import pytest
from joint_helpers import block, genotype, gts, het, hom, write_gvcf, write_reference

# SEQUENCE, 1-based: 11 A, 12 C, 13 G, 14 T, 15 T, 16 G, 17 C, 18 A, 19 A, 20 C, 21 A


@pytest.fixture
def folder(tmp_path):
    write_reference(tmp_path)
    return tmp_path


def cohort(folder, **records):
    paths = [write_gvcf(folder, name, rows) for name, rows in records.items()]
    return genotype(folder, paths)


def test_snps_of_one_position_become_one_multiallelic_site(folder):
    rows = cohort(
        folder,
        A=[block(1, 12), het(13, "G", "T"), block(14, 300)],
        B=[block(1, 12), hom(13, "G", "A"), block(14, 300)],
        C=[block(1, 300)],
    )
    assert list(rows) == ["13 G A,T"]  # as many records call each: by text
    row = rows["13 G A,T"]
    assert gts(row, "A", "B", "C") == ["0/2", "1/1", "0/0"]
    # A's <NON_REF> stands for the allele it has not seen: PL of 0/0, 0/1, 1/1, 0/2, 1/2, 2/2
    assert row["A"]["PL"] == "300,390,840,0,450,400"
    assert row["A"]["AD"] == "15,0,15"
    assert row["C"]["PL"] == "0,60,600,60,600,600"
    assert row["INFO"]["AC"] == "2,1"
    assert row["INFO"]["AN"] == "6"


def test_deletion_makes_a_star_at_the_snp_beneath(folder):
    rows = cohort(
        folder,
        A=[block(1, 11), het(12, "CGTT", "C"), block(16, 300)],
        B=[block(1, 14), het(15, "T", "C"), block(16, 300)],
        C=[block(1, 300)],
    )
    assert list(rows) == ["12 CGTT C", "15 T C,*"]
    assert gts(rows["15 T C,*"], "A", "B", "C") == ["0/2", "0/1", "0/0"]
    assert gts(rows["12 CGTT C"], "A", "B", "C") == ["0/1", "0/0", "0/0"]


def test_own_deletion_and_snp_on_the_other_haplotype(folder):
    rows = cohort(
        folder,
        A=[block(1, 11), het(12, "CGTT", "C"), het(15, "T", "C"), block(16, 300)],
        B=[block(1, 300)],
    )
    assert gts(rows["15 T C,*"], "A", "B") == ["1/2", "0/0"]


def test_contradicting_records_are_a_conflict(folder):
    rows = cohort(
        folder,
        A=[block(1, 11), hom(12, "CGTT", "C"), hom(15, "T", "C"), block(16, 300)],
        B=[block(1, 14), het(15, "T", "C"), block(16, 300)],
    )
    assert rows["15 T C"]["A"]["GT"] == "./."  # `*` is in no genotype, so the line does without
    assert rows["15 T C"]["A"]["RNC"] == "CONFLICT"


def test_mnp_meets_its_parts_and_is_traced(folder):
    rows = cohort(
        folder,
        A=[block(1, 12), het(13, "GT", "AC"), block(15, 300)],
        B=[block(1, 12), het(13, "G", "A"), block(14, 300)],
        C=[block(1, 13), hom(14, "T", "C"), block(15, 300)],
    )
    assert list(rows) == ["13 G A", "14 T C"]
    assert gts(rows["13 G A"], "A", "B", "C") == ["0/1", "0/1", "0/0"]
    assert gts(rows["14 T C"], "A", "B", "C") == ["0/1", "0/0", "1/1"]
    assert rows["13 G A"]["INFO"]["OA"] == "1|13|GT|AC"
    assert rows["14 T C"]["INFO"]["OA"] == "1|13|GT|AC"


def test_unnormalised_indels_meet(folder):
    # deleting either A of 18-19 is one allele: left-aligned at 17
    rows = cohort(
        folder,
        A=[block(1, 16), het(17, "CA", "C"), block(19, 300)],
        B=[block(1, 17), het(18, "AA", "A"), block(20, 300)],
        C=[block(1, 16), het(17, "CAAC", "CAC"), block(21, 300)],
    )
    assert list(rows) == ["17 CA C"]
    assert gts(rows["17 CA C"], "A", "B", "C") == ["0/1", "0/1", "0/1"]
    assert rows["17 CA C"]["INFO"]["OA"] == "1|18|AA|A"


def test_insertion_beside_snp_at_its_anchor(folder):
    rows = cohort(
        folder,
        A=[block(1, 12), het(13, "G", "GCC"), block(14, 300)],
        B=[block(1, 12), het(13, "G", "A"), block(14, 300)],
        C=[block(1, 12), het(13, "GTT", "G"), block(16, 300)],
    )
    assert list(rows) == ["13 GTT ATT,GCCTT,G"]
    assert gts(rows["13 GTT ATT,GCCTT,G"], "A", "B", "C") == ["0/2", "0/1", "0/3"]


def test_two_records_of_one_position_in_one_sample(folder):
    rows = cohort(
        folder,
        A=[block(1, 12), het(13, "G", "A"), het(13, "G", "GCC"), block(14, 300)],
        B=[block(1, 300)],
    )
    assert gts(rows["13 G A,GCC"], "A", "B") == ["1/2", "0/0"]


def test_uncalled_alleles_make_no_site_but_speak_at_others(folder):
    weak = "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/0:20:30:27,3,0:0,20,400,80,420,500"
    rows = cohort(folder, A=[block(1, 12), weak, block(14, 300)], B=[block(1, 300)])
    assert rows == {}
    rows = cohort(
        folder,
        A=[block(1, 12), weak, block(14, 300)],
        B=[block(1, 12), het(13, "G", "A"), block(14, 300)],
    )
    assert rows["13 G A"]["A"]["PL"] == "0,20,400"


def test_reference_is_needed_under_the_whole_deletion(folder):
    rows = cohort(
        folder,
        A=[block(1, 11), het(12, "CGTT", "C"), block(16, 300)],
        B=[block(1, 14), block(15, 15, dp=0), block(16, 300)],
        C=[block(1, 14), block(15, 15, gq=9, dp=3), block(16, 300)],
        D=[block(1, 14), block(16, 300)],
    )
    row = rows["12 CGTT C"]
    assert (row["B"]["GT"], row["B"]["RNC"]) == ("./.", "NO_COVERAGE")
    assert row["C"]["GT"] == "0/0"
    assert row["C"]["PL"] == "0,9,90"  # the weakest block under it
    assert (row["D"]["GT"], row["D"]["RNC"]) == ("./.", "NO_COVERAGE")
