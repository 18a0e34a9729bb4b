"""Odd inputs from SAM text to the VCF: what is called, and that chunks do not show there either."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from deepcohort.compose.call_shard import ShardConfig
from deepcohort.core.region import Region
from test_call_shard import called, make_inputs, records, run

_ALT = {"A": "C", "C": "A", "G": "T", "T": "G"}


def random_text(seed: int, n: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), n))


LEFT, RIGHT = random_text(1, 300), random_text(2, 300)
PLAIN = LEFT + RIGHT


def changed(text: str, *sites: int) -> str:
    """`text` with another base at each site."""
    bases = list(text)
    for site in sites:
        bases[site] = _ALT[bases[site]]
    return "".join(bases)


def tiled(text: str, first: int, last: int, length: int = 100, every: int = 10, copies: int = 1):
    """(0-based start, CIGAR, SEQ) of reads of `text` without gaps."""
    return [(i, f"{length}M", text[i : i + length]) for i in range(first, last, every)] * copies


def snp(text: str, site: int, genotype: str) -> tuple[int, str, str, str]:
    return site + 1, text[site].upper(), _ALT[text[site].upper()], genotype


@dataclass(frozen=True)
class Case:
    """A reference, reads (start, CIGAR, SEQ[, flag[, MAPQ[, QUAL]]]) and the calls (POS, REF, ALT, GT)."""

    reference: str
    reads: list
    calls: list


def _ends() -> Case:
    # reads that hang over both ends of the contig by soft clips, SNPs in the first and last bases
    text = changed(PLAIN, 3, 596)
    reads = [(0, f"{10 + k}S{90 - k}M", random_text(7, 10 + k) + text[: 90 - k]) for k in range(12)]
    reads += [(520 + k, f"{80 - k}M{20 + k}S", text[520 + k :] + random_text(8, 20 + k)) for k in range(12)]
    return Case(PLAIN, reads, [snp(PLAIN, 3, "1/1"), snp(PLAIN, 596, "1/1")])


def _long_deletion() -> Case:
    gone = random_text(3, 200)
    text = LEFT + "T" + gone + RIGHT if gone[0] != RIGHT[0] else LEFT + "T" + gone[1:] + RIGHT
    n = len(text) - 601
    short = LEFT + "T" + RIGHT
    reads = [(i, f"{301 - i}M{n}D{i - 201}M", short[i : i + 100]) for i in range(220, 285, 5)]
    return Case(text, reads, [(301, text[300 : 301 + n], "T", "1/1")])


def _n_and_soft_mask() -> Case:
    reference = LEFT[:200] + "NNNN" + LEFT[204:] + RIGHT.lower()
    text = changed(LEFT + RIGHT, 202, 350)
    return Case(reference, tiled(text, 150, 340, copies=2), [snp(PLAIN, 350, "1/1")])


def _deletion_at_n(letter: str = "N") -> Case:
    # the base before three deleted ones is unknown in the reference
    reference = LEFT[:200] + letter + LEFT[201:] + RIGHT
    text = LEFT[:201] + LEFT[204:] + RIGHT
    reads = [(i, f"{201 - i}M3D{i - 101}M", text[i : i + 100]) for i in range(110, 195, 5)]
    return Case(reference, reads + tiled(PLAIN, 110, 195, every=5), [(201, "N" + LEFT[201:204], "N", "0/1")])


def _deletion_at_iupac() -> Case:
    return _deletion_at_n("R")


def _insertion_at_n() -> Case:
    reference = LEFT[:200] + "N" + LEFT[201:] + RIGHT
    text = LEFT[:201] + "GATTC" + LEFT[201:] + RIGHT
    reads = [(i, f"{201 - i}M5I{i - 106}M", text[i : i + 100]) for i in range(115, 195, 5)]
    return Case(reference, reads, [(201, "N", "NGATTC", "1/1")])


def _deletion_within_n() -> Case:
    # of an assembly gap nobody knows what is missing
    reference = LEFT[:200] + "N" * 40 + LEFT[240:] + RIGHT
    text = LEFT[:220] + LEFT[230:] + RIGHT
    return Case(
        reference, [(i, f"{220 - i}M10D{i - 120}M", text[i : i + 100]) for i in range(130, 195, 3)], []
    )


def _mnp() -> Case:
    reads = tiled(changed(PLAIN, 300, 301, 302), 210, 300, every=5) + tiled(PLAIN, 210, 300, every=5)
    return Case(PLAIN, reads, [snp(PLAIN, k, "0/1") for k in (300, 301, 302)])


def _adjacent_indels() -> Case:
    reference = LEFT + "ACGTTGCA" + RIGHT
    text = LEFT + "ACCCGTCA" + RIGHT  # AC|CC inserted, then TG deleted
    reads = [
        (i, f"{302 - i}M2I2M2D{96 - (302 - i)}M", (LEFT + "ACCCGTCA" + RIGHT)[i : i + 100])
        for i in range(215, 290, 5)
    ]
    assert text == LEFT + "AC" + "CC" + "GT" + "CA" + RIGHT
    return Case(reference, reads, [(301, "A", "ACC", "1/1"), (304, "TTG", "T", "1/1")])


def _homopolymer() -> Case:
    left, right = LEFT[:-1] + "G", "C" + RIGHT[1:]
    reference, text = left + "A" * 24 + right, left + "A" * 22 + right
    reads = [(i, f"{300 - i}M2D{i - 200}M", text[i : i + 100]) for i in range(210, 275, 3)]
    return Case(reference, reads, [(300, "GAA", "G", "1/1")])


def _deep() -> Case:
    reads = [(200, "100M", changed(PLAIN, 250)[200:300]), (200, "100M", PLAIN[200:300])] * 2_500
    return Case(PLAIN, reads, [snp(PLAIN, 250, "0/1")])


def _mapq_zero() -> Case:
    reads = [(i, c, s, 0, 0) for i, c, s in tiled(changed(PLAIN, 300), 210, 300, every=5)]
    return Case(PLAIN, reads, [])


def _copy_in_doubt() -> Case:
    # three SNPs that a fifth of the reads show, all of which the aligner doubts: each could be one of few reads by
    # chance, the haplotype could not
    reads = tiled(PLAIN, 190, 331, every=4)
    copy = changed(PLAIN, 250, 310, 370)
    return Case(PLAIN, reads + [(i, c, s, 0, 20) for i, c, s in tiled(copy, 170, 350, every=18)], [])


def _poor_bases(n_good: int, calls: list) -> Case:
    # at one site all bases but some are too poor to count; of those that count all show another base
    site, text = 300, changed(PLAIN, 300)
    reads = []
    for k, (start, cigar, seq) in enumerate(
        tiled(PLAIN, 210, 300, every=4) + tiled(PLAIN, 212, 300, every=4)
    ):
        if k < n_good:
            reads.append((start, cigar, text[start : start + 100]))
        else:
            quals = "I" * (site - start) + chr(33 + 8) + "I" * (99 - site + start)
            reads.append((start, cigar, seq, 0, 60, quals))
    return Case(PLAIN, reads, calls)


def _flags() -> Case:
    # duplicate, secondary, supplementary, QC-fail: none may speak
    odd = changed(PLAIN, 300)
    reads = tiled(PLAIN, 210, 300, every=5)
    for flag in (1024, 256, 2048, 512):
        reads += [(i, c, s, flag) for i, c, s in tiled(odd, 210, 300, every=5)]
    return Case(PLAIN, reads, [])


def _no_qualities() -> Case:
    reads = [(i, c, s, 0, 60, "*") for i, c, s in tiled(changed(PLAIN, 300), 210, 300, every=5)]
    return Case(PLAIN, reads, [snp(PLAIN, 300, "1/1")])


def _operations() -> Case:
    # the same SNP by M, by =/X, behind a skipped stretch (N) and beside padding (P) and hard clips
    text = changed(PLAIN, 300)
    reads = [(250, "50=1X49=", text[250:350])] * 4
    reads += [(100, "50M100N100M", text[100:150] + text[250:350])] * 4
    reads += [(260, "5H20M2P80M3H", text[260:360])] * 4
    return Case(PLAIN, reads, [snp(PLAIN, 300, "1/1")])


def _empty_operations() -> Case:
    # operations of length 0 between, before and behind others are none
    text = changed(PLAIN, 300)
    reads = [
        (250, cigar, text[250:350]) for cigar in ("40M0I60M", "40M0D60M", "0S30M0I0D70M", "100M0N0I")
    ] * 3
    return Case(PLAIN, reads, [snp(PLAIN, 300, "1/1")])


def _beside_intron(cigar: str, jump: int, inserted: str = "") -> Case:
    """Reads over the intron 300-400 of LEFT + RIGHT, half of them with `cigar` there, which takes `jump` bp more."""
    deletes_before = cigar.startswith("3D")
    reads = []
    for start in range(215, 275, 3):
        kept, rest = 300 - start, PLAIN[400:]
        reads.append((start, f"{kept}M100N{100 - kept}M", (PLAIN[start:300] + rest)[:100]))
        kept -= 3 if deletes_before else 0
        seq = PLAIN[start : start + kept] + inserted + rest[0 if deletes_before else jump :]
        reads.append((start, f"{kept}M{cigar}{100 - kept - len(inserted)}M", seq[:100]))
    at = 297 if deletes_before else 300 if cigar.endswith("N") else 400
    # no base of the indel can move left: asserted, since the answer would be spelled otherwise
    if jump:
        assert PLAIN[at - 1] != PLAIN[at + 2]
        return Case(PLAIN, reads, [(at, PLAIN[at - 1 : at + 3], PLAIN[at - 1], "0/1")])
    assert PLAIN[at - 1] != inserted[-1]
    return Case(PLAIN, reads, [(at, PLAIN[at - 1], PLAIN[at - 1] + inserted, "0/1")])


def _other_than(*bases: str) -> str:
    return next(base for base in "ACGT" if base not in bases)


def _very_long() -> Case:
    reference = random_text(9, 30_000)
    text = changed(reference, 15_000)
    return Case(reference, [(0, "30000M", text)] * 8, [snp(reference, 15_000, "1/1")])


CASES = {
    "contig ends": _ends(),
    "deletion longer than reads": _long_deletion(),
    "N and soft-masked reference": _n_and_soft_mask(),
    "deletion at N": _deletion_at_n(),
    "deletion at an IUPAC letter": _deletion_at_iupac(),
    "insertion at N": _insertion_at_n(),
    "deletion within N": _deletion_within_n(),
    "MNP": _mnp(),
    "adjacent indels": _adjacent_indels(),
    "homopolymer of 24": _homopolymer(),
    "depth 5,000": _deep(),
    "depth 1": Case(PLAIN, tiled(PLAIN, 250, 251), []),
    "MAPQ 0 only": _mapq_zero(),
    "copy in doubt": _copy_in_doubt(),
    "poor bases beside a good one": _poor_bases(1, []),
    "poor bases beside nine good ones": _poor_bases(9, [snp(PLAIN, 300, "0/1")]),
    "flags": _flags(),
    "no qualities": _no_qualities(),
    "CIGAR operations": _operations(),
    "very long reads": _very_long(),
    "operations of length 0": _empty_operations(),
    "3D100N": _beside_intron("3D100N", 3),
    "100N3D": _beside_intron("100N3D", 3),
    "3I100N": _beside_intron("3I100N", 0, 3 * _other_than(PLAIN[299], PLAIN[399], PLAIN[400])),
    "100N3I": _beside_intron("100N3I", 0, 3 * _other_than(PLAIN[299], PLAIN[399], PLAIN[400])),
}


def _inputs(folder, case: Case):
    lines = []
    for k, read in enumerate(sorted(case.reads, key=lambda r: r[0])):
        start, cigar, seq, flag, mapq, qual = (*read, *(0, 60, None)[len(read) - 3 :])
        lines.append(
            f"r{k}\t{flag}\tc\t{start + 1}\t{mapq}\t{cigar}\t*\t0\t0\t{seq}\t{qual or 'I' * len(seq)}\tRG:Z:1"
        )
    return make_inputs(folder, case.reference, lines)


@pytest.mark.parametrize("name", CASES)
def test_odd_input(name: str, tmp_path):
    case = CASES[name]
    reference, bam = _inputs(tmp_path, case)
    whole = [Region("c", 0, len(case.reference))]
    gvcf, vcf = run(tmp_path, reference, bam, whole)
    assert called(vcf) == case.calls
    # every base is told of, none of them with confidence where nothing usable lies
    last = records(gvcf)[-1]
    reached = int(last[7].removeprefix("END=")) if last[7] != "." else int(last[1]) + len(last[3]) - 1
    assert reached == len(case.reference)
    if name == "MAPQ 0 only":
        assert {x[9].split(":")[0] for x in records(gvcf)} == {"./."}
    small = run(
        tmp_path, reference, bam, whole, name="small",
        shard_config=ShardConfig(max_chunk_bp=len(case.reference) // 7 + 1, min_chunk_bp=30),
    )  # fmt: skip
    assert [path.read_bytes() for path in small] == [gvcf.read_bytes(), vcf.read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts threads in /proc")
def test_numpy_starts_no_threads():
    code = (
        "import sys\n"
        "from deepcohort.cli import main\n"
        "sys.argv = ['deepcohort', '--version']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import numpy as np\n"
        "x = np.ones((600, 600), np.float32)\n"
        "x @ x\n"
        "status = open('/proc/self/status').read()\n"
        "assert 'Threads:\\t1\\n' in status, status\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
