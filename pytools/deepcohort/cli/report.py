"""deepcohort report."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def report(
    output: Annotated[Path, typer.Option(help="Folder for the MultiQC content (*_mqc.json).")],
    evaluation: Annotated[
        list[Path] | None, typer.Option(help="Folder that `deepcohort evaluate` wrote; repeatable.")
    ] = None,
    facts: Annotated[
        list[Path] | None,
        typer.Option(help="File of `deepcohort merge --facts`, or a folder of them (*.json); repeatable."),
    ] = None,
) -> None:
    """Turn evaluations and facts of many samples, callers and depths into content for one MultiQC report."""
    from deepcohort.core.errors import DeepcohortError
    from deepcohort.report.evaluation import write_report
    from deepcohort.report.reads import write_reads

    if not (evaluation or facts):
        raise DeepcohortError("nothing to report; give --evaluation or --facts")
    if facts:
        write_reads(facts, output)
    if evaluation:
        write_report(evaluation, output)
