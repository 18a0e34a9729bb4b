"""The samplesheet: CSV text to samples, every problem found at once and named by row."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepcohort.cohort.columns import SEX_WORDS, judge_header, own_cells
from deepcohort.cohort.types import PLATFORMS, SEXES, Lane, Sample, StoredSamples
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.names import MOST_BYTES, blank_problem, printable
from deepcohort.core.paths import is_remote
from deepcohort.formats.table import MalformedTable, table_lines

REQUIRED = (("sample",), ("reads", "fastq_1"))  # one of each
_PERSON = ("sex", "platform", "contamination", "family", "father", "mother", "truth_vcf", "truth_bed")
OPTIONAL = ("index", *_PERSON)
TO_ALIGN = ("fastq_1", "fastq_2", "lane")
COLUMNS = ("sample", "reads", *OPTIONAL, *TO_ALIGN)
FASTQ_ENDS = (".fastq.gz", ".fq.gz", ".fastq", ".fq")
_SHARE = re.compile(r"0|0?\.[0-4][0-9]*")  # below a half
_ABSENT = {"", "0", "."}  # as a parent: PLINK's and GATK's ways to say unknown

# File and process names are made from sample names, so they keep to this alphabet.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
# evaluations, checksums and rows of tables that are of all samples, and a sample's genotypes in the cohort
_TAKEN, _TAKEN_END = ("all", "cohort"), ".cohort"
# Nextflow stages these unquoted into its shell scripts; everything else it escapes.
_UNSAFE = re.compile(r"[$*?\[\]{}\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the samplesheet; `number` counts the header as 1, as spreadsheets do."""

    number: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")


