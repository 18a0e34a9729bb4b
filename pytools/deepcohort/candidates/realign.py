"""Local realignment: reads to the haplotypes that the window's own alleles make up."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates import haplotype_kernels, realign_kernels, support_kernels
from deepcohort.candidates.assembly import add_alleles, assemble_alleles
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts, add_reads, join_events
from deepcohort.candidates.select import Alleles, select_alleles
from deepcohort.core.region import Region
from deepcohort.reads.types import ReadBatch

_OPS_PER_READ = 12  # room for new CIGARs per read and window; more is made when it runs out


def realign_reads(
    reads: ReadBatch,
    counts: WindowCounts,
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> tuple[ReadBatch, NDArray[np.bool_], NDArray[np.bool_]]:
    """(reads with the alignment in force, changed bool (R,), realigned windows bool (L,)).

    `counts` are brought up to date in place.
    """
    changed = np.zeros(len(reads), np.bool_)
    covered = np.zeros(len(reference), np.bool_)
    if not len(reads):
        return reads, changed, covered
    loose = replace(
        config,
        min_count=config.realign_min_count,
        min_fraction_snp=config.realign_min_fraction_snp,
        min_fraction_indel=config.realign_min_fraction_indel,
    )
    alleles, event_allele = select_alleles(counts, reads, reference, 0, len(reference), loose)
    spans = choose_windows(alleles, counts, reference, window, config)
    assembled = np.zeros(len(alleles), np.bool_)
    reads = _realign(
        reads, counts, alleles, event_allele, assembled, reference, window, spans, config, changed, covered
    )
    # what is still clipped has no allele in any alignment: let the clipped ends spell it out
    spans = clipped_windows(counts, window, config)
    found = assemble_alleles(reads, counts, *spans, reference, window, config)
    if len(found):
        alleles, event_allele = select_alleles(counts, reads, reference, 0, len(reference), loose)
        alleles, row_of = add_alleles(alleles, found)
        assembled = np.ones(len(alleles), np.bool_)
        assembled[row_of] = False
        event_allele = np.append(row_of, -1)[event_allele]
        spans = windows_with(assembled, choose_windows(alleles, counts, reference, window, config), alleles)
        reads = _realign(
            reads,
            counts,
            alleles,
            event_allele,
            assembled,
            reference,
            window,
            spans,
            config,
            changed,
            covered,
        )
    return reads, changed, covered


def choose_windows(
    alleles: Alleles,
    counts: WindowCounts,
    reference: NDArray[np.uint8],
    window: Region,
    config: CandidatesConfig,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(starts, ends) relative to `window` of the stretches where reads may need realigning.

    A stretch depends on reads nearby alone, and long ones are cut at absolute positions, so that
    shards never show.
    """
    each = np.arange(len(alleles) + 1, dtype=np.int64)
    resync, _, _ = support_kernels.site_repeats(
        alleles.pos, each, alleles.ref_len, alleles.alt_offset, alleles.alt_seq, reference
    )
    trouble = haplotype_kernels.mark_trouble(
        alleles.pos, alleles.ref_len, alleles.alt_offset, resync, counts.clip_count, counts.n_total,
        config.realign_margin_bp, config.realign_min_clips, config.realign_min_clip_fraction,
        config.realign_crowded_bp,
    )  # fmt: skip
    starts, ends = haplotype_kernels.cut_windows(
        trouble, window.start, config.realign_longest_bp, config.realign_longest_bp // 2
    )
    return starts, ends


