"""What holds for every command: help in 80 columns, panels, examples, short options, one name for one thing."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from deepcohort.cli import COMMANDS, app
from deepcohort.cli.dress import tell_written
from deepcohort.cli.layout import EXAMPLES, OLD_NAMES, PANELS, SHORT
from deepcohort.cli.places import OUTPUTS
from deepcohort.core.errors import DeepcohortError
from typer.testing import CliRunner

SUBCOMMANDS = {"popgen"}
# one name for one thing: names that other commands must not use for it, and what they use
STRANGERS = {"--ped": "--pedigree", "--calls": "--vcf", "--ref": "--reference", "--bam": "--reads",
             "--out": "--output", "--base": "--base-dir"}  # fmt: skip


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def every_command() -> Iterator[tuple[str, Any]]:
    """(name, command) of every command and every command of a group."""
    root = typer.main.get_command(app)
    for name in COMMANDS:
        command = root.get_command(None, name)
        if hasattr(command, "commands"):
            yield from ((f"{name} {key}", child) for key, child in command.commands.items())
        else:
            yield name, command


def names() -> list[str]:
    return [name for name, _ in every_command()]


def command_of(name: str) -> Any:
    return dict(every_command())[name]


def invoke(*words: str) -> Any:
    return CliRunner().invoke(app, words)


def shown_options(help_text: str) -> list[str]:
    return re.findall(r"(?m)^  (?:-\w, |    )(--[\w\[\]-]+)", help_text.split("\nExample")[0])


@pytest.mark.parametrize("name", names())
def test_help(name):
    """-h and --help are one; 80 columns hold it; every option with words that say what it is for."""
    result = invoke(*name.split(), "-h")
    assert result.exit_code == 0
    assert result.output == invoke(*name.split(), "--help").output
    lines = result.output.splitlines()
    assert lines[0].startswith(f"Usage: deepcohort {name}")
    assert max(len(line) for line in lines) <= 80
    assert any(line in ("Example", "Examples") for line in lines)
    assert "list[" not in result.output
    assert all(parameter.help for parameter in command_of(name).params if not parameter.hidden)
    options = shown_options(result.output)
    assert options[-1] == "--help"
    hidden = [old for old in OLD_NAMES.get(name, {}) if old in options]
    assert not hidden


@pytest.mark.parametrize("name", names())
def test_examples_can_be_typed(name):
    """Every example is taken by the parser: needed options are there, others exist."""
    command = command_of(name)
    for _, words in EXAMPLES.get(name, ()):
        first = shlex.split(words.split("&&")[0].strip())
        assert " ".join(first[: len(name.split())]) == name
        command.make_context(name, first[len(name.split()) :])


@pytest.mark.parametrize("name", names())
def test_options_of_the_field(name):
    """The same letter and the same word mean the same thing everywhere."""
    old = OLD_NAMES.get(name, {})
    letters: dict[str, str] = {}
    for parameter in command_of(name).params:
        shown = [option for option in parameter.opts if option not in old]
        assert not set(shown) & set(STRANGERS), f"{name}: {shown}"
        for option in shown:
            if re.fullmatch("-[A-Za-z]", option):
                assert option not in letters
                letters[option] = parameter.name
        short = SHORT.get(parameter.name)
        if short and parameter.opts[0].startswith("-"):
            assert short in parameter.opts
        if parameter.name == "quiet":
            assert not parameter.secondary_opts


@pytest.mark.parametrize(("command", "old", "new"), [(c, o, n) for c, pairs in OLD_NAMES.items() for o, n in pairs.items()])  # fmt: skip
def test_old_names_are_taken_with_one_line(command, old, new, capsys):
    from deepcohort.cli.dress import _renamed

    words = _renamed([old, "x", f"{old}=y"], OLD_NAMES[command])
    assert words == ([new, "x", f"{new}=y"] if new else ["x"])
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith(f"deepcohort: {old} ")
    if new:
        assert any(new in parameter.opts for parameter in command_of(command).params)


def test_panels_hold_every_command_once():
    placed = [name for panel in PANELS.values() for name in panel]
    assert len(placed) == len(set(placed))
    text = invoke("-h").output
    assert all(len(line) <= 80 for line in text.splitlines())
    for panel in PANELS:
        assert f"\n{panel}\n" in text
    for name in COMMANDS:
        assert len(re.findall(rf"(?m)^  {name} ", text)) == 1


def test_a_mistyped_command_is_guessed():
    result = invoke("genotpye")
    assert isinstance(result.exception, DeepcohortError)
    assert str(result.exception) == "there is no command 'genotpye'; did you mean genotype?"


def test_the_last_line_says_what_was_written(tmp_path: Path):
    fasta = tmp_path / "x.fa"
    fasta.write_text(">c\n" + "ACGT" * 50 + "\n")
    assert invoke("index", "-R", str(fasta)).exit_code == 0
    out = tmp_path / "shards.bed"
    result = invoke("shard", "-R", str(fasta), "-o", str(out))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == f"deepcohort shard: wrote {out}"


def test_written_is_told_of_every_kind(tmp_path: Path, capsys):
    (tmp_path / "a.vcf.gz").touch()
    (tmp_path / "a.vcf.gz.tbi").touch()
    for name in ("c.pgen", "c.psam", "cc", "c.vcf.gz", "c.vcz.zip"):
        (tmp_path / name).touch()
    tell_written("call", {"vcf": tmp_path / "a.vcf.gz", "gvcf": None})
    tell_written("evaluate", {"output": tmp_path})
    tell_written("export", {"output": tmp_path / "c", "format_": "plink2"})
    tell_written("call", {"vcf": tmp_path / "a.vcf.gz", "quiet": True})
    tell_written("warm", {})
    assert capsys.readouterr().err.splitlines() == [
        f"deepcohort call: wrote {tmp_path}/a.vcf.gz (and .tbi)",
        f"deepcohort evaluate: wrote {tmp_path}/",
        f"deepcohort export: wrote {tmp_path}/c.pgen, {tmp_path}/c.psam",
    ]


def test_every_command_says_what_it_writes():
    assert set(OUTPUTS) == set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("call -I x.bam -R x.fa --vcf x.vcf.gz --padding 5", "--padding is around the intervals of --regions"),
        ("shard -R x.fa -o x.bed --padding 5", "--padding is around the intervals of --regions"),
        ("call -I x.bam -R x.fa --vcf x.vcf.gz --paralogs y --no-place-paralogs", "exclude each other"),
        ("call -I x.bam -R x.fa --vcf x.vcf.gz --platform ont --paralogs y", "table of paralogs y does not exist"),
        ("merge --onto x --input y -o z.vcf.gz --targets t", "--targets, --target-table and --date are not for"),
        ("evaluate -V x -R x.fa -o o --region chr1", "--region without --truth has no meaning"),
        ("evaluate -V x -R x.fa -o o --stratification a=b", "--stratification without --truth has no meaning"),
        ("evaluate -V x -R x.fa -o o --truth t --pedigree p", "--pedigree is for calls without truth"),
        ("simulate -o x --coverage-range 3 nan", "--coverage-range nan is no number"),
        ("simulate -o x --coverage inf", "--coverage inf is no number"),
        ("merge --input x -o z.vcf.gz --date 20241399", "is no date"),
        ("simulate -o x --region chr1", "--region needs --reference"),
        ("simulate -o x --plant-sample s", "--plant-sample needs --plant"),
        ("profile a.bam b.bam x.fa -o x --compare --cycles 7", "--cycles is for a profile, without --compare"),
        ("profile a.bam x.fa -o x --simulated-reference y", "--simulated-reference is for --compare"),
        ("check --samplesheet x -R x.fa --text-only --fingerprints y", "which --text-only leaves unopened"),
    ],
)  # fmt: skip
def test_options_that_would_do_nothing_are_told(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*words.split())
    assert isinstance(result.exception, DeepcohortError)
    assert told in str(result.exception)
