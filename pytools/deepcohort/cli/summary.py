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
    facts: Annotated[
        list[Path] | None,
        typer.Option(help="File of `deepcohort merge --facts`, or a folder of them (*.json); repeat."),
    ] = None,
    fingerprints: Annotated[
        Path | None, typer.Option(help="fingerprints.json of `deepcohort fingerprint compare`.")
    ] = None,
) -> None:
    """Put the outcome of a run into a few lines."""
    from deepcohort.cohort.summary import write_summary
    from deepcohort.report.reads import is_alarming, named_samples, read_facts

    alarming = [sample for sample in read_facts(facts or []) if is_alarming(sample)]
    write_summary(evaluation or [], cohort, output, named_samples(alarming), fingerprints)
