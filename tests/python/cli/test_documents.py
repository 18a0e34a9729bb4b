"""Commands in the documents: taken by the parser; those of README and tutorial run to the end (nightly)."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import typer
from deepcohort.cli import COMMANDS, app

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests"))
import walkthrough  # noqa: E402 - a script beside the tests

DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def commands_of(document: str) -> list[str]:
    """Calls of deepcohort in any fence of a document."""
    commands = walkthrough.commands_in((ROOT / document).read_text(), r"\w*")
    found = (re.match(r"(?:\.venv/bin/)?deepcohort (?P<words>.*)", command) for command in commands)
    return [match["words"] for match in found if match]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documented_commands_are_taken(document):
    """Options exist and what is needed is there; [optional] parts are taken as well."""
    root = typer.main.get_command(app)
    for command in commands_of(document):
        words = shlex.split(
            re.split(r" (?:&&|\||>) ", command)[0].replace("[", " ").replace("]", " ").replace("...", "")
        )
        if words[0] not in COMMANDS or "COMMAND" in words:
            continue
        group = root.get_command(None, words[0])
        if hasattr(group, "commands"):
            group.commands[words[1]].make_context(words[1], words[2:])
        else:
            group.make_context(words[0], words[1:])


def test_no_document_uses_an_old_name():
    from deepcohort.cli.layout import OLD_NAMES

    for document in DOCUMENTS:
        for command in commands_of(document):
            name = command.split()[0]
            assert not set(command.split()) & set(OLD_NAMES.get(name, {})), f"{document}: {command}"


def test_commands_are_found():
    text = "x\n```bash\n# a\nls  # b\necho a \\\n   b\n```\n```\nrm -r /\n```\n```bash\ntrue\n```\n"
    assert walkthrough.commands_in(text) == ["ls", "echo a b", "true"]
    assert any(c.startswith("make setup") for c in walkthrough.commands_in((ROOT / "README.md").read_text()))
    tutorial = walkthrough.commands_in((ROOT / "docs" / "tutorial.md").read_text())
    assert len(tutorial) >= 10
    assert sum("nextflow run" in c for c in tutorial) == 2


@pytest.mark.nightly
def test_readme_and_tutorial_to_their_last_step(tmp_path):
    """In a fresh clone, with the environment that runs the tests."""
    clone = tmp_path / "clone"
    walkthrough.clone_into(clone, ROOT / ".venv")
    assert walkthrough.walk(clone, walkthrough.DOCUMENTS, ("make ",)) == 0
    assert (clone / "tutorial" / "results2" / "cohort" / "cohort.vcf.gz").exists()
