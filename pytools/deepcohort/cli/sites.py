"""deepcohort sites."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.cli.joint_options import Cohort, CohortList, Gvcf, GvcfList, Reference, Regions, RegionTexts

app = typer.Typer()


@app.command()
def sites(
    reference: Reference,
    output: Annotated[
        Path, typer.Option(help="VCF of alleles to write, .vcf.gz; its index comes beside it.")
    ],
    gvcf: Gvcf = None,
    gvcf_list: GvcfList = None,
    cohort: Cohort = None,
    cohort_list: CohortList = None,
    region: RegionTexts = None,
    regions: Regions = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """List the alleles that some sample calls, for a second look at the reads of all."""
    from deepcohort.joint.inputs import chosen_regions, listed_files, listed_gvcfs
    from deepcohort.joint.supported import write_supported

    stores = listed_files(cohort or [], cohort_list, "--cohort-list")
    n = write_supported(
        listed_gvcfs(gvcf or [], gvcf_list, bool(stores)),
        reference,
        output,
        chosen_regions(reference, region or [], regions),
        stores,
        quiet=quiet,
    )
    typer.echo(f"{output}: {n:,} alleles", err=True)
