"""deepcohort phase."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def phase(
    vcf: Annotated[Path, typer.Option(help="Cohort VCF, .vcf.gz with its index.")],
    output: Annotated[Path, typer.Option(help="The same with phase, .vcf.gz; its index comes beside it.")],
    contig: Annotated[list[str] | None, typer.Option(help="This contig alone; repeat. Default: all.")] = None,
    pedigree: Annotated[
        Path | None, typer.Option(help="PED file: families stay as they are, children lend no haplotypes.")
    ] = None,
    panel: Annotated[
        Path | None, typer.Option(help="Phased reference panel, .vcf.gz or .bref3, for --contig.")
    ] = None,
    map_: Annotated[Path | None, typer.Option("--map", help="Genetic map, PLINK format with cM.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of Beagle.")] = 1,
    memory_mb: Annotated[int, typer.Option(min=500, help="Of Beagle.")] = 4000,
) -> None:
    """Phase the unrelated samples of a cohort statistically, by Beagle."""
    from deepcohort.joint.inputs import family_of
    from deepcohort.joint.io_beagle import PhaseOptions, phase_cohort

    people, _ = family_of(pedigree, None)
    options = PhaseOptions(panel, map_, threads, memory_mb)
    summary = phase_cohort(vcf, output, contig or [], people, options)
    for warning in summary.warnings:
        typer.echo(f"deepcohort: warning: {warning}", err=True)
    typer.echo(
        f"{output}: {summary.n_samples} samples phased by {summary.n_sites} sites; reads overruled "
        f"{summary.n_overruled} genotypes",
        err=True,
    )
