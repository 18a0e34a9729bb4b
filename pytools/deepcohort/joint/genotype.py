"""gVCFs of a cohort to one VCF: windows streamed one after another."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.names import name_problem
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.progress import track
from deepcohort.core.region import Region, merge_regions
from deepcohort.formats.bgzf import BgzfWriter
from deepcohort.formats.vcf_header import region_lines
from deepcohort.joint import columns as c
from deepcohort.joint.config import JointConfig
from deepcohort.joint.coverage import uneven_coverage
from deepcohort.joint.emit_kernels import SiteTexts, emit_sites
from deepcohort.joint.evidence_kernels import (
    MAX_VARIANT_RECORDS,
    SitePlaces,
    WindowRecords,
    mark_deleted_sites,
    sweep_sample,
)
from deepcohort.joint.family_kernels import Kinship
from deepcohort.joint.genotype_kernels import Evidence, Limits
from deepcohort.joint.header import header_text
from deepcohort.joint.io_gvcf import (
    GvcfHeader,
    GvcfIndex,
    GvcfStream,
    check_has_blocks,
    index_vcf,
    read_header,
)
from deepcohort.joint.io_parts import MANIFEST, PartsWriter, StoredCohort, cut_at, open_stores, write_manifest
from deepcohort.joint.io_store import StoreWriter
from deepcohort.joint.left_out import LeftOut
from deepcohort.joint.pedigree import (
    EMPTY_PEDIGREE,
    Pedigree,
    kinship_of,
    lineage_of,
    merge_pedigrees,
    unmatched,
)
from deepcohort.joint.phase import PhasedLines, Phasing
from deepcohort.joint.ploidy import expected_ploidy, sex_chromosome
from deepcohort.joint.sites import Sites, merge_alleles
from deepcohort.joint.window import CohortRecords, GvcfSource, Reach, RecordBatch, ReferenceBases, gather

_BUFFER_BYTES = 4 << 20
_LEAST_CONTEXTS = 4  # windows that are read wider are this many times as wide as what is read beside them


@dataclass(frozen=True, slots=True)
class GenotypeSummary:
    """What was done: samples, sites written, bp of reference covered, and what to warn of."""

    n_samples: int
    n_sites: int
    n_bp: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Cohort:
    """Everything that stays the same from window to window."""

    labels: list[str]
    samples: list[str]
    order: NDArray[np.int64] | None
    sexes: list[str]
    names: NDArray[np.uint8]
    name_offsets: NDArray[np.int64]
    kin: Kinship
    phasing: Phasing


def genotype_cohort(
    gvcfs: Sequence[str | Path],
    reference: str | Path,
    output: str | Path | None,
    regions: Sequence[Region] | None = None,
    pedigree: Pedigree = EMPTY_PEDIGREE,
    sexes: dict[str, str] | None = None,
    config: JointConfig | None = None,
    quiet: bool = False,
    stores: Sequence[str | Path] = (),
    save_store: str | Path | None = None,
    shards: Sequence[tuple[str, Sequence[Region]]] = (),
    sort_samples: bool = False,
) -> GenotypeSummary:
    """Genotype the samples of `stores` and `gvcfs` jointly; writes `output` (bgzip) and its index.

    Args:
        gvcfs: one bgzipped, indexed gVCF per sample; the columns are the samples of `stores`, then these.
        output: cohort VCF; None = only `save_store`.
        regions: where sites may start; None = all contigs, or those of the first store. How they are
            cut changes nothing.
        pedigree: families, and sexes where `sexes` is silent; of samples that it does not name, what the
            stores were made with counts.
        sexes: sample -> "XX" or "XY".
        stores: cohorts that an earlier call saved; the result is that of their gVCFs.
        save_store: file to keep the records of all samples in; with `shards` a folder of such files.
        shards: name and regions of each part of `save_store`; they take the place of `regions`.
        sort_samples: columns by name, so that the result does not depend on which samples came first.

    Raises:
        DeepcohortError: input that cannot be used; nothing is written then.
    """
    config = config or JointConfig()
    paths = [Path(path) for path in gvcfs]
    _check_asked(bool(paths or stores), output is not None or save_store is not None)
    with ReferenceFasta(reference) as fasta:
        kept = open_stores(stores)
        headers = check_inputs(paths, fasta, kept)
        if shards:
            regions = [region for _, part in shards for region in part]
        wanted = wanted_regions(regions, kept, fasta)
        for store in kept:
            store.check_regions(wanted, config.max_shift_bp)
        samples = [*(name for store in kept for name in store.samples), *(h.sample for h in headers)]
        strangers = unmatched(pedigree, sexes or {}, samples)
        pedigree = merge_pedigrees([store.pedigree for store in kept], pedigree)
        sources = _sources(paths, headers, kept)
        labels = [name for s in sources for name in s.labels]
        has_phase = any("PS" in h.formats for h in headers) or any(store.has_phase for store in kept)
        cohort = _describe(labels, samples, pedigree, sexes or {}, sort_samples)
        beside_bp = min([config.phase_context_bp, *(s.beside_bp(config.max_shift_bp) for s in kept)])
        cohort = replace(cohort, phasing=_phasing(cohort.samples, pedigree, has_phase, beside_bp, config))
        reach = Reach(beside_bp if save_store is not None else cohort.phasing.context_bp, config.max_shift_bp)
        parts = _parts(save_store, shards, wanted, fasta)
        edges = [region for store in kept for region in store.regions]
        uncut = list(cut_at(wanted, edges + [region for _, part in parts for region in part]))
        windows = list(cut_windows(uncut, len(samples), config, cohort.phasing.context_bp))
        stored_pedigree = _with_sexes(pedigree, sexes or {})

        def make(path: Path, part: Sequence[Region]) -> StoreWriter:
            return StoreWriter(
                path, samples, fasta.contig_lengths, part, reach.right_bp, stored_pedigree, reach.left_bp,
                has_phase,
            )  # fmt: skip

        left_out = LeftOut()
        read = read_windows(windows, sources, fasta, config, quiet, reach)
        header = _Header(fasta, wanted, Path(reference).name)
        n_sites = _write_cohort(read, output, parts, make, cohort, header, config, left_out)
    if shards and save_store is not None:
        write_manifest([path for path, _ in parts], Path(save_store) / MANIFEST)
    stated = [(path, header.regions) for path, header in zip(paths, headers, strict=True)]
    warnings = [
        *strangers,
        *_without_phase(cohort.phasing, kept, config),
        *uneven_coverage(stated, wanted),
        *left_out.warnings(),
    ]
    return GenotypeSummary(len(samples), n_sites, sum(len(region) for region in wanted), tuple(warnings))


def _check_asked(has_input: bool, has_output: bool) -> None:
    """Raises DeepcohortError where there is nothing to read or to write."""
    if not has_input:
        raise DeepcohortError("no gVCF given; use --gvcf (once per sample), --gvcf-list or --cohort")
    if not has_output:
        raise DeepcohortError("nothing to write; give --output, --save-cohort or both")


def _sources(
    paths: Sequence[Path], headers: Sequence[GvcfHeader], kept: Sequence[StoredCohort]
) -> list[StoredCohort | GvcfSource]:
    """The stored cohorts, then the gVCFs of `paths` with their `headers`, opened."""
    streams = [
        GvcfSource(GvcfStream(path, GvcfIndex(path)), header.contigs, header.regions)
        for path, header in zip(paths, headers, strict=True)
    ]
    return [*kept, *streams]


class _Header(NamedTuple):
    """What the header of a cohort VCF tells beside its samples."""

    fasta: ReferenceFasta
    wanted: Sequence[Region]
    reference_name: str

    def text(self, cohort: _Cohort, config: JointConfig) -> str:
        """The header's text."""
        extra = (*region_lines(self.wanted),)
        lengths, is_phased = self.fasta.contig_lengths, cohort.phasing.is_on
        return header_text(lengths, cohort.samples, extra, self.reference_name, config, is_phased)


