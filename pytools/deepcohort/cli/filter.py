"""deepcohort filter."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.filter.config import FilterConfig

app = typer.Typer()
_D = FilterConfig()


@app.command(name="filter")
def filter_(
    vcf: Annotated[Path, typer.Option(help="VCF of any caller, .vcf.gz.")],
    reads: Annotated[list[Path], typer.Option(help="BAM or CRAM of the sample, indexed; repeatable.")],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that both were made on.")],
    output: Annotated[Path, typer.Option(help="VCF to write, .vcf.gz; its index comes beside it.")],
    platform: Annotated[str, typer.Option(help="Of the reads: illumina, hifi or ont.")] = "illumina",
    model: Annotated[str, typer.Option(help="Model file, or auto: the shipped one.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    snp_threshold: Annotated[
        float, typer.Option(help="SNPs of a lower DC_SCORE get FILTER DCLow.")
    ] = _D.snp_threshold,
    indel_threshold: Annotated[float, typer.Option(help="The same for indels.")] = _D.indel_threshold,
) -> None:
    """Score and filter another caller's VCF with the network (INFO/DC_SCORE, FILTER DCLow)."""
    from deepcohort.filter.score import filter_vcf
    from deepcohort.model.load import load_predictor

    config = FilterConfig(snp_threshold=snp_threshold, indel_threshold=indel_threshold)
    predictor = load_predictor(model, platform, device)
    done = filter_vcf(vcf, reads, reference, output, predictor, config)
    typer.echo(f"{output}: {done.n_records} records, {done.n_scored} scored, {done.n_low} low", err=True)
