"""deepcohort profile."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def profile(
    reads: Annotated[list[Path], typer.Argument(help="BAM files of one kind of run.")],
    reference: Annotated[Path, typer.Argument(help="The FASTA that they were mapped to.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Profile to write (.npz); with --compare, a folder.")
    ],
    truth: Annotated[Path | None, typer.Option(help="VCF of known variants, not to be learned.")] = None,
    quality_bin: Annotated[
        list[int] | None, typer.Option(help="Round qualities to these values, as newer instruments do.")
    ] = None,
    cycles: Annotated[
        int, typer.Option(help="Stretch a short-read profile to this read length; 0 = as it is.", min=0)
    ] = 0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Set real (first BAM) against simulated reads (second).")
    ] = False,
    simulated_reference: Annotated[
        Path | None, typer.Option(help="With --compare: FASTA of the simulated reads, if another.")
    ] = None,
    simulated_truth: Annotated[
        Path | None, typer.Option(help="With --compare: truth VCF of the simulated reads.")
    ] = None,
) -> None:
    """Learn an error and quality profile from real reads, or compare simulated reads with real ones."""
    from deepcohort.core.errors import DeepcohortError, InputProblems
    from deepcohort.simulate.learn_profile import learn_profile

    of_profile = {"--quality-bin": quality_bin, "--cycles": cycles}
    of_compare = {"--simulated-reference": simulated_reference, "--simulated-truth": simulated_truth}
    problems = [
        f"{name} is for a profile, without --compare" for name, v in of_profile.items() if v and compare
    ]
    problems += [f"{name} is for --compare" for name, v in of_compare.items() if v and not compare]
    if problems:
        raise InputProblems(problems)
    if not compare:
        typer.echo(learn_profile(reads, reference, output, truth, tuple(quality_bin or ()), cycles))
        return
    from deepcohort.simulate.compare import compare_reads

    if len(reads) != 2:
        raise DeepcohortError(f"--compare takes two BAM files, real and simulated; there are {len(reads)}")
    summary = compare_reads(
        reads[0], reads[1], reference, output, truth, simulated_reference, simulated_truth
    )
    for name, ratio in summary.items():
        typer.echo(f"{ratio:8.3f}  {name}")
    typer.echo(f"simulated over real; tables and plots are in {output}")
