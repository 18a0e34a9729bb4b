"""The whole of an evaluation: files in, folders of results out."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.progress import track
from deepcohort.core.region import Region, parse_region
from deepcohort.evaluate import tables as tb
from deepcohort.evaluate.compare_sets import differing_loci, paired_tests
from deepcohort.evaluate.config import OVERLAP, RULES, EvaluateConfig, of_rule
from deepcohort.evaluate.counted_records import (
    CountedRecords,
    Reasons,
    ScoredRecords,
    concatenate,
    count_side,
    counted_rows,
)
from deepcohort.evaluate.io_annotated import AnnotatedWriter
from deepcohort.evaluate.io_vcf import VcfFile
from deepcohort.evaluate.lent import Lent
from deepcohort.evaluate.match import ContigResult, match_contig
from deepcohort.evaluate.metrics import COUNT_COLUMNS
from deepcohort.evaluate.phase import BLOCK_COLUMNS, ContigPhase, block_table, contig_phase, phase_table
from deepcohort.evaluate.phase import COLUMNS as PHASE_COLUMNS
from deepcohort.evaluate.read_depth import depth_of, open_counted
from deepcohort.evaluate.types import CallSet, RecordTable
from deepcohort.formats.bed import Intervals, read_bed
from deepcohort.reads.load import ReadSource

_FETCH_BP = 8_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What is kept of a judged call set for comparisons with others."""

    call_set: CallSet
    name: str
    truth: ScoredRecords
    calls: ScoredRecords
    contigs: list[str]


def template_codes(reference: ReferenceFasta, contig: str) -> NDArray[np.uint8]:
    """Codes 1..4 for ACGT and 0 for the rest of one contig, uint8 (L,); fetched in slices to save memory."""
    length = reference.contig_lengths[contig]
    codes = np.empty(length, dtype=np.uint8)
    for start in range(0, length, _FETCH_BP):
        end = min(start + _FETCH_BP, length)
        part = reference.fetch_codes(Region(contig, start, end)) + np.uint8(1)
        part[part == 5] = 0
        codes[start:end] = part
    return codes


def check_contigs(vcf: VcfFile, reference: ReferenceFasta) -> None:
    """Complain if a VCF was made on another reference.

    Raises:
        DeepcohortError: no contig in common, or a header states another length.
    """
    known, used = reference.contig_lengths, set(vcf.contigs)
    if vcf.contigs and not any(contig in known for contig in vcf.contigs):
        raise DeepcohortError(
            f"{vcf.role} {vcf.path} and reference {reference.path} share no contig "
            f"({vcf.role}: {', '.join(vcf.contigs[:3])}; reference: {', '.join(list(known)[:3])}); "
            "use the reference the variants were called on"
        )
    for contig, length in vcf.contig_lengths.items():
        if contig in used and contig in known and known[contig] != length:
            raise DeepcohortError(
                f"{vcf.role} {vcf.path} says contig {contig} is {length} bp, reference {reference.path} has "
                f"{known[contig]} bp; use the reference the variants were called on"
            )


def open_pair(call_set: CallSet) -> tuple[VcfFile, VcfFile]:
    """Both files with their samples chosen: a lone truth sample serves whatever its name."""
    sample, truth_sample = call_set.sample, call_set.truth_sample
    truth_names = VcfFile(call_set.truth, None, "truth", choose=False).samples
    calls_names = VcfFile(call_set.calls, None, "calls", choose=False).samples
    if sample is None and len(calls_names) > 1 and len(truth_names) == 1 and truth_names[0] in calls_names:
        sample = truth_names[0]
    if truth_sample is None and len(truth_names) > 1 and sample in truth_names:
        truth_sample = sample
    return VcfFile(call_set.calls, sample, "calls"), VcfFile(call_set.truth, truth_sample, "truth")


def contigs_of(lengths: Iterable[str], *vcfs: VcfFile) -> list[str]:
    """Contigs of the reference, in its order, on which one of the files may have records."""
    used = {contig for vcf in vcfs for contig in vcf.contigs}
    return [contig for contig in lengths if contig in used]


def _within(table: RecordTable, region: Region | None, contig: str) -> RecordTable:
    """Records that touch `region`; the whole table if it is None."""
    if region is None:
        return table
    keep = (table.pos < region.end) & (table.pos + table.ref_len > region.start) & (contig == region.contig)
    names = [name for name in RecordTable.__slots__ if name != "pool"]
    return RecordTable(pool=table.pool, **{name: getattr(table, name)[keep] for name in names})


T = TypeVar("T")


