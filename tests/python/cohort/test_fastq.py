import gzip

import pytest
from deepcohort.cohort.fastq import fastq_problems

READ = "@r1/1 more\nACGT\n+\nIIII\n"


def test_sound_mates_plain_and_compressed(tmp_path):
    (tmp_path / "1.fq").write_text(READ)
    (tmp_path / "2.fq.gz").write_bytes(gzip.compress(READ.replace("/1", "/2").encode()))
    assert fastq_problems([tmp_path / "1.fq", tmp_path / "2.fq.gz"]) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b">r1\nACGT\n", "is no FASTQ"),
        (b"@r1\nACGT\n+\nIII\n", "has 4 bases and 3 qualities"),
        (b"@\nACGT\n+\nIIII\n", "has no name"),
        (gzip.compress(READ.encode(), mtime=0)[:-12], "cannot be read"),
    ],
)
def test_files_that_are_not_sound(tmp_path, text, problem):
    path = tmp_path / "a.fq.gz"
    if text is not None:
        path.write_bytes(text)
    found = fastq_problems([path])
    assert len(found) == 1
    assert problem in found[0]
    assert "\n" not in found[0]


def test_mates_of_another_file(tmp_path):
    (tmp_path / "1.fq").write_text(READ)
    (tmp_path / "2.fq").write_text(READ.replace("r1", "r2"))
    found = fastq_problems([tmp_path / "1.fq", tmp_path / "2.fq"])
    assert len(found) == 1
    assert "begins with read r1/1" in found[0]
