"""Families and sexes: from a PED file, or a TSV of sample and sex."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.formats.ped import SEX_WORDS, UNKNOWN, read_ped
from deepcohort.formats.table import read_columns
from deepcohort.joint.family_kernels import Kinship
from deepcohort.joint.phase_kernels import Lineage

_NAMED = 5  # spelt out in one message


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
        InputProblems: see `read_ped`.
        DeepcohortError: someone is their own ancestor.
    """
    rows = read_ped(path)
    parents = {row.sample: (row.father, row.mother) for row in rows if row.father or row.mother}
    families: Families = {}
    for child, (father, mother) in parents.items():
        families.setdefault((father or "0", mother or "0"), []).append(child)
    generations(families)
    return Pedigree(
        parents,
        sex={row.sample: row.sex for row in rows if row.sex},
        family={row.sample: row.family for row in rows},
    )


def person_of(pedigree: Pedigree, name: str) -> tuple[str, str, str, str]:
    """Family, father, mother and sex (XX, XY) of a sample: "" where unknown, its own name as family."""
    father, mother = pedigree.parents.get(name, ("", ""))
    return pedigree.family.get(name, name), father, mother, pedigree.sex.get(name, "")


def person_rows(samples: Iterable[str], pedigree: Pedigree) -> list[str]:
    """Lines of sample, family, father, mother (0 unknown) and sex (NA unknown), tabs between."""
    rows = []
    for name in samples:
        family, father, mother, sex = person_of(pedigree, name)
        rows.append("\t".join((name, family, father or "0", mother or "0", sex or "NA")))
    return rows


def unmatched(pedigree: Pedigree, sexes: dict[str, str], samples: Iterable[str]) -> list[str]:
    """Warnings of rows of a pedigree and of a table of sexes that name nobody in `samples`."""
    known = set(samples)
    told = []
    for what, names in (("the pedigree", pedigree.family), ("the table of sexes", sexes)):
        strangers = [name for name in names if name not in known]
        if strangers:
            some = ", ".join(strangers[:_NAMED]) + (", ..." if len(strangers) > _NAMED else "")
            told.append(
                f"{len(strangers)} of {len(names)} rows of {what} name no sample here ({some}); they count "
                "only as relatives of others"
            )
    return told


def pedigree_rows(pedigree: Pedigree) -> list[list[str]]:
    """Rows of family, sample, father, mother and sex, as in a PED file but with sex XX, XY or "0"."""
    rows = []
    for name in dict.fromkeys([*pedigree.family, *pedigree.parents, *pedigree.sex]):
        family, *others = person_of(pedigree, name)
        rows.append([family, name, *(other or "0" for other in others)])
    return rows


def pedigree_of_rows(rows: Iterable[Sequence[str]]) -> Pedigree:
    """The pedigree that `pedigree_rows` gave."""
    found = Pedigree({}, {}, {})
    for family, name, father, mother, sex in rows:
        found.family[name] = family
        if sex != "0":
            found.sex[name] = sex
        if (father, mother) != ("0", "0"):
            found.parents[name] = ("" if father == "0" else father, "" if mother == "0" else mother)
    return found


def merge_pedigrees(older: Iterable[Pedigree], given: Pedigree) -> Pedigree:
    """One pedigree; of a sample that several know, the last one's row counts, `given` last of all."""
    rows = {row[1]: row for pedigree in (*older, given) for row in pedigree_rows(pedigree)}
    return pedigree_of_rows(rows.values())


def read_sexes(path: str | Path) -> dict[str, str]:
    """Sample -> "XX" or "XY" from a TSV of sample and sex (XX, XY, male, female, 1, 2, NA).

    Raises:
        InputProblems: malformed rows or unknown words.
    """
    sex: dict[str, str] = {}
    problems = []
    for row in read_columns(Path(path), "sex table", ("sample", "sex")):
        name, word = row["sample"], row["sex"].upper()
        if word not in SEX_WORDS and word not in UNKNOWN:
            problems.append(f"{row.place}: '{word}' is not XX, XY or NA")
        elif name in sex and sex[name] != SEX_WORDS.get(word, ""):
            problems.append(f"{row.place}: {name} stands there twice, with another sex; keep one row")
        sex[name] = SEX_WORDS.get(word, "")
    if problems:
        raise InputProblems(problems)
    return {name: its for name, its in sex.items() if its}


