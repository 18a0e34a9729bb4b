#!/usr/bin/env python3
"""What a caller can know of SNPs: errors of the Bayes genotype where qualities are honest.

    snp_floor.py --reads art.10x.bam --reference ref.fa --region chr20:6000001-8000000 \
        --truth truth.vcf.gz --confident confident.bed

Every base that differs from the reference is weighed (no threshold on counts, no realignment): likelihoods of 0,
1 and 2 copies from the base qualities as they stand, a heterozygous prior of 1e-3 and a homozygous one of 5e-4 per
site, the most probable genotype taken. Prints missed, wrong genotype (counts twice) and false, as `accuracy.py` counts
them; places beside true indels, where only realignment helps, are left out. For reads of a simulator whose qualities
are honest (art_illumina); real ones are not.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pysam
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region, parse_region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from numpy.typing import NDArray

PRIOR_HET, PRIOR_HOM = 1e-3 / 3, 5e-4 / 3  # of one of three other bases
CHUNK_BP, PAD_BP, INDEL_MARGIN_BP = 100_000, 1_000, 12


@dataclass(frozen=True)
class Truth:
    """Copies of each SNP allele by (pos, base), and positions too near to true indels."""

    copies: dict[tuple[int, str], int]
    beside_indels: frozenset[int]


def read_truth(path: str, region: Region, confident: list[tuple[int, int]]) -> Truth:
    """SNPs of `region` within `confident`, 0-based."""
    copies: dict[tuple[int, str], int] = {}
    beside: set[int] = set()
    for record in pysam.VariantFile(path).fetch(region.contig, region.start, region.end):
        for number, alt in enumerate(record.alts or (), 1):
            if len(alt) != len(record.ref):
                beside.update(range(record.start - 1, record.stop + INDEL_MARGIN_BP))
            elif len(alt) == 1 and any(a <= record.start < b for a, b in confident):
                copies[record.start, alt] = sum(g == number for g in record.samples[0]["GT"])
    return Truth({k: n for k, n in copies.items() if n}, frozenset(beside))


def genotypes(args: argparse.Namespace, fasta: ReferenceFasta, region: Region) -> dict[tuple[int, str], int]:
    """Most probable copies (0, 1, 2) of every base that any read shows beside the reference's."""
    config = CandidatesConfig(min_count=1, min_fraction_snp=0.0, realign=False)
    reads = open_reads([args.reads], args.reference, ReadsConfig(min_mapq=args.min_mapq))
    found: dict[tuple[int, str], int] = {}
    for start in range(region.start, region.end, CHUNK_BP):
        chunk = Region(region.contig, start, min(start + CHUNK_BP, region.end))
        wide = chunk.padded(PAD_BP, fasta.contig_lengths[region.contig])
        evidence = find_candidates(reads.fetch(wide), fasta.fetch_codes(wide), wide, chunk, config)
        table, support = evidence.table, evidence.support
        ratio = np.where(support.allele >= 0, support.log10_ratio.astype(float), 0.0)
        het = _sums(np.log10((1 + 10**ratio) / 2) * (support.allele >= 0), support.offset)
        hom = _sums(ratio, support.offset)
        scores = np.stack([np.zeros(len(het)), het + np.log10(PRIOR_HET), hom + np.log10(PRIOR_HOM)], axis=1)
        snps = np.flatnonzero((table.ref_len == 1) & (np.diff(table.alt_offset) == 1))
        for k in snps:
            found[int(table.pos[k]), "ACGT"[table.alt_seq[table.alt_offset[k]]]] = int(scores[k].argmax())
    return found


def _sums(values: NDArray[np.float64], offset: NDArray[np.int64]) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return total[offset[1:]] - total[offset[:-1]]


def main() -> None:
    """Parse, weigh, count, print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("reads", "reference", "region", "truth", "confident"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--min-mapq", type=int, default=5)
    args = parser.parse_args()
    fasta = ReferenceFasta(args.reference)
    region = parse_region(args.region, fasta.contig_lengths)
    with open(args.confident) as lines:
        rows = [line.split() for line in lines if line.strip()]
    confident = [(int(a), int(b)) for contig, a, b, *_ in rows if contig == region.contig]
    truth = read_truth(args.truth, region, confident)
    called = genotypes(args, fasta, region)
    missed = sum(called.get(k, 0) == 0 for k in truth.copies)
    wrong = sum(0 < called.get(k, 0) != n for k, n in truth.copies.items())
    false = sum(
        n > 0
        and k not in truth.copies
        and k[0] not in truth.beside_indels
        and any(a <= k[0] < b for a, b in confident)
        for k, n in called.items()
    )
    print(
        f"{len(truth.copies)} SNPs: {missed} missed, {wrong} wrong genotypes, {false} false; "
        f"errors {missed + 2 * wrong + false}"
    )


if __name__ == "__main__":
    main()
