"""The `deepcohort` command: one typer module per subcommand, imported only when it is run."""

import difflib
import errno
import importlib
import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from deepcohort.cli.dress import dress, group_help, tell_written
from deepcohort.cli.places import check_places, check_values
from deepcohort.core.errors import USER_ERROR_EXIT_CODE, DeepcohortError
from deepcohort.core.extras import remedy_for
from deepcohort.core.stopping import exit_at_once, listen, stop_listening, told_to_stop

# subcommand -> one line of help. The module deepcohort.cli.<name> holds `app`, a typer.Typer with
# one command; it is imported only when it is run or its help is asked for (start-up stays short).
COMMANDS = {
    "check": "Check a samplesheet, its reads and the reference before any work starts.",
    "fingerprint": "Whose reads these are, by known SNPs: swaps, contamination, kin, sex.",
    "index": "Index a reference FASTA.",
    "paralogs": "List segmental duplications of a reference.",
    "align": "Align FASTQ files: index, lanes, samples with duplicates marked.",
    "shard": "Cut a reference into balanced regions.",
    "intersect": "Keep the parts of a BED that lie inside another.",
    "call": "Call variants of one sample: reads to gVCF and VCF.",
    "merge": "Concatenate the shards of a sample (or of a cohort) into one file.",
    "genotype": "Genotype a cohort jointly from gVCFs.",
    "sites": "List the alleles of a cohort, for a second look at every sample's reads.",
    "store": "Say what a stored cohort holds; make parts of one into a cohort.",
    "haplotag": "Tag the reads of a sample with their haplotype, by its phased VCF.",
    "phase": "Phase the unrelated samples of a cohort statistically, by Beagle.",
    "evaluate": "Compare calls with a truth set, haplotype-aware.",
    "report": "Turn evaluations into content for one MultiQC report.",
    "simulate": "Simulate a cohort: haplotypes, reads, truth.",
    "profile": "Learn an error and quality profile from real reads.",
    "examples": "Make labelled training examples from reads and truth.",
    "train": "Train or fine-tune a model.",
    "tune": "Search hyperparameters.",
    "show": "Draw the pileup and the tensor of a site, and what the CNN looked at.",
    "why": "Say why a site is called as it is, and what would change that.",
    "stats": "Statistics of a cohort VCF: counts, relatedness, sex check, Mendelian violations.",
    "export": "Write a cohort VCF as VCF Zarr or for plink2.",
    "annotate": "Annotate a VCF: AlphaMissense, consequences, any table; carriers, candidates.",
    "filter": "Score and filter another caller's VCF with a CNN.",
    "popgen": "Population genetics by deep learning: simulate, train, tune, compare, scan.",
    "plan": "Say what a run will come to: tasks, hours, disk, dollars.",
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
            near = difflib.get_close_matches(cmd_name, COMMANDS, 1, 0.5)
            if near and not cmd_name.startswith("-") and not ctx.resilient_parsing:
                raise DeepcohortError(f"there is no command '{cmd_name[:40]}'; did you mean {near[0]}?")
            return None
        module = importlib.import_module(f"deepcohort.cli.{cmd_name}")
        module.app._add_completion = False  # completion belongs to `deepcohort` alone
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        dress(command, cmd_name)
        _check_before(command, cmd_name)
        for child_name, child in getattr(command, "commands", {}).items():
            _check_before(child, f"{cmd_name} {child_name}")
        return command

    def get_help(self, ctx: Any) -> str:
        return group_help(COMMANDS, self.help or "")


def _check_before(command: Any, name: str) -> None:
    """Let `command` look at its words and at what it will write first, and say at the end what it wrote."""
    run = command.invoke

    def checked(context: Any) -> Any:
        check_values(context.params)
        check_places(name, context.params)
        result = run(context)
        tell_written(name, context.params)
        return result

    command.invoke = checked


app = typer.Typer(
    cls=_LazyGroup,
    name="deepcohort",
    help="Germline variant calling of many samples by deep learning.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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


# what the place, the machine or its limits refuse, with the remedy: no bug, whatever command met it
_REFUSALS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), "check its permissions"),
    errno.EROFS: "name a place that can be written",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "name a folder",
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free space and run again"),
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f)",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit on open files (ulimit -n)"),
    errno.ENAMETOOLONG: "shorten the name",
    **dict.fromkeys((errno.EIO, errno.ESTALE), "the disk or the network failed; run again"),
    errno.ELOOP: "a link leads to itself",
    errno.EAGAIN: "the limit on processes or threads was reached (ulimit -u)",
}
_NO_MEMORY = ("cannot allocate memory", "failed to map segment", "std::bad_alloc", "out of memory")


def main() -> None:
    """Run the command line; anticipated errors are one line each and exit code 2."""
    # numpy's BLAS reads this when first imported; it would start a thread per core for products of
    # microseconds, in every process of a machine full of them
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    listen()
    try:
        app()
    except DeepcohortError as error:
        _refuse(*str(error).splitlines())
    except BrokenPipeError:
        os._exit(141)  # the reader of our output went away; nothing to report
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        code = told_to_stop()
        if code is not None:  # libraries turn a signal during their import into an error of their own
            exit_at_once(code)
        _tell_refusal(error)
        raise
    finally:
        stop_listening()


def _refuse(*lines: str, code: int = USER_ERROR_EXIT_CODE) -> NoReturn:
    for line in lines:
        print(f"deepcohort: error: {line}", file=sys.stderr)
    sys.stderr.flush()
    sys.exit(code)


def _tell_refusal(error: Exception) -> None:
    """End with one line when `error` says what the machine refuses; a bug's trace is left to come."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        _out_of_memory()
    if isinstance(error, ImportError | OSError) and any(words in text for words in _NO_MEMORY):
        _out_of_memory()
    if isinstance(error, ModuleNotFoundError) and not (error.name or "deepcohort").startswith("deepcohort"):
        name = (error.name or "a package").split(".")[0]
        _refuse(f"this command needs {name}, which is not installed here; {remedy_for(name)}")
    if isinstance(error, OSError) and error.errno is not None and error.errno in _REFUSALS:
        place = f"{error.filename}: " if error.filename else ""
        _refuse(f"{place}{error.strerror}; {_REFUSALS[error.errno]}")
    if isinstance(error, UnicodeError):
        _refuse(
            f"text that the locale ({sys.getfilesystemencoding()}) cannot hold: {error}; "
            "set LC_ALL=C.UTF-8 and unset PYTHONUTF8"
        )


def _out_of_memory() -> NoReturn:
    # as if the kernel had killed it: schedulers know this code, and try again with more
    _refuse("out of memory; allow it more (ulimit -v, the scheduler's limit)", code=128 + signal.SIGKILL)
