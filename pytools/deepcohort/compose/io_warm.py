"""A tiny genome with reads of two people, made on the spot, to run every kernel once."""

from pathlib import Path

import numpy as np
import pysam

CONTIG = "warm"
LENGTH_BP = 12_000
_READ_BP, _INSERT_BP, _DEPTH = 100, 300, 24
# 0-based position, REF length, ALT suffix after the first base (None: a SNP), copies in either person
_VARIANTS = (
    (2_000, 1, None, (1, 2)),
    (3_000, 4, "", (1, 1)),
    (4_000, 1, "TTCAG", (2, 0)),
    (5_000, 1, None, (0, 1)),
    (5_004, 1, None, (1, 1)),
    (6_000, 30, "", (1, 0)),
)
_COMPLEX_AT = 8_000  # evaluation cuts such records into parts
_OTHER = {"A": "C", "C": "T", "G": "A", "T": "G"}
_FORMAT = (
    ("GT", "1", "String"),
    ("GQ", "1", "Integer"),
    ("DP", "1", "Integer"),
    ("MIN_DP", "1", "Integer"),
    ("AD", "R", "Integer"),
    ("VAF", "A", "Float"),
    ("PL", "G", "Integer"),
)
# FORMAT and values of a reference block, and of one and two copies
_BLOCK = "GT:GQ:DP:MIN_DP:PL\t0/0:60:24:22:0,60,600"
_CALLED = {
    1: "GT:GQ:DP:AD:VAF:PL\t0/1:50:24:12,12,0:0.5,0:50,0,50,99,99,99",
    2: "GT:GQ:DP:AD:VAF:PL\t1/1:50:24:0,24,0:1,0:600,60,0,600,60,600",
}
# a stretch with a copy elsewhere, whose reads have a low MAPQ
_COPIED, _COPY_AT, _COPY_EVERY_BP = range(1_500, 2_900), 9_200, 90
_ASTRAY_EVERY = 5  # so many pairs of that stretch, one is aligned to the copy instead
_ODD_EVERY = 40  # pairs without a name, with a CIGAR operation of length 0


def write_warm_inputs(folder: Path, odd: bool = False) -> tuple[Path, list[Path], Path]:
    """(reference FASTA, one BAM per person, truth VCF of the first person), all indexed, in `folder`.

    Args:
        odd: with reads aligned to the wrong copy of a stretch, and a complex record in the truth.
    """
    rng = np.random.default_rng(1)
    genome = "".join(rng.choice(list("ACGT"), LENGTH_BP))
    genome = f"{genome[:7000]}{'A' * 15}{'CA' * 12}{genome[7039:]}"
    copy = list(genome[_COPIED.start : _COPIED.stop])
    for at in range(_COPY_EVERY_BP, len(copy), _COPY_EVERY_BP):
        copy[at] = _OTHER[copy[at]]
    genome = genome[:_COPY_AT] + "".join(copy) + genome[_COPY_AT + len(copy) :]
    reference = folder / "warm.fa"
    reference.write_text(f">{CONTIG}\n{genome}\n")
    pysam.faidx(str(reference))
    bams = [_write_bam(folder / f"warm{person}.bam", genome, person, rng, odd) for person in range(2)]
    return reference, bams, _write_truth(folder / "truth.vcf", genome, odd)


def write_warm_gvcfs(folder: Path, reference: Path) -> list[Path]:
    """gVCFs of both people as `call` would write them, so that joint kernels need not wait for it."""
    genome = pysam.FastaFile(str(reference)).fetch(CONTIG)
    return [_write_gvcf(folder / f"told{person}.g.vcf", genome, person) for person in range(2)]


