"""A strict reader of VCF 4.3, for tests alone: shares nothing with the package, and tolerates nothing.

It judges the fuzzer's mutants: text that breaks the specification, or contradicts its own header, and is
accepted with other results than the sound text's is a finding.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
_META = re.compile(r"##([^=\s]+)=(.*)")
_DECLARED = re.compile(r"##(INFO|FORMAT|FILTER|ALT|contig)=<ID=([^,>]+)(.*)>")
_INTEGER = re.compile(r"-?\d{1,10}")
_QUAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_FLOAT = re.compile(rf"{_QUAL.pattern}|[-+]?(nan|inf|infinity)", re.IGNORECASE)
_BASES = re.compile(r"[ACGTNacgtn]+")
_ALT = re.compile(r"[ACGTNacgtn]+|\*|<[^<>\s,]+>|[ACGTNacgtn.]*[\[\]][^\[\]\s]+[\[\]][ACGTNacgtn.]*")
_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G")
_GT = re.compile(r"(\.|\d+)(?:[/|](\.|\d+))?")
_NOT_NEGATIVE = {"DP", "GQ", "AD", "PL", "MIN_DP", "AC", "AN", "NS", "END"}


@dataclass(slots=True)
class _Header:
    kinds: dict[tuple[str, str], tuple[str, str]] = field(
        default_factory=dict
    )  # (INFO, DP) -> (Number, Type)
    contigs: dict[str, int] = field(default_factory=dict)
    regions: list[tuple[str, int, int]] = field(default_factory=list)
    n_columns: int = 0


def faults(text: str, reference: Mapping[str, str] | None = None, is_gvcf: bool = False) -> list[str]:
    """What is wrong with VCF `text`, the first few; empty when nothing is.

    Args:
        reference: contig -> sequence, to compare REF with.
        is_gvcf: the records must tile the regions that the header answers for.
    """
    lines = text.split("\n")
    if lines[-1] != "":
        return ["the last line is cut"]
    found: list[str] = []
    header = _Header()
    rows = _read_header(lines[:-1], header, found)
    if header.n_columns == 0 or "the line of columns" in found:
        return found
    _check_rows(rows, header, reference or {}, found)
    if is_gvcf and not found:
        _check_tiling(rows, header, found)
    return found[:5]


def _read_header(lines: Sequence[str], header: _Header, found: list[str]) -> list[list[str]]:
    if not lines or not re.fullmatch(r"##fileformat=VCFv4\.\d", lines[0]):
        found.append("no fileformat")
        return []
    for number, line in enumerate(lines):
        if line.startswith("#CHROM"):
            columns = line.split("\t")
            samples = columns[9:]
            if columns[:9] != _COLUMNS or not samples or len(set(samples)) != len(samples) or "" in samples:
                found.append("the line of columns")
            header.n_columns = len(columns)
            return [row.split("\t") for row in lines[number + 1 :]]
        if not _META.fullmatch(line) or any(ord(c) < 32 for c in line):
            found.append(f"header line {number + 1}")
            return []
        _declare(line, header, found)
    found.append("no line of columns")
    return []


def _declare(line: str, header: _Header, found: list[str]) -> None:
    if match := re.fullmatch(r"##deepcohort_region=(.+):(\d+)-(\d+)", line):
        header.regions.append((match[1], int(match[2]), int(match[3])))
    elif re.match(r"##(INFO|FORMAT|FILTER|ALT|contig)=", line):
        match = _DECLARED.fullmatch(line)
        if not match:
            found.append(f"declaration {line[:40]}")
        elif match[1] == "contig":
            length = re.search(r",length=(\d+)", match[3])
            if match[2] in header.contigs:
                found.append(f"contig {match[2]} twice")
            header.contigs[match[2]] = int(length[1]) if length else 2**31
        elif match[1] in ("INFO", "FORMAT"):
            kind = re.search(
                r",Number=([AGR.]|\d+),Type=(Integer|Float|Flag|String|Character),", match[3] + ","
            )
            if not kind or (match[1], match[2]) in header.kinds:
                found.append(f"declaration {line[:40]}")
            else:
                header.kinds[match[1], match[2]] = (kind[1], kind[2])


def _check_rows(
    rows: list[list[str]], header: _Header, reference: Mapping[str, str], found: list[str]
) -> None:
    last: tuple[str, int] = ("", 0)
    seen_contigs: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        problem = _row_problem(row, header, reference)
        if not problem:
            contig, pos = row[0], int(row[1])
            if contig != last[0]:
                problem = "contigs mixed" if contig in seen_contigs else ""
                seen_contigs.append(contig)
            elif pos < last[1]:
                problem = "not sorted"
            if tuple(row[:5]) in seen:
                problem = "twice"
            seen.add(tuple(row[:5]))
            last = (contig, pos)
        if problem:
            found.append(f"{':'.join(row[:2])[:40]}: {problem}")
            return


def _row_problem(row: list[str], header: _Header, reference: Mapping[str, str]) -> str:
    if len(row) != header.n_columns or "" in row[:9]:
        return f"{len(row)} columns"
    if any(ord(c) < 32 or ord(c) == 127 for cell in row for c in cell):
        return "a control character"
    contig, pos, _, ref, alt, qual, filters, info, keys = row[:9]
    if contig not in header.contigs or not pos.isdecimal() or not 1 <= int(pos) <= header.contigs[contig]:
        return "place"
    if " " in row[2] or not _BASES.fullmatch(ref):
        return "ID or REF"
    here = reference.get(contig, "")[int(pos) - 1 : int(pos) - 1 + len(ref)]
    if contig in reference and here.upper() != ref.upper():
        return "REF is not the reference's"
    alts = [] if alt == "." else alt.split(",")
    if any(not _ALT.fullmatch(a) or a.upper() == ref.upper() for a in alts) or len(set(alts)) != len(alts):
        return "ALT"
    if qual != "." and not (_QUAL.fullmatch(qual) and float(qual) >= 0):
        return "QUAL"
    if any(not f or " " in f for f in filters.split(";")):
        return "FILTER"
    return _info_problem(info, int(pos), len(alts), header.contigs[contig], header) or _samples_problem(
        keys, row[9:], len(alts), header
    )


def _info_problem(info: str, pos: int, n_alts: int, contig_bp: int, header: _Header) -> str:
    if info == ".":
        return ""
    seen = set()
    for part in info.split(";"):
        key, sign, value = part.partition("=")
        if not _KEY.fullmatch(key) or key in seen or " " in part:
            return f"INFO {key[:20]}"
        seen.add(key)
        number, kind = header.kinds.get(("INFO", key), (".", "String") if sign else ("0", "Flag"))
        if kind == "Flag":
            if sign:
                return f"INFO {key} has a value"
        elif problem := _values_problem(key, value, number, kind, n_alts, 2):
            return f"INFO {problem}"
        if key == "END" and not (value.isdecimal() and pos <= int(value) <= contig_bp):
            return "END"
    return ""


def _samples_problem(keys: str, cells: Sequence[str], n_alts: int, header: _Header) -> str:
    names = keys.split(":")
    if len(set(names)) != len(names) or not all(_KEY.fullmatch(n) for n in names) or "GT" in names[1:]:
        return "FORMAT"
    for cell in cells:
        values = cell.split(":")
        if not cell or len(values) > len(names):
            return "a sample's values"
        ploidy = 2
        for key, value in zip(names, values, strict=False):
            if key == "GT":
                match = _GT.fullmatch(value)
                if not match or any(a not in (None, ".") and int(a) > n_alts for a in match.groups()):
                    return f"GT {value[:20]}"
                ploidy = 1 if match[2] is None else 2
                continue
            number, kind = header.kinds.get(("FORMAT", key), (".", "String"))
            if problem := _values_problem(key, value, number, kind, n_alts, ploidy):
                return problem
    return ""


def _values_problem(key: str, text: str, number: str, kind: str, n_alts: int, ploidy: int) -> str:
    if text == ".":
        return ""
    values = text.split(",")
    counts = {
        "A": n_alts,
        "R": n_alts + 1,
        "G": (n_alts + 1) * (n_alts + 2) // 2 if ploidy == 2 else n_alts + 1,
    }
    wanted = counts.get(number, int(number) if number.isdecimal() else None)
    if wanted is not None and len(values) != wanted:
        return f"{key} has {len(values)} values"
    for value in values:
        if value == ".":
            continue
        if kind == "Integer" and not (_INTEGER.fullmatch(value) and abs(int(value)) < 2**31):
            return f"{key} {value[:20]}"
        if kind == "Float" and not _FLOAT.fullmatch(value):
            return f"{key} {value[:20]}"
        if not value or (key in _NOT_NEGATIVE and value.startswith("-")):
            return f"{key} {value[:20]}"
    return ""


def _check_tiling(rows: list[list[str]], header: _Header, found: list[str]) -> None:
    """See that blocks and variants leave no base out of the regions that the header names."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        end = re.search(r"(?:^|;)END=(\d+)", row[7])
        pos = int(row[1])
        spans.setdefault(row[0], []).append((pos, int(end[1]) if end else pos + len(row[3]) - 1))
    for contig, start, stop in header.regions:
        reached = start - 1
        for first, last in sorted(spans.get(contig, [])):
            if first > reached + 1:
                break
            reached = max(reached, last)
        if reached < stop:
            found.append(f"{contig}: nothing after {reached}, up to {stop}")