def compare(
    calls: VcfFile,
    truth: VcfFile,
    reference: ReferenceFasta,
    confident: Intervals | None,
    config: EvaluateConfig,
    region: Region | None,
    digest: Callable[[ContigResult, NDArray[np.uint8]], T],
) -> Iterator[tuple[ContigResult, T]]:
    """Compared contigs in reference order, `config.threads` at a time.

    `digest` takes what is needed from a result and its reference codes while the codes are at hand:
    they are as large as the contig and are not kept.
    """
    contigs = contigs_of(reference.contig_lengths, calls, truth)
    if region is not None:
        contigs = [c for c in contigs if c == region.contig]
    empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    references = Lent(partial(ReferenceFasta, reference.path))

    def one(contig: str) -> tuple[ContigResult, T]:
        regions = None if confident is None else confident.get(contig, empty)
        with references.one() as fasta:
            template = template_codes(fasta, contig)
        called = _within(calls.read(contig), region, contig)
        true = _within(truth.read(contig), region, contig)
        result = match_contig(contig, template, called, true, regions, config)
        return result, digest(result, template)

    with closing(references), ThreadPoolExecutor(config.threads) as pool:
        waiting: list[Future[tuple[ContigResult, T]]] = []
        for contig in contigs:
            waiting.append(pool.submit(one, contig))
            if len(waiting) > config.threads:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


def evaluate_set(
    call_set: CallSet,
    reference: Path,
    output: Path,
    stratifications: dict[str, Path] | None = None,
    config: EvaluateConfig | None = None,
    region: str | None = None,
    quiet: bool = False,
    compared: bool = False,
) -> Judged:
    """Compare one call set with its truth and write every result to folder `output`.

    `compared`: keep what comparisons with other call sets need.

    Raises:
        DeepcohortError: anything about the input that a user can mend.
    """
    config = config or of_rule()
    stratifications = stratifications or {}
    output.mkdir(parents=True, exist_ok=True)
    with ReferenceFasta(reference) as fasta, ExitStack() as stack:
        calls_vcf, truth_vcf = open_pair(call_set)
        for vcf in (calls_vcf, truth_vcf):
            check_contigs(vcf, fasta)
        lengths, sample = fasta.contig_lengths, calls_vcf.samples[calls_vcf.sample]
        regions = confident_intervals(call_set.confident, lengths)
        within = None if region is None else parse_region(region, lengths)
        contigs = contigs_of(lengths, calls_vcf, truth_vcf)
        places = {contig: i for i, contig in enumerate(contigs)}
        sources = None
        if call_set.reads is not None:
            sources = Lent(partial(open_counted, call_set.reads, reference, sample))
            stack.callback(sources.close)
        digest = _Digest(sources, places, _strata(stratifications, lengths), config.rule)
        found = _Collected(
            tb.TableBuilder(list(stratifications), sources is not None, config.base_pairs), compared
        )
        names = [name for name in _FILES if name not in (_PHASE, _BLOCKS) or config.rule == OVERLAP]
        with atomic_outputs(*(output / name for name in names), partners=(".tbi", ".csi")) as temporary:
            paths = dict(zip(names, temporary, strict=True))
            stream = compare(calls_vcf, truth_vcf, fasta, regions, config, within, digest)
            shown = track(stream, len(contigs), f"evaluate {call_set.calls.name}", quiet)
            _collect(
                shown, found, AnnotatedWriter(paths["annotated.vcf.gz"], {c: lengths[c] for c in contigs})
            )
            if not found.truth:
                raise DeepcohortError(
                    f"neither calls {call_set.calls} nor truth {call_set.truth} has a record on the "
                    "reference; nothing can be evaluated"
                )
            truth, calls = concatenate(found.truth), concatenate(found.calls)
            made = found.builder.tables(truth, calls)
            name = call_set.name or sample
            confident_bp = _span_bp(regions, [lengths[c] for c in contigs])
            info = _summary(call_set, name, sample, confident_bp, config, found)
            if config.rule == OVERLAP:
                table = phase_table(found.phase)
                info |= {"rule": config.rule, "phase": table}
                tb.write_tsv(paths[_PHASE], table, PHASE_COLUMNS)
                tb.write_tsv(paths[_BLOCKS], block_table(found.phase), BLOCK_COLUMNS)
            _write(paths, made, info, found.given_up)
            if not quiet:
                _tell(name, config, found.modern, made)
    return Judged(call_set, name, truth, calls, contigs)


Counted = tuple[CountedRecords, CountedRecords, ContigPhase | None]


@dataclass(frozen=True, slots=True)
class _Digest:
    """Counts calls and truth of a contig while its reference codes are at hand; see `compare`."""

    sources: Lent[ReadSource] | None
    places: dict[str, int]
    beds: list[Intervals]
    rule: str

    def __call__(self, result: ContigResult, template: NDArray[np.uint8]) -> Counted:
        """Counted calls, counted truth, and phase where the rule looks at it."""
        depth = None
        if self.sources is not None:
            pos = [side.table.pos[counted_rows(side)] for side in (result.calls, result.truth)]
            with self.sources.one() as source:
                depth = depth_of(source, result.contig, np.concatenate(pos))
        index = self.places[result.contig]
        return (
            count_side(result, result.calls, result.truth, index, template, self.beds, depth),
            count_side(result, result.truth, result.calls, index, template, self.beds, depth),
            contig_phase(result, template) if self.rule == OVERLAP else None,
        )


