"""Headers of VCF files as others write them, and files that have none."""

from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.formats.vcf_text import _READ_BYTES, UNKNOWN_LENGTH, VcfTextReader, read_header_lines

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
RECORD = b"c1\t5\t.\tA\tC\t.\t.\t.\n"


def write(folder: Path, line: str, records: bytes = RECORD) -> Path:
    path = folder / "x.vcf.gz"
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(f"##fileformat=VCFv4.2\n{line}\n{COLUMNS}\n".encode() + records)
    return path


@pytest.mark.parametrize(
    ("line", "length"),
    [
        ("##contig=<ID=c1,length=20>", 20),
        ("##contig=<length=20,ID=c1>", 20),
        ("##contig=<ID=c1,URL=ftp://host/x?length=7,length=20>", 20),
        ("##contig=<ID=c1,wavelength=7,length=20>", 20),
        ('##contig=<ID=c1,assembly="length=7">', UNKNOWN_LENGTH),
        ("##contig=<ID=c1>", UNKNOWN_LENGTH),
    ],
)
def test_lengths_of_contigs_are_those_of_their_key(line: str, length: int, tmp_path: Path):
    reader = VcfTextReader(write(tmp_path, line))
    assert reader.header.contig_lengths == {"c1": length}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"##INFO=<ID=X,Number={'9' * 20},Type=Integer,Description=x>", "no Number, or one that VCF does not have"),
        (f"##contig=<ID=c1,length={'9' * 18}>", "a length that no contig has"),
        ("##contig=<ID=c1,length=\u0661\u0662>", "a length that is no number"),
        ("##contig=<ID=c1,length=20>\n##deepcohort_region=c1:,", "names no place of its contigs"),
        ("##contig=<ID=c1,length=20>\n##deepcohort_region=c2:1-5", "names no place of its contigs"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be(line: str, told: str, tmp_path: Path):
    with pytest.raises(DeepcohortError, match=rf"x\.vcf\.gz has a malformed VCF header: .*{told}"):
        check_vcf(write(tmp_path, line))


def test_a_contig_that_is_no_text(tmp_path: Path):
    path = write(tmp_path, "##contig=<ID=c1,length=20>", b"\xff" + RECORD)
    with pytest.raises(DeepcohortError, match=r"x\.vcf\.gz has a CHROM that is no text"):
        check_vcf(path)


@pytest.mark.parametrize("begin", [b">c1\n", b"##gff-version 3\n", b"\n\n"])
def test_a_file_without_a_header_is_not_read_to_its_end(
    begin: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "x.vcf"
    path.write_bytes(begin + b"ACGTACGTACGTACG\n" * (3 * _READ_BYTES // 16))
    n_read = []
    read = VcfTextReader._read
    monkeypatch.setattr(VcfTextReader, "_read", lambda self: n_read.append(1) or read(self))
    with pytest.raises(DeepcohortError, match=r"no VCF header|blank line"):
        VcfTextReader(path)
    assert len(n_read) == 1


def test_the_same_of_a_bgzipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "x.gff.gz"
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(b"##gff-version 3\n" + b"c1\tgene\n" * 100_000)
    from deepcohort.formats import vcf_text

    n_blocks = []
    blocks = vcf_text.inflate_blocks
    monkeypatch.setattr(
        vcf_text, "inflate_blocks", lambda *args: (n_blocks.append(1) or block for block in blocks(*args))
    )
    with pytest.raises(DeepcohortError, match="no VCF header"):
        read_header_lines(path)
    assert len(n_blocks) == 1
