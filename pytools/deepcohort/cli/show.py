"""deepcohort show."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def show(
    reads: Annotated[list[Path], typer.Option(help="BAM or CRAM of one sample, indexed; repeatable.")],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    site: Annotated[str, typer.Option(help="CONTIG:POS, 1-based, as in the VCF.")],
    output: Annotated[Path, typer.Option(help="Picture to write, .png (or .pdf, .svg).")],
    alt: Annotated[str, typer.Option(help="ALT to show, of several. Default: the most seen.")] = "",
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    model: Annotated[str, typer.Option(help="Model file, or auto: the shipped one.")] = "auto",
    max_reads: Annotated[int, typer.Option(help="Reads drawn at most.", min=1)] = 60,
) -> None:
    """Draw the read pileup of a site and what the network sees of it, with its probabilities."""
    from deepcohort.cli.show_run import show_site

    typer.echo(show_site(reads, reference, site, output, alt, platform, model, max_reads))
