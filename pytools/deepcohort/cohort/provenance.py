"""What a run was made of: settings, versions, checksums."""

import hashlib
import json
import platform
import re
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from deepcohort import __version__
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.formats.table import read_table

_CHUNK_BYTES = 1 << 20
_COLUMNS = ("name", "bytes", "sha256")


def describe_file(path: Path) -> dict[str, object]:
    """Name, size in bytes and SHA-256 of the file at `path`."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        size = path.stat().st_size
    except OSError as error:
        raise DeepcohortError(f"{path} cannot be read: {error.strerror}") from error
    return {"name": path.name, "path": str(path.resolve()), "bytes": size, "sha256": digest.hexdigest()}


def write_checksums(files: Sequence[Path], table: Path) -> None:
    """Write `table`: name, size in bytes and SHA-256 of each file, by tabs.

    The task that makes a file writes it: one task at the end of a run that read every result again would
    have terabytes to fetch.
    """
    rows = [describe_file(path) for path in files]
    with atomic_outputs(table) as (temporary,):
        lines = ["\t".join(_COLUMNS), *("\t".join(str(row[key]) for key in _COLUMNS) for row in rows)]
        temporary.write_text("\n".join(lines) + "\n")


def read_checksums(folder: Path | None) -> list[dict[str, object]]:
    """Rows of all tables below `folder`, by name.

    Raises:
        DeepcohortError: a table is damaged.
    """
    if folder is None or not folder.is_dir():
        return []
    rows: list[dict[str, object]] = []
    for path in folder.rglob("*.tsv"):
        for row in read_table(path, "table of checksums", _COLUMNS, known=_COLUMNS):
            rows.append({"name": row["name"], "bytes": row.whole("bytes"), "sha256": row["sha256"]})
    return sorted(rows, key=lambda row: str(row["name"]))


def collect_versions(folder: Path) -> dict[str, list[str]]:
    """Process name (without workflows) to the distinct "tool version, tool version" of its tasks.

    `versions.yml` is nf-core's: a line `"WORKFLOW:PROCESS":`, then indented lines `tool: version`; one line
    `PROCESS: version` is read too. Other names (the workflow's own block) are passed over.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.yml")):
        blocks: list[tuple[str, list[str]]] = []
        for line in path.read_text().splitlines():
            tool = re.fullmatch(r"\s+([^\s:]+):\s*(.*\S)\s*", line)
            head = re.fullmatch(r"\"?([\w:]+)\"?:\s*", line) or re.fullmatch(r"([A-Z_]+):\s*(.*\S)\s*", line)
            if tool and blocks:
                blocks[-1][1].append(f"{tool[1]} {tool[2]}")
            elif head:
                blocks.append((head[1].split(":")[-1], [*head.groups()[1:]]))
        for name, items in blocks:
            if items and re.fullmatch("[A-Z_]+", name):
                found.setdefault(name, set()).add(", ".join(items))
    return {name: sorted(lines) for name, lines in sorted(found.items())}


def write_provenance(
    run: Path,
    versions: Path,
    inputs: Path | None,
    outputs: Path | None,
    models: Path | None,
    output: Path,
    checksums: Path | None = None,
) -> None:
    """Write provenance.json.

    Args:
        run: JSON object about the run as a whole (parameters, command line, Nextflow version).
        versions: folder tree of versions.yml files.
        inputs: folder tree of files the run started from; checksummed.
        outputs: folder tree of result files; checksummed.
        checksums: folder tree of tables that `write_checksums` wrote; they join the outputs.
        models: folder tree of model files; each with the text of the card (.md) of its name.
        output: file to write.

    Raises:
        DeepcohortError: `run` is no JSON, or a file cannot be read.
    """
    account = {
        "deepcohort": __version__,
        "run": _load_json(run),
        "processes": collect_versions(versions),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted({d.metadata["Name"].lower(): d.version for d in distributions()}.items())),
        "inputs": _describe_tree(inputs),
        "outputs": _describe_tree(outputs) + read_checksums(checksums),
        "models": _describe_models(models),
    }
    with atomic_outputs(output) as (temporary,):
        temporary.write_text(json.dumps(account, indent=1) + "\n")


def _describe_tree(folder: Path | None) -> list[dict[str, object]]:
    if folder is None or not folder.is_dir():
        return []
    return [describe_file(path) for path in sorted(folder.rglob("*"), key=_natural) if path.is_file()]


def _describe_models(folder: Path | None) -> list[dict[str, object]]:
    if folder is None or not folder.is_dir():
        return []
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    cards = {path.stem: path.read_text() for path in files if path.suffix == ".md"}
    return [describe_file(path) | {"card": cards.get(path.stem)} for path in files if path.suffix != ".md"]


def _natural(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in path.parts)


def _load_json(path: Path) -> object:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(found, dict):
        raise DeepcohortError(f"{path} holds no JSON object")
    return found
