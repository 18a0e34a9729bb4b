"""A VCF rewritten with scores and FILTER; every other byte is kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.sample import settings_for
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.filter.annotations import Annotations, plain_annotations
from deepcohort.filter.caller_classifier import CallerClassifier
from deepcohort.filter.config import AS_TRAINED, LOW_SCORE, SCORE_KEY, FilterConfig, low_declaration
from deepcohort.filter.records import is_snp, parse_record
from deepcohort.filter.score import Judged, Scorer
from deepcohort.filter.thresholds import default_thresholds, fdr_thresholds, sensitivity_thresholds
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_check import checked_segments
from deepcohort.formats.vcf_declarations import check_declarations
from deepcohort.formats.vcf_header import region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader
from deepcohort.pileup.types import LazyPredictor
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads


@dataclass(frozen=True, slots=True)
class FilterSummary:
    """Records read, scored, and scored below the threshold; the thresholds used."""

    n_records: int
    n_scored: int
    n_low: int
    snp_threshold: float
    indel_threshold: float


@dataclass(frozen=True, slots=True)
class SegmentScores:
    """Scores of the records of a segment, float64 (n,), NaN unscored; bool (n,), SNPs and MNPs."""

    score: NDArray[np.float64]
    is_snp: NDArray[np.bool_]


def _header_text(
    header: VcfHeader,
    predictor: LazyPredictor,
    head: CallerClassifier | None,
    judge: str,
    thresholds: tuple[float, float],
) -> str:
    """The header with what is new in it; the rest as it was, but that no line stands twice."""
    own = (f"##INFO=<ID={SCORE_KEY},", f"##FILTER=<ID={LOW_SCORE},")
    lines = [line for line in dict.fromkeys(header.lines) if not line.startswith(own)]
    told = "the called genotype is right" if judge == "genotype" else "the called alternate is there"
    meaning = told if head is None else f"the record is right, {AS_TRAINED}"
    new = [
        f'##INFO=<ID={SCORE_KEY},Number=1,Type=Float,Description="log10 odds that {meaning}, '
        f'by deepcohort {predictor.name} {predictor.version}">',
        low_declaration(thresholds),
        *region_lines(header.regions),
    ]
    return "\n".join([*lines[:-1], *new, lines[-1]]) + "\n"


def rewrite(line: bytes, score: float | None, is_low: bool) -> bytes:
    """The record with its score and FILTER; every other byte as it was. An old score is replaced."""
    if score is None:
        return line
    text = line.rstrip(b"\r")
    fields = with_filter(with_info(text.split(b"\t"), {SCORE_KEY: f"{score:.3f}"}), is_low)
    return b"\t".join(fields) + line[len(text) :]


def with_info(fields: Sequence[bytes], values: Mapping[str, str], old: Sequence[str] = ()) -> list[bytes]:
    """The record's fields with INFO values, in place of those of the same keys and of keys `old`."""
    keys = tuple(key.encode() + b"=" for key in (*values, *old))
    info = [part for part in fields[7].split(b";") if not part.startswith(keys) and part != b"."]
    info += [f"{key}={value}".encode() for key, value in values.items()]
    return [*fields[:7], b";".join(info), *fields[8:]]


def with_filter(fields: Sequence[bytes], is_low: bool) -> list[bytes]:
    """The record's fields with LOW_SCORE in FILTER or not; other filters stay."""
    low = LOW_SCORE.encode()
    filters = [part for part in fields[6].split(b";") if part not in (low, b"PASS", b".")]
    filters += [low] if is_low else []
    return [*fields[:6], b";".join(filters) or b"PASS", *fields[7:]]


def judge_segment(
    segment: Segment, scorer: Scorer, annotations: Annotations
) -> tuple[Judged, NDArray[np.bool_]]:
    """What the network and the caller say of each record, and which are SNPs, bool (n,)."""
    lines = [line.rstrip(b"\r").split(b"\t") for line in segment.text.split(b"\n")[:-1]]
    records = [parse_record(fields) for fields in lines]
    values = annotations.values(lines, records)
    judged = scorer.judge(segment.contig, records, values)
    return judged, np.array([is_snp(record) for record in records], dtype=bool)


def score_segments(
    reader: VcfTextReader, scorer: Scorer, head: CallerClassifier | None
) -> Iterator[tuple[Segment, SegmentScores]]:
    """Every segment with the scores of its records."""
    annotations = plain_annotations(()) if head is None else head.annotations
    for segment in checked_segments(reader):
        judged, snp = judge_segment(segment, scorer, annotations)
        score = judged.log_odds if head is None else head.score(judged.inputs)
        yield segment, SegmentScores(np.where(judged.known, score, np.nan), snp)