@dataclass(slots=True)
class _Collected:
    """What is kept of the contigs compared so far; `compared`: what comparisons of call sets need, too."""

    builder: tb.TableBuilder
    compared: bool
    calls: list[ScoredRecords] = field(default_factory=list)
    truth: list[ScoredRecords] = field(default_factory=list)
    reasons: dict[str, Reasons] = field(default_factory=lambda: {"calls": Reasons(), "truth": Reasons()})
    given_up: list[tb.Row] = field(default_factory=list)
    phase: list[ContigPhase | None] = field(default_factory=list)
    modern: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, dtype=np.int64))

    def add(self, result: ContigResult, counted: Counted) -> None:
        """Take one contig."""
        calls, truth, phase = counted
        self.builder.add(truth, calls)
        self.calls.append(calls.kept(self.compared))
        self.truth.append(truth.kept(self.compared).without_scores())
        self.reasons["calls"].add(result.calls)
        self.reasons["truth"].add(result.truth)
        self.given_up += _given_up(result)
        self.phase.append(phase)
        self.modern += (result.overlapping, result.starred)


def _collect(
    stream: Iterable[tuple[ContigResult, Counted]], found: _Collected, writer: AnnotatedWriter
) -> None:
    """Take every contig into `found` and write its annotated records."""
    try:
        for result, counted in stream:
            found.add(result, counted)
            writer.write(result)
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def _strata(stratifications: dict[str, Path], lengths: dict[str, int]) -> list[Intervals]:
    """Intervals of each stratum; contigs that the reference lacks are passed over."""
    return [
        read_bed(path, lengths, unknown="skip", overhang="cut").columns() for path in stratifications.values()
    ]


def _summary(
    call_set: CallSet, name: str, sample: str, confident_bp: int, config: EvaluateConfig,
    found: _Collected,
) -> dict[str, object]:  # fmt: skip
    """What summary.json says of the comparison as a whole."""
    return {
        "name": name,
        "sample": sample,
        "caller": call_set.caller,
        "depth": call_set.depth,
        "calls": str(call_set.calls),
        "truth": str(call_set.truth),
        "confident": str(call_set.confident or ""),
        "confident_bp": confident_bp,
        "settings": _settings(config),
        "left_out": {role: reason.counts for role, reason in found.reasons.items()},
        "given_up": found.given_up,
    }


def _settings(config: EvaluateConfig) -> dict[str, object]:
    """Settings for summary.json; those of the rule `overlap` alone only where they are on."""
    return {name: value for name, value in asdict(config).items() if value or name not in _OF_OVERLAP}


_OF_OVERLAP = ("identical", "base_pairs")


def confident_intervals(bed: Path | None, contig_lengths: dict[str, int]) -> Intervals | None:
    """Where the truth is known, by contig; None where that is everywhere.

    A BED of the whole genome serves for a part of the reference: contigs that it lacks are passed over.

    Raises:
        DeepcohortError: see `read_bed`.
    """
    return None if bed is None else read_bed(bed, contig_lengths, unknown="skip").columns()


def _span_bp(regions: Intervals | None, contig_lengths: list[int]) -> int:
    """Base pairs in which truth is known."""
    if regions is None:
        return sum(contig_lengths)
    return int(sum((ends - starts).sum() for starts, ends in regions.values()))


def _tell(name: str, config: EvaluateConfig, modern: NDArray[np.int64], made: tb.Tables) -> None:
    """Which rule was used and what came out, in the log."""
    log = sys.stderr
    print(f"{name}: rule {config.rule}: {RULES[config.rule]}", file=log)
    if modern.any():
        n_overlapping, n_starred = modern.tolist()
        print(f"{name}: truth has {n_overlapping:,} overlapping records and {n_starred:,} with *", file=log)
    if config.rule != OVERLAP and modern.any():
        print(f"{name}: such truth is scored wrongly by this rule; leave out --rule", file=log)
    columns = ["type", "TP_truth", "FN", "TP_call", "FP", "precision", "recall", "f1"]
    columns += ["precision_bp", "recall_bp"] if config.base_pairs else []
    table = [columns]
    for row in made.summary:
        table.append([f"{row[c]:.4f}" if isinstance(row[c], float) else str(row[c]) for c in columns])
    widths = [max(len(line[k]) for line in table) for k in range(len(columns))]
    for line in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), file=log)


