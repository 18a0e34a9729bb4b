"""deepcohort profile."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def profile(
    reads: Annotated[list[Path], typer.Argument(help="BAM files of one kind of run.")],
    reference: Annotated[Path, typer.Argument(help="The FASTA that they were mapped to.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Profile to write (.npz).")],
    truth: Annotated[Path | None, typer.Option(help="VCF of known variants, not to be learned.")] = None,
    quality_bin: Annotated[
        list[int] | None, typer.Option(help="Round qualities to these values, as newer instruments do.")
    ] = None,
) -> None:
    """Learn an error and quality profile from real reads."""
    from deepcohort.simulate.learn_profile import learn_profile

    typer.echo(learn_profile(reads, reference, output, truth, tuple(quality_bin or ())))