def clipped_windows(
    counts: WindowCounts, window: Region, config: CandidatesConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(starts, ends) of the stretches around clip clusters alone."""
    none = np.empty(0, np.int64)
    trouble = haplotype_kernels.mark_trouble(
        none, none.astype(np.int32), np.zeros(1, np.int64), none, counts.clip_count, counts.n_total,
        config.realign_margin_bp, config.realign_min_clips, config.realign_min_clip_fraction,
        config.realign_crowded_bp,
    )  # fmt: skip
    starts, ends = haplotype_kernels.cut_windows(
        trouble, window.start, config.realign_longest_bp, config.realign_longest_bp // 2
    )
    return starts, ends


def windows_with(
    wanted: NDArray[np.bool_], spans: tuple[NDArray[np.int64], NDArray[np.int64]], alleles: Alleles
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Those of `spans` that hold a `wanted` allele."""
    starts, ends = spans
    before = np.concatenate([[0], np.cumsum(wanted)])
    held = before[np.searchsorted(alleles.pos, ends - 1)] > before[np.searchsorted(alleles.pos, starts + 1)]
    return starts[held], ends[held]


def _realign(
    reads: ReadBatch,
    counts: WindowCounts,
    alleles: Alleles,
    event_allele: NDArray[np.int64],
    assembled: NDArray[np.bool_],
    reference: NDArray[np.uint8],
    window: Region,
    spans: tuple[NDArray[np.int64], NDArray[np.int64]],
    config: CandidatesConfig,
    changed: NDArray[np.bool_],
    covered: NDArray[np.bool_],
) -> ReadBatch:
    """Realign within `spans`, and bring counts, changed and covered up to date."""
    starts, ends = spans
    if not len(starts):
        return reads
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        covered[first:last] = True
    now = np.zeros(len(reads), np.bool_)
    aligned = _realign_windows(
        reads, counts, alleles, event_allele, assembled, reference, window, starts, ends, now
    )
    if now.any():
        rows = np.flatnonzero(now)
        add_reads(reads, rows, reference, window, config, -1, counts)
        kept = counts.indels.take(~now[counts.indels.read])
        counts.indels = join_events([kept, add_reads(aligned, rows, reference, window, config, 1, counts)])
        changed |= now
    return aligned


def _realign_windows(
    reads: ReadBatch,
    counts: WindowCounts,
    alleles: Alleles,
    event_allele: NDArray[np.int64],
    assembled: NDArray[np.bool_],
    reference: NDArray[np.uint8],
    window: Region,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    changed: NDArray[np.bool_],
) -> ReadBatch:
    shown, shown_offset = _alleles_by_read(counts, event_allele, len(reads))
    n_ops = len(reads.cigar_op)
    room = n_ops + _OPS_PER_READ * len(reads) // 4 + 4096
    furthest_end = np.maximum.accumulate(reads.end)
    allele_first = np.searchsorted(alleles.pos, starts + 1)
    # an allele belongs to a window that holds its anchor and its last base
    allele_last = np.searchsorted(alleles.pos, ends - 1)
    while True:
        pos, end = reads.pos.copy(), reads.end.copy()
        cigar_op, cigar_len = np.empty(room, np.uint8), np.empty(room, np.int32)
        cigar_op[:n_ops], cigar_len[:n_ops] = reads.cigar_op, reads.cigar_len
        op_first, op_last = reads.cigar_offset[:-1].copy(), reads.cigar_offset[1:].copy()
        changed[:] = False
        used = realign_kernels.realign_windows(
            starts, ends, allele_first, allele_last, alleles.pos, alleles.ref_len, alleles.alt_offset,
            alleles.alt_seq, assembled, shown, shown_offset, reference, window.start, furthest_end, pos, end,
            reads.seq, reads.qual, reads.seq_offset, cigar_op, cigar_len, op_first, op_last, n_ops, changed,
        )  # fmt: skip
        if used >= 0:
            break
        room *= 2
    offset = np.zeros(len(reads) + 1, np.int64)
    np.cumsum(op_last - op_first, out=offset[1:])
    out_op, out_len = np.empty(int(offset[-1]), np.uint8), np.empty(int(offset[-1]), np.int32)
    realign_kernels.gather_operations(op_first, op_last, cigar_op, cigar_len, offset, out_op, out_len)
    return replace(reads, pos=pos, end=end, cigar_op=out_op, cigar_len=out_len, cigar_offset=offset)


def _alleles_by_read(
    counts: WindowCounts, event_allele: NDArray[np.int64], n_reads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """CSR by read of the indel alleles that its alignment shows."""
    known = event_allele >= 0
    read, allele = counts.indels.read[known], event_allele[known]
    order = np.argsort(read, kind="stable")
    offset = np.zeros(n_reads + 1, np.int64)
    np.cumsum(np.bincount(read, minlength=n_reads), out=offset[1:])
    return allele[order], offset
