"""From the options of `deepcohort call` to a job: everything that can be wrong with them, at once."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from deepcohort.calls.config import CallsConfig
from deepcohort.calls.ploidy import PloidyMap, make_ploidy_map
from deepcohort.calls.single_reads import single_read_quals
from deepcohort.candidates.config import CandidatesConfig, candidates_for
from deepcohort.candidates.repeat_stutter import times
from deepcohort.candidates.sample import SampleSettings
from deepcohort.cohort.io import padded, read_header
from deepcohort.compose.call_shard import features_for, novel_in, sample_chunks
from deepcohort.compose.job import CallJob, ShardConfig, job_for
from deepcohort.compose.library_doubts import library_doubts, slips_told, wrong_platform
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta, check_contig_names
from deepcohort.core.names import name_problem
from deepcohort.core.paths import is_remote
from deepcohort.core.region import Region, intersect, merge_regions, parse_region
from deepcohort.formats.bed import read_bed
from deepcohort.known.config import KnownConfig
from deepcohort.known.io_known import KnownSites
from deepcohort.known.io_panel import PanelSites
from deepcohort.model.load import CascadePredictor, load_predictor
from deepcohort.model.novelty import novelty
from deepcohort.model.types import DEVICES
from deepcohort.paralogs.io_table import read_table
from deepcohort.paralogs.load import PLATFORM, links_beside
from deepcohort.paralogs.types import Links
from deepcohort.phase.config import PhaseConfig
from deepcohort.reads.checksums import other_sequences
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import ReadGroups, groups_of_sample, samples_of
from deepcohort.reads.libraries import LEAST_READS, library_line
from deepcohort.reads.library import library_text
from deepcohort.reads.load import open_reads
from deepcohort.reads.long_qualities import MANY_ERRORS, times_usual
from deepcohort.reads.profile import profile_of
from deepcohort.reads.sex import SexEvidence, has_sex_contig, mapped_share, sex_of_reads
from deepcohort.reads.types import LibraryProfile

T = TypeVar("T")
PLATFORMS = ("illumina", "hifi", "ont")
_CUDA_BATCH_EXAMPLES = 8_192
_WARN_CONTAMINATION = 0.01  # share of another person's reads that is warned of
PANEL_KEY = "deepcohort_panel"
_CHEAP_BP = 5_000_000  # contigs whose sequence is always held against @SQ M5


@dataclass(frozen=True, slots=True)
class CallRequest:
    """The options of `deepcohort call`, as given."""

    reads: tuple[Path, ...]
    reference: Path
    gvcf: Path | None = None
    vcf: Path | None = None
    region: tuple[str, ...] = ()
    regions: Path | None = None
    padding: int = 0
    sample: str = ""
    platform: str = "illumina"
    model: str = "auto"
    device: str = "auto"
    cascade: bool = True
    paralogs: Path | None = None
    place_paralogs: bool = True
    alleles: Path | None = None
    alleles_only: bool = False
    second_look: bool = False
    panel: Path | None = None
    panel_population: str = ""
    sex: str = "auto"
    ploidy: int = 2
    ploidy_bed: Path | None = None
    min_homref_gq: int = CallsConfig().min_homref_gq
    low_qual: float = CallsConfig().low_qual
    single_read_qual: float | None = None
    phase: bool = True
    min_phase_quality: int = PhaseConfig().min_quality_phred
    phase_evidence: Path | None = None
    haplotag: Path | None = None
    max_depth: int | None = None
    contamination: float | None = None  # share of the reads; None: as measured
    threads: int = 1
    profile_stages: bool = False
    profile_json: Path | None = None
    quiet: bool = False
    # of the sample, by the process that started this one: settings, header notes, what the panel lacks
    known: tuple[ReadsConfig, tuple[str, ...], float] | None = None


class _Problems:
    """Collects what is wrong instead of stopping at the first."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def attempt(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except DeepcohortError as error:
            self.lines += str(error).splitlines()
            return None

    def add(self, line: str) -> None:
        self.lines.append(line)

    def raise_if_any(self) -> None:
        if self.lines:
            raise InputProblems(list(dict.fromkeys(self.lines)))


