"""Fingerprints of samples as MultiQC content: a row per sample, red where something is wrong."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepcohort.core.escape import escaped

_TABLE_ROWS = 500  # MultiQC draws violins, where no row is red, from here on
_PER_CENT = {"suffix": "%", "min": 0, "max": 10, "format": "{:,.1f}", "scale": "Reds"}
_WRONG = ("swap", "contaminated", "sex", "kin", "same person")
_HEADERS: dict[str, dict[str, Any]] = {
    "status": {
        "title": "Fingerprint",
        "description": "What the known SNPs say of whose reads these are",
        "cond_formatting_rules": {
            "pass": [{"s_eq": "ok"}],
            "warn": [{"s_contains": "too few reads"}],
            "fail": [{"s_contains": word} for word in _WRONG],
        },
    },
    "contamination": {**_PER_CENT, "title": "Foreign", "description": "Reads of other persons, estimate"},
    "contamination_low": {**_PER_CENT, "title": "from", "description": "Lower end of the 95 % interval"},
    "contamination_high": {**_PER_CENT, "title": "to", "description": "Upper end of the 95 % interval"},
    "contaminant": {"title": "by", "description": "Sample whose genotypes explain the foreign reads"},
    "persons": {"title": "Persons", "description": "Among files and read groups", "format": "{:,.0f}"},
    "sex": {"title": "Sex", "description": "By the depth and the SNPs of X"},
    "population": {"title": "Population", "description": "Nearest one of the panel"},
    "sites": {"title": "Sites", "description": "Autosomal sites with reads", "format": "{:,.0f}"},
    "depth": {"title": "Depth", "description": "Mean at the sites", "format": "{:,.1f}", "suffix": "x"},
}
_PAIR_HEADERS: dict[str, dict[str, Any]] = {
    "check": {
        "title": "Check",
        "description": "Whether the pair is what the pedigree says",
        "cond_formatting_rules": {
            "pass": [{"s_eq": "ok"}],
            "warn": [{"s_eq": ""}],
            "fail": [{"s_eq": "MISMATCH"}, {"s_eq": "unexpected"}],
        },
    },
    "observed": {"title": "By the reads"},
    "expected": {"title": "As stated"},
    "kinship": {
        "title": "Kinship",
        "description": "0.5 the same person, 0.25 first degree",
        "format": "{:,.3f}",
    },
    "k0": {"title": "k0", "description": "Share of the genome without a common allele", "format": "{:,.3f}"},
    "sites": {"title": "Sites", "description": "With reads of both", "format": "{:,.0f}"},
}
_PARENT = {
    "parent_id": "deepcohort_fingerprints",
    "parent_name": "Fingerprints",
    "parent_description": "Whose reads the samples hold, by the SNPs of a panel, before anything is called.",
}


def write_fingerprint_sections(
    folder: Path, rows: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]], warnings: Sequence[str]
) -> list[Path]:
    """Write the sections to `folder`, which exists.

    Args:
        rows: of fingerprints.tsv, "" where nothing is known. pairs: of fingerprint_pairs.tsv.
        warnings: a line each.
    """
    wrong = [row for row in rows if row["status"] != "ok"]
    if len(rows) > _TABLE_ROWS and wrong:
        rows = wrong
    data = {str(row["sample"]): _cells(row) for row in rows}
    told = f" <strong>{len(warnings):,} warnings: see the red rows.</strong>" if warnings else ""
    written = [_write(folder, "samples", "Samples", told, _HEADERS, data)]
    if pairs:
        cells = {f"{p['sample_1']} - {p['sample_2']}": {key: p[key] for key in _PAIR_HEADERS} for p in pairs}
        written.append(_write(folder, "pairs", "Kin", "", _PAIR_HEADERS, cells))
    return written


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    cells = {}
    for key in _HEADERS:
        if row[key] != "":
            is_share = key.startswith("contamination")
            cells[key] = round(100 * row[key], 2) if is_share else row[key]
    return cells


def _write(
    folder: Path, name: str, title: str, told: str, headers: dict[str, dict[str, Any]], data: dict[str, Any]
) -> Path:
    content = {
        **_PARENT,
        "id": f"deepcohort_fingerprints_{name}",
        "section_name": title,
        "description": f"Definitions: docs/fingerprints.md.{told}",
        "plot_type": "table",
        "pconfig": {
            "id": f"deepcohort_fingerprints_{name}_table",
            "title": f"Fingerprints: {title}",
            "namespace": "deepcohort",
            "sort_rows": False,
        },
        "headers": headers,
        "data": data,
    }
    path = folder / f"deepcohort_fingerprints_{name}_mqc.json"
    path.write_text(json.dumps(escaped(content), indent=1) + "\n")
    return path
