"""Reads of one sample in some regions -> gVCF and VCF: the rooms from reads to calls, composed.

Work goes in chunks along the genome, small enough for memory. A chunk looks beyond its edges so far
that no group of overlapping alleles is cut; so neither chunks nor shards show in the output.
"""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.balance import by_haplotype
from deepcohort.calls.bias import site_bias
from deepcohort.calls.contamination import without_strangers
from deepcohort.calls.fragments import FragmentCollector, chunk_evidence, heterozygous_sites
from deepcohort.calls.genotype import genotype_sites, moved_positions, overlap_components, select_candidates
from deepcohort.calls.gvcf import CallsWriter
from deepcohort.calls.phase import same_site_phase
from deepcohort.calls.phased import write_phased
from deepcohort.calls.poor_bases import with_poor_bases
from deepcohort.calls.types import GenotypedSites, Known
from deepcohort.candidates.find import find_candidates, no_candidates
from deepcohort.candidates.types import CandidateEvidence, CandidateTable
from deepcohort.compose.job import CallJob, ShardConfig
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs, scratch_folder
from deepcohort.core.progress import track_bp
from deepcohort.core.region import Region, merge_regions
from deepcohort.core.stages import StageTimer
from deepcohort.formats.vcf_header import make_header
from deepcohort.known.ask import Asked, KnownFiles, stretches_of
from deepcohort.known.config import KnownConfig
from deepcohort.known.evidence import natural_odds
from deepcohort.known.io_known import KnownSites
from deepcohort.known.panel import panel_odds, share_of_novel, shifted
from deepcohort.model.few_reads import with_few_reads
from deepcohort.model.guard import held_back, surely_there
from deepcohort.model.places import with_places
from deepcohort.model.votes import with_votes
from deepcohort.paralogs.load import open_placed
from deepcohort.phase.archive import write_evidence
from deepcohort.phase.phaser import EvidenceInMemory, Phaser, PhaseSource
from deepcohort.pileup.encode import NEIGHBOUR_BP, Buffers, encode_examples, encode_pixels, feature_context_bp
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.types import LazyPredictor


@dataclass(frozen=True, slots=True)
class PreparedChunk:
    """A chunk ready for the model, with the evidence from which pixels can still be painted.

    Attributes:
        region: bases that the chunk answers for. evidence: of a region that holds it.
        rows: int64 (n,), rows of the evidence's table: candidates in `region`, and those outside
            whose alleles overlap with theirs. features: float32 (n, F) of these rows.
        table: these rows, and given alleles; known: of it. judged: int64 (n,), where `rows` stand in it.
        log10_odds: float64 (N, 2), frequency: float64 (N,), see `KnownEvidence`.
        codes: uint8 reference codes of `window`.
    """

    region: Region
    evidence: CandidateEvidence
    rows: NDArray[np.int64]
    table: CandidateTable
    features: NDArray[np.float32]
    codes: NDArray[np.uint8]
    window: Region
    judged: NDArray[np.int64]
    known: Known | None = None
    log10_odds: NDArray[np.float64] | None = None
    frequency: NDArray[np.float64] | None = None

    @property
    def n_bases(self) -> int:
        """Read bases that were looked at."""
        return len(self.evidence.reads.seq)


