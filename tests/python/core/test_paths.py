"""URLs survive pathlib; local paths are left alone."""

from pathlib import Path

import pytest
from deepcohort.core.paths import is_remote, location


@pytest.mark.parametrize(
    ("given", "text", "remote"),
    [
        ("s3://bucket/a b.bam", "s3://bucket/a b.bam", True),
        (Path("s3://bucket/a.bam"), "s3://bucket/a.bam", True),
        (Path("https://host:80/x//a.bam"), "https://host:80/x/a.bam", True),
        (Path("gs:/bucket/a.bam"), "gs://bucket/a.bam", True),
        ("/data/s3:/a.bam", "/data/s3:/a.bam", False),
        (Path("reads/a.bam"), "reads/a.bam", False),
        ("c:/a.bam", "c:/a.bam", False),
    ],
)
def test_location(given: str | Path, text: str, remote: bool) -> None:
    assert location(given) == text
    assert is_remote(given) is remote
