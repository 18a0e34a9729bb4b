"""Kernels take few parameters: arrays that belong together come as one NamedTuple.

The list may only become shorter. A kernel that is not in it has at most ten parameters.
"""

import ast
from pathlib import Path

import deepcohort

PACKAGE = Path(deepcohort.__file__).parent
MOST = 10
KERNELS = {"kernel", "borrowing_kernel"}
STILL_WIDE = frozenset(
    [
        "joint.quality_kernels:shallow_quality",
    ]
)


def wide_kernels() -> set[str]:
    """`module:kernel` of kernels with more than MOST parameters."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id in KERNELS for d in node.decorator_list
            ):
                a = node.args
                if len(a.posonlyargs) + len(a.args) + len(a.kwonlyargs) > MOST:
                    found.add(f"{module}:{node.name}")
    return found


def test_no_kernel_becomes_wide():
    assert wide_kernels() - STILL_WIDE == set(), "put arrays that belong together into a NamedTuple"


def test_the_list_only_names_what_is_wide():
    assert STILL_WIDE - wide_kernels() == set(), "strike them from the list"
