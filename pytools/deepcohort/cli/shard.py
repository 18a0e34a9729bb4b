"""deepcohort shard."""

from pathlib import Path
from typing import Annotated

import typer

from deepcohort.cohort.config import ShardConfig

app = typer.Typer()
_D = ShardConfig()


@app.command()
def shard(
    reference: Annotated[Path, typer.Option(help="Indexed FASTA.")],
    output: Annotated[Path, typer.Option(help="BED of all shards; column 4 names the shard.")],
    directory: Annotated[
        Path | None, typer.Option(help="Also write one BED per shard into this folder.")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="BED: stay inside these intervals.")] = None,
    padding: Annotated[int, typer.Option(help="Stay so many bp around --regions.", min=0)] = 0,
    contigs: Annotated[str, typer.Option(help="Contigs to keep, comma-separated; default: all.")] = "",
    shard_bp: Annotated[int, typer.Option(help="Callable bp per shard, at most.", min=1)] = _D.shard_bp,
    min_gap_bp: Annotated[int, typer.Option(help="Leave out runs of N this long.", min=1)] = _D.min_gap_bp,
) -> None:
    """Cut a reference into balanced regions, without long runs of N."""
    from deepcohort.cohort.io import shard_reference, write_shards
    from deepcohort.core.errors import DeepcohortError

    if padding and regions is None:
        raise DeepcohortError("--padding is around the intervals of --regions; give these too")
    config = ShardConfig(shard_bp=shard_bp, min_gap_bp=min_gap_bp)
    shards = shard_reference(
        reference, [name for name in contigs.split(",") if name], regions, config, padding
    )
    write_shards(shards, output, directory)
    total = sum(len(one) for one in shards)
    typer.echo(f"{len(shards)} shards, {total:,} bp, {max(len(one) for one in shards):,} bp the largest")
