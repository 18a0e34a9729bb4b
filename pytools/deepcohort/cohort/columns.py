"""Columns of a samplesheet under the names that other pipelines give them, and what they hold."""

import difflib
from collections.abc import Iterable, Sequence

# what one column of ours is called elsewhere; nf-core/sarek's are bam, bai, cram, crai
ALIASES = {"bam": "reads", "cram": "reads", "bai": "index", "crai": "index"}
# names that mean a column of ours, yet are so far from it that nothing else would notice
_MEANT = {"gender": "sex", "fastq": "fastq_1", "alignment": "reads", "alignments": "reads"}
_NEAR = 0.7

_SEX = {
    **dict.fromkeys(("xx", "female", "f", "2"), "XX"),
    **dict.fromkeys(("xy", "male", "m", "1"), "XY"),
    **dict.fromkeys(("na", "0", "unknown", "unspecified", "other", "u"), "NA"),
}
SEX_WORDS = "XX, XY, NA, female, male, F, M, 2, 1"
_TUMOUR = "1"


def sex_of(cell: str) -> str | None:
    """XX, XY or NA of a word that sarek, PED files or people use, whatever its case; None of others."""
    return _SEX.get(cell.lower())


def judge_header(
    header: Sequence[str], columns: Sequence[str], required: Iterable[Sequence[str]]
) -> tuple[list[str], list[str]]:
    """What is wrong with `header`, and a remark on columns that nothing is read from.

    An unknown column that is near one of ours which is absent is a slip of the pen and an error; others are
    passed over, since samplesheets are shared by pipelines.

    Args:
        header: names of the columns. columns: ours. required: sets of names of which one must be there.
    """
    known = [*columns, *ALIASES]
    problems, unused, told = [], [], set()
    for name in header:
        if name in known:
            if header.count(name) > 1 and name not in told:
                problems.append(f"row 1: column '{name}' appears twice")
                told.add(name)
            continue
        absent = [k for k in known if k not in header and ALIASES.get(k, k) not in header]
        near = [_MEANT[name.lower()]] if name.lower() in _MEANT else []
        near = near or difflib.get_close_matches(name.lower(), absent, n=1, cutoff=_NEAR)
        if near and near[0] in absent:
            problems.append(
                f"row 1: unknown column '{name}'; did you mean {near[0]}? (known: {', '.join(columns)})"
            )
        else:
            unused.append(name or "(no name)")
    present = {ALIASES.get(name, name) for name in header}
    for names in required:
        if not present & set(names):
            problems.append(f"row 1: column '{names[0]}' is missing")
    remarks = [f"row 1: not used: column {', '.join(unused)}"] if unused else []
    return problems, remarks


def own_cells(
    header: Sequence[str], values: Sequence[str], number: int
) -> tuple[dict[str, str], list[str], list[str]]:
    """Cells of row `number` by our names of columns; problems; remarks."""
    cells: dict[str, str] = {}
    given: dict[str, str] = {}
    problems = []
    for name, value in zip(header, values, strict=True):
        own = ALIASES.get(name, name)
        if value and cells.get(own):
            problems.append(
                f"row {number}: {given[own]} and {name} are both given; give one, or a row for each file"
            )
        if value or own not in cells:
            cells[own], given[own] = value, name
    sex = sex_of(cells.get("sex", ""))
    if sex:
        cells["sex"] = sex
    remarks = []
    if cells.get("status") == _TUMOUR:
        remarks.append(f"row {number}: status 1 (a tumour) is not regarded; its germline variants are called")
    return cells, problems, remarks