class ChunkPreparer:
    """Reads, candidates and examples of chunks; one per thread."""

    def __init__(self, job: CallJob, timer: StageTimer) -> None:
        self._job = job
        self._timer = timer
        self._source = open_placed(job.reads, job.reference, job.reads_config, job.paralogs)
        self._reference = ReferenceFasta(job.reference)
        lengths = self._reference.contig_lengths
        self._known = KnownFiles(job.alleles, job.panel, job.panel_population, lengths, job.known_config)

    def close(self) -> None:
        """Close the inputs."""
        self._source.close()
        self._reference.close()
        self._known.close()

    def prepare(self, region: Region) -> PreparedChunk:
        """Evidence and examples of `region`; looks farther until no group of alleles is cut."""
        job = self._job
        padding_bp = (
            job.candidates_config.max_indel_bp + feature_context_bp(job.pileup_config) + 2 * NEIGHBOUR_BP
        )
        while True:
            prepared = self._prepare_with_padding(region, padding_bp)
            if prepared is not None:
                return prepared
            padding_bp *= 2

    def _prepare_with_padding(self, region: Region, padding_bp: int) -> PreparedChunk | None:
        job, timer = self._job, self._timer
        contig_length = self._reference.contig_lengths[region.contig]
        padded_region = region.padded(padding_bp, contig_length)
        window = padded_region.padded(job.candidates_config.pad_bp, contig_length)
        with timer.stage("reference"):
            codes = self._reference.fetch_codes(window)
        with timer.stage("known alleles"):
            known = self._known.fetch(window, padded_region, codes)
        with timer.stage("reads"):
            near = None
            if job.second_look:
                assert known.given is not None
                near = stretches_of(known.given, window)
            reads = self._source.fetch(window, near)
        with timer.stage("candidates"):
            if job.second_look:
                evidence = no_candidates(reads, codes, window, padded_region)
            else:
                evidence = find_candidates(reads, codes, window, padded_region, job.candidates_config)
        with timer.stage("known alleles"):
            asked = self._known.ask(known, window, codes, evidence, job.candidates_config, job.second_look)
        table = evidence.table if asked is None else asked.found.table
        wanted, is_cut = rows_needed(
            table, region, padded_region, contig_length, codes, window.start,
            margin_bp=job.candidates_config.max_indel_bp + feature_context_bp(job.pileup_config),
            neighbour_bp=feature_context_bp(job.pileup_config),
        )  # fmt: skip
        if is_cut:
            return None
        if asked is None:
            rows, judged = wanted, np.arange(len(wanted))
        else:
            judged = np.flatnonzero(asked.found.shown[wanted] >= 0)
            rows = asked.found.shown[wanted[judged]]
        with timer.stage("features"):
            examples = encode_examples(
                evidence, codes, window, job.pileup_config, features_only=True, select=rows
            )
        timer.count("reads", len(reads))
        timer.count(MAPQ_ZERO, len(reads.mapq0_pos))
        timer.count("candidates", len(rows))
        chunk = PreparedChunk(
            region, evidence, rows, select_candidates(table, wanted), examples.features, codes, window, judged
        )
        return chunk if asked is None else self._with_known(chunk, asked, wanted)

    def _with_known(self, chunk: PreparedChunk, asked: Asked, wanted: NDArray[np.int64]) -> PreparedChunk:
        """`chunk`, whose table holds the rows `wanted` of what was asked, with what is known of them."""
        found, timer, region = asked.found, self._timer, chunk.region
        is_given = found.given[wanted]
        prior = np.where(is_given[:, None], natural_odds(chunk.table, self._job.known_config), 0.0)
        ids = tuple(found.ids[row] for row in wanted.tolist())
        known = Known(is_given, ids, found.shown[wanted] >= 0, prior, asked.panel is not None)
        inside = (chunk.table.pos >= region.start) & (chunk.table.pos < region.end)
        for kind, alleles in (("given", asked.given), ("panel", asked.panel)):
            if alleles is not None:
                own = is_given if kind == "given" else ~is_given & ~known.judged
                timer.count(f"{kind} alleles", int((own & inside).sum()))
                timer.count(SYMBOLIC.format(kind), alleles.n_symbolic(region))
                timer.count(LONG.format(kind), alleles.n_long(region))
        return replace(
            chunk, known=known, log10_odds=found.log10_odds[wanted], frequency=found.frequency[wanted]
        )


MAPQ_ZERO = "MAPQ 0 reads left out"
SYMBOLIC, LONG = "{} alleles that are no sequence or REF itself", "{} alleles that are too long"
_MAX_REACH_BP = 20_000


