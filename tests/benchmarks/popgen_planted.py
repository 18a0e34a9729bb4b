#!/usr/bin/env python3
"""A locus under selection planted in a cohort: reads, calls, joint genotypes, scan, at 8x and 30x.

    popgen_planted.py --work DIR [--depth 8 30] [--seed 11] [--samples 20] [--locus-bp 100000]

Two contigs of one locus each, neutral and overdominant (dominance 20, 10 thousand years, as task `balancing`), are written as
a VCF over a made-up reference; `simulate --plant` makes and aligns reads, `call` and `genotype` call them, `popgen scan`
judges windows. Nothing of the truth reaches the scan. Everything runs in this process: start-up is paid once.
"""

import argparse
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
from deepcohort.cli import app
from deepcohort.popgen.shards import make_loci
from deepcohort.popgen.tasks import Group, built_in

BASES = np.array(list("ACGT"))
CONTIGS = ("neutral", "selected")  # in the order of the task's scenarios


def made_up(folder: Path, locus_bp: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A reference of both contigs, 41 % GC, written and indexed."""
    genome = {name: rng.choice(4, locus_bp, p=[0.295, 0.205, 0.205, 0.295]) for name in CONTIGS}
    path = folder / "reference.fa"
    with open(path, "w") as file:
        for name, codes in genome.items():
            text = "".join(BASES[codes])
            file.write(f">{name}\n" + "\n".join(text[i : i + 60] for i in range(0, len(text), 60)) + "\n")
    pysam.faidx(str(path))
    return genome


def planted(folder: Path, genome: dict[str, np.ndarray], samples: int, locus_bp: int, seed: int) -> Path:
    """The truth as a VCF: the ancestral allele is the reference's, two of three changes are transitions."""
    task = replace(built_in()["balancing"], locus_bp=locus_bp, groups=(Group("present", 2 * samples),))
    loci, rng = make_loci(task, seed, range(2)), np.random.default_rng(seed)
    names = [f"S{i:02d}" for i in range(samples)]
    lines = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines += [f"##contig=<ID={name},length={locus_bp}>" for name in CONTIGS]
    lines.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]))
    for k, name in enumerate(CONTIGS):
        locus, last = loci.locus(k), 0
        for row, at in zip(locus.alleles, locus.positions, strict=True):
            pos = max(int(at), last + 1)
            last = pos
            ref = genome[name][pos]
            alt = (ref + 2) % 4 if rng.random() < 2 / 3 else (ref + rng.choice([1, 3])) % 4
            genotypes = [f"{a}|{b}" for a, b in row.reshape(-1, 2)]
            lines.append(
                "\t".join(
                    [name, str(pos + 1), ".", BASES[ref], BASES[alt], ".", "PASS", ".", "GT", *genotypes]
                )
            )
    path = folder / "truth.vcf"
    path.write_text("\n".join(lines) + "\n")
    return path


def deepcohort(*arguments: object) -> None:
    """A command of deepcohort in this process."""
    app([str(a) for a in arguments], standalone_mode=False)


def cohort_of(folder: Path, truth: Path, depth: float, seed: int) -> Path:
    """Reads of all samples at `depth`, called and genotyped together: the cohort VCF."""
    reads = folder / f"reads_{depth:g}x"
    if not reads.exists():
        deepcohort(
            "simulate", "--output", reads, "--reference", folder / "reference.fa", "--plant", truth,
            "--coverage", depth, "--hidden-paralogs", 0, "--decoys", 0, "--seed", seed, "--quiet",
        )  # fmt: skip
    gvcfs = []
    for bam in sorted(reads.rglob("*.bam")) + sorted(reads.rglob("*.cram")):
        gvcf = folder / f"{bam.stem}_{depth:g}x.g.vcf.gz"
        gvcfs += ["--gvcf", gvcf]
        if not gvcf.exists():
            deepcohort(
                "call", "--reads", bam, "--reference", folder / "reference.fa", "--gvcf", gvcf, "--quiet"
            )
    cohort = folder / f"cohort_{depth:g}x.vcf.gz"
    if not cohort.exists():
        deepcohort("genotype", *gvcfs, "--reference", folder / "reference.fa", "--output", cohort, "--quiet")
    return cohort


def said(name: str, vcf: Path, folder: Path, model: str) -> None:
    """Scan a VCF and print its windows."""
    output = folder / f"scan_{name}_{Path(model).stem}"
    deepcohort("popgen", "scan", "--vcf", vcf, "--model", model, "--output", output, "--quiet")
    head, *rows = [line.split("\t") for line in (output / "windows.tsv").read_text().splitlines()]
    p = {c: [f"{float(r[-1]):.3f}" for r in rows if r[0] == c] for c in CONTIGS}
    snps = {c: sum(int(r[3]) for r in rows if r[0] == c) for c in CONTIGS}
    best = max(rows, key=lambda r: float(r[-1]))
    print(
        f"planted\t{name}\t{head[-1]}\tselected {' '.join(p['selected'])}\tneutral {' '.join(p['neutral'])}\t"
        f"first: {best[0]}:{best[1]}-{best[2]}\tSNPs by window, sums {snps}",
        flush=True,
    )


def main() -> None:
    """Plant, call, scan."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--depth", type=float, nargs="*", default=[8.0, 30.0])
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--locus-bp", type=int, default=100_000)
    parser.add_argument("--model", default="balancing")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    genome = made_up(options.work, options.locus_bp, np.random.default_rng(options.seed))
    truth = planted(options.work, genome, options.samples, options.locus_bp, options.seed)
    said("truth", truth, options.work, options.model)
    for depth in options.depth:
        said(f"{depth:g}x", cohort_of(options.work, truth, depth, options.seed), options.work, options.model)
    print(f"planted\tCPU s {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f}")


if __name__ == "__main__":
    main()
