"""`deepcohort filter` of a VCF with several samples: whose reads are where, and what is scored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from deepcohort.annotate.io_segments import in_order, segments_of
from deepcohort.cohort.samplesheet import read_samplesheet
from deepcohort.cohort.types import Sample
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import scratch_folder
from deepcohort.core.region import Region
from deepcohort.filter.apply import FilterSummary, check_head
from deepcohort.filter.blocks import to_be_read
from deepcohort.filter.caller_classifier import CallerClassifier, load_head
from deepcohort.filter.cohort import check_samples, filter_cohort, named
from deepcohort.filter.cohort_scores import CohortInputs, SampleReads
from deepcohort.filter.config import AS_TRAINED, FilterConfig
from deepcohort.filter.scored import filter_scored
from deepcohort.formats.vcf_check import ContigOrder
from deepcohort.formats.vcf_declarations import check_declarations
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader
from deepcohort.joint.inputs import chosen_regions
from deepcohort.model.load import load_predictor
from deepcohort.pileup.types import LazyPredictor


@dataclass(frozen=True, slots=True)
class CohortRequest:
    """Options of the command, as given; see its help.

    `reads`: SAMPLE=FILE, by `platform`; a samplesheet says the platform of each sample.
    """

    vcf: Path
    reference: Path
    output: Path
    reads: tuple[str, ...]
    samplesheet: Path | None
    platform: str
    model: str
    device: str
    config: FilterConfig
    threads: int
    regions: Path | None
    may_lack_reads: bool = False
    trained: Path | None = None


def is_cohort(words: Sequence[str], samplesheet: Path | None) -> bool:
    """Whether the options name reads by sample."""
    return samplesheet is not None or any(is_named(word) for word in words)


def option_problems(
    words: Sequence[str], samplesheet: Path | None, others: Mapping[str, object]
) -> list[str]:
    """What is wrong with the options of a cohort; `others`: values of options that are not for cohorts."""
    problems = [f"{name} is not for cohorts" for name, value in others.items() if value is not None]
    if samplesheet is not None and words:
        problems.append("--samplesheet and --reads exclude each other")
    problems += [f"--reads {w} names no sample; write SAMPLE={w}" for w in words if not is_named(w)]
    return problems


def is_named(word: str) -> bool:
    """Whether a value of --reads is SAMPLE=FILE rather than a file."""
    return "=" in word and not Path(word).exists()


def _named_reads(words: Sequence[str], platform: str) -> list[SampleReads]:
    files: dict[str, list[Path]] = {}
    for word in words:
        name, _, file = word.partition("=")
        if not name or not file:
            raise DeepcohortError(f"--reads {word} is not SAMPLE=FILE")
        files.setdefault(name, []).append(Path(file))
    return [SampleReads(name, tuple(paths), platform) for name, paths in files.items()]


def _listed_reads(path: Path) -> list[SampleReads]:
    sheet = read_samplesheet(path, None, Path.cwd())
    if sheet.problems:
        raise InputProblems([f"{path}: {problem}" for problem in sheet.problems])
    return [_reads_of(sample, path) for sample in sheet.samples]


def _reads_of(sample: Sample, sheet: Path) -> SampleReads:
    if sample.lanes:
        raise DeepcohortError(
            f"{sheet}: {sample.sample} has reads that are not aligned; give its BAM or CRAM"
        )
    return SampleReads(sample.sample, sample.reads, sample.platform)


def _checked(segments: Iterable[Segment], reader: VcfTextReader) -> Iterable[Segment]:
    order = ContigOrder(reader.path, reader.header.contig_lengths)
    for segment in segments:
        order.check(segment)
        yield segment


def run(request: CohortRequest) -> FilterSummary:
    """Score and filter.

    Raises:
        DeepcohortError: unreadable inputs, samples without reads.
    """
    reader = VcfTextReader(request.vcf)
    header = reader.header
    reader.close()
    check_declarations(header.lines, request.vcf, whole=True)
    samples = _samples(request, header.samples)
    load = partial(_load, request.model, request.device)
    platforms = sorted({sample.platform for sample in samples if sample.files})
    names = " and ".join(f"{p.name} {p.version}" for p in map(load, platforms))
    head, config = _head(request, [load(platform) for platform in platforms])
    inputs = CohortInputs(request.reference, samples, load, config, head)
    about = f"deepcohort {names}" + (f", {AS_TRAINED}" if head is not None else "")
    regions = chosen_regions(request.reference, (), request.regions)
    wanted = _to_be_read(request, header, regions)
    segments = _checked(segments_of(request.vcf, wanted, checked=True, repeats=False), reader)
    if request.config.sensitivity is None and request.config.fdr is None:
        return filter_cohort(segments, header, request.output, inputs, about, request.threads, regions)
    with scratch_folder(".tmp-filter-", request.output.parent) as folder:
        scored = folder / "scored.vcf.gz"
        filter_cohort(segments, header, scored, inputs, about, request.threads)
        return filter_scored(scored, request.output, request.config)


def _head(
    request: CohortRequest, predictors: Sequence[LazyPredictor]
) -> tuple[CallerClassifier | None, FilterConfig]:
    """The trained filter, if one was given, and the settings with its thresholds.

    Raises:
        DeepcohortError: it was trained on another network, or on annotations: a cohort's are of all samples.
    """
    config = request.config
    if request.trained is None:
        return None, config
    head = load_head(request.trained)
    for predictor in predictors:
        check_head(head, predictor)
    if head.annotations.names:
        raise DeepcohortError(
            f"filter {head.path} looks at the caller's annotations, and a cohort's are of all samples "
            "together; train one for cohorts: --train with --no-annotations"
        )
    told = (config.snp_threshold, config.indel_threshold)
    own = (head.snp_threshold, head.indel_threshold)
    snp, indel = (b if a is None else a for a, b in zip(told, own, strict=True))
    return head, replace(config, snp_threshold=snp, indel_threshold=indel)


def _samples(request: CohortRequest, names: Sequence[str]) -> tuple[SampleReads, ...]:
    """Reads of each sample of the VCF; no files where it has none and may have none."""
    sheet = request.samplesheet
    reads = _named_reads(request.reads, request.platform) if sheet is None else _listed_reads(sheet)
    by_name = {r.sample: r for r in reads}
    check_samples(
        request.vcf, names, by_name, "--reads" if sheet is None else str(sheet), request.may_lack_reads
    )
    return tuple(by_name.get(name, SampleReads(name, (), request.platform)) for name in names)


def _to_be_read(
    request: CohortRequest, header: VcfHeader, regions: Sequence[Region] | None
) -> list[Region] | None:
    if regions is None:
        return None
    with ReferenceFasta(request.reference) as fasta:
        lengths = {**header.contig_lengths, **fasta.contig_lengths}
    return in_order(to_be_read(regions, lengths), lengths)


def unread_note(request: CohortRequest) -> str:
    """One line about samples of the VCF whose reads were not given, or nothing."""
    names = VcfTextReader(request.vcf).header.samples
    absent = [s.sample for s in _samples(request, names) if not s.files]
    if not absent:
        return ""
    return (
        f"{len(absent)} of {len(names)} samples have no reads here ({named(absent)}): their genotypes get no "
        "score, and alleles that only they carry none (INFO/DC_UNSCORED counts such carriers)"
    )


def _load(model: str, device: str, platform: str) -> LazyPredictor:
    return load_predictor(model, platform, device)
