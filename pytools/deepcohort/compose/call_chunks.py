"""`deepcohort call` by several processes: long regions cut into chunks, called side by side, joined again.

Threads of one Python process stand in each other's way: 16 of them call a fifth of what 16 processes do.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from deepcohort.calls.merge import PieceJoiner
from deepcohort.compose.call_setup import CallRequest, make_job
from deepcohort.compose.call_shard import CallJob, call_shard, genome_order, header_for
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs, scratch_folder
from deepcohort.core.progress import track_bp
from deepcohort.core.region import Region
from deepcohort.core.stages import StageTimer
from deepcohort.phase.archive import open_evidence, write_evidence
from deepcohort.phase.phaser import Phaser, PhaseSource, joined_evidence
from deepcohort.phase.types import Evidence
from deepcohort.pileup.types import LazyPredictor

# A process takes some seconds to start, a chunk some hundredths; the last chunks leave cores idle.
MIN_PIECE_BP, MAX_PIECE_BP = 500_000, 5_000_000
_PIECES_PER_PROCESS = 6

Chunk = tuple[Region, ...]
_worker: tuple[CallJob, LazyPredictor] | DeepcohortError | None = None


def chunks_for(regions: Sequence[Region], processes: int) -> list[Chunk]:
    """`regions`, in order, cut into chunks of about the same length, several for each process."""
    length_bp = _length_bp(regions) // (processes * _PIECES_PER_PROCESS)
    length_bp = max(MIN_PIECE_BP, min(MAX_PIECE_BP, length_bp))
    chunks: list[Chunk] = []
    chunk: list[Region] = []
    room_bp = length_bp
    for region in regions:
        start = region.start
        while start < region.end:
            end = min(region.end, start + room_bp)
            chunk.append(Region(region.contig, start, end))
            room_bp -= end - start
            start = end
            if room_bp == 0:
                chunks.append(tuple(chunk))
                chunk, room_bp = [], length_bp
    return [*chunks, tuple(chunk)] if chunk else chunks


def call_in_chunks(request: CallRequest, job: CallJob, predictor: LazyPredictor, timer: StageTimer) -> bool:
    """Call by several processes where `request` allows them and its regions are long; whether it did.

    Raises:
        DeepcohortError: as `call_shard`. SystemExit: a process was killed, most often for memory.
    """
    if request.threads == 1:
        return False
    with ReferenceFasta(job.reference) as reference:
        contig_lengths = reference.contig_lengths
    job = replace(job, regions=genome_order(job.regions, contig_lengths))
    chunks = chunks_for(job.regions, request.threads)
    if len(chunks) == 1:
        return False
    outputs = [path for path in (job.gvcf, job.vcf, job.phase_evidence) if path is not None]
    with (
        atomic_outputs(*outputs, partners=(".tbi", ".csi")) as temporaries,
        scratch_folder(f".tmp-{os.getpid()}.chunks-", outputs[0].parent) as folder,
    ):
        named = dict(zip(outputs, temporaries, strict=True))
        joining = _OrderedJoiner(job, predictor, contig_lengths, chunks, named, folder)
        # the library is looked at once, not by each process again
        done = _run_pool(
            replace(request, known=(job.reads_config, job.notes, job.panel_novel)), chunks, folder
        )
        n_bp, label = _length_bp(job.regions), f"calling {job.sample}"
        for number, summary in track_bp(done, n_bp, label, lambda x: _length_bp(chunks[x[0]]), request.quiet):
            timer.absorb(summary)
            with timer.stage("join"):
                joining.add(number)
        joining.close()
    return True


def _length_bp(regions: Sequence[Region]) -> int:
    return sum(map(len, regions))


def _part(folder: Path, kind: str, number: int) -> Path:
    return folder / f"{number}.{kind}.gz"


def _evidence_part(folder: Path, number: int) -> Path:
    return folder / f"{number}.phase.npz"


class _ChunkEvidence:
    """Phase evidence of all chunks of a contig."""

    def __init__(self, chunks: Sequence[Chunk], folder: Path) -> None:
        self._folder = folder
        self._numbers: dict[str, list[int]] = {}
        for i, chunk in enumerate(chunks):
            for contig in dict.fromkeys(region.contig for region in chunk):
                self._numbers.setdefault(contig, []).append(i)

    def evidence(self, contig: str) -> Evidence | None:
        """Of a contig whose chunks are all called, or None where it has no site."""
        files = [open_evidence(_evidence_part(self._folder, i)) for i in self._numbers.get(contig, ())]
        parts = [part for file in files if (part := file.evidence(contig)) is not None]
        return joined_evidence(parts) if parts else None


def _needed(chunks: Sequence[Chunk], phased: bool) -> list[int]:
    """For each chunk the last one that must be called before it can be written: of its contigs, if phased."""
    last = {region.contig: i for i, chunk in enumerate(chunks) for region in chunk}
    return [max(last[region.contig] for region in chunk) if phased else i for i, chunk in enumerate(chunks)]


class _OrderedJoiner:
    """Joins chunks to the outputs while others are still called, each when those before it are in, and
    those of its contig where sites are phased: a block may be as long as that.

    Phase evidence that is asked for holds more at the edges of chunks than one process would write;
    nothing else depends on it.
    """

    def __init__(
        self,
        job: CallJob,
        predictor: LazyPredictor,
        contig_lengths: dict[str, int],
        chunks: Sequence[Chunk],
        named: Mapping[Path, Path],
        folder: Path,
    ) -> None:
        self._job, self._chunks, self._folder, self._named = job, chunks, folder, named
        self._called: set[int] = set()
        self._next = self._n_called = 0
        phased = job.phase is not None and job.phase_evidence is None
        self._needed = _needed(chunks, phased)
        phases = PhaseSource([_ChunkEvidence(chunks, folder)], job.phase)
        self._joiners = {
            kind: PieceJoiner(
                named[path], header_for(job, predictor, contig_lengths, bands), contig_lengths,
                Phaser(phases) if phased else None,
            )
            for kind, path, bands in (("g.vcf", job.gvcf, job.calls_config.gq_bands), ("vcf", job.vcf, None))
            if path is not None
        }  # fmt: skip

    def add(self, number: int) -> None:
        """Chunk `number` is called."""
        self._called.add(number)
        while self._n_called in self._called:
            self._n_called += 1
        while self._next < len(self._chunks) and self._needed[self._next] < self._n_called:
            for kind, joiner in self._joiners.items():
                path = _part(self._folder, kind, self._next)
                joiner.add(path, self._chunks[self._next])
                path.unlink()
            self._next += 1

    def close(self) -> None:
        """Finish the outputs."""
        for joiner in self._joiners.values():
            joiner.close()
        if self._job.phase_evidence is not None:
            source = _ChunkEvidence(self._chunks, self._folder)
            contigs = dict.fromkeys(region.contig for region in self._job.regions)
            found = [part for contig in contigs if (part := source.evidence(contig)) is not None]
            path = self._named[self._job.phase_evidence]
            write_evidence(path, self._job.sample, self._job.regions, found, self._job.phase)


def _run_pool(
    request: CallRequest, chunks: Sequence[Chunk], folder: Path
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers of chunks with what they cost, in the order in which they are done."""
    pool = ProcessPoolExecutor(
        min(request.threads, len(chunks)),
        mp_context=get_context("spawn"),
        initializer=_start_worker,
        initargs=(replace(request, threads=1, quiet=True), os.getpid()),
    )
    try:
        waiting: dict[Future[dict[str, Any]], int] = {
            pool.submit(_call_chunk, chunk, i, folder): i for i, chunk in enumerate(chunks)
        }
        for future in as_completed(waiting):
            yield waiting[future], future.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        print(
            "deepcohort: error: a process was killed, most often for want of memory; give fewer --threads "
            "(up to 800 MiB each)",
            file=sys.stderr,
        )
        # as if this process had been killed itself: schedulers know it, and may try again with more
        raise SystemExit(128 + signal.SIGKILL) from error
    finally:
        for process in multiprocessing.active_children():
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _start_worker(request: CallRequest, parent: int) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends the others
    threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    try:
        _worker = make_job(request)
    except DeepcohortError as error:  # told with the first chunk: a pool swallows what is raised here
        _worker = error


def _exit_with_parent(parent: int) -> None:
    """Nobody waits for the work of a process whose parent was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(128 + signal.SIGTERM)


def _call_chunk(chunk: Chunk, number: int, folder: Path) -> dict[str, Any]:
    assert _worker is not None
    if isinstance(_worker, DeepcohortError):
        raise _worker
    job, predictor = _worker
    timer = StageTimer()
    gvcf, vcf = (_part(folder, kind, number) for kind in ("g.vcf", "vcf"))
    evidence = None if job.phase is None else _evidence_part(folder, number)
    own = replace(job, regions=chunk, gvcf=job.gvcf and gvcf, vcf=job.vcf and vcf, phase_evidence=evidence)
    call_shard(own, predictor, timer, quiet=True, is_temporary=True)
    return timer.summary()
