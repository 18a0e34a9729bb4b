"""Kernels take few parameters, and every module of kernels has a test of its own.

Arrays that belong together come as one NamedTuple.
"""

import ast
import re
from functools import cache
from pathlib import Path

import deepcohort

PACKAGE = Path(deepcohort.__file__).parent
TESTS = Path(__file__).parent
MOST = 10
IMPORT = re.compile(r"^\s*from deepcohort\.?([\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
KERNELS = {"kernel", "borrowing_kernel"}


def is_kernel(node: ast.AST) -> bool:
    """Whether `node` is a function under `@kernel` or `@borrowing_kernel`."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(d, ast.Name) and d.id in KERNELS for d in node.decorator_list
    )


@cache
def kernels() -> dict[str, list[ast.FunctionDef]]:
    """The kernels of each module that holds any."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if "kernel\ndef " in text:
            module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            found[module] = [node for node in ast.walk(ast.parse(text)) if is_kernel(node)]
    return {module: own for module, own in found.items() if own}


def wide_kernels() -> set[str]:
    """`module:kernel` of kernels with more than MOST parameters."""
    found = set()
    for module, own in kernels().items():
        for node in own:
            a = node.args
            if len(a.posonlyargs) + len(a.args) + len(a.kwonlyargs) > MOST:
                found.add(f"{module}:{node.name}")
    return found


def test_no_kernel_is_wide():
    assert sum(map(len, kernels().values())) > 700
    assert wide_kernels() == set(), "put arrays that belong together into a NamedTuple"


def imported_by_tests() -> set[str]:
    """Names below the package that tests import; `from a import b` gives a and a.b."""
    found = set()
    for path in TESTS.rglob("*.py"):
        for module, names in IMPORT.findall(path.read_text()):
            found |= {module, *(f"{module}.{name}".strip(".") for name in re.findall(r"\w+", names))}
    return found


def test_every_module_of_kernels_is_tested_by_itself():
    assert len(kernels()) > 50
    untested = set(kernels()) - imported_by_tests()
    assert untested == set(), "hold its kernels against a slow oracle, in tests/python/<room>"
