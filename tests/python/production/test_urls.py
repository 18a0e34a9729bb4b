"""Reads at URLs: the same reads as from the file, whatever the server does, or one clear line."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.reads.load import open_reads
from fuzz_server import Fault, serve

DATA = Path(__file__).resolve().parents[2] / "nextflow" / "data" / "reads"
REFERENCE = DATA / "reference.fa"
REGION = Region("chr1", 1000, 5000)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("sample1.bam", "sample1.bam.bai"):
        shutil.copy(DATA / name, folder / name)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def positions(reads: str) -> np.ndarray:
    with open_reads([reads], REFERENCE) as source:
        return source.fetch(REGION).pos


@pytest.mark.parametrize("fault", [Fault("none", 0), Fault("whole", 0)], ids=["sound", "without ranges"])
def test_the_same_reads_as_from_the_file(served: Path, fault: Fault) -> None:
    with serve(served, fault) as url:
        found = positions(f"{url}/sample1.bam")
    assert len(found) > 100
    np.testing.assert_array_equal(found, positions(str(DATA / "sample1.bam")))
    assert not list(Path().iterdir()), "an index was left where the command ran"


@pytest.mark.parametrize("field", ["contigs", "bins", "chunks", "end"])
def test_a_damaged_index_is_refused(served: Path, field: str) -> None:
    """htslib crashes on some of these."""
    index = served / "sample1.bam.bai"
    data = bytearray(index.read_bytes())
    at = {"contigs": 4, "bins": 8, "chunks": 16}.get(field)
    if at is None:
        del data[-20:]
    else:
        struct.pack_into("<i", data, at, -5 if field == "chunks" else 2**30)
    index.write_bytes(data)
    with serve(served) as url, pytest.raises(DeepcohortError, match=r"sample1\.bam\.bai is damaged; index"):
        positions(f"{url}/sample1.bam")


def test_no_index_and_no_file(served: Path) -> None:
    (served / "sample1.bam.bai").unlink()
    with serve(served) as url:
        with pytest.raises(DeepcohortError, match="is not indexed"):
            positions(f"{url}/sample1.bam")
        with pytest.raises(DeepcohortError, match="cannot be read as BAM or CRAM"):
            positions(f"{url}/none.bam")
