"""deepcohort haplotag."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.haplotag.config import HaplotagConfig

app = typer.Typer()


@app.command()
def haplotag(
    vcf: Annotated[Path, typer.Option(help="Phased VCF or gVCF of the sample, of `call` or `genotype`.")],
    reads: Annotated[
        list[Path], typer.Option(help="BAM or CRAM that it was called from, indexed; repeat for more files.")
    ],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    output: Annotated[Path, typer.Option(help="BAM or CRAM to write, all reads; its index comes beside it.")],
    sample: Annotated[
        str, typer.Option(help="Sample of the VCF. Default: its only one, which the reads must name too.")
    ] = "",
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    min_quality: Annotated[
        int, typer.Option(help="Phred; reads whose haplotype is less sure get no tag.", min=1, max=99)
    ] = HaplotagConfig().min_quality_phred,
    threads: Annotated[int, typer.Option(help="That compress the output.", min=1)] = 1,
) -> None:
    """Tag reads with their haplotype (HP) and phase set (PS) by a phased VCF."""
    from deepcohort.compose.haplotag_run import tag_reads
    from deepcohort.haplotag.run import TagRequest

    tag_reads(TagRequest(vcf, reads, reference, output, sample, platform, threads), min_quality)
