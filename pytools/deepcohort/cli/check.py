"""deepcohort check."""

from pathlib import Path
from typing import Annotated

import typer

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
    fingerprints: Annotated[
        Path | None,
        typer.Option(
            help="Indexed VCF or BCF of common SNPs with frequencies: are the reads one person's, and whose?"
        ),
    ] = None,
    fingerprint_tables: Annotated[
        Path | None, typer.Option(help="Folder for the tables of --fingerprints, and MultiQC content.")
    ] = None,
    open_files: Annotated[
        bool,
        typer.Option("--open-files/--text-only", help="Open reads and reference, or look at the text only."),
    ] = True,
) -> None:
    """Check a samplesheet, its reads and the reference; names every problem at once, by row."""
    from deepcohort.align.tools import missing_aligners
    from deepcohort.cohort.check import check_cohort, report, write_checked
    from deepcohort.compose.check_run import missing_for_export, stored_samples
    from deepcohort.core.errors import DeepcohortError

    if fingerprint_tables and not fingerprints:
        raise DeepcohortError("--fingerprint-tables are of known SNPs; give --fingerprints")
    if fingerprints and not open_files:
        raise DeepcohortError("--fingerprints are taken from the reads, which --text-only leaves unopened")
    stored = stored_samples(cohort or [], cohort_list)
    names = [name for name in contigs.split(",") if name]
    samples, remarks = check_cohort(
        samplesheet, reference, names, regions, base, launch_dir, open_files, stored,
        missing_for_export(export or []), missing_aligners,
    )  # fmt: skip
    if fingerprints:
        from deepcohort.compose.fingerprint_run import fingerprints_of_sheet, sites_for

        sites = sites_for(fingerprints, reference, regions, contigs)
        remarks += fingerprints_of_sheet(samples, sites, reference, fingerprint_tables)
    write_checked(samples, output, pedigree, stored)
    if notes:
        notes.write_text("".join(f"{remark}\n" for remark in remarks))
    report(samples, remarks, stored)
