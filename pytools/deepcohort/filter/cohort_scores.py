"""Scores of a cohort's genotypes, sample by sample, by one process or several."""

import signal
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from deepcohort.candidates.sample import SampleSettings, settings_for
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.filter.alleles import RecordAlleles
from deepcohort.filter.blocks import Block
from deepcohort.filter.caller_classifier import CallerClassifier
from deepcohort.filter.config import FilterConfig
from deepcohort.filter.genotypes import carriers
from deepcohort.filter.score import Scorer
from deepcohort.pileup.types import LazyPredictor
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import ReadSource, open_reads

_MOST_OPEN = 16  # samples whose files are open at once, in each process
_BATCH_BLOCKS, _BATCH_BYTES = 32, 32 << 20

# of one genotype: log10 odds that it is right, and that each of its ALTs (from 0) is there
Score = tuple[float, dict[int, float]]


@dataclass(frozen=True, slots=True)
class SampleReads:
    """Where a sample's reads are (nowhere: no files), and by what they were made."""

    sample: str
    files: tuple[Path, ...]
    platform: str = "illumina"


@dataclass(frozen=True, slots=True)
class CohortInputs:
    """What every process needs.

    Attributes:
        samples: in the order of the VCF's columns. predictor: of a platform; may be sent to a process.
        head: a filter trained without the caller's annotations; its odds that a genotype is right stand for
            those that its ALTs are there too, which are no smaller.
    """

    reference: Path
    samples: tuple[SampleReads, ...]
    predictor: Callable[[str], LazyPredictor]
    config: FilterConfig
    head: CallerClassifier | None = None

    @property
    def unread(self) -> frozenset[int]:
        """Samples (from 0) without reads."""
        return frozenset(i for i, sample in enumerate(self.samples) if not sample.files)


@dataclass(frozen=True, slots=True)
class LineScores:
    """Of one record: scores of its carriers by sample (from 0), and how many carriers have none."""

    scores: Mapping[int, Score]
    n_unscored: int


class SampleScorers:
    """Scorers of a cohort's samples; few have their files open at a time."""

    def __init__(self, inputs: CohortInputs) -> None:
        self._inputs = inputs
        self._reference = ReferenceFasta(inputs.reference)
        self._predictors: dict[str, LazyPredictor] = {}
        self._settings: dict[int, SampleSettings] = {}
        self._open: OrderedDict[int, tuple[ReadSource, ExitStack]] = OrderedDict()

    def score(
        self, sample: int, stretches: Sequence[tuple[str, Sequence[RecordAlleles]]]
    ) -> list[list[Score | None]]:
        """Scores of a sample's genotypes in stretches of contigs; None where nothing can be said."""
        source, platform = self._source(sample), self._inputs.samples[sample].platform
        predictor = self._predictors.get(platform) or self._inputs.predictor(platform)
        self._predictors[platform] = predictor
        candidates = self._settings[sample].candidates
        scorer = Scorer(source, self._reference, predictor, self._inputs.config, candidates)
        found = []
        for contig, records in stretches:
            judged = scorer.judge(contig, records, np.empty((len(records), 0)))
            head = self._inputs.head
            log_odds, alts = judged.log_odds, judged.alts
            if head is not None:
                log_odds = head.score(judged.inputs)
                alts = tuple(dict.fromkeys(a, float(s)) for a, s in zip(alts, log_odds, strict=True))
            rows = zip(judged.known.tolist(), log_odds.tolist(), alts, strict=True)
            found.append([(odds, told) if known else None for known, odds, told in rows])
        return found

    def _source(self, sample: int) -> ReadSource:
        if sample in self._open:
            self._open.move_to_end(sample)
            return self._open[sample][0]
        while len(self._open) >= _MOST_OPEN:
            self._open.popitem(last=False)[1][1].close()
        reads, reference = self._inputs.samples[sample], self._inputs.reference
        if sample not in self._settings:
            own = ReadsConfig(sample=reads.sample)
            self._settings[sample] = settings_for(reads.files, reference, reads.platform, own)
        stack = ExitStack()
        source = stack.enter_context(open_reads(reads.files, reference, self._settings[sample].reads))
        check_owner(reads, source.sample_names, {s.sample for s in self._inputs.samples})
        self._open[sample] = source, stack
        return source

    def close(self) -> None:
        """Close all files."""
        for _, stack in self._open.values():
            stack.close()
        self._open.clear()
        self._reference.close()


