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
    pages: Annotated[
        Path | None, typer.Option(help="Folder for one page of HTML per sample of --facts (SAMPLE.html).")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="JSON of command and parameters, for the section on how this was made."),
    ] = None,
    versions: Annotated[Path | None, typer.Option(help="versions.yml files joined, for the same.")] = None,
) -> None:
    """Turn evaluations and facts of many samples, callers and depths into content for one MultiQC report."""
    from deepcohort.core.errors import DeepcohortError
    from deepcohort.report.evaluation import write_report
    from deepcohort.report.page import write_pages
    from deepcohort.report.reads import read_facts, write_reads
    from deepcohort.report.run import write_run
    from deepcohort.report.samples import write_samples

    if not (evaluation or facts or run or versions):
        raise DeepcohortError("nothing to report; give --evaluation or --facts")
    if pages and not facts:
        raise DeepcohortError("--pages are of the samples of --facts; give these too")
    if facts:
        write_reads(facts, output)
        write_samples(read_facts(facts), output)
    if facts and pages:
        write_pages(facts, pages)
    if evaluation:
        write_report(evaluation, output)
    if run or versions:
        write_run(run, versions, read_facts(facts or []), output)
