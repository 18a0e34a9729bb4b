"""Facts of the human genome stand once: every room tells the same of the same contig."""

import numpy as np
import pytest
from deepcohort.calls.ploidy import ploidy_of_sex
from deepcohort.core.genome import is_numbered, other_naming, pseudo_autosomal, sex_chromosome
from deepcohort.core.region import Region
from deepcohort.evaluate.counted_records import AUTOSOME, CHR_X, CHR_Y, OTHER_CONTIG, PAR, _ploidy_region
from deepcohort.joint.ploidy import expected_ploidy
from deepcohort.simulate.sexes import sex_contig

# from the assembly reports of GRCh37 and GRCh38 (1-based inclusive there), X then Y
PAR_ENDS = {
    ("X", 155_270_560): [(60_001, 2_699_520), (154_931_044, 155_260_560)],
    ("chrX", 156_040_895): [(10_001, 2_781_479), (155_701_383, 156_030_895)],
    ("Y", 59_373_566): [(10_001, 2_649_520), (59_034_050, 59_363_566)],
    ("chrY", 57_227_415): [(10_001, 2_781_479), (56_887_903, 57_217_415)],
}


@pytest.mark.parametrize(("contig", "length"), PAR_ENDS, ids=lambda value: str(value))
def test_every_room_has_the_same_pseudo_autosomal_regions(contig, length):
    expected = [(start - 1, end) for start, end in PAR_ENDS[contig, length]]
    assert list(pseudo_autosomal(contig, length)) == expected
    assert list(sex_contig(contig, length, made_up=False).par) == expected
    assert ploidy_of_sex("XY", {contig: length})[1:] == [(Region(contig, *ends), 2) for ends in expected]
    edges = np.array(sorted({x for a, b in expected for x in (a - 1, a, b - 1, b)}))
    inside = np.array([any(a <= x < b for a, b in expected) for x in edges])
    assert (expected_ploidy(contig, length, edges, ["XY"])[:, 0] == 1 + inside).all()
    if contig.endswith("X"):
        assert ((_ploidy_region(contig, length, edges) == PAR) == inside).all()


@pytest.mark.parametrize(
    ("contig", "sex", "numbered", "region"),
    [
        ("chr1", "", True, AUTOSOME), ("22", "", True, AUTOSOME), ("chrX", "X", False, CHR_X),
        ("x", "X", False, CHR_X), ("Y", "Y", False, CHR_Y), ("chrM", "", False, OTHER_CONTIG),
        ("chr1_random", "", False, OTHER_CONTIG), ("chrX_alt", "", False, OTHER_CONTIG), ("", "", False, OTHER_CONTIG),
    ],
)  # fmt: skip
def test_contigs_by_name(contig, sex, numbered, region):
    assert (sex_chromosome(contig), is_numbered(contig)) == (sex, numbered)
    assert _ploidy_region(contig, 1_000, np.array([5])).tolist() == [region]


def test_the_other_convention():
    assert [other_naming(name) for name in ("1", "chr1", "X")] == ["chr1", "1", "chrX"]


def test_other_assemblies_have_none():
    assert pseudo_autosomal("chrX", 154_259_566) == ()  # T2T-CHM13
    assert pseudo_autosomal("chr7", 156_040_895) == ()