def check_owner(reads: SampleReads, held: Sequence[str], cohort: Set[str]) -> None:
    """See that a sample's reads are not those of another sample of the cohort.

    A lone name that no sample has is let pass: people rename.

    Raises:
        DeepcohortError: they are, by their read groups.
    """
    others = sorted(cohort & set(held)) if reads.sample not in held else []
    if others:
        raise DeepcohortError(
            f"{reads.files[0]} is given as reads of {reads.sample}, but its read groups (SM) name "
            f"{others[0]}, another sample of the VCF; give each sample its own reads"
        )


_worker: SampleScorers | None = None


def _start(inputs: CohortInputs) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends the others
    _worker = SampleScorers(inputs)


def _score(sample: int, stretches: Sequence[tuple[str, Sequence[RecordAlleles]]]) -> list[list[Score | None]]:
    assert _worker is not None
    return _worker.score(sample, stretches)


def scored_blocks(
    blocks: Iterable[Block], inputs: CohortInputs, threads: int
) -> Iterator[tuple[Block, list[LineScores]]]:
    """Each block with the scores of each of its own lines' genotypes.

    Raises:
        DeepcohortError: unreadable reads, or a process was killed, most often for memory.
    """
    if threads == 1 or len(inputs.samples) == 1:
        scorers = SampleScorers(inputs)
        try:
            for batch in _batches(blocks):
                work = _work_of(batch, inputs.unread)
                done = {sample: scorers.score(sample, stretches) for sample, stretches in work.items()}
                yield from _gathered(batch, done)
        finally:
            scorers.close()
        return
    yield from _by_processes(blocks, inputs, min(threads, len(inputs.samples)))


def _by_processes(
    blocks: Iterable[Block], inputs: CohortInputs, n: int
) -> Iterator[tuple[Block, list[LineScores]]]:
    """A sample is always scored by the same process, which has its files open."""
    context = get_context("spawn")
    pools = [
        ProcessPoolExecutor(1, mp_context=context, initializer=_start, initargs=(inputs,)) for _ in range(n)
    ]

    def wait(
        batch: list[Block], running: dict[int, Future[list[list[Score | None]]]]
    ) -> Iterator[tuple[Block, list[LineScores]]]:
        yield from _gathered(batch, {sample: future.result() for sample, future in running.items()})

    try:
        before = None
        for batch in _batches(blocks):  # the next is read while one is scored
            work = _work_of(batch, inputs.unread)
            running = {s: pools[s % n].submit(_score, s, stretches) for s, stretches in work.items()}
            if before is not None:
                yield from wait(*before)
            before = batch, running
        if before is not None:
            yield from wait(*before)
    except BrokenProcessPool as error:
        raise DeepcohortError(
            "a process was killed, most often for want of memory; give fewer --threads (up to 800 MiB each)"
        ) from error
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _batches(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    batch: list[Block] = []
    size = 0
    for block in blocks:
        batch.append(block)
        size += sum(map(len, block.lines))
        if len(batch) == _BATCH_BLOCKS or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


Stretch = tuple[str, list[RecordAlleles]]


def _work_of(batch: Sequence[Block], unread: frozenset[int]) -> dict[int, list[Stretch]]:
    """What each sample that has reads carries in each block, context included."""
    work: dict[int, list[Stretch]] = {}
    for number, block in enumerate(batch):
        for line in block.lines:
            for sample, record in carriers(line.rstrip(b"\r").split(b"\t")).items():
                if sample in unread:
                    continue
                stretches = work.setdefault(sample, [])
                while len(stretches) <= number:
                    stretches.append((batch[len(stretches)].contig, []))
                stretches[number][1].append(record)
    return work


def _gathered(
    batch: Sequence[Block], done: Mapping[int, Sequence[Sequence[Score | None]]]
) -> Iterator[tuple[Block, list[LineScores]]]:
    """Scores by sample put back to lines."""
    for number, block in enumerate(batch):
        queues = {s: iter(found[number]) for s, found in done.items() if number < len(found)}
        rows = []
        for line in block.lines:
            held = carriers(line.rstrip(b"\r").split(b"\t"))
            told = {sample: next(queues[sample]) for sample in held if sample in queues}
            scores = {sample: score for sample, score in told.items() if score is not None}
            rows.append(LineScores(scores, len(held) - len(scores)))
        yield block, rows[block.first : block.last]
