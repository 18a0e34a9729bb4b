"""deepcohort genotype."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.cli.joint_options import Cohort, CohortList, Gvcf, GvcfList, Reference, Regions, RegionTexts
from deepcohort.core.errors import DeepcohortError
from deepcohort.joint.config import JointConfig

app = typer.Typer()
_DEFAULTS = JointConfig()


@app.command()
def genotype(
    reference: Reference,
    output: Annotated[
        Path | None,
        typer.Option(help="Cohort VCF to write, .vcf.gz; its index comes beside it."),
    ] = None,
    gvcf: Gvcf = None,
    gvcf_list: GvcfList = None,
    cohort: Cohort = None,
    cohort_list: CohortList = None,
    save_cohort: Annotated[
        Path | None,
        typer.Option(help="Store what was read of all samples here, for later runs with more of them."),
    ] = None,
    shards: Annotated[
        Path | None,
        typer.Option(
            help="BED with names in column 4: --save-cohort is a folder then, with a part for each."
        ),
    ] = None,
    sort_samples: Annotated[
        bool, typer.Option("--sort-samples", help="Columns by sample name, not in the order given.")
    ] = False,
    region: RegionTexts = None,
    regions: Regions = None,
    pedigree: Annotated[Path | None, typer.Option(help="PED file: families, and sexes.")] = None,
    sexes: Annotated[
        Path | None, typer.Option("--sexes", "--sex", help="TSV of sample and sex (XX, XY, NA).")
    ] = None,
    hwe: Annotated[
        bool, typer.Option(help="Allele frequencies of the cohort as Hardy-Weinberg prior of genotypes.")
    ] = _DEFAULTS.population_prior,
    inbreeding: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Wright's F in that prior.")
    ] = _DEFAULTS.inbreeding,
    respect_filter: Annotated[
        bool, typer.Option(help="Take records that their gVCF filtered as no evidence.")
    ] = _DEFAULTS.respect_filter,
    min_dp: Annotated[int, typer.Option(min=0, help="Below it a genotype is ./. .")] = _DEFAULTS.min_dp,
    min_gq: Annotated[int, typer.Option(min=0, help="Below it a genotype is ./. .")] = _DEFAULTS.min_gq,
    low_qual: Annotated[
        float, typer.Option(min=0.0, help="Below this QUAL a site's FILTER is LowQual.")
    ] = _DEFAULTS.low_qual,
    keep_uncarried: Annotated[
        bool, typer.Option("--keep-uncarried", help="Write ALTs and sites that no genotype holds, too.")
    ] = False,
    phase: Annotated[
        bool, typer.Option(help="Phase of families and of the gVCFs' read blocks: `|`, PS and PQ.")
    ] = _DEFAULTS.phase,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Genotype a cohort jointly from gVCFs."""
    from dataclasses import replace

    from deepcohort.joint.genotype import genotype_cohort
    from deepcohort.joint.inputs import chosen_regions, family_of, listed_files, listed_gvcfs, named_shards

    config = replace(
        _DEFAULTS,
        population_prior=hwe,
        inbreeding=inbreeding,
        respect_filter=respect_filter,
        min_dp=min_dp,
        min_gq=min_gq,
        low_qual=low_qual,
        keep_uncarried=keep_uncarried,
        phase=phase,
    )
    ped, sex_of = family_of(pedigree, sexes)
    stores = listed_files(cohort or [], cohort_list, "--cohort-list")
    if shards is not None and save_cohort is None:
        raise DeepcohortError("--shards says how --save-cohort is divided; give both")
    summary = genotype_cohort(
        listed_gvcfs(gvcf or [], gvcf_list, bool(stores)),
        reference,
        output,
        chosen_regions(reference, region or [], regions),
        ped,
        sex_of,
        config,
        quiet,
        stores,
        save_cohort,
        named_shards(reference, shards) if shards is not None else [],
        sort_samples,
    )
    for warning in summary.warnings:
        typer.echo(f"deepcohort: warning: {warning}", err=True)
    if output is not None:
        typer.echo(f"{output}: {summary.n_sites} sites of {summary.n_samples} samples", err=True)
    if save_cohort is not None:
        typer.echo(f"{save_cohort}: records of {summary.n_samples} samples", err=True)
