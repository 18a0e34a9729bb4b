#!/usr/bin/env python3
"""Deep reads label themselves: truth and confident regions from what deepcohort and another caller agree on.

    self_labels.py --gvcf deep.g.vcf.gz --other bcftools.vcf.gz --reference ref.fa --output DIR

Written are DIR/truth.vcf.gz (records of the gVCF that are called with GQ 30) and DIR/confident.bed (these, and what is called
absent with GQ 20), less 10 bp around alleles that one of both has with other copies and around records of less GQ. With them
`deepcohort examples` makes examples of shallow draws of the same reads (--natural), or of them aligned anew.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pysam
from accuracy import quoted, run

Allele = tuple[str, int, str, str]  # contig, 0-based POS, REF, ALT
Span = tuple[str, int, int]


def copies_by_allele(path: Path, reference: Path) -> dict[Allele, int]:
    """Copies of each ALT that is called, split and aligned to the left."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        split = Path(folder) / "split.vcf"
        run(
            f"bcftools view -i 'GT=\"alt\"' {quoted(path)} | bcftools norm -f {quoted(reference)} -m -any"
            f" -o {quoted(split)} -"
        )
        with pysam.VariantFile(str(split)) as records:
            for record in records:
                copies = sum(allele == 1 for allele in record.samples[0]["GT"])
                if copies and not record.alts[0].startswith(("<", "*")):
                    found[record.chrom, record.start, record.ref, record.alts[0]] = copies
    return found


def disputed(one: dict[Allele, int], other: dict[Allele, int], margin_bp: int) -> list[Span]:
    """Spans around alleles whose copies differ."""
    differ = [allele for allele in one.keys() | other.keys() if one.get(allele, 0) != other.get(allele, 0)]
    return [(c, max(0, p - margin_bp), p + len(r) + margin_bp) for c, p, r, _ in differ]


def sort_records(
    gvcf: Path, truth: Path, called_gq: int, absent_gq: int, margin_bp: int
) -> tuple[list[Span], list[Span]]:
    """Write the sure variants of the gVCF to `truth`; returns spans that are sure, and spans that are not."""
    sure, unsure = [], []
    with (
        pysam.VariantFile(str(gvcf)) as records,
        pysam.VariantFile(str(truth), "wz", header=records.header) as out,
    ):
        for record in records:
            sample = record.samples[0]
            span, gq = (record.chrom, record.start, record.stop), sample.get("GQ") or 0
            variant = any(not alt.startswith("<") for alt in record.alts or ())
            called = any(sample["GT"][i] or 0 for i in range(len(sample["GT"])))
            if gq >= (called_gq if called else absent_gq):
                sure.append(span)
                if called:
                    out.write(record)
            elif variant:
                unsure.append((record.chrom, max(0, record.start - margin_bp), record.stop + margin_bp))
    pysam.tabix_index(str(truth), preset="vcf", force=True)
    return sure, unsure


def without(spans: list[Span], cut: list[Span]) -> list[Span]:
    """Union of `spans` less `cut`, sorted."""
    out: list[Span] = []
    for contig in sorted({span[0] for span in spans}):
        steps = [(at, change) for c, s, e in spans if c == contig for at, change in ((s, 1), (e, -1))]
        steps += [
            (at, change) for c, s, e in cut if c == contig for at, change in ((s, -1_000_000), (e, 1_000_000))
        ]
        depth, since = 0, -1
        for at, change in sorted(steps, key=lambda step: (step[0], -step[1])):  # what touches is one
            was = depth > 0
            depth += change
            if depth > 0 and not was:
                since = at
            elif was and depth <= 0 and at > since:
                out.append((contig, since, at))
    return out


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gvcf", type=Path, required=True, help="deepcohort's, of all reads")
    parser.add_argument("--other", type=Path, required=True, help="VCF of another caller, of all reads")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--called-gq", type=int, default=30)
    parser.add_argument("--absent-gq", type=int, default=20)
    parser.add_argument("--margin-bp", type=int, default=10)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    cut = disputed(
        copies_by_allele(args.gvcf, args.reference),
        copies_by_allele(args.other, args.reference),
        args.margin_bp,
    )
    truth = args.output / "truth.vcf.gz"
    sure, unsure = sort_records(args.gvcf, truth, args.called_gq, args.absent_gq, args.margin_bp)
    confident = without(sure, cut + unsure)
    if not confident:
        sys.exit("nothing is sure; are the reads deep, and is --gvcf a gVCF?")
    text = "".join(f"{contig}\t{start}\t{end}\n" for contig, start, end in confident)
    (args.output / "confident.bed").write_text(text)
    print(f"{sum(end - start for _, start, end in confident)} bp are sure; {len(cut)} alleles are disputed")


if __name__ == "__main__":
    main()
