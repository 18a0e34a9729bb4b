"""deepcohort summary."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def summary(
    output: Annotated[Path, typer.Option(help="Text file for the lines that people read.")],
    evaluation: Annotated[
        list[Path] | None, typer.Option(help="Folder that `deepcohort evaluate` wrote; repeat.")
    ] = None,
    cohort: Annotated[Path | None, typer.Option(help="cohort.json of `deepcohort stats`.")] = None,
) -> None:
    """Put the outcome of a run into a few lines."""
    from deepcohort.cohort.summary import write_summary

    write_summary(evaluation or [], cohort, output)
