"""deepcohort store."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.core.errors import DeepcohortError

app = typer.Typer()


@app.command()
def store(
    cohort: Annotated[
        Path | None, typer.Option(help="Stored cohort to describe: a file, or a folder of parts.")
    ] = None,
    part: Annotated[
        list[Path] | None,
        typer.Option(help="Part of a stored cohort, or a cohort.json that lists some; repeat."),
    ] = None,
    part_list: Annotated[Path | None, typer.Option(help="File that names one part per line.")] = None,
    shards: Annotated[
        Path | None, typer.Option(help="BED of all shards, names in column 4: the parts must hold them.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the parts' table, cohort.json; it belongs beside them.")
    ] = None,
) -> None:
    """Say what a stored cohort holds; make parts of one into a cohort."""
    from deepcohort.joint.inputs import listed_files, read_shards
    from deepcohort.joint.io_parts import open_stores, summarise_store, write_manifest
    from deepcohort.joint.pedigree import person_rows

    if (cohort is None) == (output is None):
        raise DeepcohortError("give either --cohort, to describe it, or --part and --output")
    if cohort is not None:
        open_stores([cohort])  # that it is whole
        found = summarise_store(cohort)
        samples, regions = found.samples, found.regions
        typer.echo("\n".join(["sample\tfamily\tfather\tmother\tsex", *person_rows(samples, found.pedigree)]))
    else:
        paths = listed_files(part or [], part_list, "--part-list")
        lengths = summarise_store(paths[0]).contigs if paths else {}
        table = read_shards(shards, lengths) if shards is not None else []
        stored = write_manifest(paths, Path(str(output)), table)
        samples, regions = stored.samples, stored.regions
    size = sum(len(region) for region in regions) / 1e6
    typer.echo(
        f"{cohort or output}: {len(samples)} samples, {size:,.3f} Mb in {len(regions)} regions", err=True
    )
