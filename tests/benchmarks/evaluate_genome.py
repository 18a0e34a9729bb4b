"""Time and memory of `deepcohort evaluate` on a made-up pair of VCFs as large as a genome.

    python tests/benchmarks/evaluate_genome.py --folder /tmp/evaluate_genome [--records 5000000]

Makes a random genome with repeats (24 contigs in the proportions of the human ones), a truth set of
`records` variants and a call set that misses some, adds some, changes genotypes and writes some
variants differently (shifted indels, joined neighbours). Then runs the command and prints CPU
seconds, wall seconds and the largest resident memory. What is made is kept and used again.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pysam

_MEGABASES = (
    248, 242, 198, 190, 182, 171, 159, 145, 138, 134, 135, 133, 114, 107, 102, 90, 83, 80, 59, 64, 47, 51, 156, 57,
)  # fmt: skip
_NAMES = tuple(f"chr{n}" for n in (*range(1, 23), "X", "Y"))
_HEADER = (
    "##fileformat=VCFv4.3\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">\n'
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
)
_BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


def make_contig(rng: np.random.Generator, length: int) -> np.ndarray:
    """Random bases with a homopolymer or short tandem repeat every 200 bp or so, uint8 ASCII."""
    sequence = _BASES[rng.integers(0, 4, length)]
    for start in rng.integers(0, length - 80, length // 200).tolist():
        period = int(rng.choice((1, 1, 1, 2, 3, 4)))
        copies = int(rng.integers(4, 14))
        sequence[start : start + period * copies] = np.tile(sequence[start : start + period], copies)
    return sequence


def make_truth(rng: np.random.Generator, sequence: np.ndarray, n: int) -> list[tuple[int, str, str, str]]:
    """(0-based position, REF, ALT, GT) of n variants, left-aligned indels among them."""
    text = sequence.tobytes().decode()
    positions = np.unique(rng.integers(10, len(sequence) - 100, n))
    kinds = rng.random(len(positions))
    sizes = rng.geometric(0.35, len(positions))
    genotypes = rng.random(len(positions))
    letters = rng.integers(0, 4, (len(positions), 12))
    out = []
    last = 0
    for k, pos in enumerate(positions.tolist()):
        if pos <= last:
            continue
        size = min(int(sizes[k]), 12)
        base = text[pos]
        if kinds[k] < 0.86:
            ref, alt = base, "ACGT"[(("ACGT".index(base)) + 1 + int(letters[k, 0]) % 3) % 4]
        elif kinds[k] < 0.93:
            ref = text[pos : pos + 1 + size]
            alt = base
        else:
            repeat = text[pos + 1 : pos + 1 + size]
            novel = "".join("ACGT"[c] for c in letters[k, :size])
            ref, alt = base, base + (repeat if genotypes[k] < 0.7 else novel)
        last = pos + len(ref)
        out.append(
            (pos, ref, alt, "1|1" if genotypes[k] < 0.38 else ("0|1" if genotypes[k] < 0.7 else "1|0"))
        )
    return out


def make_calls(
    rng: np.random.Generator, text: str, truth: list[tuple[int, str, str, str]], error: float
) -> list[tuple[int, str, str, str, float, int]]:
    """Calls from truth: missed, of wrong genotype, shifted, joined, and false ones; with QUAL and GQ."""
    fate = rng.random(len(truth))
    good = rng.gamma(6.0, 14.0, len(truth))
    poor = rng.gamma(1.5, 12.0, len(truth))
    out = []
    for k, (pos, ref, alt, genotype) in enumerate(truth):
        gt, qual = genotype.replace("|", "/"), good[k]
        if fate[k] < error * (1.0 if len(ref) == len(alt) else 4.0):
            continue
        if fate[k] > 1 - 0.4 * error:
            gt, qual = ("0/1" if gt == "1/1" else "1/1"), poor[k]
        elif fate[k] > 0.95 and len(ref) != len(alt):  # the same indel, one repeat unit further right
            while len(ref) > 1 and text[pos + 1] == text[pos + len(ref)]:
                pos += 1
                ref, alt = text[pos : pos + len(ref)], text[pos]
            while len(alt) > 1 and text[pos + 1] == alt[1]:
                pos += 1
                ref, alt = text[pos], text[pos] + alt[2:] + alt[1]
        elif fate[k] > 0.93:  # the same variant with more of the reference around it
            ref, alt = ref + text[pos + len(ref)], alt + text[pos + len(ref)]
        out.append((pos, ref, alt, gt, qual, int(min(99, qual))))
    n_false = int(error * len(truth))
    for pos in rng.integers(10, len(text) - 100, n_false).tolist():
        base = text[pos]
        alt = "ACGT"[("ACGT".index(base) + 1 + pos % 3) % 4]
        qual = float(poor[pos % len(poor)])
        if pos % 4 == 0:
            alt = base + alt
        out.append((pos, base, alt, "0/1" if pos % 3 else "1/1", qual, int(min(99, qual))))
    out.sort(key=lambda row: row[0])
    return list({row[:3]: row for row in out}.values())  # no record twice


def make_pair(folder: Path, records: int, megabases: float, error: float, seed: int) -> None:
    """Write genome.fa, truth.vcf.gz, calls.vcf.gz and confident.bed, indexed."""
    rng = np.random.default_rng(seed)
    lengths = [max(20_000, int(mb * 1e6 * megabases / sum(_MEGABASES))) for mb in _MEGABASES]
    contigs = "".join(f"##contig=<ID={n},length={size}>\n" for n, size in zip(_NAMES, lengths, strict=True))
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG\n"
    with (
        open(folder / "genome.fa", "wb") as fasta,
        pysam.BGZFile(str(folder / "truth.vcf.gz"), "wb") as truth_file,
        pysam.BGZFile(str(folder / "calls.vcf.gz"), "wb") as calls_file,
        open(folder / "confident.bed", "w") as bed,
    ):
        for file in (truth_file, calls_file):
            file.write((_HEADER + contigs + columns).encode())
        for name, length in zip(_NAMES, lengths, strict=True):
            sequence = make_contig(rng, length)
            fasta.write(f">{name}\n".encode() + sequence.tobytes() + b"\n")
            truth = make_truth(rng, sequence, round(records * length / sum(lengths)))
            truth_file.write(
                "".join(
                    f"{name}\t{p + 1}\t.\t{r}\t{a}\t50\tPASS\t.\tGT\t{g}\n" for p, r, a, g in truth
                ).encode()
            )
            calls = make_calls(rng, sequence.tobytes().decode(), truth, error)
            calls_file.write(
                "".join(
                    f"{name}\t{p + 1}\t.\t{r}\t{a}\t{q:.2f}\tPASS\t.\tGT:GQ:DP\t{g}:{gq}:{20 + p % 23}\n"
                    for p, r, a, g, q, gq in calls
                ).encode()
            )
            for start in range(0, length, 100_000):  # nine tenths of the genome are confident
                bed.write(f"{name}\t{start}\t{min(length, start + 90_000)}\n")
    for name in ("truth", "calls"):
        pysam.tabix_index(str(folder / f"{name}.vcf.gz"), preset="vcf", force=True)
    pysam.faidx(str(folder / "genome.fa"))


def main() -> None:
    """Make the pair if it is not there, run the command, print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--megabases", type=float, default=3_000.0)
    parser.add_argument("--error", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-make", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (options.folder / "genome.fa.fai").exists():
        make_pair(options.folder, options.records, options.megabases, options.error, options.seed)
    if options.only_make:
        return
    command = [sys.executable, "-m", "deepcohort.cli", "evaluate", "--output", str(options.folder / "out")]
    for option, name in (
        ("vcf", "calls.vcf.gz"),
        ("truth", "truth.vcf.gz"),
        ("confident", "confident.bed"),
        ("reference", "genome.fa"),
    ):
        command += [f"--{option}", str(options.folder / name)]
    start = time.monotonic()
    subprocess.run(command, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"wall {time.monotonic() - start:.1f} s")
    print(f"cpu {used.ru_utime + used.ru_stime:.1f} s (user {used.ru_utime:.1f}, system {used.ru_stime:.1f})")
    print(f"largest resident memory {used.ru_maxrss / 1024:.0f} MiB")
    print((options.folder / "out" / "summary.tsv").read_text().replace("\t", " ")[:400])


if __name__ == "__main__":
    main()