def _write_gvcf(path: Path, genome: str, person: int) -> Path:
    lines = ["##fileformat=VCFv4.2", "##source=deepcohort", f"##contig=<ID={CONTIG},length={len(genome)}>"]
    lines += [f'##FORMAT=<ID={key},Number={n},Type={kind},Description="{key}">' for key, n, kind in _FORMAT]
    lines.append('##INFO=<ID=END,Number=1,Type=Integer,Description="End">')
    lines.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tperson{person}")
    at = 0
    for pos, n_ref, suffix, copies in (*_VARIANTS, (len(genome), 0, "", (0, 0))):
        if pos > at:
            lines.append(f"{CONTIG}\t{at + 1}\t.\t{genome[at]}\t<NON_REF>\t.\t.\tEND={pos}\t{_BLOCK}")
            at = pos
        if copies[person]:
            ref, alt = _alleles(genome, pos, n_ref, suffix)
            called = _CALLED[copies[person]]
            lines.append(f"{CONTIG}\t{pos + 1}\t.\t{ref}\t{alt},<NON_REF>\t50\tPASS\t.\t{called}")
            at = pos + n_ref
    path.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return Path(f"{path}.gz")


def _alleles(genome: str, pos: int, n_ref: int, suffix: str | None) -> tuple[str, str]:
    ref = genome[pos : pos + n_ref]
    return ref, _OTHER[ref[0]] if suffix is None else ref[0] + suffix


def _haplotype(genome: str, copy: int, person: int) -> tuple[str, list[int]]:
    """Sequence of one copy, and the reference position of each of its bases (-1 = inserted)."""
    bases: list[str] = []
    positions: list[int] = []
    at = 0
    for pos, n_ref, suffix, copies in _VARIANTS:
        if copies[person] <= copy:
            continue
        bases.append(genome[at:pos])
        positions += range(at, pos)
        alt = _alleles(genome, pos, n_ref, suffix)[1]
        bases.append(alt)
        positions += [pos] + [-1] * (len(alt) - 1)
        at = pos + n_ref
    bases.append(genome[at:])
    positions += range(at, len(genome))
    return "".join(bases), positions


def _cigar(positions: list[int]) -> list[tuple[int, int]]:
    cigar: list[tuple[int, int]] = []
    previous = None
    for position in positions:
        if previous is not None and position >= 0 and position > previous + 1:
            cigar.append((2, position - previous - 1))
        op = 1 if position < 0 else 0
        if cigar and cigar[-1][0] == op:
            cigar[-1] = (op, cigar[-1][1] + 1)
        else:
            cigar.append((op, 1))
        previous = position if position >= 0 else previous
    return cigar


