"""deepcohort paralogs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def paralogs(
    reference: Annotated[Path, typer.Option(help="Indexed FASTA.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Table to write. Default: REFERENCE.paralogs.tsv.gz, where call looks."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """List segmental duplications of a reference, whose reads `call` then judges together."""
    from deepcohort.paralogs.find import find_paralogs
    from deepcohort.paralogs.io_table import SUFFIX, write_table

    links, lengths = find_paralogs(reference, quiet=quiet)
    path = output or Path(f"{reference}{SUFFIX}")
    write_table(path, links, lengths)
    typer.echo(f"{len(links)} tiles of 2 kb have a copy: {path}")