def rows_needed(
    table: CandidateTable,
    region: Region,
    padded_region: Region,
    contig_length: int,
    reference: NDArray[np.uint8],
    reference_start: int,
    margin_bp: int,
    neighbour_bp: int = NEIGHBOUR_BP,
) -> tuple[NDArray[np.int64], bool]:
    """Candidates whose group of overlapping alleles reaches into `region`, int64 ascending rows.

    The second value tells that such a group comes so near an edge of `padded_region` (where `table` was
    made) that more of it, or of what its features look at, may lie beyond: then look farther. Beyond
    20 kb nobody looks.
    """
    if len(table) == 0:
        return np.empty(0, dtype=np.int64), False
    group = overlap_components(table, reference, reference_start)
    ends = table.pos + table.ref_len
    inside = (table.pos < region.end) & (ends > region.start)
    wanted = np.zeros(group[-1] + 1, dtype=bool)
    wanted[group[inside]] = True
    rows = np.flatnonzero(wanted[group])
    if len(rows) == 0:
        return rows, False
    outside = table.pos[rows] < region.start
    near_left = padded_region.start > 0 and bool(
        (outside & (table.pos[rows] < padded_region.start + margin_bp)).any()
        and region.start - padded_region.start < _MAX_REACH_BP
    )
    near_right = padded_region.end < contig_length and bool(
        (ends[rows] > padded_region.end - neighbour_bp).any()
        and padded_region.end - region.end < _MAX_REACH_BP
    )
    return rows, near_left or near_right