def _write_cohort(
    read: Iterable[tuple[Region, list[RecordBatch], ReferenceBases]],
    output: str | Path | None,
    parts: Sequence[tuple[Path, list[Region]]],
    make: Callable[[Path, Sequence[Region]], StoreWriter],
    cohort: _Cohort,
    header: _Header,
    config: JointConfig,
    left_out: LeftOut,
) -> int:
    """Write the cohort VCF, if asked for, and `parts` of a store by `make`; number of sites."""
    n_sites, fasta = 0, header.fasta
    finals = [*([output] if output is not None else []), *(path for path, _ in parts)]
    with atomic_outputs(*finals, partners=(".tbi", ".csi")) as temporaries, ExitStack() as stack:
        writer = stack.enter_context(BgzfWriter(temporaries[0])) if output is not None else None
        saver = None
        if parts:
            hidden = temporaries[-len(parts) :]
            saver = PartsWriter([(h, p) for h, (_, p) in zip(hidden, parts, strict=True)], make)
            stack.callback(saver.abort)
        if writer is not None:
            writer.write(header.text(cohort, config).encode())
        for window, batches, bases in read:
            if saver is not None:
                saver.add(window, batches)
            if writer is not None:
                for text, written in _genotype_window(
                    batches, cohort, fasta, window, config, bases, left_out
                ):
                    writer.write(text)
                    n_sites += written
        if writer is not None:
            writer.close()
            index_vcf(temporaries[0], max(fasta.contig_lengths.values()))
    return n_sites


