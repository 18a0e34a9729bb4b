"""Learning a short-read profile from real reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.simulate.io_learn import LearnReads, read_for_learning
from deepcohort.simulate.kernels import MAX_COPIES, MAX_UNIT, find_tracts
from deepcohort.simulate.kernels_learn import count_bases, count_slips, count_transitions, pile_up
from deepcohort.simulate.profile import IlluminaProfile, cumulative

MIN_MAPQ = 30
MIN_BASES = 100_000
_N_GROUPS, _N_BINS, _TRIM = 5, 8, 3
_FLANK = 4  # bp a read must reach beyond a tract
_GC_BINS = 21


@dataclass(frozen=True, slots=True)
class Evidence:
    """One contig of one BAM, made ready for counting. `masked` bool (L,): do not learn here."""

    reads: LearnReads
    use: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    mate: NDArray[np.int64]
    end: NDArray[np.int64]
    masked: NDArray[np.bool_]
    pile: NDArray[np.int32]

    @property
    def cigar(self) -> tuple[NDArray, NDArray, NDArray]:
        """CIGAR columns as kernels take them."""
        return self.reads.cigar_op, self.reads.cigar_len, self.reads.cigar_offset


def gather_evidence(bams: list[Path], reference: Path, truth: Path | None = None) -> list[Evidence]:
    """Reads of `bams` with likely variants masked.

    Raises:
        DeepcohortError: see read_for_learning; or too few reads.
    """
    with ReferenceFasta(reference) as fasta:
        found = [_prepare(reads) for bam in bams for reads in read_for_learning(bam, fasta, truth)]
    n_used = sum(int(np.diff(e.reads.offset)[e.use].sum()) for e in found)
    if not any((e.reads.reference < 4).mean() > 0.2 for e in found):
        raise DeepcohortError(f"{reference} holds only N where {bams[0]} has reads; give the full reference")
    if n_used < MIN_BASES:
        raise DeepcohortError(
            f"{', '.join(map(str, bams))}: {n_used} bases in reads of MAPQ {MIN_MAPQ} or more; "
            f"a profile needs {MIN_BASES}, give more reads"
        )
    return found


def _prepare(reads: LearnReads) -> Evidence:
    use = (reads.mapq >= MIN_MAPQ) & (reads.flag & 0xD00 == 0)
    reverse = (reads.flag & 0x10) > 0
    on_reference = np.isin(reads.cigar_op, (0, 2, 3, 7, 8)) * reads.cigar_len
    total = np.concatenate([[0], np.cumsum(on_reference)])
    end = reads.pos + total[reads.cigar_offset[1:]] - total[reads.cigar_offset[:-1]]
    pile = pile_up(
        reads.pos, use, reverse, reads.seq, reads.offset, reads.cigar_op, reads.cigar_len,
        reads.cigar_offset, len(reads.reference),
    )  # fmt: skip
    masked = reads.truth | likely_variants(pile, reads.reference)
    return Evidence(reads, use, reverse, (reads.flag >> 7) & 1, end, masked, pile)


def likely_variants(pile: NDArray[np.int32], reference: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Bases that look like true variation, with their neighbours, bool (L,)."""
    both = pile.sum(axis=1)
    bases = both[:, :4].copy()
    depth = bases.sum(axis=1) + both[:, 4]
    known = reference < 4
    bases[np.flatnonzero(known), reference[known]] = 0
    alt = bases.max(axis=1)
    snp = ((alt >= 3) & (alt > 0.2 * depth)) | ((alt >= 2) & (alt > 0.3 * depth))
    gap = both[:, 4:].max(axis=1)
    indel = (gap >= 3) & (gap > 0.25 * depth)
    return _widen(snp, 2) | _widen(indel, 8)


