"""Which alleles are worth a closer look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates import kernels
from deepcohort.candidates.columns import AlleleColumns
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import WindowCounts
from deepcohort.candidates.single_indel_kernels import NOISE, Indels, indel_kinds
from deepcohort.candidates.site_kernels import BEHIND_BP
from deepcohort.reads.copy_kernels import MOST_PHRED
from deepcohort.reads.types import ReadBatch


@dataclass(slots=True)
class Alleles:
    """N alleles sorted by (pos, ref_len, alt length, alt), positions relative to the window.

    Attributes: as in CandidateTable.
    """

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    alt_seq: NDArray[np.uint8]
    alt_offset: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pos)

    @property
    def columns(self) -> AlleleColumns:
        """For kernels; nothing is copied."""
        return AlleleColumns(self.pos, self.ref_len, self.alt_seq, self.alt_offset)

    @property
    def is_indel(self) -> NDArray[np.bool_]:
        """Whether REF and ALT differ in length, bool (N,)."""
        return np.diff(self.alt_offset) != self.ref_len


def no_alleles() -> Alleles:
    """An empty table."""
    return Alleles(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8), np.zeros(1, np.int64))


def allele_keys(alleles: Alleles) -> list[tuple[int, int, int, bytes]]:
    """Of each allele (pos, ref_len, alt length, alt): what makes it the same as another, and their order."""
    text = alleles.alt_seq.tobytes()
    offset = alleles.alt_offset.tolist()
    pos, ref_len = alleles.pos.tolist(), alleles.ref_len.tolist()
    return [
        (pos[i], ref_len[i], offset[i + 1] - offset[i], text[offset[i] : offset[i + 1]])
        for i in range(len(alleles))
    ]


def take_alleles(alleles: Alleles, rows: NDArray[np.int64]) -> Alleles:
    """The alleles `rows`."""
    lengths = np.diff(alleles.alt_offset)[rows]
    offset = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=offset[1:])
    bases = np.repeat(alleles.alt_offset[rows] - offset[:-1], lengths) + np.arange(int(offset[-1]))
    return Alleles(alleles.pos[rows], alleles.ref_len[rows], alleles.alt_seq[bases], offset)


def select_alleles(
    counts: WindowCounts,
    reads: ReadBatch,
    reference: NDArray[np.uint8],
    first: int,
    last: int,
    config: CandidatesConfig,
) -> tuple[Alleles, NDArray[np.int64]]:
    """Alleles with POS in [first, last) of the window that enough fragments show.

    Also, for each event of `counts.indels`, the row of its allele or -1, int64 (E,).
    """
    snp_pos, snp_base = _snps(counts, reference, first, last, config)
    group, pos, length, key, source, moved = _indels(counts, reads, reference, first, last, config)
    n_snps, n_indels = len(snp_pos), len(pos)
    is_indel = np.repeat([False, True], [n_snps, n_indels])
    all_pos = np.concatenate([snp_pos, pos])
    all_length = np.concatenate([np.zeros(n_snps, np.int64), length.astype(np.int64)])
    all_key = np.concatenate([snp_base.astype(np.uint64), key])
    ref_len = np.where(all_length < 0, 1 - all_length, 1)
    alt_len = np.where(all_length > 0, 1 + all_length, 1)
    order = np.lexsort((all_key, alt_len, ref_len, all_pos))
    alt_offset = np.zeros(len(order) + 1, np.int64)
    np.cumsum(alt_len[order], out=alt_offset[1:])
    no_snp = np.zeros(n_snps, np.int64)
    n, n_bases = len(order), int(alt_offset[-1])
    alleles = Alleles(all_pos[order], np.empty(n, np.int32), np.empty(n_bases, np.uint8), alt_offset)
    spellings = kernels.Spellings(
        is_indel=is_indel[order],
        length=all_length[order],
        base=np.concatenate([snp_base, np.zeros(n_indels, np.uint8)])[order],
        source=np.concatenate([no_snp, source])[order],
        moved=np.concatenate([no_snp, moved])[order],
    )
    kernels.write_alleles(spellings, reference, reads.seq, alleles.columns)
    by_spelling = _by_spelling(alleles)
    if by_spelling is not None:
        alleles, order = take_alleles(alleles, by_spelling), order[by_spelling]
    row_of = np.empty(len(order), np.int64)
    row_of[order] = np.arange(len(order))
    event_allele = np.append(row_of[n_snps:], -1)[group]
    return alleles, event_allele


def _by_spelling(alleles: Alleles) -> NDArray[np.int64] | None:
    """Rows of alleles in order, int64 (N,), where keys of long insertions, which are hashes, put some in
    another; else None."""
    length = np.diff(alleles.alt_offset)
    same = (np.diff(alleles.pos) == 0) & (np.diff(alleles.ref_len) == 0) & (np.diff(length) == 0)
    if not (same & (length[1:] > kernels.MOST_KEYED_BP + 1)).any():
        return None
    keys = allele_keys(alleles)
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _snps(
    counts: WindowCounts, reference: NDArray[np.uint8], first: int, last: int, config: CandidatesConfig
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    capacity = 1024
    het_like = kernels.find_het_like(
        counts.tallies,
        max(0, first - config.phase_bp),
        min(len(reference), last + config.phase_bp),
        config.min_count,
    )
    rules = kernels.SnpRules(
        min_count=config.min_count,
        min_fraction=config.min_fraction_snp,
        single_depth=config.single_max_depth,
        single_cpg_depth=config.single_cpg_max_depth,
        single_phased_depth=config.single_phased_max_depth,
        phase_bp=config.phase_bp,
    )
    while True:
        pos, base = np.empty(capacity, np.int64), np.empty(capacity, np.uint8)
        n = kernels.find_snps(counts.tallies, reference, first, last, rules, het_like, pos, base)
        if n <= capacity:
            return pos[:n], base[:n]
        capacity = n


def _indels(
    counts: WindowCounts,
    reads: ReadBatch,
    reference: NDArray[np.uint8],
    first: int,
    last: int,
    config: CandidatesConfig,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.uint64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    """Row of each event's indel among the good ones, or -1, int64 (E,); and of the good ones: pos,
    length, key, where the inserted bases lie in reads.seq, bp moved left.
    """
    events = counts.indels
    n = len(events)
    group = np.empty(n, np.int64)
    fragments = np.empty(n, np.int32)
    n_groups = kernels.group_indels(
        events.columns, reads.mate, group, fragments, np.full(len(reads), -1, np.int64)
    )
    leader = np.searchsorted(group, np.arange(n_groups))
    pos = events.pos[leader]
    depth = counts.n_total[np.clip(pos, 0, len(counts.n_total) - 1)]
    inside = (pos >= first) & (pos < last)
    beside = _beside_bases(pos, reference)
    good = _enough(fragments[:n_groups], depth, pos, inside & beside, inside, config)
    source = (reads.seq_offset[events.read[leader]] + events.index[leader] + 1).astype(np.int64)
    length, moved = events.length[leader].astype(np.int64), events.moved[leader].astype(np.int64)
    good &= ~kernels.misread_insertions(pos, length, fragments[:n_groups], source, moved, reads.seq)
    few = inside & beside & ~good & (fragments[:n_groups] == 1) & (depth <= config.single_indel_max_depth)
    if config.single_indel_max_depth and few.any():
        indels = Indels(pos, length, source, moved, reads.seq)
        voted = config.single_indel_voted & (reads.qual[source - 1] >= MOST_PHRED)
        good |= _worth_a_look(good, few, indels, reference, voted)
    renumbered = np.where(good, np.cumsum(good) - 1, -1)
    leader, source = leader[good], source[good]
    return (
        renumbered[group] if n_groups else group,
        events.pos[leader],
        events.length[leader],
        events.key[leader],
        source,
        events.moved[leader].astype(np.int64),
    )


def _enough(
    fragments: NDArray[np.int32],
    depth: NDArray[np.int32],
    pos: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    config: CandidatesConfig,
) -> NDArray[np.bool_]:
    """Whether enough of the fragments show each of G indels, bool (G,); all arguments (G,).

    Of those `inside`, fewer are enough on the anchor of one of the `wanted` that passes.
    """
    good = wanted & (fragments >= config.min_count) & (fragments >= config.min_fraction_indel * depth)
    second = inside & (fragments >= config.min_fraction_second_indel * depth)
    return np.asarray(good | second & np.isin(pos, pos[good]))


def _worth_a_look(
    good: NDArray[np.bool_],
    few: NDArray[np.bool_],
    indels: Indels,
    reference: NDArray[np.uint8],
    voted: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which of the indels that one read shows, `few` bool (G,), may be candidates, bool (G,): those of copies
    that agree, `voted` bool (G,), and others that change a repeat or two bases and more.

    None in or beside the repeat of one of the `good`, bool (G,): reads there are held against both, and
    most of the few are errors.
    """
    rows, good_rows = np.flatnonzero(few), np.flatnonzero(good)
    kinds, ends = indel_kinds(rows, indels, reference)
    farthest = np.maximum.accumulate(np.append(-1, indel_kinds(good_rows, indels, reference)[1] + BEHIND_BP))
    before = np.searchsorted(indels.at[good_rows], ends + BEHIND_BP)  # good ones that begin before it ends
    out = np.zeros(len(few), np.bool_)
    out[rows[(voted[rows] | (kinds != NOISE)) & (farthest[before] <= indels.at[rows])]] = True
    return out


def _beside_bases(pos: NDArray[np.int64], reference: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the base at each `pos` or the one after it is known: not amid an assembly gap, bool (E,)."""
    last = len(reference) - 1
    return (reference[np.clip(pos, 0, last)] < 4) | (reference[np.clip(pos + 1, 0, last)] < 4)