@dataclass(slots=True)
class Sheet:
    """What was parsed and what is wrong with it.

    `shared`: pairs of rows of two samples that name one file; fine where it holds both samples' reads.
    `remarks`: what is odd but allowed.
    """

    samples: list[Sample] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    shared: list[tuple[Row, Row]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def parse_samplesheet(
    text: str, resolve: Callable[[str], Path], stored: Sequence[StoredSamples] = ()
) -> Sheet:
    """Samples of CSV `text` in order of first appearance; problems that need no file access.

    Args:
        text: the whole file; a byte order mark, CRLF and blank lines are accepted.
        resolve: turns a cell that names a file into a path.
        stored: cohorts genotyped with these samples; parents may be there.
    """
    sheet = Sheet()
    rows = _read_rows(text, sheet.problems, sheet.remarks)
    for row in rows:
        _check_row(row, sheet.problems)
        if row["sample"]:
            sheet.rows.setdefault(row["sample"], []).append(row)
    _find_repeated(rows, resolve, sheet)
    for name, own in sheet.rows.items():
        sheet.samples.append(_merge_rows(name, own, resolve, sheet.problems))
    _check_families(sheet, _known_persons(sheet, stored))
    if not rows and not sheet.problems:
        sheet.problems.append("the samplesheet has a header but no rows; add one row per BAM or CRAM")
    sheet.problems = [printable(line) for line in sheet.problems]
    sheet.remarks = [printable(line) for line in sheet.remarks]
    return sheet


def _find_repeated(rows: Sequence[Row], resolve: Callable[[str], Path], sheet: Sheet) -> None:
    """Tell files of reads that stand in two rows, however they are spelled."""
    seen: dict[str, list[Row]] = {}
    lanes: dict[str, Row] = {}
    for row in rows:
        for name in (row["fastq_1"], row["fastq_2"]):
            key = name if is_remote(name) else _real_path(resolve(name))
            if name and key in lanes:
                sheet.problems.append(
                    f"row {row.number}: {name} is listed already in row {lanes[key].number}"
                )
            lanes.setdefault(key, row)
        if not row["reads"]:
            continue
        key = row["reads"] if is_remote(row["reads"]) else _real_path(resolve(row["reads"]))
        for earlier in seen.get(key, []):
            if earlier["sample"] == row["sample"] or is_remote(row["reads"]):
                sheet.problems.append(
                    f"row {row.number}: reads {row['reads']} is listed already in row {earlier.number}"
                )
            else:
                sheet.shared.append((earlier, row))
        seen.setdefault(key, []).append(row)


def _real_path(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # a name that no file can have: told elsewhere
        return str(path)


def _read_rows(text: str, problems: list[str], remarks: list[str]) -> list[Row]:
    rows = []
    try:
        lines = table_lines(text, ",")
        _, header = next(lines, (1, []))
        if not any(header) and text.strip(" \t\r\n,\ufeff"):
            problems.append("row 1 is blank; the header must be the first line")
            return []
        if not _check_header(header, problems, remarks):
            return []
        for number, values in lines:
            if not any(values):
                continue
            if len(values) != len(header):
                problems.append(
                    f"row {number}: {len(values)} cells, but the header has {len(header)} columns; "
                    "a path with a comma needs double quotes around it"
                )
                continue
            own, wrong, odd = own_cells(header, values, number)
            problems += wrong
            remarks += odd
            rows.append(Row(number, own))
    except MalformedTable as error:
        problems.append(f"row {error.line}: not valid CSV ({error})")
        return []
    return rows


def _check_header(header: Sequence[str], problems: list[str], remarks: list[str]) -> bool:
    if not any(header):
        problems.append(f"row 1: the samplesheet is empty; its header is: {','.join(COLUMNS)}")
        return False
    if len(header) == 1 and ("\t" in header[0] or ";" in header[0]):
        problems.append("row 1: columns must be separated by commas, not tabs or semicolons")
        return False
    wrong, odd = judge_header(header, COLUMNS, REQUIRED)
    problems += wrong
    remarks += odd
    return not wrong


def _check_row(row: Row, problems: list[str]) -> None:
    def problem(text: str) -> None:
        problems.append(f"row {row.number}: {text}")

    if not row["sample"]:
        problem("sample is empty")
    elif not _NAME.fullmatch(row["sample"]):
        problem(
            f"sample {row['sample']!r} may hold letters, digits and . _ + - only, and must start with a "
            "letter or digit"
        )
    elif len(row["sample"]) > MOST_BYTES:
        problem(f"sample {row['sample'][:40]}... is longer than {MOST_BYTES} letters")
    elif row["sample"].lower() in _TAKEN or row["sample"].lower().endswith(_TAKEN_END):
        problem(
            f"sample {row['sample']} has a name that results of the whole cohort have ({', '.join(_TAKEN)}, "
            f"*{_TAKEN_END}); rename it"
        )
    for column in ("family", "father", "mother"):
        why = blank_problem(row[column]) if row[column] else None
        if why:
            problem(f"{column} {row[column]!r} {why}; PED files divide their columns by blanks")
    if row["fastq_1"] or row["fastq_2"]:
        _check_fastq(row, problem)
    elif not row["reads"]:
        problem("reads is empty; give a BAM or CRAM file (or fastq_1, fastq_2)")
    elif not row["reads"].lower().endswith((".bam", ".cram")):
        problem(f"reads {row['reads']!r} is neither .bam nor .cram")
    elif row["index"] and is_remote(row["reads"]) and not _lies_beside(row["index"], row["reads"]):
        problem(
            f"index {row['index']} does not lie beside {row['reads']}, where that of a URL is looked "
            "for; copy it there"
        )
    for column in ("reads", "index", "truth_vcf", "truth_bed", "fastq_1", "fastq_2"):
        bad = _UNSAFE.search(row[column])
        if bad:
            problem(f"{column} {row[column]!r} holds the character {bad[0]!r}; rename or link the file")
    if row["sex"] and row["sex"] not in SEXES:
        problem(f"unknown sex '{row['sex']}'; use {SEX_WORDS}, or leave it empty")
    _check_word(row, "platform", PLATFORMS, problem)
    if row["contamination"] and not _SHARE.fullmatch(row["contamination"]):
        problem(f"contamination {row['contamination']!r} is no share of the reads; give 0 to below 0.5")
    if bool(row["truth_vcf"]) != bool(row["truth_bed"]):
        given, absent = ("truth_vcf", "truth_bed") if row["truth_vcf"] else ("truth_bed", "truth_vcf")
        problem(f"{given} is given without {absent}; evaluation needs both")


def _lies_beside(index: str, reads: str) -> bool:
    """Whether the name of an index is one that htslib finds by that of the reads."""
    stems = (reads, reads.rsplit(".", 1)[0])
    return any(index == stem + end for stem in stems for end in (".bai", ".csi", ".crai"))


def _check_fastq(row: Row, problem: Callable[[str], None]) -> None:
    """What is wrong with a row of reads that are still to be aligned."""
    if row["reads"]:
        problem("reads and fastq_1 are both given; give them a row each")
    if not row["fastq_1"]:
        problem("fastq_2 is given without fastq_1")
    for column in ("fastq_1", "fastq_2"):
        if row[column] and not row[column].lower().endswith(FASTQ_ENDS):
            problem(f"{column} {row[column]!r} is none of {', '.join(FASTQ_ENDS)}")
    if row["fastq_2"] and row["platform"] in ("hifi", "ont"):
        problem(f"platform {row['platform']} has no pairs; leave fastq_2 empty")
    if row["lane"] and not _NAME.fullmatch(row["lane"]):
        problem(f"lane {row['lane']!r} may hold letters, digits and . _ + - only")


def _lanes(rows: Sequence[Row], resolve: Callable[[str], Path], problems: list[str]) -> tuple[Lane, ...]:
    """What is to be aligned of one sample; a lane without a name is called by its place, from 1."""
    found: dict[str, tuple[Lane, int]] = {}
    to_align = [row for row in rows if row["fastq_1"]]
    for place, row in enumerate(to_align, 1):
        name = row["lane"] or str(place)
        if name in found:
            problems.append(
                f"row {row.number}: lane {name} of sample {row['sample']} is in row {found[name][1]} "
                "already; name each lane once"
            )
        second = resolve(row["fastq_2"]) if row["fastq_2"] else None
        found.setdefault(name, (Lane(name, resolve(row["fastq_1"]), second), row.number))
    return tuple(lane for lane, _ in found.values())


def _check_word(row: Row, column: str, words: Sequence[str], problem: Callable[[str], None]) -> None:
    if row[column] and row[column] not in words:
        near = [word for word in words if word.lower() == row[column].lower()]
        hint = f"write {near[0]}" if near else f"use {', '.join(words)}, or leave it empty"
        problem(f"unknown {column} '{row[column]}'; {hint}")


def _merge_rows(
    name: str, rows: Sequence[Row], resolve: Callable[[str], Path], problems: list[str]
) -> Sample:
    """One Sample from all rows of a name; cells left empty in some rows take the others' value."""
    merged: dict[str, str] = {}
    for column in _PERSON:
        given: dict[str, int] = {}
        for row in rows:
            if row[column] and not (column == "sex" and row[column] == "NA"):
                given.setdefault(row[column], row.number)
        if len(given) > 1:
            where = ", ".join(f"{value} in row {number}" for value, number in given.items())
            problems.append(f"row {max(given.values())}: sample {name} has more than one {column}: {where}")
        merged[column] = next(iter(given), "")
    return Sample(
        sample=name,
        reads=tuple(resolve(row["reads"]) for row in rows if row["reads"]),
        indexes=tuple(resolve(row["index"]) if row["index"] else Path() for row in rows if row["reads"]),
        sex=merged["sex"] or "NA",
        sex_told=any(row["sex"] for row in rows),
        platform=merged["platform"] or "illumina",
        contamination=merged["contamination"],
        family=merged["family"] or name,
        father=None if merged["father"] in _ABSENT else merged["father"],
        mother=None if merged["mother"] in _ABSENT else merged["mother"],
        truth_vcf=resolve(merged["truth_vcf"]) if merged["truth_vcf"] else None,
        truth_bed=resolve(merged["truth_bed"]) if merged["truth_bed"] else None,
        lanes=_lanes(rows, resolve, problems),
    )


def _known_persons(sheet: Sheet, stored: Sequence[StoredSamples]) -> dict[str, Sample]:
    """Who may be a parent: samples of the samplesheet and of stored cohorts; each may stand there once."""
    known: dict[str, Sample] = {}
    owner: dict[str, Path] = {}
    for cohort in stored:
        for name, (family, father, mother, sex) in cohort.samples.items():
            if name in owner:
                sheet.problems.append(f"sample {name} is in {owner[name]} and in {cohort.path}; keep one")
            owner.setdefault(name, cohort.path)
            known[name] = Sample(name, (), (), sex, "illumina", family, father or None, mother or None)
    for sample in sheet.samples:
        if sample.sample in owner:
            row = sheet.rows[sample.sample][0].number
            sheet.problems.append(
                f"row {row}: sample {sample.sample} is already in the stored cohort {owner[sample.sample]}; "
                "leave it out or rename it"
            )
        known[sample.sample] = sample
    return known


def _check_families(sheet: Sheet, by_name: dict[str, Sample]) -> None:
    for sample in sheet.samples:
        row = sheet.rows[sample.sample][0].number
        for role, parent_name, wrong_sex in (
            ("father", sample.father, "XX"),
            ("mother", sample.mother, "XY"),
        ):
            if parent_name is None:
                continue
            parent = by_name.get(parent_name)
            if parent_name == sample.sample:
                sheet.problems.append(f"row {row}: sample {sample.sample} is its own {role}")
            elif parent is None:
                sheet.problems.append(
                    f"row {row}: {role} {parent_name} of {sample.sample} is not a sample "
                    "of this samplesheet (or of --cohort); add it or leave the cell empty"
                )
            elif parent.sex == wrong_sex:
                sheet.problems.append(
                    f"row {row}: {role} {parent_name} of {sample.sample} has sex {wrong_sex}"
                )
            elif parent.family != sample.family:
                sheet.problems.append(
                    f"row {row}: {role} {parent_name} is of family {parent.family}, "
                    f"{sample.sample} of family {sample.family}"
                )
        if sample.father and sample.father == sample.mother:
            sheet.problems.append(f"row {row}: {sample.father} is both father and mother of {sample.sample}")
    loop = _find_loop(by_name)
    if loop in sheet.rows:
        row = sheet.rows[loop][0].number
        sheet.problems.append(f"row {row}: sample {loop} is its own ancestor")


def _find_loop(by_name: dict[str, Sample]) -> str | None:
    """A sample that is its own ancestor through at least one other, or None."""
    for name, sample in by_name.items():
        seen: set[str] = set()
        queue = [p for p in (sample.father, sample.mother) if p and p != name]
        while queue:
            parent = queue.pop()
            if parent == name:
                return name
            if parent in seen or parent not in by_name:
                continue
            seen.add(parent)
            queue += [p for p in (by_name[parent].father, by_name[parent].mother) if p]
    return None


def pedigree_lines(samples: Iterable[Sample], stored: Iterable[StoredSamples] = ()) -> list[str]:
    """PLINK .ped lines (family, sample, father, mother, sex 1/2/0, phenotype 0); those of `stored` first."""
    sex = {"XY": "1", "XX": "2", "NA": "0"}
    rows = [(name, row) for cohort in stored for name, row in cohort.samples.items()]
    rows += [(s.sample, (s.family or s.sample, s.father or "", s.mother or "", s.sex)) for s in samples]
    return [
        "\t".join((family, name, father or "0", mother or "0", sex[known], "0"))
        for name, (family, father, mother, known) in rows
    ]


def is_safe(path: Path) -> bool:
    """Whether `path` may be told in a line and go into a script; samplesheets with others are refused."""
    return not _UNSAFE.search(str(path))


def read_samplesheet(
    path: Path, base: Path | None, launch: Path | None = None, stored: Sequence[StoredSamples] = ()
) -> Sheet:
    """Parse the file at `path`; relative cells are taken from `base`.

    Without `base` they are taken from the samplesheet's own folder, or from `launch` when only
    that has the file.

    Raises:
        DeepcohortError: the file is missing, or is not text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DeepcohortError(f"samplesheet {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DeepcohortError(f"samplesheet {path} is not UTF-8 text; save it as CSV (UTF-8)") from error

    def resolve(cell: str) -> Path:
        if is_remote(cell):
            return Path(cell)
        folders = [base] if base else [path.resolve().parent, *([launch] if launch else [])]
        candidates = [folder / cell for folder in folders]
        return next(
            (c for c in candidates if os.path.exists(c)), candidates[0]
        )  # Path.exists raises on long names

    return parse_samplesheet(text, resolve, stored)