def _widen(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    return np.convolve(mask, np.ones(2 * by + 1, np.int64), mode="same") > 0


def learn_illumina(evidence: list[Evidence]) -> IlluminaProfile:
    """Profile of paired short reads.

    Raises:
        DeepcohortError: reads are not of one prevailing length.
    """
    lengths = np.concatenate([np.diff(e.reads.offset)[e.use] for e in evidence])
    cycles = int(np.bincount(lengths).argmax())
    if cycles > 400 or cycles < 25:
        raise DeepcohortError(f"most reads have {cycles} bases; this is for short reads of 25 to 400 bp")
    hot_density, hot_quantiles, hot_masks = _hot_spots(evidence)
    by_cycle, by_context = _base_counts(evidence, hot_masks, cycles)
    quals = np.flatnonzero(by_cycle[..., 0].sum(axis=(0, 1)) > 0).astype(np.uint8)
    sub_rate = _substitution_rate(by_cycle.sum(axis=(0, 1))[quals], quals)
    counts = by_context[:, quals]
    context_factor, sub_cdf = context_model(counts.sum(axis=1), (counts.sum(axis=2) * sub_rate).sum(axis=1))
    slip_del, slip_ins, slip_more = learn_slips(evidence)
    quality = _quality_model(evidence, quals, cycles)
    insert_quantiles, gc_weight, duplicate_rate, chimera_rate = _fragment_model(evidence)
    return IlluminaProfile(
        quals, *quality, sub_rate, _cycle_factor(by_cycle[:, :, quals], sub_rate),
        context_factor, sub_cdf, slip_del, slip_ins, slip_more, insert_quantiles, gc_weight,
        hot_quantiles, cumulative(by_cycle[..., 1].sum(axis=(0, 1))[quals] + 0.01),
        hot_density, duplicate_rate, chimera_rate,
    )  # fmt: skip


def _base_counts(
    evidence: list[Evidence], hot_masks: list[NDArray[np.bool_]], cycles: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums of count_bases over all evidence."""
    parts = [
        count_bases(
            e.reads.reference, e.masked | hot, e.reads.pos, e.use, e.mate, e.reverse, e.reads.seq,
            e.reads.qual, e.reads.offset, *e.cigar, cycles, _TRIM,
        )
        for e, hot in zip(evidence, hot_masks, strict=True)
    ]  # fmt: skip
    return sum(p[0] for p in parts), sum(p[1] for p in parts)  # type: ignore[return-value]


def _substitution_rate(counts: NDArray[np.int64], quals: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Errors per base by quality; sparse ones lean on what the quality promises."""
    promised = np.clip(10 ** (quals.astype(np.float64) / -10.0), 2e-5, 0.6)
    promised *= counts[:, 1].sum() / (counts[:, 0] * promised).sum()
    return ((counts[:, 1] + 100 * promised) / (counts[:, 0] + 100)).astype(np.float32)


def _cycle_factor(by_cycle: NDArray[np.int64], sub_rate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Observed over expected errors by mate and cycle, smoothed over five cycles; weighted mean 1."""
    expected = (by_cycle[..., 0] * sub_rate).sum(axis=2)
    errors = by_cycle[..., 1].sum(axis=2)
    window = np.ones(5)
    smooth = [
        (np.convolve(o, window, "same") + 10) / (np.convolve(x, window, "same") + 10)
        for o, x in zip(errors, expected, strict=True)
    ]
    return np.array(smooth, np.float32)


def context_model(
    read_as: NDArray[np.integer] | NDArray[np.floating], expected: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor on the error rate, float32 (64,), and base read instead, float32 (64, 4), by context.

    From counts of the base read, (64, 4), and the errors that qualities alone predict, (64,).
    """
    right = np.arange(64) % 4
    wrong = read_as.astype(np.float64)
    wrong[np.arange(64), right] = 0
    factor = (wrong.sum(axis=1) + 10) / (expected + 10)
    by_base = np.array([wrong[right == b].sum(axis=0) for b in range(4)]) + 1
    by_base /= by_base.sum(axis=1, keepdims=True)
    weights = wrong + 6 * by_base[right]
    weights[np.arange(64), right] = 0
    return factor.astype(np.float32), cumulative(weights)


def _hot_spots(evidence: list[Evidence]) -> tuple[float, NDArray[np.float32], list[NDArray[np.bool_]]]:
    """Density of sites where one strand errs systematically, their rates' quantiles, and where."""
    rates, examined, masks = [], 0, []
    for e in evidence:
        bases = e.pile[:, :, :4].astype(np.float64)
        depth = bases.sum(axis=2)
        known = np.flatnonzero(e.reads.reference < 4)
        bases[known, :, e.reads.reference[known]] = 0
        top = bases.max(axis=2)
        share = top / np.maximum(depth, 1)
        able = (depth >= 8) & ~e.masked[:, None]
        mean = bases[able].sum() / max(1.0, depth[able].sum()) / 3
        # three errors alike on one strand, far beyond chance, and not on the other
        hot = able & (top >= 3) & (top > 8 * mean * depth) & (share > 2.5 * share[:, ::-1])
        examined += int(able.sum())
        rates.append(share[hot])
        masks.append(hot.any(axis=1))
    found = np.sort(np.concatenate(rates))
    if len(found) < 3:
        return 0.0, np.linspace(0.08, 0.3, 9, dtype=np.float32), masks
    return (
        len(found) / max(1, examined),
        np.quantile(found, np.linspace(0, 1, 17)).astype(np.float32),
        masks,
    )


def learn_slips(
    evidence: list[Evidence],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Loss and gain rates by slippage index, and the chance of each further unit by unit length."""
    n_index = MAX_UNIT * MAX_COPIES
    passages = np.zeros(n_index)
    changes = np.zeros((n_index, 2))
    more = np.zeros((MAX_UNIT, 2))
    for e in evidence:
        left, _ = find_tracts(e.reads.reference)
        starts = np.flatnonzero(left)
        index = left[starts].astype(np.int64)
        ends = starts + (index // MAX_COPIES + 1) * (index % MAX_COPIES)
        covered = np.concatenate([[0], np.cumsum(e.reads.truth)])
        blocked = covered[np.minimum(ends + 1, len(left))] > covered[starts - (starts > 0)]
        for _ in range(2):  # first to find tracts whose true length differs, then without them
            n, change, per_tract = count_slips(
                starts, ends, index, blocked, e.reads.pos, e.end, e.use, *e.cigar, n_index, _FLANK
            )
            worst = per_tract.max(axis=1)
            blocked = blocked | ((worst >= 3) & (worst > (0.2 + 0.012 * (index % MAX_COPIES)) * n))
        passages += np.bincount(index, weights=n, minlength=n_index)
        changes += change.sum(axis=2)
        by_unit = change.reshape(MAX_UNIT, MAX_COPIES, 2, -1).sum(axis=(1, 2))
        more[:, 0] += by_unit[:, 2:] @ np.arange(1, by_unit.shape[1] - 1)
        more[:, 1] += by_unit[:, 1:] @ np.arange(1, by_unit.shape[1])
    loss, gain = (smooth_slips(passages, changes[:, side]) for side in range(2))
    return loss, gain, ((more[:, 0] + 2) / (more[:, 1] + 10)).astype(np.float32)


def smooth_slips(
    passages: NDArray[np.float64], changes: NDArray[np.float64], floor: float = 1e-6, growth: float = 1.45
) -> NDArray[np.float32]:
    """Rates by slippage index that grow with copies, from passages and changes by index.

    Where the data are thin, a guess counts as three events: `growth` per copy from `floor`, scaled
    to the unit's total.
    """
    rates = np.zeros((MAX_UNIT, MAX_COPIES))
    copies = np.arange(MAX_COPIES)
    for unit in range(MAX_UNIT):
        n = passages.reshape(MAX_UNIT, MAX_COPIES)[unit]
        k = changes.reshape(MAX_UNIT, MAX_COPIES)[unit]
        first = 1 if unit == 0 else 3
        start = floor if unit == 0 else max(floor, 2e-5 / unit)
        guess = np.minimum(0.12, start * growth ** np.minimum(copies, 24))
        guess = np.minimum(0.3, guess * (k.sum() + 3) / ((n * guess).sum() + 3))
        rate = np.minimum(0.35, (k + 3) / (n + 3 / np.maximum(guess, 1e-9)))
        rates[unit, first:] = np.maximum.accumulate(rate[first:])
    return rates.reshape(-1).astype(np.float32)


def _quality_model(evidence: list[Evidence], quals: NDArray[np.uint8], cycles: int) -> tuple:
    """(class_cdf, mate_class_cdf, start_cdf, trans_cdf, cycle_bin) of IlluminaProfile."""
    full = [e.use & (np.diff(e.reads.offset) == cycles) for e in evidence]
    means = [np.add.reduceat(e.reads.qual, e.reads.offset[:-1], dtype=np.float64) / cycles for e in evidence]
    edges = np.quantile(
        np.concatenate([m[f] for m, f in zip(means, full, strict=True)]), [0.04, 0.15, 0.4, 0.75]
    )
    groups = [np.searchsorted(edges, m) for m in means]
    index = np.zeros(256, np.int64)
    index[: len(index)] = np.clip(np.searchsorted(quals, np.arange(256)), 0, len(quals) - 1)
    cycle_bin = (np.arange(cycles) * _N_BINS // cycles).astype(np.int64)
    parts = [
        count_transitions(
            f, e.mate, g, e.reverse, e.reads.qual, e.reads.offset, index, cycle_bin, _N_GROUPS, len(quals)
        )
        for e, f, g in zip(evidence, full, groups, strict=True)
    ]
    first = sum(p[0] for p in parts)
    steps = sum(p[1] for p in parts)
    pooled = steps.sum(axis=2, keepdims=True) + 0.5 * steps.sum(axis=(1, 2), keepdims=True) / _N_GROUPS
    pooled = pooled + 1e-3 * np.eye(len(quals))
    steps = steps + 25 * pooled / pooled.sum(axis=-1, keepdims=True)
    steps = steps / steps.sum(axis=-1, keepdims=True)
    steps[steps < 1.5e-4] = 0
    mates = _mate_groups(evidence, groups, full)
    return (
        cumulative(mates.sum(axis=1)),
        cumulative(mates),
        cumulative(first + 0.05 * first.sum(axis=1, keepdims=True) / _N_GROUPS + 1e-6),
        cumulative(steps),
        cycle_bin.astype(np.int16),
    )


def _mate_groups(
    evidence: list[Evidence], groups: list[NDArray[np.int64]], full: list[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """How often read 1 of class i has a mate of class j, float64 (G, G), never zero."""
    table = np.full((_N_GROUPS, _N_GROUPS), 0.5)
    for e, group, f in zip(evidence, groups, full, strict=True):
        first, second = np.flatnonzero(f & (e.mate == 0)), np.flatnonzero(f & (e.mate == 1))
        _, a, b = np.intersect1d(e.reads.name[first], e.reads.name[second], return_indices=True)
        np.add.at(table, (group[first[a]], group[second[b]]), 1)
    return table


def _fragment_model(
    evidence: list[Evidence],
) -> tuple[NDArray[np.float32], NDArray[np.float32], float, float]:
    """(insert_quantiles, gc_weight, duplicate_rate, chimera_rate) of IlluminaProfile."""
    sizes = np.concatenate(
        [e.reads.tlen[e.use & (e.reads.tlen > 0) & (e.reads.flag & 2 > 0)] for e in evidence]
    )
    sizes = sizes[(sizes > 20) & (sizes < 2_000)]
    if len(sizes) < 100:
        raise DeepcohortError("fewer than 100 proper pairs; a short-read profile needs paired reads")
    typical = int(np.median(sizes))
    seen, there = np.zeros(_GC_BINS), np.zeros(_GC_BINS)
    primary = duplicates = paired = odd = 0
    for e in evidence:
        reference = e.reads.reference
        gc = np.concatenate([[0], np.cumsum((reference == 1) | (reference == 2))])
        start = np.arange(max(0, len(reference) - typical))
        bins = ((gc[start + typical] - gc[start]) / typical * (_GC_BINS - 1) + 0.5).astype(int)
        there += np.bincount(bins, minlength=_GC_BINS)
        left = e.reads.pos[e.use & (e.reads.tlen > 0) & (e.reads.flag & 2 > 0)]
        seen += np.bincount(bins[left[left < len(bins)]], minlength=_GC_BINS)
        good = (e.reads.flag & 0x900 == 0) & (e.reads.mapq >= MIN_MAPQ)
        primary += int(good.sum())
        duplicates += int((good & (e.reads.flag & 0x400 > 0)).sum())
        both = good & (e.reads.flag & 0x8 == 0)
        paired += int(both.sum())
        odd += int((both & (~e.reads.mate_near | (np.abs(e.reads.tlen) > 10_000))).sum())
    mean = seen.sum() / there.sum()
    weight = (seen + 2_000 * mean) / (there + 2_000) / mean
    grid = np.linspace(0, 1, 101)
    return (
        np.quantile(sizes, grid).astype(np.float32),
        weight.astype(np.float32),
        duplicates / max(1, primary),
        min(0.02, odd / max(1, paired)),
    )
