"""deepcohort train."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def train(
    examples: Annotated[list[Path], typer.Option(help="Folder made by `deepcohort examples`; repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder for the model, its card, the report and logs.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML or JSON of training settings (see docs/models.md).")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting as NAME=VALUE, over the config; repeatable."),
    ] = None,
    natural: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder made by `deepcohort examples --natural`: never trained on, calibrates; repeatable."
        ),
    ] = None,
    init_from: Annotated[Path | None, typer.Option(help="Model file to fine-tune.")] = None,
    name: Annotated[str, typer.Option(help="Name of the model; default the platform.")] = "",
    fresh: Annotated[bool, typer.Option(help="Ignore checkpoints of an earlier run in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Train or fine-tune a model; run again after a kill to go on."""
    from deepcohort.model.settings import check_name, settings_from

    # settings first: torch takes seconds to load, a wrong name should not
    check_name(name)
    settings = settings_from(config, init_from, set_ or [])
    from deepcohort.model.train import train as run

    result = run(
        examples, output, settings, name, init_from, resume=not fresh, quiet=quiet, natural=natural or ()
    )
    m = result.metrics["cascade"]
    typer.echo(f"{result.model}: {m['errors']:.0f} errors in {m['examples']:.0f} test examples")
