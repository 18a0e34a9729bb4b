"""A record that a caller marks as disputed is evidence like any other; its PLs speak."""

import pytest
from joint_helpers import block, genotype, het, write_gvcf, write_reference

CELL = "GT:GQ:DP:AD:PL 0/0:10:30:14,16,0:0,10,20,300,310,320"


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    """{FILTER: row of the site in a cohort of S, whose record has it, and of a heterozygote}."""
    found = {}
    for filter_ in ("RefCall", "Disputed", "PASS", "Disputed;LowQual", "Bad", "Disputed;Bad"):
        folder = tmp_path_factory.mktemp("cohort")
        record = f"c1 15 . T G,<NON_REF> 0 {filter_} . {CELL}"
        rows = [block(1, 14), record, block(16, 300)]
        gvcfs = [
            write_gvcf(folder, "S", rows),
            write_gvcf(folder, "T", [block(1, 14), het(15, "T", "G"), block(16, 300)]),
        ]
        found[filter_] = genotype(folder, gvcfs, reference=write_reference(folder))["15 T G"]
    return found


@pytest.mark.parametrize("filter_", ["Disputed", "PASS", "Disputed;LowQual"])
def test_the_pls_speak(cohorts, filter_):
    assert cohorts[filter_] == cohorts["RefCall"]
    assert cohorts[filter_]["S"]["PL"] == "0,10,20"
    assert cohorts[filter_]["S"].get("RNC") != "FILTERED"


@pytest.mark.parametrize("filter_", ["Bad", "Disputed;Bad"])
def test_another_word_bars_the_record(cohorts, filter_):
    assert cohorts[filter_]["S"]["GT"] == "./."
    assert cohorts[filter_]["S"]["RNC"] == "FILTERED"
