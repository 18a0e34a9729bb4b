"""deepcohort merge."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def merge(
    output: Annotated[Path, typer.Option(help="File to write, .vcf.gz; its index comes beside it.")],
    input_: Annotated[
        list[Path] | None, typer.Option("--input", help="VCF, gVCF or cohort VCF of one shard; repeat.")
    ] = None,
    input_list: Annotated[Path | None, typer.Option(help="File that names one input per line.")] = None,
    shards: Annotated[
        Path | None, typer.Option(help="BED of all shards: a missing or surplus one is an error.")
    ] = None,
    checksums: Annotated[
        Path | None, typer.Option(help="Table to write: name, bytes and SHA-256 of the output.")
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(help="JSON file to write: reads, alarm, coverage and calls of the one sample's gVCF."),
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(
            help="BED or interval list of targets or genes, named in column 4: coverage in --facts."
        ),
    ] = None,
    target_table: Annotated[
        Path | None, typer.Option(help="TSV to write: coverage of each of --targets.")
    ] = None,
    date: Annotated[
        str, typer.Option(help="YYYYMMDD for the header's ##fileDate. Default: none, so bytes repeat.")
    ] = "",
) -> None:
    """Concatenate the shards of a sample (or of a cohort) into one file."""
    from deepcohort.calls.merge import merge_files
    from deepcohort.cohort.provenance import write_checksums

    n_records = merge_files(input_ or [], input_list, output, shards, facts, targets, target_table, date)
    if checksums:
        write_checksums([output], checksums)
    typer.echo(f"{output}: {n_records:,} records", err=True)
