"""Local realignment: reads to the haplotypes that the window's own alleles make up."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates import site_kernels
from deepcohort.candidates.assembly.assemble import add_alleles, assemble_alleles
from deepcohort.candidates.columns import Window
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts, add_reads, join_events
from deepcohort.candidates.realign import haplotype_kernels, window_kernels
from deepcohort.candidates.realign.columns import MovingReads, ShownAlleles, Spans
from deepcohort.candidates.select import Alleles, no_alleles, select_alleles, take_alleles
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch

_SKIP, _SOFT_CLIP = 3, 4  # CIGAR operations of BAM
_OPS_PER_READ = 3  # room for new CIGARs; more is made when it runs out
_Spans = tuple[NDArray[np.int64], NDArray[np.int64]]


class Realignment:
    """Realigns the reads of one window in place of their first alignment.

    Attributes:
        reads: with the alignment in force. counts: kept up to date (the object given is changed).
        changed: bool (R,), reads whose alignment changed.
        covered: bool (L,), positions of the window that were looked at.
        spelled: assembled alleles that reads speak for; an insertion so long that no read spans it
            shows in no CIGAR, only here.
    """

    def __init__(
        self,
        reads: ReadBatch,
        counts: WindowCounts,
        reference: NDArray[np.uint8],
        window: Region,
        config: CandidatesConfig,
    ) -> None:
        self.reads = reads
        self.counts = counts
        self.changed = np.zeros(len(reads), np.bool_)
        self.covered = np.zeros(len(reference), np.bool_)
        self.spelled = no_alleles()
        self._reference = reference
        self._window = window
        self._config = config
        self._may_move = _may_move(reads)
        self._loose = replace(
            config,
            min_count=config.realign_min_count,
            min_fraction_snp=config.realign_min_fraction_snp,
            min_fraction_indel=config.realign_min_fraction_indel,
            min_fraction_second_indel=0.0,
        )

    def run(self) -> "Realignment":
        """Realign to alleles that alignments show, then to those that clipped ends spell out."""
        if not len(self.reads):
            return self
        alleles, shown = self._alleles()
        assembled = np.zeros(len(alleles), np.bool_)
        before = self.reads
        self._realign(alleles, shown, assembled, self._windows(alleles))
        # what is still clipped has no allele in any alignment
        starts, ends = self._windows(no_alleles())
        found = self._assemble(self.reads, starts, ends)
        # a read with six more copies of a repeat, moved to the allele of one more, seems to lack five
        moved = self._windows_of_moved_clips(starts, ends)
        if len(moved):
            found, _ = add_alleles(found, self._assemble(before, starts[moved], ends[moved]))
        if not len(found):
            return self
        alleles, shown = self._alleles()
        alleles, row_of = add_alleles(alleles, found)
        assembled = np.ones(len(alleles), np.bool_)
        assembled[row_of] = False
        shown = np.append(row_of, -1)[shown]
        supported = self._realign(
            alleles, shown, assembled, windows_with(assembled, self._windows(alleles), alleles)
        )
        self.spelled = take_alleles(alleles, np.flatnonzero(supported & assembled))
        return self

    def _assemble(self, reads: ReadBatch, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Alleles:
        return assemble_alleles(reads, self.counts, starts, ends, self._reference, self._window, self._config)

    def _windows_of_moved_clips(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Rows of the windows where reads are clipped that got another alignment."""
        reads, rows = self.reads, np.flatnonzero(self.changed)
        if not len(rows) or not len(starts):
            return np.empty(0, np.int64)
        first_op, last_op = reads.cigar_offset[rows], reads.cigar_offset[rows + 1] - 1
        breaks = np.concatenate(
            (
                reads.pos[rows[reads.cigar_op[first_op] == _SOFT_CLIP]] - 1,
                reads.end[rows[reads.cigar_op[last_op] == _SOFT_CLIP]],
            )
        )
        at = breaks - self._window.start
        window = np.searchsorted(starts, at, side="right") - 1
        return np.unique(window[(window >= 0) & (at < ends[window])])

    def _alleles(self) -> tuple[Alleles, NDArray[np.int64]]:
        """Alleles for haplotypes, and the row of each indel event among them."""
        return select_alleles(self.counts, self.reads, self._reference, 0, len(self._reference), self._loose)

    def _windows(self, alleles: Alleles) -> _Spans:
        """(starts, ends), relative, of stretches around `alleles` and clipped reads.

        A stretch depends on reads nearby alone, and long ones are cut at absolute positions, so
        that shards never show.
        """
        config, counts = self._config, self.counts
        each = np.arange(len(alleles) + 1, dtype=np.int64)
        resync = site_kernels.site_repeats(alleles.pos, each, alleles.columns, self._reference).resync
        rules = haplotype_kernels.TroubleRules(
            config.realign_margin_bp,
            config.realign_min_clips,
            config.realign_min_clip_fraction,
            config.realign_crowded_bp,
        )
        trouble = haplotype_kernels.mark_trouble(alleles.columns, resync, counts.tallies, rules)
        starts, ends = haplotype_kernels.cut_windows(
            trouble, self._window.start, config.realign_longest_bp, config.realign_longest_bp // 2
        )
        return starts, ends

    def _realign(
        self, alleles: Alleles, shown: NDArray[np.int64], assembled: NDArray[np.bool_], spans: _Spans
    ) -> NDArray[np.bool_]:
        """Realign within `spans`; which alleles reads speak for, bool (N,)."""
        supported = np.zeros(len(alleles), np.bool_)
        if not len(spans[0]):
            return supported
        for first, last in zip(spans[0].tolist(), spans[1].tolist(), strict=True):
            self.covered[first:last] = True
        now = np.zeros(len(self.reads), np.bool_)
        aligned = self._realign_windows(alleles, shown, assembled, spans, now, supported)
        if now.any():
            self._recount(aligned, now)
        self.reads = aligned
        self.changed |= now
        return supported

    def _recount(self, aligned: ReadBatch, now: NDArray[np.bool_]) -> None:
        """Take the changed reads out of the counts as they were, and add them as they are.

        Their mates too: which of the two counts a deletion depends on where both lie.
        """
        again, mates = now.copy(), self.reads.mate[now]
        again[mates[mates >= 0]] = True
        rows = np.flatnonzero(again)
        counts, fixed = self.counts, (self._reference, self._window, self._config)
        add_reads(self.reads, rows, *fixed, -1, counts)
        kept = counts.indels.take(~again[counts.indels.read])
        counts.indels = join_events([kept, add_reads(aligned, rows, *fixed, 1, counts)])

    def _realign_windows(
        self,
        alleles: Alleles,
        shown: NDArray[np.int64],
        assembled: NDArray[np.bool_],
        spans: _Spans,
        now: NDArray[np.bool_],
        supported: NDArray[np.bool_],
    ) -> ReadBatch:
        reads = self.reads
        n_ops = len(reads.cigar_op)
        room = n_ops + _OPS_PER_READ * len(reads) + 4096
        # an allele belongs to a window that holds its anchor and what follows
        within = Spans(
            *spans, np.searchsorted(alleles.pos, spans[0] + 1), np.searchsorted(alleles.pos, spans[1] - 1)
        )
        marks = window_kernels.AlleleMarks(assembled, supported)
        by_read = _alleles_by_read(self.counts, shown, len(reads))
        window = Window(self._reference, self._window.start)
        while True:
            moving = _moving_reads(reads, room, now, self._may_move)
            supported[:] = False
            used = window_kernels.realign_windows(
                within, alleles.columns, marks, by_read, window, moving, n_ops
            )
            if used >= 0:
                break
            room *= 2
        offset = np.zeros(len(reads) + 1, np.int64)
        np.cumsum(moving.op_last - moving.op_first, out=offset[1:])
        out_op, out_len = np.empty(int(offset[-1]), np.uint8), np.empty(int(offset[-1]), np.int32)
        window_kernels.gather_operations(moving, offset, out_op, out_len)
        return replace(
            reads,
            pos=moving.pos,
            end=moving.end,
            cigar_op=out_op,
            cigar_len=out_len,
            cigar_offset=offset,
        )


