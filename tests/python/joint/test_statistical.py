"""Statistical phase by Beagle: genotypes stay, read blocks win, families stay; a real run where it is installed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.cli.phase import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.joint import io_beagle
from deepcohort.joint.io_beagle import PhaseOptions, phase_cohort
from deepcohort.joint.pedigree import Pedigree
from deepcohort.joint.statistical import BlockVotes, PhaserLines, phased_lines, phaser_input, read_chunk
from typer.testing import CliRunner

HEADER = """##fileformat=VCFv4.3
##FILTER=<ID=LowQual,Description="l">
##FORMAT=<ID=GT,Number=1,Type=String,Description="g">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="q">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="s">
##FORMAT=<ID=PQ,Number=1,Type=Integer,Description="q">
##contig=<ID=c1,length=2000000>
##contig=<ID=c2,length=2000000>
##deepcohort_region=c1:1-1000000
##deepcohort_region=c2:1-5000
"""
needs_beagle = pytest.mark.skipif(shutil.which("beagle") is None, reason="beagle is not installed")


def chunk(*lines: str):
    text = "".join(line.replace(" ", "\t") + "\n" for line in lines)
    return read_chunk(text.encode(), len(lines[0].split()) - 9, 0)


def test_input_of_the_phaser():
    """PASS lines with a heterozygote of the chosen; half-calls missing, one copy as two, no phase."""
    given = chunk(
        "c1 5 rs A C 9 PASS AC=1 GT:GQ 0/1:3 ./1:. 1 0|1",
        "c1 6 . A C,G 9 . . GT 1|2 . ./. 0/0",
        "c1 7 . A C 9 LowQual . GT 0/1 0/1 0/1 0/1",
        "c1 8 . A C 9 PASS . GT 0/0 0/1 1 0/0",
    )
    text, n = phaser_input(given, np.array([0, 2, 3]))
    rows = [line.split("\t") for line in text.decode().splitlines()]
    assert n == 2
    assert rows[0] == ["c1", "5", "0", "A", "C", ".", "PASS", ".", "GT", "0/1", "1/1", "0/1"]
    assert rows[1] == ["c1", "6", "1", "A", "C,G", ".", "PASS", ".", "GT", "1/2", "./.", "0/0"]


def test_cells_may_be_as_short_as_can_be():
    """One copy becomes two, and values left out are filled in: there is room for both."""
    cells = " ".join(["0/1", *["."] * 400, *["12"] * 400])
    given = chunk(f"c1 5 . A {','.join('CGT' for _ in range(12))} 9 PASS . GT {cells}")
    text, n = phaser_input(given, np.arange(801))
    assert n == 1
    assert text.decode().split("\t")[9:] == ["0/1", *["./."] * 400, *["12/12"] * 399, "12/12\n"]
    keys = ":".join(["GT", *[f"X{i}" for i in range(40)]])
    given = chunk(f"c1 5 . A C 9 PASS . {keys} {' '.join(['0/1'] * 50)}")
    text = phased_lines(given, np.ones((1, 50), np.int8))
    assert text.decode().rstrip().split("\t")[9:] == ["1|0" + 40 * ":." + ":1:."] * 50


def test_phase_is_taken_and_reads_win():
    """Worked by hand: an unphased genotype, a block that is turned, one that contradicts in the minority."""
    given = chunk(
        "c1 10 . A C 9 PASS . GT:GQ:PS:PQ 0/1:7 0|1:7:10:30",
        "c1 20 . A C 9 PASS . GT:GQ:PS:PQ 0/1:7:.:. 1|0:7:10:31",
        "c1 30 . A C 9 PASS . GT:GQ:PS:PQ 0/1:7 1|0:7:10:32",
        "c1 40 . A C 9 PASS . GT:GQ 0/1 0/1",
        "c1 50 . A C 9 PASS . GT:GQ:PS:PQ 0/1:7 0|1:7:50:33",
    )
    beagle = chunk(
        "c1 10 0 A C . PASS . GT 0|1 1|0",
        "c1 20 1 A C . PASS . GT 1|0 0|1",
        "c1 30 2 A C . PASS . GT 1|1 1|0",
        "c1 40 3 A C . PASS . GT 1|0 0|1",
    )
    both = np.array([0, 1])
    votes = BlockVotes()
    votes.add(given, PhaserLines(iter([beagle])).orders(given, both))
    votes.settle()
    order = votes.final(given, PhaserLines(iter([beagle])).orders(given, both), both)
    cells = [line.split("\t")[8:] for line in phased_lines(given, order).decode().splitlines()]
    assert cells == [
        ["GT:GQ:PS:PQ", "0|1:7:1:.", "1|0:7:1:30"],
        ["GT:GQ:PS:PQ", "1|0:7:1:.", "0|1:7:1:31"],
        ["GT:GQ:PS:PQ", "0/1:7", "0|1:7:1:32"],  # another genotype of the phaser's; the reads against it
        ["GT:GQ:PS:PQ", "1|0:.:1:.", "0|1:.:1:."],
        ["GT:GQ:PS:PQ", "0/1:7", "0|1:7:50:33"],  # a block that the phaser does not reach stays its own
    ]
    assert votes.overruled == 1


def cohort(folder: Path, n_samples: int = 40, n_sites: int = 400) -> tuple[Path, np.ndarray]:
    """A cohort VCF of mosaics of eight haplotypes, a fifth of the heterozygotes in read blocks; the haplotypes."""
    rng = np.random.default_rng(3)
    founders = rng.random((8, n_sites)) < rng.uniform(0.1, 0.9, n_sites)
    haps = np.empty((n_sites, n_samples, 2), dtype=int)
    for s in range(n_samples):
        for h in range(2):
            which = rng.integers(0, 8, n_sites // 100 + 1)
            haps[:, s, h] = founders[np.repeat(which, 100)[:n_sites], np.arange(n_sites)]
    names = [f"S{s}" for s in range(n_samples)]
    lines = ["\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names])]
    turned = rng.random((n_samples, n_sites // 10 + 1)) < 0.5
    for i in range(n_sites):
        cells = []
        for s in range(n_samples):
            a, b = haps[i, s]
            if a != b and i % 10 < 2:
                block = i // 10
                pair = f"{b}|{a}" if turned[s, block] else f"{a}|{b}"
                cells.append(f"{pair}:50:{1000 * (10 * block + 1)}:40")
            else:
                cells.append(f"{min(a, b)}/{max(a, b)}:50")
        fixed = ["c1", str(1000 * (i + 1)), ".", "A", "C", "50", "PASS", ".", "GT:GQ:PS:PQ"]
        lines.append("\t".join([*fixed, *cells]))
    lines.append("\t".join(["c2", "77", ".", "A", "C", "50", "PASS", ".", "GT", *["0/1"] * n_samples]))
    path = folder / "cohort.vcf"
    path.write_text(HEADER + "\n".join(lines) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return Path(f"{path}.gz"), haps


def rows(path: Path) -> list[list[str]]:
    with pysam.BGZFile(str(path)) as file:
        return [line.split("\t") for line in file.read().decode().splitlines() if line[0] != "#"]


def unphased(cell: str) -> list[str]:
    return sorted(cell.split(":")[0].replace("|", "/").split("/"))


@needs_beagle
def test_a_real_run(tmp_path):
    """Nearly all heterozygotes phased, few switches; genotypes as before, blocks unbroken, a trio untouched."""
    vcf, haps = cohort(tmp_path)
    pedigree = Pedigree({"S2": ("S0", "S1")}, {}, {})
    out = tmp_path / "out.vcf.gz"
    summary = phase_cohort(vcf, out, pedigree=pedigree, options=PhaseOptions(memory_mb=1000))
    assert summary.n_samples == 37
    assert "39 unrelated samples and no panel" in summary.warnings[0]
    before, after = rows(vcf), rows(out)
    assert len(before) == len(after)
    switches = pairs = blocks_broken = 0
    last: dict[int, tuple[bool, int]] = {}
    for i, (old, new) in enumerate(zip(before[:-1], after[:-1], strict=True)):
        assert old[:9] == new[:9]
        for s in range(40):
            assert unphased(old[9 + s]) == unphased(new[9 + s])
            if s < 3:
                assert old[9 + s] == new[9 + s]
            elif haps[i, s, 0] != haps[i, s, 1]:
                assert new[9 + s][1] == "|"
                assert new[9 + s].split(":")[2] == "1"
                agrees = int(new[9 + s][0]) == haps[i, s, 0]
                if s in last:
                    switches += agrees != last[s][0]
                    pairs += 1
                    inside = i % 10 == 1 and last[s][1] == i - 1
                    blocks_broken += inside and agrees != last[s][0]
                last[s] = agrees, i
    assert pairs > 5000
    assert switches < 0.02 * pairs
    assert blocks_broken == 0
    assert after[-1] == before[-1]  # a contig of one site
    for threads, contig in ((2, "c1"), (1, "c2")):
        part = tmp_path / f"{contig}.vcf.gz"
        phase_cohort(vcf, part, [contig], pedigree, PhaseOptions(threads=threads, memory_mb=1000))
        assert rows(part) == [row for row in after if row[0] == contig]
        text = pysam.BGZFile(str(part)).read().decode()
        assert text.count("##deepcohort_region=") == 1
        assert f"##deepcohort_region={contig}:" in text


def five_and_a_panel(folder: Path) -> tuple[Path, np.ndarray]:
    """Cohort VCF of five samples, of c1 alone, with their haplotypes; panel.c1.vcf.gz beside it holds forty more."""
    vcf, haps = cohort(folder, n_samples=45)
    panel = folder / "panel.c1.vcf"
    lines = []
    for row, alleles in zip(rows(vcf)[:-1], haps, strict=True):
        lines.append("\t".join([*row[:8], "GT", *(f"{a}|{b}" for a, b in alleles[5:])]))
    names = "\t".join(f"P{s}" for s in range(40))
    columns = f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}"
    panel.write_text(HEADER + columns + "\n" + "\n".join(lines) + "\n")
    pysam.tabix_index(str(panel), preset="vcf", force=True)
    few = folder / "few.vcf"
    text = [line for line in pysam.BGZFile(str(vcf)).read().decode().splitlines() if line[:2] != "c2"]
    few.write_text("\n".join("\t".join(line.split("\t")[:14]) for line in text) + "\n")
    pysam.tabix_index(str(few), preset="vcf", force=True)
    return Path(f"{few}.gz"), haps[:, :5]


@needs_beagle
def test_a_panel(tmp_path):
    """Its haplotypes phase what five samples alone could not."""
    few, haps = five_and_a_panel(tmp_path)
    out = tmp_path / "out.vcf.gz"
    options = PhaseOptions(tmp_path / "panel.{contig}.vcf.gz", memory_mb=1000)
    summary = phase_cohort(few, out, ["c1"], options=options)
    assert summary.warnings == ()
    phased = sum(cell[1] == "|" for row in rows(out) for cell in row[9:])
    assert phased == int((haps[:, :, 0] != haps[:, :, 1]).sum())
    with pytest.raises(DeepcohortError, match=r"panel .*panel\.c2\.vcf\.gz does not exist"):
        phase_cohort(few, out, ["c2"], options=options)


@needs_beagle
@pytest.mark.skipif(shutil.which("bref3") is None, reason="bref3 is not installed")
def test_a_panel_in_bref3_and_a_map(tmp_path):
    """The packed panel gives the phase of the VCF; a map is read, and a broken one is told."""
    few, _ = five_and_a_panel(tmp_path)
    with open(tmp_path / "panel.c1.bref3", "wb") as packed:
        subprocess.run(
            ["bref3", tmp_path / "panel.c1.vcf.gz"], stdout=packed, stderr=subprocess.DEVNULL, check=True
        )
    found = []
    for panel in ("vcf.gz", "bref3"):
        out = tmp_path / f"{panel}.out.vcf.gz"
        options = PhaseOptions(tmp_path / f"panel.{{contig}}.{panel}", memory_mb=1000)
        phase_cohort(few, out, ["c1"], options=options)
        found.append(rows(out))
    assert found[0] == found[1]
    plink = tmp_path / "plink.c1.map"
    plink.write_text("".join(f"c1 . {k * 0.05:.2f} {k * 50_000 + 1}\n" for k in range(10)))
    options = PhaseOptions(genetic_map=tmp_path / "plink.{contig}.map", memory_mb=1000)
    phase_cohort(few, tmp_path / "map.vcf.gz", ["c1"], options=options)
    assert sum(cell[1] == "|" for row in rows(tmp_path / "map.vcf.gz") for cell in row[9:]) > 100
    plink.write_text("c1 . none 1\n")
    with pytest.raises(DeepcohortError, match="beagle failed on c1: "):
        phase_cohort(few, tmp_path / "broken.vcf.gz", ["c1"], options=options)
    assert not (tmp_path / "broken.vcf.gz").exists()


def test_no_beagle_is_one_line(tmp_path, monkeypatch):
    vcf, _ = cohort(tmp_path, 3, 20)
    monkeypatch.setattr(io_beagle.shutil, "which", lambda name: None)
    with pytest.raises(
        DeepcohortError, match=r"^beagle is not on PATH; install it \(Debian: apt install beagle\)"
    ) as e:
        phase_cohort(vcf, tmp_path / "out.vcf.gz")
    assert "\n" not in str(e.value)
    assert not (tmp_path / "out.vcf.gz").exists()


def test_a_failing_beagle_is_one_line(tmp_path, monkeypatch):
    vcf, _ = cohort(tmp_path, 3, 20)
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "beagle").write_text("#!/bin/sh\necho 'java.lang.OutOfMemoryError: heap' >&2\nexit 1\n")
    (fake / "beagle").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:/usr/bin:/bin")
    with pytest.raises(DeepcohortError, match=r"beagle failed on c1: java\.lang\.OutOfMemoryError: heap"):
        phase_cohort(vcf, tmp_path / "out.vcf.gz")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".tmp", ".beagle", "out"))]


def test_command_line(tmp_path, monkeypatch):
    seen = {}

    def fake(*given):
        seen["given"] = given
        return io_beagle.PhaseSummary(4, 5, 6, ("few",))

    monkeypatch.setattr(io_beagle, "phase_cohort", fake)
    words = [
        "--vcf",
        "a.vcf.gz",
        "--output",
        "b.vcf.gz",
        "--contig",
        "c1",
        "--panel",
        "p.vcf.gz",
        "--threads",
        "3",
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert seen["given"][:3] == (Path("a.vcf.gz"), Path("b.vcf.gz"), ["c1"])
    assert seen["given"][4] == PhaseOptions(Path("p.vcf.gz"), None, 3, 4000)
    assert "warning: few" in result.output
