"""Evaluation folders as MultiQC custom content: one file per section, definitions beside the numbers."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.escape import escaped
from deepcohort.core.outputs import atomic_outputs
from deepcohort.formats.table import read_table
from deepcohort.report import evaluation_bases as bases
from deepcohort.report import evaluation_phase as phases
from deepcohort.report import evaluation_plots as plots
from deepcohort.report import evaluation_tables as tables
from deepcohort.report.evaluation_text import DEFINITIONS, INTRODUCTION
from deepcohort.report.evaluation_types import Evaluation, Row

_TABLES = {
    "extended": ("type", "group", "stratum"),
    "curves": ("type", "score"),
    "confusion": ("type", "truth", "call", "records"),
    "calibration": ("type",),
    "indel_lengths": ("length_bp",),
}


def read_evaluations(folders: Sequence[Path]) -> tuple[list[Evaluation], list[Row], list[dict[str, Any]]]:
    """Evaluations in `folders` (or one level below), paired tests, and descriptions without truth.

    Raises:
        DeepcohortError: a folder that is no evaluation.
    """
    found: list[tuple[Path, Evaluation]] = []
    tests: list[Row] = []
    untrue: list[dict[str, Any]] = []
    for folder in folders:
        if not folder.is_dir():
            raise DeepcohortError(f"evaluation {folder} is no folder; give what `deepcohort evaluate` wrote")
        places = [folder] if (folder / "summary.json").exists() else sorted(p for p in folder.iterdir())
        places = [place for place in places if (place / "summary.json").exists()]
        if (folder / "mcnemar.tsv").exists():
            tests += _rows_of(folder / "mcnemar.tsv", ("a", "b", "type"))
        if (folder / "without_truth.json").exists():
            untrue.append(_object_of(folder / "without_truth.json", folder))
        elif not places:
            raise DeepcohortError(f"evaluation {folder} has no summary.json; run deepcohort evaluate again")
        found += [(place, _read_one(place)) for place in places]
    _tell_apart(found)
    return [evaluation for _, evaluation in found], tests, untrue


def _tell_apart(found: Sequence[tuple[Path, Evaluation]]) -> None:
    """Give evaluations of one name as much of their folders' paths as it takes."""
    places = [Path(os.path.abspath(place)) for place, _ in found]  # links keep the names that they were given
    twice = sorted({str(place) for place, n in Counter(places).items() if n > 1})
    if twice:
        raise DeepcohortError(f"evaluation {', '.join(twice)} is given more than once")
    own = [evaluation.name for _, evaluation in found]
    depth = [0] * len(found)
    while True:
        counts = Counter(evaluation.name for _, evaluation in found)
        alike = [i for i, (_, evaluation) in enumerate(found) if counts[evaluation.name] > 1]
        if not alike:
            return
        for i in alike:
            depth[i] += 2 if depth[i] == 0 and places[i].name == own[i] else 1
            found[i][1].name = "/".join(places[i].parts[-depth[i] :])


def _object_of(path: Path, folder: Path) -> dict[str, Any]:
    try:
        info = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DeepcohortError(
            f"evaluation {folder} cannot be read ({error}); run deepcohort evaluate again"
        ) from error
    if not isinstance(info, dict):
        raise DeepcohortError(
            f"evaluation {folder} cannot be read ({path.name} is no object); run deepcohort evaluate again"
        )
    return info


def _read_one(folder: Path) -> Evaluation:
    info = _object_of(folder / "summary.json", folder)
    lacking = [key for key in ("name", "sample", "summary", "all", "left_out") if key not in info]
    if lacking:
        raise DeepcohortError(
            f"evaluation {folder} cannot be read (summary.json lacks {', '.join(lacking)}); "
            "run deepcohort evaluate again"
        )
    tables = {name: _rows_of(folder / f"{name}.tsv", columns) for name, columns in _TABLES.items()}
    blocks = folder / "phase_blocks.tsv"  # absent by the rule of vcfeval
    tables["phase_blocks"] = _rows_of(blocks, ()) if blocks.exists() else []
    return Evaluation(str(info["name"]), info, tables)


def _rows_of(path: Path, columns: Sequence[str]) -> list[Row]:
    return [row.cells for row in read_table(path, "table of an evaluation", columns)]


def write_report(folders: Sequence[Path], output: Path) -> list[Path]:
    """Write the MultiQC content of all evaluations to folder `output`; the files, in report order.

    Raises:
        DeepcohortError: a folder that is no evaluation.
    """
    evaluations, tests, untrue = read_evaluations(folders)
    evaluations.sort(key=lambda evaluation: evaluation.name)  # as MultiQC sorts its tables
    output.mkdir(parents=True, exist_ok=True)
    sections: list[tuple[str, dict[str, Any]]] = []
    if evaluations:
        sections += [
            ("summary", tables.summary_table(evaluations)),
            ("base_pairs", bases.base_pairs(evaluations)),
            ("counts", plots.count_bars(evaluations)),
            ("precision_recall", plots.precision_recall(evaluations)),
            ("operating_points", tables.operating_points(evaluations)),
            ("depth", plots.by_depth(evaluations)),
            ("strata", plots.strata_heatmap(evaluations, "SNP")),
            ("strata_indel", plots.strata_heatmap(evaluations, "INDEL")),
            ("strata_table", tables.strata_table(evaluations)),
            ("indel_lengths", plots.indel_lengths(evaluations)),
            ("calibration", plots.calibration(evaluations)),
            *plots.confusion(evaluations),
            ("phase", phases.phase(evaluations)),
            ("phase_blocks", phases.blocks(evaluations)),
            ("paired", tables.paired_tests(tests)),
            ("roc", plots.roc(evaluations)),
            ("left_out", tables.left_out(evaluations)),
        ]
    sections += tables.without_truth(untrue)
    definitions = {"plot_type": "html", "section_name": "Definitions", "data": DEFINITIONS}
    if evaluations:
        sections.append(("definitions", definitions))
        _write(output, "evaluation_general", tables.general_statistics(evaluations))
    written = []
    for name, section in sections:
        if section:
            written.append(_write(output, f"evaluation_{name}", {**_PARENT, **section}))
    return written


_PARENT = {
    "parent_id": "deepcohort_evaluation",
    "parent_name": "Evaluation",
    "parent_description": INTRODUCTION,
}


def _write(folder: Path, name: str, content: dict[str, Any]) -> Path:
    path = folder / f"deepcohort_{name}_mqc.json"
    with atomic_outputs(path) as [temporary]:
        whole = {"id": f"deepcohort_{name}", **escaped(content)}
        temporary.write_text(json.dumps(whole, indent=1) + "\n")
    return path