def _parts(
    save_store: str | Path | None,
    shards: Sequence[tuple[str, Sequence[Region]]],
    wanted: list[Region],
    fasta: ReferenceFasta,
) -> list[tuple[Path, list[Region]]]:
    """Files of the store to be written, and the regions of each in the reference's order.

    Raises:
        DeepcohortError: shards that overlap, or do not follow each other along the genome.
    """
    if save_store is None:
        return []
    if not shards:
        return [(Path(save_store), wanted)]
    order = {name: i for i, name in enumerate(fasta.contig_lengths)}
    parts = [(Path(save_store) / f"{name}.store", wanted_regions(part, [], fasta)) for name, part in shards]
    parts.sort(key=lambda part: (order[part[1][0].contig], part[1][0].start))
    for (path, one), (other, two) in pairwise(parts):
        if (order[one[-1].contig], one[-1].end) > (order[two[0].contig], two[0].start):
            raise DeepcohortError(
                f"shards {path.stem} and {other.stem} overlap at {two[0]}, or one lies between regions of "
                "the other; let each hold a stretch of its own (deepcohort shard does)"
            )
    Path(save_store).mkdir(parents=True, exist_ok=True)
    return parts


def _with_sexes(pedigree: Pedigree, sexes: dict[str, str]) -> Pedigree:
    """`pedigree` with the sexes that were given beside it."""
    return Pedigree(pedigree.parents, {**pedigree.sex, **sexes}, pedigree.family)


def wanted_regions(
    regions: Sequence[Region] | None, stores: Sequence[StoredCohort], fasta: ReferenceFasta
) -> list[Region]:
    """Regions to genotype, merged and in the reference's order."""
    if regions is None:
        if stores:
            regions = stores[0].regions
        else:
            regions = [Region(name, 0, length) for name, length in fasta.contig_lengths.items()]
    order = {name: i for i, name in enumerate(fasta.contig_lengths)}
    return sorted(merge_regions(regions), key=lambda r: (order[r.contig], r.start))


def read_windows(
    windows: Sequence[Region],
    sources: Sequence[StoredCohort | GvcfSource],
    fasta: ReferenceFasta,
    config: JointConfig,
    quiet: bool,
    reach: Reach | None = None,
) -> Iterator[tuple[Region, list[RecordBatch], ReferenceBases]]:
    """Each window with the records of all sources, and the reference around it."""
    reach = reach or Reach(0, config.max_shift_bp)
    previous: Region | None = None
    for window in track(windows, len(windows), "genotype", quiet):
        if previous is None or (previous.contig, previous.end) != (window.contig, window.start):
            for source in sources:
                source.seek(window.contig, max(0, window.start - reach.left_bp))
        previous = window
        bases = ReferenceBases.around(fasta, window, 4 * config.max_shift_bp + reach.left_bp)
        batches = [
            s.read(window, reach.right_bp, bases, reach.left_bp)
            if isinstance(s, GvcfSource)
            else s.read(window, *reach.within(s))
            for s in sources
        ]
        yield window, batches, bases


