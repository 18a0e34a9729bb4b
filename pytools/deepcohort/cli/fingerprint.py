"""deepcohort fingerprint: sample, compare."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, add_completion=False,
    help="Whose reads these are, by a few known SNPs: swaps, contamination, kin, sex, ancestry.",
)  # fmt: skip

Sites = Annotated[
    Path,
    typer.Option(help="Indexed VCF or BCF of SNPs with AC and AN, AF (by population too), or genotypes."),
]
Reference = Annotated[Path, typer.Option(help="Indexed FASTA that the reads were aligned to.")]
Regions = Annotated[Path | None, typer.Option(help="BED: sites within alone.")]
Contigs = Annotated[str, typer.Option(help="Contigs whose sites are taken, comma-separated; default: all.")]


@app.command()
def sample(
    reads: Annotated[list[Path], typer.Option(help="BAM or CRAM of the sample, indexed; repeat.")],
    reference: Reference,
    sites: Sites,
    sample: Annotated[str, typer.Option(help="Name of the sample.")],
    output: Annotated[Path, typer.Option(help="JSON to write, for `fingerprint compare`.")],
    regions: Regions = None,
    contigs: Contigs = "",
) -> None:
    """Take the fingerprint of one sample from its reads."""
    from deepcohort.cohort.io import find_index
    from deepcohort.compose.fingerprint_run import sites_for
    from deepcohort.core.outputs import check_file_place
    from deepcohort.fingerprints.files import write_fingerprint
    from deepcohort.fingerprints.judge import judge, statement
    from deepcohort.fingerprints.sample import check_sample_files, take_fingerprint

    check_file_place(output)
    chosen = sites_for(sites, reference, regions, contigs)
    indexes = [find_index(path) for path in reads]
    check_sample_files(reads, indexes, reference)
    found = take_fingerprint(sample, reads, indexes, reference, chosen)
    write_fingerprint(found, output)
    typer.echo(statement(judge([found], chosen, {}, {})[0][0]), err=True)


@app.command()
def compare(
    fingerprint: Annotated[
        list[Path], typer.Option(help="JSON of `fingerprint sample`, or a folder of them (*.json); repeat.")
    ],
    reference: Reference,
    sites: Sites,
    output: Annotated[Path, typer.Option(help="Folder for tables, JSON and MultiQC content.")],
    pedigree: Annotated[Path | None, typer.Option(help="PED file: stated kin and sexes.")] = None,
    warnings: Annotated[Path | None, typer.Option(help="Write the warnings, a line each.")] = None,
    regions: Regions = None,
    contigs: Contigs = "",
) -> None:
    """Judge the fingerprints of samples together; warnings go to stderr, a line each."""
    from deepcohort.compose.fingerprint_run import judge_and_write, read_fingerprints, sites_for
    from deepcohort.core.outputs import atomic_outputs, check_folder_place
    from deepcohort.fingerprints.judge import statement
    from deepcohort.joint.inputs import family_of

    check_folder_place(output)
    family, _ = family_of(pedigree, None)
    chosen = sites_for(sites, reference, regions, contigs)
    found = read_fingerprints(fingerprint, chosen)
    verdicts, _ = judge_and_write(found, chosen, family.parents, family.sex, output)
    for verdict in verdicts:
        typer.echo(statement(verdict), err=True)
        for line in verdict.warnings:
            typer.echo(f"deepcohort: warning: {line}", err=True)
    if warnings:
        with atomic_outputs(warnings) as (temporary,):
            temporary.write_text("".join(f"{line}\n" for v in verdicts for line in v.warnings))
