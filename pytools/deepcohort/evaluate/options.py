"""What a user asked for as call sets; every contradiction is named."""

from collections.abc import Sequence
from pathlib import Path

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.evaluate.run import CallSet, read_manifest


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
    problems = []
    if manifest is not None and calls:
        problems.append("--manifest and --calls exclude each other; list the calls in the manifest")
    if manifest is None and not calls:
        problems.append("nothing to evaluate; give --calls or --manifest")
    if names and len(names) != len(calls):
        problems.append(f"{len(names)} --name for {len(calls)} --calls; give one for each")
    if len(samples) > 1 and len(samples) != len(calls):
        problems.append(f"{len(samples)} --sample for {len(calls)} --calls; give one for all or one for each")
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
