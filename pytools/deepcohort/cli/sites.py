"""deepcohort sites."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def sites(
    reference: Annotated[Path, typer.Option(help="Reference FASTA with .fai, as in the gVCFs.")],
    output: Annotated[
        Path, typer.Option(help="VCF of alleles to write, .vcf.gz; its index comes beside it.")
    ],
    gvcf: Annotated[list[Path] | None, typer.Option(help="gVCF of one sample; repeat.")] = None,
    gvcf_list: Annotated[Path | None, typer.Option(help="File that names one gVCF per line.")] = None,
    cohort: Annotated[
        list[Path] | None,
        typer.Option(help="Stored cohort of earlier samples: a file, or a folder of parts; repeat."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="CONTIG or CONTIG:START-END, 1-based; repeat. Default: all.")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="BED of regions.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """List the alleles that some sample calls, for a second look at the reads of all."""
    from deepcohort.joint.inputs import chosen_regions, listed_gvcfs
    from deepcohort.joint.supported import write_supported

    n = write_supported(
        listed_gvcfs(gvcf or [], gvcf_list, bool(cohort)),
        reference,
        output,
        chosen_regions(reference, region or [], regions),
        cohort or [],
        quiet=quiet,
    )
    typer.echo(f"{output}: {n:,} alleles", err=True)