def cut_windows(
    regions: Sequence[Region], n_samples: int, config: JointConfig, context_bp: int = 0
) -> Iterator[Region]:
    """Regions cut into pieces of about `config.cells_per_window` samples x bp, wide beside `context_bp`."""
    width = max(4 * config.max_shift_bp, config.cells_per_window // n_samples, _LEAST_CONTEXTS * context_bp)
    for region in regions:
        for start in range(region.start, region.end, width):
            yield Region(region.contig, start, min(region.end, start + width))


def check_inputs(
    paths: Sequence[Path], fasta: ReferenceFasta, stores: Sequence[StoredCohort] = ()
) -> list[GvcfHeader]:
    """Headers of all gVCFs; they and `stores` are seen to fit together.

    Raises:
        InputProblems: every file that is unusable, a sample or file given twice, contigs that are not
            the reference's or stand in another order; all together, one line each.
    """
    headers = []
    problems: list[str] = []
    owner: dict[str, Path] = {}
    order = {name: i for i, name in enumerate(fasta.contig_lengths)}
    for store in stores:
        for name in store.samples:
            if name in owner:
                problems.append(f"sample {name} is given twice, by {owner[name]} and {store.path}; keep one")
            owner.setdefault(name, store.path)
        problems += _contig_problems(store.path, store.contigs, fasta, order)
    for path in paths:
        try:
            header = read_header(path)
        except DeepcohortError as error:
            problems.append(str(error))
            continue
        headers.append(header)
        why = name_problem(header.sample)
        if why:
            problems.append(
                f"{path}: the sample name {header.sample[:40]!r} {why}; rename it (bcftools reheader)"
            )
        try:
            check_has_blocks(path)
        except DeepcohortError as error:
            problems.append(str(error))
        if header.sample in owner:
            problems.append(
                f"sample {header.sample} is given twice, by {owner[header.sample]} and {path}; keep one"
            )
        owner.setdefault(header.sample, path)
        problems += _contig_problems(path, header.contigs, fasta, order)
    if problems:
        raise InputProblems(problems)
    return headers


def _contig_problems(
    path: Path, contigs: dict[str, int], fasta: ReferenceFasta, order: dict[str, int]
) -> list[str]:
    """What is wrong with a file's contigs, at most one line."""
    lengths = fasta.contig_lengths
    absent = [name for name in contigs if name not in lengths]
    shared = [name for name in contigs if name in lengths]
    if not contigs:
        return [f"{path} declares no contigs in its header; add them with bcftools reheader -f REF.fai"]
    if not shared:
        return [f"{path} shares no contig name with {fasta.path}; was it called on another reference?"]
    for name in shared:
        length = contigs[name]
        if length and length != lengths[name]:
            return [
                f"{path} has contig {name} of {length} bp, {fasta.path} of {lengths[name]} bp "
                f"({len(shared)} of {len(contigs)} names match); was it called on another reference?"
            ]
    if absent:
        return [
            f"{path} has {len(absent)} contigs that {fasta.path} lacks ({', '.join(absent[:3])}); "
            "was it called on another reference?"
        ]
    ranks = [order[name] for name in shared]
    if ranks != sorted(ranks):
        return [
            f"{path} lists its contigs in another order than {fasta.path}; sort it to that order "
            "(bcftools reheader, then bcftools sort)"
        ]
    return []


def _describe(
    labels: list[str], samples: list[str], pedigree: Pedigree, sexes: dict[str, str], sort: bool
) -> _Cohort:
    order = None
    if sort and samples != sorted(samples):
        order = np.array(sorted(range(len(samples)), key=lambda i: samples[i]), dtype=np.int64)
        labels, samples = ([names[i] for i in order] for names in (labels, samples))
    names = np.frombuffer("".join(samples).encode(), dtype=np.uint8)
    name_offsets = np.cumsum([0, *(len(name.encode()) for name in samples)]).astype(np.int64)
    sex = [sexes.get(name) or pedigree.sex.get(name, "") for name in samples]
    kin = kinship_of(pedigree, samples)
    return _Cohort(labels, samples, order, sex, names, name_offsets, kin, Phasing.off(len(samples)))


def _phasing(
    samples: list[str],
    pedigree: Pedigree,
    has_phase: bool,
    beside_bp: int,
    config: JointConfig,
) -> Phasing:
    """What can be phased of a cohort: nothing where no gVCF tells phase and nobody has a parent here."""
    lineage = lineage_of(pedigree, samples)
    if not config.phase or not (has_phase or len(lineage.trios)):
        return Phasing.off(len(samples))
    context_bp = beside_bp if len(lineage.trios) else 0
    reach_bp = context_bp // max(1, 2 * config.phase_rounds)
    return Phasing(True, lineage, context_bp, reach_bp, config.phase_rounds, config.phase_min_gq)


def _without_phase(phasing: Phasing, stores: Sequence[StoredCohort], config: JointConfig) -> list[str]:
    """A warning of stores that keep too little beside their regions to phase families there."""
    if not len(phasing.lineage.trios) or not config.phase:
        return []
    short = [s for s in stores if s.beside_bp(config.max_shift_bp) < config.phase_context_bp]
    return [
        f"stored cohort {store.path} keeps no phase: read blocks do not help to phase families; store its "
        "gVCFs again"
        for store in short[:1]
    ]


def _genotype_window(
    batches: list[RecordBatch],
    cohort: _Cohort,
    fasta: ReferenceFasta,
    window: Region,
    config: JointConfig,
    held: ReferenceBases,
    left_out: LeftOut,
) -> Iterator[tuple[bytes, int]]:
    """VCF lines of the sites whose POS lies in `window`, in pieces, with how many sites each holds."""
    if not config.respect_filter:
        for batch in batches:
            batch.records[:, c.FILTERED] = 0
    judged = window.padded(cohort.phasing.context_bp, fasta.contig_lengths[window.contig])
    records, bases, bases_start = gather(
        batches, cohort.labels, fasta, judged, config.max_shift_bp, cohort.order, held
    )
    batches.clear()  # copied: what they hold is not needed any more
    left_out.add(records, window)
    sites = merge_alleles(
        records.table, records.seq, records.records, records.allele_text, judged.start, judged.end
    )
    if not len(sites):
        return
    shape = (len(sites), len(cohort.samples))
    variant_of = np.empty((*shape, MAX_VARIANT_RECORDS), dtype=np.int32)
    block_of = np.empty(shape, dtype=np.int32)
    star = np.zeros(len(sites), dtype=np.bool_)
    mark_deleted_sites(records.table, sites.pos, star)
    places = SitePlaces(sites.pos, sites.ref_len, star)
    of_window = WindowRecords(records.records, records.numbers, records.table, records.primitive_offsets)
    for i in range(len(cohort.samples)):
        sweep_sample(
            of_window, records.sample_offsets[i], records.sample_offsets[i + 1], places, config.max_shift_bp,
            config.min_dp, variant_of[:, i], block_of[:, i],
        )  # fmt: skip
    yield from _emit(
        sites, records, cohort, window, config, variant_of, block_of, star, bases, bases_start,
        fasta.contig_lengths[window.contig],
    )  # fmt: skip


def _emit(
    sites: Sites,
    records: CohortRecords,
    cohort: _Cohort,
    window: Region,
    config: JointConfig,
    variant_of: NDArray[np.int32],
    block_of: NDArray[np.int32],
    star: NDArray[np.bool_],
    bases: NDArray[np.uint8],
    bases_start: int,
    contig_length: int,
) -> Iterator[tuple[bytes, int]]:
    prefix, prefix_offsets = _flat(site_prefixes(sites, window.contig, star, bases, bases_start))
    origin, origin_offsets = _flat([b",".join(found) for found in sites.origins])
    n_solid = np.array([len(alts) + 1 for alts in sites.alts], dtype=np.int32)
    star_of = np.where(star, n_solid, -1).astype(np.int32)
    is_snp = np.array(
        [n == 1 and all(len(a) == 1 for a in alts) for n, alts in zip(sites.ref_len, sites.alts, strict=True)]
    )
    ploidy = expected_ploidy(window.contig, contig_length, sites.pos, cohort.sexes)
    limits = limits_of(config, window.contig)
    evidence = Evidence(
        records.records, records.numbers, records.table, records.primitive_offsets, variant_of, block_of,
        sites.pos, n_solid + star, star_of, is_snp, ploidy,
    )  # fmt: skip
    texts = SiteTexts(prefix, prefix_offsets, origin, origin_offsets, cohort.names, cohort.name_offsets)
    out = np.empty(_BUFFER_BYTES, dtype=np.uint8)
    lines = PhasedLines(cohort.phasing, window, len(sites), limits.haploid_from_mother)
    site = n_before = 0
    while site < len(sites):
        used, reached, n_lines = emit_sites(
            site, evidence, texts, cohort.kin, limits, out, lines.calls, n_before
        )
        if reached == site:
            out = np.empty(2 * len(out), dtype=np.uint8)
            continue
        if cohort.phasing.is_on:
            lines.add(out[:used].copy(), n_lines)
        else:
            yield out[:used].tobytes(), n_lines
        site, n_before = reached, n_before + n_lines
    yield from lines.written()


def limits_of(config: JointConfig, contig: str) -> Limits:
    """The kernels' view of `config` on `contig`."""
    return Limits(
        prior_samples=config.prior_samples if config.population_prior else -1.0,
        inbreeding=config.inbreeding,
        ref_pseudo=config.ref_pseudo_count,
        alt_pseudo=config.alt_pseudo_count,
        min_frequency=config.min_frequency,
        read_phred=10.0 * math.log10((1.0 - config.reference_error) / config.reference_error),
        known_phred=config.known_phred if config.population_prior else -1.0,
        lone_phred=config.lone_phred,
        read_weight=config.read_weight,
        read_error=config.read_error,
        read_max_dp=config.read_max_dp,
        error_prior=config.error_prior,
        error_steepness=config.error_steepness if config.population_prior else -1.0,
        site_prior=config.site_prior,
        de_novo_rate=config.de_novo_rate,
        de_novo_probability=config.de_novo_probability,
        min_dp=config.min_dp,
        min_gq=config.min_gq,
        half_call_gq=config.half_call_gq,
        conflict_phred=config.conflict_phred,
        low_qual=config.low_qual,
        excess_het_phred=config.excess_het_phred,
        max_pl_alleles=config.max_pl_alleles,
        haploid_from_mother=sex_chromosome(contig) != "Y",
        keep_uncarried=config.keep_uncarried,
    )


def site_prefixes(
    sites: Sites, contig: str, star: NDArray[np.bool_], bases: NDArray[np.uint8], bases_start: int
) -> list[bytes]:
    """CHROM, POS, ID, REF and ALT columns of each site, each followed by a TAB."""
    lines = []
    for i in range(len(sites)):
        at = int(sites.pos[i]) - bases_start
        ref = bases[at : at + int(sites.ref_len[i])].tobytes()
        alts = [alt + ref[n:] for alt, n in zip(sites.alts[i], sites.alt_ref_lens[i], strict=True)]
        if star[i]:
            alts.append(b"*")
        lines.append(b"%s\t%d\t.\t%s\t%s\t" % (contig.encode(), sites.pos[i] + 1, ref, b",".join(alts)))
    return lines


def _flat(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    offsets = np.cumsum([0, *(len(text) for text in texts)]).astype(np.int64)
    return np.frombuffer(b"".join(texts), dtype=np.uint8), offsets
