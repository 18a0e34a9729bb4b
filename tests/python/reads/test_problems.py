"""What is wrong with a file is said in one line, with the remedy."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.bgzf import BgzfWriter
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.reads.load import open_reads

READ = "a\t0\tone\t11\t60\t4M\t*\t0\t0\tACGT\t*"


def expect(paths: list[Path], reference_path: Path, *words: str) -> None:
    with pytest.raises(DeepcohortError) as error:
        open_reads(paths, reference_path)
    message = str(error.value)
    for word in words:
        assert word in message
    assert len(message.splitlines()) == len(paths)


def test_missing_file(tmp_path: Path, reference_path: Path):
    expect([tmp_path / "none.bam"], reference_path, "none.bam", "does not exist")


def test_missing_index(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ], index=None)
    expect([path], reference_path, f"{path} is not indexed; run: samtools index {path}")


def test_missing_cram_index(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ], "reads.cram", index=None)
    expect([path], reference_path, "is not indexed; run: samtools index")


def test_neither_bam_nor_cram(tmp_path: Path, reference_path: Path):
    path = tmp_path / "reads.bam"
    path.write_text("@HD\tVN:1.6\n")
    expect([path], reference_path, "neither BAM nor CRAM")
    pysam.tabix_compress(str(path), str(tmp_path / "text.bam"))
    expect([tmp_path / "text.bam"], reference_path, "is not a BAM file")


def test_other_names(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ.replace("one", "chr1")], contigs=[("chr1", 6_000), ("chr2", 6_000)])
    expect([path], reference_path, "chr1, chr2", "one, two", "0 of 2 contigs match")


def test_other_lengths(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ], contigs=[("one", 6_000), ("two", 7_000), ("three", 10)])
    expect([path], reference_path, "two (7000 bp, reference 6000 bp)", "1 of 3 contigs match")


def test_no_contigs(tmp_path: Path, reference_path: Path):
    sam = tmp_path / "reads.sam"
    sam.write_text("@HD\tVN:1.6\nr\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\t*\n")
    path = tmp_path / "reads.bam"
    pysam.view("-b", "-o", str(path), str(sam), catch_stdout=False)
    path.with_suffix(".bam.bai").write_bytes(b"BAI\x01\0\0\0\0")
    expect([path], reference_path, "has no @SQ lines")


def test_header_says_unsorted(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ], header=("@HD\tVN:1.6\tSO:queryname",), index=None)
    expect([path], reference_path, "not sorted by coordinate", "samtools sort")


def test_all_files_are_judged_together(
    write_reads: Callable[..., Path], tmp_path: Path, reference_path: Path
):
    unindexed = write_reads([READ], index=None)
    expect([unindexed, tmp_path / "none.bam"], reference_path, "is not indexed", "does not exist")


def test_truncated(write_reads: Callable[..., Path], reference_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_reads([READ.replace("a\t", f"r{i}\t") for i in range(2_000)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-28])
    expect([path], reference_path, "truncated")
    path.write_bytes(whole[: len(whole) // 2])
    expect([path], reference_path, "truncated")
    # cut within a record, yet with an end-of-file block
    with BgzfWriter(path) as writer:
        writer.write(gzip.decompress(whole)[:-20])
    expect([path], reference_path, "does not belong to")
    monkeypatch.setattr(HtsIndex, "check_fits", lambda *_, **__: None)
    with open_reads([path], reference_path) as source, pytest.raises(DeepcohortError, match="truncated"):
        source.fetch(Region("one", 0, 100))


def test_damaged_block(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ.replace("a\t", f"r{i}\t") for i in range(9_000)])
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with open_reads([path], reference_path) as source, pytest.raises(DeepcohortError, match="damaged"):
        source.fetch(Region("one", 0, 100))


def test_block_that_claims_more_than_it_may(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ.replace("a\t", f"r{i}\t") for i in range(9_000)])
    raw = path.read_bytes()
    end, blocks = 0, []
    while end < len(raw):
        size = int.from_bytes(raw[end + 16 : end + 18], "little") + 1
        blocks.append(bytearray(raw[end : end + size]))
        end += size
    blocks[-3][-4:] = (1 << 31).to_bytes(4, "little")
    path.write_bytes(b"".join(blocks))
    with (
        open_reads([path], reference_path) as source,
        pytest.raises(DeepcohortError, match="2147483648 bytes"),
    ):
        source.fetch(Region("one", 0, 100))


def test_unsorted_records(
    write_reads: Callable[..., Path], reference_path: Path, monkeypatch: pytest.MonkeyPatch
):
    late = READ.replace("\t11\t", "\t500\t")
    path = write_reads([late, READ], header=("@HD\tVN:1.6",), index=None, sort=False)
    good = write_reads([late, READ], "good.bam", header=("@HD\tVN:1.6",))
    path.with_suffix(".bam.bai").write_bytes(good.with_suffix(".bam.bai").read_bytes())
    expect([path], reference_path, "does not belong to")
    monkeypatch.setattr(HtsIndex, "check_fits", lambda *_, **__: None)
    with open_reads([path], reference_path) as source, pytest.raises(DeepcohortError, match="not sorted"):
        source.fetch(Region("one", 0, 6_000))


def test_broken_index(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads([READ])
    index = path.with_suffix(".bam.bai")
    index.write_bytes(b"what is this")
    expect([path], reference_path, "neither a BAI nor a CSI nor a TBI index")
    good = write_reads([READ], "good.bam").with_suffix(".bam.bai").read_bytes()
    index.write_bytes(good[:20])
    expect([path], reference_path, "cut short")


def test_cram_of_another_reference(
    write_reads: Callable[..., Path], reference_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REF_PATH", str(tmp_path / "nowhere" / "%s"))
    monkeypatch.setenv("REF_CACHE", str(tmp_path / "nowhere" / "%s"))
    path = write_reads([READ], "reads.cram")
    other = tmp_path / "other.fa"
    other.write_text(f">one\n{'A' * 6_000}\n>two\n{'C' * 6_000}\n")
    pysam.faidx(str(other))
    with open_reads([path], other) as source, pytest.raises(DeepcohortError, match="reference"):
        source.fetch(Region("one", 0, 100))
