#!/usr/bin/env python3
"""What the inside of the package looks like, in figures: one row a measure, one column a tree.

    house.py [--tree NAME=CHECKOUT ...] [--list MEASURE]

Without --tree, the checkout this file lies in. --list names what a measure counted, one a line.
Everything is read from the source text, nothing is imported. The measures:

functions over N lines   from `def` to the last line, docstring included; methods count
kernels                  functions under `@kernel` or `@borrowing_kernel`
kernels without shapes   no docstring, or none that gives a shape such as (N,) or (R, 2), though an
                         argument is an array (by its type; without one: is indexed, sliced or asked for its
                         length in the body); arrays within a NamedTuple have theirs in its docstring
structs without shapes   NamedTuples of arrays whose docstring gives none
untyped                  modules with `mypy: ignore-errors` or `disable-error-code`, and their lines
duplicated blocks        stretches of at least 60 tokens, names and all, that stand elsewhere too
                         (comments, docstrings and imports left out); a block that stands twice counts twice
readers                  BED: functions that take a BED's lines apart; PED: functions that do so with a
                         pedigree's; tables: functions that hand a file to `csv` or split the lines of a text at
                         tabs (not those of BED, PED and .fai, which have no header); BGZF: functions that
                         inflate blocks (not members of zip and npz, nor what is held in memory); indexes:
                         functions that look for TBI, CSI or BAI and write none
circles                  sets of modules that import each other, imports inside functions included
"""

