"""deepcohort stats."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def stats(
    vcf: Annotated[Path, typer.Option(help="Cohort VCF.")],
    output: Annotated[Path, typer.Option(help="Folder for the tables, JSON and MultiQC content.")],
    pedigree: Annotated[
        Path | None, typer.Option(help="PED file: Mendelian, relatedness and sex checks.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Statistics of a cohort VCF: counts, relatedness, sex check, Mendelian violations."""
    from functools import partial

    from deepcohort.joint.inputs import family_of
    from deepcohort.joint.pedigree import unmatched
    from deepcohort.report.cohort import write_cohort_stats

    family, _ = family_of(pedigree, None)
    summary = write_cohort_stats(
        vcf,
        output,
        family.parents,
        family.sex,
        family.family,
        quiet=quiet,
        warn=partial(unmatched, family, {}),
    )
    for warning in summary["warnings"]:
        typer.echo(f"deepcohort: warning: {warning}", err=True)
    counts = f"{summary['sites_pass']} PASS sites of {summary['samples']} samples"
    typer.echo(f"{output}: {counts}, Ti/Tv {summary['ti_tv']}", err=True)
