"""A cohort's VCF rewritten with scores of its genotypes, alleles and records; every other byte is kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region
from deepcohort.filter.aggregate import allele_score
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.apply import FilterSummary, with_filter, with_info
from deepcohort.filter.blocks import Block, blocks_of
from deepcohort.filter.cohort_scores import CohortInputs, LineScores, scored_blocks
from deepcohort.filter.config import (
    ALT_SCORE_KEY,
    LOW_SCORE,
    SCORE_KEY,
    SCORED_KEY,
    UNSCORED_KEY,
    low_declaration,
)
from deepcohort.filter.genotypes import with_scores
from deepcohort.filter.records import is_snp
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_header import contig_lines, region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader

_MOST_NAMED = 5
_UNREAD_KEY = "deepcohort_samples_without_reads"


def check_samples(
    vcf: Path, samples: Sequence[str], reads: Iterable[str], where: str, may_lack: bool
) -> None:
    """See that samples of a VCF and those that have reads are the same.

    Args:
        where: the reads are named. may_lack: samples of the VCF may have no reads.

    Raises:
        InputProblems: they are not, or the VCF has no sample.
    """
    if not samples:
        raise DeepcohortError(f"{vcf} has no sample; without genotypes nobody's reads can be asked")
    have, wanted = list(dict.fromkeys(reads)), set(samples)
    absent = [name for name in samples if name not in have]
    strange = [name for name in have if name not in wanted]
    problems = []
    if strange:
        problems.append(
            f"{where} has reads of {named(strange)}, but {vcf} has no such sample; it has {named(samples)}"
        )
    if absent and not may_lack:
        problems.append(
            f"{where} has no reads of {named(absent)} of {vcf}; add them, or leave their genotypes without "
            "scores: --allow-missing-reads"
        )
    elif len(absent) == len(samples):
        problems.append(f"{where} has reads of no sample of {vcf}")
    if problems:
        raise InputProblems(problems)


def named(names: Sequence[str]) -> str:
    """Names for a message, the first few of them."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _declared(about: str, thresholds: tuple[float, float]) -> list[tuple[str, str]]:
    """Declarations: (how the line begins, its rest)."""
    odds = "log10 odds that"
    rows = [
        ("INFO", SCORE_KEY, "1", "Float", f"The largest {ALT_SCORE_KEY}, by {about}"),
        ("INFO", ALT_SCORE_KEY, "A", "Float",
         f"{odds} an ALT is in the cohort: of its k-th best carrier less log10(carriers / k), best of all k"),
        ("INFO", SCORED_KEY, "A", "Integer", f"Carriers that {ALT_SCORE_KEY} is of"),
        ("INFO", UNSCORED_KEY, "1", "Integer",
         "Carriers whose genotype has no score: no reads given, none there, or an ALT that cannot be judged"),
        ("FORMAT", SCORE_KEY, "1", "Float", f"{odds} the genotype is right, of genotypes with an ALT"),
    ]  # fmt: skip
    lines = [
        (f"##{kind}=<ID={key},", f'Number={number},Type={type_},Description="{text}">')
        for kind, key, number, type_, text in rows
    ]
    start = f"##FILTER=<ID={LOW_SCORE},"
    return [*lines, (start, low_declaration(thresholds, f"INFO/{SCORE_KEY}").removeprefix(start))]


def cohort_header(
    header: VcfHeader,
    about: str,
    thresholds: tuple[float, float],
    regions: Sequence[Region] | None,
    unread: Sequence[str],
    contig_lengths: Mapping[str, int],
) -> str:
    """The header with what is new in it; the rest as it was, but that no line stands twice.

    `unread`: samples whose reads were not given. `contig_lengths`: for a header without contigs.
    """
    new = _declared(about, thresholds)
    own = (*(start for start, _ in new), f"##{_UNREAD_KEY}=")
    lines = [line for line in dict.fromkeys(header.lines) if not line.startswith(own)]
    added = [start + rest for start, rest in new]
    added += [f"##{_UNREAD_KEY}={','.join(unread)}"] if unread else []
    added += [] if header.contig_lengths else contig_lines(contig_lengths)
    kept = region_lines(regions if regions is not None else header.regions)
    return "\n".join([*lines[:-1], *added, *kept, lines[-1]]) + "\n"


