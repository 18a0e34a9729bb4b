"""PED files in: the one reader of families, parents and sexes.

Rows of family, sample, father, mother, sex and what follows (phenotypes are not used), apart by tabs or, in a
row without tabs, by blanks. Unknown is 0, -9, `.`, NA or nothing; sex is 1 or 2, male or female, XY or XX.
"""

from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.names import name_problem
from deepcohort.core.text import text_of

SEX_WORDS = {
    "1": "XY", "2": "XX", "XY": "XY", "XX": "XX", "M": "XY", "F": "XX", "MALE": "XY", "FEMALE": "XX",
}  # fmt: skip
UNKNOWN = frozenset(("", "0", "-9", ".", "NA", "OTHER", "UNKNOWN"))
_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class PedRow:
    """A person: family as written; father and mother "" where unknown; sex "XX", "XY" or ""."""

    family: str
    sample: str
    father: str
    mother: str
    sex: str


def read_ped(path: str | Path) -> list[PedRow]:
    """Persons of a PED file, in file order.

    Raises:
        InputProblems: rows that are too short, names that no file can carry, samples twice, unknown words
            for a sex, parents of the wrong sex or who are their own child; all of them together.
        DeepcohortError: missing or unreadable file.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"pedigree {path} does not exist; check --pedigree")
    rows: dict[str, PedRow] = {}
    problems: list[str] = []
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
        problem = _problem(fields, rows)
        if problem:
            problems.append(f"pedigree {path} line {number}{problem}")
        if len(fields) >= _COLUMNS and fields[1] not in rows:  # a doubtful row may still tell of its parents
            family, name, father, mother, word = fields[:_COLUMNS]
            father, mother = ("" if parent.upper() in UNKNOWN else parent for parent in (father, mother))
            rows[name] = PedRow(family, name, father, mother, SEX_WORDS.get(word.upper(), ""))
    sex = {row.sample: row.sex for row in rows.values()}
    problems += [
        f"pedigree {path}: the parents of {row.sample} have the wrong sex or are {row.sample} itself"
        for row in rows.values()
        if sex.get(row.father) == "XX"
        or sex.get(row.mother) == "XY"
        or row.sample in (row.father, row.mother)
    ]
    if problems:
        raise InputProblems(problems)
    return list(rows.values())


def _problem(fields: list[str], known: dict[str, PedRow]) -> str:
    """What is wrong with a row, to follow its place; or nothing."""
    if len(fields) < _COLUMNS:
        return f" has {len(fields)} columns; needed are family, sample, father, mother, sex"
    family, name, father, mother, word = fields[:_COLUMNS]
    for person in (name, *(other or "0" for other in (family, father, mother))):
        if why := name_problem(person):
            return f": the name {person[:40]!r} {why}"
    if name in known:
        return f": sample {name} stands there twice; keep one row"
    if word.upper() not in SEX_WORDS and word.upper() not in UNKNOWN:
        return f": sex '{word}' of {name} is unknown; write 1 (male), 2 (female) or 0"
    return ""
