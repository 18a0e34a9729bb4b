"""Indexes of bgzipped references: of another file, cut, or spoilt anywhere, they are refused or do no harm."""

import random
import shutil
from pathlib import Path

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region

CONTIGS = (("one", 150_000), ("two", 70_001), ("three", 59))


def write(folder: Path, seed: int, width: int = 60) -> tuple[Path, dict[str, str]]:
    """A bgzipped reference of three contigs in some five blocks, with .fai and .gzi, and its sequences."""
    rng = random.Random(seed)
    bases = {name: "".join(rng.choice("ACGT") for _ in range(bp)) for name, bp in CONTIGS}
    folder.mkdir(exist_ok=True)
    path = folder / "x.fa.gz"
    with pysam.BGZFile(str(path), "wb") as out:
        for name, text in bases.items():
            lines = [text[at : at + width] for at in range(0, len(text), width)]
            out.write(f">{name} remark\n{chr(10).join(lines)}\n".encode())
    pysam.faidx(str(path))
    return path, bases


def read(path: Path) -> dict[str, str]:
    with ReferenceFasta(path) as fasta:
        return {name: fasta.fetch_text(Region(name, 0, bp)) for name, bp in fasta.contig_lengths.items()}


def test_the_file_itself(tmp_path: Path) -> None:
    path, bases = write(tmp_path / "a", 1)
    assert read(path) == bases


@pytest.mark.parametrize("suffix", [".fai", ".gzi"])
@pytest.mark.parametrize("width", [60, 50])
def test_the_index_of_another_file(suffix: str, width: int, tmp_path: Path) -> None:
    path, _ = write(tmp_path / "a", 1)
    other, _ = write(tmp_path / "b", 2, width)
    if suffix == ".fai" and width == 60:
        Path(f"{other}.fai").write_text(Path(f"{other}.fai").read_text().replace("two", "2"))
    shutil.copy(f"{other}{suffix}", f"{path}{suffix}")
    with pytest.raises(
        DeepcohortError, match=rf"index .*x\.fa\.gz{suffix} does not belong to .*run: samtools faidx"
    ):
        read(path)


def test_a_longer_file_than_its_index(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "a", 1)
    longer = tmp_path / "b.fa.gz"
    with pysam.BGZFile(str(longer), "wb") as out, pysam.BGZFile(str(path), "rb") as source:
        out.write(source.read() + b">four\nACGT\n")
    for suffix in (".fai", ".gzi"):
        shutil.copy(f"{path}{suffix}", f"{longer}{suffix}")
    with pytest.raises(DeepcohortError, match="does not belong to"):
        read(longer)


@pytest.mark.parametrize("suffix", [".fai", ".gzi"])
def test_any_spoilt_byte(suffix: str, tmp_path: Path) -> None:
    path, bases = write(tmp_path / "a", 1)
    index = Path(f"{path}{suffix}")
    sound, rng, told = index.read_bytes(), random.Random(7), []
    for _ in range(150):
        data = bytearray(sound)
        at = rng.randrange(len(data))
        if rng.random() < 0.7:
            data[at] ^= 1 << rng.randrange(8)
        else:
            del data[at : at + rng.choice((1, 8, 16))]
        index.write_bytes(data)
        try:
            assert read(path) == bases
        except DeepcohortError as error:
            told.append(str(error))
    assert len(told) > 120
    assert not [line for line in told if "\n" in line]


@pytest.mark.parametrize("name", ["x.fa", "x.fa.gz", "x.fa.bgz", "x.fasta.bgzf"])
@pytest.mark.parametrize("remark", ["5'->3' > [x]", ">", "y" * 5_000, "y" * 40_000 + ">", "\ty"])
def test_titles_and_names_of_files_as_others_write_them(name: str, remark: str, tmp_path: Path) -> None:
    path = tmp_path / name
    text = "".join(f">{contig} {remark}\n{'ACGTAC' * 10}\nACGT\n" for contig in ("one", "two"))
    if name == "x.fa":
        path.write_text(text)
    else:
        with pysam.BGZFile(str(path), "wb") as out:
            out.write(text.encode())
    pysam.faidx(str(path))
    assert read(path) == dict.fromkeys(("one", "two"), "ACGTAC" * 10 + "ACGT")


def test_a_bgzipped_file_of_any_name_needs_its_gzi(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "a", 1)
    other = tmp_path / "x.fa.bgz"
    shutil.copy(path, other)
    shutil.copy(f"{path}.fai", f"{other}.fai")
    with pytest.raises(DeepcohortError, match=r"x\.fa\.bgz lacks its \.gzi index"):
        read(other)