import argparse
import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK_TOKENS = 60
MANY_PARAMETERS = 10
_SHAPE = re.compile(r"\([A-Za-z0-9_+*\- ]+,[A-Za-z0-9_+*\-., ]*\)")
_KERNELS = {"kernel", "borrowing_kernel"}
_SPLITS = re.compile(r"\.split\(|read_csv|\.reader\(|DictReader\(")
_SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of the package: dotted name below it, text and syntax tree."""

    name: str
    text: str
    lines: list[str]
    tree: ast.Module

    @property
    def n_lines(self) -> int:
        """Lines of the file."""
        return self.text.count("\n")

    def functions(self) -> Iterator[Function]:
        """All functions and methods, nested ones too."""
        yield from (n for n in ast.walk(self.tree) if isinstance(n, Function))

    def source(self, function: Function) -> str:
        """Its text, docstring and all."""
        return "\n".join(self.lines[function.lineno - 1 : function.end_lineno])


@dataclass(frozen=True)
class House:
    """The modules of a package, and the modules that its tests import."""

    modules: list[Module]
    tested: set[str]


def house_of(checkout: Path) -> House:
    """Everything below `checkout`/pytools/deepcohort."""
    package = checkout / "pytools" / "deepcohort"
    modules = []
    for path in sorted(package.rglob("*.py")):
        text = path.read_text()
        name = ".".join(path.relative_to(package).with_suffix("").parts)
        modules.append(Module(name, text, text.splitlines(), ast.parse(text)))
    tested = set()
    for path in (checkout / "tests" / "python").rglob("*.py"):
        tested |= set(imports_of(ast.parse(path.read_text())))
    return House(modules, tested)


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Names below the package that are imported anywhere in `tree`; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (n.removeprefix("deepcohort.") for n in names if n.startswith("deepcohort."))


def is_kernel(function: Function) -> bool:
    """Whether `@kernel` or `@borrowing_kernel` stands over it."""
    return any(isinstance(d, ast.Name) and d.id in _KERNELS for d in function.decorator_list)


def parameters(function: Function) -> list[str]:
    """Names of its parameters."""
    a = function.args
    return [arg.arg for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs)]


def takes_arrays(function: Function) -> bool:
    """Whether a parameter is an array: typed as one, or, without a type, used as one in the body."""
    a = function.args
    types = {arg.arg: arg.annotation for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs)}
    if any(t is not None and "NDArray" in ast.unparse(t) for t in types.values()):
        return True
    names = {name for name, annotation in types.items() if annotation is None}
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names:
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            found = {a.id for a in node.args if isinstance(a, ast.Name)}
            if found & names:
                return True
    return False


def shapeless_structs(house: House) -> list[str]:
    """NamedTuples of arrays, as kernels take them, whose docstring gives no shape."""
    return [
        f"{m.name}:{node.name}"
        for m in house.modules
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)
        and any("NDArray" in ast.unparse(n.annotation) for n in node.body if isinstance(n, ast.AnnAssign))
        and not _SHAPE.search(ast.get_docstring(node) or "")
    ]


def named(house: House, chosen: Callable[[Module, Function], bool]) -> list[str]:
    """`module:function` of the functions that are `chosen`."""
    return [f"{m.name}:{f.name}" for m in house.modules for f in m.functions() if chosen(m, f)]


def longer_than(house: House, lines: int) -> list[str]:
    """Functions longer than `lines`."""
    return named(house, lambda _, f: (f.end_lineno or f.lineno) - f.lineno + 1 > lines)


def kernels(house: House) -> list[str]:
    """All kernels."""
    return named(house, lambda _, f: is_kernel(f))


def wide_kernels(house: House) -> list[str]:
    """Kernels with more than MANY_PARAMETERS parameters."""
    return named(house, lambda _, f: is_kernel(f) and len(parameters(f)) > MANY_PARAMETERS)


def shapeless_kernels(house: House) -> list[str]:
    """Kernels on arrays whose docstring gives no shape."""
    return named(
        house,
        lambda _, f: is_kernel(f) and takes_arrays(f) and not _SHAPE.search(ast.get_docstring(f) or ""),
    )


def untyped(house: House) -> list[str]:
    """Modules in which mypy is told to look away."""
    looks_away = re.compile(r"^# mypy: (?:ignore-errors|disable-error-code)", re.MULTILINE)
    return [m.name for m in house.modules if looks_away.search(m.text)]


def untyped_lines(house: House) -> int:
    """Lines of those."""
    names = set(untyped(house))
    return sum(m.n_lines for m in house.modules if m.name in names)


def untested_kernel_modules(house: House) -> list[str]:
    """Modules with kernels that no test imports."""
    return [
        m.name
        for m in house.modules
        if any(is_kernel(f) for f in m.functions()) and m.name not in house.tested
    ]


def tokens_of(module: Module) -> list[tuple[str, int]]:
    """(text, line) of the tokens that say something."""
    unsaid = set()
    for node in ast.walk(module.tree):
        documented = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if documented or isinstance(node, ast.Import | ast.ImportFrom):
            unsaid |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    found = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return [(t.string, t.start[0]) for t in found if t.type not in _SKIPPED and t.start[0] not in unsaid]


def duplicates(house: House) -> list[str]:
    """Each duplicated block, as `module:first-last line`."""
    tokens = {m.name: tokens_of(m) for m in house.modules}
    places: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for name, found in tokens.items():
        texts = [text for text, _ in found]
        for i in range(len(texts) - BLOCK_TOKENS + 1):
            places[hash(tuple(texts[i : i + BLOCK_TOKENS]))].append((name, i))
    starts: dict[str, set[int]] = defaultdict(set)
    for where in places.values():
        apart = {(name, i // BLOCK_TOKENS) for name, i in where}
        if len(apart) > 1 and (len({n for n, _ in where}) > 1 or where[-1][1] - where[0][1] >= BLOCK_TOKENS):
            for name, i in where:
                starts[name].add(i)
    blocks = []
    for name in sorted(starts):
        ordered = sorted(starts[name])
        runs = [[ordered[0], ordered[0]]]
        for i in ordered[1:]:
            if i <= runs[-1][1] + BLOCK_TOKENS:
                runs[-1][1] = i
            else:
                runs.append([i, i])
        blocks += [f"{name}:{tokens[name][a][1]}-{tokens[name][b + BLOCK_TOKENS - 1][1]}" for a, b in runs]
    return blocks


def readers(house: House, kind: str) -> list[str]:
    """Functions that read a format: see the head of this file."""

    def chosen(module: Module, function: Function) -> bool:
        text = module.source(function)
        if any(isinstance(n, Function) and n is not function for n in ast.walk(function)):
            return False  # what stands in an inner function counts there
        pedigree = re.search(r"ped(?:igree)?(?:_|$)|psam", function.name) is not None
        if kind == "BED":
            return "bed_lines(" in text and function.name != "bed_lines"
        if kind == "PED":
            return pedigree and "text_of(" in text and ".split" in text
        if kind == "tables":
            split = re.search(r"read_text\(|text_of\(", text) and '.split("\\t")' in text
            own = pedigree or re.search(r"bed|fai", function.name)
            return bool(re.search(r"csv\.(?:DictReader|reader)\(", text) or (split and not own))
        if kind == "BGZF":
            inflates = re.search(r"decompressobj\(|zlib\.decompress\(|igzip_lib\.decompress\(", text)
            return inflates is not None and re.search(r"bgzf|gvcf|vcf", module.name + text, re.I) is not None
        magic = re.search(r"b\"(?:TBI|CSI|BAI)\\[x01]+\"", text)
        return magic is not None and "write" not in function.name and "pack(" not in text

    return named(house, chosen)


def circles(house: House) -> list[str]:
    """Strongly connected sets of modules, as `a <-> b`."""
    names = {m.name for m in house.modules}
    graph = {m.name: {n for n in imports_of(m.tree) if n in names and n != m.name} for m in house.modules}
    reach = {name: _reached(graph, name) for name in graph}
    sets = {frozenset({a} | {b for b in reach[a] if a in reach[b]}) for a in graph}
    return sorted(" <-> ".join(sorted(s)) for s in sets if len(s) > 1)


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - seen:
            seen.add(name)
            waiting.append(name)
    return seen


LISTS: dict[str, Callable[[House], list[str]]] = {
    "files": lambda house: [m.name for m in house.modules],
    "functions": lambda house: named(house, lambda *_: True),
    "functions over 40 lines": lambda house: longer_than(house, 40),
    "functions over 80 lines": lambda house: longer_than(house, 80),
    "kernels": kernels,
    "kernels over 10 parameters": wide_kernels,
    "kernels without shapes": shapeless_kernels,
    "structs without shapes": shapeless_structs,
    "kernel modules no test imports": untested_kernel_modules,
    "untyped modules": untyped,
    "duplicated blocks": duplicates,
    **{
        f"readers of {kind}": lambda house, k=kind: readers(house, k)
        for kind in ("BED", "PED", "tables", "BGZF", "indexes")
    },
    "circles": circles,
}


def measures(house: House) -> dict[str, int]:
    """Every row of the table."""
    rows = {"lines": sum(m.n_lines for m in house.modules)}
    for name, listed in LISTS.items():
        rows[name] = len(listed(house))
        if name == "untyped modules":
            rows["untyped lines"] = untyped_lines(house)
    return rows


def main() -> None:
    """Print the table, or a list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tree", action="append", default=[], help="NAME=CHECKOUT; repeat for more columns")
    parser.add_argument("--list", choices=LISTS, help="name what this measure counts, in the last tree")
    options = parser.parse_args()
    trees = dict(text.split("=", 1) for text in options.tree) or {"now": str(ROOT)}
    houses = {name: house_of(Path(path)) for name, path in trees.items()}
    if options.list:
        print("\n".join(LISTS[options.list](list(houses.values())[-1])))
        return
    columns = [measures(house) for house in houses.values()]
    print("| |" + "".join(f" {name} |" for name in houses))
    print("|---|" + "---:|" * len(houses))
    for row in columns[0]:
        print(f"| {row} |" + "".join(f" {column[row]:,} |" for column in columns))


if __name__ == "__main__":
    main()
