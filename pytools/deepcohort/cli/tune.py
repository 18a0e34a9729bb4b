"""deepcohort tune."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def tune(
    examples: Annotated[list[Path], typer.Option(help="Folder made by `deepcohort examples`; repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder of the study; run again to add trials.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials to add.")] = 30,
    config: Annotated[Path | None, typer.Option(help="TOML or JSON of what is not searched.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting as NAME=VALUE, over the config; repeatable."),
    ] = None,
    network: Annotated[str, typer.Option(help="cnn or small (the feature model).")] = "cnn",
    storage: Annotated[
        str | None,
        typer.Option(help="URL of a database that workers share; default SQLite in the output folder."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Search hyperparameters; the best ones are written as a config that `train` takes."""
    from deepcohort.core.errors import DeepcohortError
    from deepcohort.model.settings import settings_from

    if network not in ("cnn", "small"):
        raise DeepcohortError(f"network '{network}' is unknown; choose cnn or small")
    # settings first: torch takes seconds to load, a wrong name should not
    settings, full = settings_from(config, None, set_ or []), settings_from(config, None, [])
    from deepcohort.model.tune import tune as run

    result = run(examples, output, trials, settings, network, storage=storage, quiet=quiet, full=full)
    typer.echo(f"{output / 'best.toml'}: trial {result.trial}, validation loss {result.loss:.5f}")
