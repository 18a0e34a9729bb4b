"""Small references and VCFs, written as text and indexed in tmp_path."""

from pathlib import Path

import pysam

HEADER = (
    "##fileformat=VCFv4.3\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">\n'
    '##FILTER=<ID=LowQual,Description="low">\n'
    '##ALT=<ID=DEL,Description="deletion">\n'
)


def index_vcf(path: Path, text: str) -> Path:
    """Write `text` to `path` (ends in .vcf), compress and index it; the .vcf.gz."""
    path.write_text(text)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return Path(f"{path}.gz")


def vcf_text(rows: list[str], contigs: dict[str, int], samples: tuple[str, ...] = ("S",)) -> str:
    """VCF of `rows` "CHROM POS REF ALT GT[:GQ] [QUAL] [FILTER]", fields separated by blanks."""
    lines = [HEADER.rstrip("\n")]
    lines += [f"##contig=<ID={name},length={size}>" for name, size in contigs.items()]
    lines.append(
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples])
    )
    for row in rows:
        chrom, pos, ref, alt, genotype, *rest = row.split()
        qual = rest[0] if rest else "50"
        flag = rest[1] if len(rest) > 1 else "PASS"
        genotypes = genotype.split(";")
        keys = "GT:GQ" if ":" in genotype else "GT"
        lines.append("\t".join([chrom, pos, ".", ref, alt, qual, flag, ".", keys, *genotypes]))
    return "\n".join(lines) + "\n"
