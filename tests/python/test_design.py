"""What docs/design.md names must exist: rooms, files and the functions in them."""

import ast
import re
from pathlib import Path

import deepcohort
import pytest

PACKAGE = Path(deepcohort.__file__).parent
DESIGN = Path(__file__).resolve().parents[2] / "docs" / "design.md"


def named() -> list[tuple[str, str]]:
    """(file, name in it or "") of everything that the walks point to."""
    found = set(re.findall(r"`((?:\w+/)*\w+\.py)(?::(\w+))?`", DESIGN.read_text()))
    return sorted((file, name) for file, name in found if not file.startswith("tests/"))


@pytest.mark.skipif(not DESIGN.exists(), reason="an installed package has no docs")
def test_what_the_walks_name_exists():
    found = named()
    assert len(found) > 60
    wrong = []
    for file, name in found:
        path = PACKAGE / file
        if not path.exists():
            wrong.append(file)
        elif name:
            tree = ast.parse(path.read_text())
            own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            if name not in own:
                wrong.append(f"{file}:{name}")
    assert wrong == []


def test_every_room_has_a_row():
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    rows = set(re.findall(r"^\| `(\w+)` \|", DESIGN.read_text(), re.MULTILINE))
    assert rooms - {"cli"} == rows
