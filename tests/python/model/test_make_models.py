"""`make models`: every step once, again only when what it is made of changed."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STUB = """
import os, sys
from pathlib import Path
words = sys.argv[1:]
if words[0] == os.environ.get("STUB_FAILS"):
    sys.exit(3)
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(" ".join(words) + "\\n")
out = Path(words[words.index("--output") + 1])
out.mkdir(exist_ok=True)
for name in {"simulate": ["s.bam", "s.confident.bed"], "examples": [], "train": ["illumina.dcmodel", "illumina.md"]}[words[0]]:
    (out / name).write_text(words[0])
"""
RECIPE = """
platform = "illumina"
passes = 2
[simulate]
heterozygosity = 0.002
[[run]]
name = "a"
seed = 1
region = "chr20:1001-2000"
coverage = 40
error_multiplier = 2
plant = true
[[run]]
name = "n"
seed = 2
region = "chr20:3001-3500"
coverage = 30
natural = true
passes = 5
[train]
epochs = 3
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Runs make_models on a recipe with a stub for deepcohort; returns the commands given this time."""
    stub = tmp_path / "stub" / "deepcohort"
    stub.mkdir(parents=True)
    (stub / "__init__.py").touch()
    (stub / "cli.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(stub.parent))
    monkeypatch.setenv("STUB_LOG", str(tmp_path / "log"))
    spec = importlib.util.spec_from_file_location("make_models", ROOT / "pytools" / "make_models.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "make_models", module)
    spec.loader.exec_module(module)

    def make(recipe=RECIPE, *options):
        (tmp_path / "recipe.toml").write_text(recipe)
        (tmp_path / "log").write_text("")
        words = ["--recipe", tmp_path / "recipe.toml", "--work", tmp_path / "work", *options]
        monkeypatch.setattr(sys, "argv", ["make_models.py", *map(str, words)])
        module.main()
        return (tmp_path / "log").read_text().splitlines()

    return make


def test_every_step_once_and_the_model_copied(made, tmp_path, capsys):
    commands = made(RECIPE, "--reference", "r.fa", "--plant", "t.vcf.gz", "--output", tmp_path / "ship")
    assert [c.split()[0] for c in commands] == ["simulate", "examples", "simulate", "examples", "train"]
    assert "--region chr20:1001-2000 --plant t.vcf.gz" in commands[0]
    assert commands[0].endswith(
        "--platform illumina --heterozygosity 0.002 --seed 1 --coverage 40 --error-multiplier 2"
    )
    assert "--plant" not in commands[2]
    assert "--natural" not in commands[1]
    assert "--passes 2" in commands[1]
    assert commands[3].endswith("--natural")
    assert "--passes 5" in commands[3]
    work = tmp_path / "work" / "illumina"
    assert f"--examples {work}/examples/a --natural {work}/examples/n --set epochs=3" in commands[4]
    assert sorted(os.listdir(tmp_path / "ship")) == ["illumina.dcmodel", "illumina.md"]
    assert len((work / "timing.tsv").read_text().splitlines()) == 5
    assert "CPU seconds (simulate" in capsys.readouterr().out
    assert made(RECIPE, "--reference", "r.fa", "--plant", "t.vcf.gz") == []


def test_recipes_by_name(made, capsys):
    module = sys.modules["make_models"]
    assert module.recipe_path("ont") == module.RECIPES / "ont.toml"
    with pytest.raises(SystemExit) as stop:
        made(RECIPE, "--recipe", "nanopore")
    assert stop.value.code == 2
    assert "no recipe of that name; there are hifi, illumina, ont" in capsys.readouterr().err


def test_without_a_reference_genomes_are_made_up(made):
    first = made()[0]
    assert "--genome-bp 1000 --contigs 1" in first
    assert "--reference" not in first
    assert "--plant" not in first


def test_a_changed_run_repeats_what_it_changes(made):
    made()
    again = made(RECIPE.replace("coverage = 30", "coverage = 31"))
    assert [c.split()[0] for c in again] == ["simulate", "examples", "train"]
    assert "--coverage 31" in again[0]
    assert [
        c.split()[0] for c in made(RECIPE.replace("coverage = 30", "coverage = 31").replace("= 3\n", "= 4\n"))
    ] == ["train"]


def test_libraries_of_training_runs_alone_are_set(made):
    made()
    again = made(RECIPE.replace("[train]", "[library]\nclipped = 0.0\n[train]"))
    assert [c.split()[0] for c in again] == ["examples", "train"]
    assert again[0].endswith("--set clipped=0.0")


def test_a_failed_step_is_named_and_the_rest_is_kept(made, monkeypatch):
    monkeypatch.setenv("STUB_FAILS", "train")
    with pytest.raises(SystemExit, match="failed: deepcohort train --output"):
        made()
    monkeypatch.delenv("STUB_FAILS")
    assert [c.split()[0] for c in made()] == ["train"]


def test_reads_alone(made):
    assert [c.split()[0] for c in made(RECIPE, "--only-simulate")] == ["simulate", "simulate"]
    assert [c.split()[0] for c in made()] == ["examples", "examples", "train"]
