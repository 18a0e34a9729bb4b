"""Ploidy from sex, BED and default."""

import numpy as np
import pytest
from deepcohort.calls.ploidy import make_ploidy_map
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region

GRCH38 = {"chr1": 248_956_422, "chrX": 156_040_895, "chrY": 57_227_415}
GRCH37 = {"1": 249_250_621, "X": 155_270_560, "Y": 59_373_566}


def at(ploidy, contig, pos):
    """Ploidy at a 1-based position."""
    return int(ploidy.array(Region(contig, pos - 1, pos))[0])


@pytest.mark.parametrize(
    ("lengths", "contig", "pos", "xy", "xx"),
    [
        (GRCH38, "chr1", 5_000_000, 2, 2),
        (GRCH38, "chrX", 10_000, 1, 2),
        (GRCH38, "chrX", 10_001, 2, 2),  # PAR1 is 10001-2781479
        (GRCH38, "chrX", 2_781_479, 2, 2),
        (GRCH38, "chrX", 2_781_480, 1, 2),
        (GRCH38, "chrX", 155_701_383, 2, 2),  # PAR2 is 155701383-156030895
        (GRCH38, "chrY", 5_000_000, 1, 0),
        (GRCH37, "X", 60_001, 2, 2),  # PAR1 is 60001-2699520
        (GRCH37, "X", 2_699_521, 1, 2),
        (GRCH37, "Y", 10_001, 2, 0),
    ],
)
def test_sex(lengths, contig, pos, xy, xx):
    assert at(make_ploidy_map(lengths, "XY"), contig, pos) == xy
    assert at(make_ploidy_map(lengths, "XX"), contig, pos) == xx
    assert at(make_ploidy_map(lengths, "NA"), contig, pos) == 2


def test_bed_overrules_sex(tmp_path):
    bed = tmp_path / "p.bed"
    bed.write_text("# a comment\nchrX\t100\t200\t2\nchr1\t10\t20\tname\t1\n")
    ploidy = make_ploidy_map(GRCH38, "XY", bed)
    assert ploidy.array(Region("chrX", 98, 102)).tolist() == [1, 1, 2, 2]
    assert ploidy.array(Region("chr1", 19, 21)).tolist() == [1, 2]
    assert ploidy.array(Region("chr1", 0, 3)).dtype == np.int8


def test_bed_problems_are_told_together(tmp_path):
    bed = tmp_path / "p.bed"
    bed.write_text("chr1\t1\t2\nchr9\t1\t2\t1\nchrX\t5\t4\t1\n")
    with pytest.raises(InputProblems) as caught:
        make_ploidy_map(GRCH38, "NA", bed)
    assert len(caught.value.problems) == 3
    assert "line 2" in caught.value.problems[1]


def test_unknown_words():
    with pytest.raises(DeepcohortError, match="sex 'male'"):
        make_ploidy_map(GRCH38, "male")
    with pytest.raises(DeepcohortError, match="ploidy 3"):
        make_ploidy_map(GRCH38, default=3)
    with pytest.raises(DeepcohortError, match="does not exist"):
        make_ploidy_map(GRCH38, bed="/nowhere.bed")
