"""deepcohort simulate."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.simulate.config import (
    DecoyConfig,
    GenomeConfig,
    ReadConfig,
    SimulateConfig,
    VariantConfig,
)

app = typer.Typer()
_D, _G, _V, _S, _R = SimulateConfig(), GenomeConfig(), VariantConfig(), DecoyConfig(), ReadConfig()


@app.command()
def simulate(
    output: Annotated[Path, typer.Option(help="Folder to write into; made if absent.")],
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = _D.seed,
    reference: Annotated[
        Path | None, typer.Option(help="FASTA to simulate on; default: make one up.")
    ] = None,
    region: Annotated[list[str] | None, typer.Option(help="Part of --reference; may be repeated.")] = None,
    genome_bp: Annotated[int, typer.Option(help="Size of the made-up genome.")] = _G.total_bp,
    contigs: Annotated[int, typer.Option(help="Contigs of the made-up genome.")] = _G.n_contigs,
    sex_contigs: Annotated[
        bool, typer.Option(help="The last two contigs are chrX and chrY.")
    ] = _G.sex_contigs,
    family: Annotated[str, typer.Option(help="trio, quartet or none.")] = _D.family,
    unrelated: Annotated[int, typer.Option(help="Unrelated samples.", min=0)] = _D.unrelated,
    samples: Annotated[
        int | None, typer.Option(help="This many unrelated samples and no family.", min=1)
    ] = None,
    sex: Annotated[
        list[str] | None, typer.Option(help="XX or XY, for children and unrelated samples in turn.")
    ] = None,
    demography: Annotated[
        str, typer.Option(help="out-of-africa, african, constant, bottleneck, or a Demes FILE.yaml[:DEME].")
    ] = _V.demography,
    heterozygosity: Annotated[
        float, typer.Option(help="SNP differences of two haplotypes per bp.", min=0.0)
    ] = _V.heterozygosity,
    plant: Annotated[Path | None, typer.Option(help="VCF whose variants are the truth instead.")] = None,
    plant_sample: Annotated[str | None, typer.Option(help="Sample of --plant; default: all.")] = None,
    plant_confident: Annotated[
        Path | None, typer.Option(help="BED where the planted truth is complete.")
    ] = None,
    coverage: Annotated[float, typer.Option(help="Mean depth of each sample.", min=0.0)] = _R.coverage[0],
    coverage_range: Annotated[
        tuple[float, float] | None, typer.Option(help="LOW HIGH: each sample draws its depth.")
    ] = None,
    read_length: Annotated[
        int, typer.Option(help="bp of short reads; 0 = as in the profile.", min=0)
    ] = _R.read_length[0],
    read_length_range: Annotated[
        tuple[int, int] | None, typer.Option(help="LOW HIGH: each sample draws its length.")
    ] = None,
    platform: Annotated[str, typer.Option(help="illumina, hifi or ont.")] = _R.platform,
    profile: Annotated[
        list[str] | None,
        typer.Option(help="Built-in profile or file; if repeated, each sample draws one."),
    ] = None,
    error_multiplier: Annotated[
        float, typer.Option(help="Scales all sequencing errors.", min=0.0)
    ] = _R.error_multiplier[0],
    error_range: Annotated[
        tuple[float, float] | None, typer.Option(help="LOW HIGH: each sample draws its multiplier.")
    ] = None,
    quality_binning: Annotated[str, typer.Option(help="none, or random per stretch.")] = _R.quality_binning,
    stutter: Annotated[
        float, typer.Option(help="Scales slippage of reads in repeats.", min=0.0)
    ] = _R.stutter,
    indel_spectrum: Annotated[
        str, typer.Option(help="learned, or uniform (naive, for comparison).")
    ] = _V.indel_spectrum,
    contamination: Annotated[
        float, typer.Option(help="Share of reads from another sample.")
    ] = _R.contamination,
    hidden_paralogs: Annotated[
        float, typer.Option(help="Fraction of the reference with a collapsed copy.", min=0.0)
    ] = _S.hidden_fraction,
    decoys: Annotated[
        float, typer.Option(help="Fraction of the reference with a similar copy elsewhere.", min=0.0)
    ] = _S.decoy_fraction,
    aligner: Annotated[str, typer.Option(help="auto, bwa or mappy.")] = _R.aligner,
    threads: Annotated[int, typer.Option(help="Samples made at a time.", min=1)] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Simulate a cohort: genome, haplotypes, aligned reads and truth."""
    from deepcohort.core.errors import InputProblems
    from deepcohort.simulate.cohort import Inputs, simulate_cohort

    needed = (
        ("--region", region, "--reference", reference),
        ("--plant-sample", plant_sample, "--plant", plant),
        ("--plant-confident", plant_confident, "--plant", plant),
    )
    problems = [f"{option} needs {other}" for option, value, other, theirs in needed if value and not theirs]
    if problems:
        raise InputProblems(problems)
    config = SimulateConfig(
        seed=seed,
        genome=GenomeConfig(total_bp=genome_bp, n_contigs=contigs, sex_contigs=sex_contigs),
        variants=VariantConfig(
            demography=demography, heterozygosity=heterozygosity, indel_spectrum=indel_spectrum
        ),
        shadow=DecoyConfig(decoy_fraction=decoys, hidden_fraction=hidden_paralogs),
        reads=ReadConfig(
            platform=platform,
            profiles=tuple(profile or ()),
            coverage=coverage_range or (coverage, coverage),
            read_length=read_length_range or (read_length, read_length),
            error_multiplier=error_range or (error_multiplier, error_multiplier),
            quality_binning=quality_binning,
            stutter=stutter,
            contamination=contamination,
            aligner=aligner,
        ),
        family="none" if samples else family,
        unrelated=samples or unrelated,
        sexes=tuple(sex or ()),
    )
    inputs = Inputs(reference, tuple(region or ()), plant, plant_sample, plant_confident)
    summary = simulate_cohort(output, config, inputs, threads, quiet)
    typer.echo(f"{len(summary['samples'])} samples, {summary['sites']} variant sites in {output}")