def _check_outputs(request: CallRequest, problems: _Problems) -> None:
    outputs = [path for path in (request.gvcf, request.vcf) if path is not None]
    evidence = request.phase_evidence
    if evidence is not None and not (request.phase and not request.second_look):
        problems.add("--phase-evidence is for phasing; leave out --no-phase and --second-look")
    if evidence is not None and evidence.suffix != ".npz":
        problems.add(f"phase evidence {evidence} must end in .npz")
    if request.haplotag is not None:
        if evidence is not None or not request.phase or request.second_look:
            problems.add(
                "--haplotag is by phased calls; leave out --no-phase, --phase-evidence, --second-look"
            )
        if request.haplotag.suffix not in (".bam", ".cram"):
            problems.add(f"--haplotag {request.haplotag} must end in .bam or .cram")
    if not outputs:
        problems.add("nothing to write; give --gvcf, --vcf or both")
    if len(outputs) == 2 and outputs[0] == outputs[1]:
        problems.add(f"--gvcf and --vcf both name {outputs[0]}; give each its own file")
    for path in outputs:
        if not path.name.endswith(".gz"):
            problems.add(f"output {path} must end in .gz (it is bgzipped and indexed)")
        if not path.parent.is_dir():
            problems.add(f"output folder {path.parent} does not exist; make it first")


def _check_words(request: CallRequest, problems: _Problems) -> None:
    if request.platform not in PLATFORMS:
        problems.add(f"platform '{request.platform}' is unknown; choose from {', '.join(PLATFORMS)}")
    if request.contamination is not None and not 0 <= request.contamination < 0.5:
        problems.add(
            f"--contamination {request.contamination:g} is out of range; "
            "give a share of the reads, 0 to below 0.5"
        )
    if request.device not in DEVICES:
        problems.add(f"device '{request.device}' is unknown; choose from {', '.join(DEVICES)}")
    if request.padding and request.regions is None:
        problems.add("--padding is around the intervals of --regions; give these too")
    if request.paralogs is not None and not request.place_paralogs:
        problems.add("--paralogs and --no-place-paralogs exclude each other")
    elif request.paralogs is not None and not request.paralogs.exists():
        problems.add(f"table of paralogs {request.paralogs} does not exist; check --paralogs")
    if request.sample and (why := name_problem(request.sample)):
        problems.add(f"--sample {request.sample[:40]!r} {why}; choose another")


def chosen_regions(
    contig_lengths: dict[str, int], texts: Sequence[str], bed: Path | None, padding_bp: int = 0
) -> list[Region]:
    """Regions to call: of the texts, of the BED, what both hold where both are given, or every contig.

    `padding_bp`: so far around each interval of the BED, too.

    Raises:
        InputProblems: unknown contigs, malformed text, or nothing left.
    """
    problems = _Problems()
    wanted = [problems.attempt(partial(parse_region, text, contig_lengths)) for text in texts]
    listed = problems.attempt(lambda: read_bed(bed, contig_lengths).regions()) if bed is not None else None
    problems.raise_if_any()
    regions = merge_regions(region for region in wanted if region is not None)
    if listed is not None:
        listed = padded(listed, padding_bp, contig_lengths)
        regions = intersect(regions, listed) if texts else merge_regions(listed)
        if not regions:
            raise DeepcohortError(f"no region is left: --region and {bed} hold no base in common")
    elif not texts:
        regions = [Region(name, 0, length) for name, length in contig_lengths.items() if length]
    return regions


def _sample_name(request: CallRequest, names: Sequence[str]) -> str:
    if request.sample:
        return request.sample
    if len(names) == 1:
        if why := name_problem(names[0]):
            raise DeepcohortError(
                f"the reads' headers name a sample {names[0][:40]!r} that {why}; give --sample"
            )
        return names[0]
    told = f"several samples ({', '.join(names[:5])})" if names else "no sample name"
    raise DeepcohortError(f"the reads' headers give {told}; give --sample")


@dataclass(slots=True)
class _Sample:
    """What inputs say of the sample: regions to call, name, ploidy, header notes, remarks for the user."""

    regions: list[Region]
    name: str
    ploidy: PloidyMap
    paralogs: Links
    notes: tuple[str, ...]
    remarks: list[str]


