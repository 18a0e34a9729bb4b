"""deepcohort check."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def check(
    samplesheet: Annotated[Path, typer.Option(help="CSV: sample,reads[,index,sex,platform,family,...].")],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    contigs: Annotated[str, typer.Option(help="Contigs to be called, comma-separated; default: all.")] = "",
    regions: Annotated[Path | None, typer.Option(help="BED of what will be called.")] = None,
    base: Annotated[
        Path | None, typer.Option(help="Folder that relative paths of the samplesheet start from.")
    ] = None,
    launch_dir: Annotated[
        Path | None, typer.Option(help="Second folder to look for relative paths in.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the checked samples as JSON.")] = None,
    pedigree: Annotated[Path | None, typer.Option(help="Write the families as a PLINK .ped file.")] = None,
    open_files: Annotated[
        bool,
        typer.Option("--open-files/--text-only", help="Open reads and reference, or look at the text only."),
    ] = True,
) -> None:
    """Check a samplesheet, its reads and the reference; names every problem at once, by row."""
    from deepcohort.cohort.check import check_cohort, report, write_checked

    names = [name for name in contigs.split(",") if name]
    samples, remarks = check_cohort(samplesheet, reference, names, regions, base, launch_dir, open_files)
    write_checked(samples, output, pedigree)
    report(samples, remarks)
