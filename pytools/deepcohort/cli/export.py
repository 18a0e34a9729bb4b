"""deepcohort export."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def export(
    vcf: Annotated[Path, typer.Option(help="Cohort VCF, .vcf.gz with its index.")],
    format_: Annotated[
        str, typer.Option("--format", help="zarr (VCF Zarr, by bio2zarr) or plink2 (pgen, by plink2).")
    ],
    output: Annotated[Path, typer.Option(help="Prefix of the files to write.")],
    pedigree: Annotated[
        Path | None, typer.Option(help="PED file: families, parents and sexes for plink2.")
    ] = None,
) -> None:
    """Write a cohort VCF in a format for analysis."""
    from deepcohort.export.io_export import export_cohort

    for path in export_cohort(vcf, format_, output, pedigree):
        typer.echo(f"{path}: {path.stat().st_size / 1e6:,.3f} MB", err=True)
