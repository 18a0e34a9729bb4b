"""What a user asked for as call sets; every contradiction is named."""

from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.names import name_problem
from deepcohort.evaluate.types import CallSet
from deepcohort.formats.table import TableRow, read_columns, read_table

MANIFEST_COLUMNS = (
    "name",
    "calls",
    "truth",
    "confident",
    "sample",
    "truth_sample",
    "reads",
    "caller",
    "depth",
)


def plan(
    calls: Sequence[Path],
    truth: Path | None,
    confident: Path | None,
    samples: Sequence[str],
    truth_sample: str | None,
    names: Sequence[str],
    manifest: Path | None,
    reads: Path | None,
) -> list[CallSet] | None:
    """Call sets to judge, or None if there is no truth and the calls are only to be described.

    A single sample serves every file of calls.

    Raises:
        DeepcohortError: contradicting or missing options, all of them together.
    """
    problems = [f"--name {name[:40]!r} {why}" for name in names if (why := name_problem(name))]
    if manifest is not None and calls:
        problems.append("--manifest and --vcf exclude each other; list the calls in the manifest")
    if manifest is None and not calls:
        problems.append("nothing to evaluate; give --vcf or --manifest")
    if names and len(names) != len(calls):
        problems.append(f"{len(names)} --name for {len(calls)} --vcf; give one for each")
    if len(samples) > 1 and len(samples) != len(calls):
        problems.append(f"{len(samples)} --sample for {len(calls)} --vcf; give one for all or one for each")
    if truth is None and confident is not None and manifest is None:
        problems.append("--confident without --truth has no meaning; give --truth as well")
    if problems:
        raise InputProblems(problems)
    if manifest is not None:
        defaults = None if truth is None else CallSet(Path(), truth, confident)
        return read_manifest(manifest, defaults)
    if truth is None:
        return None
    if reads is not None and not reads.exists():
        raise DeepcohortError(f"reads {reads} do not exist; check --reads")
    each = list(samples) if len(samples) == len(calls) else [samples[0] if samples else None] * len(calls)
    return [
        CallSet(
            calls=path,
            truth=truth,
            confident=confident,
            name=names[k] if names else None,
            sample=each[k],
            truth_sample=truth_sample,
            reads=reads,
        )
        for k, path in enumerate(calls)
    ]


def read_manifest(path: Path, defaults: CallSet | None = None) -> list[CallSet]:
    """Call sets of a TSV with a header of MANIFEST_COLUMNS (calls is required, the rest may be absent).

    Paths are relative to the manifest's folder.

    Raises:
        InputProblems: every problem of the file, with its line.
    """
    problems: list[str] = []
    out: list[CallSet] = []
    for row in read_table(path, "manifest", ("calls",), known=MANIFEST_COLUMNS):
        for column in ("name", "caller", "depth"):
            if row.get(column) and (why := name_problem(row[column])):
                problems.append(f"{row.place}: {column} {row[column][:40]!r} {why}")
        if row["calls"] and (row.get("truth") or defaults):
            out.append(_call_set(row, path.parent, defaults))
        else:
            problems.append(f"{row.place} lacks calls or truth")
    if problems:
        raise InputProblems(problems)
    if not out:
        raise DeepcohortError(f"manifest {path} lists no call set")
    return out


def _call_set(row: TableRow, folder: Path, defaults: CallSet | None) -> CallSet:
    """The call set of a manifest's row; paths that are not absolute are below `folder`."""

    def place(column: str) -> Path | None:
        return folder / row[column] if row.get(column) else None

    return CallSet(
        calls=folder / row["calls"],
        truth=place("truth") or (defaults.truth if defaults else folder),
        confident=place("confident") or (defaults.confident if defaults else None),
        name=row.get("name") or None,
        sample=row.get("sample") or None,
        truth_sample=row.get("truth_sample") or None,
        reads=place("reads"),
        caller=row.get("caller"),
        depth=row.get("depth"),
    )


def read_stratifications(options: Sequence[str]) -> dict[str, Path]:
    """Named BEDs from options: NAME=file.bed, or a TSV of name and path as GIAB distributes them.

    Raises:
        DeepcohortError: malformed option, or a name twice.
    """
    out: dict[str, Path] = {}

    def add(name: str, path: Path) -> None:
        if name in out:
            raise DeepcohortError(f"stratification {name} is given twice")
        if why := name_problem(name):
            raise DeepcohortError(f"stratification {name[:40]!r} {why}")
        out[name] = path

    for option in options:
        name, separator, value = option.partition("=")
        if separator and name and value:
            add(name, Path(value))
            continue
        listing = Path(option)
        if listing.suffix not in (".tsv", ".txt") or not listing.exists():
            raise DeepcohortError(
                f"stratification '{option}' is neither NAME=file.bed nor an existing .tsv list"
            )
        for row in read_columns(listing, "stratification list", ("name", "bed")):
            add(row["name"], listing.parent / row["bed"])
    return out
