"""Places as text."""

import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region, parse_region

LENGTHS = {"chr1": 2_000, "HLA-A*01:01": 90}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1", Region("chr1", 0, 2_000)),
        ("chr1:7", Region("chr1", 6, 2_000)),
        ("chr1:7-", Region("chr1", 6, 2_000)),
        ("chr1:1,000-1,999", Region("chr1", 999, 1_999)),
        ("chr1:7-99999", Region("chr1", 6, 2_000)),
        ("HLA-A*01:01", Region("HLA-A*01:01", 0, 90)),
        ("HLA-A*01:01:2-3", Region("HLA-A*01:01", 1, 3)),
    ],
)
def test_texts_of_places(text: str, region: Region):
    assert parse_region(text, LENGTHS) == region


@pytest.mark.parametrize(
    "place", [",", "1-,", ",-5", "-5", "5-4", "0", "2001", "x", "1-2-3", "1.5", "\u0663-5", "1" * 5_000]
)
def test_texts_that_name_no_place(place: str):
    with pytest.raises(DeepcohortError, match=r"region 'chr1:.*' (names no contig|is empty)"):
        parse_region(f"chr1:{place}", LENGTHS)
