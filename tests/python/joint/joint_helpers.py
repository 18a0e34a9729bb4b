"""Tiny gVCFs and references for the tests of joint genotyping."""

from pathlib import Path

import pysam
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort

SEQUENCE = "ACGTTGCAAC" * 30  # POS 1-10 ACGTTGCAAC, and so on


def write_reference(folder: Path, contigs: dict[str, str] | None = None) -> Path:
    path = folder / "ref.fa"
    contigs = contigs or {"c1": SEQUENCE}
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs.items()))
    pysam.faidx(str(path))
    return path


def write_gvcf(
    folder: Path,
    sample: str,
    rows: list[str],
    contigs: dict[str, int] | None = None,
    pl: bool = True,
    index: bool = True,
    name: str | None = None,
    csi: bool = False,
    phase: bool = False,
) -> Path:
    """gVCF of `rows` (blanks become TABs; CHROM c1, ID and FORMAT are filled in where 6 fields are given).

    A row is "POS REF ALT INFO FORMAT SAMPLE" or a whole VCF line.
    """
    keys = {"GT": "1,String", "GQ": "1,Integer", "DP": "1,Integer", "MIN_DP": "1,Integer", "AD": "R,Integer"}
    if pl:
        keys["PL"] = "G,Integer"
    if phase:
        keys |= {"PS": "1,Integer", "PQ": "1,Integer"}
    lines = ["##fileformat=VCFv4.3", '##INFO=<ID=END,Number=1,Type=Integer,Description="e">']
    lines += ['##INFO=<ID=MQ,Number=1,Type=Float,Description="m">', '##FILTER=<ID=Bad,Description="b">']
    lines += ['##FORMAT=<ID=SB,Number=4,Type=Integer,Description="s">']
    for key, value in keys.items():
        number, kind = value.split(",")
        lines.append(f'##FORMAT=<ID={key},Number={number},Type={kind},Description="x">')
    lines += [f"##contig=<ID={c},length={n}>" for c, n in (contigs or {"c1": len(SEQUENCE)}).items()]
    lines.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}")
    for row in rows:
        fields = row.split()
        if len(fields) == 6:
            pos, ref, alt, info, keys_, cell = fields
            fields = ["c1", pos, ".", ref, alt, ".", ".", info, keys_, cell]
        lines.append("\t".join(fields))
    path = folder / f"{name or sample}.g.vcf.gz"
    plain = folder / f"{name or sample}.g.vcf"
    plain.write_text("\n".join(lines) + "\n")
    pysam.tabix_compress(str(plain), str(path), force=True)
    if index:
        pysam.tabix_index(str(path), preset="vcf", force=True, csi=csi)
    return path


def block(start: int, end: int, gq: int = 60, dp: int = 30) -> str:
    """Reference block, 1-based inclusive."""
    base = SEQUENCE[start - 1]
    if dp == 0:
        return f"{start} {base} <NON_REF> END={end} GT:GQ:DP:MIN_DP:PL ./.:0:0:0:0,0,0"
    return f"{start} {base} <NON_REF> END={end} GT:GQ:DP:MIN_DP:PL 0/0:{gq}:{dp}:{dp}:0,{gq},{gq * 10}"


def het(pos: int, ref: str, alt: str, dp: int = 30) -> str:
    return f"{pos} {ref} {alt},<NON_REF> . GT:GQ:DP:AD:PL 0/1:99:{dp}:{dp // 2},{dp // 2},0:300,0,400,390,450,840"


def hom(pos: int, ref: str, alt: str, dp: int = 30) -> str:
    return f"{pos} {ref} {alt},<NON_REF> . GT:GQ:DP:AD:PL 1/1:90:{dp}:0,{dp},0:800,90,0,800,90,800"


def genotype(
    folder: Path, gvcfs: list[Path], config: JointConfig | None = None, reference: Path | None = None, **more
):
    """Rows of the cohort VCF: {"POS REF ALT": {"INFO": {...}, "FILTER": ..., sample: {FORMAT key: value}}}."""
    out = folder / "cohort.vcf.gz"
    genotype_cohort(gvcfs, reference or folder / "ref.fa", out, config=config, quiet=True, **more)
    return read_rows(out)


def read_rows(path: Path):
    rows = {}
    samples = []
    with pysam.BGZFile(str(path)) as file:
        text = file.read().decode()
    for line in text.splitlines():
        fields = line.split("\t")
        if line.startswith("#CHROM"):
            samples = fields[9:]
        elif not line.startswith("#"):
            keys = fields[8].split(":")
            row = {
                s: dict(zip(keys, cell.split(":"), strict=False))
                for s, cell in zip(samples, fields[9:], strict=True)
            }
            row["INFO"] = dict(part.partition("=")[::2] for part in fields[7].split(";"))
            row["QUAL"], row["FILTER"] = float(fields[5]), fields[6]
            rows[f"{fields[1]} {fields[3]} {fields[4]}"] = row
    return rows


def gts(row, *samples: str) -> list[str]:
    """Genotypes without their phase."""
    return ["/".join(sorted(row[s]["GT"].replace("|", "/").split("/"))) for s in samples]
