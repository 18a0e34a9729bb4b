"""Alleles of a VCF as SNPs and indels, worked by hand."""

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.haplotag.alleles import NONE, UNKNOWN, alleles_of, change_of
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.sites import SampleSites

TEXT = "GATTTTACCGTA"
CODES = encode_bases(TEXT)


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "expected"),
    [
        (2, "T", "C", (2, 1, "C")),
        (2, "TT", "TC", (3, 1, "C")),  # anchor base before a SNP
        (1, "ATT", "CTG", (1, 1, "C")),  # of several SNPs the first
        (1, "AT", "A", (1, 2, "A")),
        (4, "TT", "T", (1, 2, "A")),  # moved to the left of its run
        (5, "T", "TT", (1, 1, "AT")),
        (6, "ACC", "AC", (6, 2, "A")),
        (6, "ACC", "AGTT", (6, 3, "AGTT")),  # a replacement keeps its anchor
        (7, "CC", "GTT", (6, 3, "AGTT")),  # and gets one
        (0, "GA", "CTT", None),  # no room for it
        (3, "T", "T", None),
    ],
)
def test_a_change_is_anchored_and_left_aligned(pos, ref, alt, expected):
    found = change_of(pos, ref, alt, CODES)
    assert expected == (
        None if found is None else (*found[:2], decode_bases(np.frombuffer(found[2], np.uint8)))
    )


def sites(*rows):
    """SampleSites of (pos, left, right, alleles)."""
    pos, left, right, alleles = zip(*rows, strict=True)
    return SampleSites(
        "c", np.array(pos, np.int64) + 100, np.array([left, right], np.int16).T, np.ones(len(pos), np.int64),
        tuple(text.encode() for text in alleles),
    )  # fmt: skip


def test_rows_of_both_alleles_are_found_whatever_their_order():
    given = sites((2, 1, 0, "T,C"), (6, 2, 1, "ACC,AC,A"), (9, 0, 1, "G,<DEL>"), (9, 1, 0, "G,*"))
    alleles, rows = alleles_of(given, np.arange(4), CODES, Region("c", 100, 112), HaplotagConfig())
    assert alleles.pos.tolist() == [2, 6, 6]
    assert alleles.ref_len.tolist() == [1, 2, 3]
    assert rows.tolist() == [[NONE, 0], [1, 2], [NONE, UNKNOWN], [NONE, UNKNOWN]]


def test_long_alleles_tell_nothing():
    given = sites((2, 0, 1, "T," + "T" * 30))
    _, rows = alleles_of(given, np.arange(1), CODES, Region("c", 100, 112), HaplotagConfig(max_allele_bp=29))
    assert rows.tolist() == [[NONE, UNKNOWN]]


def test_another_reference_is_refused():
    with pytest.raises(
        DeepcohortError, match=r"REF at c:103 of the phased VCF is G, which is not the reference's"
    ):
        alleles_of(sites((2, 0, 1, "G,C")), np.arange(1), CODES, Region("c", 100, 112), HaplotagConfig())
