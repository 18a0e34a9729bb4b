"""deepcohort intersect."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def intersect(
    bed: Annotated[Path, typer.Option(help="BED to cut.")],
    within: Annotated[Path, typer.Option(help="BED to stay inside of.")],
    output: Annotated[Path, typer.Option(help="BED to write; empty when the two share nothing.")],
) -> None:
    """Keep the parts of a BED that lie inside another, sorted and merged."""
    from deepcohort.cohort.io import intersect_beds

    typer.echo(f"{intersect_beds(bed, within, output):,} bp in {output}", err=True)
