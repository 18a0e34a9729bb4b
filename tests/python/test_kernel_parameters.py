"""Kernels take few parameters: arrays that belong together come as one NamedTuple."""

import ast
from pathlib import Path

import deepcohort

PACKAGE = Path(deepcohort.__file__).parent
MOST = 10
KERNELS = {"kernel", "borrowing_kernel"}


def kernel_widths() -> dict[str, int]:
    """Number of parameters of each kernel, `module:kernel`."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id in KERNELS for d in node.decorator_list
            ):
                a = node.args
                found[f"{module}:{node.name}"] = len(a.posonlyargs) + len(a.args) + len(a.kwonlyargs)
    return found


def test_no_kernel_is_wide():
    widths = kernel_widths()
    assert len(widths) > 700
    wide = {name: n for name, n in widths.items() if n > MOST}
    assert not wide, "put arrays that belong together into a NamedTuple"
