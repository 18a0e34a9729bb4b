"""Cheap gVCFs for benchmarks of joint genotyping: a neutral cohort at 30x, no reads behind it.

Sites follow the neutral frequency spectrum (theta = 1e-3 per bp); a sample's records are its
variants with PLs of Poisson depths, some candidates called reference, and reference blocks between.
"""

from pathlib import Path

import numpy as np
import pysam
from deepcohort.formats.bgzf import BgzfWriter

CONTIG = "chr1"
THETA = 1e-3
MEAN_BLOCK_BP = 60  # as in the gVCFs of `deepcohort call` at 30x: 20,000 records per Mb
REF_CALLS_PER_BP = 3e-4
_BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


class CohortSimulator:
    """A reference of `length` bp and the population's sites; samples are drawn one by one."""

    def __init__(self, length: int, n_samples: int, seed: int = 1, depth: float = 30.0) -> None:
        rng = np.random.default_rng(seed)
        self.length, self.seed, self.depth = length, seed, depth
        self.sequence = _BASES[rng.integers(0, 4, length)].tobytes().decode()
        # expected number of segregating sites among 2n haplotypes, frequencies as 1/i
        counts = np.arange(1, 2 * n_samples)
        weights = 1.0 / counts
        n_sites = rng.poisson(THETA * length * weights.sum())
        self.frequency = rng.choice(counts, n_sites, p=weights / weights.sum()) / (2.0 * n_samples)
        self.pos = np.sort(rng.choice(np.arange(20, length - 60), n_sites, replace=False))
        self.indel = rng.random(n_sites) < 0.12
        self.size = rng.geometric(0.35, n_sites)
        self.insertion = rng.random(n_sites) < 0.5
        self.shift = rng.integers(1, 4, n_sites)

    def alleles(self, site: int) -> tuple[str, str]:
        """REF and ALT of a site."""
        at = int(self.pos[site])
        first = self.sequence[at]
        if not self.indel[site]:
            return first, "ACGT"["ACGT".index(first) - int(self.shift[site])]
        size = int(self.size[site])
        if self.insertion[site]:
            after = self.sequence[at + 1]
            inserted = "ACGT"["ACGT".index(after) - 1] * size
            tail = "ACGT"["ACGT".index(first) - 2]  # cannot be shifted left
            return first, first + inserted[:-1] + tail
        return self.sequence[at : at + size + 1], first

    def write_reference(self, path: Path) -> Path:
        """FASTA with its index."""
        path.write_text(f">{CONTIG}\n{self.sequence}\n")
        pysam.faidx(str(path))
        return path

    def write_gvcf(self, sample: int, path: Path) -> Path:
        """gVCF of sample number `sample`, bgzipped and indexed."""
        rng = np.random.default_rng([self.seed, sample])
        copies = rng.binomial(2, self.frequency)
        lines = {}
        taken_until = -1
        for site in np.flatnonzero(copies):
            at = int(self.pos[site])
            if at <= taken_until:
                continue
            ref, alt = self.alleles(int(site))
            lines[at] = (len(ref), self._variant(at, ref, alt, int(copies[site]), rng))
            taken_until = at + len(ref) - 1
        for at in rng.integers(20, self.length - 60, rng.poisson(REF_CALLS_PER_BP * self.length)):
            at = int(at)
            if not any(p in lines for p in range(at - 40, at + 2)):
                first = self.sequence[at]
                lines[at] = (1, self._variant(at, first, "ACGT"["ACGT".index(first) - 1], 0, rng))
        with BgzfWriter(path) as out:
            out.write(_header(sample, self.length).encode())
            out.write("".join(self._records(lines, rng)).encode())
        pysam.tabix_index(str(path), preset="vcf", force=True)
        return path

    def _variant(self, at: int, ref: str, alt: str, copies: int, rng: np.random.Generator) -> str:
        depth = max(1, int(rng.poisson(self.depth)))
        alts = int(rng.binomial(depth, (0.004, 0.5, 0.996)[copies]))
        log_l = [alts * np.log10(e) + (depth - alts) * np.log10(1 - e) for e in (0.003, 0.5, 0.997)]
        pl = [int(min(990, round(-10 * (x - max(log_l))))) for x in log_l]
        best = int(np.argmin(pl))
        gq = min(99, sorted(pl)[1])
        filter_ = "PASS" if best else "RefCall"
        gt = ("0/0", "0/1", "1/1")[best]
        other = min(990, 30 * depth)
        return (
            f"{CONTIG}\t{at + 1}\t.\t{ref}\t{alt},<NON_REF>\t{pl[0]}\t{filter_}\t.\tGT:GQ:DP:AD:VAF:PL\t"
            f"{gt}:{gq}:{depth}:{depth - alts},{alts},0:{alts / depth:.3f},0:"
            f"{pl[0]},{pl[1]},{pl[2]},{other},{other},{other}\n"
        )

    def _records(self, lines: dict[int, tuple[int, str]], rng: np.random.Generator) -> list[str]:
        text = []
        at = 0
        for pos in [*sorted(lines), self.length]:
            while at < pos:
                end = min(pos, at + int(rng.exponential(MEAN_BLOCK_BP)) + 1)
                depth = max(1, int(rng.poisson(self.depth - 6)))
                gq = min(99, 3 * depth) // 5 * 5
                text.append(
                    f"{CONTIG}\t{at + 1}\t.\t{self.sequence[at]}\t<NON_REF>\t.\t.\tEND={end}\tGT:GQ:DP:MIN_DP:PL\t"
                    f"0/0:{gq}:{depth + 3}:{depth}:0,{gq},{min(990, 30 * depth)}\n"
                )
                at = end
            if pos < self.length:
                text.append(lines[pos][1])
                at = pos + lines[pos][0]
        return text


def _header(sample: int, length: int) -> str:
    fields = (("GT", "1", "String"), ("GQ", "1", "Integer"), ("DP", "1", "Integer"), ("MIN_DP", "1", "Integer"),
              ("AD", "R", "Integer"), ("VAF", "A", "Float"), ("PL", "G", "Integer"))  # fmt: skip
    lines = ["##fileformat=VCFv4.3", '##INFO=<ID=END,Number=1,Type=Integer,Description="End of block">']
    lines += ['##FILTER=<ID=RefCall,Description="Reference">', '##ALT=<ID=NON_REF,Description="Any other">']
    lines += [f'##FORMAT=<ID={k},Number={n},Type={t},Description="{k}">' for k, n, t in fields]
    lines.append(f"##contig=<ID={CONTIG},length={length}>")
    lines.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS{sample:04d}")
    return "\n".join(lines) + "\n"
