"""Whose reads: several samples in one file, names that are missing or differ, one file given twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.reads.checksums import other_sequences
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import groups_of_sample, same_files
from deepcohort.reads.load import open_reads

TWO = (("a1", "A"), ("b1", "B"), ("a2", "A"))
HEADER = ("@HD\tVN:1.6\tSO:coordinate", *(f"@RG\tID:{key}\tSM:{sample}" for key, sample in TWO))


def read(name: str, pos: int, group: str | None) -> str:
    tags = "" if group is None else f"\tNM:i:0\tXS:Z:x\tRG:Z:{group}"
    return f"{name}\t0\tone\t{pos}\t60\t10M\t*\t0\t0\tACGTACGTAC\tIIIIIIIIII{tags}"


MIXED = [read(f"r{i}", 11 + i, TWO[i % 3][0]) for i in range(60)]


def test_groups_are_chosen_by_sample() -> None:
    assert groups_of_sample([("x", TWO)], "") == ([None], [])
    assert groups_of_sample([("x", TWO)], "A") == ([frozenset({"a1", "a2"})], [])
    assert groups_of_sample([("x", (("g", "A"),)), ("y", TWO)], "A")[0] == [None, frozenset({"a1", "a2"})]
    chosen, remarks = groups_of_sample([("x", (("g", "A"),))], "patient")
    assert chosen == [None]
    assert "name A, which is taken for patient" in remarks[0]
    chosen, remarks = groups_of_sample([("x", (("g", ""),))], "patient")
    assert chosen == [None]
    assert "name no sample (SM)" in remarks[0]
    assert groups_of_sample([("x", ())], "patient") == ([None], [])


@pytest.mark.parametrize(
    ("files", "sample", "words"),
    [
        ([("x.bam", TWO)], "C", r"x\.bam: reads of several samples \(A, B\), none is C"),
        ([("x.bam", TWO), ("y.bam", (("g", "B"),))], "A", r"y\.bam holds reads of B, not of A"),
        ([("x.bam", (("a", "A"), ("g", "")))], "A", r"read group g names no sample"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(files, sample: str, words: str) -> None:
    with pytest.raises(DeepcohortError, match=words):
        groups_of_sample(files, sample)


@pytest.mark.parametrize("name", ["mixed.bam", "mixed.cram"])
def test_only_the_samples_reads_come(
    name: str, write_reads: Callable[..., Path], reference_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_reads(MIXED, name, header=HEADER)
    region = Region("one", 0, 200)
    alone = write_reads([x for x in MIXED if "RG:Z:a" in x], f"alone_{name}", header=HEADER)
    with open_reads([alone], reference_path) as source:
        expected = source.fetch(region)
    with open_reads([path], reference_path, ReadsConfig(sample="A")) as source:
        assert source.sample_names == ("A", "B")
        found = source.fetch(region)
    assert len(found) == 40
    for column in ("pos", "flag", "name_hash", "seq", "qual"):
        assert getattr(found, column).tolist() == getattr(expected, column).tolist()
    with open_reads([path], reference_path) as source:
        assert len(source.fetch(region)) == 60


def test_a_read_without_a_group_is_told(write_reads: Callable[..., Path], reference_path: Path) -> None:
    for group in (None, "other"):
        path = write_reads([*MIXED, read("stray", 90, group)], header=HEADER)
        with (
            open_reads([path], reference_path, ReadsConfig(sample="A")) as source,
            pytest.raises(DeepcohortError, match=r"one at one:90 has no read group"),
        ):
            source.fetch(Region("one", 0, 200))


def test_the_same_file_twice(write_reads: Callable[..., Path], reference_path: Path, tmp_path: Path) -> None:
    path = write_reads(MIXED, header=HEADER)
    link = tmp_path / "link.bam"
    link.symlink_to(path)
    (tmp_path / "link.bam.bai").symlink_to(f"{path}.bai")
    for other in (path, link, tmp_path / "." / ".." / tmp_path.name / path.name):
        with pytest.raises(DeepcohortError, match="are the same file; give it once"):
            open_reads([path, other], reference_path)
    assert same_files([path, tmp_path / "none.bam", f"{path}.bai"]) == []


def test_another_sequence_is_told_by_its_checksum(reference_path: Path, tmp_path: Path) -> None:
    import pysam
    from deepcohort.core.io import ReferenceFasta

    with ReferenceFasta(reference_path) as fasta:
        right = fasta.md5("one")[0]
        import hashlib

        text = fasta.fetch_text(Region("one", 0, fasta.contig_lengths["one"]))
        assert right == hashlib.md5(text.encode()).hexdigest()
    path = Path("x.bam")
    assert other_sequences(path, {"one": right}, reference_path, ["one", "two"]) == ([], [])
    problems, _ = other_sequences(path, {"one": right[::-1], "two": "0"}, reference_path, ["one"])
    assert "disagree about one" in problems[0]
    masked = tmp_path / "masked.fa"
    masked.write_text(f">one\n{'N' * 700}{'A' * 300}\n")
    pysam.faidx(str(masked))
    problems, remarks = other_sequences(path, {"one": right}, masked, ["one"])
    assert problems == []
    assert "mostly N" in remarks[0]
