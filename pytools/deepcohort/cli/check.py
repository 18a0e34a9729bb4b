"""deepcohort check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deepcohort.cohort.types import StoredSamples

app = typer.Typer()


@app.command()
def check(
    samplesheet: Annotated[
        Path, typer.Option(help="CSV: sample,reads (or fastq_1,fastq_2)[,index,sex,...].")
    ],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")],
    contigs: Annotated[str, typer.Option(help="Contigs to be called, comma-separated; default: all.")] = "",
    regions: Annotated[Path | None, typer.Option(help="BED of what will be called.")] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            "--base-dir", "--base", help="Folder that relative paths of the samplesheet start from."
        ),
    ] = None,
    launch_dir: Annotated[
        Path | None, typer.Option(help="Second folder to look for relative paths in.")
    ] = None,
    cohort: Annotated[
        list[Path] | None,
        typer.Option(help="Stored cohort these samples join: a store, or a folder's cohort.json; repeat."),
    ] = None,
    cohort_list: Annotated[
        Path | None, typer.Option(help="File that names one such cohort per line.")
    ] = None,
    export: Annotated[
        list[str] | None,
        typer.Option(help="Format the cohort will be exported to: is its tool there? Repeat."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the checked samples as JSON.")] = None,
    pedigree: Annotated[Path | None, typer.Option(help="Write the families as a PLINK .ped file.")] = None,
    notes: Annotated[
        Path | None, typer.Option(help="Write what is odd but allowed, a line each; it goes to stderr too.")
    ] = None,
    open_files: Annotated[
        bool,
        typer.Option("--open-files/--text-only", help="Open reads and reference, or look at the text only."),
    ] = True,
) -> None:
    """Check a samplesheet, its reads and the reference; names every problem at once, by row."""
    from deepcohort.align.tools import missing_aligners
    from deepcohort.cohort.check import check_cohort, report, write_checked

    stored = _stored(cohort or [], cohort_list)
    names = [name for name in contigs.split(",") if name]
    samples, remarks = check_cohort(
        samplesheet, reference, names, regions, base, launch_dir, open_files, stored, _absent(export or []),
        missing_aligners,
    )  # fmt: skip
    write_checked(samples, output, pedigree, stored)
    if notes:
        notes.write_text("".join(f"{remark}\n" for remark in remarks))
    report(samples, remarks, stored)


def _absent(formats: list[str]) -> list[str]:
    """What the export would find missing, hours later."""
    if not formats:
        return []
    from deepcohort.export.io_export import missing_tools

    return missing_tools(formats)


def _stored(paths: "list[Path]", list_file: Path | None) -> "list[StoredSamples]":
    """What the check must know of the stored cohorts."""
    if not paths and list_file is None:
        return []  # without importing what reads them
    from deepcohort.cohort.types import StoredSamples
    from deepcohort.joint.inputs import listed_files
    from deepcohort.joint.io_parts import summarise_store
    from deepcohort.joint.pedigree import person_of

    stored = []
    for found in map(summarise_store, listed_files(paths, list_file, "--cohort-list")):
        persons = {}
        for name in found.samples:
            family, father, mother, sex = person_of(found.pedigree, name)
            persons[name] = (family, father, mother, sex or "NA")
        stored.append(StoredSamples(found.path, found.contigs, found.regions, persons))
    return stored
