"""What a VCF header declares: INFO, FORMAT and contig lines, held against the specification."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError

_FIELD = re.compile(r'([^=,"]+)=("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)')
# VCF 4.0 wrote -1 for "unknown", 4.4 and 4.5 have P, M and L
_NUMBER = re.compile(r"[AGRPM.]|L[ARG]|-?[0-9]{1,9}")
_MOST_DIGITS = 10  # of a contig's length
_TYPES = frozenset({"Integer", "Float", "Flag", "Character", "String"})
_CHECKED = ("INFO", "FORMAT", "contig")
_META = re.compile(r"##[^=\s]+=.*")


@dataclass(frozen=True, slots=True)
class Declaration:
    """A line `##INFO=<ID=...,Number=...,Type=...>` or `##FORMAT=<...>`: its words as they stand."""

    section: str
    key: str
    number: str
    type_: str


def _fields(inside: str) -> dict[str, str]:
    """Keys and values between `<` and `>`, the first of each; what cannot be read is left out."""
    fields: dict[str, str] = {}
    at = 0
    while (found := _FIELD.match(inside, at)) is not None and found.end() > at:
        fields.setdefault(found[1].strip(), found[2])
        at = found.end()
    return fields


def _structured(
    lines: Iterable[str], sections: Container[str] = _CHECKED
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(line, section, fields) of the INFO, FORMAT and contig lines, or of some of these."""
    for line in lines:
        section, sign, rest = line[2:].partition("=<")
        if sign and line.startswith("##") and section in sections:
            yield line, section, _fields(rest.rstrip().removesuffix(">"))


def declarations(lines: Iterable[str]) -> list[Declaration]:
    """INFO and FORMAT declarations of a header that `check_declarations` takes, in order."""
    return [
        Declaration(section, fields["ID"], fields["Number"], fields["Type"])
        for _, section, fields in _structured(lines, ("INFO", "FORMAT"))
    ]


def listed_contigs(lines: Iterable[str]) -> frozenset[str]:
    """Contigs of a header that `check_declarations` takes."""
    return frozenset(fields["ID"] for _, section, fields in _structured(lines, ("contig",)))


def contig_lengths_of(lines: Iterable[str]) -> dict[str, int | None]:
    """Contigs of a header that `check_declarations` takes, and their lengths in bp; None if it gives none."""
    return {
        fields["ID"]: int(fields["length"]) if "length" in fields else None
        for _, section, fields in _structured(lines, ("contig",))
    }


def check_declarations(lines: Sequence[str], path: Path, whole: bool = False) -> None:
    """See that every INFO, FORMAT and contig line says what it must, and none contradicts another.

    `whole`: they must end as they should, too, and every line be KEY=VALUE (they are to be written again).

    Raises:
        DeepcohortError: the first that does not.
    """
    for line in lines:
        section = line[2:].partition("=")[0]
        if line.startswith("##") and section in _CHECKED and not line.startswith(f"##{section}=<"):
            raise _malformed(path, line, "a declaration that is not <ID=...>")
        if whole and line.startswith("##") and not _META.match(line):
            raise _malformed(path, line, "a line that is not ##KEY=VALUE")
        if whole and line.startswith(("##FILTER=<", "##ALT=<")) and not line.rstrip().endswith(">"):
            raise _malformed(path, line, "a declaration that was cut")
    seen: dict[tuple[str, str], tuple[str, ...]] = {}
    for line, section, fields in _structured(lines):
        problem = _problem(section, fields)
        if whole and not (line.rstrip().endswith(">") and line.count('"') % 2 == line.count('\\"') % 2):
            problem = problem or "a declaration that was cut"
        said = tuple(fields.get(k, "") for k in ("length", "Number", "Type"))
        if not problem and seen.setdefault((section, fields["ID"]), said) != said:
            problem = f"{fields['ID']} stands twice, and the two differ"
        if problem:
            raise _malformed(path, line, problem)


def _malformed(path: Path, line: str, problem: str) -> DeepcohortError:
    return DeepcohortError(
        f"{path} has a malformed VCF header: {problem}, in '{line[:60]}'; mend it with bcftools reheader"
    )


def _problem(section: str, fields: dict[str, str]) -> str:
    if not fields.get("ID"):
        return "a declaration without ID"
    if section == "contig":
        length = fields.get("length", "0")
        if not (length.isascii() and length.isdecimal()):
            return "a length that is no number"
        return "" if len(length) <= _MOST_DIGITS else "a length that no contig has"
    if not _NUMBER.fullmatch(fields.get("Number", "")):
        return "no Number, or one that VCF does not have"
    return "" if fields.get("Type") in _TYPES else "no Type, or one that VCF does not have"
