"""Reads to local haplotypes, window by window."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.columns import AlleleColumns, Int, Window
from deepcohort.candidates.realign.cigar_edit_kernels import rewrite_reads
from deepcohort.candidates.realign.columns import (
    BaseScores,
    CigarRoom,
    Held,
    LocalHaplotypes,
    MovingReads,
    ShownAlleles,
    Span,
    Spans,
)
from deepcohort.candidates.realign.fit_kernels import choose_haplotypes, find_anchor, fit_window
from deepcohort.candidates.realign.haplotype_alignment_kernels import realign_haplotype_to_reference
from deepcohort.candidates.realign.haplotype_kernels import (
    FLANK_BP,
    MAX_ALLELES,
    MAX_CHAINS,
    MAX_HAPLOTYPES,
    MAX_OPS,
    base_scores,
    build_haplotype,
    chain_masks,
    collect_masks,
    covered_alleles,
    half_table,
    indel_bits,
    read_mask,
)
from deepcohort.core.numba_options import borrowing_kernel, kernel

_SNP_PRIOR, _INDEL_PRIOR = -3.0, -3.5
_ASSEMBLED_PRIOR = -8.0  # so that the aligner's way of writing a haplotype wins over a new one
_MOVED_BP = 1_024  # farther than a realigned read's ends ever move from where they were sorted
MAX_READ_OPS = 512  # reads that come with more operations (long, noisy ones) stay as they are
_MOST_OPS = 4 * MAX_READ_OPS  # that realignment may make of them


class AlleleMarks(NamedTuple):
    """What is known of N alleles, each bool (N,).

    Attributes:
        assembled: no alignment shows it yet. supported: set for those of a chosen haplotype that reads speak
            clearly for.
    """

    assembled: NDArray[np.bool_]
    supported: NDArray[np.bool_]


class Bench(NamedTuple):
    """Tables and room that all windows use.

    Attributes:
        scores: of bases. half: float64 (129,), of half_table. haplotypes, cigar: room for them.
        masks: int64 (MAX_HAPLOTYPES,), chains: int64 (MAX_CHAINS,), chosen: int64 (2,), work space.
    """

    scores: BaseScores
    half: NDArray[np.float64]
    haplotypes: LocalHaplotypes
    cigar: CigarRoom
    masks: NDArray[np.int64]
    chains: NDArray[np.int64]
    chosen: NDArray[np.int64]


@kernel
def reads_of_window(start: Int, stop: Int, reads: MovingReads) -> NDArray[np.int64]:
    """Rows of the reads that reach [start, stop), contig positions, and may move: int64 (n,)."""
    row0 = np.searchsorted(reads.furthest_end, start - _MOVED_BP, side="right")
    rows = np.empty(len(reads.pos) - row0, np.int64)
    n = 0
    for row in range(row0, len(reads.pos)):
        if reads.pos[row] >= stop + _MOVED_BP:
            break
        n_ops = reads.op_last[row] - reads.op_first[row]
        if reads.pos[row] < stop and reads.end[row] > start and reads.may_move[row] and n_ops <= _MOST_OPS:
            rows[n] = row
            n += 1
    return rows[:n]


@kernel
def anchor_reads(
    rows: NDArray[np.int64], span: Span, alleles: AlleleColumns, shown: ShownAlleles, window_start: int,
    reads: MovingReads,
) -> tuple[Held, int]:  # fmt: skip
    """By which bases the reads `rows` int64 (n,) hang on to the window, and which alleles they show.

    Also how many reads span the window: all of its alleles are covered by those.
    """
    n = len(rows)
    held = Held(rows, np.empty((n, 6), np.int64), np.empty(n, np.int64), np.empty(n, np.int64))
    n_spanning = 0
    for r in range(n):
        row = rows[r]
        first = find_anchor(row, reads, window_start, span.start)
        last = find_anchor(row, reads, window_start, span.stop - 1)
        anchor = held.anchors[r]
        anchor[0], anchor[1], anchor[2] = first.op, first.at, first.query
        anchor[3], anchor[4], anchor[5] = last.op, last.at, last.query
        held.masks[r] = read_mask(row, span, alleles, shown, window_start, reads)
        if first.op >= 0 and last.op >= 0:
            held.covered[r] = (np.int64(1) << span.n_alleles) - 1
            n_spanning += 1
        else:
            held.covered[r] = covered_alleles(
                reads.pos[row] - window_start, reads.end[row] - window_start, span.first, span.n_alleles,
                alleles.pos, alleles.ref_len,
            )  # fmt: skip
    return held, n_spanning


@kernel
def spelled_before(haplotypes: NDArray[np.uint8], sizes: NDArray[np.int64], n: Int) -> Int:
    """First of haplotypes[:n] with the bases of haplotypes[n] (other alleles can spell them), -1 if none.

    `haplotypes`: uint8 (H, longest), base codes, of which sizes int64 (H,) count.
    """
    for k in range(n):
        if sizes[k] == sizes[n] and np.array_equal(haplotypes[k, : sizes[k]], haplotypes[n, : sizes[n]]):
            return k
    return -1


@borrowing_kernel
def _prior_of(
    mask: Int, span: Span, alleles: AlleleColumns, assembled: NDArray[np.bool_]
) -> tuple[float, Int]:
    """(log10 prior, bp of all ALTs) of the alleles of `mask`; `assembled` bool (N,)."""
    cost = 0.0
    extra: Int = 0
    for i in range(span.n_alleles):
        if (mask >> i) & 1:
            c = span.first + i
            n_alt = alleles.alt_offset[c + 1] - alleles.alt_offset[c]
            extra += n_alt
            if assembled[c]:
                cost += _ASSEMBLED_PRIOR
            else:
                cost += _SNP_PRIOR if n_alt == alleles.ref_len[c] else _INDEL_PRIOR
    return cost, extra


@kernel
def build_haplotypes(
    masks: NDArray[np.int64], span: Span, alleles: AlleleColumns, assembled: NDArray[np.bool_],
    reference: NDArray[np.uint8], out: LocalHaplotypes,
) -> Int:  # fmt: skip
    """Spell the haplotypes of `masks` that there is room for, each once, with their priors; how many.

    `masks`: int64 (m,), bits of alleles. `assembled`: bool (N,). `reference`: uint8 (L,), base codes.
    """
    n: Int = 0
    for mask in masks:
        cost, extra = _prior_of(mask, span, alleles, assembled)
        if span.stop - span.start + 2 * FLANK_BP + extra > out.bases.shape[1]:
            continue
        out.sizes[n], out.n_ops[n] = build_haplotype(
            mask, span, alleles, reference, out.bases[n], out.ops[n], out.lengths[n]
        )
        twin = spelled_before(out.bases, out.sizes, n)
        if twin >= 0:  # masks come by the number of their reads: the first spelling is the usual one
            out.prior[twin] = max(out.prior[twin], cost)
            continue
        out.prior[n] = cost
        out.masks[n] = mask
        n += 1
    return n


@kernel
def _make_bench(spans: Spans, alleles: AlleleColumns) -> Bench:
    """Room for the longest of the windows with the longest of the alleles."""
    longest = grown = 0
    for w in range(len(spans.start)):
        longest = max(longest, spans.stop[w] - spans.start[w])
    for c in range(len(alleles.pos)):
        grown = max(grown, alleles.alt_offset[c + 1] - alleles.alt_offset[c])
    haplotypes = LocalHaplotypes(
        np.empty((MAX_HAPLOTYPES, longest + 2 * FLANK_BP + grown * 8 + 64), np.uint8),
        np.empty(MAX_HAPLOTYPES, np.int64),
        np.empty((MAX_HAPLOTYPES, MAX_OPS), np.uint8),
        np.empty((MAX_HAPLOTYPES, MAX_OPS), np.int32),
        np.empty(MAX_HAPLOTYPES, np.int64),
        np.empty(MAX_HAPLOTYPES, np.int64),
        np.empty(MAX_HAPLOTYPES),
    )
    most = _MOST_OPS + MAX_OPS + 8
    cigar = CigarRoom(
        np.empty(most, np.uint8),
        np.empty(most, np.int32),
        np.empty(MAX_OPS + 8, np.uint8),
        np.empty(MAX_OPS + 8, np.int32),
    )
    return Bench(
        base_scores(), half_table(), haplotypes, cigar,
        np.empty(MAX_HAPLOTYPES, np.int64), np.empty(MAX_CHAINS, np.int64), np.empty(2, np.int64),
    )  # fmt: skip


@kernel
def _haplotypes_to_try(
    held: Held, n_spanning: Int, span: Span, alleles: AlleleColumns, bench: Bench
) -> NDArray[np.int64]:
    """Masks of the haplotypes that a window's reads are held against, int64 (m,), the reference first."""
    n_chains = 0
    n = len(held.rows)
    if span.n_alleles > 1 and 2 * n_spanning < n:  # few reads say what goes together
        n_chains = chain_masks(held.masks, held.covered, n, span.n_alleles, bench.chains)
    m = collect_masks(
        held.masks,
        held.covered,
        bench.chains[:n_chains],
        indel_bits(span, alleles),
        span.n_alleles,
        bench.masks,
    )
    return bench.masks[:m]


