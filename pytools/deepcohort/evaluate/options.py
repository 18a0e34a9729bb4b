"""What a user asked for as call sets; every contradiction is named."""

import csv
from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.names import name_problem
from deepcohort.core.text import text_of
from deepcohort.evaluate.types import CallSet

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
    if not path.exists():
        raise DeepcohortError(f"manifest {path} does not exist")
    problems: list[str] = []
    out: list[CallSet] = []
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        unknown = [c for c in reader.fieldnames or [] if c not in MANIFEST_COLUMNS]
        if unknown or "calls" not in (reader.fieldnames or []):
            raise DeepcohortError(
                f"manifest {path} needs a header with the column calls and may have "
                f"{', '.join(c for c in MANIFEST_COLUMNS if c != 'calls')}"
                + (f"; unknown: {', '.join(unknown)}" if unknown else "")
            )
        for line, row in enumerate(reader, start=2):
            values = {k: (v or "").strip() for k, v in row.items() if k}
            truth = values.get("truth") or (str(defaults.truth) if defaults else "")
            for column in ("name", "caller", "depth"):
                if values.get(column) and (why := name_problem(values[column])):
                    problems.append(f"manifest {path} line {line}: {column} {values[column][:40]!r} {why}")
            if not values["calls"] or not truth:
                problems.append(f"manifest {path} line {line} lacks calls or truth")
                continue

            def place(value: str) -> Path:
                return Path(value) if Path(value).is_absolute() else path.parent / value

            confident = values.get("confident", "")
            out.append(
                CallSet(
                    calls=place(values["calls"]),
                    truth=place(values["truth"]) if values.get("truth") else Path(truth),
                    confident=place(confident) if confident else (defaults.confident if defaults else None),
                    name=values.get("name") or None,
                    sample=values.get("sample") or None,
                    truth_sample=values.get("truth_sample") or None,
                    reads=place(values["reads"]) if values.get("reads") else None,
                    caller=values.get("caller", ""),
                    depth=values.get("depth", ""),
                )
            )
    if problems:
        raise InputProblems(problems)
    if not out:
        raise DeepcohortError(f"manifest {path} lists no call set")
    return out


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
        for line in text_of(listing).splitlines():
            if line.strip() and not line.startswith("#"):
                fields = line.split("\t")
                if len(fields) < 2:
                    raise DeepcohortError(
                        f"stratification list {listing} has a line without a tab: {line[:60]}"
                    )
                add(fields[0], listing.parent / fields[1].strip())
    return out