def lineage_of(pedigree: Pedigree, samples: Sequence[str]) -> Lineage:
    """Who of `samples` descends from whom; a founder's heir is its first child by name."""
    index = {name: i for i, name in enumerate(samples)}
    families: Families = {}
    trios: dict[str, tuple[str, str]] = {}
    for child, (father, mother) in pedigree.parents.items():
        families.setdefault((father or f"\tfather of {child}", mother or f"\tmother of {child}"), []).append(
            child
        )
        if child in index and (father in index or mother in index):
            trios[child] = father, mother
    generation = generations(families)
    rows = sorted(trios, key=lambda child: (generation[child], child))
    heir = np.full(len(samples), -1, dtype=np.int32)
    related = np.zeros(len(samples), dtype=np.bool_)
    for child in rows:
        for person in (child, *trios[child]):
            if person in index:
                related[index[person]] = True
    for child in sorted(rows):
        for parent in trios[child]:
            if parent in index and parent not in trios and heir[index[parent]] < 0:
                heir[index[parent]] = index[child]
    table = [[index[child], *(index.get(parent, -1) for parent in trios[child])] for child in rows]
    return Lineage(np.array(table, dtype=np.int32).reshape(-1, 3), heir, related)


Families = dict[tuple[str, str], list[str]]  # (father, mother) -> children


def kinship_of(pedigree: Pedigree, samples: list[str]) -> Kinship:
    """Pedigrees that connect samples of the cohort, as arrays.

    Persons who are not in the cohort stand in it where they connect others; a parent who is not named is
    a person of its own. Families stand with the older generations first.
    """
    index = {name: i for i, name in enumerate(samples)}
    families: Families = {}
    for child, (father, mother) in pedigree.parents.items():
        # names of samples hold no TAB
        parents = (father or f"\tfather of {child}", mother or f"\tmother of {child}")
        families.setdefault(parents, []).append(child)
    families = _informative(families, index)
    generation = generations(families)
    group = _connected(families, index)
    keys = [key for key in families if group[key[0]] >= 0]
    keys.sort(key=lambda key: (group[key[0]], max(generation[p] for p in key), key))
    return _flat_kinship(keys, families, group, index)


def _informative(families: Families, index: dict[str, int]) -> Families:
    """Families without those who connect nobody: the absent and childless, a lone child's absent parents."""
    while True:
        parents = Counter(p for key in families for p in key)
        born = {child for children in families.values() for child in children}
        kept: Families = {}
        for key, children in families.items():
            told = sorted(child for child in children if child in index or child in parents)
            alone = all(p not in index and p not in born and parents[p] == 1 for p in key)
            if told and not (alone and len(told) == 1):
                kept[key] = told
        if kept == families:
            return kept
        families = kept


def generations(families: Families) -> dict[str, int]:
    """Person -> steps below the farthest founder.

    Raises:
        DeepcohortError: somebody is their own ancestor.
    """
    children = {child for members in families.values() for child in members}
    generation = {p: 0 for key in families for p in key if p not in children}
    left = dict(families)
    while left:
        ready = [key for key in left if all(p in generation for p in key)]
        if not ready:
            names = ", ".join(sorted({p for key in left for p in key if p not in generation})[:3])
            raise DeepcohortError(f"the pedigree makes {names} their own ancestors; check --pedigree")
        for key in ready:
            for child in left.pop(key):
                generation[child] = 1 + max(generation[p] for p in key)
    return generation


def _connected(families: Families, index: dict[str, int]) -> dict[str, int]:
    """Person -> number of their pedigree; -1 where fewer than two of it are in the cohort."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for key, children in families.items():
        for person in (key[1], *children):
            leader[find(person)] = find(key[0])
    members: dict[str, list[str]] = {}
    for name in leader:
        members.setdefault(find(name), []).append(name)
    group: dict[str, int] = {}
    # by the first sample of each, so that the order of rows in the PED does not matter
    ranked = sorted(members.values(), key=lambda m: min(index.get(name, len(index)) for name in m))
    for number, names in enumerate(ranked):
        enough = sum(name in index for name in names) > 1
        group.update(dict.fromkeys(names, number if enough else -1))
    return group


def _flat_kinship(
    keys: list[tuple[str, str]], families: Families, group: dict[str, int], index: dict[str, int]
) -> Kinship:
    persons: dict[str, int] = {}
    person_offsets, family_offsets, member_offsets = [0], [0], [0]
    members: list[int] = []
    children: set[str] = set()
    for number, key in enumerate(keys):
        if number and group[key[0]] != group[keys[number - 1][0]]:
            person_offsets.append(len(persons))
            family_offsets.append(number)
        for name in (*key, *families[key]):
            members.append(persons.setdefault(name, len(persons)))
        member_offsets.append(len(members))
        children.update(families[key])
    if keys:
        person_offsets.append(len(persons))
        family_offsets.append(len(keys))
    flat = np.array(members, dtype=np.int64)
    counts = np.bincount(flat, minlength=len(persons))
    return Kinship(
        person_sample=np.array([index.get(name, -1) for name in persons], dtype=np.int32),
        is_founder=np.array([name not in children for name in persons], dtype=np.bool_),
        person_offsets=np.array(person_offsets, dtype=np.int64),
        family_offsets=np.array(family_offsets, dtype=np.int64),
        members=flat.astype(np.int32),
        member_offsets=np.array(member_offsets, dtype=np.int64),
        slots=np.argsort(flat, kind="stable").astype(np.int32),
        slot_offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )
