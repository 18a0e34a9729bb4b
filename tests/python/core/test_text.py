"""Text that users hand in: plain or gzipped UTF-8, else one clear line from whatever reads it."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from deepcohort.calls.merge import merge_files
from deepcohort.calls.ploidy import read_ploidy_bed
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.text import text_of
from deepcohort.evaluate.callset_qc import trios_of
from deepcohort.formats.bed import read_bed
from deepcohort.joint.inputs import listed_files
from deepcohort.joint.pedigree import read_pedigree, read_sexes
from deepcohort.model.config import read_config

LENGTHS = {"c1": 100}
READERS: dict[str, Callable[[Path], object]] = {
    "text": text_of,
    "regions": lambda path: read_bed(path, LENGTHS),
    "ploidy": lambda path: read_ploidy_bed(path, LENGTHS),
    "pedigree": read_pedigree,
    "trios": trios_of,
    "sexes": read_sexes,
    "list": lambda path: listed_files([], path, "--gvcf-list"),
    "merge": lambda path: merge_files([], path, path.with_name("o.vcf.gz"), None),
    "settings": read_config,
}
SPOILT = {
    "latin-1": (
        "c1\t0\t10\tcaf\u00e9\n".encode("latin-1"),
        r"is no UTF-8 text \(byte 11: .*\); save it as UTF-8",
    ),
    "cut gzip": (gzip.compress(b"c1\t0\t10\n" * 99)[:20], r"is a damaged gzip file \("),
    "spoilt gzip": (gzip.compress(b"c1\t0\t10\n")[:10] + b"\xff" * 30, r"is a damaged gzip file \("),
    "gzip checksum": (gzip.compress(b"c1\t0\t10\n")[:-8] + bytes(8), r"is a damaged gzip file \("),
}


@pytest.mark.parametrize("malformed", SPOILT)
@pytest.mark.parametrize("reader", READERS)
def test_text_that_is_none(tmp_path, reader, malformed):
    path = tmp_path / "x.txt"
    data, message = SPOILT[malformed]
    path.write_bytes(data)
    with pytest.raises(DeepcohortError, match=rf"x\.txt {message}") as error:
        READERS[reader](path)
    assert "\n" not in str(error.value)


def test_a_folder_and_a_missing_file(tmp_path):
    with pytest.raises(DeepcohortError, match=r"cannot be read: Is a directory"):
        text_of(tmp_path)
    with pytest.raises(DeepcohortError, match=r"absent cannot be read: No such file"):
        text_of(tmp_path / "absent")


def test_gzipped_and_plain_say_the_same(tmp_path):
    path = tmp_path / "x.bed"
    for data in (b"c1\t0\t10\n", gzip.compress(b"c1\t0\t10\n")):
        path.write_bytes(data)
        assert text_of(path) == "c1\t0\t10\n"


def test_digits_of_other_kinds_are_no_numbers(tmp_path):
    """int() refuses superscripts, which str.isdigit accepts."""
    path = tmp_path / "x.bed"
    path.write_text("c1\t0\t\u00b2\t1\n")
    with pytest.raises(DeepcohortError, match=r"x\.bed line 1"):
        read_ploidy_bed(path, LENGTHS)
