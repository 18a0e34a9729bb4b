"""deepcohort examples."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcohort.compose.make_examples import ExamplesConfig

if TYPE_CHECKING:
    from deepcohort.core.region import Region

app = typer.Typer()
_DEFAULT = ExamplesConfig()


@app.command()
def examples(
    reads: Annotated[list[Path], typer.Option(help="BAM or CRAM of one sample; repeat for several files.")],
    reference: Annotated[Path, typer.Option(help="Indexed reference FASTA.")],
    truth: Annotated[Path, typer.Option(help="Indexed VCF of the sample's true variants.")],
    output: Annotated[Path, typer.Option(help="Folder to write.")],
    confident: Annotated[
        Path | None, typer.Option(help="BED of regions where the truth is complete; default everywhere.")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="BED of regions to use; default all.")] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Region text (contig:start-end); repeatable.")
    ] = None,
    sample: Annotated[str | None, typer.Option(help="Sample column of the truth, if it has several.")] = None,
    platform: Annotated[str, typer.Option(help="illumina, hifi or ont.")] = _DEFAULT.platform,
    passes: Annotated[
        int, typer.Option(min=1, help="Times each stretch is used, randomised anew.")
    ] = _DEFAULT.passes,
    seed: Annotated[int, typer.Option(help="Seed of randomisation and shuffle.")] = _DEFAULT.seed,
    augment: Annotated[
        bool, typer.Option(help="Randomise coverage and qualities per stretch.")
    ] = _DEFAULT.augment,
    natural: Annotated[
        bool,
        typer.Option(help="Randomise coverage (4-40x) but no qualities: for `deepcohort train --natural`."),
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="NAME=VALUE: in what share of stretches a library is varied so, such as clipped=0; "
            "repeatable (an unknown NAME lists all).",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Make labelled training examples from reads and truth."""
    from deepcohort.compose.make_examples import examples_for, make_examples

    chosen = _chosen_regions(reference, regions, region or [])
    config = examples_for(platform, passes, seed, augment, natural, set_ or [])
    counts = make_examples(
        reads, reference, truth, confident, output, chosen or None, sample, config, quiet=quiet
    )
    typer.echo(
        f"{sum(counts)} examples in {output}: {counts[0]} x 0, {counts[1]} x 1, {counts[2]} x 2 copies"
    )


def _chosen_regions(reference: Path, bed: Path | None, texts: list[str]) -> "list[Region]":
    """Regions of the BED, merged, then those given as text; merged too where they overlap."""
    from deepcohort.core.io import ReferenceFasta
    from deepcohort.core.region import merge_regions, parse_region
    from deepcohort.formats.bed import read_bed

    with ReferenceFasta(reference) as fasta:
        chosen = read_bed(bed, fasta.contig_lengths).merged() if bed else []
        chosen += [parse_region(text, fasta.contig_lengths) for text in texts]
    union = merge_regions(chosen)
    # where none overlaps they stay as they are: their order is that of the examples
    return union if sum(map(len, union)) < sum(map(len, chosen)) else chosen