def _look_at_inputs(request: CallRequest, config: ReadsConfig, problems: _Problems) -> _Sample:
    """Read headers, tables and BEDs; what is wrong is added to `problems`."""
    found = _Sample([], "", PloidyMap(), {}, (), [])
    lengths = problems.attempt(lambda: _contig_lengths(request.reference))
    if lengths is None:
        return found
    found.regions = (
        problems.attempt(lambda: chosen_regions(lengths, request.region, request.regions, request.padding))
        or []
    )
    sex, found.notes = sex_and_note(request, lengths, found.regions, found.remarks)
    mapped = mapped_share(request.reads)
    if mapped is not None:
        found.notes = (f"deepcohort_reads=Mapped={mapped:.4f}", *found.notes)
    ploidy = problems.attempt(lambda: make_ploidy_map(lengths, sex, request.ploidy_bed, request.ploidy))
    found.ploidy = ploidy or PloidyMap()
    held = problems.attempt(lambda: _read_groups(request, config, found.regions, found.remarks)) or []
    found.paralogs = problems.attempt(lambda: _paralogs(request, lengths)) or {}
    problems.attempt(lambda: _check_alleles(request, lengths, found.regions))
    found.notes += problems.attempt(lambda: _panel_note(request, lengths, found.regions)) or ()
    if held:
        names = sorted({name for _, groups in held for name in samples_of(groups)})
        found.name = problems.attempt(lambda: _sample_name(request, names)) or ""
        found.remarks += (problems.attempt(lambda: groups_of_sample(held, found.name)) or ([], []))[1]
    return found


def _load_model(request: CallRequest, problems: _Problems) -> CascadePredictor | None:
    if request.platform not in PLATFORMS or request.device not in DEVICES:
        return None
    return problems.attempt(
        lambda: load_predictor(
            request.model, request.platform, request.device, request.cascade, request.threads
        )
    )


def make_job(request: CallRequest) -> tuple[CallJob, CascadePredictor]:
    """The job and the loaded model.

    Raises:
        InputProblems: everything that is wrong with the options and inputs, one line each.
    """
    problems = _Problems()
    _check_outputs(request, problems)
    _check_words(request, problems)
    reads_config = ReadsConfig()
    if request.max_depth is not None:
        reads_config = replace(reads_config, max_depth=request.max_depth)
    sample = _look_at_inputs(request, reads_config, problems)
    predictor = _load_model(request, problems)
    problems.raise_if_any()
    assert predictor is not None
    windows: list[Region] = []
    if request.known is None:
        own = replace(reads_config, sample=sample.name)
        reads_config, windows = profile_of(request.reads, request.reference, own)
    else:
        reads_config = request.known[0]
    job = _with_options(
        job_for(
            request.reads, request.reference, sample.regions,
            SampleSettings.for_library(request.platform, reads_config), sample.paralogs, predictor.config,
            sample.name, request.gvcf,
        ),
        request,
        sample,
        predictor,
    )  # fmt: skip
    if request.known is not None:
        return replace(job, notes=request.known[1], panel_novel=request.known[2]), predictor
    if request.second_look:  # its records go into a file that has the notes
        return job, predictor
    return _with_notes(job, predictor, windows, sample.notes), predictor


def _with_options(
    job: CallJob, request: CallRequest, sample: _Sample, predictor: CascadePredictor
) -> CallJob:
    """`job` with what was asked for beside the reads."""
    shard_config = ShardConfig(threads=request.threads)
    if predictor.device == "cuda":
        shard_config = replace(shard_config, batch_examples=_CUDA_BATCH_EXAMPLES, waiting_bases=200_000_000)
    return replace(
        job,
        vcf=request.vcf,
        ploidy=sample.ploidy,
        calls_config=calls_config(request, predictor.platform, job.reads_config.library),
        shard_config=shard_config,
        remarks=tuple(sample.remarks),
        alleles=request.alleles,
        alleles_only=request.alleles_only,
        second_look=request.second_look,
        panel=request.panel,
        panel_population=request.panel_population,
        phase=_phase_config(request),
        phase_evidence=request.phase_evidence,
    )


def _slips(candidates: CandidatesConfig, platform: str) -> float:
    return times(candidates.slips, candidates_for(platform).slips)


def sex_and_note(
    request: CallRequest, lengths: dict[str, int], regions: Sequence[Region], remarks: list[str]
) -> tuple[str, tuple[str, ...]]:
    """Sex to call with, and the header's note on it; adds to `remarks` where it is not as asked for."""
    if not has_sex_contig(lengths):
        return "NA" if request.sex == "auto" else request.sex, ()
    if request.sex != "auto":
        return request.sex, (f"deepcohort_sex={SexEvidence(request.sex).note('option')}",)
    if any(is_remote(path) for path in request.reads):
        found = SexEvidence("NA", why="reads at URLs are not counted")
    else:
        try:
            headers = [read_header(path, request.reference) for path in request.reads]
        except DeepcohortError:  # told where the reads are opened
            return "NA", ()
        if any(len(samples_of(header.groups)) > 1 for header in headers):
            found = SexEvidence("NA", why="a file holds the reads of several samples")
        else:
            found = sex_of_reads(request.reads, [header.contigs for header in headers])
    if request.ploidy_bed is None and has_sex_contig([region.contig for region in regions]):
        remarks.append(found.told())
    return found.sex, (f"deepcohort_sex={found.note()}",)


