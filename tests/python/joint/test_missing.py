"""One meaning of missing: `./.` without evidence, and the reason beside it."""

import pytest
from deepcohort.joint.config import JointConfig
from joint_helpers import block, genotype, gts, het, write_gvcf, write_reference


@pytest.fixture
def folder(tmp_path):
    write_reference(tmp_path)
    return tmp_path


CARRIER = [block(1, 12), het(13, "G", "A"), block(14, 300)]
CASES = {
    # name: (records of the sample, GT, RNC)
    "no coverage": ([block(1, 12), block(13, 13, dp=0), block(14, 300)], "./.", "NO_COVERAGE"),
    "gap": ([block(1, 12), block(14, 300)], "./.", "NO_COVERAGE"),
    "nothing at all": ([], "./.", "NO_COVERAGE"),
    "flat PL": (["13 G <NON_REF> END=13 GT:GQ:DP:MIN_DP:PL 0/0:0:4:4:0,0,0"], "./.", "LOW_GQ"),
    "no-call block": (["13 G <NON_REF> END=13 GT:GQ:DP:MIN_DP:PL ./.:0:4:4:20,0,50"], "./.", "LOW_GQ"),
    "filtered": (
        ["c1 13 . G A,<NON_REF> 50 Bad . GT:GQ:DP:AD:PL 0/1:50:20:10,10,0:50,0,60,90,90,150"],
        "./.",
        "FILTERED",
    ),
    "tie of het and hom": (
        ["13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/1:0:3:0,3,0:90,0,0,100,100,100"],
        "./1",
        "LOW_GQ",
    ),
    "reference": ([block(1, 300)], "0/0", None),
    "weak reference": ([block(1, 300, gq=6, dp=2)], "0/0", None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_missing_genotype_says_why(folder, case):
    records, gt, reason = CASES[case]
    paths = [write_gvcf(folder, "carrier", CARRIER), write_gvcf(folder, "sample", records)]
    row = genotype(folder, paths, JointConfig(population_prior=False))["13 G A"]
    assert row["sample"]["GT"] == gt
    assert row["sample"].get("RNC") == reason
    assert row["INFO"]["NS"] == ("2" if reason is None else "1")
    assert row["INFO"]["F_MISSING"] == ("0" if reason is None else "0.5")


def test_depth_threshold(folder):
    paths = [write_gvcf(folder, "a", CARRIER), write_gvcf(folder, "b", [block(1, 300, gq=6, dp=2)])]
    row = genotype(folder, paths, JointConfig(min_dp=3))["13 G A"]
    assert (row["b"]["GT"], row["b"]["RNC"], row["b"]["DP"]) == ("./.", "NO_COVERAGE", "2")


def test_raw_pl_is_kept_beside_the_posterior(folder):
    weak = "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/1:4:2:1,1,0:30,0,4,60,60,90"
    paths = [write_gvcf(folder, f"s{i}", CARRIER) for i in range(5)]
    paths.append(write_gvcf(folder, "weak", [block(1, 12), weak, block(14, 300)]))
    with_prior = genotype(folder, paths)["13 G A"]["weak"]
    without = genotype(folder, paths, JointConfig(population_prior=False))["13 G A"]["weak"]
    assert with_prior["PL"] == without["PL"] == "30,0,4"
    assert int(with_prior["GQ"]) > int(without["GQ"])


def test_input_without_pl_in_a_record_uses_gt_and_gq(folder):
    strelka = [
        "c1 1 . A . . PASS END=12 GT:GQ:DP:MIN_DP 0/0:60:20:18",
        "c1 13 . G A 50 PASS . GT:GQ:DP:AD:PL 0/1:50:20:10,10:80,0,90",
        "c1 14 . T . . PASS END=300 GT:GQ:DP:MIN_DP 0/0:60:20:18",
    ]
    paths = [
        write_gvcf(folder, "strelka", strelka),
        write_gvcf(folder, "other", [block(1, 14), het(15, "T", "C"), block(16, 300)]),
        write_gvcf(folder, "dv", [block(1, 300).replace("<NON_REF>", "<*>")]),
    ]
    rows = genotype(folder, paths)
    assert gts(rows["13 G A"], "strelka", "other", "dv") == ["0/1", "0/0", "0/0"]
    assert gts(rows["15 T C"], "strelka", "other", "dv") == ["0/0", "0/1", "0/0"]
    assert rows["15 T C"]["strelka"]["PL"] == "0,60,600"


def test_mapping_quality_and_strands_where_given(folder):
    record = "c1 13 . G A,<NON_REF> 50 . MQ=50 GT:GQ:DP:AD:PL:SB 0/1:50:20:10,10,0:50,0,60,90,90,150:5,5,10,0"
    paths = [write_gvcf(folder, "a", [block(1, 12), record, block(14, 300)])]
    info = genotype(folder, paths)["13 G A"]["INFO"]
    assert info["MQ"] == "50"
    # SOR = ln(R + 1/R) + ln(refRatio) - ln(altRatio), pseudo count 1: R = 6 * 1 / (6 * 11)
    assert float(info["SOR"]) == pytest.approx(4.804, abs=2e-3)


@pytest.mark.parametrize(
    ("depth", "last", "pl"),
    [
        # 1 of 7 reads differs: 27 phred against 7 x 3, and 6 x 27
        (7, 135, "6,0,141"), (10, 162, "24,0,186"), (12, 270, "0,9,270"),
    ],
)  # fmt: skip
def test_reads_that_differ_in_a_block_speak_once_the_allele_is_known(folder, depth, last, pl):
    cut = f"13 G <NON_REF> END=13 GT:GQ:DP:MIN_DP:PL 0/0:0:{depth}:{depth}:0,0,{last}"
    paths = [
        write_gvcf(folder, "carrier", CARRIER),
        write_gvcf(folder, "sample", [block(1, 12), cut, block(14, 300)]),
    ]
    assert genotype(folder, paths)["13 G A"]["sample"]["PL"] == pl
    # they may be anything: nothing is known of an indel, nor of a block of many bases
    other = [write_gvcf(folder, "carrier", [block(1, 12), het(13, "G", "GA"), block(14, 300)]), paths[1]]
    row = genotype(folder, other)["13 G GA"]["sample"]
    assert row.get("PL", ".") in (".", f"0,0,{last}")


def test_reads_that_differ_in_blocks_do_not_find_a_site(folder):
    """They raise the genotype, not QUAL: errors recur at a place."""
    weak = "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/1:12:6:4,2,0:12,0,40,60,60,90"
    carrier = write_gvcf(folder, "weak", [block(1, 12), weak, block(14, 300)])
    cut = [block(1, 12), "13 G <NON_REF> END=13 GT:GQ:DP:MIN_DP:PL 0/0:0:4:4:0,0,54", block(14, 300)]
    same = [block(1, 12), "13 G <NON_REF> END=13 GT:GQ:DP:MIN_DP:PL 0/0:1:4:4:0,1,54", block(14, 300)]

    def quality(rows):
        others = [write_gvcf(folder, f"s{i}", rows) for i in range(8)]
        return genotype(folder, [carrier, *others])["13 G A"]["QUAL"]

    assert quality(cut) == pytest.approx(quality(same), abs=6)
