"""FILTER of a VCF that is scored already, by thresholds that all its scores together choose."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.apply import FilterSummary, SegmentScores, thresholds_for, with_filter
from deepcohort.filter.config import (
    ALT_SCORE_KEY,
    AS_TRAINED,
    LOW_SCORE,
    SCORE_KEY,
    FilterConfig,
    low_declaration,
)
from deepcohort.filter.records import is_snp, parse_record
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_check import checked_segments
from deepcohort.formats.vcf_declarations import check_declarations
from deepcohort.formats.vcf_header import region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader


def filter_scored(vcf: Path, output: Path, config: FilterConfig) -> FilterSummary:
    """Write a scored VCF (of a sample or a cohort) with FILTER by INFO/DC_SCORE, indexed. It needs no reads.

    Thresholds are those of `config`, SNPs and indels apart; all other bytes are kept. Records without a score
    stay as they are. A record of a cohort is a SNP where all its ALTs that have a score are.

    Raises:
        DeepcohortError: unreadable inputs, no score in the VCF, or a false discovery rate of a trained
            filter's scores; nothing is written then.
    """
    reader = VcfTextReader(vcf)
    check_declarations(reader.header.lines, vcf, whole=True)
    config, is_trained = _settings(reader.header, config)
    kept = [_scores(segment) for segment in checked_segments(reader)]
    reader.close()
    if not any((~np.isnan(scores.score)).any() for scores in kept):
        raise DeepcohortError(f"no record of {vcf} has INFO/{SCORE_KEY}; score it first: give --reads")
    if is_trained and config.fdr is not None:
        raise DeepcohortError(
            f"{vcf} was scored by a trained filter, and --fdr is for the network's own score: score it "
            "without --trained"
        )
    thresholds = thresholds_for(config, None, kept, is_trained)
    reader = VcfTextReader(vcf)
    counts = np.zeros(3, np.int64)
    with (
        atomic_outputs(output, partners=(".tbi", ".csi")) as (temporary,),
        IndexedVcfWriter(temporary, _lengths(reader.header, vcf)) as writer,
    ):
        writer.write_header(_header(reader.header, thresholds))
        for segment, scores in zip(reader.segments(), kept, strict=True):
            counts += _write(segment, scores, thresholds, writer)
    reader.close()
    return FilterSummary(int(counts[0]), int(counts[1]), int(counts[2]), *thresholds)


def _settings(header: VcfHeader, config: FilterConfig) -> tuple[FilterConfig, bool]:
    """Settings for a VCF of this header, and whether a trained filter scored it."""
    told = [line for line in header.lines if line.startswith(f"##INFO=<ID={SCORE_KEY},")]
    if any(line.startswith(f"##INFO=<ID={ALT_SCORE_KEY},") for line in header.lines):
        config = replace(config, min_records=0)  # a cohort's thresholds do not depend on its size
    return config, any(AS_TRAINED in line for line in told)


def _lengths(header: VcfHeader, vcf: Path) -> dict[str, int]:
    if not header.contig_lengths:
        raise DeepcohortError(f"the header of {vcf} has no ##contig lines; run: bcftools reheader --fai")
    return dict(header.contig_lengths)


def _header(header: VcfHeader, thresholds: tuple[float, float]) -> str:
    lines = [
        line for line in dict.fromkeys(header.lines) if not line.startswith(f"##FILTER=<ID={LOW_SCORE},")
    ]
    new = [low_declaration(thresholds), *region_lines(header.regions)]
    return "\n".join([*lines[:-1], *new, lines[-1]]) + "\n"


def _scores(segment: Segment) -> SegmentScores:
    rows = list(map(_score, _lines(segment)))
    return SegmentScores(
        np.array([score for score, _ in rows], dtype=np.float64),
        np.array([snp for _, snp in rows], dtype=bool),
    )


def _lines(segment: Segment) -> Iterator[bytes]:
    return (line.rstrip(b"\r") for line in segment.text.split(b"\n")[:-1])


def _score(line: bytes) -> tuple[float, bool]:
    """(INFO/DC_SCORE or NaN, whether the ALTs that it is of have the length of REF)."""
    fields = line.split(b"\t")
    info = dict(part.partition(b"=")[::2] for part in fields[7].split(b";"))
    text = info.get(SCORE_KEY.encode())
    if text in (None, b"."):
        return np.nan, False
    record = parse_record(fields)
    by_alt = info.get(ALT_SCORE_KEY.encode())
    if by_alt is not None:
        scored = tuple(k for k, value in enumerate(by_alt.split(b",")) if value != b".")
        record = RecordAlleles(record.pos, record.ref, record.alts, scored)
    return float(text), is_snp(record)


def _write(
    segment: Segment, scores: SegmentScores, thresholds: Sequence[float], writer: IndexedVcfWriter
) -> tuple[int, int, int]:
    low = scores.score < np.where(scores.is_snp, thresholds[0], thresholds[1])  # False for NaN
    known = ~np.isnan(scores.score)
    out = []
    for line, has_score, is_low in zip(segment.text.split(b"\n")[:-1], known, low, strict=True):
        text = b"\t".join(with_filter(line.split(b"\t"), bool(is_low))) if has_score else line
        out.append(text + b"\n")
    writer.write_changed(segment.contig, out, segment.lines)
    return len(out), int(known.sum()), int(low.sum())
