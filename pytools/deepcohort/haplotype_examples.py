"""Reads and truth of a sample -> what fits the second opinion on indels (`model.haplotypes`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.config import candidates_of
from deepcohort.candidates.find import find_candidates
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.progress import track
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.make_examples import confident_by_contig, stretches_of
from deepcohort.model.haplotypes import pooled_terms, unsure_indels
from deepcohort.model.load import CascadePredictor
from deepcohort.paralogs.load import links_beside, open_placed
from deepcohort.pileup.augment import NATURAL, augment_reads
from deepcohort.pileup.encode import encode_examples, encode_pixels, reach_bp
from deepcohort.pileup.haplotypes import REACH_BP, haplotype_terms
from deepcohort.pileup.io import TruthAllele, TruthVcf
from deepcohort.pileup.label import AMBIGUOUS, label_candidates
from deepcohort.pileup.shards import stretch_id
from deepcohort.pileup.types import Evidence
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import profiled
from deepcohort.reads.types import ReadBatch

_STRETCH_BP = 40_000


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """Reads of one sample, the reference, its true variants, and where these are complete; None: anywhere."""

    reads: Path
    reference: Path
    truth: Path
    confident: Path | None = None


@dataclass(frozen=True, slots=True)
class HaplotypeExamples:
    """N unsure indels: `terms` float64 (N, len(model.haplotypes.TERMS)), `label` int8 (N,) copies."""

    terms: NDArray[np.float64]
    label: NDArray[np.int8]


def haplotype_examples(
    sample: LabelledSample, predictor: CascadePredictor, passes: int, seed: int, quiet: bool = False
) -> HaplotypeExamples:
    """Unsure indels of `sample`, each stretch taken `passes` times at other random depths.

    Raises:
        DeepcohortError: inputs that are missing or do not fit together.
    """
    usual = profiled([sample.reads], sample.reference, ReadsConfig())
    links = links_beside(sample.reference, predictor.platform)
    found: list[HaplotypeExamples] = []
    with (
        ReferenceFasta(sample.reference) as fasta,
        open_placed([sample.reads], sample.reference, usual, links) as source,
    ):
        known = confident_by_contig(sample.confident, fasta.contig_lengths) if sample.confident else None
        truth = TruthVcf(sample.truth, None)
        stretches = stretches_of(fasta, source, truth, known, None, _STRETCH_BP)
        for stretch in track(stretches, len(stretches), "haplotypes", quiet):
            maker = _Stretch(stretch, fasta, predictor, truth, known)
            reads = source.fetch(maker.window)
            for number in range(passes):
                rng = np.random.default_rng([stretch_id(stretch.contig, stretch.start, seed), number])
                found.append(maker.examples(augment_reads(reads, len(maker.window), rng, NATURAL)))
    return joined(found)


def joined(parts: Sequence[HaplotypeExamples]) -> HaplotypeExamples:
    """All examples of `parts`, of which there is at least one."""
    return HaplotypeExamples(
        np.concatenate([part.terms for part in parts]), np.concatenate([part.label for part in parts])
    )


class _Stretch:
    """A stretch of genome with its truth, from whose reads examples are made."""

    def __init__(
        self,
        stretch: Region,
        fasta: ReferenceFasta,
        predictor: CascadePredictor,
        truth: TruthVcf,
        known: dict[str, list[Region]] | None,
    ) -> None:
        length = fasta.contig_lengths[stretch.contig]
        self._config = candidates_of(predictor.platform)
        self._around = stretch.padded(max(REACH_BP, reach_bp(predictor.config)), length)
        self.window = self._around.padded(self._config.pad_bp, length)
        self._stretch, self._predictor = stretch, predictor
        self._text = fasta.fetch_text(self.window)
        self._codes = encode_bases(self._text)
        self._truth: Sequence[TruthAllele] = truth.fetch(self.window, self._text)
        self._confident = None if known is None else known.get(stretch.contig, [])

    def examples(self, reads: ReadBatch) -> HaplotypeExamples:
        """Unsure indels of the stretch by these reads."""
        evidence = find_candidates(reads, self._codes, self.window, self._around, self._config)
        table = evidence.table
        labels = label_candidates(table, self._text, self.window, self._truth, self._confident)
        inside = (table.pos >= self._stretch.start) & (table.pos < self._stretch.end)
        rows = np.flatnonzero(inside & (labels != AMBIGUOUS))
        features, probabilities = self._predict(evidence, rows)
        unsure = unsure_indels(features, probabilities)
        terms = pooled_terms(probabilities[unsure], haplotype_terms(evidence, rows[unsure]))
        return HaplotypeExamples(terms, labels[rows[unsure]])

    def _predict(
        self, evidence: Evidence, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(features, probabilities) of candidates `rows`."""
        config = self._predictor.config
        features = encode_examples(
            evidence, self._codes, self.window, config, features_only=True, select=rows
        ).features

        def pixels_of(own: NDArray[np.int64]) -> NDArray[np.uint8]:
            return encode_pixels(evidence, self._codes, self.window, config, rows[own])

        return features, self._predictor.predict_lazily(features, pixels_of)
