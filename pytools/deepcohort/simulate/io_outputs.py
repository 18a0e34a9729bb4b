"""Files of a simulated cohort: FASTA, truth VCFs, BEDs, samplesheet, pedigree."""

import hashlib
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.sequence import ASCII_OF_CODE, decode_bases
from deepcohort.core.vcf_constants import VCF_VERSION
from deepcohort.formats.bgzf import BgzfWriter
from deepcohort.formats.tabix import TBI_LIMIT_BP
from deepcohort.simulate.alleles import trim
from deepcohort.simulate.types import ABSENT, Genome, Person, SiteTable

_LINE_BP = 80
_EDGE_BP = 200  # contig ends, where reads thin out, are not confident


def write_fasta(path: Path, genome: Genome) -> None:
    """FASTA with soft-masked repeats, and its .fai."""
    with open(path, "wb") as out:
        for name, codes in genome.contigs.items():
            text = ASCII_OF_CODE[codes]
            if name in genome.mask:
                text = np.where(genome.mask[name] & (codes < 4), text | 0x20, text)
            raw = text.tobytes()
            out.write(b">" + name.encode() + b"\n")
            for start in range(0, len(raw), _LINE_BP):
                out.write(raw[start : start + _LINE_BP] + b"\n")
    pysam.faidx(str(path))  # type: ignore[attr-defined]


def sequence_md5(codes: NDArray[np.uint8]) -> str:
    """M5 of the SAM specification: MD5 of the upper-case sequence."""
    return hashlib.md5(ASCII_OF_CODE[codes].tobytes()).hexdigest()


def write_truth(
    path: Path,
    genome: Genome,
    tables: list[SiteTable],
    people: list[Person],
    columns: list[int],
    seed: int,
) -> int:
    """Phased truth VCF (bgzip, tabix) of the samples at `columns`; returns the number of records.

    Sites where none of them carries an alternate are left out, alleles that none carries too.
    """
    header = [f"##fileformat={VCF_VERSION}", f"##source=deepcohort simulate, seed {seed}"]
    header += [f"##contig=<ID={n},length={length}>" for n, length in genome.lengths.items()]
    header.append('##INFO=<ID=DENOVO,Number=0,Type=Flag,Description="Arose in this family\'s child">')
    header.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype, phased">')
    names = "\t".join(people[i].name for i in columns)
    header.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}")
    count = 0
    with BgzfWriter(path) as out:
        out.write(("\n".join(header) + "\n").encode())
        for table in tables:
            reference = genome.contigs[table.contig]
            found = (_truth_line(table, s, reference, columns) for s in range(len(table)))
            lines = sorted((line for line in found if line), key=lambda line: line[0])
            count += len(lines)
            out.write("".join(text for _, text in lines).encode())
    is_long = max(genome.lengths.values(), default=0) > TBI_LIMIT_BP
    pysam.tabix_index(str(path), preset="vcf", force=True, csi=is_long)
    return count


def _truth_line(
    table: SiteTable, s: int, reference: NDArray[np.uint8], columns: list[int]
) -> tuple[int, str] | None:
    """(0-based POS, VCF line) of site `s` for `columns`, or None if they all carry REF."""
    gt = table.gt[s].reshape(-1, 2)[columns]
    used = sorted(set(gt[gt > 0].tolist()))
    if not used:
        return None
    first = int(table.site_offset[s])
    alts = [table.alt_seq[table.alt_offset[first + a - 1] : table.alt_offset[first + a]] for a in used]
    pos = int(table.pos[s])
    shift, ref, alts = trim(reference[pos : pos + int(table.ref_len[s])], alts)
    number = {0: "0", ABSENT: ""} | {a: str(k + 1) for k, a in enumerate(used)}
    calls = ["|".join(filter(None, (number[a], number[b]))) or "." for a, b in gt.tolist()]
    info = "DENOVO" if table.de_novo[s] in columns else "."
    alt = ",".join(decode_bases(a) for a in alts)
    pos += shift
    fields = (table.contig, pos + 1, ".", decode_bases(ref), alt, ".", "PASS", info, "GT", *calls)
    return pos, "\t".join(map(str, fields)) + "\n"


def write_confident(path: Path, genome: Genome, inside: dict[str, NDArray[np.bool_]] | None = None) -> None:
    """BED of everything but N and the ends of contigs and of N; only `inside`, where given."""
    with open(path, "w") as out:
        for name, codes in genome.contigs.items():
            sure = np.zeros(len(codes), bool)
            for start, end in _runs(codes < 4):
                sure[start + _EDGE_BP : max(start, end - _EDGE_BP)] = True
            if inside is not None:
                sure &= inside[name]
            out.writelines(f"{name}\t{start}\t{end}\n" for start, end in _runs(sure))


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open stretches where `mask` holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def write_bed(path: Path, intervals: list[tuple[str, int, int]]) -> None:
    """Sorted BED of (contig, start, end)."""
    path.write_text("".join(f"{c}\t{a}\t{b}\n" for c, a, b in sorted(intervals)))


def write_samplesheet(path: Path, people: list[Person], platform: str) -> None:
    """samplesheet.csv; paths are relative to the sheet."""
    columns = "sample,reads,index,sex,platform,family,father,mother,truth_vcf,truth_bed"
    with open(path, "w") as out:
        out.write(columns + "\n")
        for p in people:
            # .csi where a contig is too long for a .bai
            index = "bam.csi" if path.with_name(f"{p.name}.bam.csi").exists() else "bam.bai"
            out.write(
                f"{p.name},{p.name}.bam,{p.name}.{index},{p.sex},{platform},{p.family},{p.father},{p.mother},"
                f"{p.name}.truth.vcf.gz,{p.name}.confident.bed\n"
            )


def write_pedigree(path: Path, people: list[Person]) -> None:
    """PLINK .ped: family, sample, father, mother, sex (1 male, 2 female), phenotype."""
    with open(path, "w") as out:
        for p in people:
            sex = {"XY": 1, "XX": 2}.get(p.sex, 0)
            out.write(f"{p.family or p.name}\t{p.name}\t{p.father or 0}\t{p.mother or 0}\t{sex}\t-9\n")
