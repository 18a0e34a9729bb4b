"""The reader that judges the fuzzer: sound text has no fault, each fault of a table is seen."""

import pytest
from strict_vcf import faults

HEAD = """##fileformat=VCFv4.3
##INFO=<ID=END,Number=1,Type=Integer,Description="x">
##INFO=<ID=DB,Number=0,Type=Flag,Description="x">
##INFO=<ID=AF,Number=A,Type=Float,Description="x">
##FORMAT=<ID=GT,Number=1,Type=String,Description="x">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="x">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="x">
##contig=<ID=c,length=12>
##contig=<ID=d,length=9>
##deepcohort_region=c:1-12
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n"
BASES = {"c": "ACGTACGTACGT"}
BLOCK = "c 1 . A <NON_REF> . . END=4 GT:DP:PL 0/0:3:0,9,90"
SITE = "c 5 . A G,<NON_REF> 50.5 PASS DB;AF=0.5,. GT:DP:PL 0/1:8:50,0,60,70,80,90"
REST = "c 6 . C <NON_REF> . . END=12 GT:DP:PL ./.:0:."


def told(*rows: str, head: str = HEAD, end: str = "\n") -> list[str]:
    body = "\n".join(row.replace(" ", "\t") for row in rows)
    return faults(head + COLUMNS + body + end, BASES, is_gvcf=True)


def test_sound_text():
    assert told(BLOCK, SITE, REST) == []


@pytest.mark.parametrize(
    ("site", "fault"),
    [
        (SITE.replace("c 5", "c x"), "place"), (SITE.replace("c 5", "c 0"), "place"), (SITE.replace("c 5", "c 13"), "place"), (SITE.replace("c 5", "x 5"), "place"),
        (SITE.replace(" A ", " C "), "REF is not"), (SITE.replace(" A ", " R "), "REF"), (SITE.replace("G,", "G,G,"), "ALT"), (SITE.replace("G,", "A,"), "ALT"),
        (SITE.replace("G,", "G,,"), "ALT"), (SITE.replace("50.5", "x"), "QUAL"), (SITE.replace("50.5", "nan"), "QUAL"), (SITE.replace("DB", "DB=1"), "DB"),
        (SITE.replace("DB", "DB;DB"), "DB"), (SITE.replace("0.5,.", "0.5"), "AF"), (SITE.replace("0/1", "0/3"), "GT"), (SITE.replace("0/1", "0/0/1"), "GT"),
        (SITE.replace(":8:", ":-8:"), "DP"), (SITE.replace(":8:", ":8.5:"), "DP"), (SITE.replace("50,0,60,70,80,90", "50,0,60"), "PL"), (SITE.replace("50,0", "-50,0"), "PL"),
        (SITE.replace("50,0,60,70,80,90", "50,0,60,70,80,nan"), "PL"), (SITE.replace("GT:DP:PL", "GT:DP:DP"), "FORMAT"), (SITE + ":9", "values"), (SITE + " x", "11 columns"),
        (SITE.rsplit(" ", 1)[0], "9 columns"), (SITE.replace("DB;", "END=3;"), "END"), (SITE.replace("DB;", "END=99;"), "END"), (SITE.replace(".", "\x00", 1), "control"),
        (SITE + "\n" + SITE, "twice"), (SITE + "\nd 1 . A G . . . GT 0/1\n" + SITE.replace("c 5 . A", "c 9 . A"), "mixed"), (SITE.replace("0/1", "0|1|"), "GT"),
    ],
)  # fmt: skip
def test_each_fault_is_seen(site: str, fault: str):
    assert any(fault in line for line in told(BLOCK, site, REST)), told(BLOCK, site, REST)


def test_faults_of_the_whole():
    assert told(SITE, BLOCK, REST)[0].endswith("not sorted")
    assert told(BLOCK, REST) == ["c: nothing after 4, up to 12"]
    assert told(BLOCK, SITE) == ["c: nothing after 5, up to 12"]
    assert told(BLOCK, SITE, REST, end="") == ["the last line is cut"]
    assert told(BLOCK, SITE, REST, head=HEAD.replace("VCFv4.3", "x")) == ["no fileformat"]
    assert told(BLOCK, SITE, REST, head=HEAD + "##contig=<ID=c,length=3>\n")[0] == "contig c twice"
    assert told(BLOCK, SITE, REST, head=HEAD + "nonsense\n") == ["header line 11"]
