"""Facts of the samples' reads and calls (`deepcohort merge --facts`) as a MultiQC table."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.escape import escaped

ALARM, NO_ALARM, UNKNOWN = "unlike training", "as trained", "unknown"
_TABLE_ROWS = 500  # MultiQC draws violins, where no row is red, from here on
_MOST_NAMED = 20

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the table: from which part of the facts, and how MultiQC shows it."""

    part: str
    key: str
    header: dict[str, Any]
    is_share: bool = False


_COUNT = {"format": "{:,.0f}"}
_PER_CENT = {"suffix": "%", "min": 0, "max": 100, "format": "{:,.1f}"}
_COLUMNS = {
    "alarm": _Column(
        "unlike_training",
        "Alarm",
        {
            "title": "Reads",
            "description": "Whether features of the sites are like those of the model's training data",
            "cond_formatting_rules": {
                "pass": [{"s_eq": NO_ALARM}],
                "warn": [{"s_eq": UNKNOWN}],
                "fail": [{"s_eq": ALARM}],
            },
        },
    ),
    "outside": _Column(
        "unlike_training",
        "Outside",
        {
            **_PER_CENT,
            "title": "Outside",
            "description": "Features of sites beyond what 99.8 % of the training data show",
            "scale": "Reds",
            "format": "{:,.2f}",
        },
        is_share=True,
    ),
    "strangest": _Column(
        "unlike_training",
        "Strangest",
        {"title": "Strangest", "description": "Feature that is outside at most sites"},
    ),
    "strangest_share": _Column(
        "unlike_training",
        "StrangestShare",
        {**_PER_CENT, "title": "at sites", "description": "Sites where that feature is outside"},
        is_share=True,
    ),
    "sites": _Column(
        "unlike_training", "Sites", {**_COUNT, "title": "of sites", "description": "Sites looked at"}
    ),
    "read_length": _Column(
        "library",
        "ReadLength",
        {**_COUNT, "title": "Length", "description": "Median read length", "suffix": "bp"},
    ),
    "paired": _Column(
        "library", "Paired", {**_PER_CENT, "title": "Paired", "description": "Reads of pairs"}, is_share=True
    ),
    "inserts": _Column(
        "library",
        "Inserts",
        {"title": "Insert sizes", "description": "5 %, 50 % and 95 % quantiles of |TLEN| of usual pairs, bp"},
    ),
    "odd_pairs": _Column(
        "library",
        "OddPairs",
        {
            **_PER_CENT,
            "title": "Odd pairs",
            "description": "Paired reads whose mate lies elsewhere than this library's usually do",
        },
        is_share=True,
    ),
    "mapq": _Column(
        "library", "TypicalMAPQ", {**_COUNT, "title": "MAPQ", "description": "Median MAPQ of usable reads"}
    ),
    "clipped": _Column(
        "library",
        "Clipped",
        {**_PER_CENT, "title": "Clipped", "description": "Reads soft-clipped by 5 bp or more"},
        is_share=True,
    ),
    "mapped": _Column(
        "reads",
        "Mapped",
        {**_PER_CENT, "title": "Mapped", "description": "Reads that are mapped, of all in the files"},
        is_share=True,
    ),
    "duplicates": _Column(
        "library",
        "Duplicates",
        {
            **_PER_CENT,
            "title": "Duplicates",
            "description": "Reads marked as duplicates in the windows looked at",
        },
        is_share=True,
    ),
    "wrong_platform": _Column(
        "library",
        "WrongPlatform",
        {"title": "Wrong platform", "description": "The reads are of a kind that the model does not read"},
    ),
    "unbalanced": _Column(
        "library",
        "Unbalanced",
        {
            **_COUNT,
            "title": "Unbalanced",
            "description": "How much likelier (ln) it is that alleles are not one person's, half and half",
        },
    ),
    "converted_cpg": _Column(
        "library",
        "ConvertedCpG",
        {
            **_PER_CENT,
            "title": "Converted CpGs",
            "description": "Cs before G that the library's chemistry reads as T; such bases are left out",
        },
        is_share=True,
    ),
    "converted_elsewhere": _Column(
        "library",
        "ConvertedElsewhere",
        {
            **_PER_CENT,
            "title": "Converted Cs",
            "description": "Cs before other bases that the library's chemistry reads as T",
        },
        is_share=True,
    ),
    "repeated": _Column(
        "library",
        "Repeated",
        {
            **_PER_CENT,
            "title": "Twice",
            "description": "Reads that the files have once more; each counts once",
        },
        is_share=True,
    ),
    "left_out": _Column(
        "library",
        "LeftOut",
        {
            **_PER_CENT,
            "title": "Left out",
            "description": "Reads that do not count (flags, MAPQ), where they are most of all",
            "scale": "Reds",
        },
        is_share=True,
    ),
    "left_out_by": _Column(
        "library", "LeftOutBy", {"title": "as", "description": "Why they do not, and which share each"}
    ),
    "copies": _Column(
        "library",
        "Copies",
        {
            **_PER_CENT,
            "title": "Copies",
            "description": "Reads of pairs that repeat another fragment's ends, not marked as duplicates",
        },
        is_share=True,
    ),
    "copies_dropped": _Column(
        "library",
        "CopiesDropped",
        {"title": "Copies are", "description": "Whether such copies were counted as evidence"},
    ),
    "slips": _Column(
        "library",
        "Slips",
        {
            "title": "Slips",
            "description": "How often reads show repeats too long or too short; 1: as in PCR-free libraries",
            "format": "{:,.1f}",
        },
    ),
    "qualities": _Column(
        "library", "Qualities", {**_COUNT, "title": "Qualities", "description": "Distinct base qualities"}
    ),
    "lowered": _Column(
        "library",
        "QualitiesLowered",
        {
            "title": "Lowered",
            "description": "Qualities that promise too much, and by how many phred they count less",
        },
    ),
    "raised": _Column(
        "library",
        "QualitiesRaised",
        {
            "title": "Raised",
            "description": "Qualities that were too poor to count, and by how many phred they count more",
        },
    ),
    "strand_errors": _Column(
        "library",
        "StrandErrors",
        {
            "title": "Misread",
            "description": "What reads of one strand misread alike, and at which share of such sites",
        },
    ),
    "contamination": _Column(
        "library",
        "Contamination",
        {
            **_PER_CENT,
            "title": "Foreign",
            "description": "Reads that are another person's, as the profile tells and genotypes allow for",
            "scale": "OrRd",
        },
        is_share=True,
    ),
    "contamination_given": _Column(
        "library",
        "ContaminationGiven",
        {**_PER_CENT, "title": "Foreign, given", "description": "The share given by --contamination instead"},
        is_share=True,
    ),
    "clips_dropped": _Column(
        "library",
        "ClipsDropped",
        {
            "title": "Clips are left out",
            "description": "At which ends of reads, as clipped bases fit the reference there",
        },
    ),
    "snp": _Column("called", "snp", {**_COUNT, "title": "SNPs", "description": "Called, FILTER PASS"}),
    "indel": _Column("called", "indel", {**_COUNT, "title": "Indels", "description": "Called, FILTER PASS"}),
    "low_qual": _Column(
        "records", "LowQual", {**_COUNT, "title": "LowQual", "description": "FILTER LowQual"}
    ),
    "disputed": _Column(
        "records",
        "Disputed",
        {
            **_COUNT,
            "title": "Disputed",
            "description": "Sites where the reads alone speak for a variant and the networks against it",
            "scale": "OrRd",
        },
    ),
}


