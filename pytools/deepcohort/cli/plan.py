"""deepcohort plan."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def plan(
    samples: Annotated[Path, typer.Option(help="JSON that `deepcohort check --output` wrote.")],
    shards: Annotated[Path, typer.Option(help="BED of the shards, as `deepcohort shard` writes it.")],
    reference: Annotated[Path, typer.Option(help="Indexed FASTA.")],
    output: Annotated[Path | None, typer.Option(help="Write the table as TSV.")] = None,
    text: Annotated[Path | None, typer.Option(help="Write what is printed.")] = None,
    place: Annotated[
        str, typer.Option(help="local, slurm, awsbatch, googlebatch or kubernetes: sets the three below.")
    ] = "local",
    slots: Annotated[int | None, typer.Option(min=1, help="Cores at once.")] = None,
    price: Annotated[float | None, typer.Option(min=0.0, help="Dollars of a core and hour.")] = None,
    rate: Annotated[
        list[str] | None, typer.Option(help="One measured rate as NAME=NUMBER (docs/scale.md); repeat.")
    ] = None,
    joint: Annotated[bool, typer.Option("--joint/--no-joint", help="Genotype the cohort too.")] = True,
    stored: Annotated[int, typer.Option(min=0, help="Samples of stored cohorts that join.")] = 0,
    filtered: Annotated[bool, typer.Option("--filter", help="The cohort is filtered, too.")] = False,
    second_look: Annotated[str, typer.Option(help="true, all, false, or auto: by depth.")] = "auto",
    save_reads: Annotated[bool, typer.Option("--save-reads", help="Aligned reads are kept.")] = False,
) -> None:
    """Say what a run will come to: tasks, CPU hours, hours, disk, dollars."""
    from deepcohort.cohort.io_plan import read_work
    from deepcohort.cohort.plan import (
        kept_gb,
        place_of,
        plan_stages,
        plan_text,
        rows_of,
        with_rates,
        write_plan,
    )
    from deepcohort.core.errors import DeepcohortError
    from deepcohort.core.outputs import atomic_outputs

    rates, where = with_rates(rate or []), place_of(place, slots, price)
    if second_look not in ("true", "all", "false", "auto"):
        raise DeepcohortError(f"--second-look '{second_look}' is unknown; use one of: true, all, false, auto")
    work = read_work(samples, shards, reference, joint, stored)
    work = replace(work, filtered=filtered, second_look=second_look)
    rows = rows_of(plan_stages(work, rates), where)
    told = plan_text(work, rows, where, place, kept_gb(work, rates, save_reads))
    if output:
        write_plan(rows, output)
    if text:
        with atomic_outputs(text) as (temporary,):
            temporary.write_text(told)
    typer.echo(told, nl=False)