def _write(
    segment: Segment, scores: SegmentScores, thresholds: tuple[float, float], writer: IndexedVcfWriter
) -> tuple[int, int, int]:
    low = scores.score < np.where(scores.is_snp, thresholds[0], thresholds[1])  # False for NaN
    out = [
        rewrite(line, None if np.isnan(score) else float(score), bool(is_low)) + b"\n"
        for line, score, is_low in zip(segment.text.split(b"\n")[:-1], scores.score, low, strict=True)
    ]
    writer.write_changed(segment.contig, out, segment.lines)
    return len(out), int((~np.isnan(scores.score)).sum()), int(low.sum())


def check_head(head: CallerClassifier | None, predictor: LazyPredictor) -> None:
    """Refuse a filter that was trained on another network.

    Raises:
        DeepcohortError: the two do not belong together.
    """
    if head is not None and (head.model_name, head.model_version) != (predictor.name, predictor.version):
        raise DeepcohortError(
            f"filter {head.path} was trained on model {head.model_name} {head.model_version}, this one is "
            f"{predictor.name} {predictor.version}; give that model with --model, or train the filter again"
        )


def _needs_all(config: FilterConfig, head: CallerClassifier | None) -> bool:
    """Whether the thresholds depend on the scores of all records."""
    fixed = head is not None or None not in (config.snp_threshold, config.indel_threshold)
    return config.sensitivity is not None or config.fdr is not None or not fixed


def thresholds_for(
    config: FilterConfig,
    head: CallerClassifier | None,
    kept: Sequence[SegmentScores] | None,
    is_trained: bool = False,
) -> tuple[float, float]:
    """Thresholds (SNP, indel): as asked for, of the trained filter, or by the scores of all records.

    `is_trained`: the scores are a trained filter's, also where it is not at hand.
    """
    snp = np.nan if head is None else head.snp_threshold
    indel = np.nan if head is None else head.indel_threshold
    if kept is not None:
        score = np.concatenate([k.score for k in kept] or [np.empty(0)])
        is_snp = np.concatenate([k.is_snp for k in kept] or [np.empty(0, bool)])
        if config.sensitivity is not None:
            prior = None if is_trained or head is not None else config.prior
            snp, indel = sensitivity_thresholds(config.sensitivity, score, is_snp, prior)
        elif config.fdr is not None:
            snp, indel = fdr_thresholds(config.fdr, score, is_snp)
        else:
            snp, indel = default_thresholds(score, is_snp, config)
    return (
        snp if config.snp_threshold is None else config.snp_threshold,
        indel if config.indel_threshold is None else config.indel_threshold,
    )


def filter_vcf(
    vcf: Path,
    reads: Sequence[Path],
    reference: Path,
    output: Path,
    predictor: LazyPredictor,
    config: FilterConfig | None = None,
    head: CallerClassifier | None = None,
) -> FilterSummary:
    """Write `vcf` with INFO/DC_SCORE and FILTER by threshold, indexed; all other bytes are kept.

    Records that cannot be judged (symbolic alleles, no reads, REF that is not the reference's) pass
    through unchanged. `head`: a trained filter; without one the score is the network's alone.

    Raises:
        DeepcohortError: unreadable inputs, a filter of another network; nothing is written then.
    """
    config = config or FilterConfig()
    check_head(head, predictor)
    with ExitStack() as stack:
        fasta = stack.enter_context(ReferenceFasta(reference))
        names = VcfTextReader(vcf).header.samples
        if len(names) > 1:
            raise DeepcohortError(
                f"{vcf} has {len(names)} samples; say whose reads are where: --samplesheet, or "
                "--reads SAMPLE=FILE for each"
            )
        of_sample = ReadsConfig(sample=names[0]) if len(names) == 1 else ReadsConfig()
        settings = settings_for(reads, reference, predictor.platform, of_sample)
        source = stack.enter_context(open_reads(reads, reference, settings.reads))
        scorer = Scorer(source, fasta, predictor, config, settings.candidates)

        def opened() -> VcfTextReader:
            reader = VcfTextReader(vcf)
            check_declarations(reader.header.lines, vcf, whole=True)
            stack.callback(reader.close)
            return reader

        reader = opened()
        kept: list[SegmentScores] | None = None
        if _needs_all(config, head):  # two passes over the text, one over the reads
            kept = [scores for _, scores in score_segments(reader, scorer, head)]
            reader = opened()
        thresholds = thresholds_for(config, head, kept)
        counts = [0, 0, 0]
        with atomic_outputs(output, partners=(".tbi", ".csi")) as (temporary,):
            lengths = {**fasta.contig_lengths, **reader.header.contig_lengths}
            with IndexedVcfWriter(temporary, lengths) as writer:
                writer.write_header(_header_text(reader.header, predictor, head, config.judge, thresholds))
                pairs = (
                    score_segments(reader, scorer, head)
                    if kept is None
                    else zip(reader.segments(), kept, strict=True)
                )
                for segment, scores in pairs:
                    done = _write(segment, scores, thresholds, writer)
                    counts = [a + b for a, b in zip(counts, done, strict=True)]
    return FilterSummary(counts[0], counts[1], counts[2], *thresholds)
