"""deepcohort popgen: simulate, train, tune, compare, scan."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, add_completion=False,
    help="Population genetics by deep learning: simulate, train, compare with ABC, scan a cohort.",
)  # fmt: skip

Simulated = Annotated[Path, typer.Option(help="Folder made by `deepcohort popgen simulate`.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Config = Annotated[
    Path | None,
    typer.Option(help="TOML: [train] as `deepcohort train`'s, [observation] of docs/popgen.md."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One training setting as NAME=VALUE; repeatable.")
]
Observe = Annotated[
    list[str] | None,
    typer.Option(help="One setting of the observation as NAME=VALUE (phased=no, depth=[3,8]); repeatable."),
]


@app.command()
def simulate(
    task: Annotated[str, typer.Option(help="Name of a built-in task, or a TOML file (docs/popgen.md).")],
    loci: Annotated[int, typer.Option(min=1, help="Loci in all; scenarios take turns.")],
    output: Annotated[Path, typer.Option(help="Folder for task.json and shards; run again to go on.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the whole set; each locus has its own.")] = 1,
    shard: Annotated[str, typer.Option(help="K/N: make every N-th shard file, from the K-th on.")] = "1/1",
    threads: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    ms: Annotated[bool, typer.Option("--ms", help="Write loci.ms, ms text, too.")] = False,
    quiet: Quiet = False,
) -> None:
    """Simulate labelled loci under competing histories or selection."""
    from deepcohort.popgen.options import part_of_text
    from deepcohort.popgen.shards import simulate as run
    from deepcohort.popgen.shards import write_ms
    from deepcohort.popgen.tasks import find_task

    made = run(find_task(task), loci, output, seed, part_of_text(shard), threads, quiet)
    if ms:
        write_ms(made, output / "loci.ms")
    typer.echo(f"{output}: {loci} loci of {made.task.name} ({', '.join(made.task.labels)})", err=True)


@app.command()
def train(
    simulations: Simulated,
    output: Annotated[Path, typer.Option(help="Folder for the model, its card, the report and logs.")],
    config: Config = None,
    set_: Set = None,
    observe: Observe = None,
    name: Annotated[str, typer.Option(help="Name of the model; default that of the task.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Learn from the first so many loci; 0 = all.")] = 0,
    fresh: Annotated[bool, typer.Option(help="Ignore checkpoints of an earlier run in the folder.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train a network on simulations; run again after a kill to go on."""
    from deepcohort.popgen.options import settings_of_options
    from deepcohort.popgen.shards import open_simulations
    from deepcohort.popgen.train import train as run

    opened = open_simulations(simulations)
    settings, observation = settings_of_options(opened.task.unlinked_snps > 0, config, set_, observe)
    result = run(opened, output, settings, observation, name, not fresh, quiet, limit)
    m = result.metrics
    typer.echo(f"{result.model}: accuracy {m['accuracy']:.4f} on {m['loci']:.0f} held-out loci")


@app.command()
def tune(
    simulations: Simulated,
    output: Annotated[Path, typer.Option(help="Folder of the study; run again to add trials.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials to add.")] = 30,
    config: Config = None,
    set_: Set = None,
    observe: Observe = None,
    storage: Annotated[
        str | None, typer.Option(help="URL of a database that workers share; default SQLite in the folder.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Search hyperparameters; the best ones are written as a config that `train` takes."""
    from deepcohort.popgen.options import settings_of_options
    from deepcohort.popgen.shards import open_simulations
    from deepcohort.popgen.tune import tune as run

    opened = open_simulations(simulations)
    settings, observation = settings_of_options(opened.task.unlinked_snps > 0, config, set_, observe)
    result = run(opened, output, trials, settings, observation, storage, quiet)
    typer.echo(f"{output / 'best.toml'}: trial {result.trial}, validation loss {result.loss:.5f}")


@app.command()
def compare(
    model: Annotated[str, typer.Option(help="Model file, or the name of a shipped model.")],
    simulations: Annotated[Path, typer.Option(help="Simulations that the model was trained on.")],
    test: Annotated[Path, typer.Option(help="Simulations with another seed, to judge on.")],
    output: Annotated[Path, typer.Option(help="Folder for comparison.tsv and MultiQC content.")],
    limit: Annotated[
        int, typer.Option(min=0, help="Classical ways learn from the first so many; 0 = all.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of forest, MLP and bootstrap.")] = 1,
) -> None:
    """Compare a model with ABC, a random forest, an MLP and single statistics."""
    from deepcohort.popgen.archive import read_pop_model
    from deepcohort.popgen.compare_run import compare as run
    from deepcohort.popgen.shards import open_simulations

    scores = run(
        read_pop_model(model), open_simulations(simulations), open_simulations(test), output, limit, seed
    )
    for way, s in scores.items():
        typer.echo(
            f"{way}: accuracy {s.accuracy[0]:.4f} ({s.accuracy[1]:.4f} to {s.accuracy[2]:.4f}), "
            f"AUC {s.auc[0]:.4f} ({s.auc[1]:.4f} to {s.auc[2]:.4f})"
        )


@app.command()
def scan(
    vcf: Annotated[Path, typer.Option(help="Cohort VCF, BCF or VCF Zarr (folder or zip).")],
    model: Annotated[str, typer.Option(help="Model file, or the name of a shipped one: balancing, sweep.")],
    output: Annotated[Path, typer.Option(help="Folder for windows.tsv, details.tsv, scan.html and others.")],
    samples: Annotated[
        Path | None,
        typer.Option(help="Samples to use, one a line; with TAB GROUP for models of several groups."),
    ] = None,
    genotypes: Annotated[
        str, typer.Option(help="gt, pl (genotype likelihoods), or auto: pl where the mean depth is below 15.")
    ] = "auto",
    window_bp: Annotated[int, typer.Option(min=0, help="Length of windows; 0 = the model's.")] = 0,
    step_bp: Annotated[int, typer.Option(min=0, help="From one window to the next; 0 = half a window.")] = 0,
    background: Annotated[
        Path | None,
        typer.Option(help="Folder of a wider scan with the same model, whose windows say what is neutral."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the network.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Scan a cohort VCF in windows: probabilities, parameters, statistics, misfit."""
    from deepcohort.popgen.archive import read_pop_model
    from deepcohort.popgen.scan import scan as run
    from deepcohort.popgen.scan_output import write_scan

    opened = read_pop_model(model)
    found = run(vcf, opened, samples, genotypes, window_bp, step_bp, threads, quiet, background)
    write_scan(output, found, opened)
    typer.echo(f"{output / 'windows.tsv'}: {int(found.judged.sum())} of {len(found.windows)} windows judged")
