"""deepcohort check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deepcohort.cohort.types import Sample, StoredSamples

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
    from deepcohort.core.errors import DeepcohortError

    if fingerprint_tables and not fingerprints:
        raise DeepcohortError("--fingerprint-tables are of known SNPs; give --fingerprints")
    stored = _stored(cohort or [], cohort_list)
    names = [name for name in contigs.split(",") if name]
    samples, remarks = check_cohort(
        samplesheet, reference, names, regions, base, launch_dir, open_files, stored, _absent(export or []),
        missing_aligners,
    )  # fmt: skip
    if fingerprints and open_files:
        remarks += _fingerprints(samples, fingerprints, reference, regions, contigs, fingerprint_tables)
    write_checked(samples, output, pedigree, stored)
    if notes:
        notes.write_text("".join(f"{remark}\n" for remark in remarks))
    report(samples, remarks, stored)


def _fingerprints(
    samples: "list[Sample]",
    panel: Path,
    reference: Path,
    regions: Path | None,
    contigs: str,
    tables: Path | None,
) -> list[str]:
    """What the samples' reads say at known SNPs: warnings first, then a line per sample."""
    from deepcohort.cli.fingerprint import judged, sites_for
    from deepcohort.core.paths import is_remote
    from deepcohort.fingerprints.judge import statement
    from deepcohort.fingerprints.sample import take_fingerprint

    sites = sites_for(panel, reference, regions, contigs)
    found, told = [], []
    for sample in samples:
        local = [i for i, path in enumerate(sample.reads) if not is_remote(path)]
        if not local:
            told.append(f"{sample.sample}: no fingerprint, as its reads are not aligned yet or at URLs")
            continue
        files, indexes = [sample.reads[i] for i in local], [sample.indexes[i] for i in local]
        found.append(take_fingerprint(sample.sample, files, indexes, reference, sites))
    if not found:
        return told
    parents = {s.sample: (s.father or "", s.mother or "") for s in samples if s.father or s.mother}
    sexes = {s.sample: s.sex for s in samples if s.sex_told}
    verdicts, _ = judged(found, sites, parents, sexes, tables)
    warnings = [f"warning: {line}" for verdict in verdicts for line in verdict.warnings]
    return [*warnings, *(f"fingerprint of {statement(verdict)}" for verdict in verdicts), *told]


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