def scored_line(line: bytes, found: LineScores, thresholds: tuple[float, float]) -> tuple[bytes, bool]:
    """(the record with its scores, whether its own is low); without any carrier the line as it was."""
    if not found.scores and not found.n_unscored:
        return line, False
    text = line.rstrip(b"\r")
    fields, end = text.split(b"\t"), line[len(text) :]
    values = {UNSCORED_KEY: str(found.n_unscored)} if found.n_unscored else {}
    if not found.scores:
        return b"\t".join(with_info(fields, values)) + end, False
    by_alt: dict[int, list[float]] = {}
    for _, alts in found.scores.values():
        for alt, odds in alts.items():
            by_alt.setdefault(alt, []).append(odds)
    own = {alt: allele_score(odds) for alt, odds in by_alt.items()}
    best = max(own.values())
    names = tuple(fields[4].decode().split(","))
    is_low = best < thresholds[0 if is_snp(RecordAlleles(0, fields[3].decode(), names, tuple(own))) else 1]
    told = {
        SCORE_KEY: f"{best:.3f}",
        ALT_SCORE_KEY: ",".join(f"{own[k]:.3f}" if k in own else "." for k in range(len(names))),
        SCORED_KEY: ",".join(str(len(by_alt.get(k, ()))) for k in range(len(names))),
    }
    fields = with_scores(fields, {sample: odds for sample, (odds, _) in found.scores.items()})
    fields = with_filter(with_info(fields, told | values, (UNSCORED_KEY,)), is_low)
    return b"\t".join(fields) + end, is_low


@dataclass(slots=True)
class _Counts:
    n_records: int = 0
    n_scored: int = 0
    n_low: int = 0


def _write(
    block: Block,
    rows: Sequence[LineScores],
    inside: Sequence[Region] | None,
    thresholds: tuple[float, float],
    writer: IndexedVcfWriter,
    counts: _Counts,
) -> None:
    out, spans, at = [], [], 0
    own = zip(block.lines[block.first : block.last], block.spans[block.first : block.last], rows, strict=True)
    for line, span, found in own:
        if inside is not None and not any(r.start <= span[0] < r.end for r in inside):
            continue
        text, is_low = scored_line(line, found, thresholds)
        out.append(text + b"\n")
        spans.append((*span, at))
        at += len(out[-1])
        counts.n_records += 1
        counts.n_scored += bool(found.scores)
        counts.n_low += is_low
    if out:
        writer.write_lines(block.contig, b"".join(out), np.array(spans, np.int64))


def filter_cohort(
    segments: Iterable[Segment],
    header: VcfHeader,
    output: Path,
    inputs: CohortInputs,
    about: str,
    threads: int = 1,
    regions: Sequence[Region] | None = None,
) -> FilterSummary:
    """Write records with FORMAT/DC_SCORE, INFO (`cohort_header`) and FILTER, indexed.

    Args:
        segments: of a VCF with `header`; those that `blocks.to_be_read` names, where there are regions.
        about: what scores, for the header.
        regions: write records with POS in them alone; scores are those of the whole file.

    Raises:
        DeepcohortError: unreadable inputs; nothing is written then.
    """
    config = inputs.config
    thresholds = tuple(
        config.threshold if told is None else told for told in (config.snp_threshold, config.indel_threshold)
    )
    pair = (thresholds[0], thresholds[1])
    by_contig: dict[str, list[Region]] = {}
    for region in regions or ():
        by_contig.setdefault(region.contig, []).append(region)
    with ReferenceFasta(inputs.reference) as fasta:
        lengths = {**fasta.contig_lengths, **header.contig_lengths}
    unread = [inputs.samples[i].sample for i in sorted(inputs.unread)]
    counts = _Counts()
    with (
        atomic_outputs(output, partners=(".tbi", ".csi")) as (temporary,),
        IndexedVcfWriter(temporary, lengths) as writer,
    ):
        writer.write_header(cohort_header(header, about, pair, regions, unread, lengths))
        for block, rows in scored_blocks(blocks_of(segments), inputs, threads):
            inside = None if regions is None else by_contig.get(block.contig, [])
            _write(block, rows, inside, pair, writer, counts)
    return FilterSummary(counts.n_records, counts.n_scored, counts.n_low, *pair)
