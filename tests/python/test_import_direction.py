"""Rooms import one way only; the table is the architecture (docs/design.md)."""

import ast
from pathlib import Path

import deepcohort

PACKAGE = Path(deepcohort.__file__).parent
ALLOWED = {
    "core": set(),
    "formats": {"core"},
    "cohort": {"core", "formats", "reads"},
    "reads": {"core", "formats"},
    "paralogs": {"core", "formats", "reads"},
    "candidates": {"core", "formats", "reads"},
    "known": {"core", "formats", "reads", "candidates"},
    "fingerprints": {"core", "formats", "reads", "known"},
    "pileup": {"core", "formats", "reads", "candidates"},
    "model": {"core", "formats", "reads", "candidates", "pileup"},
    "phase": {"core", "formats"},
    "haplotag": {"core", "formats", "reads", "candidates", "known", "calls", "phase"},
    "calls": {"core", "formats", "candidates", "phase"},
    "joint": {"core", "formats", "reads", "calls"},
    "filter": {"core", "formats", "reads", "candidates", "known", "calls", "pileup", "model"},
    "evaluate": {"core", "formats", "reads", "calls"},
    "simulate": {"core", "formats", "reads", "calls"},
    "report": {"core", "formats"},
    "align": {"core", "simulate"},
    "export": {"core", "formats"},
    "annotate": {"core", "formats", "calls", "joint"},
    "popgen": {"core", "formats", "model"},
}
# rooms within a room: what each may see of the others; find.py puts them together
WITHIN = {"candidates": {"assembly": set(), "realign": {"assembly"}, "support": set()}}
SEES_EVERYTHING = {"cli", "compose", "start"}
HEAVY = {
    "torch": {"model", "popgen"},
    "pytorch_lightning": {"model", "popgen"},
    "onnxruntime": {"model", "popgen"},
    "onnx": {"model", "popgen"},
    "optuna": {"model", "popgen"},
    "msprime": {"simulate", "popgen"},
}
# only io.py files (and samtools/bcftools users named io_*.py) touch the file formats
FORMAT_PACKAGES = {"pysam", "cyvcf2"}


def imported_modules(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
    return names


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found.append((parts[0], path))
    return found


def test_rooms_import_one_way():
    wrong = []
    for room, path in modules():
        if room in SEES_EVERYTHING or room == "__init__":
            continue
        for name in imported_modules(path):
            if name.startswith("deepcohort."):
                target = name.split(".")[1]
                if target != room and target not in ALLOWED[room]:
                    wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_rooms_within_a_room_import_one_way():
    wrong = []
    for room, inner in WITHIN.items():
        for path in sorted((PACKAGE / room).rglob("*.py")):
            own = path.relative_to(PACKAGE / room).parts[0]
            for name in imported_modules(path):
                target = (name.removeprefix(f"deepcohort.{room}.") + ".").split(".")[0]
                seen = own in inner and target in inner and target != own
                if seen and target not in inner[own]:
                    wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
                if target in inner and own not in inner and own != "find.py":
                    wrong.append(f"{path.relative_to(PACKAGE)} imports {name}, which builds on it")
    assert wrong == []


def test_heavy_packages_stay_in_their_rooms():
    wrong = []
    for room, path in modules():
        for name in imported_modules(path):
            top = name.split(".")[0]
            if top in HEAVY and room not in HEAVY[top]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {top}")
    assert wrong == []


def test_only_io_files_touch_file_formats():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for _, path in modules()
        for name in imported_modules(path)
        if name.split(".")[0] in FORMAT_PACKAGES and not path.stem.startswith("io")
    ]
    assert wrong == []


def test_every_room_is_in_the_table():
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert rooms - SEES_EVERYTHING == set(ALLOWED)
