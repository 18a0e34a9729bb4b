"""Files of alleles and made-up reads for tests of force-calling."""

import gzip
import subprocess

import pysam
import pysam.bcftools
from deepcohort.compose.call_shard import CallJob, call_shard
from naive_predictor import NaivePredictor


def write_sites(folder, contigs, rows, name="sites", kind="vcf.gz", samples=(), header=(), index=True):
    """Sorted rows (CHROM, POS, ID, REF, ALT[, INFO[, genotypes...]]) as an indexed VCF or BCF."""
    lines = ["##fileformat=VCFv4.2", *header]
    lines += [f"##contig=<ID={contig},length={length}>" for contig, length in contigs.items()]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    if samples:
        lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
        columns += ["FORMAT", *samples]
    lines.append("\t".join(columns))
    for contig, pos, name_, ref, alt, *rest in rows:
        info, genotypes = (rest or ["."])[0], list(rest[1:])
        fields = [contig, str(pos), name_, ref, alt, ".", ".", info]
        lines.append("\t".join(fields + (["GT", *genotypes] if samples else [])))
    text = folder / f"{name}.vcf"
    text.write_text("\n".join(lines) + "\n")
    path = folder / f"{name}.{kind}"
    if kind == "bcf":
        with (
            pysam.VariantFile(str(text)) as source,
            pysam.VariantFile(str(path), "wb", header=source.header) as out,
        ):
            for record in source:
                out.write(record)
        pysam.bcftools.index(str(path))
        return path
    pysam.tabix_compress(str(text), str(path), force=True)
    if index:
        pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def call(folder, reference, bam, regions, name="x", predictor=None, **settings):
    """Call; paths of the gVCF and the VCF."""
    gvcf, vcf = folder / f"{name}.g.vcf.gz", folder / f"{name}.vcf.gz"
    job = CallJob([bam], reference, list(regions), "S", gvcf, vcf, **settings)
    call_shard(job, predictor or NaivePredictor(), quiet=True)
    return gvcf, vcf


def made_up(folder, text, reads, contig="c"):
    """Reference and BAM of reads (POS, CIGAR, bases), each of its own name."""
    reference = folder / "r.fa"
    reference.write_text(f">{contig}\n{text}\n")
    pysam.faidx(str(reference))
    sam = folder / "x.sam"
    lines = [f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{contig}\tLN:{len(text)}\n@RG\tID:1\tSM:S"]
    for i, (pos, cigar, bases) in enumerate(sorted(reads)):
        flag = 16 * (i % 2)
        lines.append(
            f"r{i}\t{flag}\t{contig}\t{pos}\t60\t{cigar}\t*\t0\t0\t{bases}\t{'I' * len(bases)}\tRG:Z:1"
        )
    sam.write_text("\n".join(lines) + "\n")
    bam = folder / "x.bam"
    pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
    pysam.index(str(bam))
    return reference, bam


def rows_of(path):
    """Columns of the records of a VCF."""
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def sample_of(row):
    """FORMAT values of a row's sample."""
    return dict(zip(row[8].split(":"), row[9].split(":"), strict=False))


def given_of(path):
    """{POS: row} of the records of given alleles."""
    return {int(row[1]): row for row in rows_of(path) if "GIVEN" in row[7].split(";")}


def bcftools(*options):
    """Standard output of bcftools, which must have no complaint."""
    done = subprocess.run(["bcftools", *map(str, options)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
