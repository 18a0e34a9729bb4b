"""deepcohort warm."""

import typer

app = typer.Typer()


@app.command()
def warm() -> None:
    """Compile the kernels once, so that later runs start fast (minutes)."""
    from deepcohort.compose.warm_run import warm_kernels

    warm_kernels()
