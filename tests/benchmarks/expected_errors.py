#!/usr/bin/env python3
"""Whether SNP errors are chance: how many the calls' own posteriors expect, and how many there are.

    expected_errors.py --gvcf calls.g.vcf.gz --truth truth.vcf.gz --confident confident.bed --region 20:10000001-10100000 \
        --reads sample.bam

Each SNP record with one ALT has probabilities of 0, 1 and 2 copies (its PL). Called the most probable, it is expected to add
their share of a missed, false (one error each) or wrong genotype (two). Where the calls are calibrated, the errors
found differ from that sum by chance alone. True SNPs without a record are listed apart, by the reads that show the
allele: what no read shows, no caller finds.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pysam
from numpy.typing import NDArray

_COST = np.array([[0, 1, 1], [1, 0, 2], [1, 2, 0]])  # by copies called, true copies


@dataclass(frozen=True)
class Expected:
    """Errors of the records (sum, standard deviation), those found, and true alleles without a record."""

    mean: float
    sd: float
    found: int
    unproposed: list[tuple[int, str]]


def single_snps(path: str, contig: str, start: int, end: int) -> dict[tuple[int, str], pysam.VariantRecord]:
    """SNP records of one ALT (besides <NON_REF>) by (0-based pos, base)."""
    found = {}
    for record in pysam.VariantFile(path).fetch(contig, start, end):
        alts = [alt for alt in record.alts or () if not alt.startswith("<")]
        if len(record.ref) == 1 and len(alts) == 1 and len(alts[0]) == 1 and alts[0] in "ACGT":
            found[record.start, alts[0]] = record
    return found


def probabilities(record: pysam.VariantRecord) -> NDArray[np.float64]:
    """Of 0, 1 and 2 copies of the first ALT."""
    p = 10 ** (-np.array(record.samples[0]["PL"][:3], dtype=float) / 10)
    return p / p.sum()


def hold_against(
    calls: dict[tuple[int, str], pysam.VariantRecord],
    truth: dict[tuple[int, str], pysam.VariantRecord],
    confident: list[tuple[int, int]],
) -> Expected:
    """Expected and found errors of the records within `confident` (0-based, half-open)."""

    def inside(place: tuple[int, str]) -> bool:
        return any(a <= place[0] < b for a, b in confident)

    mean = variance = 0.0
    found = 0
    for place, record in calls.items():
        if inside(place):
            p = probabilities(record)
            cost = _COST[int(p.argmax())]
            mean += float(p @ cost)
            variance += float(p @ cost**2 - (p @ cost) ** 2)
            copies = sum(g == 1 for g in truth[place].samples[0]["GT"]) if place in truth else 0
            found += int(cost[copies])
    unproposed = sorted(place for place in truth if inside(place) and place not in calls)
    return Expected(mean, variance**0.5, found, unproposed)


def shown(reads: str, contig: str, place: tuple[int, str]) -> tuple[int, int]:
    """Reads that show the allele, and all, mates counted once."""
    bases = [
        base.upper()
        for column in pysam.AlignmentFile(reads).pileup(
            contig, place[0], place[0] + 1, truncate=True, min_base_quality=1, ignore_overlaps=True
        )
        for base in column.get_query_sequences()
        if base
    ]
    return bases.count(place[1]), len(bases)


def main() -> None:
    """Parse, count, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("gvcf", "truth", "confident", "region", "reads"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    contig, span = args.region.split(":")
    first, last = map(int, span.split("-"))
    with open(args.confident) as lines:
        rows = [line.split() for line in lines if line.strip()]
    confident = [(int(a), int(b)) for name, a, b, *_ in rows if name == contig]
    here = (contig, first - 1, last)
    result = hold_against(single_snps(args.gvcf, *here), single_snps(args.truth, *here), confident)
    print(f"records: {result.mean:.1f} +- {result.sd:.1f} errors expected, {result.found} found")
    for place in result.unproposed:
        alt, depth = shown(args.reads, contig, place)
        print(f"no record: {contig}:{place[0] + 1} {place[1]}, shown by {alt} of {depth} reads")


if __name__ == "__main__":
    main()
