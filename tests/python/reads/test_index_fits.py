"""Indexes that leave reads out: every field of a BAI, CSI or CRAI spoilt is refused, or loses nothing."""

import gzip
import random
import shutil
import struct
from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.reads.load import open_reads

CONTIGS = (("one", 120_000), ("none", 5_000), ("two", 80_000))
EXTREMES = (0, 1, 2, 255, 65_536, 2**20, 2**31 - 1, -1, -(2**31))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ref.fa; reads.bam with .bai, csi.bam with .csi, reads.cram with .crai: 900 reads of two contigs, one empty."""
    folder = tmp_path_factory.mktemp("indexed")
    rng = random.Random(5)
    text = {name: "".join(rng.choice("ACGT") for _ in range(bp)) for name, bp in CONTIGS}
    (folder / "ref.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in text.items()))
    pysam.faidx(str(folder / "ref.fa"))
    lines = ["@HD\tVN:1.6\tSO:coordinate", *(f"@SQ\tSN:{n}\tLN:{bp}" for n, bp in CONTIGS), "@RG\tID:a\tSM:s"]
    for tid in (0, 2):
        name, bp = CONTIGS[tid]
        for number, at in enumerate(sorted(rng.randrange(bp - 200) for _ in range(450))):
            quals = "".join(chr(33 + rng.randrange(20, 40)) for _ in range(150))
            lines.append(
                f"r{number}\t0\t{name}\t{at + 1}\t60\t150M\t*\t0\t0\t{text[name][at : at + 150]}\t{quals}\tRG:Z:a"
            )
    (folder / "x.sam").write_text("\n".join(lines) + "\n")
    pysam.view("-b", "-o", str(folder / "reads.bam"), str(folder / "x.sam"), catch_stdout=False)
    pysam.index(str(folder / "reads.bam"))
    shutil.copy(folder / "reads.bam", folder / "csi.bam")
    pysam.index("-c", str(folder / "csi.bam"))
    pysam.view("-C", "-T", str(folder / "ref.fa"), "--output-fmt-option", "seqs_per_slice=50",
               "-o", str(folder / "reads.cram"), str(folder / "x.sam"), catch_stdout=False)  # fmt: skip
    pysam.index(str(folder / "reads.cram"))
    return folder


WINDOWS = [
    Region(name, start, min(start + 20_000, bp)) for name, bp in CONTIGS for start in range(0, bp, 20_000)
]


def positions(reads: Path, folder: Path, windows: list[Region] = WINDOWS) -> list[list[int]]:
    with open_reads([reads], folder / "ref.fa") as source:
        return [source.fetch(window).pos.tolist() for window in windows]


def spoilt_numbers(rng: random.Random, data: bytes, n: int) -> list[bytes]:
    """`data` with one 4-byte number changed, a stretch cut out, or a bit flipped."""
    found = []
    for _ in range(n):
        out = bytearray(data)
        at = 4 * rng.randrange(len(data) // 4)
        kind = rng.randrange(6)
        if kind <= 2:
            struct.pack_into("<i", out, at, rng.choice(EXTREMES))
        elif kind == 3:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 4:
            out[at + 2] ^= 1 << rng.randrange(8)
        else:
            del out[at : at + rng.choice((4, 8, 16, 200))]
        found.append(bytes(out))
    return found


@pytest.mark.parametrize("kind", ["bai", "csi"])
def test_no_spoilt_bam_index_loses_a_read(kind: str, inputs: Path, tmp_path: Path):
    bam = inputs / ("reads.bam" if kind == "bai" else "csi.bam")
    wanted = positions(bam, inputs)
    assert sum(map(len, wanted)) >= 900
    raw = Path(f"{bam}.{kind}").read_bytes()
    raw = gzip.decompress(raw) if kind == "csi" else raw
    shutil.copy(bam, tmp_path / "x.bam")
    refused, lost = [], []
    for number, data in enumerate(spoilt_numbers(random.Random(3), raw, 400)):
        (tmp_path / f"x.bam.{kind}").write_bytes(data if kind == "bai" else gzip.compress(data, 1))
        try:
            if positions(tmp_path / "x.bam", inputs) != wanted:
                lost.append(number)
        except DeepcohortError as error:
            refused.append(str(error))
    assert not lost
    assert len(refused) > 200  # the others are read rightly in spite of them
    assert not [line for line in refused if "\n" in line]


def numbered(data: bytearray, old: int, new: int) -> bytes:
    """A BAI of which each bin of the number `old` has the number `new`."""
    return bytes(data).replace(struct.pack("<I", old), struct.pack("<I", new))


@pytest.mark.parametrize("new", [577, 587, 4681])
def test_a_bin_of_another_number_loses_nothing(new: int, inputs: Path, tmp_path: Path):
    wanted = positions(inputs / "reads.bam", inputs)
    shutil.copy(inputs / "reads.bam", tmp_path / "x.bam")
    raw = bytearray((inputs / "reads.bam.bai").read_bytes())
    assert raw.count(struct.pack("<I", 585)) == 2  # the reads of each contig lie in one bin of 128 kb
    (tmp_path / "x.bam.bai").write_bytes(numbered(raw, 585, new))
    assert positions(tmp_path / "x.bam", inputs) == wanted


def test_an_index_that_gives_a_contig_anothers_reads(inputs: Path, tmp_path: Path):
    shutil.copy(inputs / "reads.bam", tmp_path / "x.bam")
    raw = (inputs / "reads.bam.bai").read_bytes()
    # the last bound of `one` taken out: what follows belongs to the contig before
    at = raw.index(struct.pack("<iii", 0, 0, 2))  # `none` is empty; `two` has two bins
    assert struct.unpack_from("<Q", raw, at - 8)[0] > 1 << 16
    (tmp_path / "x.bam.bai").write_bytes(raw[: at - 8] + raw[at:])
    for window in (Region("none", 0, 5_000), Region("two", 0, 20_000)):
        with pytest.raises(DeepcohortError, match=r"where no record of \w+ begins.*run: samtools index"):
            positions(tmp_path / "x.bam", inputs, [window])


def test_a_bound_within_a_record_is_told(inputs: Path, tmp_path: Path):
    shutil.copy(inputs / "reads.bam", tmp_path / "x.bam")
    raw = bytearray((inputs / "reads.bam.bai").read_bytes())
    at = len(raw) - 16  # the last bound of `two`, before the number of unplaced reads
    struct.pack_into("<Q", raw, at, struct.unpack_from("<Q", raw, at)[0] + 8)
    (tmp_path / "x.bam.bai").write_bytes(raw)
    with pytest.raises(DeepcohortError, match=r"does not belong to .*where no record of two begins"):
        positions(tmp_path / "x.bam", inputs, [Region("two", 70_000, 80_000)])


def test_unmapped_reads_before_the_first_bound(inputs: Path, tmp_path: Path):
    """Samtools before 1.0 left them out of the linear index: such an index is sound."""
    wanted = positions(inputs / "reads.bam", inputs)
    shutil.copy(inputs / "reads.bam", tmp_path / "x.bam")
    raw = bytearray((inputs / "reads.bam.bai").read_bytes())
    at = len(raw) - 8 - 8 * 5  # the five bounds of `two`
    assert struct.unpack_from("<i", raw, at - 4)[0] == 5
    raw = (
        raw[: at - 4] + struct.pack("<i", 4) + raw[at:-16] + raw[-8:]
    )  # the last window was one of unmapped reads
    (tmp_path / "x.bam.bai").write_bytes(raw)
    assert positions(tmp_path / "x.bam", inputs) == wanted


def test_an_empty_files_index_beside_a_full_file(inputs: Path, tmp_path: Path):
    shutil.copy(inputs / "reads.bam", tmp_path / "x.bam")
    header = [line for line in (inputs / "x.sam").read_text().splitlines() if line.startswith("@")]
    (tmp_path / "e.sam").write_text("\n".join(header) + "\n")
    pysam.view("-b", "-o", str(tmp_path / "e.bam"), str(tmp_path / "e.sam"), catch_stdout=False)
    pysam.index(str(tmp_path / "e.bam"), str(tmp_path / "x.bam.bai"))
    with pytest.raises(DeepcohortError, match=r"it leaves out the records .*run: samtools index .*x\.bam"):
        positions(tmp_path / "x.bam", inputs)


def test_an_index_of_a_longer_file(inputs: Path, tmp_path: Path):
    lines = (inputs / "x.sam").read_text().splitlines()
    (tmp_path / "short.sam").write_text("\n".join(lines[:-100]) + "\n")
    pysam.view("-b", "-o", str(tmp_path / "short.bam"), str(tmp_path / "short.sam"), catch_stdout=False)
    shutil.copy(inputs / "reads.bam.bai", tmp_path / "short.bam.bai")
    with pytest.raises(DeepcohortError, match=r"does not belong to .*points beyond the end"):
        positions(tmp_path / "short.bam", inputs)


def test_a_csi_of_impossible_depth_ends_at_once(inputs: Path, tmp_path: Path):
    shutil.copy(inputs / "csi.bam", tmp_path / "x.bam")
    raw = bytearray(gzip.decompress((inputs / "csi.bam.csi").read_bytes()))
    struct.pack_into("<i", raw, 8, 0x400000)
    (tmp_path / "x.bam.csi").write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(DeepcohortError, match=r"is damaged: .*run: samtools index"):
        positions(tmp_path / "x.bam", inputs)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda lines: lines[:-1], "leaves out or misplaces"), (lambda lines: lines[1:], "leaves out or misplaces"), (lambda lines: lines[:3] + lines[4:], "leaves out or misplaces"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "leaves out or misplaces"), (lambda lines: [*lines, lines[-1] + "\t1"], "is damaged"),
        (lambda lines: ["7" + lines[0][1:], *lines[1:]], "leaves out or misplaces"), (lambda lines: [*lines[:2], "x", *lines[3:]], "is damaged"),
    ],
)  # fmt: skip
def test_a_crai_that_leaves_reads_out(edit, told: str, inputs: Path, tmp_path: Path):
    assert positions(inputs / "reads.cram", inputs, WINDOWS[:1])[0]
    shutil.copy(inputs / "reads.cram", tmp_path / "x.cram")
    lines = gzip.decompress((inputs / "reads.cram.crai").read_bytes()).decode().splitlines()
    assert len(lines) > 10
    (tmp_path / "x.cram.crai").write_bytes(gzip.compress(("\n".join(edit(lines)) + "\n").encode()))
    with pytest.raises(DeepcohortError, match=told):
        positions(tmp_path / "x.cram", inputs, WINDOWS[:1])


@pytest.mark.parametrize("times", [2, 3])
def test_a_cram_that_ends_more_than_once(times: int, inputs: Path, tmp_path: Path):
    """As `samtools reheader` leaves it: the container that ends the file stands there again."""
    raw = (inputs / "reads.cram").read_bytes()
    (tmp_path / "x.cram").write_bytes(raw + (times - 1) * raw[-38:])
    pysam.index(str(tmp_path / "x.cram"))
    assert positions(tmp_path / "x.cram", inputs) == positions(inputs / "reads.cram", inputs)
    (tmp_path / "x.cram").write_bytes(raw[:4])
    with pytest.raises(DeepcohortError):
        positions(tmp_path / "x.cram", inputs)
    (tmp_path / "x.cram").write_bytes(raw[: -38 - 60] + times * raw[-38:])
    with pytest.raises(DeepcohortError, match="leaves out or misplaces"):
        positions(tmp_path / "x.cram", inputs)