def _write_bam(path: Path, genome: str, person: int, rng: np.random.Generator, odd: bool) -> Path:
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": CONTIG, "LN": len(genome)}],
            "RG": [{"ID": "1", "SM": f"person{person}"}],
        }
    )
    haplotypes = [_haplotype(genome, copy, person) for copy in range(2)]
    records = []
    for pair in range(_DEPTH * len(genome) // (2 * _READ_BP)):
        sequence, positions = haplotypes[pair % 2]
        insert = int(rng.integers(_INSERT_BP - 120, _INSERT_BP + 120))
        first = int(rng.integers(0, len(sequence) - insert))
        starts = (first, first + insert - _READ_BP)
        spots = [next(p for p in positions[s:] if p >= 0) for s in starts]
        copied = all(s in _COPIED and s + _READ_BP in _COPIED for s in spots)
        astray = _COPY_AT - _COPIED.start if odd and copied and pair % _ASTRAY_EVERY == 0 else 0
        spots = [s + astray for s in spots]
        for mate, start in enumerate(starts):
            while positions[start] < 0:
                start += 1
            stop = min(start + _READ_BP, len(sequence))
            while positions[stop - 1] < 0:
                stop -= 1
            read = pysam.AlignedSegment(header)
            unnamed = odd and pair % _ODD_EVERY == 0
            read.query_name = "*" if unnamed else f"pair{pair}"
            bases = list(sequence[start:stop])
            for i in np.flatnonzero(rng.random(len(bases)) < 0.004):
                bases[i] = "ACGT"[int(rng.integers(4))]
            read.query_sequence = "".join(bases)
            read.flag = 0x63 if mate == 0 else 0x93
            read.reference_id, read.reference_start = 0, positions[start] + astray
            read.mapping_quality = int(rng.choice([0, 20, 60], p=[0.02, 0.08, 0.9]))
            if any(at <= read.reference_start < at + len(_COPIED) for at in (_COPIED.start, _COPY_AT)):
                read.mapping_quality = 20
            read.cigartuples = [*_cigar(positions[start:stop]), *([(1, 0)] if unnamed else [])]
            if pair % 17 == 0 and read.cigartuples[0] == (0, stop - start):
                read.cigartuples = [(4, 12), (0, stop - start - 12)]
                read.reference_start += 12
                # clips that fit would have been made on purpose, and left out
                read.query_sequence = "".join(_OTHER[base] for base in bases[:12]) + "".join(bases[12:])
            read.query_qualities = pysam.qualitystring_to_array("I" * (stop - start))
            read.next_reference_id, read.next_reference_start = 0, spots[1 - mate]
            read.template_length = insert if mate == 0 else -insert
            read.set_tag("RG", "1")
            records.append(read)
    records.sort(key=lambda r: r.reference_start)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for record in records:
            out.write(record)
    pysam.index(str(path))
    return path


def _write_truth(path: Path, genome: str, odd: bool) -> Path:
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID={CONTIG},length={len(genome)}>"]
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tperson0")
    for pos, n_ref, suffix, copies in _VARIANTS:
        if copies[0]:
            ref, alt = _alleles(genome, pos, n_ref, suffix)
            genotype = "1/1" if copies[0] == 2 else "0/1"
            lines.append(f"{CONTIG}\t{pos + 1}\t.\t{ref}\t{alt}\t50\tPASS\t.\tGT\t{genotype}")
    if odd:
        ref = genome[_COMPLEX_AT : _COMPLEX_AT + 4]
        alt = "".join(_OTHER[base] if i % 2 else base for i, base in enumerate(ref)) + "G"
        lines.append(f"{CONTIG}\t{_COMPLEX_AT + 1}\t.\t{ref}\t{alt}\t50\tPASS\t.\tGT\t0/1")
    path.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return Path(f"{path}.gz")


def write_warm_tables(folder: Path, reference: Path) -> dict[str, Path]:
    """Options of `annotate` -> tables of the genome: a score of every base of a gene, one transcript."""
    start, end = 1_500, 9_000
    with pysam.FastaFile(str(reference)) as fasta:
        genome = fasta.fetch(CONTIG).upper()
    span = f"{start + 1}\t{end}\t.\t+"
    lines = [
        f"{CONTIG}\twarm\tgene\t{span}\t.\tID=gene:G;Name=G;biotype=protein_coding",
        f"{CONTIG}\twarm\tmRNA\t{span}\t.\tID=transcript:T;Parent=gene:G;biotype=protein_coding",
        f"{CONTIG}\twarm\texon\t{span}\t.\tParent=transcript:T",
        f"{CONTIG}\twarm\tCDS\t{span}\t0\tParent=transcript:T",
    ]
    head = "#CHROM POS REF ALT genome uniprot_id transcript_id protein_variant am_pathogenicity am_class"
    rows = [head.replace(" ", "\t")]
    for at in range(start, end):
        alt = _OTHER[genome[at]]
        change = f"A{(at - start) // 3 + 1}V"
        rows.append(f"{CONTIG}\t{at + 1}\t{genome[at]}\t{alt}\twarm\tP\tT\t{change}\t0.9\tlikely_pathogenic")
    proteins = ["uniprot_id\tprotein_variant\tam_pathogenicity\tam_class", "P\tA2V\t0.5\tambiguous"]
    found = {}
    for option, name, text in (
        ("--genes", "genes.gff3", lines),
        ("--alphamissense", "am.tsv", rows),
        ("--amino-acids", "aa.tsv", proteins),
    ):
        found[option] = folder / name
        found[option].write_text("\n".join(text) + "\n")
    return found
