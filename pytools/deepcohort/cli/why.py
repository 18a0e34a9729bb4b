"""deepcohort why."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def why(
    reads: Annotated[list[Path], typer.Option(help="BAM or CRAM of one sample, indexed; repeatable.")],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    site: Annotated[str, typer.Option(help="CONTIG:POS, 1-based, as in the VCF.")],
    alt: Annotated[str, typer.Option(help="ALT to explain, of several. Default: the most seen.")] = "",
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    model: Annotated[str, typer.Option(help="Model file, or auto: the shipped one.")] = "auto",
    top: Annotated[int, typer.Option(help="Features and reads listed.", min=1)] = 8,
    output: Annotated[Path | None, typer.Option(help="JSON with everything, besides the text.")] = None,
) -> None:
    """Say why a site is called as it is, and what would have to change for another genotype."""
    from deepcohort.compose.why_run import explain_site, told, write_json

    explanation = explain_site(reads, reference, site, alt, platform, model)
    if output is not None:
        write_json(explanation, output)
    typer.echo(told(explanation, top))