def calls_config(request: CallRequest, platform: str, library: LibraryProfile) -> CallsConfig:
    """Thresholds for a sample of that platform and library; what the user gave stands.

    A single read of qualities that had to be changed is never taken on trust: they do not say which of the
    library's bases are wrong. Where copies vote, the vote does.
    """
    given, told = request.contamination, library.contamination
    is_honest = library.drops_copies or not (library.lowered or library.raised)
    snp, indel = single_read_quals(platform, library.depth, is_honest)
    if request.single_read_qual is not None:
        snp = indel = request.single_read_qual
    return CallsConfig(
        single_read_qual=snp,
        single_read_indel_qual=indel,
        min_homref_gq=request.min_homref_gq,
        low_qual=request.low_qual,
        contamination=told if given is None else given,
    )


def _phase_config(request: CallRequest) -> PhaseConfig | None:
    """How to phase; not at all in a second look, whose records go beside phased ones."""
    if not request.phase or request.second_look:
        return None
    return PhaseConfig(min_quality_phred=request.min_phase_quality)


def _with_notes(
    job: CallJob,
    predictor: CascadePredictor,
    windows: list[Region],
    more: tuple[str, ...] = (),
) -> CallJob:
    """`job` with what is to be said of its sample: the library, and how unlike the training data it is.

    Both come from the same windows whatever is called, so that all shards say the same.
    """
    chunks = sample_chunks(job, windows)
    known = novelty(features_for(chunks), *predictor.limits, predictor.platform)
    if known.is_alarming:
        print(f"deepcohort: warning: {job.sample}: {known.line(predictor.name)}", file=sys.stderr)
    reads = job.reads_config
    slips = _slips(job.candidates_config, predictor.platform)
    library = f"{library_text(reads.library)};Slips={slips:.1f}"
    slipping = slips_told(slips, job.candidates_config.by_place)
    wrong = times_usual(predictor.platform, reads.library)
    if wrong >= MANY_ERRORS:
        library += f";Errors={wrong:.1f}"
        print(
            f"deepcohort: warning: {job.sample}: bases of the reads are wrong {wrong:.1f} times as often as "
            f"those of the usual {predictor.platform} run; mistrust indels, compare the calls with truth",
            file=sys.stderr,
        )
    doubt = wrong_platform(predictor.platform, reads)
    library += f";WrongPlatform={doubt.word}" if doubt else ""
    doubts = [doubt.told if doubt else None, slipping, *library_doubts(reads.library)]
    for told in filter(None, doubts):
        print(f"deepcohort: warning: {job.sample}: {told}", file=sys.stderr)
    library += ";RunsByQuality=yes" if job.candidates_config.by_place else ""
    library += _contamination_note(job)
    library += ";EndsClipped=yes" if reads.clips_some_ends else ""
    library += ";UnalignedLaid=yes" if reads.lays_unaligned else ""
    notes = (
        f"deepcohort_library={library}",
        f"deepcohort_unlike_training=Sites={known.n_sites};Outside={known.outside:.4f};"
        f"Strangest={known.strangest or 'none'};StrangestShare={known.strangest_share:.3f};"
        f"Alarm={'yes' if known.is_alarming or doubt or slipping else 'no'}",
    )
    if job.panel is not None:
        share, n = novel_in(chunks, job.known_config)
        job = replace(job, panel_novel=share)
        more = tuple(
            f"{line};NovelShare={share:.3f};SureSNPs={n}" if line.startswith(PANEL_KEY) else line
            for line in more
        )
    return replace(job, notes=(*notes, *_library_notes(job, predictor, windows), *more))


def _contamination_note(job: CallJob) -> str:
    """What the header says of a share of another person's reads that is given; warns of a measured one."""
    measured, used = job.reads_config.library.contamination, job.calls_config.contamination
    if used != measured:
        return f";ContaminationGiven={used:.4f}"
    if measured >= _WARN_CONTAMINATION:
        print(
            f"deepcohort: warning: {job.sample}: about {100 * measured:.1f} % of the reads are another "
            "person's; genotypes allow for it; where the share is known, give --contamination (0: none)",
            file=sys.stderr,
        )
    return ""


