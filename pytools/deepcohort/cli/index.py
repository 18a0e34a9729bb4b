"""deepcohort index."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def index(reference: Annotated[Path, typer.Option(help="FASTA, plain or compressed with bgzip.")]) -> None:
    """Index a reference FASTA: writes .fai (and .gzi) beside it."""
    from deepcohort.cohort.io import index_reference

    index_reference(reference)