@kernel
def _respell(h: Int, span: Span, haplotypes: LocalHaplotypes, reference: NDArray[np.uint8]) -> None:
    """Write haplotype `h` anew if it has several alleles and a gap; `reference` uint8 (L,), base codes."""
    several = haplotypes.masks[h] & (haplotypes.masks[h] - 1) != 0
    if several and haplotypes.n_ops[h] > 1:
        haplotypes.n_ops[h] = realign_haplotype_to_reference(
            haplotypes.bases[h], FLANK_BP, haplotypes.sizes[h], reference, span.start, span.stop,
            haplotypes.ops[h], haplotypes.lengths[h], haplotypes.n_ops[h],
        )  # fmt: skip


@kernel
def _realign_window(
    span: Span, alleles: AlleleColumns, marks: AlleleMarks, shown: ShownAlleles, window: Window,
    reads: MovingReads, bench: Bench, n_used: Int,
) -> Int:  # fmt: skip
    """Realign the reads of one window; CIGAR operations used now, -1 when the room did not suffice."""
    rows = reads_of_window(span.start + window.start, span.stop + window.start, reads)
    if len(rows) == 0:
        return n_used
    held, n_spanning = anchor_reads(rows, span, alleles, shown, window.start, reads)
    masks = _haplotypes_to_try(held, n_spanning, span, alleles, bench)
    if len(masks) < 2:
        return n_used
    haplotypes = bench.haplotypes
    n_haplotypes = build_haplotypes(masks, span, alleles, marks.assembled, window.reference, haplotypes)
    fits = fit_window(
        held, span, n_haplotypes, haplotypes, window.reference, window.start, reads, bench.scores
    )
    pair = choose_haplotypes(fits.scores, haplotypes.prior, bench.half, bench.chosen)
    _respell(pair[0], span, haplotypes, window.reference)
    if pair[1] != pair[0]:
        _respell(pair[1], span, haplotypes, window.reference)
    n_used = rewrite_reads(held, span, pair, haplotypes, fits, window.start, reads, bench.cigar, n_used)
    for h in bench.chosen:
        if h >= 0:
            for i in range(span.n_alleles):
                marks.supported[span.first + i] |= (haplotypes.masks[h] >> i) & 1 == 1
    return n_used


