"""deepcohort evaluate."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def evaluate(
    calls: Annotated[Path, typer.Option(help="VCF (bgzip, indexed) or BCF of calls.")],
    truth: Annotated[Path, typer.Option(help="VCF of true variants.")],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA both were called on.")],
    output: Annotated[Path, typer.Option(help="Folder for the results.")],
    confident: Annotated[Path | None, typer.Option(help="BED where the truth is known.")] = None,
    sample: Annotated[str | None, typer.Option(help="Sample of the calls (default: the only one).")] = None,
    truth_sample: Annotated[str | None, typer.Option(help="Sample of the truth.")] = None,
) -> None:
    """Compare calls with a truth set on haplotypes."""
    from deepcohort.evaluate.run import evaluate_pair

    evaluate_pair(calls, truth, confident, reference, output, sample, truth_sample)