_PHASE, _BLOCKS = "phase.tsv", "phase_blocks.tsv"
_FILES = (
    "summary.tsv",
    "summary.json",
    "extended.tsv",
    "curves.tsv",
    "confusion.tsv",
    "calibration.tsv",
    "indel_lengths.tsv",
    "given_up.tsv",
    _PHASE,
    _BLOCKS,
    "annotated.vcf.gz",
)
_EMPTY_COLUMNS = {
    "extended.tsv": ("type", "group", "stratum", *COUNT_COLUMNS),
    "curves.tsv": (
        "type",
        "score",
        "threshold",
        "TP_truth",
        "FN",
        "TP_call",
        "FP",
        "precision",
        "recall",
        "f1",
    ),
    "confusion.tsv": ("type", "truth", "call", "records"),
    "calibration.tsv": (
        "type",
        "gq_low",
        "calls",
        "TP",
        "mean_gq",
        "promised_error",
        "observed_error",
        "observed_error_low",
        "observed_error_high",
        "observed_phred",
    ),
    "indel_lengths.tsv": ("length_bp", "TP_truth", "FN", "TP_call", "FP"),
    "given_up.tsv": ("contig", "start", "end", "paths", "iterations"),
}


def _write(paths: dict[str, Path], made: tb.Tables, info: dict, given_up: list[tb.Row]) -> None:
    tb.write_tsv(paths["summary.tsv"], made.summary)
    tb.write_json(paths["summary.json"], {**info, "summary": made.summary, "all": made.overall})
    for name, rows in (
        ("extended.tsv", made.extended),
        ("curves.tsv", made.curves),
        ("confusion.tsv", made.confusion),
        ("calibration.tsv", made.calibration),
        ("indel_lengths.tsv", made.spectrum),
        ("given_up.tsv", given_up),
    ):
        # strata have columns of base pairs where these were counted
        columns = None if rows and name == "extended.tsv" else _EMPTY_COLUMNS[name]
        tb.write_tsv(paths[name], rows, columns)


def _given_up(result: ContigResult) -> list[tb.Row]:
    return [
        {"contig": result.contig, "start": start + 1, "end": end + 1, "paths": paths, "iterations": steps}
        for start, end, paths, steps in result.given_up.tolist()
    ]


def evaluate_many(
    call_sets: Sequence[CallSet],
    reference: Path,
    output: Path,
    stratifications: dict[str, Path] | None = None,
    config: EvaluateConfig | None = None,
    region: str | None = None,
    quiet: bool = False,
) -> None:
    """Judge every call set; with several, each in its own folder, and compare those that share a truth.

    Raises:
        DeepcohortError: bad input, or two call sets of one name.
    """
    if len(call_sets) == 1:
        evaluate_set(call_sets[0], reference, output, stratifications, config, region, quiet)
        return
    named = [_with_name(call_set) for call_set in call_sets]
    names = [call_set.name or "" for call_set in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DeepcohortError(f"several call sets are named {', '.join(twice)}; tell them apart with --name")
    output.mkdir(parents=True, exist_ok=True)
    judged: list[Judged] = []
    for call_set in named:
        folder = output / str(call_set.name)
        judged.append(evaluate_set(call_set, reference, folder, stratifications, config, region, quiet, True))
    _compare_all(judged, reference, output)


def _with_name(call_set: CallSet) -> CallSet:
    stem = call_set.calls.name
    for suffix in (".gz", ".vcf", ".bcf", ".g"):
        stem = stem.removesuffix(suffix)
    return replace(call_set, name=call_set.name or stem)


def _compare_all(judged: list[Judged], reference: Path, output: Path) -> None:
    """Paired tests and loci that differ, for every two call sets of one truth."""
    tests: list[tb.Row] = []
    folder = output / "differences"
    for k, a in enumerate(judged):
        for b in judged[k + 1 :]:
            same = (a.call_set.truth, a.call_set.confident, a.call_set.truth_sample) == (
                b.call_set.truth,
                b.call_set.confident,
                b.call_set.truth_sample,
            )
            if not same or a.contigs != b.contigs:
                continue
            pair_a, pair_b = (a.truth, a.calls), (b.truth, b.calls)
            tests += [{"a": a.name, "b": b.name, **row} for row in paired_tests(pair_a, pair_b)]
            reads = a.call_set.reads or b.call_set.reads
            loci = differing_loci(
                pair_a, pair_b, (a.name, b.name), a.contigs, str(reads) if reads else None, reference
            )
            folder.mkdir(exist_ok=True)
            with atomic_outputs(folder / f"{a.name}_vs_{b.name}.tsv") as (path,):
                tb.write_tsv(
                    path, loci, ("contig", "pos", "side", "kind", "length_bp", a.name, b.name, "command")
                )
    if tests:
        with atomic_outputs(output / "mcnemar.tsv") as (path,):
            tb.write_tsv(path, tests)
