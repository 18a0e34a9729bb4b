"""Indexes held against their files: of another file, lacking contigs, damaged."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta, check_contig_names
from deepcohort.formats.bgzf import check_bgzf_vcf
from deepcohort.formats.hts_index import load_index
from deepcohort.formats.vcf_index import open_vcf_index

HEADER = (
    "##fileformat=VCFv4.3\n##contig=<ID=a>\n##contig=<ID=b>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


def write_vcf(path: Path, contigs: str = "ab", n: int = 4_000, csi: bool = False, seed: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    lines = []
    for contig in contigs:
        for pos in np.sort(rng.integers(1, 900_000, n)):
            lines.append(f"{contig}\t{pos}\t.\tA\tC\t.\t.\tX={rng.integers(1 << 40)}\n")
    with pysam.BGZFile(str(path), "wb") as out:
        out.write((HEADER + "".join(lines)).encode())
    pysam.tabix_index(str(path), preset="vcf", force=True, csi=csi)
    return path


@pytest.mark.parametrize("csi", [False, True])
def test_an_index_of_its_own_file_fits(tmp_path: Path, csi: bool) -> None:
    index = open_vcf_index(write_vcf(tmp_path / "x.vcf.gz", csi=csi))
    assert index.names == ("a", "b")
    first, last = index.span(0)
    assert index.span(1)[0] == last > first
    assert open_vcf_index(write_vcf(tmp_path / "y.vcf.gz", "", csi=csi)).names == ()


@pytest.mark.parametrize("csi", [False, True])
def test_spans_of_many_contigs(tmp_path: Path, csi: bool) -> None:
    """As each contig's chunks say; some have no records, at the ends too."""
    rng = np.random.default_rng(3)
    n = 300
    counts = rng.integers(0, 4, n) * rng.integers(0, 2, n)
    counts[[0, 1, n - 1]] = 0
    path = tmp_path / "x.bam"
    header = {"HD": {"SO": "coordinate"}, "SQ": [{"SN": f"c{k}", "LN": 1_000} for k in range(n)]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for contig, count in enumerate(counts.tolist()):
            for k in range(count):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.query_sequence = f"r{contig}.{k}", "ACGT" * 20
                read.reference_id, read.reference_start, read.cigartuples = contig, 10 * k, [(0, 80)]
                out.write(read)
    pysam.index(*(["-c"] if csi else []), str(path))
    index = load_index(Path(f"{path}{'.csi' if csi else '.bai'}"), "index it again")
    assert index.occupied.tolist() == np.flatnonzero(counts).tolist()
    with pysam.AlignmentFile(str(path)) as file:
        begin, places = file.tell(), {}
        for read in file:
            first, _ = places.get(read.reference_id, (begin, 0))
            begin = file.tell()
            places[read.reference_id] = first, begin
    for contig in range(n):
        span = index.span(contig)
        assert (span is None) == (contig not in places)
        if span is not None:
            assert span[0] == places[contig][0]
            assert span[0] < span[1]


@pytest.mark.parametrize("csi", [False, True])
@pytest.mark.parametrize(
    "other", [{"contigs": "a"}, {"contigs": "b"}, {"n": 2_000}, {"n": 6_000}, {"contigs": ""}]
)
def test_an_index_of_another_file_is_refused(tmp_path: Path, csi: bool, other: dict) -> None:  # fmt: skip
    path = write_vcf(tmp_path / "x.vcf.gz", csi=csi)
    suffix = ".csi" if csi else ".tbi"
    wrong = write_vcf(tmp_path / "y.vcf.gz", csi=csi, **other)
    Path(f"{path}{suffix}").write_bytes(Path(f"{wrong}{suffix}").read_bytes())
    with pytest.raises(DeepcohortError, match=r"does not belong to .*x\.vcf\.gz.*tabix -f -p vcf") as error:
        open_vcf_index(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "columns", [(0, 1, 2, 0, 35, 0), (2, 2, 1, 0, 35, 0), (2, 1, 2, 0, 64, 0), (2, 1, 2, 0, 35, 3)]
)
def test_a_tbi_of_other_columns_is_refused(columns: tuple[int, ...], tmp_path: Path) -> None:
    """htslib finds no record by such an index, and says nothing."""
    path = write_vcf(tmp_path / "x.vcf.gz", n=40)
    index = Path(f"{path}.tbi")
    raw = bytearray(gzip.decompress(index.read_bytes()))
    raw[8:32] = struct.pack("<6i", *columns)
    index.write_bytes(gzip.compress(bytes(raw), mtime=0))
    with pytest.raises(DeepcohortError, match="of other columns than a VCF's"):
        open_vcf_index(path)


@pytest.mark.parametrize("window", [0, 7, 54])
def test_a_tbi_whose_linear_index_skips_records_is_refused(window: int, tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "x.vcf.gz", "a")
    raw = bytearray(gzip.decompress(Path(f"{path}.tbi").read_bytes()))
    n_windows = 900_000 // 16_384 + 1
    assert struct.unpack_from("<i", raw, len(raw) - 8 * n_windows - 12)[0] == n_windows
    at = len(raw) - 8 - 8 * (n_windows - window)  # 8 bytes follow: records without a place
    (bound,) = struct.unpack_from("<Q", raw, at)
    struct.pack_into("<Q", raw, at, bound + (1 << 40))
    Path(f"{path}.tbi").write_bytes(gzip.compress(bytes(raw), mtime=0))
    with pytest.raises(DeepcohortError, match=r"does not follow the file|begins after records"):
        open_vcf_index(path)


def test_a_tbi_that_lacks_a_contig_is_refused(tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "x.vcf.gz")
    raw = bytearray(gzip.decompress(Path(f"{path}.tbi").read_bytes()))
    names = struct.unpack_from("<i", raw, 32)[0]
    struct.pack_into("<i", raw, 4, 1)  # one contig
    struct.pack_into("<i", raw, 32, 2)
    at = 36 + names
    (n_bins,) = struct.unpack_from("<i", raw, at)
    stop = at + 4
    for _ in range(n_bins):
        stop += 8 + 16 * struct.unpack_from("<i", raw, stop + 4)[0]
    stop += 4 + 8 * struct.unpack_from("<i", raw, stop)[0]
    Path(f"{path}.tbi").write_bytes(gzip.compress(bytes(raw[:36] + b"a\0" + raw[at:stop])))
    with pytest.raises(DeepcohortError, match=r"does not belong to .* leaves out the records"):
        open_vcf_index(path)


@pytest.mark.parametrize("csi", [False, True])
def test_damaged_indexes_end_in_one_line_or_fit(tmp_path: Path, csi: bool) -> None:
    path = write_vcf(tmp_path / "x.vcf.gz", n=300, csi=csi)
    beside = Path(f"{path}{'.csi' if csi else '.tbi'}")
    sound = open_vcf_index(path)
    spans = [sound.span(i) for i in range(2)]
    raw = gzip.decompress(beside.read_bytes())
    rng = np.random.default_rng(3)
    complaints = []
    for _ in range(150):
        malformed = bytearray(raw)
        at = int(rng.integers(len(malformed)))
        malformed[at] ^= int(rng.integers(1, 256))
        beside.write_bytes(gzip.compress(bytes(malformed)))
        try:
            index = open_vcf_index(path)
        except DeepcohortError as error:
            complaints.append(str(error))
        else:
            assert [index.span(i) for i in range(2)] == spans
    assert len(complaints) > 50
    assert not any("\n" in complaint for complaint in complaints)


def test_what_is_no_bgzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf.gz"
    for data, words in (
        (b"", "is empty"),
        (b"##fileformat=VCFv4.3\n", "is not bgzip-compressed; run: bgzip"),
        (gzip.compress(b"##fileformat=VCFv4.3\n"), "is compressed by gzip, not bgzip"),
    ):
        path.write_bytes(data)
        with pytest.raises(DeepcohortError, match=words):
            check_bgzf_vcf(path)
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(b"BCF\2\2rest")
    with pytest.raises(DeepcohortError, match="is BCF, not VCF"):
        check_bgzf_vcf(path)


FASTA = ">a x\nACGTAC\nGTACGT\nAC\n>b\nGGGGGG\nTTT\n>c\nACG\n"


@pytest.mark.parametrize(
    "other",
    [
        FASTA.replace("\nACGTAC\nGTACGT\nAC\n", "\nACGTACGTACGT\nAC\n"),  # another width
        FASTA.replace(">a", ">d"),
        FASTA.replace("GTACGT\n", "GTACGT\nAAAAAA\n"),  # longer
        FASTA.removesuffix(">c\nACG\n"),
        ">z\nAC\n" + FASTA,
        FASTA + ">d\nAC\n",
    ],
)
def test_a_fai_of_another_file_is_refused(tmp_path: Path, other: str) -> None:
    path, wrong = tmp_path / "x.fa", tmp_path / "y.fa"
    path.write_text(FASTA)
    wrong.write_text(other)
    pysam.faidx(str(path))
    with ReferenceFasta(path) as fasta:
        assert fasta.contig_lengths == {"a": 14, "b": 9, "c": 3}
    pysam.faidx(str(wrong))
    Path(f"{path}.fai").write_bytes(Path(f"{wrong}.fai").read_bytes())
    with pytest.raises(DeepcohortError, match=r"does not belong to .*x\.fa; run: samtools faidx"):
        ReferenceFasta(path)


def test_names_that_vcf_cannot_hold(tmp_path: Path) -> None:
    check_contig_names(tmp_path, ["chr1", "HLA-A*01:01:01:01", "gi|1|x", "a=b", "a;b", "a%b"])
    for name in ("a,b", "<x>", "a>", "*x", "=x", 'a"b', "a{b"):
        with pytest.raises(DeepcohortError, match="SAM and VCF cannot hold"):
            check_contig_names(tmp_path, ["chr1", name])