def read_facts(paths: Sequence[Path]) -> list[Facts]:
    """Facts in files, or in the *.json files of folders; samples with an alarm first, then by name.

    Raises:
        DeepcohortError: a file that is none of `deepcohort merge --facts`, or a sample twice.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    found = [_read_one(file) for file in files]
    names = [facts["sample"] for facts in found]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DeepcohortError(f"facts of sample {', '.join(twice)} are given more than once")
    return sorted(found, key=lambda facts: (not is_alarming(facts), facts["sample"]))


def _read_one(file: Path) -> Facts:
    try:
        facts = json.loads(file.read_text())
        parts = [facts[name] for name in ("library", "unlike_training")]
        sound = isinstance(facts["sample"], str) and all(p is None or isinstance(p, dict) for p in parts)
        sound &= all(isinstance(facts[name], dict) for name in ("records", "called"))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DeepcohortError(f"{file} is no file of deepcohort merge --facts: {error!r}") from error
    if not sound:
        raise DeepcohortError(f"{file} is no file of deepcohort merge --facts; make it again")
    return dict(facts)


def is_alarming(facts: Facts) -> bool:
    """Whether the header of the sample's calls says that its reads, or a library's, are unlike training."""
    judged = (facts["unlike_training"] or {}, *facts.get("libraries", ()))
    return any(bool(one.get("Alarm", False)) for one in judged)


def write_reads(paths: Sequence[Path], output: Path) -> list[Path]:
    """Write the section "Reads and library" to folder `output`: a row per sample, red where there is alarm.

    Raises:
        DeepcohortError: see `read_facts`.
    """
    samples = read_facts(paths)
    if not samples:
        return []
    output.mkdir(parents=True, exist_ok=True)
    alarming = [facts for facts in samples if is_alarming(facts)]
    written = []
    if len(samples) > _TABLE_ROWS and alarming:
        written.append(
            _write(output, "reads_alarm", "Reads unlike training", alarming[:_TABLE_ROWS], alarming)
        )
    return [*written, _write(output, "reads", "Reads and library", samples, alarming)]


def _write(folder: Path, name: str, title: str, rows: Sequence[Facts], alarming: Sequence[Facts]) -> Path:
    content = {
        "id": f"deepcohort_{name}",
        "section_name": title,
        "description": _description(alarming),
        "plot_type": "table",
        "pconfig": {
            "id": f"deepcohort_{name}_table",
            "title": title,
            "namespace": "deepcohort",
            "sort_rows": False,
        },
        "headers": {key: column.header for key, column in _COLUMNS.items()},
        "data": _data(rows),
    }
    path = folder / f"deepcohort_{name}_mqc.json"
    path.write_text(json.dumps(escaped(content), indent=1) + "\n")
    return path


def _description(alarming: Sequence[Facts]) -> str:
    text = (
        "What the reads of each sample are like, by windows that are the same whatever is called, and what "
        "was called from them."
    )
    if alarming:
        names = html.escape(named_samples(alarming))
        text += (
            f" <strong>The reads of {names} are unlike those that the model was trained "
            "on: compare these calls with truth or another caller before you use them.</strong>"
        )
    return text


def named_samples(samples: Sequence[Facts]) -> str:
    """Names of samples for a sentence, the first of many."""
    names = ", ".join(facts["sample"] for facts in samples[:_MOST_NAMED])
    more = len(samples) - _MOST_NAMED
    return f"{names} and {more:,} more" if more > 0 else names


def _data(samples: Sequence[Facts]) -> dict[str, dict[str, Any]]:
    """Rows of the table: of each sample, and of each library of those that have several, while they fit."""
    n_libraries = sum(len(facts.get("libraries", ())) for facts in samples)
    rows = {}
    for facts in samples:
        rows[facts["sample"]] = _row(facts)
        if len(samples) + n_libraries <= _TABLE_ROWS:
            for library in facts.get("libraries", ()):
                row = _row({"library": library, "unlike_training": library})
                if "Alarm" not in library:  # too few reads to say
                    del row["alarm"]
                rows[f"{facts['sample']}, library {library['ID']}"] = row
    return rows


def _row(facts: Facts) -> dict[str, Any]:
    row = {}
    for name, column in _COLUMNS.items():
        value = (facts.get(column.part) or {}).get(column.key)
        if name == "alarm":
            row[name] = UNKNOWN if value is None else ALARM if value else NO_ALARM
        elif name == "copies_dropped" and value is not None:
            row[name] = "left out" if value else "kept"
        elif name == "inserts" and value:
            if any(value):  # single reads have none
                row[name] = " - ".join(f"{bp:,}" for bp in value)
        elif value is not None:
            row[name] = round(100 * value, 4) if column.is_share else value
    return row
