"""Families and sexes: from a PED file, or a TSV of sample and sex."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError, InputProblems

_SEX_WORDS = {
    "1": "XY", "2": "XX", "XY": "XY", "XX": "XX", "M": "XY", "F": "XX", "MALE": "XY", "FEMALE": "XX",
}  # fmt: skip
_UNKNOWN = {"", "0", "-9", ".", "NA", "OTHER", "UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Pedigree:
    """Who is whose parent.

    Attributes:
        parents: child -> (father, mother), "" where unknown.
        sex: sample -> "XX" or "XY"; absent where unknown.
        family: sample -> family id.
    """

    parents: dict[str, tuple[str, str]]
    sex: dict[str, str]
    family: dict[str, str]


EMPTY_PEDIGREE = Pedigree({}, {}, {})


def read_pedigree(path: str | Path) -> Pedigree:
    """Pedigree of a PED file (family, sample, father, mother, sex[, phenotype]; 0 = unknown).

    Raises:
        InputProblems: rows that are too short, samples twice, unknown sex codes, a parent of the
            wrong sex; all of them together.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"pedigree {path} does not exist; check --pedigree")
    parents: dict[str, tuple[str, str]] = {}
    sex: dict[str, str] = {}
    family: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        where = f"pedigree {path} line {number}"
        if len(fields) < 5:
            problems.append(
                f"{where} has {len(fields)} columns; needed are family, sample, father, mother, sex"
            )
            continue
        group, name, father, mother, code = (field.strip() for field in fields[:5])
        if name in family:
            problems.append(f"{where}: sample {name} stands there twice; keep one row")
            continue
        family[name] = group
        if code.upper() in _SEX_WORDS:
            sex[name] = _SEX_WORDS[code.upper()]
        elif code.upper() not in _UNKNOWN:
            problems.append(f"{where}: sex '{code}' of {name} is unknown; write 1 (male), 2 (female) or 0")
        father, mother = ("" if p.upper() in _UNKNOWN else p for p in (father, mother))
        if father or mother:
            parents[name] = (father, mother)
    for child, (father, mother) in parents.items():
        if sex.get(father) == "XX" or sex.get(mother) == "XY" or child in (father, mother):
            problems.append(
                f"pedigree {path}: the parents of {child} have the wrong sex or are {child} itself"
            )
    if problems:
        raise InputProblems(problems)
    return Pedigree(parents, sex, family)


def read_sexes(path: str | Path) -> dict[str, str]:
    """Sample -> "XX" or "XY" from a TSV of sample and sex (XX, XY, male, female, 1, 2, NA).

    Raises:
        InputProblems: malformed rows or unknown words.
    """
    path = Path(path)
    if not path.exists():
        raise DeepcohortError(f"sex table {path} does not exist; check --sex")
    sex: dict[str, str] = {}
    problems = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip() or line.startswith("#") or fields[:2] == ["sample", "sex"]:
            continue
        word = fields[1].strip().upper() if len(fields) > 1 else "?"
        if word in _SEX_WORDS:
            sex[fields[0]] = _SEX_WORDS[word]
        elif word not in _UNKNOWN:
            problems.append(f"sex table {path} line {number}: '{word}' is not XX, XY or NA")
    if problems:
        raise InputProblems(problems)
    return sex


def nuclear_families(
    pedigree: Pedigree, samples: list[str]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]]:
    """Families of the cohort as arrays.

    Returns:
        int32 flat (father, mother, children... as sample indices, -1: not in the cohort), int64
        offsets (F+1,), and bool (N,): whether the sample is a child with a parent in the cohort.
    """
    index = {name: i for i, name in enumerate(samples)}
    children: dict[tuple[int, int], list[int]] = {}
    is_child = np.zeros(len(samples), dtype=np.bool_)
    for name in samples:
        if name in pedigree.parents:
            father, mother = (index.get(parent, -1) for parent in pedigree.parents[name])
            if father >= 0 or mother >= 0:
                children.setdefault((father, mother), []).append(index[name])
                is_child[index[name]] = True
    flat: list[int] = []
    offsets = [0]
    for (father, mother), members in sorted(children.items(), key=lambda item: item[1]):
        flat += [father, mother, *members]
        offsets.append(len(flat))
    return np.array(flat, dtype=np.int32), np.array(offsets, dtype=np.int64), is_child
