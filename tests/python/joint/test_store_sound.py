"""Stores that unpack without end, or whose names break what carries them; a cohort VCF that breaks off."""

import json
import struct
import zlib
from pathlib import Path

import pytest
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.io_store import CohortStore
from deepcohort.joint.pedigree import Pedigree
from deepcohort.report.cohort import write_cohort_stats
from joint_helpers import block, het, write_gvcf, write_reference

TAIL = struct.Struct("<qqqq8s")


def written(path: Path, header: dict[str, object], table: bytes, chunk: bytes) -> Path:
    """A store of one chunk with this header and table, as a hand would write it that knows the format."""
    body = b"DCSTORE1" + chunk
    packed_table, packed_header = zlib.compress(table, 9), zlib.compress(json.dumps(header).encode(), 9)
    at = len(body)
    tail = TAIL.pack(at, len(packed_table), at + len(packed_table), len(packed_header), b"DCSTORE1")
    path.write_bytes(body + packed_table + packed_header + tail)
    return path


def header(**changes: object) -> dict[str, object]:
    return {
        "format": 1, "written_by": "deepcohort x", "samples": ["a"], "contigs": [["c1", 100]], "regions": [["c1", 0, 100]], "pad_bp": 0,
        "pedigree": [], **changes,
    }  # fmt: skip


def row(chunk: bytes, head_bytes: int) -> bytes:
    return struct.pack("<7q", 0, 0, 100, 8, len(chunk), head_bytes, zlib.crc32(chunk))


def test_headers_tables_and_chunks_are_bounded(tmp_path: Path):
    bomb = zlib.compress(bytes(160 << 20), 9)  # 160 kB
    for number, (about, table, chunk) in enumerate((
        (header(samples=["a"], more="x" * (65 << 20)), row(bomb, 24), bomb),
        (header(samples=["a"], more=[[]] * 4_000_001), row(bomb, 24), bomb),
        (header(), bytes(40 << 20), b"x" * 1000),
    )):  # fmt: skip
        with pytest.raises(DeepcohortError, match="is damaged") as error:
            CohortStore(written(tmp_path / f"{number}.store", about, table, chunk))
        assert "\n" not in str(error.value)
    store = CohortStore(written(tmp_path / "chunk.store", header(), row(bomb, 24), bomb))
    with pytest.raises(DeepcohortError, match="unpacks to more than"):
        store.read(Region("c1", 0, 100), 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": ["a\n##evil"]}, {"samples": ["a\tb"]}, {"contigs": [["c1\n", 100]], "regions": [["c1\n", 0, 100]]},
        {"pedigree": [["f\t1", "a", "0", "0", "XX"]]}, {"pedigree": [["f", "a", "b\n", "0", "XX"]]}, {"pedigree": [["f", "a"]]}, {"pedigree": [[1, 2, 3, 4, 5]]},
    ],
    ids=str,
)  # fmt: skip
def test_names_that_would_inject_lines(changes: dict[str, object], tmp_path: Path):
    chunk = zlib.compress(bytes(24))
    with pytest.raises(DeepcohortError, match="is damaged") as error:
        CohortStore(written(tmp_path / "x.store", header(**changes), row(chunk, 24), chunk))
    assert "\n" not in str(error.value)


def test_a_folder_is_no_store(tmp_path: Path):
    with pytest.raises(DeepcohortError, match="is no file"):
        CohortStore(tmp_path)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    write_reference(tmp_path)
    paths = [write_gvcf(tmp_path, name, [block(1, 20), het(21, "A", "G"), block(22, 300)]) for name in "ab"]
    pedigree = Pedigree({"c": ("a", "x")}, {}, {"a": "f", "c": "f", "x": "f"})
    summary = genotype_cohort(
        paths, tmp_path / "ref.fa", tmp_path / "o.vcf.gz", pedigree=pedigree, config=JointConfig(), quiet=True
    )
    assert any("2 of 3 rows of the pedigree name no sample here (c, x)" in line for line in summary.warnings)
    return tmp_path / "o.vcf.gz"


def test_stats_are_whole_or_not_there(cohort: Path, tmp_path: Path):
    import gzip

    text = gzip.decompress(cohort.read_bytes()).decode()
    (tmp_path / "bad.vcf").write_text(text.replace("\t0/1:", "\t0/1/1/1:") + "c1\tx\n")
    with pytest.raises(
        DeepcohortError, match=r"bad\.vcf is damaged at|is damaged|holds a line that is no VCF record"
    ) as error:
        write_cohort_stats(tmp_path / "bad.vcf", tmp_path / "stats", quiet=True)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "stats").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(DeepcohortError, match="name a folder"):
        write_cohort_stats(cohort, tmp_path / "file", quiet=True)
    write_cohort_stats(cohort, tmp_path / "stats", quiet=True)
    assert {"samples.tsv", "cohort.json"} <= {p.name for p in (tmp_path / "stats").iterdir()}
    assert not list((tmp_path / "stats").glob(".tmp*"))


def test_sample_names_of_gvcfs(tmp_path: Path):
    write_reference(tmp_path)
    path = write_gvcf(tmp_path, "a", [block(1, 300)])
    import gzip

    import pysam

    text = gzip.decompress(Path(path).read_bytes()).decode().replace("FORMAT\ta\n", "FORMAT\ta\u200b\n")
    (tmp_path / "odd.g.vcf").write_text(text)
    pysam.tabix_index(str(tmp_path / "odd.g.vcf"), preset="vcf", force=True)
    with pytest.raises(InputProblems, match=r"U\+200B"):
        genotype_cohort([tmp_path / "odd.g.vcf.gz"], tmp_path / "ref.fa", tmp_path / "o.vcf.gz", quiet=True)
