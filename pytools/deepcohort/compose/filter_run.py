"""Labels for training a filter: a caller's records against truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.evaluate.config import EvaluateConfig
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TP, ContigResult
from deepcohort.evaluate.run import check_contigs, compare, confident_intervals, open_pair
from deepcohort.evaluate.types import CallSet
from deepcohort.filter.caller_classifier import CallerClassifier, save_head
from deepcohort.filter.config import TrainFilterConfig
from deepcohort.filter.train import RIGHT, UNKNOWN, WRONG, LabelledSet, train_filter
from deepcohort.formats.table import read_table
from deepcohort.pileup.types import LazyPredictor

_COLUMNS = ("vcf", "reads", "truth", "confident")


@dataclass(frozen=True, slots=True)
class TrainingInput:
    """A call set, its reads, and what is true of its sample."""

    vcf: Path
    reads: tuple[Path, ...]
    truth: Path
    confident: Path | None


def read_training_manifest(path: Path) -> list[TrainingInput]:
    """Call sets of a TSV with the columns vcf, reads (comma between files), truth, confident (may be empty).

    Paths are relative to the manifest's folder.

    Raises:
        DeepcohortError: missing file or columns, or lines that lack something, all together.
    """
    rows = read_table(path, "manifest", _COLUMNS, known=_COLUMNS)
    problems = [
        f"{row.place} lacks {', '.join(k for k in _COLUMNS[:3] if not row[k])}"
        for row in rows
        if not all(row[k] for k in _COLUMNS[:3])
    ]
    if problems or not rows:
        raise InputProblems(problems or [f"manifest {path} lists no call set"])
    return [
        TrainingInput(
            path.parent / row["vcf"],
            tuple(path.parent / part.strip() for part in row["reads"].split(",")),
            path.parent / row["truth"],
            path.parent / row["confident"] if row["confident"] else None,
        )
        for row in rows
    ]


def label(item: TrainingInput, reference: Path) -> LabelledSet:
    """The call set with a label for each record: as `evaluate --no-decompose --all-records` judges it.

    Raises:
        DeepcohortError: anything about the input that a user can mend.
    """
    config = EvaluateConfig(decompose=False, all_records=True)
    labels: dict[str, NDArray[np.int8]] = {}
    n_truth = [0, 0]
    with ReferenceFasta(reference) as fasta:
        calls, truth = open_pair(CallSet(item.vcf, item.truth, item.confident))
        for vcf in (calls, truth):
            check_contigs(vcf, fasta)
        regions = confident_intervals(item.confident, fasta.contig_lengths)
        for result, _ in compare(calls, truth, fasta, regions, config, None, lambda _result, _codes: None):
            labels[result.contig] = _labels(result)
            true = np.isin(result.truth.decision, (TP, MISS, ALLELE_ONLY))
            n_truth[0] += int((true & result.truth.is_snp).sum())
            n_truth[1] += int((true & ~result.truth.is_snp).sum())
    nothing = np.empty(0, dtype=np.int8)

    def of(contig: str) -> NDArray[np.int8]:
        return labels.get(contig, nothing)

    return LabelledSet(item.vcf, item.reads, reference, of, (n_truth[0], n_truth[1]))


def _labels(result: ContigResult) -> NDArray[np.int8]:
    """RIGHT, WRONG or UNKNOWN of the records of a contig, in file order."""
    side = result.calls
    out = np.full(int(side.table.line.max(initial=-1)) + 1, UNKNOWN, dtype=np.int8)
    out[side.table.line[side.decision == TP]] = RIGHT
    out[side.table.line[np.isin(side.decision, (MISS, ALLELE_ONLY))]] = WRONG
    return out


def train(
    items: Sequence[TrainingInput],
    reference: Path,
    output: Path,
    predictor: LazyPredictor,
    config: TrainFilterConfig,
) -> CallerClassifier:
    """Label, train, and write the filter.

    Raises:
        DeepcohortError: see `label` and `train_filter`.
    """
    head = train_filter([label(item, reference) for item in items], predictor, config)
    save_head(head, output)
    return head
