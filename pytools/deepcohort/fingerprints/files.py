"""Fingerprints as files: JSON of a sample; tables and JSON of a cohort."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.text import table_cell
from deepcohort.fingerprints.judge import OK, population_text, statement
from deepcohort.fingerprints.types import (
    AlleleReads,
    Contamination,
    Fingerprint,
    FingerprintSites,
    Pair,
    Verdict,
)

_FORMAT = 1
Row = dict[str, Any]


def write_fingerprint(found: Fingerprint, path: Path) -> None:
    """Write the fingerprint of a sample as JSON."""
    share = found.contamination
    content = {
        "deepcohort_fingerprint": _FORMAT,
        "sample": found.sample,
        "sites_digest": found.digest,
        "persons": [list(names) for names in found.persons],
        "odds": [round(x, 2) for x in found.odds],
        "error": found.error,
        "het_share": found.het_share,
        "contamination": [share.estimate, share.low, share.high, share.inbreeding],
        "population": [found.population, round(found.population_odds, 2), found.second, found.column],
        "sex": [found.sex, found.sex_from, found.sex_note],
        "sites": [found.sites, found.stretches],
        "depth": round(found.depth, 3),
        "reads": [[column.tolist() for column in (r.ref, r.alt, r.other)] for r in found.reads],
    }
    with atomic_outputs(path) as (temporary,):
        temporary.write_text(json.dumps(content, separators=(",", ":")) + "\n")


def read_fingerprint(path: Path, sites: FingerprintSites) -> Fingerprint:
    """The fingerprint that `write_fingerprint` wrote.

    Raises:
        DeepcohortError: no such file, or of other sites.
    """
    try:
        content = json.loads(path.read_text())
        if content["deepcohort_fingerprint"] != _FORMAT:
            raise ValueError("another version")
        reads = tuple(AlleleReads(*(np.array(c, np.int32) for c in counts)) for counts in content["reads"])
        population, ahead, second, column = content["population"]
        estimate, low, high, inbreeding = content["contamination"]
        found = Fingerprint(
            sample=str(content["sample"]),
            digest=str(content["sites_digest"]),
            persons=tuple(tuple(map(str, names)) for names in content["persons"]),
            reads=reads,
            odds=tuple(map(float, content["odds"])),
            error=float(content["error"]),
            het_share=float(content["het_share"]),
            contamination=Contamination(estimate, low, high, inbreeding),
            population=str(population),
            population_odds=float(ahead),
            second=str(second),
            column=int(column),
            sex=str(content["sex"][0]),
            sex_from=str(content["sex"][1]),
            sex_note=str(content["sex"][2]),
            sites=int(content["sites"][0]),
            stretches=int(content["sites"][1]),
            depth=float(content["depth"]),
        )
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _no_fingerprint(path, repr(error)) from error
    problem = _problem(found)
    if problem:
        raise _no_fingerprint(path, problem)
    if found.digest != sites.digest or any(
        len(c) != len(sites) for r in reads for c in (r.ref, r.alt, r.other)
    ):
        raise DeepcohortError(
            f"{path} is a fingerprint at other sites; take all with the same --sites, --regions and --contigs"
        )
    return found


def _no_fingerprint(path: Path, why: str) -> DeepcohortError:
    return DeepcohortError(
        f"{path} is no fingerprint: {why[:200]}; make it again: deepcohort fingerprint sample"
    )


def _problem(found: Fingerprint) -> str:
    """What cannot be in a fingerprint; "" if nothing."""
    share = found.contamination
    numbers = [*found.odds, found.error, found.het_share, found.population_odds, found.depth]
    numbers += [x for x in (share.estimate, share.low, share.high, share.inbreeding) if x is not None]
    if not all(isinstance(x, int | float) and np.isfinite(x) for x in numbers):
        return "a number in it is none"
    if any(c.ndim != 1 or (c < 0).any() for r in found.reads for c in (r.ref, r.alt, r.other)):
        return "counts of reads are no counts"
    if not len(found.persons) == len(found.reads) == len(found.odds):
        return "persons, their reads and their odds are not as many"
    return ""


def row_of(verdict: Verdict) -> Row:
    """A sample's line of the table; "" where nothing is known."""
    found = verdict.fingerprint
    share = found.contamination
    known = share.estimate is not None
    return {
        "sample": found.sample,
        "status": verdict.status,
        "persons": len(found.persons),
        "contamination": round(share.estimate or 0.0, 4) if known else "",
        "contamination_low": round(share.low, 4) if known else "",
        "contamination_high": round(share.high, 4) if known else "",
        "contaminant": verdict.contaminant,
        "sex": found.sex,
        "sex_from": found.sex_from,
        "population": population_text(found) if found.population else "",
        "population_log10_odds": round(found.population_odds, 1) if found.population else "",
        "sites": found.sites,
        "depth": round(found.depth, 1),
    }


def pair_row(pair: Pair) -> Row:
    """A pair's line of the table."""
    return {
        "sample_1": pair.one,
        "sample_2": pair.other,
        "kinship": round(pair.kinship, 4),
        "k0": round(pair.k0, 4),
        "k1": round(pair.k1, 4),
        "k2": round(pair.k2, 4),
        "log10_odds_same": round(pair.odds, 1),
        "sites": pair.sites,
        "observed": pair.observed or "too few sites",
        "expected": pair.expected or "not stated",
        "check": pair.check,
    }


def sorted_rows(verdicts: Sequence[Verdict]) -> list[Row]:
    """Rows of the samples, those with a warning first."""
    return [row_of(v) for v in sorted(verdicts, key=lambda v: (v.status == OK, v.fingerprint.sample))]


def write_tables(folder: Path, verdicts: Sequence[Verdict], pairs: Sequence[Pair]) -> None:
    """Write fingerprints.tsv, fingerprint_pairs.tsv and fingerprints.json to `folder`, which exists."""
    _write_tsv(folder / "fingerprints.tsv", sorted_rows(verdicts), list(row_of(verdicts[0])))
    blank = Pair("", "", 0, 0.0, 0.0, 0.0, 0.0, "")
    _write_tsv(folder / "fingerprint_pairs.tsv", [pair_row(p) for p in pairs], list(pair_row(blank)))
    summary = {
        "samples": len(verdicts),
        "warnings": [line for v in verdicts for line in v.warnings],
        "statements": [statement(v) for v in verdicts],
    }
    (folder / "fingerprints.json").write_text(json.dumps(summary, indent=1) + "\n")


def _write_tsv(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    lines = ["\t".join(columns)]
    lines += ["\t".join(table_cell(str(row[column])) for column in columns) for row in rows]
    path.write_text("\n".join(lines) + "\n")
