"""The `deepcohort` command: one typer module per subcommand, imported only when it is run."""

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deepcohort.core.errors import USER_ERROR_EXIT_CODE, DeepcohortError

# subcommand -> one line of help. The module deepcohort.cli.<name> holds `app`, a typer.Typer with
# one command; it is imported only when it is run or its help is asked for (start-up stays short).
COMMANDS = {
    "check": "Check a samplesheet, its reads and the reference before any work starts.",
    "index": "Index a reference FASTA.",
    "paralogs": "List near-identical copies within a reference.",
    "shard": "Cut a reference into balanced regions.",
    "intersect": "Keep the parts of a BED that lie inside another.",
    "call": "Call variants of one sample in one region: reads to gVCF.",
    "merge": "Concatenate the shards of a sample (or of a cohort) into one file.",
    "genotype": "Genotype a cohort jointly from gVCFs.",
    "store": "Say what a stored cohort holds; make parts of one into a cohort.",
    "evaluate": "Compare calls with a truth set, haplotype-aware.",
    "report": "Turn evaluations into content for one MultiQC report.",
    "simulate": "Simulate a cohort: haplotypes, reads, truth.",
    "profile": "Learn an error and quality profile from real reads.",
    "examples": "Make labelled training examples from reads and truth.",
    "train": "Train or fine-tune a model.",
    "tune": "Search hyperparameters.",
    "show": "Draw the pileup and the tensor of a site.",
    "stats": "Statistics of a cohort VCF: counts, relatedness, sex check, Mendelian violations.",
    "export": "Write a cohort VCF as VCF Zarr or for plink2.",
    "filter": "Score and filter another caller's VCF with a CNN.",
    "popgen": "Population genetics by deep learning: simulate, train, tune, compare, scan.",
    "summary": "Put the outcome of a run into a few lines.",
    "provenance": "Write down what a run was made of: settings, versions, checksums.",
    "warm": "Compile the kernels once, so that later runs start fast.",
}


class _LazyGroup(TyperGroup):
    """Loads a subcommand's module when it is first needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"deepcohort.cli.{cmd_name}")
        module.app._add_completion = False  # completion belongs to `deepcohort` alone
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=_LazyGroup,
    name="deepcohort",
    help="Germline variant calling of many samples by deep learning.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(value: bool) -> None:
    if value:
        from deepcohort import __version__

        typer.echo(f"deepcohort {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Germline variant calling of many samples by deep learning."""


def main() -> None:
    """Run the command line; anticipated errors are one line each and exit code 2."""
    # numpy's BLAS reads this when first imported; it would start a thread per core for products of
    # microseconds, in every process of a machine full of them
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except DeepcohortError as error:
        for line in str(error).splitlines():
            print(f"deepcohort: error: {line}", file=sys.stderr)
        sys.stderr.flush()
        sys.exit(USER_ERROR_EXIT_CODE)
    except BrokenPipeError:
        os._exit(141)  # the reader of our output went away; nothing to report
    except KeyboardInterrupt:
        sys.exit(130)
