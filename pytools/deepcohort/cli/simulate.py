"""deepcohort simulate."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.simulate.config import GenomeConfig, ReadConfig, SimulateConfig, VariantConfig

app = typer.Typer()
_D, _G, _V, _R = SimulateConfig(), GenomeConfig(), VariantConfig(), ReadConfig()


@app.command()
def simulate(
    output: Annotated[Path, typer.Option(help="Folder to write into; made if absent.")],
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = _D.seed,
    reference: Annotated[Path | None, typer.Option(help="FASTA to simulate on; default: make one up.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Part of --reference; may be repeated.")] = None,
    genome_bp: Annotated[int, typer.Option(help="Size of the made-up genome.", min=20_000)] = _G.total_bp,
    contigs: Annotated[int, typer.Option(help="Contigs of the made-up genome.", min=1)] = _G.n_contigs,
    family: Annotated[str, typer.Option(help="trio or none.")] = _D.family,
    unrelated: Annotated[int, typer.Option(help="Unrelated samples.", min=0)] = _D.unrelated,
    samples: Annotated[
        int | None, typer.Option(help="This many unrelated samples and no family.", min=1)
    ] = None,
    coverage: Annotated[float, typer.Option(help="Mean depth of each sample.", min=0.0)] = _R.coverage,
    read_length: Annotated[int, typer.Option(help="bp; 0 = as in the profile.", min=0)] = _R.read_length,
    platform: Annotated[str, typer.Option(help="illumina, hifi or ont.")] = _R.platform,
    profile: Annotated[str, typer.Option(help="Built-in profile or file; default: the platform's.")] = _R.profile,
    error_multiplier: Annotated[
        float, typer.Option(help="Scales all sequencing errors.", min=0.0)
    ] = _R.error_multiplier,
    aligner: Annotated[str, typer.Option(help="auto, bwa or mappy.")] = _R.aligner,
    threads: Annotated[int, typer.Option(help="Samples made at a time.", min=1)] = 1,
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Simulate a cohort: genome, haplotypes, aligned reads and truth."""
    from deepcohort.simulate.cohort import simulate_cohort

    config = SimulateConfig(
        seed=seed,
        genome=GenomeConfig(total_bp=genome_bp, n_contigs=contigs),
        variants=VariantConfig(),
        reads=ReadConfig(
            platform=platform,
            profile=profile,
            coverage=coverage,
            read_length=read_length,
            error_multiplier=error_multiplier,
            aligner=aligner,
        ),
        family="none" if samples else family,
        unrelated=samples or unrelated,
    )
    summary = simulate_cohort(output, config, reference, tuple(region or ()), threads, quiet)
    typer.echo(f"{len(summary['samples'])} samples, {summary['sites']} variant sites in {output}")
