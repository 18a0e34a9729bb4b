"""deepcohort report."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def report(
    evaluation: Annotated[
        list[Path], typer.Option(help="Folder that `deepcohort evaluate` wrote; repeatable.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the MultiQC content (*_mqc.json).")],
) -> None:
    """Turn evaluations of many samples, callers and depths into content for one MultiQC report."""
    from deepcohort.report.evaluation import write_report

    write_report(evaluation, output)