class ChunkPlan:
    """Cuts regions into chunks whose length follows the depth seen so far."""

    def __init__(self, regions: Sequence[Region], config: ShardConfig) -> None:
        self._pending = deque(regions)
        self._config = config
        self._length = min(config.max_chunk_bp, max(config.min_chunk_bp, config.max_chunk_bp // 8))

    def __iter__(self) -> Iterator[Region]:
        while self._pending:
            region = self._pending.popleft()
            end = min(region.end, region.start + self._length)
            if end < region.end:
                self._pending.appendleft(Region(region.contig, end, region.end))
            yield Region(region.contig, region.start, end)

    def learn(self, chunk: PreparedChunk) -> None:
        """Adapt to the depth of a chunk: shrink at once, grow at most twofold."""
        config = self._config
        per_bp = chunk.n_bases / max(1, len(chunk.region))
        wanted = int(config.chunk_bases / max(per_bp, 1e-3))
        self._length = max(config.min_chunk_bp, min(config.max_chunk_bp, wanted, 2 * self._length))


def _prepared_chunks(job: CallJob, plan: ChunkPlan, timer: StageTimer) -> Iterator[PreparedChunk]:
    """Prepared chunks in genome order, by one or several threads."""
    with ExitStack() as stack:
        if job.shard_config.threads == 1:
            preparer = ChunkPreparer(job, timer)
            stack.callback(preparer.close)
            for region in plan:
                yield preparer.prepare(region)
            return
        local = threading.local()

        def prepare(region: Region) -> PreparedChunk:
            if not hasattr(local, "preparer"):
                local.preparer = ChunkPreparer(job, timer)
                stack.callback(local.preparer.close)
            return local.preparer.prepare(region)  # type: ignore[no-any-return]

        pool = stack.enter_context(ThreadPoolExecutor(job.shard_config.threads))
        waiting: deque[Future[PreparedChunk]] = deque()
        for region in plan:
            waiting.append(pool.submit(prepare, region))
            if len(waiting) > job.shard_config.threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _ShardWriter:
    """Gathers prepared chunks until the model has enough to do, then genotypes and writes them."""

    def __init__(
        self,
        job: CallJob,
        predictor: LazyPredictor,
        writer: CallsWriter,
        timer: StageTimer,
        collector: FragmentCollector | None = None,
    ) -> None:
        self._job, self._predictor, self._writer, self._timer = job, predictor, writer, timer
        self._collector = collector
        self._waiting: list[PreparedChunk] = []
        self._buffers = Buffers()
        self._n_examples = self._n_bases = self._n_bp = 0

    def add(self, chunk: PreparedChunk) -> None:
        """Take a chunk; write it now or with later ones."""
        config = self._job.shard_config
        self._waiting.append(chunk)
        self._n_examples += len(chunk.rows)
        self._n_bases += chunk.n_bases
        self._n_bp += len(chunk.region)
        if (
            self._n_examples >= config.batch_examples
            or self._n_bases >= config.waiting_bases
            or self._n_bp >= 4 * config.max_chunk_bp
        ):
            self.flush()

    def flush(self) -> None:
        """Predict, genotype and write all that waits."""
        if not self._waiting:
            return
        probabilities = self._balanced(self._predict())
        features = np.concatenate([chunk.features for chunk in self._waiting])
        probabilities, disputed = held_back(features, probabilities)
        first = 0
        for chunk in self._waiting:
            last = first + len(chunk.rows)
            self._write(chunk, probabilities[first:last], disputed[first:last])
            first = last
        self._waiting.clear()
        self._n_examples = self._n_bases = self._n_bp = 0

    def _balanced(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """`probabilities` of all that waits, float32 (N, 3), with what votes, poor bases, haplotypes say."""
        reads_config = self._job.reads_config
        parts, first = [], 0
        with self._timer.stage("haplotype balance"):
            for chunk in self._waiting:
                evidence, rows, features = chunk.evidence, chunk.rows, chunk.features
                own = probabilities[first : first + len(rows)]
                own = with_few_reads(features, own, reads_config.library)
                own = with_votes(features, own, reads_config.vote_errors)
                own = with_poor_bases(evidence, rows, own)
                if self._job.candidates_config.by_place:
                    own = with_places(evidence, rows, features, own)
                beyond = (features[:, F.alt_divergence] - features[:, F.ref_divergence]) / 10.0
                own = by_haplotype(evidence, rows, own, beyond, reads_config.library.depth)
                parts.append(without_strangers(evidence, rows, own, self._job.calls_config.contamination))
                first += len(own)
        return np.concatenate(parts)

    def _predict(self) -> NDArray[np.float32]:
        features = np.concatenate([chunk.features for chunk in self._waiting])
        if len(features) == 0:
            return np.empty((0, 3), dtype=np.float32)
        first = np.cumsum([0] + [len(chunk.rows) for chunk in self._waiting])

        def pixels_of(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            with self._timer.stage("pixels"):
                self._timer.count("painted", len(rows))
                parts = []
                for i, chunk in enumerate(self._waiting):
                    own = rows[(rows >= first[i]) & (rows < first[i + 1])] - first[i]
                    if len(own) == len(rows):
                        return self._paint(chunk, own, self._buffers)
                    if len(own):
                        parts.append(self._paint(chunk, own, None))
                return np.concatenate(parts)

        with self._timer.stage("model"):
            return self._predictor.predict_lazily(features, pixels_of)

    def _paint(
        self, chunk: PreparedChunk, own: NDArray[np.int64], buffers: Buffers | None
    ) -> NDArray[np.uint8]:
        select = chunk.rows[own]
        return encode_pixels(
            chunk.evidence, chunk.codes, chunk.window, self._job.pileup_config, select, buffers
        )

    def _write(
        self, chunk: PreparedChunk, probabilities: NDArray[np.float32], disputed: NDArray[np.bool_]
    ) -> None:
        job, table = self._job, chunk.table
        with self._timer.stage("genotype"):
            ploidy = job.ploidy.array(chunk.region)
            at = np.clip(table.pos - chunk.region.start, 0, len(ploidy) - 1)
            copies = ploidy[at]
            outside = np.flatnonzero((table.pos < chunk.region.start) | (table.pos >= chunk.region.end))
            for row in outside:
                pos = int(table.pos[row])
                copies[row] = job.ploidy.array(Region(table.contig, pos, pos + 1))[0]
            pairs, pair_reads = same_site_phase(chunk.evidence.table, chunk.evidence.support, chunk.rows)
            phase = chunk.judged[pairs], pair_reads
            known, posterior = _posterior(chunk, probabilities, copies, job)
            genotyped = genotype_sites(
                table, posterior, chunk.codes, chunk.window.start, copies, job.calls_config, phase,
                known,
            )  # fmt: skip
        with self._timer.stage("bias"):
            judged = table if known is None else select_candidates(table, chunk.judged)
            bias = site_bias(
                chunk.evidence, chunk.rows, judged, genotyped.sites.pos, chunk.codes, chunk.window.start
            )
        self._collect(chunk, judged, genotyped)
        self._timer.count("overlaps resolved", genotyped.n_overlaps_resolved)
        with self._timer.stage("write"):
            self._writer.write_chunk(
                chunk.region, chunk.evidence.counts, genotyped, chunk.codes, chunk.window.start, ploidy,
                moved_positions(table, chunk.codes, chunk.window.start)[chunk.judged[disputed]], bias,
            )  # fmt: skip

    def _collect(self, chunk: PreparedChunk, judged: CandidateTable, genotyped: GenotypedSites) -> None:
        """Keep what fragments say at the heterozygous sites, for phasing."""
        if self._collector is None:
            return
        with self._timer.stage("phase evidence"):
            config, sites = self._job.calls_config, genotyped.sites
            chosen = heterozygous_sites(sites, chunk.region, config, self._job.alleles_only)
            if len(chosen):
                self._collector.add(
                    chunk_evidence(
                        chunk.evidence, chunk.rows, judged, sites, chosen, chunk.codes, chunk.window.start
                    )
                )


def _posterior(
    chunk: PreparedChunk, probabilities: NDArray[np.float32], copies: NDArray[np.int8], job: CallJob
) -> tuple[Known | None, NDArray[np.floating]]:
    """What is known of the chunk's table, and its (N, 3) probabilities.

    Those of judged rows are the networks'; of others, reads and nature's rate. A panel shifts both, and what
    it shifts is no part of PL.
    """
    if chunk.known is None:
        return None, probabilities
    assert chunk.log10_odds is not None
    assert chunk.frequency is not None
    logs = natural_odds(chunk.table, job.known_config)
    logs[:, 1:] += chunk.log10_odds
    whole = 10.0 ** (logs - logs.max(axis=1, keepdims=True))
    whole /= whole.sum(axis=1, keepdims=True)
    whole[chunk.judged] = probabilities
    if not chunk.known.from_panel:
        return chunk.known, whole
    shift = panel_odds(chunk.table, chunk.frequency, copies, job.known_config, job.panel_novel)
    shift[chunk.known.given & np.isnan(chunk.frequency)] = 0.0
    made, ratio = shifted(whole, shift, job.calls_config.min_homref_gq)
    return replace(chunk.known, prior=chunk.known.prior + ratio), made


def sample_chunks(job: CallJob, regions: Sequence[Region]) -> list[PreparedChunk]:
    """Evidence and features of some regions, one chunk each."""
    preparer = ChunkPreparer(job, StageTimer())
    try:
        return [preparer.prepare(region) for region in regions]
    finally:
        preparer.close()


def _own_rows(chunk: PreparedChunk) -> NDArray[np.bool_]:
    """Which judged candidates of a chunk have their POS in its region, bool (n,)."""
    pos = chunk.evidence.table.pos[chunk.rows]
    return np.asarray((pos >= chunk.region.start) & (pos < chunk.region.end))


def features_for(chunks: Sequence[PreparedChunk]) -> NDArray[np.float32]:
    """Float32 (N, F): features of the candidates of `chunks`."""
    inside = [chunk.features[_own_rows(chunk)] for chunk in chunks]
    return np.concatenate(inside) if inside else np.empty((0, N_FEATURES), np.float32)


def novel_in(chunks: Sequence[PreparedChunk], config: KnownConfig) -> tuple[float, int]:
    """(Share of the sample's SNPs that the panel lacks, how many sure ones tell so)."""
    n = n_known = 0
    for chunk in chunks:
        if chunk.frequency is None:
            continue
        table = select_candidates(chunk.table, chunk.judged)
        sure = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1) & surely_there(chunk.features)
        sure &= _own_rows(chunk)
        n += int(sure.sum())
        n_known += int((sure & ~np.isnan(chunk.frequency[chunk.judged])).sum())
    return share_of_novel(n, n_known, config), n


def header_for(
    job: CallJob, predictor: LazyPredictor, contig_lengths: dict[str, int], gq_bands: Sequence[int] | None
) -> str:
    """Header text of the VCF of `job`, whose regions are in genome order, or of its gVCF with `gq_bands`."""
    phase = "" if job.phase is None else "pending" if job.phase_evidence is not None else "done"
    return make_header(
        job.sample,
        contig_lengths,
        job.regions,
        job.reference.name,
        predictor.name,
        predictor.version,
        gq_bands,
        job.notes,
        job.alleles is not None,
        phase,
    )


def call_shard(
    job: CallJob,
    predictor: LazyPredictor,
    timer: StageTimer | None = None,
    quiet: bool = False,
    is_temporary: bool = False,
) -> StageTimer:
    """Call one sample in the regions of `job` and write its files with their indexes.

    Args:
        is_temporary: gVCF and VCF are soon joined to others and removed.

    Raises:
        DeepcohortError: unreadable inputs, or outputs that cannot be written. Nothing is left half
            written.
    """
    timer = timer or StageTimer()
    with ReferenceFasta(job.reference) as reference:
        contig_lengths = reference.contig_lengths
    job = replace(job, regions=genome_order(job.regions, contig_lengths))
    finals = [path for path in (job.gvcf, job.vcf, job.phase_evidence) if path is not None]
    with atomic_outputs(*finals, partners=(".tbi", ".csi")) as temporaries, ExitStack() as stack:
        named = dict(zip(finals, temporaries, strict=True))
        own = replace(
            job, gvcf=job.gvcf and named[job.gvcf], vcf=job.vcf and named[job.vcf],
            phase_evidence=job.phase_evidence and named[job.phase_evidence],
        )  # fmt: skip
        if job.phase is None:
            _call(own, predictor, contig_lengths, timer, None, quiet, is_temporary)
            return timer
        collector = FragmentCollector(job.regions)
        if own.phase_evidence is not None:
            _call(own, predictor, contig_lengths, timer, collector, quiet, is_temporary)
            with timer.stage("phase"):
                write_evidence(own.phase_evidence, job.sample, job.regions, collector.evidence(), job.phase)
            return timer
        place = finals[0].parent
        folder = stack.enter_context(scratch_folder(f".tmp-{os.getpid()}.unphased-", place))
        unphased = replace(own, gvcf=own.gvcf and folder / "g.vcf.gz", vcf=own.vcf and folder / "vcf.gz")
        _call(unphased, predictor, contig_lengths, timer, collector, quiet, is_temporary=True)
        with timer.stage("phase"):
            phases = PhaseSource([EvidenceInMemory(collector.evidence())], job.phase)
            for source, final in ((unphased.gvcf, own.gvcf), (unphased.vcf, own.vcf)):
                if source is not None and final is not None:
                    n = write_phased(source, final, contig_lengths, Phaser(phases))
                    source.unlink()
        timer.count("phased sites", n)
    return timer


def _call(
    job: CallJob,
    predictor: LazyPredictor,
    contig_lengths: dict[str, int],
    timer: StageTimer,
    collector: FragmentCollector | None,
    quiet: bool,
    is_temporary: bool,
) -> None:
    """Call and write the gVCF and VCF of `job`, unphased, where it says; fills `collector`."""

    def output(path: Path | None, bands: Sequence[int] | None) -> tuple[Path, str] | None:
        if path is None:
            return None
        return path, header_for(job, predictor, contig_lengths, bands)

    with CallsWriter(
        contig_lengths,
        output(job.gvcf, job.calls_config.gq_bands),
        output(job.vcf, None),
        job.calls_config,
        job.alleles_only,
        is_temporary,
    ) as writer:
        regions = _regions_of_given(job, contig_lengths)
        plan = ChunkPlan(regions, job.shard_config)
        shard = _ShardWriter(job, predictor, writer, timer, collector)
        chunks = _prepared_chunks(job, plan, timer)
        n_bp, label = sum(map(len, regions)), f"calling {job.sample}"
        for chunk in track_bp(chunks, n_bp, label, lambda done: len(done.region), quiet):
            plan.learn(chunk)
            shard.add(chunk)
        shard.flush()
    timer.count("records", writer.n_records)


def _regions_of_given(job: CallJob, contig_lengths: dict[str, int]) -> Sequence[Region]:
    """The parts of the job's regions in which alleles are given, where others get no record."""
    if job.alleles is None or not job.alleles_only:
        return job.regions
    sites = KnownSites(job.alleles, contig_lengths, "--alleles", job.known_config)
    try:
        return sites.stretches(job.regions, _JOIN_GIVEN_BP)
    finally:
        sites.close()


_JOIN_GIVEN_BP = 2_000  # a chunk reads as much on both sides


def genome_order(regions: Sequence[Region], contigs: Iterable[str]) -> list[Region]:
    """Regions joined where they touch or overlap, in the order of the reference's `contigs`."""
    rank = {name: i for i, name in enumerate(contigs)}
    return sorted(merge_regions(regions), key=lambda region: (rank[region.contig], region.start))