def _library_notes(job: CallJob, predictor: CascadePredictor, windows: list[Region]) -> list[str]:
    """A note on each library of a sample that has several, and whether it alone is unlike training."""
    notes, platform, reads = [], predictor.platform, job.reads_config
    for one in reads.libraries:
        alone = replace(reads, library=one.profile, clips_ends=one.clips_ends, libraries=(), only=one.key)
        settings = SampleSettings.for_library(platform, alone)
        slips = _slips(settings.candidates, platform)
        slipping = slips_told(slips, settings.candidates.by_place)
        facts = {"Slips": f"{slips:.1f}"}
        facts |= {"RunsByQuality": "yes"} if settings.candidates.by_place else {}
        if one.profile.n_reads >= LEAST_READS:
            own = replace(job, reads_config=alone, candidates_config=settings.candidates)
            known = novelty(features_for(sample_chunks(own, windows)), *predictor.limits, platform)
            facts["Alarm"] = "yes" if known.is_alarming or slipping else "no"
            for told in filter(None, [known.line(predictor.name) if known.is_alarming else None, slipping]):
                print(f"deepcohort: warning: {job.sample}, library {one.name}: {told}", file=sys.stderr)
        notes.append(f"deepcohort_library={library_line(one, reads.library.n_reads, facts)}")
    return notes


def _paralogs(request: CallRequest, lengths: dict[str, int]) -> Links:
    """The table given, or the one beside the reference; long reads find their copy by themselves."""
    if not request.place_paralogs or request.platform != PLATFORM:
        return {}
    if request.paralogs is not None:
        return read_table(request.paralogs, lengths)
    return links_beside(request.reference, request.platform)


def _check_alleles(request: CallRequest, lengths: dict[str, int], regions: Sequence[Region]) -> None:
    """See that the file of alleles can be used; the first alleles of the regions are held against REF."""
    if request.alleles is None:
        if request.alleles_only:
            option = "--second-look" if request.second_look else "--alleles-only"
            raise DeepcohortError(f"{option} needs alleles; give --alleles")
        return
    sites = KnownSites(request.alleles, lengths, "--alleles")
    try:
        with ReferenceFasta(request.reference) as fasta:
            sites.check_first(regions, fasta)
    finally:
        sites.close()


def _panel_note(request: CallRequest, lengths: dict[str, int], regions: Sequence[Region]) -> tuple[str, ...]:
    """See that the panel can be used; the header's note on it."""
    if request.panel is None:
        if request.panel_population:
            raise DeepcohortError("--panel-population needs a panel; give --panel")
        return ()
    if request.second_look:
        raise DeepcohortError(
            "--panel and --second-look exclude each other: a look takes likelihoods of the reads alone; "
            "leave --panel out"
        )
    sites = PanelSites(request.panel, lengths, request.panel_population)
    try:
        with ReferenceFasta(request.reference) as fasta:
            sites.check_first(regions, fasta)
        strength = KnownConfig().panel_strength
        file = request.panel.name
        return (f"{PANEL_KEY}=File={file};Frequencies={sites.keys.text};Strength={strength:g}",)
    finally:
        sites.close()


def _contig_lengths(reference: Path) -> dict[str, int]:
    with ReferenceFasta(reference) as fasta:
        check_contig_names(reference, fasta.contig_lengths)
        return fasta.contig_lengths


def _read_groups(
    request: CallRequest, config: ReadsConfig, regions: Sequence[Region], remarks: list[str]
) -> list[tuple[str, ReadGroups]]:
    """Read groups of each file of reads, which all belong to the reference; adds to `remarks`."""
    called_bp: dict[str, int] = {}
    for region in regions:
        called_bp[region.contig] = called_bp.get(region.contig, 0) + len(region)
    with open_reads(request.reads, request.reference, config) as source:
        # reading a contig takes 5 ms per Mb: too long for a small part of it
        cheap = [
            contig
            for contig, bp in called_bp.items()
            if source.contig_lengths.get(contig, 0) <= max(_CHEAP_BP, 10 * bp)
        ]
        for path, checksums in zip(request.reads, source.checksums, strict=True):
            problems, odd = other_sequences(path, checksums, request.reference, cheap)
            if problems:
                raise InputProblems(problems)
            remarks += odd
        return list(zip(map(str, request.reads), source.read_groups, strict=True))