def _may_move(reads: ReadBatch) -> NDArray[np.bool_]:
    """Which reads have few operations and skip nothing (N): haplotypes know no introns. Bool (R,).

    By their operations before any is realigned: how many they are then depends on the windows looked at.
    """
    may_move = np.asarray(np.diff(reads.cigar_offset) <= window_kernels.MAX_READ_OPS)
    skips = np.flatnonzero(reads.cigar_op == _SKIP)
    may_move[np.searchsorted(reads.cigar_offset, skips, side="right") - 1] = False
    return may_move


def _moving_reads(
    reads: ReadBatch, room: int, changed: NDArray[np.bool_], may_move: NDArray[np.bool_]
) -> MovingReads:
    """`reads` as aligned, with room for so many CIGAR operations; `changed` bool (R,) becomes False."""
    n_ops = len(reads.cigar_op)
    cigar_op, cigar_len = np.empty(room, np.uint8), np.empty(room, np.int32)
    cigar_op[:n_ops], cigar_len[:n_ops] = reads.cigar_op, reads.cigar_len
    changed[:] = False
    return MovingReads(
        pos=reads.pos.copy(),
        end=reads.end.copy(),
        furthest_end=np.maximum.accumulate(reads.end),
        seq=reads.seq,
        qual=reads.own_qual,
        seq_offset=reads.seq_offset,
        cigar_op=cigar_op,
        cigar_len=cigar_len,
        op_first=reads.cigar_offset[:-1].copy(),
        op_last=reads.cigar_offset[1:].copy(),
        changed=changed,
        may_move=may_move,
    )


def windows_with(wanted: NDArray[np.bool_], spans: _Spans, alleles: Alleles) -> _Spans:
    """Those of `spans` that hold a `wanted` allele."""
    starts, ends = spans
    before = np.concatenate([[0], np.cumsum(wanted)])
    held = before[np.searchsorted(alleles.pos, ends - 1)] > before[np.searchsorted(alleles.pos, starts + 1)]
    return starts[held], ends[held]


def _alleles_by_read(counts: WindowCounts, event_allele: NDArray[np.int64], n_reads: int) -> ShownAlleles:
    """Indel alleles that the alignment of each read shows."""
    known = event_allele >= 0
    read, allele = counts.indels.read[known], event_allele[known]
    order = np.argsort(read, kind="stable")
    offset = np.zeros(n_reads + 1, np.int64)
    np.cumsum(np.bincount(read, minlength=n_reads), out=offset[1:])
    return ShownAlleles(allele[order], offset)
