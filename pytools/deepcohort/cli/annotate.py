"""deepcohort annotate."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def annotate(
    vcf: Annotated[Path | None, typer.Option(help="VCF to annotate, sorted; of any caller.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Indexed FASTA that the calls were made on.")] = None,
    output: Annotated[Path | None, typer.Option(help="VCF to write, .vcf.gz, with its index.")] = None,
    alphamissense: Annotated[
        Path | None,
        typer.Option(help="AlphaMissense_hg38.tsv.gz (or hg19) as published, or its packed form."),
    ] = None,
    amino_acids: Annotated[
        Path | None,
        typer.Option(help="AlphaMissense_aa_substitutions.tsv.gz: scores changes of several bases too."),
    ] = None,
    genes: Annotated[
        Path | None, typer.Option(help="GFF3 of gene models: consequences by bcftools csq, reasons.")
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(
            help="Another table, NAME=FILE:ITEM,ITEM. Of a VCF: INFO keys, ID, rsID (into the ID column). "
            "Of a TSV: columns; CHROM=column and so on where they are named otherwise. Repeatable."
        ),
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="BED: write the records inside alone.")] = None,
    pack: Annotated[
        Path | None, typer.Option(help="Write the packed form of --alphamissense here instead.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for counts, carriers and candidates; of --vcf as it is, without --output."),
    ] = None,
    pedigree: Annotated[
        Path | None, typer.Option(help="With --report: PED file for candidates in families.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Annotate a VCF by allele: AlphaMissense, consequences, any table; count carriers and candidates."""
    from deepcohort.compose.annotate_run import Options, run

    run(
        Options(
            vcf,
            reference,
            output,
            alphamissense,
            amino_acids,
            genes,
            tuple(scores or ()),
            regions,
            pack,
            report,
            pedigree,
            quiet,
        )
    )
