"""INFO of cohort lines from the carriers' gVCFs, AD of reference cells, and ALTs that nobody carries."""

import math
import subprocess
from dataclasses import replace

import pytest
from deepcohort.calls.kernels_bias import fisher_strand, strand_odds_ratio
from deepcohort.joint.config import JointConfig
from joint_helpers import block, genotype, het, hom, write_gvcf, write_reference

KEYS = "GT:GQ:DP:AD:PL:SB"


def biased(pos, ref, alt, info, strands, dp=30):
    return f"{pos} {ref} {alt},<NON_REF> {info} {KEYS} 0/1:99:{dp}:{dp // 2},{dp // 2},0:300,0,400,390,450,840:{strands}"


def ranks(base, mapq, position, square=108_000, n=30):
    return f"BaseQRankSum={base};MQ=60;MQRankSum={mapq};RAW_MQandDP={square},{n};ReadPosRankSum={position}"


@pytest.fixture
def folder(tmp_path):
    write_reference(tmp_path)
    return tmp_path


def cohort(folder, config=None, **samples):
    return genotype(folder, [write_gvcf(folder, name, rows) for name, rows in samples.items()], config)


def around(line, pos=13):
    return [block(1, pos - 1), line, block(pos + 1, 300)]


def test_info_is_that_of_the_carriers(folder):
    row = cohort(
        folder,
        A=around(biased(13, "G", "A", ranks(1.5, -0.25, "0.1"), "7,8,9,6")),
        B=around(biased(13, "G", "A", ranks(-0.5, 0, "-2.125", 27_000, 30), "8,7,15,0", dp=20)),
        C=[block(1, 300)],
    )["13 G A"]
    info = row["INFO"]
    assert float(info["MQ"]) == pytest.approx(math.sqrt(135_000 / 60), abs=1e-3)
    assert float(info["SOR"]) == pytest.approx(strand_odds_ratio(15, 15, 24, 6), abs=1e-3)
    assert float(info["FS"]) == pytest.approx(fisher_strand(15, 15, 24, 6), abs=1e-3)
    assert float(info["QD"]) == pytest.approx(float(row["QUAL"]) / 50, abs=1e-2)
    assert [float(info[k]) for k in ("BaseQRankSum", "MQRankSum", "ReadPosRankSum")] == [0.5, -0.125, -1.012]


def test_reads_of_those_who_do_not_carry_say_nothing(folder):
    refused = (
        f"13 G A,<NON_REF> {ranks(9, 9, 9, 30, 30)} {KEYS} 0/0:60:30:28,2,0:0,60,600,90,690,900:28,0,0,2"
    )
    info = cohort(folder, A=around(refused), B=around(het(13, "G", "A")))["13 G A"]["INFO"]
    assert not {"MQ", "SOR", "FS", "BaseQRankSum"} & info.keys()
    assert "QD" in info


@pytest.mark.parametrize("value", ["nan", ".", "1e3", "", "--1"])
def test_rank_sums_that_are_no_numbers(folder, value):
    info = f"BaseQRankSum={value};MQRankSum=2"
    row = cohort(folder, A=around(biased(13, "G", "A", info, "7,8,9,6")))["13 G A"]
    assert "BaseQRankSum" not in row["INFO"]
    assert float(row["INFO"]["MQRankSum"]) == 2


def test_ad_of_reference_cells(folder):
    row = cohort(
        folder,
        A=around(het(13, "G", "A")),
        B=[block(1, 300, dp=25)],
        C=[block(1, 300, dp=0)],
        D=around("13 G T,<NON_REF> . GT:GQ:DP:AD:PL 0/0:60:30:29,1,0:0,60,600,90,690,900"),
    )["13 G A"]
    assert row["B"]["AD"] == "25,0"
    assert row["C"]["GT"] == "./."
    assert row["C"].get("AD", ".") == "."
    assert row["A"]["AD"] == "15,15"


def test_alts_without_carriers_leave_the_line(folder):
    doubtful = "13 G T,<NON_REF> . GT:GQ:DP:AD:PL 0/1:2:9:7,2,0:2,0,30,30,40,60"
    samples = {"A": around(het(13, "G", "A")), "B": around(doubtful)}
    samples |= {f"C{i}": [block(1, 300, gq=90)] for i in range(12)}
    lean = cohort(folder, replace(JointConfig(), prior_samples=0.0), **samples)
    whole = cohort(folder, replace(JointConfig(), prior_samples=0.0, keep_uncarried=True), **samples)
    assert list(whole) == ["13 G A,T"]
    assert list(lean) == ["13 G A"]
    row, full = lean["13 G A"], whole["13 G A,T"]
    assert row["A"]["GT"] == full["A"]["GT"] == "0/1"
    pls = [int(x) for x in full["B"]["PL"].split(",")][:3]  # 0/0, 0/1, 1/1
    assert [int(x) for x in row["B"]["PL"].split(",")] == [x - min(pls) for x in pls]
    assert row["B"]["AD"].split(",") == full["B"]["AD"].split(",")[:2]
    assert row["INFO"]["AC"] == "1"


def test_bases_that_all_alleles_left_share_go(folder):
    # C of the long deletion goes, and with it its REF; what is left is written as short as can be
    doubtful = "13 GTT G,<NON_REF> . GT:GQ:DP:AD:PL 0/1:4:9:7,2,0:4,0,30,30,40,60"
    rows = cohort(
        folder,
        replace(JointConfig(), prior_samples=0.0),
        A=around(het(13, "G", "A")),
        B=[block(1, 12), doubtful, block(16, 300)],
        C=[block(1, 300, gq=90)],
    )
    assert list(rows) == ["13 G A"]


def test_a_star_alone_is_no_site(folder):
    doubtful = "15 T A,<NON_REF> . GT:GQ:DP:AD:PL 0/1:4:9:7,2,0:4,0,30,30,40,60"
    rows = cohort(
        folder,
        replace(JointConfig(), prior_samples=0.0),
        A=[block(1, 11), hom(12, "CGTT", "C"), block(16, 300)],
        B=[block(1, 14), doubtful, block(16, 300)],
        C=[block(1, 300, gq=90)],
    )
    assert list(rows) == ["12 CGTT C"]


def test_header_names_reference_and_settings_but_no_day(folder):
    def header(config):
        cohort(folder, config, A=around(het(13, "G", "A")))
        return subprocess.run(
            ["bgzip", "-dc", str(folder / "cohort.vcf.gz")], capture_output=True, text=True, check=True
        ).stdout.split("#CHROM")[0]

    plain = header(None)
    assert plain.startswith("##fileformat=VCFv4.2\n")
    assert "\n##reference=ref.fa\n" in plain
    assert "\n##deepcohort_command=genotype defaults\n" in plain
    assert "Date" not in plain
    assert "=genotype min_gq=7\n" in header(replace(JointConfig(), min_gq=7))
