"""What each command writes, checked before it begins: that it can, and that it overwrites no input."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import check_file_place, check_folder_place

FILE, FOLDER, EITHER, PREFIX = "file", "folder", "either", "prefix"

# command -> parameter of its function -> what it names. All other paths of a command are read.
OUTPUTS: dict[str, dict[str, str]] = {
    "check": {"output": FILE, "pedigree": FILE, "notes": FILE, "fingerprint_tables": FOLDER},
    "index": {},
    "paralogs": {"output": FILE},
    "shard": {"output": FILE, "directory": FOLDER},
    "intersect": {"output": FILE},
    "call": {"gvcf": FILE, "vcf": FILE, "phase_evidence": FILE, "haplotag": FILE, "profile_json": FILE},
    "merge": {"output": FILE, "checksums": FILE, "facts": FILE, "target_table": FILE},
    "genotype": {"output": FILE, "save_cohort": EITHER},
    "sites": {"output": FILE},
    "store": {"output": FILE},
    "evaluate": {"output": FOLDER},
    "report": {"output": FOLDER, "pages": FOLDER},
    "simulate": {"output": FOLDER},
    "profile": {"output": EITHER},
    "examples": {"output": FOLDER},
    "train": {"output": FOLDER},
    "tune": {"output": FOLDER},
    "show": {"output": FILE},
    "why": {"output": FILE},
    "stats": {"output": FOLDER},
    "phase": {"output": FILE},
    "haplotag": {"output": FILE},
    "export": {"output": PREFIX},
    "annotate": {"output": FILE, "pack": FILE, "report": FOLDER},
    "filter": {"output": FILE, "train": FILE, "checksums": FILE},
    "align": {},  # a group, as the next two; what their commands write is below
    "fingerprint": {},
    "popgen": {},
    "plan": {"output": FILE, "text": FILE},
    "summary": {"output": FILE},
    "provenance": {"output": FILE},
    "warm": {},
}
# the same of commands of groups
OUTPUTS_OF_GROUPS: dict[str, dict[str, str]] = {
    "align index": {"output": FOLDER},
    "align reads": {"output": FILE, "version_file": FILE},
    "align sample": {"output": FILE},
    "fingerprint sample": {"output": FILE},
    "fingerprint compare": {"output": FOLDER, "warnings": FILE},
    # folders, which may hold a run to go on with
    **{f"popgen {name}": {"output": FOLDER} for name in ("simulate", "train", "tune", "compare", "scan")},
}
# lie beside what is read, and are read with it
_COMPANIONS = ("", ".bai", ".csi", ".crai", ".tbi", ".fai", ".gzi")


def check_places(command: str, values: Mapping[str, Any]) -> None:
    """See that what `command` was told to write can be written, and is none of what it reads.

    Raises:
        InputProblems: it cannot, or is; all of it together.
    """
    kinds = {**OUTPUTS, **OUTPUTS_OF_GROUPS}[command]
    outputs = {name: Path(values[name]) for name in kinds if values.get(name)}
    problems: list[str] = []
    for name, path in outputs.items():
        problems += _attempt(partial(_check_kind, kinds[name], path))
    for name, path in outputs.items():
        if kinds[name] != FOLDER:
            problems += _overwritten(_option(name), path, dict(_inputs(values, kinds)))
    named: dict[str, str] = {}
    for name, path in outputs.items():
        other = named.setdefault(os.path.realpath(path), name)
        if other != name:
            problems.append(f"{_option(other)} and {_option(name)} both name {path}; give each its own")
    if problems:
        raise InputProblems(problems)


def check_values(values: Mapping[str, Any]) -> None:
    """See that every word of the command line is text, and every number one.

    Bytes that are no UTF-8 fit no output file; no comparison with `nan` is true, nor `inf` a limit.

    Raises:
        InputProblems: one is not; all of them together.
    """
    problems = []
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str | Path) and not _is_text(str(one)):
                shown = str(one).encode("utf-8", "surrogateescape")
                problems.append(f"{_option(name)} {shown!r} is no UTF-8 text; rename it")
            elif isinstance(one, float) and not math.isfinite(one):
                problems.append(f"{_option(name)} {one:g} is no number; give one")
    if problems:
        raise InputProblems(problems)


def _is_text(word: str) -> bool:
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_kind(kind: str, path: Path) -> None:
    if kind == FILE:
        check_file_place(path)
    elif kind == FOLDER:
        check_folder_place(path)
    elif kind == PREFIX:
        check_file_place(path.parent / f".{path.name}.")
    elif not path.is_dir():  # EITHER: a file beside others, or a folder that is yet to be made
        check_folder_place(path.parent)


def _attempt(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except DeepcohortError as error:
        return [str(error)]
    return []


def _inputs(values: Mapping[str, Any], kinds: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name not in kinds:
            for word in value if isinstance(value, list | tuple) else [value]:
                if isinstance(word, str | Path) and str(word):
                    yield str(word), _option(name)


def _overwritten(option: str, output: Path, inputs: Mapping[str, str]) -> list[str]:
    for path, other in inputs.items():
        for suffix in _COMPANIONS:
            beside = f"{path}{suffix}"
            if os.path.isfile(beside) and os.path.exists(output) and os.path.samefile(beside, output):
                return [f"{option} {output} would overwrite {beside}, which {other} reads; name another file"]
    return []


def _option(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"
