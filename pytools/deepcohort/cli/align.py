"""deepcohort align: index, reads, sample."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, add_completion=False,
    help="Align FASTQ files: index a reference, align a lane, join the lanes of a sample.",
)  # fmt: skip

Reference = Annotated[Path, typer.Option(help="Indexed FASTA.")]
Platform = Annotated[str, typer.Option(help="illumina, hifi or ont.")]
AlignerName = Annotated[
    str, typer.Option(help="bwa-mem2, bwa, pybwa; minimap2, mappy; auto: the first of them that is there.")
]
Threads = Annotated[int, typer.Option(min=1, help="Threads.")]


def _platform(name: str) -> str:
    from deepcohort.align.io_run import PLATFORM_WORDS
    from deepcohort.core.errors import DeepcohortError

    if name not in PLATFORM_WORDS:
        raise DeepcohortError(f"unknown platform '{name}'; use {', '.join(PLATFORM_WORDS)}")
    return name


@app.command()
def index(
    reference: Reference,
    output: Annotated[Path, typer.Option(help="Folder for the aligner's index.")],
    platform: Platform = "illumina",
    aligner: AlignerName = "auto",
) -> None:
    """Make the index that the aligner of a platform wants."""
    from deepcohort.align.index import make_index

    found = make_index(reference, _platform(platform), output, aligner)
    typer.echo(f"{found.program} {found.version}: wrote its index to {output}", err=True)


@app.command()
def reads(
    fastq: Annotated[list[Path], typer.Option(help="FASTQ; a second time for the mates.")],
    reference: Reference,
    index: Annotated[Path, typer.Option(help="Folder of the aligner's index.")],
    sample: Annotated[str, typer.Option(help="Name of the sample.")],
    output: Annotated[Path, typer.Option(help="BAM to write, sorted by coordinate.")],
    lane: Annotated[str, typer.Option(help="Name of the lane: with the sample, the read group.")] = "1",
    platform: Platform = "illumina",
    aligner: AlignerName = "auto",
    threads: Threads = 1,
    version_file: Annotated[
        Path | None, typer.Option(help="Write the aligner's name and version, for `align sample`.")
    ] = None,
) -> None:
    """Align the reads of one lane, with a read group, sorted."""
    from deepcohort.align.io_run import align_lane, read_group
    from deepcohort.cohort.fastq import fastq_problems
    from deepcohort.core.errors import DeepcohortError, InputProblems
    from deepcohort.core.outputs import atomic_outputs

    if len(fastq) > 2:
        raise DeepcohortError(
            "--fastq is given more than twice; align lane by lane, then: deepcohort align sample"
        )
    problems = fastq_problems(fastq)
    if problems:
        raise InputProblems(problems)
    group = read_group(sample, lane, _platform(platform))
    found = align_lane(fastq, reference, index, output, group, platform, aligner, threads)
    if version_file:
        with atomic_outputs(version_file) as [temporary]:
            temporary.write_text(f"{found.program} {found.version}\n")


@app.command()
def sample(
    lane: Annotated[list[Path], typer.Option(help="BAM of a lane; repeat.")],
    reference: Reference,
    output: Annotated[Path, typer.Option(help=".bam or .cram to write, with its index.")],
    mark: Annotated[
        bool, typer.Option("--mark/--no-mark", help="Mark duplicates across lanes (no use for long reads).")
    ] = True,
    version_file: Annotated[
        list[Path] | None, typer.Option(help="What `align reads` wrote of its aligner; repeat.")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Join the lanes of one sample, mark duplicates, index."""
    from deepcohort.align.io_run import finish_sample, read_program

    finish_sample(lane, reference, output, mark, read_program(version_file or []), threads)
