"""deepcohort provenance."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def provenance(
    run: Annotated[Path, typer.Option(help="JSON object about the run as a whole.")],
    versions: Annotated[Path, typer.Option(help="Folder of versions.yml files.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    inputs: Annotated[Path | None, typer.Option(help="Folder of input files to checksum.")] = None,
    outputs: Annotated[Path | None, typer.Option(help="Folder of result files to checksum.")] = None,
    checksums: Annotated[
        Path | None, typer.Option(help="Folder of tables that `deepcohort merge --checksums` wrote.")
    ] = None,
    models: Annotated[Path | None, typer.Option(help="Folder of model files and their cards (.md).")] = None,
) -> None:
    """Write down what a run was made of: settings, versions, checksums, models."""
    from deepcohort.cohort.provenance import write_provenance

    write_provenance(run, versions, inputs, outputs, models, output, checksums)
