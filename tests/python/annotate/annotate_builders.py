"""A small world: a reference with one gene on either strand, AlphaMissense's tables of it, VCFs."""

import gzip
import random
from collections.abc import Sequence
from pathlib import Path

import pysam

CDS = "ATGGCTCGTTGTGATGAATTTGGTCATATTAAACTTCCTAGTACTGTTTGGTATCAATAA"  # at 101-160 (1-based) of chr1, + strand: M A R C D E F G H I K L P S T V W Y Q *
REPEAT = "GCACACACACAT"  # at 201-212
HEAD = (
    "# Made up for tests\n#\n# Licensed under TEST terms\n"
    "#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class\n"
)
_FILL = random.Random(7)


def _fill(n: int) -> str:
    return "".join(_FILL.choice("ACGT") for _ in range(n))


CHR1 = _fill(100) + CDS + _fill(40) + REPEAT + _fill(188)
CHR2 = _fill(400)

GFF = "\n".join(
    [
        "##gff-version 3",
        "1\tt\tgene\t61\t180\t.\t+\t.\tID=gene:G1;Name=ONE;biotype=protein_coding",
        "1\tt\tmRNA\t61\t180\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding",
        "1\tt\tfive_prime_UTR\t61\t100\t.\t+\t.\tParent=transcript:T1",
        "1\tt\texon\t61\t180\t.\t+\t.\tParent=transcript:T1",
        "1\tt\tCDS\t101\t160\t.\t+\t0\tID=CDS:P1;Parent=transcript:T1",
        "1\tt\tthree_prime_UTR\t161\t180\t.\t+\t.\tParent=transcript:T1",
        "",
    ]
)


def row(
    pos: int, alt: str, change: str, score: str, name: str = "T1.3", uniprot: str = "P1", contig: str = "chr1"
) -> str:
    """Row of AlphaMissense's genomic table; REF is the reference's."""
    value = float(score)
    group = "likely_benign" if value < 0.34 else "ambiguous" if value <= 0.564 else "likely_pathogenic"
    ref = (CHR1 if contig == "chr1" else CHR2)[pos - 1]
    return f"{contig}\t{pos}\t{ref}\t{alt}\thg38\t{uniprot}\t{name}\t{change}\t{score}\t{group}\n"


# A2 of GCT at 104-106, R3 of CGT at 107-109
ROWS = [
    row(104, "A", "A2T", "0.2"),
    row(104, "T", "A2S", "0.564"),
    row(105, "A", "A2D", "0.9999"),
    row(105, "G", "A2G", "0.5641"),
    row(105, "G", "A7G", "0.1", "T9.1", "P9"),  # the same allele in another transcript
    row(105, "T", "A2V", "1.0"),
    row(107, "A", "R3S", "0.34"),
    row(108, "A", "R3H", "0.3399"),
]


def write_reference(folder: Path) -> Path:
    """ref.fa, indexed."""
    path = folder / "ref.fa"
    path.write_text(f">chr1\n{CHR1}\n>chr2\n{CHR2}\n")
    pysam.faidx(str(path))
    return path


def write_genes(folder: Path, text: str = GFF) -> Path:
    """genes.gff3."""
    path = folder / "genes.gff3"
    path.write_text(text)
    return path


def write_table(path: Path, rows: Sequence[str] = tuple(ROWS), head: str = HEAD, kind: str = "plain") -> Path:
    """AlphaMissense's genomic table: plain, gzip, bgzip, or bgzip with index."""
    text = head + "".join(rows)
    if kind == "plain":
        path.write_text(text)
    elif kind == "gzip":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        with pysam.BGZFile(str(path), "wb") as out:
            out.write(text.encode())
        if kind == "indexed":
            pysam.tabix_index(str(path), seq_col=0, start_col=1, end_col=1, meta_char="#", force=True)
    return path


def record(
    pos: int,
    ref: str,
    alt: str,
    *genotypes: str,
    contig: str = "chr1",
    name: str = ".",
    info: str = ".",
    form: str = "GT",
) -> str:
    """Line of a VCF."""
    fields = [contig, str(pos), name, ref, alt, "50", "PASS", info]
    return "\t".join([*fields, form, *genotypes] if genotypes else fields) + "\n"


def write_vcf(
    path: Path, records: Sequence[str], samples: Sequence[str] = (), extra: Sequence[str] = ()
) -> Path:
    """VCF, bgzipped with index where the name says so."""
    lines = [
        "##fileformat=VCFv4.3",
        *extra,
        f"##contig=<ID=chr1,length={len(CHR1)}>",
        f"##contig=<ID=chr2,length={len(CHR2)}>",
    ]
    columns = [
        "#CHROM",
        "POS",
        "ID",
        "REF",
        "ALT",
        "QUAL",
        "FILTER",
        "INFO",
        *(["FORMAT", *samples] if samples else []),
    ]
    text = "\n".join([*lines, "\t".join(columns)]) + "\n" + "".join(records)
    if path.suffix != ".gz":
        path.write_text(text)
        return path
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(text.encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def lines_of(path: Path) -> list[str]:
    """Lines of a (b)gzipped file."""
    with gzip.open(path, "rt") as file:
        return file.read().splitlines()


def records_of(path: Path) -> list[list[str]]:
    """Fields of each record."""
    return [line.split("\t") for line in lines_of(path) if not line.startswith("#")]


def info_of(fields: Sequence[str]) -> dict[str, str]:
    """INFO of a record."""
    return dict(part.partition("=")[::2] for part in fields[7].split(";"))
