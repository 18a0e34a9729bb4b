"""The outcome of a run in a few lines, for the terminal."""

import json
from dataclasses import dataclass
from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.formats.table import read_table

_TYPES = ("SNP", "INDEL")
_COUNTS = ("TP_truth", "FN", "TP_call", "FP")
_COHORT = ".cohort"  # see EVALUATE_COHORT
_MAX_LINES = 12  # samples shown one by one


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one sample and variant type against its truth; ratios are None where nothing was counted."""

    sample: str
    type: str
    tp_truth: int
    fn: int
    tp_call: int
    fp: int

    @property
    def precision(self) -> float | None:
        """Share of calls that are right."""
        total = self.tp_call + self.fp
        return self.tp_call / total if total else None

    @property
    def recall(self) -> float | None:
        """Share of true variants that are found."""
        total = self.tp_truth + self.fn
        return self.tp_truth / total if total else None


def read_scores(evaluations: list[Path]) -> list[Score]:
    """SNP and INDEL rows of every `<sample>/summary.tsv`, by sample.

    Raises:
        DeepcohortError: a summary.tsv is missing or lacks a column.
    """
    scores = []
    for folder in sorted(evaluations, key=lambda path: path.name):
        table = read_table(folder / "summary.tsv", "summary of an evaluation", ("type", *_COUNTS))
        rows = {row["type"]: row for row in table}
        for kind in _TYPES:
            if kind in rows:
                scores.append(Score(folder.name, kind, *(rows[kind].whole(column) for column in _COUNTS)))
    return scores


def total_score(scores: list[Score], kind: str, name: str = "all") -> Score:
    """Counts of one type summed over samples."""
    own = [s for s in scores if s.type == kind]
    return Score(
        name,
        kind,
        sum(s.tp_truth for s in own),
        sum(s.fn for s in own),
        sum(s.tp_call for s in own),
        sum(s.fp for s in own),
    )


def terminal_lines(scores: list[Score]) -> list[str]:
    """What the pipeline prints at its end; empty without truth."""
    if not scores:
        return []
    samples = list(dict.fromkeys(score.sample for score in scores))
    shown = [s for s in scores if s.sample in samples[:_MAX_LINES]] if len(samples) <= _MAX_LINES else []
    # genotypes of the cohort lie beside a sample's single-sample calls: each is summed apart
    joint = {s for s in samples if s.endswith(_COHORT) and s.removesuffix(_COHORT) in samples}
    for name, members in (("all", set(samples) - joint), (f"all{_COHORT}", joint)):
        if len(members) > 1:
            of_these = [s for s in scores if s.sample in members]
            shown = shown + [total_score(of_these, kind, name) for kind in _TYPES]
    width = max(len("sample"), *(len(s.sample) for s in shown))
    lines = [f"  {'sample':{width}}  type   precision  recall     missed  false calls"]
    for s in shown:
        lines.append(
            f"  {s.sample:{width}}  {s.type:5}  {_ratio(s.precision):9}  {_ratio(s.recall):9}"
            f"  {s.fn:6}  {s.fp:11}"
        )
    return lines


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def cohort_lines(path: Path) -> list[str]:
    """The cohort in a line, from the JSON of `deepcohort stats`, and what does not fit the samplesheet.

    Raises:
        DeepcohortError: not that JSON.
    """
    try:
        c = json.loads(path.read_text())
        indels = c["insertion_sites"] + c["deletion_sites"]
        line = (
            f"  {c['sites_pass']:,} sites in {c['samples']} samples: {c['snp_sites']:,} SNP, {indels:,} indel"
        )
        if c["ti_tv"]:
            line += f"; Ti/Tv {c['ti_tv']:.2f}"
        if c["mendelian_checked"]:
            line += f"; {c['mendelian_violations']} of {c['mendelian_checked']:,} against Mendel"
        lines = [line]
        if c["sex_mismatches"] or c["pedigree_mismatches"]:
            lines.append(
                "  Stated sex or family does not fit the genotypes; see the report's cohort section."
            )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DeepcohortError(f"{path} is no summary of a cohort: {error!r}") from error
    return lines


def write_summary(
    evaluations: list[Path],
    cohort: Path | None,
    output: Path,
    unlike_training: str = "",
    fingerprints: Path | None = None,
) -> None:
    """Write the terminal lines to `output`; an empty file without truth, cohort and alarm.

    Args:
        unlike_training: the samples with reads of a kind that their model does not know, as one text.
        fingerprints: fingerprints.json of `deepcohort fingerprint compare`.
    """
    lines = (cohort_lines(cohort) if cohort else []) + terminal_lines(read_scores(evaluations))
    if unlike_training:
        lines.append(
            f"  Warning: the reads of {unlike_training} are unlike those that the model was trained on: "
            "mistrust their calls; see the report's section on reads."
        )
    lines += fingerprint_lines(fingerprints) if fingerprints else []
    with atomic_outputs(output) as (temporary,):
        temporary.write_text("".join(f"{line}\n" for line in lines))


def fingerprint_lines(path: Path) -> list[str]:
    """Warnings of the fingerprints, the first of many.

    Raises:
        DeepcohortError: not the JSON of `deepcohort fingerprint compare`.
    """
    try:
        warnings = [str(line) for line in json.loads(path.read_text())["warnings"]]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DeepcohortError(f"{path} is no fingerprints.json: {error!r}") from error
    more = len(warnings) - _MAX_LINES
    shown = [f"  Warning: {line}" for line in warnings[:_MAX_LINES]]
    return [*shown, f"  Warning: and {more} more; see the report's fingerprints."] if more > 0 else shown