@kernel
def realign_windows(
    spans: Spans, alleles: AlleleColumns, marks: AlleleMarks, shown: ShownAlleles, window: Window,
    reads: MovingReads, n_used: Int,
) -> Int:  # fmt: skip
    """Realign the reads of each window to its two best haplotypes.

    `n_used`: CIGAR operations of `reads` in use.

    Returns:
        Operations used, or -1 when the room did not suffice.
    """
    bench = _make_bench(spans, alleles)
    for w in range(len(spans.start)):
        n_alleles = min(spans.last[w] - spans.first[w], MAX_ALLELES)
        if n_alleles == 0:
            continue
        span = Span(spans.start[w], spans.stop[w], spans.first[w], n_alleles)
        n_used = _realign_window(span, alleles, marks, shown, window, reads, bench, n_used)
        if n_used < 0:
            return n_used
    return n_used


@kernel
def gather_operations(
    reads: MovingReads, offset: NDArray[np.int64], out_op: NDArray[np.uint8], out_len: NDArray[np.int32]
) -> None:
    """Copy each read's operations into CSR order.

    `offset`: int64 (R + 1,). `out_op`: uint8 (K,), `out_len`: int32 (K,), bp, with K = offset[R].
    """
    for row in range(len(reads.op_first)):
        out = offset[row]
        for k in range(reads.op_first[row], reads.op_last[row]):
            out_op[out] = reads.cigar_op[k]
            out_len[out] = reads.cigar_len[k]
            out += 1
