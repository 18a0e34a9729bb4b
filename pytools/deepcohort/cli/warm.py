"""deepcohort warm."""

import typer

app = typer.Typer()


@app.command()
def warm() -> None:
    """Compile every numba kernel by running a tiny simulated call (about a minute, once)."""
    raise NotImplementedError
