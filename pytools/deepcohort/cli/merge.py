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
    onto: Annotated[
        Path | None,
        typer.Option(help="gVCF of a first call that the inputs, of `call --second-look`, are put into."),
    ] = None,
    phase_evidence: Annotated[
        list[Path] | None,
        typer.Option(help="File of `call --phase-evidence` of one shard; repeat: one for each input."),
    ] = None,
    phase_list: Annotated[
        Path | None, typer.Option(help="File that names one file of phase evidence per line.")
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
    from deepcohort.calls.merge import listed_inputs, merge_files
    from deepcohort.cohort.provenance import write_checksums
    from deepcohort.core.errors import DeepcohortError

    if onto is not None:
        from deepcohort.calls.onto import insert_records

        if facts:
            raise DeepcohortError("--facts are of a first call; merge that with --facts, without --onto")
        if targets or target_table or date:
            raise DeepcohortError("--targets, --target-table and --date are not for --onto; leave them out")
        if phase_evidence or phase_list:
            raise DeepcohortError("a second look is not phased; leave out --phase-evidence with --onto")
        paths, wanted = listed_inputs(input_ or [], input_list, shards)
        n_records, n_new = insert_records(onto, paths, output, wanted)
        typer.echo(f"{output}: {n_new:,} records of a second look", err=True)
    else:
        n_records = merge_files(
            input_ or [], input_list, output, shards, facts, targets, target_table, date,
            phase_evidence or [], phase_list,
        )  # fmt: skip
    if checksums:
        write_checksums([output], checksums)
    typer.echo(f"{output}: {n_records:,} records", err=True)
